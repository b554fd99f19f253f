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
#include "lib/array.h"
#include "lib/crash.h"
#include "lib/log.h"

#define LINKS_A_JOB   100
#define CLOCK_STEP_US 1000000 /* what is less in a tick is a clock that is corrected, and not set */

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
	e->order.user_most = o->settings.user_max_running;
	if (engine_declare_queues(e, NULL, 0) == 0)
		return e;
	engine_free(e);
	return NULL;
}

/* Whoever waits is not told any more. */
static void forget_waiters(void *ctx, struct live *l)
{
	(void)ctx;
	while (l->pause_waiters) {
		struct pause_waiter *w = l->pause_waiters;
		l->pause_waiters = w->next;
		free(w);
	}
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	live_each(&e->live, forget_waiters, NULL);
	for (size_t i = 0; i < e->nover; i++)
		live_free(e->over[i]);
	batch_fini(e);
	live_fini(&e->live);
	order_fini(&e->order);
	heap_fini(&e->resuming);
	queue_set_fini(&e->queues);
	due_fini(&e->due);
	unique_fini(&e->unique);
	depend_fini(e);
	templates_free(e->templates);
	outbox_fini(&e->outbox);
	free(e->over);
	free(e->doomed);
	free(e);
}

static void place_again(void *ctx, struct live *l)
{
	waiting_place(ctx, l);
}

void engine_configure(struct engine *e, const struct engine_settings *s)
{
	bool rerank = s->ageing_us != e->settings.ageing_us;

	e->settings = *s;
	e->disk_free = e->free_bytes(e->state_dir);
	if (!order_user_most(&e->order, s->user_max_running))
		e->out_of_memory = true;
	starts_limits_changed(e);
	if (rerank)
		live_each(&e->live, place_again, e);
}

void engine_touch(struct engine *e, struct live *l)
{
	if (l->dirty)
		return;
	l->dirty = true;
	l->next_dirty = e->dirty;
	e->dirty = l;
}

struct rules engine_rules(const struct live *l)
{
	struct rules r = l->queue->rules;

	r.submit_users = r.submit_groups = NULL;
	rules_apply(&r, l->job.rules); /* a job's have no lists, so that nothing is allocated */
	return r;
}

uint32_t engine_attempts(const struct live *l)
{
	uint32_t n = engine_rules(l).attempts;

	return l->job.attempts > n ? l->job.attempts : n;
}

void engine_journal(struct engine *e, const struct job *j, const struct journal_entry *entry)
{
	store_journal_put(e->store, entry);
	outbox_add(&e->outbox, entry, j);
}

uint64_t engine_timeout_us(const struct job *j, const struct rules *r)
{
	bool began = j->state == JOB_RUNNING || j->state == JOB_PAUSED || job_has_ended(j->state);

	if (!began || !j->now.timeout_us)
		return r->timeout_us;
	return j->now.timeout_us == JOB_NO_TIMEOUT ? 0 : j->now.timeout_us;
}

struct job_view engine_live_view(struct engine *e, struct live *l)
{
	const struct rules r = engine_rules(l);
	struct job_view v = { .job = &l->job, .reason = l->job.reason, .silent = l->silent,
		.attempts = engine_attempts(l), .timeout_us = engine_timeout_us(&l->job, &r) };

	job_init(&v.loaded);
	if (l->job.state == JOB_QUEUED || (l->job.state == JOB_PAUSED && l->job.resume_requested))
		v.reason = choose_reason(e, l);
	return v;
}

static void add_watch(struct job_watch **list, struct job_watch *w)
{
	w->next = *list;
	w->link = list;
	if (w->next)
		w->next->link = &w->next;
	*list = w;
}

/* Whoever is told may take off any watch: those that are still to be told stand apart, so that
 * none is told after that. */
void engine_changed(struct engine *e, struct live *l, enum job_change c)
{
	struct job_view v = engine_live_view(e, l);
	struct job_watch *untold = l->watches;

	l->watches = NULL;
	if (untold)
		untold->link = &untold;
	while (untold) {
		struct job_watch *w = untold;
		engine_unwatch(w);
		if (c != CHANGE_ENDED)
			add_watch(&l->watches, w);
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

void engine_free_later(struct engine *e, struct live *l)
{
	struct live **over = array_room(e->over, e->nover, &e->over_cap, sizeof(struct live *));

	if (!over) {
		e->out_of_memory = true;
		return;
	}
	e->over = over;
	l->phase = LIVE_OVER;
	e->over[e->nover++] = l;
}

/* The job has ended: its row moves over, and the memory goes after the commit. */
static void retire(struct engine *e, struct live *l)
{
	store_job_put(e->store, &l->job);
	waiting_leave(e, l);
	unique_remove(&e->unique, l);
	live_remove(&e->live, l);
	depend_ended(e, l);
	engine_free_later(e, l);
	engine_pause_answer(l, ENGINE_WRONG_STATE, 0);
	engine_changed(e, l, CHANGE_ENDED);
	queues_review(e, l->queue);
}

/* Whether one in this state counts as one that waits: paused without a slot, or on the way there,
 * it holds no slot, and its processes all the same. */
static bool waits(const struct live *l, enum job_state s)
{
	return s == JOB_QUEUED || s == JOB_HELD
	    || ((s == JOB_RUNNING || s == JOB_PAUSED) && l->job.slot_released);
}

static void count_waiting(struct engine *e, struct live *l, enum job_state s)
{
	bool is = waits(l, s);

	if (is == l->counted)
		return;
	l->counted = is;
	if (!is)
		order_count_drop(&e->order, l->job.uid, ORDER_WAITING, 1);
	else if (!order_count_add(&e->order, l->job.uid, ORDER_WAITING, 1))
		e->out_of_memory = true;
}

void engine_count(struct engine *e, struct live *l, enum job_state from, enum job_state to)
{
	bool was = from && !job_has_ended(from), is = to && !job_has_ended(to);

	if (was) {
		e->counts[from]--;
		l->queue->counts[from]--;
	}
	if (is) {
		e->counts[to]++;
		l->queue->counts[to]++;
	}
	if (was && !is)
		order_count_drop(&e->order, l->job.uid, ORDER_BYTES, l->bytes);
	else if (is && !was && !order_count_add(&e->order, l->job.uid, ORDER_BYTES, l->bytes))
		e->out_of_memory = true;
	count_waiting(e, l, to);
}

bool engine_binds(const struct engine *e, const struct actor *who)
{
	return who->uid != 0 && who->uid != e->settings.exempt_uid;
}

bool engine_over_quota(const struct engine *e, const struct actor *who, uint32_t uid)
{
	unsigned most = e->settings.user_queued_jobs;

	return most && engine_binds(e, who)
	    && order_count(&e->order, uid, ORDER_WAITING) + batch_count(e, uid) >= most;
}

bool engine_over_bytes(const struct engine *e, const struct actor *who, uint32_t uid, size_t more)
{
	uint64_t most = e->settings.user_job_bytes;

	return most && engine_binds(e, who) && engine_job_bytes(e, uid) + more > most;
}

size_t engine_job_bytes(const struct engine *e, uint32_t uid)
{
	return order_count(&e->order, uid, ORDER_BYTES) + batch_bytes(e, uid);
}

size_t engine_links_most(const struct engine *e)
{
	return (size_t)e->settings.user_queued_jobs * LINKS_A_JOB;
}

bool engine_over_links(const struct engine *e, const struct actor *who, uint32_t uid, size_t more)
{
	size_t most = engine_links_most(e);

	return more && most && engine_binds(e, who)
	    && order_count(&e->order, uid, ORDER_LINKS) + more > most;
}

size_t engine_waiting(const struct engine *e, uint32_t uid)
{
	return order_count(&e->order, uid, ORDER_WAITING);
}

static void move(struct engine *e, struct live *l, enum job_state to)
{
	if (to && (l->job.state == JOB_PAUSED) != (to == JOB_PAUSED))
		starts_note_paused(e, l, to == JOB_PAUSED);
	engine_count(e, l, l->job.state, to);
	if (to)
		l->job.state = to;
}

struct journal_entry engine_entry(
    struct engine *e, const struct job *j, const struct step *s, enum job_state from)
{
	struct journal_entry entry = {
		.at_us = e->real_us(),
		.job = j->id,
		.attempt = j->now.number,
		.verb = state_event_name(s->event),
		.from = from,
		.result = s->already ? "already" : "ok",
		.detail = s->detail,
		.owner = j->uid,
	};

	if (s->who) {
		entry.has_actor = true;
		entry.uid = s->who->uid;
		entry.user = s->who->user;
		entry.pid = s->who->pid;
		entry.process = s->who->process;
	}
	return entry;
}

/* How an attempt ended; one that was put away is the last of the history. */
static void say_end(struct journal_entry *entry, const struct job *j, enum state_action action)
{
	bool away = action == ACTION_PUT_AWAY;
	const struct job_attempt *a = away ? &j->history[j->nhistory - 1] : &j->now;

	entry->attempt = a->number;
	entry->reason = a->reason;
	entry->has_status = a->has_status;
	entry->status = a->status;
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
	/* The marks are the pause's, and go with it. */
	bool pause = l->job.pause_requested || l->job.state == JOB_PAUSED;
	l->job.stop_paused &= pause;
	l->job.queue_paused &= pause;
	l->job.slot_released &= pause;
	l->job.resume_requested &= pause;
	count_waiting(e, l, l->job.state);

	struct journal_entry entry = engine_entry(e, &l->job, s, from);
	entry.to = row->to;
	if (row->action == ACTION_FINISH || (row->action == ACTION_PUT_AWAY && l->job.nhistory))
		say_end(&entry, &l->job, row->action);
	engine_journal(e, &l->job, &entry);
	if (row->action == ACTION_FINISH) {
		retire(e, l);
	} else if (row->to && !s->already) {
		waiting_place(e, l);
		engine_touch(e, l);
		engine_changed(e, l, CHANGE_STATE);
	}
	return true;
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
		{ MARK_AGAIN, "again-committed" },
		{ MARK_SLICE, "slice-committed" },
		{ MARK_SEAL, "seal-committed" },
		{ MARK_DROP, "drop-committed" },
		{ MARK_TELLING, "telling-committed" },
		{ MARK_QUEUE, "queue-committed" },
		{ MARK_DOOM, "doom-committed" },
	};

	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
		if (marks & points[i].mark)
			crash_point(points[i].name);
}

int engine_turn(struct engine *e)
{
	stopping_run(e);
	waiting_run(e);
	depend_run(e);
	batch_run(e);
	choose_run(e);
	submit_flush(e);
	logs_forget(e);
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
	logs_remove(e);
	e->started = 0;
	return 0;
}

static void put_progress(void *ctx, struct live *l)
{
	if (l->progress_dirty)
		engine_touch(ctx, l);
}

static void look_at_clock(struct engine *e)
{
	int64_t offset = (int64_t)(e->real_us() - e->mono_us()), by = offset - e->clock_offset_us;

	if (e->clock_offset_us && (by > CLOCK_STEP_US || by < -CLOCK_STEP_US))
		waiting_clock_was_set(e, by);
	e->clock_offset_us = offset;
}

void engine_tick(struct engine *e)
{
	look_at_clock(e);
	e->disk_free = e->free_bytes(e->state_dir);
	starts_tick(e);
	batch_tick(e);
	live_each(&e->live, put_progress, e);
}

bool engine_watch(struct engine *e, uint64_t id, struct job_watch *w)
{
	struct live *l = live_find(&e->live, id);

	if (!l)
		return false;
	add_watch(&l->watches, w);
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
