/* SPDX-License-Identifier: ISC */
/*
 * Looking, without touching: one job, pages of jobs, the journal, health.
 *
 * A page is one walk down the ids: the live jobs from memory and the ended ones
 * from the store are woven together as they come.
 */
#include "config.h"

#include <errno.h>

#include "jobd/core/internal.h"

/* Those of failures. Of the reasons to wait only a dependency, which never comes true, is one too. */
#define ENDED_REASONS (~(uint32_t)0 << REASON_EXIT | 1u << REASON_DEPENDENCY)

int query_ended(struct engine *e, uint64_t id, struct job *j)
{
	int rc = store_job_get(e->store, id, j);

	if (rc || job_has_ended(j->state))
		return rc;
	job_fini(j);
	return -ENOENT;
}

/* What its queue says today is not what held for it. */
static uint64_t ended_timeout_us(const struct job *j)
{
	struct rules own;

	rules_init(&own);
	rules_apply(&own, j->rules);
	return engine_timeout_us(j, &own);
}

enum engine_result engine_get(struct engine *e, uint64_t id, struct job_view *v)
{
	struct live *l = live_find(&e->live, id);

	if (l) {
		*v = engine_live_view(e, l);
		return ENGINE_OK;
	}
	int rc = query_ended(e, id, &v->loaded);
	if (rc)
		return rc == -ENOENT ? ENGINE_NOT_FOUND : ENGINE_FAILED;
	v->job = &v->loaded;
	v->reason = v->loaded.reason;
	v->silent = false;
	v->attempts = v->loaded.attempts;
	v->timeout_us = ended_timeout_us(v->job);
	return ENGINE_OK;
}

void job_view_fini(struct job_view *v)
{
	if (v->job == &v->loaded)
		job_fini(&v->loaded);
	v->job = NULL;
}

struct weave {
	struct engine *e;
	const struct job_filter *f;
	engine_list_fn *fn;
	void *ctx;
	uint64_t live_before; /* live jobs from here on were shown */
	uint64_t last;	      /* shown last, or looked at last */
	size_t budget;	      /* live jobs that may be looked at yet, as job_work has them */
	bool stopped;
};

static bool show(struct weave *w, const struct job_view *v)
{
	w->last = v->job->id;
	w->stopped = !w->fn(w->ctx, v);
	return !w->stopped;
}

/* Shows the live jobs whose ids are in [down_to, live_before). */
static bool show_live(struct weave *w, uint64_t down_to)
{
	struct live *l;

	if (w->f->states && !(w->f->states & ~JOB_ENDED_STATES))
		return true;
	while ((l = live_below(&w->e->live, w->live_before)) && l->job.id >= down_to) {
		w->live_before = l->job.id;
		if (w->budget == 0) {
			w->last = l->job.id + 1;
			w->stopped = true;
			return false;
		}
		size_t work = job_work(&l->job, l->bytes);
		w->budget -= work < w->budget ? work : w->budget;
		if (!job_filter_match(w->f, &l->job))
			continue;
		struct job_view v = engine_live_view(w->e, l);
		if (job_filter_has_reason(w->f, v.reason) && !show(w, &v))
			return false;
	}
	return true;
}

static bool show_ended(void *ctx, const struct job *j)
{
	struct weave *w = ctx;
	struct job_view v = { .job = j, .reason = j->reason, .attempts = j->attempts,
		.timeout_us = ended_timeout_us(j) };

	return show_live(w, j->id) && show(w, &v);
}

/* A million ended jobs are not gone over for those that wait for something. */
static bool may_have_ended(const struct job_filter *f)
{
	return (!f->states || f->states & JOB_ENDED_STATES) && (!f->reasons || f->reasons & ENDED_REASONS);
}

/* Whether nothing that is meant can come below this: a batch is named by the first of its jobs. */
static bool below(const struct job_filter *f, uint64_t before)
{
	return f->batch && before <= f->batch;
}

int engine_list(struct engine *e, const struct job_filter *f, uint64_t *before, size_t budget,
    engine_list_fn *fn, void *ctx)
{
	struct weave w = { .e = e, .f = f, .fn = fn, .ctx = ctx, .live_before = *before,
		.last = *before, .budget = budget };
	uint64_t at = *before;
	int rc = 0;

	if ((f->ids && !f->nids) || below(f, *before))
		return 0;
	if (may_have_ended(f))
		rc = store_ended_page(e->store, f, &at, budget, show_ended, &w);
	if (rc == 1 && !w.stopped && below(f, at))
		rc = 0;
	if (rc < 0)
		return rc;
	if (!w.stopped)
		show_live(&w, rc == 1 ? at : f->batch);
	if (w.stopped) {
		*before = w.last;
		return 1;
	}
	*before = at;
	return rc;
}

int engine_audit(struct engine *e, const struct journal_filter *f, uint64_t *before, size_t budget,
    engine_entry_fn *fn, void *ctx)
{
	if (f->jobs && !f->njobs)
		return 0;
	return store_journal_page(e->store, f, before, budget, fn, ctx);
}

#define PAIRS_MAX 1000

struct pairs {
	struct engine *e;
	engine_after_fn *fn;
	void *ctx;
	size_t n;
};

static bool show_pair(void *ctx, const struct job_after *a)
{
	struct pairs *p = ctx;

	return p->fn(p->ctx, a) && ++p->n < PAIRS_MAX;
}

static bool show_before(void *ctx, const struct job_after *a)
{
	const struct pairs *p = ctx;

	return batch_has(p->e, a->id) || show_pair(ctx, a);
}

int engine_after_each(struct engine *e, const struct job *j, engine_after_fn *fn, void *ctx)
{
	struct pairs p = { e, fn, ctx, 0 };

	return j->has_after ? store_after_each(e->store, j->id, 0, show_pair, &p) : 0;
}

int engine_before_each(struct engine *e, const struct job *j, engine_after_fn *fn, void *ctx)
{
	struct pairs p = { e, fn, ctx, 0 };

	return store_before_each(e->store, j->id, 0, show_before, &p);
}

int engine_log_open(struct engine *e, const struct job *j, uint32_t attempt)
{
	const struct job_attempt *a = job_attempt_find(j, attempt ? attempt : job_last_attempt(j));

	if (!a)
		return -ENOENT;
	if (a->silent)
		return -ENODATA;
	int fd = proc_log_open(e->proc, j->id, a->number);
	/* A keeper gives the log its name when the gate opens, which is after we have it running. */
	if (fd == -ENOENT && a == &j->now && !job_has_ended(j->state))
		return -ENODATA;
	return fd;
}

void engine_health(struct engine *e, struct engine_health *h)
{
	*h = (struct engine_health){
		.journal = store_journal_last(e->store),
		.free_bytes = e->disk_free,
		.low_disk_bytes = e->settings.low_disk_bytes,
		.max_running = e->settings.max_running,
		.user_max_running = e->settings.user_max_running,
		.silent_keepers = e->silent,
		.backing_off = e->mono_us() < e->backoff_until_us,
		.tree = proc_tree_kind(e->proc),
		.instance = store_instance(e->store),
	};
	store_ended_counts(e->store, h->counts);
	for (int s = JOB_QUEUED; s <= JOB_PAUSED; s++)
		h->counts[s] = e->counts[s];
}
