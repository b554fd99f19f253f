/* SPDX-License-Identifier: ISC */
/* The live set; see live.h. */
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
	live_init(s);
}

void live_free(struct live *l)
{
	if (!l)
		return;
	job_fini(&l->job);
	free(l->after);
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

struct live *live_new(struct job *j)
{
	struct live *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->job = *j;
	job_init(j);
	l->bytes = job_bytes(&l->job);
	l->heap_at = HEAP_NOWHERE;
	for (int i = 0; i < DUE_CLOCKS; i++)
		l->due_at[i] = HEAP_NOWHERE;
	return l;
}

struct live *live_add(struct live_set *s, struct job *j)
{
	if (s->len == s->cap && !grow(s))
		return NULL;
	struct live *l = live_new(j);
	if (!l)
		return NULL;

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

/* From the back, so that everything is moved once. */
bool live_merge(struct live_set *s, struct live *const *v, size_t n)
{
	while (s->cap - s->len < n)
		if (!grow(s))
			return false;
	size_t old = s->len, to = s->len + n;
	s->len = to;
	while (n) {
		if (old && s->ids[old - 1] > v[n - 1]->job.id) {
			s->by_id[--to] = s->by_id[--old];
			s->ids[to] = s->ids[old];
		} else {
			s->by_id[--to] = v[--n];
			s->ids[to] = v[n]->job.id;
		}
	}
	return true;
}

void live_each(const struct live_set *s, void (*fn)(void *ctx, struct live *l), void *ctx)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->by_id[i])
			fn(ctx, s->by_id[i]);
}

struct live *live_find(const struct live_set *s, uint64_t id)
{
	size_t at = place(s, id);

	return at < s->len && s->ids[at] == id ? s->by_id[at] : NULL;
}

void live_remove(struct live_set *s, struct live *l)
{
	size_t at = place(s, l->job.id);

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
