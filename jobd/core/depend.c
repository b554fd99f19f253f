/* SPDX-License-Identifier: ISC */
/*
 * Which jobs wait for which.
 *
 * The store has a row for each pair, with how the other ended once that is known; in memory is an
 * edge for each that is not. What the end of a job means for those that wait for it is worked out
 * in slices, a turn each, from a list of outcomes, one end after the other: however many wait,
 * and however long the chain, no turn is long and nothing is recursive. Who dies in the middle of
 * it loses nothing: at the start each waiting job's open pairs are looked up anew, and those
 * whose other one has ended make outcomes again.
 *
 * A cycle can't come about by submitting, since a job can wait only for such as are there
 * already. By an edit it could, hence depend_find_waiting.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/array.h"

#define EDGES_PER_TURN 250 /* and more where they make jobs change: as job_work has those */

struct edge {
	struct live *job, *other; /* other waits no more: NULL, where it has ended */
	struct edge *next, **link; /* of other->before, or of an outcome's; link NULL: settled */
	enum after_on on;
};

/* A job has ended: what is not yet told to those that wait for it. */
struct outcome {
	struct outcome *next;
	uint64_t id;
	enum job_state state; /* 0: it is gone, and nobody knows how it ended */
	struct edge *edges;
};

static void link_edge(struct edge **head, struct edge *x)
{
	x->next = *head;
	x->link = head;
	if (x->next)
		x->next->link = &x->next;
	*head = x;
}

static void unlink_edge(struct edge *x)
{
	if (!x->link)
		return;
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	x->link = NULL;
	x->next = NULL;
	x->other = NULL;
}

static struct outcome *outcome_add(struct engine *e, uint64_t id, enum job_state state)
{
	struct outcome *o = malloc(sizeof *o);

	if (!o) {
		e->out_of_memory = true;
		return NULL;
	}
	*o = (struct outcome){ .id = id, .state = state };
	if (!e->outcomes_end)
		e->outcomes_end = &e->outcomes;
	*e->outcomes_end = o;
	e->outcomes_end = &o->next;
	return o;
}

/* A live job, or one of the same batch that is not sealed. */
static struct live *other_job(const struct engine *e, const struct live *l, uint64_t id)
{
	struct live *other = live_find(&e->live, id);

	return other || !l->job.batch ? other : batch_job(e, l->job.batch, id);
}

bool depend_look(struct engine *e, uint64_t batch, struct job_after *a)
{
	bool lives = live_find(&e->live, a->id) || (batch && batch_job(e, batch, a->id));

	a->outcome = lives ? 0 : store_job_outcome(e->store, a->id);
	return lives || a->outcome;
}

static void await(struct engine *e, struct live *l, struct edge *x, const struct job_after *a)
{
	struct live *other = other_job(e, l, a->id);

	*x = (struct edge){ .job = l, .other = other, .on = a->on };
	l->unmet++;
	if (other) {
		link_edge(&other->before, x);
		return;
	}
	enum job_state ended = a->outcome ? a->outcome : store_job_outcome(e->store, a->id);
	struct outcome *o = outcome_add(e, a->id, ended);
	if (o)
		link_edge(&o->edges, x);
}

static void await_nothing(struct engine *e, struct live *l)
{
	if (l->nafter)
		order_count_drop(&e->order, l->job.uid, ORDER_LINKS, l->nafter);
	for (unsigned i = 0; i < l->nafter; i++)
		unlink_edge(&l->after[i]);
	free(l->after);
	l->after = NULL;
	l->nafter = l->unmet = 0;
}

void depend_await(struct engine *e, struct live *l, const struct job_after *v, size_t n)
{
	await_nothing(e, l);
	if (!n)
		return;
	l->after = calloc(n, sizeof *l->after);
	if (!l->after || !order_count_add(&e->order, l->job.uid, ORDER_LINKS, n)) {
		e->out_of_memory = true;
		return;
	}
	l->nafter = (unsigned)n;
	for (size_t i = 0; i < n; i++)
		await(e, l, &l->after[i], &v[i]);
}

struct pairs {
	struct job_after *v;
	size_t n, cap;
	bool all, no_memory;
};

static bool take_pair(void *ctx, const struct job_after *a)
{
	struct pairs *p = ctx;

	if (a->outcome && !(p->all && !after_is_met(a->on, a->outcome)))
		return true;
	struct job_after *v = array_room(p->v, p->n, &p->cap, sizeof *v);
	if (!v) {
		p->no_memory = true;
		return false;
	}
	p->v = v;
	p->v[p->n++] = *a;
	return true;
}

static struct pairs read_pairs(struct engine *e, const struct live *l, bool all)
{
	struct pairs p = { .all = all };

	if (l->job.has_after && store_after_each(e->store, l->job.id, 0, take_pair, &p) == 0
	    && !p.no_memory)
		return p;
	e->out_of_memory |= l->job.has_after; /* or a store that can't be read: its error sticks */
	return p;
}

void depend_load(struct engine *e, struct live *l)
{
	struct pairs p = read_pairs(e, l, false);

	depend_await(e, l, p.v, p.n);
	free(p.v);
}

/* It is not waited for: on record is how it ended, so that the next start does not look either. */
static void pass_over(struct engine *e, const struct live *l, struct job_after *a)
{
	if (!a->outcome)
		a->outcome = store_job_outcome(e->store, a->id);
	if (a->outcome)
		store_after_put(e->store, l->job.id, a);
	else
		store_after_delete(e->store, l->job.id, a->id);
}

/* Who retries a job does not want it to wait for what has failed, but for what is tried again as
 * well. */
void depend_revive(struct engine *e, struct live *l)
{
	struct pairs p = read_pairs(e, l, true);
	size_t n = 0;

	for (size_t i = 0; i < p.n; i++) {
		if (!live_find(&e->live, p.v[i].id)) {
			pass_over(e, l, &p.v[i]);
			continue;
		}
		p.v[n] = p.v[i];
		p.v[n].outcome = 0;
		store_after_put(e->store, l->job.id, &p.v[n++]);
	}
	depend_await(e, l, p.v, n);
	free(p.v);
}

void depend_ended(struct engine *e, struct live *l)
{
	await_nothing(e, l);
	if (!l->before)
		return;
	struct outcome *o = outcome_add(e, l->job.id, l->job.state);
	if (!o)
		return;
	o->edges = l->before;
	o->edges->link = &o->edges;
	l->before = NULL;
	for (struct edge *x = o->edges; x; x = x->next)
		x->other = NULL;
}

static void met(struct engine *e, struct live *l)
{
	if (--l->unmet)
		return;
	await_nothing(e, l);
	if (l->staged)
		return;
	l->job.eligible_at_us = e->real_us();
	engine_touch(e, l);
	waiting_place(e, l);
}

/* What was waited for can't come true any more. */
static void fail(struct engine *e, struct live *l, const struct outcome *o)
{
	char text[120];
	struct step s = { .event = EVENT_FAILED, .reason = REASON_DEPENDENCY, .detail = text };

	if (o->state)
		snprintf(text, sizeof text, "it waited for job %llu, which is %s",
		    (unsigned long long)o->id, job_state_name(o->state));
	else
		snprintf(text, sizeof text, "it waited for job %llu, which is gone",
		    (unsigned long long)o->id);
	engine_step(e, l, &s);
}

/* How much of the turn it took. */
static size_t settle(struct engine *e, const struct outcome *o, struct edge *x)
{
	struct live *l = x->job;
	const struct job_after a = { .id = o->id, .on = x->on, .outcome = o->state };
	bool well = o->state ? after_is_met(a.on, o->state) : a.on == AFTER_ANY;

	unlink_edge(x);
	if (o->state)
		store_after_put(e->store, l->job.id, &a);
	bool goes_on = well || l->job.drop_unmet;
	if (goes_on)
		met(e, l);
	else if (!l->staged)
		fail(e, l, o);
	/* One of a batch that is not sealed is looked at again when it is: its pairs are on
	 * record. */
	return goes_on && l->unmet ? 1 : job_work(&l->job, l->bytes);
}

void depend_run(struct engine *e)
{
	for (size_t n = 0; e->outcomes && n < EDGES_PER_TURN;) {
		struct outcome *o = e->outcomes;
		while (o->edges && n < EDGES_PER_TURN)
			n += settle(e, o, o->edges);
		if (o->edges)
			break;
		e->outcomes = o->next;
		if (!e->outcomes)
			e->outcomes_end = NULL;
		free(o);
	}
	if (e->outcomes)
		e->marks |= MARK_TELLING;
}

void depend_sealed(struct engine *e, struct live *l)
{
	struct pairs p = { 0 };

	/* What it waited for may have ended otherwise meanwhile: then some of its edges are
	 * settled, and still count. */
	unsigned linked = 0;
	for (unsigned i = 0; i < l->nafter; i++)
		linked += l->after[i].link != NULL;
	if (l->unmet == linked)
		return;
	p = read_pairs(e, l, true);
	for (size_t i = 0; i < p.n; i++) { /* open again, for the next start too */
		p.v[i].outcome = 0;
		store_after_put(e->store, l->job.id, &p.v[i]);
	}
	depend_await(e, l, p.v, p.n);
	free(p.v);
}

bool depend_is_telling(const struct engine *e, uint64_t id)
{
	const struct outcome *o = e->outcomes;

	while (o && (o->id != id || !o->edges))
		o = o->next;
	return o != NULL;
}

bool depend_wants_turn(const struct engine *e)
{
	return e->outcomes != NULL;
}

void depend_fini(struct engine *e)
{
	for (struct outcome *o = e->outcomes, *next; o; o = next) {
		next = o->next;
		free(o);
	}
	e->outcomes = NULL;
}

struct stack {
	struct live **v;
	size_t n, cap;
};

static bool push(struct stack *s, struct live *l)
{
	struct live **v = array_room(s->v, s->n, &s->cap, sizeof(struct live *));

	if (!v)
		return false;
	s->v = v;
	s->v[s->n++] = l;
	return true;
}

/* Depth first, each job once. */
int depend_find_waiting(struct engine *e, struct live *l)
{
	struct stack s = { 0 };

	l->seen = ++e->search;
	bool well = push(&s, l);
	while (well && s.n) {
		for (struct edge *x = s.v[--s.n]->before; x && well; x = x->next) {
			if (x->job->seen == e->search)
				continue;
			x->job->seen = e->search;
			well = push(&s, x->job);
		}
	}
	free(s.v);
	return well ? 0 : -ENOMEM;
}

bool depend_was_found(const struct engine *e, const struct live *l)
{
	return l->seen == e->search;
}

size_t depend_awaited(const struct live *l, uint64_t *ids, size_t most)
{
	size_t n = 0;

	for (unsigned i = 0; i < l->nafter && n < most; i++)
		if (l->after[i].other)
			ids[n++] = l->after[i].other->job.id;
	return n;
}
