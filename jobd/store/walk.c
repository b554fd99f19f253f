/* SPDX-License-Identifier: ISC */
/*
 * The walk: sets of numbers, each asked for its greatest member not above a
 * bound, until all agree.
 *
 * A set that lies behind steps a few entries before it seeks: where two sets are
 * alike the next entry is the likely one, and a step costs a tenth of a seek.
 *
 * The memory of a walk is one cursor a value of the filter; callers bound those.
 */
#include "config.h"

#include "jobd/store/walk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define STEPS 4

/* Keys of one prefix; or, without a prefix and descending, a whole table keyed by number. */
struct walk_run {
	struct store *s;
	DBC *cursor;
	uint8_t prefix[INDEX_KEY_MAX];
	size_t len;
	bool table;  /* keys are the number itself, not its complement */
	bool placed; /* the cursor stands, on at */
	bool done;
	uint64_t at;
};

void walk_init(struct walk *w, struct store *s, size_t budget)
{
	memset(w, 0, sizeof(*w));
	w->s = s;
	w->budget = budget ? budget : 1;
}

void walk_fini(struct walk *w)
{
	for (size_t i = 0; i < w->nsets; i++) {
		struct walk_set *set = &w->sets[i];
		for (size_t k = 0; k < set->nruns; k++)
			set->runs[k].cursor->close(set->runs[k].cursor);
		free(set->runs);
		free(set->spans);
	}
	w->nsets = 0;
}

static struct walk_set *add_set(struct walk *w)
{
	assert(w->nsets < WALK_SETS);
	return &w->sets[w->nsets++];
}

/* Moves the cursor; sets at, or done when what it came to is not of the run. */
static int move(struct walk_run *r, uint32_t how, uint64_t n, size_t *budget)
{
	uint8_t key[INDEX_KEY_MAX + 8];
	DBT k, d;

	memset(&k, 0, sizeof(k));
	memset(&d, 0, sizeof(d));
	d.flags = DB_DBT_PARTIAL; /* of no length: only keys are wanted */
	memcpy(key, r->prefix, r->len);
	put_be64(key + r->len, r->table ? n : ~n);
	k.data = key;
	k.size = (uint32_t)r->len + 8;
	if (*budget)
		--*budget;
	int ret = table_move(r->s, r->cursor, &k, &d, how);
	if (ret == -ENOENT) {
		r->done = true;
		return 0;
	}
	if (ret)
		return ret;
	const uint8_t *found = k.data;
	if (k.size != r->len + 8 || memcmp(found, r->prefix, r->len) != 0) {
		r->done = true;
		return 0;
	}
	uint64_t v = get_be64(found + r->len);
	r->at = r->table ? v : ~v;
	r->placed = true;
	return 0;
}

/* The greatest key <= n. Berkeley DB finds the smallest >= n; it, or the one before. */
static int seek_table(struct walk_run *r, uint64_t n, size_t *budget)
{
	int ret = move(r, DB_SET_RANGE, n, budget);

	if (ret == 0 && r->done) {
		r->done = false;
		return move(r, DB_LAST, 0, budget);
	}
	if (ret == 0 && r->at > n)
		return move(r, DB_PREV, 0, budget);
	return ret;
}

static int run_seek(struct walk_run *r, size_t *budget, uint64_t n)
{
	int ret = 0;

	for (int i = 0; r->placed && !r->done && r->at > n && i < STEPS && ret == 0; i++)
		ret = move(r, r->table ? DB_PREV : DB_NEXT, 0, budget);
	if (ret || r->done || (r->placed && r->at <= n))
		return ret;
	return r->table ? seek_table(r, n, budget) : move(r, DB_SET_RANGE, n, budget);
}

static int runs_seek(struct walk_set *set, size_t *budget, uint64_t *n)
{
	uint64_t best = 0;
	bool any = false;

	for (size_t i = 0; i < set->nruns; i++) {
		struct walk_run *r = &set->runs[i];
		int ret = run_seek(r, budget, *n);
		if (ret)
			return ret;
		if (!r->done && (!any || r->at > best)) {
			best = r->at;
			any = true;
		}
	}
	*n = best;
	return any ? 0 : -ENOENT;
}

static int numbers_seek(struct walk_set *set, size_t *budget, uint64_t *n)
{
	size_t low = 0, high = set->count; /* all before low are <= *n */

	(void)budget;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (set->numbers[mid] <= *n)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return -ENOENT;
	*n = set->numbers[low - 1];
	return 0;
}

static int spans_seek(struct walk_set *set, size_t *budget, uint64_t *n)
{
	(void)budget;
	for (size_t i = 0; i < set->count; i++) {
		const struct span *sp = &set->spans[i];
		if (*n < sp->first)
			continue;
		if (*n > sp->last)
			*n = sp->last;
		return 0;
	}
	return -ENOENT;
}

int walk_add_union(struct walk *w, size_t max)
{
	struct walk_set *set = add_set(w);

	set->seek = runs_seek;
	set->runs = calloc(max ? max : 1, sizeof(*set->runs));
	set->count = max;
	return set->runs ? 0 : -ENOMEM;
}

static int add_run(struct walk *w, enum table t, struct walk_run **out)
{
	struct walk_set *set = &w->sets[w->nsets - 1];
	struct walk_run *r = &set->runs[set->nruns];

	assert(set->nruns < set->count);
	int ret = table_cursor(w->s, t, &r->cursor);
	if (ret)
		return ret;
	set->nruns++;
	r->s = w->s;
	*out = r;
	return 0;
}

int walk_add_run(struct walk *w, enum table t, const uint8_t *prefix, size_t len)
{
	struct walk_run *r;
	int ret = add_run(w, t, &r);

	if (ret)
		return ret;
	memcpy(r->prefix, prefix, len);
	r->len = len;
	return 0;
}

int walk_add_table(struct walk *w, enum table t)
{
	struct walk_run *r;
	int ret = walk_add_union(w, 1);

	if (ret == 0)
		ret = add_run(w, t, &r);
	if (ret == 0)
		r->table = true;
	return ret;
}

int walk_add_numbers(struct walk *w, const uint64_t *numbers, size_t n)
{
	struct walk_set *set = add_set(w);

	set->seek = numbers_seek;
	set->numbers = numbers;
	set->count = n;
	return 0;
}

int walk_add_window(struct walk *w, enum day_kind kind, uint64_t since_us, uint64_t until_us)
{
	struct walk_set *set = add_set(w);

	set->seek = spans_seek;
	return days_spans(w->s, kind, since_us, until_us, &set->spans, &set->count);
}

int walk_next(struct walk *w, uint64_t *n)
{
	for (;;) {
		uint64_t bound = *n;

		for (size_t i = 0; i < w->nsets; i++) {
			int ret = w->sets[i].seek(&w->sets[i], &w->budget, n);
			if (ret)
				return ret;
		}
		if (*n == bound)
			return 0;
		if (w->budget == 0)
			return -EAGAIN;
	}
}
