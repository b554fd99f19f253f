/* SPDX-License-Identifier: ISC */
/*
 * The engine over a real store, with keepers that the test plays itself: what
 * it orders is written down, and what keepers tell is called by hand.
 */
#include "config.h"

#include "jobd/core/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobd/proc/proc.h"
#include "jobd/store/store.h"
#include "lib/log.h"
#include "unit.h"

/* The fake room: a line for everything that was asked of it since the last look. */
struct proc {
	char said[4096];
	int start_error;
};

static struct proc fake;

__attribute__((format(printf, 1, 2))) static void said(const char *fmt, ...)
{
	size_t n = strlen(fake.said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.said + n, sizeof fake.said - n, fmt, ap);
	va_end(ap);
}

/* Everything since the last call, and forgets it. */
static const char *heard(void)
{
	static char copy[sizeof fake.said];

	strcpy(copy, fake.said);
	fake.said[0] = 0;
	return copy;
}

int proc_start(struct proc *p, const struct job *j, uint32_t attempt, char *const *env,
    uint64_t grace_ms, uint64_t *nonce)
{
	(void)grace_ms;
	if (p->start_error)
		return p->start_error;
	*nonce = 77;
	said("start %" PRIu64 ".%u%s%s;", j->id, attempt, env && env[0] ? " " : "",
	    env && env[0] ? env[0] : "");
	return 0;
}

bool proc_is_ready(const struct proc *p, uint64_t id, struct proc_ready *r)
{
	(void)p;
	*r = (struct proc_ready){ .keeper_pid = 100, .pid = (pid_t)(1000 + id) };
	return true;
}

void proc_release(struct proc *p, uint64_t id)
{
	(void)p;
	said("release %" PRIu64 ";", id);
}

void proc_abandon(struct proc *p, uint64_t id)
{
	(void)p;
	said("abandon %" PRIu64 ";", id);
}

void proc_order(struct proc *p, uint64_t id, enum keeper_level level, uint64_t grace_ms)
{
	static const char *const names[] = { "?", "run", "stop", "end" };

	(void)p;
	said("%s %" PRIu64 " %" PRIu64 ";", names[level], id, grace_ms);
}

void proc_signal(struct proc *p, uint64_t id, int sig, bool all)
{
	(void)p;
	said("signal %" PRIu64 " %d %d;", id, sig, all);
}

void proc_acknowledge(struct proc *p, uint64_t id)
{
	(void)p;
	said("acknowledge %" PRIu64 ";", id);
}

int proc_adopt(struct proc *p, const struct job *j, enum keeper_level level, uint64_t grace_ms)
{
	(void)p;
	(void)grace_ms;
	said("adopt %" PRIu64 " %d;", j->id, level);
	return 0;
}

void proc_adopted_all(struct proc *p)
{
	(void)p;
	said("adopted;");
}

const char *proc_tree_kind(const struct proc *p)
{
	(void)p;
	return "walk";
}

int proc_log_open(const struct proc *p, uint64_t id, uint32_t attempt)
{
	(void)p;
	(void)id;
	return attempt == 1 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -ENOENT;
}

void proc_log_remove(const struct proc *p, uint64_t id, uint32_t attempt)
{
	(void)p;
	said("unlink %" PRIu64 ".%u;", id, attempt);
}

/* The world: a store in a directory of its own, and a clock that the test moves. */
static char dir[] = "/tmp/jobd-engine-XXXXXX";
static struct store *store;
static struct engine *engine;
static uint64_t now_us = 1700000000000000, free_now = 1u << 30;
static const struct actor ann = { 1000, "ann", 4711, "jobctl" };

static uint64_t real_us(void)
{
	return now_us;
}

static uint64_t free_bytes(const char *path)
{
	(void)path;
	return free_now;
}

static void quiet(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)priority;
	(void)text;
	(void)len;
}

static void open_world(unsigned max_running)
{
	char *why = NULL;
	struct store_options so = { .dir = dir };
	struct engine_options eo = {
		.settings = { .max_running = max_running, .kill_grace_ms = 4000, .ageing_us = 600000000,
		    .low_disk_bytes = 1000 },
		.state_dir = dir,
		.boot_id = "boot",
		.real_us = real_us,
		.mono_us = real_us,
		.free_bytes = free_bytes,
	};

	ck_assert_msg(store_open(&so, &store, &why) == 0, "%s", why);
	eo.store = store;
	engine = engine_new(&eo);
	ck_assert_int_eq(engine_load(engine, &fake), 0);
}

static void close_world(void)
{
	engine_free(engine);
	store_close(store);
}

static void setup(void)
{
	log_set_sink(quiet, NULL);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	open_world(2);
	heard();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	close_world();
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void turn(void)
{
	ck_assert_int_eq(engine_turn(engine), 0);
}

/* The next jobd, over what was committed. */
static void reopen_world(void)
{
	close_world();
	open_world(2);
	heard();
	engine_resume_stopped(engine);
	turn();
}

static uint64_t submit_with(const char *token, bool hold, uint8_t priority)
{
	struct job draft;
	char *env[] = { (char[]){ "A=1" }, NULL };
	uint64_t id;

	job_init(&draft);
	draft.uid = 1000;
	draft.user = strdup("ann");
	draft.command = calloc(2, sizeof *draft.command);
	draft.command[0] = strdup("true");
	draft.priority = priority;
	enum engine_result r = engine_submit(engine, &ann, &draft, env, token, hold, &id);
	ck_assert(r == ENGINE_OK || r == ENGINE_ALREADY);
	return id;
}

static uint64_t submit(void)
{
	return submit_with(NULL, false, 0);
}

static void ready(uint64_t id)
{
	struct proc_ready r = { 100, 200, 1, 2, NULL };

	engine_proc_events()->ready(engine, id, &r);
}

static void ended(uint64_t id, int status)
{
	struct keeper_end e = { .id = id, .kind = KEEPER_END_EXITED, .status = status, .empty = true,
		.cpu_us = 5 };

	engine_proc_events()->ended(engine, id, &e);
}

/* A job that runs, with the talk about its start forgotten. */
static uint64_t running(void)
{
	uint64_t id = submit();

	turn();
	ready(id);
	turn();
	heard();
	return id;
}

static enum job_state state_of(uint64_t id)
{
	struct job_view v;

	if (engine_get(engine, id, &v) != ENGINE_OK)
		return 0;
	enum job_state s = v.job->state;
	job_view_fini(&v);
	return s;
}

static enum job_reason reason_of(uint64_t id)
{
	struct job_view v;

	ck_assert_int_eq(engine_get(engine, id, &v), ENGINE_OK);
	enum job_reason r = v.reason;
	job_view_fini(&v);
	return r;
}

static struct control_result ask(uint64_t id, struct control c)
{
	return engine_control(engine, &ann, id, &c);
}

static enum engine_result ask_event(uint64_t id, enum job_event event)
{
	return ask(id, (struct control){ .event = event, .priority = 1 }).result;
}

START_TEST(a_job_is_started_recorded_released_and_acknowledged_in_that_order)
{
	uint64_t id = submit();

	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
	ck_assert_int_eq(state_of(id), JOB_QUEUED);
	ready(id);
	ck_assert_str_eq(heard(), "release 1;");
	ck_assert_int_eq(state_of(id), JOB_RUNNING);
	turn();
	ended(id, 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 1;");
	ck_assert_int_eq(state_of(id), JOB_COMPLETED);
}
END_TEST

START_TEST(no_more_run_than_may_and_the_first_in_order_says_so)
{
	uint64_t a = submit(), b = submit(), c = submit(), d = submit_with(NULL, false, 1);

	turn();
	ck_assert_str_eq(heard(), "start 4.1 A=1;start 1.1 A=1;");
	ck_assert_int_eq(reason_of(b), REASON_QUEUE_FULL);
	ck_assert_int_eq(reason_of(c), REASON_PRIORITY);
	ready(a);
	ready(d);
	turn();
	ended(a, 0);
	turn();
	ck_assert_str_eq(heard(), "release 1;release 4;acknowledge 1;start 2.1 A=1;");
	ck_assert_int_eq(reason_of(b), REASON_NONE);
	ck_assert_int_eq(reason_of(c), REASON_QUEUE_FULL);
}
END_TEST

/*
 * Two slots, and one job ended a moment ago. Of five more one has ended: two run, two are prepared for
 * the next slot.
 */
static void prepare_two_ahead(uint64_t id[5])
{
	ended(running(), 0);
	turn();
	heard();
	for (int i = 0; i < 5; i++)
		id[i] = submit();
	turn();
	ready(id[0]);
	ready(id[1]);
	turn();
	ended(id[0], 0);
	turn();
	ready(id[2]);
	turn();
	ck_assert_str_eq(heard(), "start 2.1 A=1;start 3.1 A=1;release 2;release 3;acknowledge 2;"
				  "start 4.1 A=1;start 5.1 A=1;start 6.1 A=1;release 4;");
	ck_assert_int_eq(state_of(id[3]), JOB_QUEUED);
}

START_TEST(what_is_prepared_ahead_runs_in_the_turn_that_a_slot_comes_free)
{
	uint64_t id[5];

	prepare_two_ahead(id);
	ready(id[3]);
	turn();
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(reason_of(id[3]), REASON_QUEUE_FULL);
	ck_assert_int_eq(reason_of(id[4]), REASON_PRIORITY);
	ended(id[1], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;release 5;");
	ck_assert_int_eq(state_of(id[3]), JOB_RUNNING);
	/* The last one has its slot before it is ready. */
	ended(id[2], 0);
	turn();
	ck_assert_int_eq(state_of(id[4]), JOB_QUEUED);
	ready(id[4]);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 4;release 6;");
	ck_assert_int_eq(state_of(id[4]), JOB_RUNNING);
}
END_TEST

START_TEST(whoever_ranks_before_what_is_prepared_goes_first)
{
	uint64_t id[5], first;

	prepare_two_ahead(id);
	ready(id[3]);
	ready(id[4]);
	first = submit_with(NULL, false, 1);
	turn();
	ended(id[1], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;start 7.1 A=1;");
	ready(first);
	turn();
	ck_assert_str_eq(heard(), "release 7;");
	/* One that falls behind is taken back, and goes behind. */
	ask(id[3], (struct control){ .event = EVENT_PRIORITY, .priority = 9 });
	ck_assert_str_eq(heard(), "abandon 5;");
	ended(first, 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 7;release 6;start 5.1 A=1;");
}
END_TEST

START_TEST(what_is_prepared_ahead_is_taken_back_when_no_slot_comes_free)
{
	uint64_t id[5];

	prepare_two_ahead(id);
	ready(id[3]);
	ready(id[4]);
	now_us += 999000;
	engine_tick(engine);
	ck_assert_str_eq(heard(), "");
	now_us += 1000;
	engine_tick(engine);
	turn();
	ck_assert_str_eq(heard(), "abandon 6;abandon 5;");
	ck_assert_int_eq(reason_of(id[3]), REASON_QUEUE_FULL);
	ck_assert_int_eq(reason_of(id[4]), REASON_PRIORITY);
	ask_event(id[3], EVENT_CANCEL);
	ended(id[1], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;start 6.1 A=1;");
}
END_TEST

/* As submit, of another user. */
static uint64_t submit_as(uint32_t uid)
{
	struct job draft;
	uint64_t id;

	job_init(&draft);
	draft.uid = uid;
	draft.user = strdup("other");
	draft.command = calloc(2, sizeof *draft.command);
	draft.command[0] = strdup("true");
	ck_assert_int_eq(engine_submit(engine, &ann, &draft, NULL, NULL, false, &id), ENGINE_OK);
	return id;
}

START_TEST(a_start_that_hangs_gives_its_slot_back_and_its_user_tries_with_one_at_a_time)
{
	uint64_t a = submit(), b = submit(), c = submit(), other = submit_as(2000);

	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;start 2.1 A=1;");
	now_us += 999999;
	engine_tick(engine);
	turn();
	ck_assert_str_eq(heard(), "");
	now_us += 1;
	engine_tick(engine);
	turn();
	/* Both slots are the others' now; ann's third job does not even try. */
	ck_assert_str_eq(heard(), "start 4.1;");
	ready(other);
	turn();
	ck_assert_int_eq(state_of(other), JOB_RUNNING);
	ck_assert_int_eq(reason_of(a), REASON_BACKOFF);
	ck_assert_int_eq(reason_of(c), REASON_BACKOFF);
	/* proc gives them up: of the three one is tried, and it takes no slot. */
	engine_proc_events()->unstarted(engine, a, -ETIMEDOUT, "it hangs");
	engine_proc_events()->unstarted(engine, b, -ETIMEDOUT, "it hangs");
	heard();
	turn();
	ck_assert_str_eq(heard(), "start 3.1 A=1;");
	now_us += 1000000;
	uint64_t second = submit_as(2000), third = submit_as(2000);
	turn();
	ck_assert_str_eq(heard(), "start 5.1;");
	ready(second);
	turn();
	ck_assert_int_eq(state_of(second), JOB_RUNNING);
	ck_assert_int_eq(reason_of(third), REASON_QUEUE_FULL);
	/* Ready at last: it waits for a slot like anybody, and the others are tried again. */
	ready(c);
	turn();
	ck_assert_int_eq(state_of(c), JOB_QUEUED);
	now_us += 5000000;
	engine_tick(engine);
	heard();
	ended(other, 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 4;start 1.1 A=1;");
	ready(a);
	turn();
	ended(second, 0);
	turn();
	ready(b);
	turn();
	ck_assert_str_eq(heard(), "release 1;acknowledge 5;start 2.1 A=1;start 6.1;release 2;");
	ended(a, 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 1;release 3;");
	ck_assert_int_eq(state_of(c), JOB_RUNNING);
}
END_TEST

START_TEST(what_could_not_be_prepared_ahead_keeps_nobody_from_a_free_slot)
{
	uint64_t id[5];

	prepare_two_ahead(id);
	ready(id[3]);
	engine_proc_events()->unstarted(engine, id[4], -EAGAIN, "no process");
	turn();
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(reason_of(id[4]), REASON_PRIORITY);
	ended(id[1], 0);
	ended(id[2], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;acknowledge 4;release 5;start 6.1 A=1;");
}
END_TEST

START_TEST(what_is_prepared_ahead_can_be_cancelled_held_and_lost)
{
	uint64_t id[5];

	prepare_two_ahead(id);
	ready(id[3]);
	ask_event(id[3], EVENT_CANCEL);
	ck_assert_str_eq(heard(), "abandon 5;");
	ck_assert_int_eq(state_of(id[3]), JOB_CANCELLED);
	engine_proc_events()->unstarted(engine, id[4], -ECHILD, "its keeper died");
	ended(id[1], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;"); /* it is put off */
	ck_assert_int_eq(reason_of(id[4]), REASON_BACKOFF);
	now_us += 300000;
	turn();
	ck_assert_str_eq(heard(), "start 6.1 A=1;");
	ask_event(id[4], EVENT_HOLD);
	ck_assert_str_eq(heard(), "abandon 6;");
	turn();
	ck_assert_int_eq(state_of(id[4]), JOB_HELD);
}
END_TEST

struct answer {
	int calls;
	enum engine_result r;
};

static void note_answer(void *arg, enum engine_result r, uint64_t id, pid_t culprit)
{
	struct answer *a = arg;

	(void)id;
	(void)culprit;
	a->calls++;
	a->r = r;
}

START_TEST(a_pause_is_answered_when_it_is_a_fact)
{
	uint64_t id = running();
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };

	ck_assert_int_eq(ask(id, pause).result, ENGINE_PENDING);
	ck_assert_int_eq(ask(id, pause).result, ENGINE_PENDING);
	turn();
	ck_assert_str_eq(heard(), "stop 1 0;stop 1 0;");
	ck_assert_int_eq(answer.calls, 0);
	engine_proc_events()->stopped(engine, id);
	ck_assert_int_eq(answer.calls, 2);
	ck_assert_int_eq(answer.r, ENGINE_OK);
	ck_assert_int_eq(state_of(id), JOB_PAUSED);
	ck_assert_int_eq(ask_event(id, EVENT_PAUSE), ENGINE_ALREADY);

	now_us += 5000000;
	ck_assert_int_eq(ask_event(id, EVENT_RESUME), ENGINE_OK);
	ck_assert_str_eq(heard(), "run 1 0;");
	struct job_view v;
	engine_get(engine, id, &v);
	ck_assert_uint_eq(v.job->now.paused_total_us, 5000000);
	ck_assert_int_eq(ask_event(id, EVENT_RESUME), ENGINE_ALREADY);
}
END_TEST

START_TEST(a_pause_that_can_not_be_is_taken_back_and_says_so)
{
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };
	uint64_t id = running();

	ask(id, pause);
	engine_proc_events()->unstoppable(engine, id, 4242);
	ck_assert_int_eq(answer.r, ENGINE_UNSTOPPABLE);
	ck_assert_int_eq(state_of(id), JOB_RUNNING);
	ask(id, pause);
	ask_event(id, EVENT_RESUME);
	ck_assert_int_eq(answer.r, ENGINE_WRONG_STATE);
	ask(id, pause);
	ended(id, 0);
	ck_assert_int_eq(answer.calls, 3);
	ck_assert_int_eq(answer.r, ENGINE_WRONG_STATE);
	turn();

	uint64_t other = running();
	ask(other, pause);
	engine_control_forget(engine, other, &answer);
	engine_proc_events()->stopped(engine, other);
	ck_assert_int_eq(answer.calls, 3);
}
END_TEST

START_TEST(a_cancel_ends_what_runs_and_counts_as_cancelled_whatever_the_code)
{
	uint64_t id = running();

	ck_assert_int_eq(ask_event(id, EVENT_CANCEL), ENGINE_OK);
	ck_assert_int_eq(ask_event(id, EVENT_CANCEL), ENGINE_ALREADY);
	ck_assert_int_eq(ask(id, (struct control){ .event = EVENT_CANCEL, .now = true }).result, ENGINE_OK);
	ck_assert_str_eq(heard(), "end 1 4000;end 1 0;");
	ck_assert_int_eq(ask_event(id, EVENT_PAUSE), ENGINE_WRONG_STATE);
	ended(id, 0);
	turn();
	ck_assert_int_eq(state_of(id), JOB_CANCELLED);
	ck_assert_int_eq(ask_event(id, EVENT_CANCEL), ENGINE_ALREADY);
}
END_TEST

START_TEST(a_start_that_is_prepared_can_be_held_or_cancelled)
{
	uint64_t a = submit(), b = submit();

	turn();
	heard();
	ck_assert_int_eq(ask_event(a, EVENT_HOLD), ENGINE_OK);
	ck_assert_int_eq(ask_event(b, EVENT_CANCEL), ENGINE_OK);
	ck_assert_str_eq(heard(), "abandon 1;abandon 2;");
	ready(a); /* it spoke before it heard */
	turn();
	ck_assert_int_eq(state_of(a), JOB_HELD);
	ck_assert_int_eq(state_of(b), JOB_CANCELLED);
	ck_assert_int_eq(ask_event(a, EVENT_RELEASE), ENGINE_OK);
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(a_gate_that_closed_uses_up_no_attempt)
{
	uint64_t id = running();
	struct keeper_end e = { .id = id, .kind = KEEPER_END_NEVER_RAN, .empty = true };

	engine_proc_events()->ended(engine, id, &e);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 1;");
	ck_assert_int_eq(state_of(id), JOB_QUEUED);
	ck_assert_int_eq(reason_of(id), REASON_BACKOFF);
	now_us += 300000;
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(a_keeper_that_died_when_its_start_was_on_record_is_replaced)
{
	uint64_t id = running(), cancelled = running();

	ck_assert_int_eq(ask_event(cancelled, EVENT_CANCEL), ENGINE_OK);
	turn();
	heard();
	engine_proc_events()->unstarted(engine, id, -ECHILD, "the keeper died");
	engine_proc_events()->unstarted(engine, cancelled, -ECHILD, "the keeper died");
	turn();
	ck_assert_int_eq(state_of(id), JOB_QUEUED);
	ck_assert_int_eq(state_of(cancelled), JOB_CANCELLED);
	ck_assert_str_eq(heard(), "acknowledge 1;acknowledge 2;");
	now_us += 300000;
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(a_command_that_can_not_be_started_fails_with_the_reason)
{
	uint64_t id = submit();
	struct keeper_end e = { .id = id, .kind = KEEPER_END_SPAWN, .empty = true,
		.step = (char[]){ "exec nope" }, .error = ENOENT };
	struct job_view v;

	turn();
	engine_proc_events()->ended(engine, id, &e);
	turn();
	engine_get(engine, id, &v);
	ck_assert_int_eq(v.job->state, JOB_FAILED);
	ck_assert_int_eq(v.reason, REASON_SPAWN);
	ck_assert_str_eq(v.job->now.error, "exec nope: No such file or directory");
	ck_assert_int_eq(v.job->now.status, 127 << 8);
	ck_assert_uint_eq(v.job->now.number, 1);
	job_view_fini(&v);
}
END_TEST

START_TEST(a_retry_keeps_the_old_attempt_and_clears_the_rest)
{
	uint64_t id = running();
	struct job_view v;

	engine_proc_events()->notified(engine, id, "X_JOBD_PROGRESS=1/2", 19);
	ended(id, 3 << 8);
	turn();
	heard();
	ck_assert_int_eq(ask(id, (struct control){ .event = EVENT_RETRY, .attempt = 9 }).result,
	    ENGINE_WRONG_STATE);
	ck_assert_int_eq(ask(id, (struct control){ .event = EVENT_RETRY, .attempt = 1 }).result, ENGINE_OK);
	turn();
	ck_assert_str_eq(heard(), "start 1.2 A=1;");
	engine_get(engine, id, &v);
	ck_assert_int_eq(v.job->state, JOB_QUEUED);
	ck_assert_uint_eq(v.job->nhistory, 1);
	ck_assert_int_eq(v.job->history[0].status, 3 << 8);
	ck_assert_int_eq(v.job->history[0].state, JOB_FAILED);
	ck_assert_int_eq(v.job->progress.percent, -1);
	ck_assert_uint_eq(v.job->now.started_at_us, 0);
	ready(id);
	ended(id, 0);
	turn();
	ck_assert_int_eq(ask_event(id, EVENT_RETRY), ENGINE_WRONG_STATE);
	ck_assert_int_eq(ask_event(id, EVENT_DELETE), ENGINE_OK);
	heard();
	turn();
	ck_assert_str_eq(heard(), "unlink 1.1;unlink 1.2;unlink 1.3;");
	ck_assert_int_eq(ask_event(id, EVENT_DELETE), ENGINE_NOT_FOUND);
}
END_TEST

START_TEST(a_token_makes_one_job_however_often_it_is_sent)
{
	uint64_t id = submit_with("t1", true, 0);

	ck_assert_uint_eq(submit_with("t1", true, 0), id);
	turn();
	ck_assert_uint_eq(submit_with("t1", true, 0), id);
	ck_assert_uint_ne(submit_with("t2", true, 0), id);
}
END_TEST

START_TEST(a_full_disk_takes_no_new_work_and_starts_none)
{
	struct job draft;
	uint64_t id = submit(), other;

	free_now = 10;
	engine_tick(engine);
	turn();
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(reason_of(id), REASON_LOW_DISK);
	job_init(&draft);
	ck_assert_int_eq(engine_submit(engine, &ann, &draft, NULL, NULL, false, &other), ENGINE_LOW_DISK);
	free_now = 1u << 30;
	engine_tick(engine);
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(a_start_that_is_impossible_is_tried_again_later)
{
	uint64_t id = submit();

	fake.start_error = -EAGAIN;
	turn();
	ck_assert_int_eq(reason_of(id), REASON_BACKOFF);
	ck_assert(!engine_wants_turn(engine));
	fake.start_error = 0;
	turn();
	ck_assert_str_eq(heard(), "");
	now_us += 300000;
	ck_assert(engine_wants_turn(engine));
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
	engine_proc_events()->unstarted(engine, id, -ECHILD, "the keeper died");
	ck_assert_int_eq(reason_of(id), REASON_BACKOFF);
	now_us += 64000000;
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(what_was_committed_is_taken_up_again_and_what_was_not_is_not)
{
	uint64_t a = running(), b = running(), c = submit();

	ask(b, (struct control){ .event = EVENT_PAUSE, .done = note_answer, .arg = &(struct answer){ 0 } });
	engine_proc_events()->stopped(engine, b);
	turn();
	ask_event(a, EVENT_CANCEL);
	turn();
	submit();
	close_world(); /* the last submission was never committed */
	heard();
	open_world(2);
	ck_assert_str_eq(heard(), "adopt 2 2;adopt 1 3;adopted;");
	ck_assert_int_eq(state_of(b), JOB_PAUSED);
	ck_assert_int_eq(state_of(c), JOB_QUEUED);
	ck_assert_int_eq(state_of(4), 0);
	turn();
	ck_assert_str_eq(heard(), ""); /* both slots are taken */
	engine_proc_events()->lost(engine, b, "its keeper is gone");
	turn();
	ck_assert_int_eq(state_of(b), JOB_FAILED);
	ck_assert_int_eq(reason_of(b), REASON_LOST);
	ck_assert_str_eq(heard(), "acknowledge 2;start 3.1 A=1;");
}
END_TEST

struct seen {
	struct job_watch watch;
	char text[64];
};

static void see(struct job_watch *w, const struct job_view *v, enum job_change c)
{
	static const char *const names[] = { "state", "progress", "ended" };
	struct seen *s = (struct seen *)w;
	size_t n = strlen(s->text);

	(void)v;
	snprintf(s->text + n, sizeof s->text - n, "%s ", names[c]);
}

START_TEST(a_watcher_sees_every_change_and_the_end)
{
	struct seen seen = { .watch = { .changed = see } }, other = seen;
	uint64_t id = submit();

	ck_assert(engine_watch(engine, id, &seen.watch));
	ck_assert(engine_watch(engine, id, &other.watch));
	turn();
	ready(id);
	engine_proc_events()->notified(engine, id, "STATUS=x", 8);
	engine_unwatch(&other.watch);
	ended(id, 0);
	ck_assert_str_eq(seen.text, "state progress ended ");
	ck_assert_str_eq(other.text, "state progress ");
	turn();
	ck_assert(!engine_watch(engine, id, &seen.watch));
}
END_TEST

START_TEST(one_job_that_does_not_start_does_not_hold_up_the_others)
{
	uint64_t sick = submit_with(NULL, false, 1), other;

	turn();
	heard();
	engine_proc_events()->unstarted(engine, sick, -ETIMEDOUT, "its keeper is not ready");
	ck_assert_int_eq(reason_of(sick), REASON_BACKOFF);
	other = submit();
	turn();
	ck_assert_str_eq(heard(), "start 2.1 A=1;");
	ck_assert_int_eq(ask_event(sick, EVENT_HOLD), ENGINE_OK);
	ck_assert_int_eq(ask_event(sick, EVENT_RELEASE), ENGINE_OK);
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;"); /* who asks for it anew gets it at once */
	engine_proc_events()->unstarted(engine, sick, -ETIMEDOUT, "its keeper is not ready");
	now_us += 300000;
	turn();
	ck_assert_str_eq(heard(), ""); /* longer each time */
	now_us += 300000;
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
	engine_proc_events()->unstarted(engine, sick, -ETIMEDOUT, "its keeper is not ready");
	ck_assert_int_eq(ask_event(sick, EVENT_CANCEL), ENGINE_OK);
	turn();
	now_us += 600000000;
	turn();
	ck_assert_int_eq(state_of(sick), JOB_CANCELLED);
	(void)other;
}
END_TEST

START_TEST(nobody_waits_for_a_keeper_that_is_silent)
{
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };
	uint64_t id = running();

	ck_assert_int_eq(ask(id, pause).result, ENGINE_PENDING);
	engine_proc_events()->silent(engine, id, true);
	ck_assert_int_eq(answer.calls, 1);
	ck_assert_int_eq(answer.r, ENGINE_FAILED);
	ck_assert_int_eq(ask(id, pause).result, ENGINE_FAILED);
	engine_proc_events()->silent(engine, id, false);
	engine_proc_events()->stopped(engine, id);
	ck_assert_int_eq(answer.calls, 1);
	ck_assert_int_eq(state_of(id), JOB_PAUSED);
}
END_TEST

static bool collect(void *ctx, const struct job_view *v)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%" PRIu64 " ", v->job->id);
	return strlen(text) < 6;
}

START_TEST(a_list_weaves_live_and_ended_jobs_by_id)
{
	uint64_t a = running(), b = submit_with(NULL, true, 0), c = running();
	struct job_filter all = { 0 }, held = { .states = 1u << JOB_HELD };
	uint64_t before = UINT64_MAX;
	char text[64] = "";

	ended(a, 0);
	submit_with(NULL, true, 0);
	turn();
	ck_assert_int_eq(engine_list(engine, &all, &before, 100, collect, text), 1);
	ck_assert_str_eq(text, "4 3 2 ");
	text[0] = 0;
	ck_assert_int_eq(engine_list(engine, &all, &before, 100, collect, text), 0);
	ck_assert_str_eq(text, "1 ");
	before = UINT64_MAX;
	text[0] = 0;
	ck_assert_int_eq(engine_list(engine, &held, &before, 100, collect, text), 0);
	ck_assert_str_eq(text, "4 2 ");

	/* A page that may look at little comes to an end, and goes on where it was. */
	before = UINT64_MAX;
	text[0] = 0;
	ck_assert_int_eq(engine_list(engine, &held, &before, 1, collect, text), 1);
	ck_assert_int_eq(engine_list(engine, &held, &before, 1, collect, text), 1);
	ck_assert_int_eq(engine_list(engine, &held, &before, 2, collect, text), 0);
	ck_assert_str_eq(text, "4 2 ");
	/* Of no ids there are no jobs. */
	struct job_filter none = { .ids = &(uint64_t){ 0 } };
	before = UINT64_MAX;
	text[0] = 0;
	ck_assert_int_eq(engine_list(engine, &none, &before, 100, collect, text), 0);
	ck_assert_str_eq(text, "");
	(void)b;
	(void)c;
}
END_TEST

static bool collect_entry(void *ctx, const struct journal_entry *e)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%s:%s:%s ", e->verb, e->result, e->has_actor ? e->user : "-");
	return true;
}

START_TEST(the_journal_has_every_step_and_who_took_it)
{
	struct journal_filter f = { 0 };
	uint64_t before = UINT64_MAX, id = running();
	char text[512] = "";

	ask_event(id, EVENT_HOLD);
	ask_event(id, EVENT_HOLD); /* coalesced */
	ask_event(id, EVENT_PRIORITY);
	ended(id, 1 << 8);
	engine_note(engine, NULL, "stop", "ok", "SIGTERM");
	turn();
	ck_assert_int_eq(engine_audit(engine, &f, &before, 100, collect_entry, text), 0);
	ck_assert_str_eq(text, "stop:ok:- failed:ok:- priority:ok:ann hold:WrongState:ann start:ok:- "
			       "submit:ok:ann ");
}
END_TEST

START_TEST(signals_health_logs_and_a_silent_keeper)
{
	struct engine_health h;
	struct job_view v;
	uint64_t id = running();

	ck_assert_int_eq(ask(id, (struct control){ .event = EVENT_SIGNAL, .signal = 10, .all = true }).result,
	    ENGINE_OK);
	ck_assert_str_eq(heard(), "signal 1 10 1;");
	engine_proc_events()->silent(engine, id, true);
	engine_proc_events()->orphaned(engine, id);
	engine_health(engine, &h);
	ck_assert_uint_eq(h.silent_keepers, 1);
	ck_assert_uint_eq(h.counts[JOB_RUNNING], 1);
	engine_get(engine, id, &v);
	ck_assert(v.silent);
	ck_assert_int_eq(engine_log_open(engine, v.job, 2), -ENOENT);
	int fd = engine_log_open(engine, v.job, 0);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ended(id, 0);
	turn();
	engine_health(engine, &h);
	ck_assert_uint_eq(h.silent_keepers, 0);
	ck_assert_uint_eq(h.counts[JOB_COMPLETED], 1);
}
END_TEST

START_TEST(a_stop_that_keeps_leaves_with_the_turn_and_orders_nothing)
{
	running();
	ck_assert(!engine_stopping(engine, NULL) && !engine_may_leave(engine));
	engine_stop(engine, NULL, ON_STOP_KEEP, "SIGTERM");
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_stop_that_pauses_waits_until_all_are_seen_stopped)
{
	struct engine_stopping st;
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };
	uint64_t a = running(), b = running(), c = submit();

	ask(a, pause); /* somebody's own: it stays paused */
	heard();
	engine_stop(engine, &ann, ON_STOP_PAUSE, NULL);
	ck_assert_str_eq(heard(), "stop 2 0;");
	ck_assert(engine_stopping(engine, &st));
	ck_assert_uint_eq(st.jobs, 2);
	ck_assert_uint_eq(st.within_ms, 5000);
	turn();
	ck_assert(!engine_may_leave(engine));
	engine_proc_events()->stopped(engine, b);
	turn();
	ck_assert(!engine_may_leave(engine));
	engine_proc_events()->stopped(engine, a);
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(reason_of(c), REASON_DRAINING);

	reopen_world();
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
	ck_assert_int_eq(state_of(b), JOB_RUNNING);
	ck_assert_str_eq(heard(), "run 2 0;");
	reopen_world(); /* once */
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_stop_leaves_when_its_time_is_up_and_the_next_start_makes_good)
{
	uint64_t a = running(), b = running();

	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	engine_proc_events()->unstoppable(engine, a, 4242); /* runs on, and is not waited for */
	turn();
	now_us += 4999000;
	turn();
	ck_assert(!engine_may_leave(engine));
	now_us += 1000;
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_int_eq(state_of(b), JOB_RUNNING);
	heard();
	reopen_world();
	ck_assert_int_eq(state_of(a), JOB_RUNNING);
	ck_assert_str_eq(heard(), "run 2 0;"); /* the pause it still had coming */
}
END_TEST

START_TEST(a_stop_that_cancels_waits_for_the_ends)
{
	struct engine_stopping st;
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };
	uint64_t a = running(), b = running();

	ask_event(a, EVENT_CANCEL);
	ask(b, pause);
	engine_proc_events()->stopped(engine, b);
	heard();
	engine_stop(engine, NULL, ON_STOP_CANCEL, NULL);
	ck_assert_str_eq(heard(), "end 2 4000;");
	engine_stopping(engine, &st);
	ck_assert_uint_eq(st.jobs, 2);
	ck_assert_uint_eq(st.within_ms, 9000);
	ended(a, 0);
	turn();
	ck_assert(!engine_may_leave(engine));
	ended(b, SIGTERM);
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_int_eq(state_of(b), JOB_CANCELLED);
}
END_TEST

START_TEST(a_stop_takes_back_the_starts_that_are_prepared)
{
	uint64_t a = submit();

	turn();
	heard();
	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	ck_assert_str_eq(heard(), "abandon 1;");
	ready(a); /* it spoke before it heard */
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_int_eq(state_of(a), JOB_QUEUED);
	ck_assert(!engine_wants_turn(engine));
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_hand_on_a_job_takes_the_mark_of_the_stop_off)
{
	uint64_t a = running(), b = running();
	struct engine_stopping st;

	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	engine_proc_events()->stopped(engine, a);
	ck_assert_int_eq(ask_event(a, EVENT_PAUSE), ENGINE_ALREADY);
	ask_event(b, EVENT_RESUME); /* somebody wants it to run: nobody waits for it */
	engine_stop(engine, NULL, 0, NULL); /* joins */
	engine_stopping(engine, &st);
	ck_assert_int_eq(st.how, ON_STOP_PAUSE);
	ck_assert_uint_eq(st.jobs, 0);
	turn();
	ck_assert(engine_may_leave(engine));
	heard();
	reopen_world();
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
	ck_assert_int_eq(state_of(b), JOB_RUNNING);
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_stop_that_is_told_to_keep_waits_no_more)
{
	struct engine_stopping st;

	running();
	engine_stop(engine, NULL, ON_STOP_CANCEL, NULL);
	turn();
	ck_assert(!engine_may_leave(engine));
	engine_stop(engine, NULL, ON_STOP_KEEP, "SIGTERM");
	engine_stopping(engine, &st);
	ck_assert_uint_eq(st.jobs, 0);
	turn();
	ck_assert(engine_may_leave(engine));
}
END_TEST

START_TEST(new_settings_hold_from_the_next_turn)
{
	struct engine_settings s = { .max_running = 1, .kill_grace_ms = 1, .ageing_us = 0,
		.low_disk_bytes = 0 };
	uint64_t a = submit_with(NULL, false, 9);

	now_us += 3600u * 1000000u * 10u;
	uint64_t b = submit_with(NULL, false, 2);
	engine_configure(engine, &s);
	turn();
	/* With ageing the old one would come first; without, priority alone counts. */
	ck_assert_str_eq(heard(), "start 2.1 A=1;");
	(void)a;
	(void)b;
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_job_is_started_recorded_released_and_acknowledged_in_that_order,
		no_more_run_than_may_and_the_first_in_order_says_so,
		what_is_prepared_ahead_runs_in_the_turn_that_a_slot_comes_free,
		whoever_ranks_before_what_is_prepared_goes_first,
		what_is_prepared_ahead_is_taken_back_when_no_slot_comes_free,
		what_could_not_be_prepared_ahead_keeps_nobody_from_a_free_slot,
		what_is_prepared_ahead_can_be_cancelled_held_and_lost,
		a_start_that_hangs_gives_its_slot_back_and_its_user_tries_with_one_at_a_time,
		a_pause_is_answered_when_it_is_a_fact,
		a_pause_that_can_not_be_is_taken_back_and_says_so,
		a_cancel_ends_what_runs_and_counts_as_cancelled_whatever_the_code,
		a_start_that_is_prepared_can_be_held_or_cancelled,
		a_gate_that_closed_uses_up_no_attempt,
		a_keeper_that_died_when_its_start_was_on_record_is_replaced,
		a_command_that_can_not_be_started_fails_with_the_reason,
		a_retry_keeps_the_old_attempt_and_clears_the_rest,
		a_token_makes_one_job_however_often_it_is_sent,
		a_full_disk_takes_no_new_work_and_starts_none,
		a_start_that_is_impossible_is_tried_again_later,
		what_was_committed_is_taken_up_again_and_what_was_not_is_not,
		one_job_that_does_not_start_does_not_hold_up_the_others,
		nobody_waits_for_a_keeper_that_is_silent,
		a_watcher_sees_every_change_and_the_end,
		a_list_weaves_live_and_ended_jobs_by_id,
		the_journal_has_every_step_and_who_took_it,
		signals_health_logs_and_a_silent_keeper,
		a_stop_that_keeps_leaves_with_the_turn_and_orders_nothing,
		a_stop_that_pauses_waits_until_all_are_seen_stopped,
		a_stop_leaves_when_its_time_is_up_and_the_next_start_makes_good,
		a_stop_that_cancels_waits_for_the_ends,
		a_stop_takes_back_the_starts_that_are_prepared,
		a_hand_on_a_job_takes_the_mark_of_the_stop_off,
		a_stop_that_is_told_to_keep_waits_no_more,
		new_settings_hold_from_the_next_turn,
	};
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("engine");

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
