/* SPDX-License-Identifier: ISC */
/*
 * New jobs: what a submission has to meet, and how it becomes a live job, alone or in a batch
 * (batch.c). All of it is checked before any of it is done, so that a refusal leaves nothing behind.
 *
 * A token that its user has used before is looked for first: a submission that is sent again is
 * answered with the job that it made, whatever would be said of it now. A token is put in the turn
 * that has the job, so that neither is there without the other.
 *
 * An environment that several jobs of a turn share is one row. How many share it is counted in
 * memory and put once, before anybody looks (submit_flush).
 *
 * Whether somebody may submit to a queue was asked before, by api.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/utf8.h"

/* What it was is asked long after the job is deleted: its name and the start of its command. */
static void describe(const struct job *j, char *out, size_t size)
{
	size_t n = 0;

	if (j->name)
		n = (size_t)snprintf(out, size, "%s: ", j->name);
	for (size_t i = 0; j->command && j->command[i] && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", i ? " " : "", j->command[i]);
}

void submit_journal(
    struct engine *e, const struct actor *who, const struct job *j, const char *result)
{
	char text[200] = "";
	struct step s = { .who = who, .detail = text };
	struct journal_entry entry = engine_entry(e, j, &s, 0);

	describe(j, text, sizeof text);
	utf8_mend(text); /* it may be cut inside a character */
	entry.at_us = j->submitted_at_us;
	entry.verb = "submit";
	entry.to = j->state;
	if (result)
		entry.result = result;
	engine_journal(e, j, &entry);
}

/* What is wrong with it, as things stand; OK: nothing. */
static enum engine_result check(struct engine *e, const struct actor *who,
    const struct submission *s, uint64_t batch, uint64_t *id)
{
	const struct job *j = s->draft;
	const struct queue *q = queue_find(&e->queues, j->queue ? j->queue : QUEUE_DEFAULT);
	const struct live *same = j->unique ? unique_find(&e->unique, j->uid, j->unique) : NULL;

	if (!q || !q->declared)
		return ENGINE_NO_QUEUE;
	if (same) {
		*id = same->job.id;
		return ENGINE_EXISTS;
	}
	for (size_t i = 0; i < s->nafter; i++) {
		*id = s->after[i].id;
		if (!depend_look(e, batch, &s->after[i]))
			return ENGINE_NO_JOB;
	}
	if (engine_over_links(e, who, j->uid, s->nafter))
		return ENGINE_OVER_LINKS;
	if (engine_over_quota(e, who, j->uid))
		return ENGINE_OVER_QUOTA;
	if (engine_over_bytes(e, who, j->uid, job_bytes(j)))
		return ENGINE_OVER_BYTES;
	return e->disk_free < e->settings.low_disk_bytes ? ENGINE_LOW_DISK : ENGINE_OK;
}

static void fill_in(struct engine *e, const struct actor *who, const struct submission *s,
    uint64_t batch, const struct queue *q)
{
	struct job *j = s->draft;

	j->id = store_next_id(e->store);
	j->batch = batch;
	j->state = s->hold ? JOB_HELD : JOB_QUEUED;
	j->submitter_uid = who->uid;
	j->submitted_at_us = j->eligible_at_us = e->real_us();
	j->has_after = s->nafter > 0;
	if (!j->priority)
		j->priority = (uint8_t)q->rules.priority;
	if (!j->queue)
		j->queue = strdup(QUEUE_DEFAULT);
}

/* Every job of a call may share one: they are counted at the end of the turn. */
static void share(struct engine *e, uint64_t number)
{
	if (e->shared != number)
		submit_flush(e);
	e->shared = number;
	e->sharers++;
}

void submit_flush(struct engine *e)
{
	if (e->sharers)
		store_environment_share(e->store, e->shared, e->sharers);
	e->shared = e->sharers = 0;
}

static void put_environment(struct engine *e, struct job *j, const struct submission *s)
{
	if (s->env_of) {
		j->environment = s->env_of;
		share(e, s->env_of);
	} else if (s->env && s->env[0]) {
		store_environment_put(e->store, j->id, s->env);
	}
}

enum engine_result submit_make(struct engine *e, const struct actor *who, struct submission *s,
    uint64_t batch, struct live **out, uint64_t *id)
{
	enum engine_result r = check(e, who, s, batch, id);
	struct live *l = NULL;

	if (r != ENGINE_OK)
		goto out;
	struct queue *q = queue_find(&e->queues, s->draft->queue ? s->draft->queue : QUEUE_DEFAULT);
	fill_in(e, who, s, batch, q);
	l = s->draft->queue ? live_new(s->draft) : NULL;
	r = ENGINE_FAILED;
	if (!l || !unique_add(&e->unique, l))
		goto out;
	l->queue = q;
	put_environment(e, &l->job, s);
	depend_await(e, l, s->after, s->nafter);
	for (size_t i = 0; i < s->nafter; i++) {
		struct job_after a = { .id = s->after[i].id, .on = s->after[i].on };
		store_after_put(e->store, l->job.id, &a);
	}
	*id = l->job.id;
	*out = l;
	return ENGINE_OK;
out:
	live_free(l);
	job_fini(s->draft);
	return r;
}

enum engine_result engine_submit(
    struct engine *e, const struct actor *who, struct submission *s, uint64_t *id)
{
	struct live *l;

	if (s->token && (*id = store_token_get(e->store, who->uid, s->token)) != 0) {
		job_fini(s->draft);
		return ENGINE_ALREADY;
	}
	bool returns = s->return_existing && s->draft->unique;
	enum engine_result r = submit_make(e, who, s, 0, &l, id);
	if (r == ENGINE_EXISTS && !returns)
		engine_refused(e, who, "submit", *id, "Exists");
	if (r != ENGINE_OK)
		return r;
	if (!live_merge(&e->live, &l, 1)) {
		e->out_of_memory = true; /* others point at it: it is left, and the turn fails as a whole */
		return ENGINE_FAILED;
	}
	engine_count(e, l, 0, l->job.state);
	if (s->token)
		store_token_put(e->store, who->uid, s->token, *id, l->job.submitted_at_us);
	waiting_place(e, l);
	submit_journal(e, who, &l->job, NULL);
	engine_touch(e, l);
	return ENGINE_OK;
}
