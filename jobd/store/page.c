/* SPDX-License-Identifier: ISC */
/*
 * Pages of ended jobs and of the journal: what of a filter an index serves
 * narrows the walk, and every row that it comes to is held against the whole filter.
 *
 * A page stops when its reader has enough, at the end, or when the budget is
 * used up; a short page with a place to go on from is not the end.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>

#include "jobd/store/record.h"
#include "jobd/store/walk.h"
#include "lib/log.h"
#include "lib/strv.h"

#define VALUES_MAX 32 /* a filter with more is cheaper to hold against the rows: a cursor each */

/* What to do with a number that the walk came to: 0 to go on, 1 to stop, -errno. */
typedef int visit_fn(struct walk *w, uint64_t n, void *ctx);

static int walk_page(struct walk *w, uint64_t *before, visit_fn *visit, void *ctx)
{
	while (*before > 0) {
		uint64_t n = *before - 1;
		int ret = walk_next(w, &n);

		if (ret == -EAGAIN) {
			*before = n + 1;
			return 1;
		}
		if (ret == -ENOENT)
			break;
		if (ret == 0) {
			if (w->budget)
				w->budget--;
			*before = n;
			ret = visit(w, n, ctx);
		}
		if (ret)
			return ret;
		if (w->budget == 0)
			return 1;
	}
	*before = 0;
	return 0;
}

static int add_values(struct walk *w, enum index_kind kind, const char *const *values, size_t n)
{
	uint8_t prefix[INDEX_KEY_MAX];
	int ret = walk_add_union(w, n);

	for (size_t i = 0; i < n && ret == 0; i++)
		ret = walk_add_run(w, TABLE_INDEX, prefix, index_prefix(prefix, kind, values[i]));
	return ret;
}

/* Adds the set of a list of values; nothing for none, or more than a walk should hold. */
static int add_list(struct walk *w, enum index_kind kind, const char *const *values)
{
	size_t n = 0;

	while (values && values[n])
		n++;
	return values && n <= VALUES_MAX ? add_values(w, kind, values, n) : 0;
}

static int add_states(struct walk *w, unsigned states)
{
	uint8_t prefix[INDEX_KEY_MAX];

	if (states == 0 || (states & JOB_ENDED_STATES) == JOB_ENDED_STATES)
		return 0;
	int ret = walk_add_union(w, JOB_STATES);
	for (unsigned i = 1; i < JOB_STATES && ret == 0; i++)
		if (states & JOB_ENDED_STATES & 1u << i)
			ret = walk_add_run(w, TABLE_INDEX, prefix, index_state_prefix(prefix, i));
	return ret;
}

static int add_job_sets(struct walk *w, const struct job_filter *f)
{
	int ret = 0;

	if (f->nids)
		ret = walk_add_numbers(w, f->ids, f->nids);
	if (ret == 0 && (f->since_us || f->until_us))
		ret = walk_add_window(w, DAY_JOBS, f->since_us, f->until_us);
	size_t cheap = f->nids ? 0 : w->nsets; /* a window alone says nothing of what exists */
	/* How far a walk comes tells what it went over: others' projects are not to be told. */
	if (ret == 0 && f->limit_uid)
		ret = add_list(w, INDEX_USER, f->own_names);
	else if (ret == 0)
		ret = add_list(w, INDEX_PROJECT, f->projects);
	if (ret == 0)
		ret = add_list(w, INDEX_QUEUE, f->queues);
	if (ret == 0)
		ret = add_list(w, INDEX_USER, f->users);
	if (ret == 0)
		ret = add_states(w, f->states);
	if (ret == 0 && w->nsets == cheap)
		ret = walk_add_table(w, TABLE_ENDED);
	return ret;
}

struct job_page {
	const struct job_filter *filter;
	store_page_fn *fn;
	void *ctx;
};

static int visit_job(struct walk *w, uint64_t id, void *ctx)
{
	const struct job_page *p = ctx;
	struct job j;
	bool more = true;
	int ret = job_read_ended(w->s, id, &j);

	/* An id that was asked for and is not there, or an entry that stayed behind. */
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	size_t work = job_work(&j, job_bytes(&j)) - 1; /* 1 was counted as the walk came to it */
	w->budget -= work < w->budget ? work : w->budget;
	if (job_filter_match(p->filter, &j))
		more = p->fn(p->ctx, &j);
	job_fini(&j);
	return more ? 0 : 1;
}

int store_ended_page(struct store *s, const struct job_filter *f, uint64_t *before, size_t budget,
    store_page_fn *fn, void *ctx)
{
	struct job_page page = { f, fn, ctx };
	struct walk w;

	walk_init(&w, s, budget);
	int ret = add_job_sets(&w, f);
	if (ret == 0)
		ret = walk_page(&w, before, visit_job, &page);
	walk_fini(&w);
	return ret;
}

static int add_entry_sets(struct walk *w, const struct journal_filter *f)
{
	uint8_t prefix[8];
	int ret = 0;

	if (f->since_us || f->until_us)
		ret = walk_add_window(w, DAY_ENTRIES, f->since_us, f->until_us);
	if (ret)
		return ret;
	if (f->njobs == 0 || f->njobs > VALUES_MAX)
		return walk_add_table(w, TABLE_JOURNAL);
	ret = walk_add_union(w, f->njobs);
	for (size_t i = 0; i < f->njobs && ret == 0; i++) {
		put_be64(prefix, f->jobs[i]);
		ret = walk_add_run(w, TABLE_JOURNAL_JOB, prefix, sizeof(prefix));
	}
	return ret;
}

struct entry_page {
	const struct journal_filter *filter;
	store_entry_fn *fn;
	void *ctx;
};

static int visit_entry(struct walk *w, uint64_t n, void *ctx)
{
	const struct entry_page *p = ctx;
	struct journal_entry e;
	uint8_t key[8];
	DBT d;
	bool more = true;

	put_be64(key, n);
	int ret = table_get(w->s, TABLE_JOURNAL, key, sizeof(key), &d);
	if (ret == 0)
		ret = record_entry_decode(d.data, d.size, &e);
	if (ret == -EBADMSG || ret == -ENOENT) {
		log_event(LOG_ERR, "store-error", "error", "entry %llu of the journal can't be read",
		    (unsigned long long)n);
		return 0;
	}
	if (ret)
		return ret;
	e.number = n;
	if (journal_filter_match(p->filter, &e))
		more = p->fn(p->ctx, &e);
	journal_entry_fini(&e);
	return more ? 0 : 1;
}

int store_journal_page(struct store *s, const struct journal_filter *f, uint64_t *before,
    size_t budget, store_entry_fn *fn, void *ctx)
{
	struct entry_page page = { f, fn, ctx };
	struct walk w;

	walk_init(&w, s, budget);
	int ret = add_entry_sets(&w, f);
	if (ret == 0)
		ret = walk_page(&w, before, visit_entry, &page);
	walk_fini(&w);
	return ret;
}
