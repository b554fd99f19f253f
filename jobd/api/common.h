/* SPDX-License-Identifier: ISC */
/* What the api's files share. */
#ifndef API_COMMON_H
#define API_COMMON_H

#include "jobd/api/api.h"
#include "jobd/core/engine.h"

enum api_limit {
	API_LIMIT_QUEUED_JOBS,
	API_LIMIT_ENVIRONMENT,
	API_LIMIT_IDS,
	API_LIMIT_REPLY,
	API_LIMITS,
};

struct reexec_wait; /* reexec.c's */

struct api {
	struct api_options o;
	struct api_policy policy;
	struct api_limits limits;
	uint64_t limits_met[API_LIMITS];
	struct server *server;
	struct reexec_wait *reexecs; /* who waits for it */
};

/* access.c */
bool access_is_admin(const struct api *a, const struct peer *p);
/* Whether the peer may see what the job holds, and control it. */
bool access_owns(const struct api *a, const struct peer *p, const struct job *j);

/* params.c: parameters, which the dispatcher has checked against the interface. */
const char *param_str(const struct call *c, const char *name);		     /* NULL: absent */
uint64_t param_u64(const struct call *c, const char *name, uint64_t otherwise); /* negative: otherwise */
bool param_bool(const struct call *c, const char *name);
/* The array's strings, borrowed, NULL-terminated, to be freed with free; NULL when absent. */
const char **param_strv(const struct call *c, const char *name, bool *no_memory);
/* The array's numbers, ascending, to be freed. */
uint64_t *param_ids(const struct call *c, const char *name, size_t *n, bool *no_memory);
/* Who calls, for the journal. */
struct actor call_actor(const struct call *c);

/* errors.c: the errors that several methods have. Each ends the call. */
void error_not_found(struct call *c, uint64_t id);
void error_invalid(struct call *c, const char *parameter, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void error_failed(struct call *c, uint64_t id, const char *message);
void error_wrong_state(
    struct call *c, uint64_t id, enum job_state state, const char *verb, const char *can);

/* limits.c */
struct limit_met {
	enum api_limit limit;
	const char *verb;    /* for the journal */
	const char *message; /* names the limit, its value and the count */
	uint64_t value, count; /* 0: not known */
};
/* LimitReached, counted and journalled. Ends the call. */
void error_limit(struct api *a, struct call *c, const struct limit_met *m);
/* The same, where the owner of a job has too many that wait. */
void error_queued_jobs(struct api *a, struct call *c, const char *verb, uid_t owner);
/* Whether the limits of one user do not bind this one. */
bool limits_exempt(const struct api *a, uid_t uid);
/* How often each limit was met. */
json_t *limits_json(const struct api *a);

/* json.c: data as the protocol has it. New references. */
json_t *job_json(const struct api *a, const struct peer *p, const struct job_view *v, bool history);
/* About how long that is: all but the command is bounded. */
size_t job_json_bytes(const struct job *j);
json_t *entry_json(const struct journal_entry *e);
/* A string that may hold anything: bytes that are no UTF-8 become '?'. */
json_t *json_text(const char *s);
/* Sets a field unless the value is NULL. */
void json_put(json_t *o, const char *key, json_t *value);

/* How many rows a call may look at in one turn. */
#define PAGE_BUDGET 2000
#define PAGE_LIMIT  50
#define PAGE_MOST   1000

/* The page parameters: limit and cursor. False when they can't be taken (the call is answered). */
bool page_params(struct call *c, uint64_t *limit, uint64_t *before);
/* Sets the cursor where there is more. */
void page_cursor(json_t *reply, int more, uint64_t before);

#endif
