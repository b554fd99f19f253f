/* SPDX-License-Identifier: ISC */
/*
 * jobd/api with a connection and an engine that the test plays: a call goes in as JSON, and out come its
 * answer and what core was told.
 */
#ifndef TESTS_API_RIG_H
#define TESTS_API_RIG_H

#include <jansson.h>

#include "jobd/api/api.h"
#include "jobd/api/common.h"
#include "jobd/core/queues.h"
#include "lib/varlink_handlers.h"

/* A job that core was told of. */
struct told {
	struct job job;
	char **env;
	uint64_t env_of;
	struct job_after after[16];
	size_t nafter;
	bool hold;
};

/* The engine, as the test wants it and as it was used. */
struct played {
	/* queues: default is open to all, closed to the users and groups of rules */
	struct rules closed;
	struct template *template; /* the only one, or NULL */
	bool runtime;		   /* it was made at run time */
	enum engine_result found;  /* what engine_get and engine_why say */
	struct job job;		   /* that engine_get finds: 7 */
	enum engine_result result; /* of submit and edit, and of the batch's job refuse_at */
	size_t refuse_at;
	uint64_t other; /* the id that goes with it */
	uint64_t sealed; /* what its token sealed */
	enum api_name group; /* what becomes of the look-up of a group */
	gid_t gid;
	bool nobody_submits; /* but administrators */
	struct engine_health health; /* the disk is full, unless said */
	struct api_lost_lines lost;

	struct told told[1200];
	size_t ntold;
	struct edit edit;
	struct why why;		  /* what engine_why answers */
	struct job_filter filter; /* of the last list; what it borrows is gone */
	size_t lists, looks;	  /* that were asked for; engine_queues_look's */
	bool template_set;
	bool was_sealed, dropped;
	char refused[40];
};
extern struct played played;

/* The last answer. */
struct answer {
	bool again;
	char error[80]; /* without org.jobd.; "" */
	json_t *params;
};
extern struct answer answer;

/* As user ann, uid 1000, of group 1000, unless changed before a call. */
extern struct peer caller;

void rig_init(void);
void rig_fini(void);
/* Calls a handler; ' stands for ". The parameters are gone when it has answered, as they would be. */
void ask(server_handler *handler, const char *params);
/* A text, or a number in digits, of the answer; "" where there is none. */
const char *said(const char *name);
/* The first job that core was told of; there is one. */
const struct told *first(void);
/* Asks, and has an answer that is no error. */
void well(server_handler *handler, const char *params);
/* The error of this name, about that parameter ("": about none). */
void fails(const char *error, const char *parameter, server_handler *handler, const char *params);
/* NotFound where there is no such job, and Failed where its record can't be read. */
void tells_gone_from_unread(server_handler *handler, const char *params);
/* Invalid, naming the parameter; core is not told. */
void invalid(server_handler *handler, const char *parameter, const char *params);

#endif
