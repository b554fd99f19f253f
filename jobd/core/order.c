/* SPDX-License-Identifier: ISC */
/*
 * See order.h. Three heaps, one in the other: the jobs of a line, the lines of a queue by the
 * first of each, and the queues by the first of each. What stands in a heap by its first member
 * is lifted out of it before that member changes, and settled again afterwards.
 */
#include "config.h"

#include "jobd/core/order.h"

#include <stdlib.h>

#include "jobd/core/live.h"
#include "jobd/core/queue.h"

struct order_line {
	struct order_line *next; /* of the user */
	struct order_user *user;
	struct order_queue *queue;
	struct heap jobs;
	size_t at; /* in queue->lines */
};

struct order_user {
	struct order_user *next;
	struct order_line *lines; /* those with jobs */
	uint32_t uid;
	unsigned running; /* jobs of theirs that hold a slot */
	unsigned paused;  /* of them */
	size_t starting;
	size_t counts[ORDER_COUNTS];
	bool suspect;
};

bool order_before(const struct live *a, const struct live *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->job.id < b->job.id;
}

static bool job_before(const void *a, const void *b)
{
	return order_before(a, b);
}

static size_t *job_at(void *member)
{
	struct live *l = member;

	return &l->heap_at;
}

static bool line_before(const void *a, const void *b)
{
	const struct order_line *x = a, *y = b;

	return order_before(heap_first(&x->jobs), heap_first(&y->jobs));
}

static size_t *line_at(void *member)
{
	struct order_line *line = member;

	return &line->at;
}

static bool queue_before(const void *a, const void *b)
{
	const struct order_queue *x = a, *y = b;

	return line_before(heap_first(&x->lines), heap_first(&y->lines));
}

static size_t *queue_at(void *member)
{
	struct order_queue *q = member;

	return &q->at;
}

const struct heap_kind order_jobs = { job_before, job_at };
static const struct heap_kind lines = { line_before, line_at }, queues = { queue_before, queue_at };

/* The link to the user's record, or to where one would be. */
static struct order_user **place(struct order *o, uint32_t uid)
{
	struct order_user **at = &o->buckets[uid % ORDER_BUCKETS];

	while (*at && (*at)->uid != uid)
		at = &(*at)->next;
	return at;
}

static struct order_user *find(const struct order *o, uint32_t uid)
{
	struct order_user *u = o->buckets[uid % ORDER_BUCKETS];

	while (u && u->uid != uid)
		u = u->next;
	return u;
}

static struct order_user *make(struct order *o, uint32_t uid)
{
	struct order_user **at = place(o, uid);

	if (!*at) {
		*at = calloc(1, sizeof **at);
		if (!*at)
			return NULL;
		(*at)->uid = uid;
	}
	return *at;
}

static void line_free(struct order_line *line)
{
	struct order_line **at = &line->user->lines;

	while (*at != line)
		at = &(*at)->next;
	*at = line->next;
	heap_fini(&line->jobs);
	free(line);
}

void order_queue_init(struct order_queue *q)
{
	*q = (struct order_queue){ .at = HEAP_NOWHERE };
}

void order_queue_fini(struct order_queue *q)
{
	heap_fini(&q->lines);
}

void order_fini(struct order *o)
{
	for (size_t i = 0; i < ORDER_BUCKETS; i++) {
		for (struct order_user *u = o->buckets[i], *next; u; u = next) {
			next = u->next;
			while (u->lines)
				line_free(u->lines);
			free(u);
		}
		o->buckets[i] = NULL;
	}
	heap_fini(&o->open);
}

static bool user_is_full(const struct order *o, const struct order_user *u)
{
	return o->user_most && u->running >= o->user_most;
}

static bool queue_is_full(const struct order_queue *q)
{
	return q->most && q->running >= q->most;
}

/* Nothing stands by this queue's, or this line's, first member any more. */
static void lift_queue(struct order *o, struct order_queue *q)
{
	heap_take(&o->open, &queues, q);
}

static void lift(struct order *o, struct order_line *line)
{
	lift_queue(o, line->queue);
	heap_take(&line->queue->lines, &lines, line);
}

static bool settle_queue(struct order *o, struct order_queue *q)
{
	if (q->shut || queue_is_full(q) || !q->lines.len) {
		lift_queue(o, q);
		return true;
	}
	return heap_put(&o->open, &queues, q);
}

/* Opens or closes a line, and puts it where its first job says. One without jobs goes. */
static bool settle(struct order *o, struct order_line *line)
{
	struct order_user *u = line->user;
	struct order_queue *q = line->queue;
	bool closed = (u->suspect && u->starting > 0) || user_is_full(o, u), well = true;

	if (!line->jobs.len)
		line_free(line);
	else if (!closed)
		well = heap_put(&q->lines, &lines, line);
	return settle_queue(o, q) && well;
}

/* Something about the user has changed: the lines are open or closed by it. */
static bool review(struct order *o, struct order_user *u)
{
	bool well = true;

	for (struct order_line *line = u->lines; line; line = line->next) {
		lift(o, line);
		well = settle(o, line) && well;
	}
	return well;
}

/* A user with nothing has no record. */
static void forget_idle(struct order *o, struct order_user *u)
{
	if (u->starting || u->running || u->lines)
		return;
	for (size_t i = 0; i < ORDER_COUNTS; i++)
		if (u->counts[i])
			return;
	*place(o, u->uid) = u->next;
	free(u);
}

bool order_count_add(struct order *o, uint32_t uid, enum order_count what, size_t n)
{
	struct order_user *u = make(o, uid);

	if (u)
		u->counts[what] += n;
	return u != NULL;
}

void order_count_drop(struct order *o, uint32_t uid, enum order_count what, size_t n)
{
	struct order_user *u = find(o, uid);

	if (!u)
		return;
	u->counts[what] -= n;
	forget_idle(o, u);
}

size_t order_count(const struct order *o, uint32_t uid, enum order_count what)
{
	const struct order_user *u = find(o, uid);

	return u ? u->counts[what] : 0;
}

static struct order_line *line_of(struct order_user *u, struct order_queue *q)
{
	struct order_line *line = u->lines;

	while (line && line->queue != q)
		line = line->next;
	if (line)
		return line;
	line = calloc(1, sizeof *line);
	if (!line)
		return NULL;
	*line = (struct order_line){ .next = u->lines, .user = u, .queue = q, .at = HEAP_NOWHERE };
	u->lines = line;
	return line;
}

bool order_put(struct order *o, struct live *l, uint64_t rank)
{
	struct order_user *u = make(o, l->job.uid);
	struct order_line *line = l->line ? l->line : u ? line_of(u, &l->queue->order) : NULL;

	if (!line)
		return false;
	lift(o, line);
	l->rank = rank;
	l->line = line;
	bool well = heap_put(&line->jobs, &order_jobs, l);
	if (!well)
		l->line = NULL;
	return settle(o, line) && well;
}

void order_take(struct order *o, struct live *l)
{
	struct order_line *line = l->line;

	if (!line)
		return;
	lift(o, line);
	heap_take(&line->jobs, &order_jobs, l);
	l->line = NULL;
	settle(o, line);
	struct order_user *u = find(o, l->job.uid);
	if (u)
		forget_idle(o, u);
}

bool order_has(const struct live *l)
{
	return l->line != NULL;
}

struct live *order_first(const struct order *o)
{
	const struct order_queue *q = heap_first(&o->open);
	const struct order_line *line = q ? heap_first(&q->lines) : NULL;

	return line ? heap_first(&line->jobs) : NULL;
}

bool order_slot_taken(struct order *o, struct live *l)
{
	struct order_user *u = make(o, l->job.uid);

	if (!u)
		return false;
	l->queue->order.running++;
	u->running++;
	bool well = !user_is_full(o, u) || review(o, u);
	return settle_queue(o, &l->queue->order) && well;
}

void order_slot_given(struct order *o, struct live *l)
{
	struct order_user *u = find(o, l->job.uid);

	if (!u)
		return;
	bool was_full = user_is_full(o, u);
	l->queue->order.running--;
	u->running--;
	if (was_full)
		review(o, u);
	forget_idle(o, u);
	settle_queue(o, &l->queue->order);
}

/* One more, or one less. */
static void count(unsigned *n, bool more)
{
	*n = more ? *n + 1 : *n - 1;
}

void order_slot_paused(struct order *o, struct live *l, bool is)
{
	struct order_user *u = find(o, l->job.uid);

	count(&l->queue->order.paused, is);
	if (u)
		count(&u->paused, is);
}

bool order_may_run(const struct order *o, const struct live *l)
{
	const struct order_queue *q = &l->queue->order;
	const struct order_user *u = find(o, l->job.uid);
	unsigned own = u ? u->running - u->paused : 0;

	return (!q->most || q->running - q->paused < q->most) && (!o->user_most || own < o->user_most);
}

bool order_has_room(const struct order *o, const struct live *l, unsigned others)
{
	const struct order_queue *q = &l->queue->order;

	return (!q->most || q->running + others < q->most)
	    && (!o->user_most || order_running(o, l->job.uid) + others < o->user_most);
}

bool order_is_over(const struct order *o, const struct live *l)
{
	const struct order_queue *q = &l->queue->order;

	return q->shut || (q->most && q->running > q->most)
	    || (o->user_most && order_running(o, l->job.uid) > o->user_most);
}

unsigned order_running(const struct order *o, uint32_t uid)
{
	const struct order_user *u = find(o, uid);

	return u ? u->running : 0;
}

bool order_queue_set(struct order *o, struct order_queue *q, unsigned most, bool shut)
{
	q->most = most;
	q->shut = shut;
	return settle_queue(o, q);
}

bool order_user_most(struct order *o, unsigned most)
{
	bool well = true;

	if (o->user_most == most)
		return true;
	o->user_most = most;
	for (size_t i = 0; i < ORDER_BUCKETS; i++) {
		for (struct order_user *u = o->buckets[i], *next; u; u = next) {
			next = u->next;
			well = review(o, u) && well;
			forget_idle(o, u);
		}
	}
	return well;
}

bool order_user_is_full(const struct order *o, uint32_t uid)
{
	const struct order_user *u = find(o, uid);

	return u && user_is_full(o, u);
}

bool order_start_begun(struct order *o, uint32_t uid)
{
	struct order_user *u = make(o, uid);

	if (!u)
		return false;
	u->starting++;
	return !u->suspect || review(o, u);
}

void order_start_over(struct order *o, uint32_t uid)
{
	struct order_user *u = find(o, uid);

	if (!u)
		return;
	u->starting--;
	if (u->suspect)
		review(o, u);
	forget_idle(o, u);
}

void order_set_suspect(struct order *o, uint32_t uid, bool is)
{
	struct order_user *u = find(o, uid);

	if (!u || u->suspect == is)
		return;
	u->suspect = is;
	review(o, u);
}

bool order_is_suspect(const struct order *o, uint32_t uid)
{
	const struct order_user *u = find(o, uid);

	return u && u->suspect;
}
