/* SPDX-License-Identifier: ISC */
/* The live set and its heap; see live.h. */
#include "config.h"

#include "jobd/core/live.h"

#include <stdlib.h>
#include <string.h>

void live_init(struct live_set *s)
{
	memset(s, 0, sizeof *s);
}

void live_fini(struct live_set *s)
{
	for (size_t i = 0; i < s->len; i++)
		live_free(s->by_id[i]);
	free(s->by_id);
	free(s->ids);
	free(s->heap);
	live_init(s);
}

void live_free(struct live *l)
{
	if (!l)
		return;
	job_fini(&l->job);
	free(l);
}

/* The first place whose id is not below id. */
static size_t place(const struct live_set *s, uint64_t id)
{
	size_t low = 0, high = s->len;

	if (high && s->ids[high - 1] < id)
		return high;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->ids[mid] < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void squeeze(struct live_set *s)
{
	size_t to = 0;

	for (size_t i = 0; i < s->len; i++) {
		if (!s->by_id[i])
			continue;
		s->by_id[to] = s->by_id[i];
		s->ids[to++] = s->ids[i];
	}
	s->len = to;
	s->holes = 0;
}

static bool grow(struct live_set *s)
{
	size_t cap = s->cap ? s->cap * 2 : 64;
	struct live **by_id = realloc(s->by_id, cap * sizeof *by_id);
	if (by_id)
		s->by_id = by_id;
	uint64_t *ids = realloc(s->ids, cap * sizeof *ids);
	if (ids)
		s->ids = ids;
	if (!by_id || !ids)
		return false;
	s->cap = cap;
	return true;
}

struct live *live_add(struct live_set *s, struct job *j)
{
	if (s->len == s->cap && !grow(s))
		return NULL;
	struct live *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->job = *j;
	job_init(j);
	l->heap_at = LIVE_NO_RANK;

	/* A retried job comes back with an old id: its place may be a hole of its own. */
	size_t at = place(s, l->job.id);
	if (at < s->len && s->ids[at] == l->job.id) {
		s->by_id[at] = l;
		s->holes--;
		return l;
	}
	memmove(&s->by_id[at + 1], &s->by_id[at], (s->len - at) * sizeof s->by_id[0]);
	memmove(&s->ids[at + 1], &s->ids[at], (s->len - at) * sizeof s->ids[0]);
	s->by_id[at] = l;
	s->ids[at] = l->job.id;
	s->len++;
	return l;
}

struct live *live_find(const struct live_set *s, uint64_t id)
{
	size_t at = place(s, id);

	return at < s->len && s->ids[at] == id ? s->by_id[at] : NULL;
}

void live_remove(struct live_set *s, struct live *l)
{
	size_t at = place(s, l->job.id);

	live_unrank(s, l);
	s->by_id[at] = NULL;
	s->holes++;
	if (s->holes > 64 && s->holes > s->len / 2)
		squeeze(s);
}

size_t live_count(const struct live_set *s)
{
	return s->len - s->holes;
}

struct live *live_below(const struct live_set *s, uint64_t before)
{
	for (size_t at = place(s, before); at > 0; at--)
		if (s->by_id[at - 1])
			return s->by_id[at - 1];
	return NULL;
}

bool live_before(const struct live *a, const struct live *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->job.id < b->job.id;
}

static void settle(struct live_set *s, struct live *l, size_t at)
{
	s->heap[at] = l;
	l->heap_at = at;
}

/* Moves l from its place up or down to where it belongs. */
static void sift(struct live_set *s, struct live *l, size_t at)
{
	while (at > 0 && live_before(l, s->heap[(at - 1) / 2])) {
		settle(s, s->heap[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= s->heap_len)
			break;
		if (child + 1 < s->heap_len && live_before(s->heap[child + 1], s->heap[child]))
			child++;
		if (!live_before(s->heap[child], l))
			break;
		settle(s, s->heap[child], at);
		at = child;
	}
	settle(s, l, at);
}

bool live_rank(struct live_set *s, struct live *l, uint64_t rank)
{
	if (l->heap_at == LIVE_NO_RANK) {
		if (s->heap_len == s->heap_cap) {
			size_t cap = s->heap_cap ? s->heap_cap * 2 : 64;
			struct live **heap = realloc(s->heap, cap * sizeof *heap);
			if (!heap)
				return false;
			s->heap = heap;
			s->heap_cap = cap;
		}
		l->heap_at = s->heap_len++;
		s->heap[l->heap_at] = l;
	}
	l->rank = rank;
	sift(s, l, l->heap_at);
	return true;
}

void live_unrank(struct live_set *s, struct live *l)
{
	size_t at = l->heap_at;

	if (at == LIVE_NO_RANK)
		return;
	l->heap_at = LIVE_NO_RANK;
	struct live *last = s->heap[--s->heap_len];
	if (last != l)
		sift(s, last, at);
}

struct live *live_first(const struct live_set *s)
{
	return s->heap_len ? s->heap[0] : NULL;
}
