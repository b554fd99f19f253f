/* SPDX-License-Identifier: ISC */
/*
 * The engine's frame: its life, the turn, the step that every change of a job
 * goes through.
 *
 * Invariants. A live job is in the set and its row in the store says the same
 * after every commit. Whatever changes a job goes through engine_step, so that
 * no change is without a row of the table and an entry of the journal. Where
 * memory runs out in the middle of a turn the turn fails as a whole and the
 * process starts over: there is no half-done state to repair.
 */
#include "config.h"

#include "jobd/core/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/crash.h"
#include "lib/log.h"

struct engine *engine_new(const struct engine_options *o)
{
	struct engine *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->store = o->store;
	e->settings = o->settings;
	e->state_dir = o->state_dir;
	e->boot_id = o->boot_id;
	e->real_us = o->real_us;
	e->mono_us = o->mono_us;
	e->free_bytes = o->free_bytes;
	e->disk_free = e->free_bytes(e->state_dir);
	live_init(&e->live);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->nover; i++)
		live_free(e->over[i]);
	live_fini(&e->live);
	order_fini(&e->order);
	outbox_fini(&e->outbox);
	free(e->over);
	free(e->doomed);
	free(e);
}

void engine_configure(struct engine *e, const struct engine_settings *s)
{
	bool rerank = s->ageing_us != e->settings.ageing_us;

	e->settings = *s;
	e->disk_free = e->free_bytes(e->state_dir);
	starts_put_back_all(e);
	for (struct live *l = rerank ? live_below(&e->live, UINT64_MAX) : NULL; l;
	    l = live_below(&e->live, l->job.id))
		if (order_has(l))
			engine_enqueue(e, l);
}

/* Takes in one job of the store, at start. */
static bool load_one(void *ctx, struct job *j)
{
	struct engine *e = ctx;
	struct live *l = live_add(&e->live, j);

	if (!l) {
		e->out_of_memory = true;
		return false;
	}
	engine_count(e, &l->job, 0, l->job.state);
	if (l->job.state == JOB_QUEUED)
		engine_enqueue(e, l);
	if (l->job.state == JOB_RUNNING || l->job.state == JOB_PAUSED) {
		starts_adopt(e, l);
	}
	return true;
}

static int adopt(struct engine *e, struct live *l)
{
	enum keeper_level level = LEVEL_RUN;

	if (l->job.cancel_requested)
		level = LEVEL_END;
	else if (l->job.state == JOB_PAUSED || l->job.pause_requested)
		level = LEVEL_STOP;
	return proc_adopt(e->proc, &l->job, level, e->settings.kill_grace_ms);
}

int engine_load(struct engine *e, struct proc *p)
{
	e->proc = p;
	int rc = store_load(e->store, load_one, e);
	if (rc)
		return rc;
	if (e->out_of_memory)
		return -ENOMEM;
	for (struct live *l = live_below(&e->live, UINT64_MAX); l && rc == 0;
	    l = live_below(&e->live, l->job.id))
		if (l->phase == LIVE_ACTIVE)
			rc = adopt(e, l);
	if (rc)
		return rc;
	proc_adopted_all(p);
	return 0;
}

void engine_touch(struct engine *e, struct live *l)
{
	if (l->dirty)
		return;
	l->dirty = true;
	l->next_dirty = e->dirty;
	e->dirty = l;
}

/*
 * A constant for a job that waits: with ageing, each step of priority is worth
 * so long a wait, so that none waits for ever; without, priority comes first.
 */
static uint64_t rank_of(const struct engine *e, const struct job *j)
{
	if (e->settings.ageing_us == 0)
		return (uint64_t)j->priority << 56 | j->eligible_at_us;
	return j->eligible_at_us + j->priority * e->settings.ageing_us;
}

void engine_enqueue(struct engine *e, struct live *l)
{
	if (!order_put(&e->order, l, rank_of(e, &l->job)))
		e->out_of_memory = true;
}

void engine_journal(struct engine *e, const struct job *j, const struct journal_entry *entry)
{
	store_journal_put(e->store, entry);
	outbox_add(&e->outbox, entry, j);
}

struct job_view engine_live_view(struct engine *e, struct live *l)
{
	struct job_view v = { .job = &l->job, .reason = l->job.reason, .silent = l->silent };

	job_init(&v.loaded);
	if (l->job.state == JOB_QUEUED)
		v.reason = schedule_reason(e, l);
	return v;
}

void engine_changed(struct engine *e, struct live *l, enum job_change c)
{
	struct job_view v = engine_live_view(e, l);
	struct job_watch *next;

	for (struct job_watch *w = l->watches; w; w = next) {
		next = w->next;
		if (c == CHANGE_ENDED)
			engine_unwatch(w);
		w->changed(w, &v, c);
	}
}

void engine_pause_answer(struct live *l, enum engine_result r, pid_t culprit)
{
	struct pause_waiter *w = l->pause_waiters, *next;

	l->pause_waiters = NULL;
	for (; w; w = next) {
		next = w->next;
		w->done(w->arg, r, l->job.id, culprit);
		free(w);
	}
}

/* The job has ended: its row moves over, and the memory goes after the commit. */
static void retire(struct engine *e, struct live *l)
{
	if (e->nover == e->over_cap) {
		size_t cap = e->over_cap ? e->over_cap * 2 : 64;
		struct live **over = realloc(e->over, cap * sizeof *over);
		if (!over) {
			e->out_of_memory = true;
			return;
		}
		e->over = over;
		e->over_cap = cap;
	}
	store_job_put(e->store, &l->job);
	live_remove(&e->live, l);
	l->phase = LIVE_OVER;
	e->over[e->nover++] = l;
	engine_pause_answer(l, ENGINE_WRONG_STATE, 0);
	engine_changed(e, l, CHANGE_ENDED);
}

static bool waits(enum job_state s)
{
	return s == JOB_QUEUED || s == JOB_HELD;
}

void engine_count(struct engine *e, const struct job *j, enum job_state from, enum job_state to)
{
	if (from && !job_has_ended(from))
		e->counts[from]--;
	if (to && !job_has_ended(to))
		e->counts[to]++;
	if (waits(from) && !waits(to))
		order_wait_no_more(&e->order, j->uid);
	else if (!waits(from) && waits(to) && !order_wait(&e->order, j->uid))
		e->out_of_memory = true;
}

bool engine_over_quota(const struct engine *e, const struct actor *who, uint32_t uid)
{
	unsigned most = e->settings.user_queued_jobs;

	return most && who->uid != 0 && who->uid != e->settings.exempt_uid
	    && order_waiting(&e->order, uid) >= most;
}

size_t engine_waiting(const struct engine *e, uint32_t uid)
{
	return order_waiting(&e->order, uid);
}

static void move(struct engine *e, struct live *l, enum job_state to)
{
	engine_count(e, &l->job, l->job.state, to);
	if (to)
		l->job.state = to;
}

/* What the journal says of the step. The strings are borrowed from all over: not to be freed. */
static struct journal_entry entry_of(
    struct engine *e, const struct job *j, const struct step *s, enum job_state from)
{
	struct journal_entry entry = {
		.at_us = e->real_us(),
		.job = j->id,
		.attempt = j->now.number,
		.verb = (char *)(uintptr_t)state_event_name(s->event),
		.from = from,
		.result = (char *)(uintptr_t)(s->already ? "already" : "ok"),
		.detail = (char *)(uintptr_t)s->detail,
		.owner = j->uid,
	};

	if (s->who) {
		entry.has_actor = true;
		entry.uid = s->who->uid;
		entry.user = (char *)(uintptr_t)s->who->user;
		entry.pid = s->who->pid;
		entry.process = (char *)(uintptr_t)s->who->process;
	}
	return entry;
}

bool engine_step(struct engine *e, struct live *l, struct step *s)
{
	enum job_state from = l->job.state;
	const struct state_row *row = state_find(from, s->event);

	if (!row)
		return false;
	if (row->to != from)
		move(e, l, row->to);
	if (row->action == ACTION_NONE)
		s->already = true;
	else
		engine_actions[row->action](e, l, s);
	/* The mark is the pause's, and goes with it. */
	l->job.stop_paused &= l->job.pause_requested || l->job.state == JOB_PAUSED;

	struct journal_entry entry = entry_of(e, &l->job, s, from);
	entry.to = row->to;
	if (row->action == ACTION_FINISH) {
		entry.reason = l->job.reason;
		entry.has_status = l->job.now.has_status;
		entry.status = l->job.now.status;
	}
	engine_journal(e, &l->job, &entry);
	if (row->action == ACTION_FINISH) {
		retire(e, l);
	} else if (row->to && !s->already) {
		engine_touch(e, l);
		engine_changed(e, l, CHANGE_STATE);
	}
	return true;
}

void engine_note(struct engine *e, const struct actor *who, const char *verb, const char *result,
    const char *detail)
{
	static const struct job nothing;
	struct step s = { .who = who, .detail = detail };
	struct journal_entry entry = entry_of(e, &nothing, &s, 0);

	entry.verb = (char *)(uintptr_t)verb;
	entry.result = (char *)(uintptr_t)result;
	entry.owner = who ? who->uid : 0;
	engine_journal(e, NULL, &entry);
}

/* A refusal, for the journal. Those that have the same key are one, for a minute. */
struct refused {
	const char *verb, *error, *key;
	const char *limit; /* that was met, or NULL */
};

static void refused(struct engine *e, const struct actor *who, const struct job *j,
    const struct refused *r)
{
	uint64_t before = 0;
	char detail[100];

	/* The clock may be near 0 after boot: a kept time of 0 must not look recent. */
	if (!refusals_admit(&e->refusals, who->uid, r->key, e->mono_us() + REFUSALS_US, &before))
		return;
	int n = snprintf(detail, sizeof detail, "%s", r->limit ? r->limit : "");
	if (before)
		snprintf(detail + n, sizeof detail - (size_t)n, "%s%llu more before it", n ? "; " : "",
		    (unsigned long long)before);

	struct step s = { .who = who, .detail = *detail ? detail : NULL };
	struct journal_entry entry = entry_of(e, j, &s, j->state);
	entry.verb = (char *)(uintptr_t)r->verb;
	entry.result = (char *)(uintptr_t)r->error;
	engine_journal(e, j->queue ? j : NULL, &entry);
}

void engine_limited(
    struct engine *e, const struct actor *who, const char *verb, const char *limit)
{
	struct job nothing = { .uid = who->uid };
	char key[48];

	snprintf(key, sizeof key, "%s:%s", verb, limit);
	refused(e, who, &nothing, &(struct refused){ verb, "LimitReached", key, limit });
}

void engine_refused_job(struct engine *e, const struct actor *who, const char *verb,
    const struct job *j, const char *error)
{
	refused(e, who, j, &(struct refused){ verb, error, verb, NULL });
}

void engine_refused(
    struct engine *e, const struct actor *who, const char *verb, uint64_t id, const char *error)
{
	struct job nothing = { .id = id, .uid = who->uid };
	struct job_view v;

	if (id && engine_get(e, id, &v) == ENGINE_OK) {
		engine_refused_job(e, who, verb, v.job, error);
		job_view_fini(&v);
		return;
	}
	engine_refused_job(e, who, verb, &nothing, error);
}

static void put_dirty(struct engine *e)
{
	struct live *next;

	for (struct live *l = e->dirty; l; l = next) {
		next = l->next_dirty;
		l->dirty = l->progress_dirty = false;
		l->next_dirty = NULL;
		if (l->phase != LIVE_OVER)
			store_job_put(e->store, &l->job);
	}
	e->dirty = NULL;
}

static void reach_crash_points(unsigned marks)
{
	static const struct {
		unsigned mark;
		const char *name;
	} points[] = {
		{ MARK_START, "start-committed" },
		{ MARK_PAUSE_INTENT, "pause-committed" },
		{ MARK_PAUSED, "paused-committed" },
		{ MARK_RESUME, "resume-committed" },
		{ MARK_CANCEL, "cancel-committed" },
		{ MARK_END, "end-committed" },
		{ MARK_EXIT_FILE, "exitfile-committed" },
	};

	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
		if (marks & points[i].mark)
			crash_point(points[i].name);
}

int engine_turn(struct engine *e)
{
	stopping_run(e);
	schedule_run(e);
	put_dirty(e);
	if (e->out_of_memory)
		return -ENOMEM;
	int rc = store_commit(e->store);
	if (rc)
		return rc;

	if (e->marks) {
		reach_crash_points(e->marks);
		e->marks = 0;
	}
	outbox_flush(&e->outbox);
	for (size_t i = 0; i < e->nover; i++)
		live_free(e->over[i]);
	e->nover = 0;
	for (size_t i = 0; i < e->ndoomed; i++)
		proc_log_remove(e->proc, e->doomed[i].id, e->doomed[i].attempt);
	e->ndoomed = 0;
	e->started = 0;
	return 0;
}

void engine_tick(struct engine *e)
{
	e->disk_free = e->free_bytes(e->state_dir);
	starts_tick(e);
	for (struct live *l = live_below(&e->live, UINT64_MAX); l;
	    l = live_below(&e->live, l->job.id))
		if (l->progress_dirty)
			engine_touch(e, l);
}

bool engine_watch(struct engine *e, uint64_t id, struct job_watch *w)
{
	struct live *l = live_find(&e->live, id);

	if (!l)
		return false;
	w->next = l->watches;
	w->link = &l->watches;
	if (w->next)
		w->next->link = &w->next;
	l->watches = w;
	return true;
}

void engine_unwatch(struct job_watch *w)
{
	if (!w->link)
		return;
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->link = NULL;
	w->next = NULL;
}
