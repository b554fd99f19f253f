/* SPDX-License-Identifier: ISC */
/* See due.h: a heap a clock. */
#include "config.h"

#include "jobd/core/due.h"

#include "jobd/core/live.h"

static bool real_before(const void *a, const void *b)
{
	const struct live *x = a, *y = b;

	return x->due_us[DUE_REAL] < y->due_us[DUE_REAL];
}

static bool mono_before(const void *a, const void *b)
{
	const struct live *x = a, *y = b;

	return x->due_us[DUE_MONO] < y->due_us[DUE_MONO];
}

static size_t *real_at(void *member)
{
	struct live *l = member;

	return &l->due_at[DUE_REAL];
}

static size_t *mono_at(void *member)
{
	struct live *l = member;

	return &l->due_at[DUE_MONO];
}

static const struct heap_kind kinds[DUE_CLOCKS] = {
	[DUE_REAL] = { real_before, real_at },
	[DUE_MONO] = { mono_before, mono_at },
};

bool due_set(struct due *d, enum due_clock clock, struct live *l, uint64_t at_us)
{
	if (at_us == l->due_us[clock])
		return true;
	l->due_us[clock] = at_us;
	if (at_us)
		return heap_put(&d->heaps[clock], &kinds[clock], l);
	heap_take(&d->heaps[clock], &kinds[clock], l);
	return true;
}

struct live *due_first(const struct due *d, enum due_clock clock, uint64_t *at_us)
{
	struct live *l = heap_first(&d->heaps[clock]);

	if (l)
		*at_us = l->due_us[clock];
	return l;
}

void due_fini(struct due *d)
{
	for (int i = 0; i < DUE_CLOCKS; i++)
		heap_fini(&d->heaps[i]);
}
