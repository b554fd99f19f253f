/* SPDX-License-Identifier: ISC */
/*
 * Queues and templates, as the engine has them: declared by the configuration, changed at run
 * time. A value of a queue comes from the topmost layer that has one: run time, configuration,
 * default. What was changed at run time is in the store, and stays until it is reset.
 *
 * As for engine.h: changes are made inside a turn, and are true with its commit.
 */
#ifndef CORE_QUEUES_H
#define CORE_QUEUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobd/core/engine.h"
#include "lib/rules.h"
#include "lib/template.h"

#define QUEUE_DEFAULT "default" /* always there */

/* Numbers are on disk. */
enum queue_state {
	QUEUE_OPEN = 0,
	QUEUE_PAUSED = 1,   /* starts none, and its running jobs were paused */
	QUEUE_DRAINING = 2, /* starts none, and its running jobs end */
};
/* The word for it: "open", "paused", "draining". */
const char *queue_state_name(enum queue_state s);

/* What is to be said of one, by its name, that is not declared any more. */
#define QUEUE_RETIRED "queue %s is no longer declared in jobd.conf; it only finishes the jobs it has"

enum rule_origin {
	ORIGIN_DEFAULT,
	ORIGIN_CONFIG,
	ORIGIN_RUNTIME,
	ORIGIN_JOB,
	ORIGIN_ATTEMPT, /* it held for the attempt, and something else holds now */
};
/* The word for it: "default", "config", "runtime", "job". */
const char *rule_origin_name(enum rule_origin o);

/* What the configuration says of a queue: NAME=value of lib/rules.h, without mistakes. Borrowed. */
struct queue_declaration {
	const char *name;
	char *const *rules;
};

/*
 * The queues that the configuration declares, all of them; the ones before are forgotten. One
 * with jobs that is not declared any more stays, with the rules it had, until it has none, and
 * takes no new ones. Copied.
 * Before engine_load, and at each reload. 0 or -ENOMEM.
 */
int engine_declare_queues(struct engine *e, const struct queue_declaration *declared, size_t n);

/* A queue as it is now. Borrowed until the engine's next call. */
struct queue_view {
	const char *name;
	enum queue_state state;
	bool declared;
	const char *by; /* whose doing the state is, or NULL */
	uint64_t since_us;
	const struct rules *rules; /* in force */
	enum rule_origin origins[RULES];
	size_t queued, held;
	size_t running; /* hold a slot of it: running, paused, about to start */
	size_t paused;
	/* Of the queued jobs that only limits keep from starting, the one that has waited longest:
	 * since when it waits, as engine_queues_look found it last; 0: there was none. */
	uint64_t oldest_us;
	uint64_t ended_last_hour; /* attempts; since jobd started, where that is less */
};

/*
 * Looks at every live job for the one of each queue that waits longest. Where there are more than
 * ten thousand, not more often than once a second.
 */
void engine_queues_look(struct engine *e);
/* Looks one queue up: OK or NOT_FOUND. */
enum engine_result engine_queue_get(struct engine *e, const char *name, struct queue_view *v);
/* Calls fn with every queue, by name, those that are not declared any more too. */
typedef void engine_queue_fn(void *ctx, const struct queue_view *v);
void engine_queue_each(struct engine *e, engine_queue_fn *fn, void *ctx);

/* Sets values at run time ("NAME=value" each, known to be good), and journals it. OK, ALREADY,
 * NOT_FOUND, FAILED. */
enum engine_result engine_queue_set(
    struct engine *e, const struct actor *who, const char *name, char *const *values);
/* Drops those rules (bits 1 << enum rule) that were set at run time, and journals it. OK, ALREADY
 * (none was), NOT_FOUND, FAILED. */
enum engine_result engine_queue_reset(
    struct engine *e, const struct actor *who, const char *name, unsigned rules);
/* Pauses, resumes or drains it, and journals it. A pause pauses its running jobs, and the resume
 * those that it had paused. OK, ALREADY, NOT_FOUND, FAILED. */
enum engine_result engine_queue_change(
    struct engine *e, const struct actor *who, const char *name, enum queue_state to);

/* The value of a rule that is in force for a job, as text (the caller's; NULL: no memory), and
 * where it is from (origin may be NULL). */
char *engine_rule(
    const struct engine *e, const struct job *j, enum rule which, enum rule_origin *origin);

/* The templates that the configuration declares, all of them. Copied. Before engine_load, and at
 * each reload. 0 or -ENOMEM. */
int engine_declare_templates(struct engine *e, const struct template *t, size_t n);
/* The one with this name, borrowed until the engine's next call, or NULL. *runtime (or NULL): it
 * was made at run time. */
const struct template *engine_template_get(const struct engine *e, const char *name, bool *runtime);
/* Calls fn with every template, by name. */
typedef void engine_template_fn(void *ctx, const struct template *t, bool runtime);
void engine_template_each(const struct engine *e, engine_template_fn *fn, void *ctx);
/* Makes one, which has been checked, or replaces it, and journals it. Whose doing that is is put into
 * t, which is copied. OK or FAILED. */
enum engine_result engine_template_set(
    struct engine *e, const struct actor *who, struct template *t);
/* Drops what was made at run time, and journals it: what the configuration declares by this name
 * counts again. OK; NOT_FOUND; WRONG_STATE: nothing was made, and the configuration declares it. */
enum engine_result engine_template_delete(
    struct engine *e, const struct actor *who, const char *name);

#endif
