/* SPDX-License-Identifier: ISC */
/*
 * Batches: jobs that come in several calls, and are there together or not at all.
 *
 * The jobs of one that is not sealed are rows of the store like all others, but the store also
 * has the batch's number; and they are in no set, no order, no count. Sealing takes that number
 * away, in one commit, and them in. A batch that is dropped, by its maker, for want of additions,
 * or since jobd died before it was sealed, goes a slice a turn; its number goes last, so that who
 * dies in the middle of that finds it again.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/array.h"

#define IDLE_US	       60000000u
#define DROPS_PER_TURN 250 /* jobs, as job_work has them */

struct batch {
	struct batch *next;
	uint64_t id; /* of its first job */
	uint32_t uid; /* its maker's */
	struct live **jobs; /* ascending ids */
	size_t n, cap;
	size_t bytes; /* of them */
	uint64_t last_us; /* mono: of the last addition */
	bool dropping;
	char *token; /* that its maker will seal it with, or NULL */
};

static struct batch *find(const struct engine *e, uint64_t id)
{
	struct batch *b = e->batches;

	while (b && b->id != id)
		b = b->next;
	return b;
}

static struct batch *batch_new(struct engine *e, uint64_t id, uint32_t uid)
{
	struct batch *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	*b = (struct batch){ .next = e->batches, .id = id, .uid = uid, .last_us = e->mono_us() };
	e->batches = b;
	return b;
}

static void batch_free(struct engine *e, struct batch *b)
{
	struct batch **at = &e->batches;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	free(b->jobs);
	free(b->token);
	free(b);
}

static bool append(struct batch *b, struct live *l)
{
	struct live **jobs = array_room(b->jobs, b->n, &b->cap, sizeof(struct live *));

	if (!jobs)
		return false;
	b->jobs = jobs;
	b->jobs[b->n++] = l;
	b->bytes += l->bytes;
	l->staged = true;
	l->queue->staged++;
	return true;
}

static struct live *member(const struct batch *b, uint64_t id)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (b->jobs[mid]->job.id == id)
			return b->jobs[mid];
		if (b->jobs[mid]->job.id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct live *batch_job(const struct engine *e, uint64_t batch, uint64_t id)
{
	const struct batch *b = find(e, batch);

	return b && !b->dropping ? member(b, id) : NULL;
}

bool batch_has(const struct engine *e, uint64_t id)
{
	const struct batch *b = e->batches;

	while (b && !member(b, id))
		b = b->next;
	return b != NULL;
}

/* Those of its maker's: who makes one for somebody else is root, whom no quota binds. */
size_t batch_count(const struct engine *e, uint32_t uid)
{
	size_t n = 0;

	for (const struct batch *b = e->batches; b; b = b->next)
		if (b->uid == uid && !b->dropping)
			n += b->n;
	return n;
}

size_t batch_bytes(const struct engine *e, uint32_t uid)
{
	size_t n = 0;

	for (const struct batch *b = e->batches; b; b = b->next)
		if (b->uid == uid)
			n += b->bytes;
	return n;
}

static size_t batches_of(const struct engine *e, uint32_t uid)
{
	size_t n = 0;

	for (const struct batch *b = e->batches; b; b = b->next)
		n += b->uid == uid && !b->dropping;
	return n;
}

static bool has_too_many(const struct engine *e, const struct actor *who)
{
	return engine_binds(e, who) && batches_of(e, who->uid) >= ENGINE_USER_BATCHES;
}

static struct batch *own(const struct engine *e, const struct actor *who, uint64_t id)
{
	struct batch *b = find(e, id);

	return b && b->uid == who->uid && !b->dropping ? b : NULL;
}

/* "batch 12: 300 jobs" for the journal. */
static void journal(struct engine *e, const struct actor *who, const char *verb,
    const struct batch *b, const char *more)
{
	char text[120];

	snprintf(text, sizeof text, "batch %llu: %zu job%s%s", (unsigned long long)b->id, b->n,
	    b->n == 1 ? "" : "s", more);
	engine_note(e, who, verb, "ok", text);
}

/* The first job of a batch is its name. */
static struct batch *begin(
    struct engine *e, const struct actor *who, struct live *l, const char *token)
{
	l->job.batch = l->job.id;
	store_batch_open(e->store, l->job.id);
	struct batch *b = batch_new(e, l->job.id, who->uid);
	if (b && token && !(b->token = strdup(token)))
		e->out_of_memory = true;
	return b;
}

/* From now on it is nobody's business, nor are its unique keys. */
static void begin_drop(struct engine *e, struct batch *b)
{
	b->dropping = true;
	for (size_t i = 0; i < b->n; i++)
		unique_remove(&e->unique, b->jobs[i]);
}

void engine_batch_forget(struct engine *e, const struct actor *who, const char *token)
{
	for (struct batch *b = e->batches; b; b = b->next) {
		if (b->uid != who->uid || b->dropping || !b->token || strcmp(b->token, token) != 0)
			continue;
		begin_drop(e, b);
		journal(e, who, "drop", b, ", since it is begun anew");
	}
}

enum engine_result engine_batch_add(struct engine *e, const struct actor *who, uint64_t *batch,
    struct submission *s, uint64_t *id)
{
	struct batch *b = *batch ? own(e, who, *batch) : NULL;
	struct live *l;

	if (*batch ? !b : has_too_many(e, who)) {
		job_fini(s->draft);
		return *batch ? ENGINE_NOT_FOUND : ENGINE_OVER_BATCHES;
	}
	enum engine_result r = submit_make(e, who, s, *batch, &l, id);
	if (r != ENGINE_OK)
		return r;
	if (!b)
		b = begin(e, who, l, s->token);
	if (!b || !append(b, l)) {
		e->out_of_memory = true; /* others point at it: it is left, and the turn fails as a whole */
		return ENGINE_FAILED;
	}
	*batch = b->id;
	b->last_us = e->mono_us();
	submit_journal(e, who, &l->job, "staged");
	engine_touch(e, l);
	e->marks |= MARK_SLICE;
	return ENGINE_OK;
}

uint64_t engine_batch_sealed(struct engine *e, const struct actor *who, const char *token)
{
	return store_token_get(e->store, who->uid, token);
}

static void let_in(struct engine *e, struct live *l)
{
	l->staged = false;
	l->queue->staged--;
	engine_count(e, l, 0, l->job.state);
	depend_sealed(e, l);
	waiting_place(e, l);
}

enum engine_result engine_batch_seal(
    struct engine *e, const struct actor *who, uint64_t batch, const char *token)
{
	struct batch *b = own(e, who, batch);

	if (!b)
		return ENGINE_NOT_FOUND;
	if (!live_merge(&e->live, b->jobs, b->n))
		return ENGINE_FAILED;
	for (size_t i = 0; i < b->n; i++)
		let_in(e, b->jobs[i]);
	store_batch_seal(e->store, b->id);
	if (token)
		store_token_put(e->store, who->uid, token, b->id, e->real_us());
	journal(e, who, "seal", b, "");
	batch_free(e, b);
	e->marks |= MARK_SEAL;
	return ENGINE_OK;
}

enum engine_result engine_batch_drop(struct engine *e, const struct actor *who, uint64_t batch)
{
	struct batch *b = own(e, who, batch);

	if (!b)
		return ENGINE_NOT_FOUND;
	begin_drop(e, b);
	journal(e, who, "drop", b, "");
	return ENGINE_OK;
}

/* How much of the turn it took. */
static size_t drop_last(struct engine *e, struct batch *b)
{
	struct live *l = b->jobs[--b->n];

	b->bytes -= l->bytes;
	l->queue->staged--;
	unique_remove(&e->unique, l);
	depend_ended(e, l); /* those that wait for it are of the batch, and go too */
	store_job_drop(e->store, &l->job);
	engine_free_later(e, l);
	queues_review(e, l->queue);
	return job_work(&l->job, l->bytes);
}

void batch_run(struct engine *e)
{
	size_t n = 0;

	submit_flush(e); /* what is shared is counted before it is given up */
	for (struct batch *b = e->batches, *next; b && n < DROPS_PER_TURN; b = next) {
		next = b->next;
		if (!b->dropping)
			continue;
		while (b->n && n < DROPS_PER_TURN)
			n += drop_last(e, b);
		e->marks |= MARK_DROP;
		if (b->n)
			return;
		store_batch_seal(e->store, b->id);
		batch_free(e, b);
	}
}

bool batch_wants_turn(const struct engine *e)
{
	for (const struct batch *b = e->batches; b; b = b->next)
		if (b->dropping)
			return true;
	return false;
}

void batch_tick(struct engine *e)
{
	for (struct batch *b = e->batches; b; b = b->next) {
		if (b->dropping || e->mono_us() - b->last_us < IDLE_US)
			continue;
		begin_drop(e, b);
		journal(e, NULL, "drop", b, ", since nothing was added for a minute");
	}
}

static bool load_one(void *ctx, uint64_t id)
{
	struct engine *e = ctx;
	struct batch *b = batch_new(e, id, 0);

	if (!b)
		e->out_of_memory = true;
	else
		b->dropping = true;
	return b != NULL;
}

int batch_load(struct engine *e)
{
	return store_batches_load(e->store, load_one, e);
}

void batch_loaded(struct engine *e)
{
	for (struct batch *b = e->batches; b; b = b->next)
		journal(e, NULL, "drop", b, ", since jobd ended before it was sealed");
}

bool batch_take_loaded(struct engine *e, struct job *j)
{
	struct batch *b = j->batch ? find(e, j->batch) : NULL;
	struct queue *q = b ? queues_of(e, j) : NULL;
	struct live *l = q ? live_new(j) : NULL;

	if (!b)
		return false;
	if (l)
		l->queue = q;
	if (!l || !append(b, l))
		e->out_of_memory = true;
	return true;
}

void batch_fini(struct engine *e)
{
	while (e->batches) {
		struct batch *b = e->batches;
		for (size_t i = 0; i < b->n; i++)
			live_free(b->jobs[i]);
		batch_free(e, b);
	}
}
