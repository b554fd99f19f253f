/* SPDX-License-Identifier: ISC */
/* What the api's files share. */
#ifndef API_COMMON_H
#define API_COMMON_H

#include "jobd/api/api.h"
#include "jobd/core/engine.h"
#include "lib/rules.h"
#include "lib/template.h"

enum api_limit {
	API_LIMIT_QUEUED_JOBS,
	API_LIMIT_JOB_BYTES,
	API_LIMIT_AFTER,
	API_LIMIT_BATCHES,
	API_LIMIT_ENVIRONMENT,
	API_LIMIT_COMMAND,
	API_LIMIT_IDS,
	API_LIMIT_JOBS,
	API_LIMIT_REPLY,
	API_LIMITS,
};

struct reexec_wait; /* reexec.c's */
struct reload_wait; /* reload.c's */

struct api {
	struct api_options o;
	struct api_policy policy;
	struct api_limits limits;
	uint64_t limits_met[API_LIMITS];
	struct server *server;
	struct reexec_wait *reexecs; /* who waits for it */
	struct reload_wait *reloads; /* likewise */
};

/* access.c */
bool access_is_admin(const struct api *a, const struct peer *p);
/* Whether the configuration lets the peer submit, to whatever queue. */
bool access_may_submit(const struct api *a, const struct peer *p);
/* Whether the peer may see what the job holds, and control it. */
bool access_owns(const struct api *a, const struct peer *p, const struct job *j);
/* Whether the peer may say what the job runs as its user, as well. */
bool access_is_users(const struct api *a, const struct peer *p, const struct job *j);
/* Whose job it is; 0 where it is not there. */
uid_t access_owner(const struct api *a, uint64_t id);
/* Whether the peer is among those that a queue's rules let submit to it: KNOWN; UNKNOWN: it is
 * not; or as names are. */
enum api_name access_queue(const struct api *a, const struct peer *p, const struct rules *r);

/* params.c: parameters, which the dispatcher has checked against the interface. */
const char *param_str(const struct call *c, const char *name);		     /* NULL: absent */
uint64_t param_u64(const struct call *c, const char *name, uint64_t otherwise); /* negative: otherwise */
bool param_bool(const struct call *c, const char *name);
/* The array's strings, borrowed, NULL-terminated, to be freed with free; NULL when absent. */
const char **param_strv(const struct call *c, const char *name, bool *no_memory);
/* Whether a filter's lists and its glob are no longer than may be held against every row; false: answered. */
bool param_filter_fits(struct call *c);
/* The numbers of "ids", ascending, to be freed; NULL when absent. */
uint64_t *param_ids(const struct call *c, size_t *n, bool *no_memory);
/* Who calls, for the journal. */
struct actor call_actor(const struct call *c);

/* errors.c: the errors that several methods have. Each ends the call. */
void error_not_found(struct call *c, uint64_t id);
/* The same, where a parameter other than the call's id named it. parameter, here and below, may
 * be NULL: the error does not say which. */
void error_no_job(struct call *c, uint64_t id, const char *parameter);
void error_invalid(struct call *c, const char *parameter, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void error_failed(struct call *c, uint64_t id, const char *message);
/* The same, where core said ENGINE_FAILED. */
void error_of_core(struct call *c, uint64_t id);
#define ERROR_UNREADABLE "its record can't be read"
/* What engine_get or engine_why said of the job instead of OK: NotFound, or Failed where it may be
 * there and can't be read. */
void error_of_get(struct call *c, uint64_t id, enum engine_result r);
void error_wrong_state(
    struct call *c, uint64_t id, enum job_state state, const char *verb, const char *can);
void error_low_disk(const struct api *a, struct call *c);
void error_no_queue(const struct api *a, struct call *c, const char *name, const char *parameter);
/* The same, where it is the one that this job was in. */
void error_queue_is_gone(const struct api *a, struct call *c, uint64_t id);
void error_no_template(const struct api *a, struct call *c, const char *name, const char *parameter);
/* PermissionDenied, journalled: for what depends on a parameter. */
void error_denied(const struct api *a, struct call *c, const char *verb, uint64_t id);

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
/* The same, where their jobs would have too many bytes. */
void error_job_bytes(struct api *a, struct call *c, const char *verb, uid_t owner);
/* The same, where a user's jobs wait for too many others. */
void error_links(struct api *a, struct call *c, const char *verb);
/* The same, where the user has too many batches. */
void error_batches(struct api *a, struct call *c, const char *verb);
/* Whether the limits of one user do not bind this one. */
bool limits_exempt(const struct api *a, uid_t uid);
/* How often each limit was met. */
json_t *limits_json(const struct api *a);

/* json.c: data as the protocol has it. New references. alone: with what only one job's record
 * has. */
json_t *job_json(const struct api *a, const struct peer *p, const struct job_view *v, bool alone);
/* Answers with the job, and more (stolen, may be NULL); error_of_get where there is none. */
void reply_job(const struct api *a, struct call *c, uint64_t id, json_t *more);
/* About how long that is. */
size_t job_json_bytes(const struct job *j);
json_t *entry_json(const struct journal_entry *e);
json_t *strv_json(char *const *v);
/* A string that may hold anything: bytes that are no UTF-8 become '?'. */
json_t *json_text(const char *s);
/* Sets a field unless the value is NULL. */
void json_put(json_t *o, const char *key, json_t *value);

/*
 * A job as a call describes it. Everything a person chooses is checked and copied, but for the
 * environment, which is borrowed from the call; so a draft ends before its call is answered, or
 * is only freed after it.
 */
struct draft {
	struct job job;
	const char **env; /* NAME=value; NULL: none of its own */
	struct job_after *after;
	size_t nafter;
	size_t *items; /* of each: which of the call's jobs is meant, counted from 1; 0: after has the id */
	struct template made; /* of the template it names; env borrows from it */
};

/* The reading of such descriptions, one or several in a call. */
struct drafting {
	struct api *a;
	struct call *c;
	const char *verb; /* for the journal */
	const json_t *o;  /* the object that is read */
	uint64_t id;	  /* of the job that it changes; 0: it makes one */
	bool many;	  /* it is one of several: errors say which */
	size_t item;	  /* namely, from 0 */
	/* What holds where an object does not say. */
	const char *cwd;
	int umask;
	const char **env;
	char queue[256]; /* the last one that was found to be open to the caller */
	char place[160]; /* what draft_place has written */
	size_t made_bytes; /* of environments that were made of templates' and others, likewise */
	size_t links;	 /* that the objects before this one name in after, and it */
	bool again;	 /* the call was not answered: it waits for a name */
	bool no_memory;
};

/* For the whole call, of which the object is the parameters. verb is borrowed. */
void drafting_init(struct drafting *x, struct api *a, struct call *c, const char *verb);
void draft_init(struct draft *d);
void draft_fini(struct draft *d);
/*
 * Reads what is said of a job: of a new one all that it needs, of one that is changed what is
 * given. False: the call is answered, or (again) begins anew.
 */
bool draft_read(struct drafting *x, struct draft *d);
/* The environment, or the command (enum api_limit), has so many bytes (0: not told), which are too
 * many. Ends the call. */
void error_size(struct drafting *x, enum api_limit limit, uint64_t bytes);
/* Reads the cwd, the umask and the environment for those that have none of their own. env is to
 * be freed. Likewise. */
bool draft_read_common(struct drafting *x);
/* Whom it runs as; user is a name, or NULL for the caller. Likewise. */
bool draft_owner(struct drafting *x, const char *user, struct job *job);
/* The call's token, or NULL. Likewise. */
bool draft_token(struct drafting *x, const char **token);
/* A parameter of the object with its place, "jobs[17].queue"; borrowed until the next call. */
const char *draft_place(struct drafting *x, const char *parameter);
/* Invalid, naming a parameter of the object. Ends the call. */
void draft_wrong(struct drafting *x, const char *parameter, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Answers with what core said instead of taking d (NULL: a batch). id is what it told, owner
 * whose job it is. Ends the call. */
void draft_refused(struct drafting *x, enum engine_result r, const struct draft *d, uint64_t id, uid_t owner);

/* draft-when.c: the parts that say when it may start. */
bool draft_read_times(struct drafting *x, struct job *job);
bool draft_check_times(struct drafting *x, uint64_t not_before_us, uint64_t deadline_us);
bool draft_read_after(struct drafting *x, struct draft *d);
/* draft-env.c */
bool draft_read_environment(struct drafting *x, struct draft *d);
/* draft-queue.c: a queue that is there, and open to the caller. otherwise may be NULL. */
bool draft_read_queue(struct drafting *x, const char *otherwise, struct job *job);
/*
 * Whether the caller might submit the job x->id as things are now, to the queue that draft_read_queue
 * found or else the one it is in. False: the call is answered, or (again) begins anew.
 */
bool draft_check_right(struct drafting *x);

/* How many rows a call may look at in one turn; a large one counts for several (job_work). */
#define PAGE_BUDGET 2000
#define PAGE_LIMIT  50
#define PAGE_MAX    1000

/* The page parameters: limit and cursor. False when they can't be taken (the call is answered). */
bool page_params(struct call *c, uint64_t *limit, uint64_t *before);
/* Sets the cursor where there is more. */
void page_cursor(json_t *reply, int more, uint64_t before);

#endif
