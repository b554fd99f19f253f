/* SPDX-License-Identifier: ISC */
/* See order.h. A heap a user, and a heap of those users by the first of each. */
#include "config.h"

#include "jobd/core/order.h"

#include <stdlib.h>

#include "jobd/core/live.h"

struct order_user {
	struct order_user *next;
	uint32_t uid;
	size_t waiting, starting;
	bool suspect;
	struct heap line;
	size_t at; /* in order.open */
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

static bool user_before(const void *a, const void *b)
{
	const struct order_user *x = a, *y = b;

	return order_before(heap_first(&x->line), heap_first(&y->line));
}

static size_t *user_at(void *member)
{
	struct order_user *u = member;

	return &u->at;
}

static const struct heap_kind jobs = { job_before, job_at }, users = { user_before, user_at };

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
		(*at)->at = HEAP_NOWHERE;
	}
	return *at;
}

static void user_free(struct order_user *u)
{
	heap_fini(&u->line);
	free(u);
}

void order_fini(struct order *o)
{
	for (size_t i = 0; i < ORDER_BUCKETS; i++) {
		for (struct order_user *u = o->buckets[i], *next; u; u = next) {
			next = u->next;
			user_free(u);
		}
		o->buckets[i] = NULL;
	}
	heap_fini(&o->open);
}

/* The user's line has changed: opens or closes it, and puts it where its first job says. */
static bool review(struct order *o, struct order_user *u)
{
	bool closed = u->suspect && u->starting > 0;

	if (!closed && u->line.len > 0)
		return heap_put(&o->open, &users, u);
	heap_take(&o->open, &users, u);
	if (u->waiting || u->starting || u->line.len)
		return true;
	*place(o, u->uid) = u->next;
	user_free(u);
	return true;
}

bool order_wait(struct order *o, uint32_t uid)
{
	struct order_user *u = make(o, uid);

	if (u)
		u->waiting++;
	return u != NULL;
}

void order_wait_no_more(struct order *o, uint32_t uid)
{
	struct order_user *u = find(o, uid);

	if (!u)
		return;
	u->waiting--;
	review(o, u);
}

size_t order_waiting(const struct order *o, uint32_t uid)
{
	const struct order_user *u = find(o, uid);

	return u ? u->waiting : 0;
}

bool order_put(struct order *o, struct live *l, uint64_t rank)
{
	struct order_user *u = make(o, l->job.uid);

	if (!u)
		return false;
	/* A line whose first job changes is out of the heap meanwhile: its rank is that job's. */
	heap_take(&o->open, &users, u);
	l->rank = rank;
	return heap_put(&u->line, &jobs, l) && review(o, u);
}

void order_take(struct order *o, struct live *l)
{
	struct order_user *u = order_has(l) ? find(o, l->job.uid) : NULL;

	if (!u)
		return;
	heap_take(&o->open, &users, u);
	heap_take(&u->line, &jobs, l);
	review(o, u);
}

bool order_has(const struct live *l)
{
	return l->heap_at != HEAP_NOWHERE;
}

struct live *order_first(const struct order *o)
{
	const struct order_user *u = heap_first(&o->open);

	return u ? heap_first(&u->line) : NULL;
}

bool order_start_begun(struct order *o, uint32_t uid)
{
	struct order_user *u = make(o, uid);

	if (!u)
		return false;
	u->starting++;
	return review(o, u);
}

void order_start_over(struct order *o, uint32_t uid)
{
	struct order_user *u = find(o, uid);

	if (!u)
		return;
	u->starting--;
	review(o, u);
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
