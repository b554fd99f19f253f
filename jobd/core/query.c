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

#define ENDED_STATES (1u << JOB_COMPLETED | 1u << JOB_FAILED | 1u << JOB_CANCELLED)

enum engine_result engine_get(struct engine *e, uint64_t id, struct job_view *v)
{
	struct live *l = live_find(&e->live, id);

	if (l) {
		*v = engine_live_view(e, l);
		return ENGINE_OK;
	}
	int rc = store_job_get(e->store, id, &v->loaded);
	if (rc)
		return rc == -ENOENT ? ENGINE_NOT_FOUND : ENGINE_FAILED;
	v->job = &v->loaded;
	v->reason = v->loaded.reason;
	v->silent = false;
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
	size_t budget;	      /* live jobs that may be looked at yet */
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

	if (w->f->states && !(w->f->states & ~ENDED_STATES))
		return true;
	while ((l = live_below(&w->e->live, w->live_before)) && l->job.id >= down_to) {
		w->live_before = l->job.id;
		if (w->budget-- == 0) {
			w->last = l->job.id + 1;
			w->stopped = true;
			return false;
		}
		if (!job_filter_match(w->f, &l->job))
			continue;
		struct job_view v = engine_live_view(w->e, l);
		if (!show(w, &v))
			return false;
	}
	return true;
}

static bool show_ended(void *ctx, const struct job *j)
{
	struct weave *w = ctx;
	struct job_view v = { .job = j, .reason = j->reason };

	return show_live(w, j->id) && show(w, &v);
}

int engine_list(struct engine *e, const struct job_filter *f, uint64_t *before, size_t budget,
    engine_list_fn *fn, void *ctx)
{
	struct weave w = { .e = e, .f = f, .fn = fn, .ctx = ctx, .live_before = *before,
		.last = *before, .budget = budget };
	uint64_t at = *before;
	int rc = 0;

	if (f->ids && !f->nids)
		return 0;

	if (!f->states || f->states & ENDED_STATES)
		rc = store_ended_page(e->store, f, &at, budget, show_ended, &w);
	if (rc < 0)
		return rc;
	if (!w.stopped)
		show_live(&w, rc == 1 ? at : 0);
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
		.silent_keepers = e->silent,
		.backing_off = e->mono_us() < e->backoff_until_us,
		.tree = proc_tree_kind(e->proc),
		.instance = store_instance(e->store),
	};
	store_ended_counts(e->store, h->counts);
	for (int s = JOB_QUEUED; s <= JOB_PAUSED; s++)
		h->counts[s] = e->counts[s];
}
