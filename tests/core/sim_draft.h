/* SPDX-License-Identifier: ISC */
/* New jobs and edits, thrown: as the engine wants them and as the model does. */
#ifndef TESTS_SIM_DRAFT_H
#define TESTS_SIM_DRAFT_H

#include "sim_model.h"

/* NAME=value for each rule that is given. */
struct rule_text {
	char text[SIM_RULES][40];
	char *v[SIM_RULES + 1];
};

struct draft {
	struct job job;
	struct mjob m;
	struct job_after after[AFTER_MOST];
	struct submission s;
	struct edit x;
	struct actor who;
	char text[120]; /* for a person */
};

struct actor draft_actor(unsigned user);
/* Each rule is given with that chance; with queues' rules, or those of jobs alone. */
void draft_throw_rules(int8_t rules[SIM_RULES], unsigned percent, bool of_queues);
char *const *draft_rules(struct rule_text *t, const int8_t rules[SIM_RULES]);
/* A submission of this user's, in a batch (0: none). */
void draft_make(struct draft *d, uint64_t batch, unsigned user);
/* Makes an edit of it: some of the fields. */
void draft_edit(struct draft *d);
void draft_free(struct draft *d);

#endif
