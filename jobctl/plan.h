/* SPDX-License-Identifier: ISC */
/* Plans: many jobs in a file, a line each, that are submitted all or not at all. */
#ifndef JOBCTL_PLAN_H
#define JOBCTL_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "jobctl/verb.h"

/* What a job waits for: another of the plan, or one that jobd has. */
struct plan_after {
	bool in_plan;
	size_t job;	/* in_plan: its place in the file, from 0 */
	int64_t id;	/* else: its number */
	const char *on; /* "ok", "failed", "any" */
};

struct plan_job {
	unsigned long line;
	json_t *job; /* as NewJob is, without after */
	struct plan_after *after;
	size_t nafter;
};

struct plan_mistake {
	unsigned long line;
	size_t number; /* in which order they were found */
	char *text;
};

struct plan {
	struct plan_job *jobs; /* in the file's order */
	size_t n, cap;
	size_t *order; /* places in jobs: what is waited for comes first; else the file's order.
			  NULL where there are mistakes */
	struct plan_mistake *mistakes; /* by line */
	size_t nmistakes, mistakes_cap;
	uint64_t now_us; /* what its times are told from */
	bool failed;	 /* no memory */
};

/*
 * Reads a plan: checks every line, finds what is waited for, and settles the order. All mistakes
 * are gathered. 0; -ENOMEM; -errno of reading. plan_fini is due in any case.
 */
int plan_read(FILE *file, struct plan *p);
void plan_fini(struct plan *p);

/* Settles the order of what was read, for plan_read: what waits for itself is a mistake. */
void plan_settle_order(struct plan *p);

/* Adds a mistake. */
void plan_mistake(struct plan *p, unsigned long line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Submits the plan that --plan names, as large as it may be; repeated when the connection breaks,
 * it makes nothing twice. *ids: the new jobs' numbers, in the file's order, the caller's.
 * CODE_DONE, or what went wrong, said.
 */
enum code plan_submit(struct ctl *c, json_t **ids);

#endif
