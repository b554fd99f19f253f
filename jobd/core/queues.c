/* SPDX-License-Identifier: ISC */
/*
 * Queues: declared, looked at, changed, paused and drained.
 *
 * What is changed at run time goes into the store in the same transaction as the journal entry
 * that says who did it. A queue that nothing depends on any more, and that is not declared, is
 * forgotten.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/str.h"
#include "lib/strv.h"

#define OLDEST_US    1000000u
#define OFTEN_UP_TO 10000u /* live jobs */

/* Its limits are in force, from now on. */
static void apply(struct engine *e, struct queue *q)
{
	if (!queue_resolve(q)
	    || !order_queue_set(&e->order, &q->order, q->rules.max_running, q->state != QUEUE_OPEN))
		e->out_of_memory = true;
}

static void place_one(void *ctx, struct live *l)
{
	if (l->job.state != JOB_RUNNING && l->job.state != JOB_PAUSED)
		return;
	waiting_allow(ctx, l);
	waiting_place(ctx, l); /* it may have another timeout now */
}

/* What was prepared under other limits is taken back. */
static void limits_changed(struct engine *e)
{
	starts_limits_changed(e);
	live_each(&e->live, place_one, e);
}

struct queue *queues_of(struct engine *e, const struct job *j)
{
	return queue_make(&e->queues, j->queue);
}

static void put(struct engine *e, const struct queue *q)
{
	const struct store_queue s = { q->name, q->runtime, q->state, q->by, q->since_us, q->config };

	if (q->runtime || q->config || q->state != QUEUE_OPEN)
		store_queue_put(e->store, &s);
	else
		store_queue_delete(e->store, q->name);
}

void queues_review(struct engine *e, struct queue *q)
{
	if (q->declared || queue_is_used(q) || q->order.running)
		return;
	if (q->config)
		store_queue_delete(e->store, q->name);
	order_queue_set(&e->order, &q->order, 0, true); /* out of the order */
	queue_remove(&e->queues, q);
}

/* What is not declared again goes on as it was, for the jobs that it has. */
static void undeclare_all(struct engine *e)
{
	for (size_t i = 0; i < e->queues.n; i++) {
		e->queues.v[i]->declared = false;
		e->queues.v[i]->stale = true;
	}
}

static int declare(struct engine *e, const char *name, char *const *rules)
{
	struct queue *q = queue_make(&e->queues, name);

	if (!q)
		return -ENOMEM;
	q->declared = true;
	if (q->stale) {
		strv_free(q->config);
		q->config = NULL;
		q->stale = false;
	}
	for (char *const *r = rules; r && *r; r++)
		if (strv_add(&q->config, *r))
			return -ENOMEM;
	return 0;
}

int engine_declare_queues(struct engine *e, const struct queue_declaration *declared, size_t n)
{
	int rc;

	undeclare_all(e);
	rc = declare(e, QUEUE_DEFAULT, NULL);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = declare(e, declared[i].name, declared[i].rules);
	for (size_t i = e->queues.n; i > 0; i--) {
		struct queue *q = e->queues.v[i - 1];
		apply(e, q);
		if (e->proc) /* before the start nothing is put */
			put(e, q);
		queues_review(e, q);
	}
	limits_changed(e);
	return rc ? rc : e->out_of_memory ? -ENOMEM : 0;
}

static bool load_queue(void *ctx, const struct store_queue *s)
{
	struct engine *e = ctx;
	struct queue *q = queue_make(&e->queues, s->name);

	if (!q) {
		e->out_of_memory = true;
		return false;
	}
	for (char *const *r = s->rules; r && *r; r++)
		if (strv_add(&q->runtime, *r))
			e->out_of_memory = true;
	for (char *const *r = q->declared ? NULL : s->declared; r && *r; r++)
		if (strv_add(&q->config, *r))
			e->out_of_memory = true;
	q->state = s->state <= QUEUE_DRAINING ? (enum queue_state)s->state : QUEUE_OPEN;
	q->by = s->by ? strdup(s->by) : NULL;
	q->since_us = s->since_us;
	apply(e, q);
	return true;
}

/* What is declared now is on record, for a start that finds it declared no more. */
void queues_loaded(struct engine *e)
{
	for (size_t i = e->queues.n; i > 0; i--) {
		put(e, e->queues.v[i - 1]);
		queues_review(e, e->queues.v[i - 1]);
	}
}

int queues_load(struct engine *e)
{
	return store_queues_load(e->store, load_queue, e);
}

/* Whether it is there for people: undeclared ones are while they have jobs. */
static bool is_shown(const struct queue *q)
{
	size_t n = q->order.running;

	for (size_t i = 0; i < JOB_STATES; i++)
		n += q->counts[i];
	return q->declared || n;
}

static struct queue *find(struct engine *e, const char *name)
{
	struct queue *q = queue_find(&e->queues, name);

	return q && is_shown(q) ? q : NULL;
}

static void look_at(struct engine *e, const struct queue *q, struct queue_view *v)
{
	*v = (struct queue_view){
		.name = q->name,
		.state = q->state,
		.declared = q->declared,
		.by = q->by,
		.since_us = q->since_us,
		.rules = &q->rules,
		.queued = q->counts[JOB_QUEUED],
		.held = q->counts[JOB_HELD],
		.running = q->order.running,
		.paused = q->counts[JOB_PAUSED],
		.oldest_us = q->counts[JOB_QUEUED] ? q->oldest_us : 0,
		.ended_last_hour = queue_ended(q, e->mono_us()),
	};
	for (int r = 0; r < RULES; r++)
		v->origins[r] = queue_origin(q, (enum rule)r);
}

static void note_wait(void *ctx, struct live *l)
{
	const uint64_t *now_us = ctx;
	struct queue *q = l->queue;

	if (l->job.state == JOB_QUEUED && !l->unmet && waiting_until(l) <= *now_us
	    && (!q->oldest_us || l->job.eligible_at_us < q->oldest_us))
		q->oldest_us = l->job.eligible_at_us;
}

void engine_queues_look(struct engine *e)
{
	uint64_t now = e->real_us(), mono = e->mono_us();

	if (live_count(&e->live) > OFTEN_UP_TO && mono < e->oldest_until_us)
		return;
	e->oldest_until_us = mono + OLDEST_US;
	for (size_t i = 0; i < e->queues.n; i++)
		e->queues.v[i]->oldest_us = 0;
	live_each(&e->live, note_wait, &now);
}

enum engine_result engine_queue_get(struct engine *e, const char *name, struct queue_view *v)
{
	struct queue *q = find(e, name);

	if (!q)
		return ENGINE_NOT_FOUND;
	look_at(e, q, v);
	return ENGINE_OK;
}

void engine_queue_each(struct engine *e, engine_queue_fn *fn, void *ctx)
{
	struct queue_view v;

	for (size_t i = 0; i < e->queues.n; i++) {
		if (!is_shown(e->queues.v[i]))
			continue;
		look_at(e, e->queues.v[i], &v);
		fn(ctx, &v);
	}
}

/* What was done to a queue, for the journal: "import: max_running=4". */
static void journal(struct engine *e, const struct actor *who, const char *verb,
    const struct queue *q, const char *text)
{
	char *detail =
	    str_printf("%s%s%s", q->name, text && *text ? ": " : "", text ? text : "");

	engine_note(e, who, verb, "ok", detail);
	free(detail);
}

/* "max_running=4 (was 2)" for what is different afterwards; NULL: no memory. */
static char *describe(const struct rules *before, const struct queue *q)
{
	char *text = NULL;

	for (int r = 0; r < RULES; r++) {
		char *was = rule_text(before, (enum rule)r), *is = rule_text(&q->rules, (enum rule)r);
		if (was && is && strcmp(was, is) != 0) {
			char *longer = str_printf("%s%s%s=%s (was %s)", text ? text : "",
			    text ? ", " : "", rule_name((enum rule)r), is, was);
			free(text);
			text = longer;
		}
		free(was);
		free(is);
	}
	return text;
}

/* The layers of a queue have changed: everything that follows. */
static void changed(struct engine *e, const struct actor *who, const char *verb, struct queue *q)
{
	struct rules before = q->rules;

	rules_init(&q->rules);
	apply(e, q);
	char *text = describe(&before, q);
	rules_fini(&before);
	limits_changed(e);
	put(e, q);
	e->marks |= MARK_QUEUE;
	journal(e, who, verb, q, text);
	free(text);
}

enum engine_result engine_queue_set(
    struct engine *e, const struct actor *who, const char *name, char *const *values)
{
	struct queue *q = find(e, name);
	bool differs = false;

	if (!q)
		return ENGINE_NOT_FOUND;
	for (char *const *v = values; v && *v; v++)
		differs |= !strv_has(q->runtime, *v);
	if (!differs)
		return ENGINE_ALREADY;
	for (char *const *v = values; v && *v; v++) {
		size_t n = strcspn(*v, "=");
		char key[32];
		snprintf(key, sizeof key, "%.*s", (int)n, *v);
		if (rules_put(&q->runtime, (enum rule)rule_find(key), *v + n + 1))
			e->out_of_memory = true;
	}
	changed(e, who, "queue-set", q);
	return ENGINE_OK;
}

enum engine_result engine_queue_reset(
    struct engine *e, const struct actor *who, const char *name, unsigned rules)
{
	struct queue *q = find(e, name);
	bool differs = false;

	if (!q)
		return ENGINE_NOT_FOUND;
	for (int r = 0; r < RULES; r++) {
		if (!(rules & 1u << r) || !rules_given(q->runtime, (enum rule)r))
			continue;
		differs = true;
		rules_put(&q->runtime, (enum rule)r, NULL);
	}
	if (!differs)
		return ENGINE_ALREADY;
	changed(e, who, "queue-reset", q);
	return ENGINE_OK;
}

struct change {
	struct engine *e;
	const struct actor *who;
	const struct queue *queue;
	unsigned jobs; /* that are paused or resumed by it */
	bool ask;      /* count them, and no more */
};

static bool pauses(const struct change *t, const struct live *l)
{
	return l->queue == t->queue && l->phase == LIVE_ACTIVE && l->job.state == JOB_RUNNING
	    && !l->job.pause_requested && !l->job.cancel_requested && !l->job.timed_out;
}

/* What a stop of jobd has paused is not to go on by the next start any more. */
static void take_over(struct change *t, struct live *l)
{
	if (t->ask || l->queue != t->queue || !l->job.stop_paused)
		return;
	l->job.stop_paused = false;
	l->job.queue_paused = true;
	engine_touch(t->e, l);
}

static void pause_one(void *ctx, struct live *l)
{
	struct change *t = ctx;
	struct step s = { .event = EVENT_PAUSE, .who = t->who, .detail = "its queue is paused" };

	take_over(t, l);
	if (!pauses(t, l))
		return;
	t->jobs++;
	if (t->ask)
		return;
	engine_step(t->e, l, &s);
	l->job.queue_paused = true;
}

static void set_state(struct engine *e, const struct actor *who, struct queue *q, enum queue_state to)
{
	q->state = to;
	q->since_us = to == QUEUE_OPEN ? 0 : e->real_us();
	free(q->by);
	q->by = to == QUEUE_OPEN || !who ? NULL : strdup(who->user);
	put(e, q);
	e->marks |= MARK_QUEUE;
}

static void pause_running(struct engine *e, const struct actor *who, struct queue *q)
{
	struct change t = { .e = e, .who = who, .queue = q, .ask = true };
	char text[60] = "";

	live_each(&e->live, pause_one, &t);
	if (t.jobs)
		snprintf(text, sizeof text, "%u running job%s paused", t.jobs, t.jobs == 1 ? " is" : "s are");
	journal(e, who, "queue-pause", q, text);
	t.ask = false;
	live_each(&e->live, pause_one, &t);
}

static bool paused_by(const struct engine *e, const struct live *l, const void *queue)
{
	(void)e;
	return l->queue == queue && l->job.queue_paused;
}

static void resume_paused(
    struct engine *e, const struct actor *who, const char *verb, struct queue *q)
{
	struct resumption r = { .which = paused_by, .ctx = q };
	char text[60] = "";

	resume_collect(e, &r);
	if (r.n)
		snprintf(text, sizeof text, "%zu job%s resumed", r.n, r.n == 1 ? " is" : "s are");
	journal(e, who, verb, q, text);
	resume_all(e, &r, &(struct step){ .who = who, .detail = "its queue is resumed" });
}

enum engine_result engine_queue_change(
    struct engine *e, const struct actor *who, const char *name, enum queue_state to)
{
	struct queue *q = find(e, name);

	if (!q)
		return ENGINE_NOT_FOUND;
	if (q->state == to)
		return ENGINE_ALREADY;
	set_state(e, who, q, to);
	apply(e, q);
	/* A drain lets those end that have begun, also such as a pause had stopped. */
	if (to == QUEUE_PAUSED)
		pause_running(e, who, q);
	else
		resume_paused(e, who, to == QUEUE_OPEN ? "queue-resume" : "queue-drain", q);
	starts_limits_changed(e);
	return ENGINE_OK;
}

char *engine_rule(
    const struct engine *e, const struct job *j, enum rule which, enum rule_origin *origin)
{
	const struct queue *q = queue_find(&e->queues, j->queue);
	const char *own = rules_given(j->rules, which);
	struct rules r;

	if (origin)
		*origin = own ? ORIGIN_JOB : q ? queue_origin(q, which) : ORIGIN_DEFAULT;
	if (own)
		return strdup(own);
	if (q)
		return rule_text(&q->rules, which);
	rules_init(&r);
	return rule_text(&r, which);
}
