/* SPDX-License-Identifier: ISC */
/*
 * Anything at any time: random steps of people, keepers, clocks and deaths of jobd, and after
 * each turn what must hold whatever came before. SEED=N repeats a run; it is told when one fails.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/world.h"
#include "unit.h"

#define STEPS  ((int)(3000 / unit_slowness())) /* turns */
#define QUEUES 3

static const struct queue_declaration declared[] = { { "a", NULL }, { "b", NULL } };
static const char *const names[QUEUES] = { "a", "b", "default" };

/* What the test knows: ids, limits, and how many held a slot after the last turn. */
static struct {
	unsigned seed, first_seed;
	uint64_t last; /* id */
	unsigned most[QUEUES], was[QUEUES], all_was;
	uint64_t batch; /* that is open; 0: none */
	bool forced; /* something that exceeds limits by right was done in this turn */
} t;

static unsigned below(unsigned n)
{
	return (unsigned)rand_r(&t.seed) % n;
}

static uint64_t any_job(void)
{
	unsigned back = t.last < 40 ? (unsigned)t.last : 40;

	return back ? t.last - below(back) : 0;
}

static void do_submit(void)
{
	static const char *const rules[][3] = { { "attempts=3", "backoff=2s", "recovery=retry" },
		{ "timeout=5s", "warn=USR1@2s", NULL }, { "attempts=2", "backoff=0", "recovery=hold" } };
	struct spec s = { .queue = names[below(QUEUES)], .uid = below(2) ? 2000 + below(3) : 0,
		.hold = below(8) == 0, .priority = (uint8_t)below(11), .drop_unmet = below(2) };
	uint64_t id, other = any_job();

	for (unsigned i = 0, r = below(6); r < 3 && i < 3; i++)
		s.rules[i] = rules[r][i];
	if (other && below(3) == 0)
		s.after[s.nafter++] = (struct job_after){ other, (enum after_on)(1 + below(3)), 0 };
	if (below(10) == 0)
		s.not_before_us = real_now() + below(20) * SECOND;
	if (below(10) == 0)
		s.deadline_us = real_now() + below(20) * SECOND;
	if (below(10) == 0)
		s.unique = "k";
	if (try_submit(&s, &id) == ENGINE_OK)
		t.last = id;
}

/* One more into a batch, whose jobs wait for one another and for others; or its end. */
static void do_batch(void)
{
	unsigned what = below(8);
	struct spec s = { .queue = names[below(QUEUES)], .nafter = below(3) };

	if (what == 0 && t.batch)
		engine_batch_drop(engine, &ann, t.batch);
	else if (what <= 2 && t.batch)
		engine_batch_seal(engine, &ann, t.batch, NULL);
	if (what <= 2) {
		t.batch = 0;
		return;
	}
	for (size_t i = 0; i < s.nafter; i++)
		s.after[i] = (struct job_after){ any_job(), (enum after_on)(1 + below(3)), 0 };
	struct job draft;
	struct submission u = { .draft = &draft, .after = s.after, .nafter = s.nafter };
	uint64_t id;
	draft_of(&s, &draft);
	if (engine_batch_add(engine, &ann, &t.batch, &u, &id) == ENGINE_OK)
		t.last = id;
}

static void do_control(uint64_t id)
{
	static const enum job_event events[] = { EVENT_HOLD, EVENT_RELEASE, EVENT_PAUSE, EVENT_PAUSE, EVENT_RESUME,
		EVENT_RESUME, EVENT_CANCEL, EVENT_RETRY, EVENT_PRIORITY, EVENT_DELETE };
	static struct answer answer;
	struct control c = { .event = events[below(sizeof events / sizeof events[0])],
		.priority = 1 + (int)below(10), .release_slot = below(2), .force = below(6) == 0,
		.now = below(2), .done = note_answer, .arg = &answer };

	t.forced |= c.event == EVENT_RESUME && c.force;
	ask(id, c);
}

static void do_edit(uint64_t id)
{
	struct spec s = { .queue = names[below(QUEUES)], .not_before_us = below(2) ? real_now() + SECOND : 0 };
	struct control_result r;
	struct job draft;
	uint64_t other = any_job();
	struct job_after after = { other, AFTER_ANY, 0 };

	draft_of(&s, &draft);
	struct edit x = { .fields = below(1 << 13) & ~(unsigned)EDIT_RULES, .draft = &draft, .after = &after,
		.nafter = other && below(2) };
	engine_edit(engine, &ann, id, &x, &r, &other);
}

/* What a keeper may say depends on what it was told; one that is let go may end in any way. */
static void do_keeper(uint64_t id)
{
	unsigned what = below(12);

	if (!runs(id)) {
		if (what == 0)
			unstarted_if_begun(id, below(2) ? -ETIMEDOUT : -EAGAIN);
		else
			ready_if_begun(id);
		return;
	}
	struct job_view v;
	ck_assert_int_eq(engine_get(engine, id, &v), ENGINE_OK);
	if (job_has_ended(v.job->state)) {
		job_view_fini(&v);
		return;
	}
	if (v.job->pause_requested && what < 8)
		stopped(id);
	else if (v.job->state == JOB_PAUSED && what < 8)
		return;
	else if (what < 9)
		ended(id, below(3) ? 0 : below(2) ? 1 << 8 : SIGKILL);
	else if (what == 9)
		engine_proc_events()->lost(engine, id, "lost", below(2));
	else if (what == 10)
		unstarted(id, -ECHILD);
	else if (v.job->pause_requested) {
		t.forced = true; /* it runs on, slot or not */
		engine_proc_events()->unstoppable(engine, id, 1);
	}
}

static void do_queue(void)
{
	size_t q = below(QUEUES);
	char value[40];

	switch (below(4)) {
	case 0:
		engine_queue_change(engine, &ann, names[q], QUEUE_PAUSED);
		break;
	case 1:
		engine_queue_change(engine, &ann, names[q], QUEUE_DRAINING);
		break;
	case 2:
		engine_queue_change(engine, &ann, names[q], QUEUE_OPEN);
		break;
	default:
		t.most[q] = 1 + below(4);
		snprintf(value, sizeof value, "max_running=%u", t.most[q]);
		queue_set(names[q], value);
	}
}

/* With this turn on disk or without: all is as it was then. */
static void die(bool committed)
{
	struct engine_health was, is;

	if (committed)
		turn();
	engine_health(engine, &was);
	close_world();
	t.batch = 0;
	open_world();
	engine_resume_stopped(engine);
	engine_health(engine, &is);
	for (int s = JOB_QUEUED; committed && s < JOB_STATES; s++)
		ck_assert_msg(was.counts[s] == is.counts[s], "SEED=%u: %" PRIu64 " are %s, were %" PRIu64,
		    t.first_seed, is.counts[s], job_state_name((enum job_state)s), was.counts[s]);
	/* What was done since the last turn has not been, a lowered limit as well. */
	for (size_t q = 0; q < QUEUES; q++)
		t.most[q] = queue_of(names[q]).rules->max_running;
	while (t.last && state_of(t.last) == 0)
		t.last--;
}

static void do_world(void)
{
	unsigned what = below(8);

	if (what == 0) {
		world.settings.max_running = 2 + below(6);
		world.settings.user_max_running = below(5);
		engine_configure(engine, &world.settings);
	} else if (what == 1) {
		world.real_ahead_us += below(2) ? 5 * SECOND : -5 * SECOND;
	} else if (what == 2) {
		world.start_error = below(3) ? 0 : -EAGAIN;
	} else if (what == 3) {
		die(below(2));
	} else {
		world.mono_us += below(3) * SECOND / 2;
		engine_tick(engine);
	}
}

static void step(void)
{
	unsigned what = below(100);

	if (what < 15)
		do_submit();
	else if (what < 20)
		do_batch();
	else if (what < 60)
		do_keeper(any_job());
	else if (what < 85)
		do_control(any_job());
	else if (what < 90)
		do_edit(any_job());
	else if (what < 93)
		do_queue();
	else
		do_world();
}

struct tally {
	unsigned slots[QUEUES], all, counts[JOB_STATES], let_go;
};

static bool tally_one(void *ctx, const struct job_view *v)
{
	struct tally *y = ctx;
	const struct job *j = v->job;
	bool active = j->state == JOB_RUNNING || j->state == JOB_PAUSED;

	y->counts[j->state]++;
	ck_assert_msg(active == runs(j->id), "SEED=%u: job %" PRIu64 " is %s", t.first_seed, j->id,
	    job_state_name(j->state));
	y->let_go += active;
	if (active && !(j->state == JOB_PAUSED && j->slot_released) && !j->cancel_requested) {
		for (size_t q = 0; q < QUEUES; q++)
			y->slots[q] += strcmp(j->queue, names[q]) == 0;
		y->all++;
	}
	if (j->state == JOB_FAILED)
		ck_assert_int_ne(v->reason, REASON_NONE);
	return true;
}

/* No more hold a slot than may, or than did before; and nobody is counted twice, or forgotten. */
static void check(void)
{
	struct tally y = { 0 };
	struct job_filter all = { 0 };
	uint64_t before = UINT64_MAX;
	struct engine_health h;

	ck_assert_int_eq(engine_list(engine, &all, &before, 1000000, tally_one, &y), 0);
	engine_health(engine, &h);
	for (int s = JOB_QUEUED; s < JOB_STATES; s++)
		ck_assert_msg(h.counts[s] == y.counts[s], "SEED=%u: %" PRIu64 " are %s, not %u", t.first_seed,
		    h.counts[s], job_state_name((enum job_state)s), y.counts[s]);
	ck_assert_uint_eq(y.let_go, how_many_run());
	for (size_t q = 0; q < QUEUES; q++) {
		struct queue_view v = queue_of(names[q]);
		ck_assert_msg(t.forced || !t.most[q] || y.slots[q] <= t.most[q] || y.slots[q] <= t.was[q],
		    "SEED=%u: queue %s runs %u of %u", t.first_seed, names[q], y.slots[q], t.most[q]);
		ck_assert_uint_le(y.slots[q], v.running);
		t.was[q] = y.slots[q];
	}
	ck_assert_msg(t.forced || y.all <= world.settings.max_running || y.all <= t.all_was,
	    "SEED=%u: %u run of %u", t.first_seed, y.all, world.settings.max_running);
	t.all_was = y.all;
	t.forced = false;
}

static unsigned how_many_are_live(void)
{
	struct engine_health h;
	unsigned n = 0;

	engine_health(engine, &h);
	for (int s = JOB_QUEUED; s <= JOB_PAUSED; s++)
		n += (unsigned)h.counts[s];
	return n;
}

static void help_to_end(uint64_t id)
{
	enum job_state s = state_of(id);

	if (s == JOB_HELD)
		ask_event(id, EVENT_RELEASE);
	else if (s == JOB_PAUSED)
		ask_event(id, EVENT_RESUME);
	else if (s == JOB_RUNNING)
		ended(id, 0);
	else if (s == JOB_QUEUED)
		ready_if_begun(id);
}

START_TEST(whatever_happens_no_limit_is_exceeded_and_nobody_is_forgotten)
{
	const char *given = getenv("SEED");

	t.seed = t.first_seed = given ? (unsigned)strtoul(given, NULL, 10) : 1;
	world.queues = declared;
	world.nqueues = 2;
	ck_assert_int_eq(engine_declare_queues(engine, declared, 2), 0);
	for (int i = 0; i < STEPS; i++) {
		for (unsigned n = below(4); n > 0; n--)
			step();
		turn();
		check();
	}
	/* Everything comes to an end, where nobody holds it up. */
	world.start_error = 0;
	for (size_t q = 0; q < QUEUES; q++)
		engine_queue_change(engine, &root, names[q], QUEUE_OPEN);
	if (t.batch)
		engine_batch_seal(engine, &ann, t.batch, NULL);
	for (int i = 0; i < 20000 && how_many_are_live() > 0; i++) {
		for (uint64_t id = 1; id <= t.last; id++)
			help_to_end(id);
		t.forced = true;
		pass(SECOND / 2);
	}
	ck_assert_msg(how_many_are_live() == 0, "SEED=%u: %u jobs never end", t.first_seed, how_many_are_live());
	for (size_t q = 0; q < QUEUES; q++)
		ck_assert_uint_eq(queue_of(names[q]).running, 0);
	ck_assert_uint_eq(how_many_run(), 0);
}
END_TEST

WORLD_MAIN("random", whatever_happens_no_limit_is_exceeded_and_nobody_is_forgotten)
