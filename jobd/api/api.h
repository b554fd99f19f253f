/* SPDX-License-Identifier: ISC */
/*
 * The protocol's methods: one file a group of handlers, each of which reads its
 * parameters, calls core and builds the reply. What was asked of the daemon
 * itself goes out through callbacks that main registers.
 */
#ifndef API_API_H
#define API_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jobd/core/engine.h"
#include "jobd/server/server.h"

struct api;
struct event_base;
struct handover;

/* Who may do what: the configuration's names, as numbers. Borrowed arrays. */
struct api_policy {
	uid_t self;	     /* the uid jobd runs as: an administrator, as root is */
	bool has_admin_gid;
	gid_t admin_gid;
	bool anyone_submits; /* no list was configured */
	const uid_t *submit_uids;
	size_t nsubmit_uids;
	const gid_t *submit_gids;
	size_t nsubmit_gids;
};

/* What one user may; 0: no limit. The server and the engine see to the others. */
struct api_limits {
	uint64_t environment_bytes; /* of one submission */
	uint64_t command_bytes;	    /* of the texts of one job (job_bytes) */
	unsigned user_queued_jobs;  /* to be told: the engine counts this, and the next */
	uint64_t user_job_bytes;
};

enum api_name { API_NAME_KNOWN, API_NAME_UNKNOWN, API_NAME_PENDING, API_NAME_LATE };

/* Log lines that were dropped. */
struct api_lost_lines {
	uint64_t all;
	uint64_t unsaid; /* of them, those whose loss the log does not tell of yet */
	uint64_t ago_us; /* since the last one */
};

struct api_options {
	struct event_base *base;
	struct engine *engine;
	const char *version;
	uint64_t started_at_us;
	/* The uid for a user's name; PENDING: server_resume_names follows;
	 * LATE: the name service does not answer. */
	enum api_name (*user_uid)(void *ctx, const char *name, uid_t *uid);
	/* The gid for a group's name, likewise. */
	enum api_name (*group_gid)(void *ctx, const char *name, gid_t *gid);
	/* As server_options.user_name. */
	bool (*user_name)(void *ctx, uid_t uid, const char **name);
	/*
	 * Reads the configuration again. 0, and messages (the api's, strv_free; NULL: none) are what
	 * is to be known of it; 1: names are being looked up, and api_reloaded follows; or -errno,
	 * and messages are the mistakes.
	 */
	int (*reload)(void *ctx, const struct actor *who, char ***messages);
	/*
	 * Tries the program that is to be executed in this one's place, and executes it. Either
	 * api_reexec_refused follows, or a next self, which answers. False when there is no memory.
	 */
	bool (*reexec)(void *ctx, const struct actor *who);
	/* Begins to stop the daemon; how 0: as it is configured. */
	void (*stop)(void *ctx, const struct actor *who, enum on_stop how, const char *why);
	struct api_lost_lines (*lost_lines)(void *ctx);
	void *ctx;
};

/*
 * The api; NULL when there is no memory. *o is copied, and what it points to is borrowed for the
 * api's life. Nobody may submit, or is an administrator but root, until api_set_policy.
 */
struct api *api_new(const struct api_options *o);
/* After server_close, which ends the calls that it waits with. NULL is safe. */
void api_free(struct api *a);
/* Whose connections and limits Health counts: to be set before the first call is taken. Borrowed. */
void api_set_server(struct api *a, struct server *s);
/* Puts into a record what is counted, and takes it from the one that a former self left. */
void api_handover(const struct api *a, struct handover *h);
void api_take_handover(struct api *a, const struct handover *h);
/* What was asked with reexec came to nothing: whoever waits is told why. Borrowed; in the loop. */
void api_reexec_refused(struct api *a, char *const *messages);
/* The configuration that was read with reload is in force: whoever waits is told, with these
 * warnings (NULL: none). Borrowed; in the loop. */
void api_reloaded(struct api *a, char *const *warnings);
/* The policy from now on. Copied, but for the arrays: they stay until the next call. */
void api_set_policy(struct api *a, const struct api_policy *p);

/* The limits from now on. Copied. */
void api_set_limits(struct api *a, const struct api_limits *l);

/* For server_options, with the api as the context; what each has to do is said there. */
extern server_handler *const api_handlers[];
/* Asks api_options.user_name. */
bool api_user_name(void *ctx, uid_t uid, const char **name);
/* Root is, and the uid that jobd runs as. */
bool api_exempt(void *ctx, uid_t uid);
/* Journals it, by the uid in digits where the name is not known yet. */
void api_turned_away(void *ctx, uid_t uid, pid_t pid, const char *limit);
/*
 * By the method's "Access:" line: also NotFound and Failed, where whose job it is can't be told.
 * Changes nothing.
 */
const char *api_authorise(void *ctx, const struct peer *p, const struct varlink_method *m,
    const json_t *params, json_t **error_params);
/* Journals it, under the method's verb. */
void api_refused(void *ctx, const struct peer *p, const struct varlink_method *m,
    const json_t *params, const char *error);

#endif
