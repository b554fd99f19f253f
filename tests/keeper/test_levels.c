/* SPDX-License-Identifier: ISC */
/* Levels: pausing, resuming, ending and signalling a job with all of its processes. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/status.h"
#include "tests/keeper/look.h"
#include "tests/keeper/rig.h"
#include "tests/unit/unit.h"

/* The next message is STATE, and says this level. */
static void hear_state(struct rig *r, enum keeper_level level, struct said *s)
{
	rig_hear(r, KMSG_STATE, s);
	ck_assert_uint_eq(s->level, level);
	ck_assert_uint_eq(s->seq, r->seq);
}

static void end_with(struct rig *r, int status)
{
	struct said s;
	rig_hear_end(r, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_EXITED);
	ck_assert_int_eq(s.end.status, status);
	ck_assert(!s.end.shutdown);
	rig_ack(r);
	rig_fini(r);
}

/* T, or the parent of a vfork whose stopped child has not executed yet. */
static bool is_held(pid_t pid)
{
	char state = state_of(pid);
	return state == 'T' || state == 'D';
}

/* A tree with a session of its own in it, and one that spawns all the time. */
#define TREE                                                           \
	"setsid sh -c 'echo $$ >far; while :; do sleep 0.05; done' & " \
	"while :; do /bin/echo x >>grows; done & echo $$ >main; wait"

START_TEST(a_paused_tree_stands_still_and_a_resumed_one_goes_on)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	pid_t main_pid = rig_run(&r, TREE);
	pid_t far = rig_pid(&r, "far");
	rig_wait_file(&r, "grows");
	for (int i = 0; i < 5; i++) {
		rig_desire(&r, LEVEL_STOP, 0);
		hear_state(&r, LEVEL_STOP, &s);
		off_t size = rig_size(&r, "grows");
		ck_assert(is_held(main_pid));
		ck_assert(is_held(far));
		nap(30);
		ck_assert_int_eq(rig_size(&r, "grows"), size);
		rig_desire(&r, LEVEL_RUN, 0);
		hear_state(&r, LEVEL_RUN, &s);
		for (int j = 0; j < PATIENCE_MS && rig_size(&r, "grows") == size; j++)
			nap(1);
		ck_assert_int_gt(rig_size(&r, "grows"), size);
	}
	rig_desire(&r, LEVEL_END, 0);
	hear_state(&r, LEVEL_END, &s);
	end_with(&r, SIGKILL);
}
END_TEST

START_TEST(a_pause_right_after_the_gate_works)
{
	for (int i = 0; i < 20; i++) {
		struct rig r;
		struct said s;
		rig_init(&r);
		pid_t pid = rig_run(&r, "echo x >ran; sleep 60; :");
		rig_desire(&r, LEVEL_STOP, 0);
		hear_state(&r, LEVEL_STOP, &s);
		ck_assert(is_held(pid));
		rig_desire(&r, LEVEL_RUN, 0);
		hear_state(&r, LEVEL_RUN, &s);
		rig_wait_file(&r, "ran");
		rig_fini(&r);
	}
}
END_TEST

START_TEST(an_order_before_the_gate_holds_after_it)
{
	struct rig r;
	struct said s;
	char sh[] = "/bin/sh", c[] = "-c", text[] = "echo x >ran; sleep 60",
	     *argv[] = { sh, c, text, NULL };
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	rig_desire(&r, LEVEL_STOP, 0);
	rig_say(&r, KMSG_GATE);
	hear_state(&r, LEVEL_STOP, &s);
	nap(30);
	rig_desire(&r, LEVEL_RUN, 0);
	hear_state(&r, LEVEL_RUN, &s);
	rig_wait_file(&r, "ran");
	rig_fini(&r);
}
END_TEST

START_TEST(a_repeated_order_changes_nothing_and_is_answered)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	pid_t pid = rig_run(&r, "echo x >ran; sleep 60; :");
	rig_wait_file(&r, "ran");
	rig_desire(&r, LEVEL_RUN, 0);
	hear_state(&r, LEVEL_RUN, &s);
	for (int i = 0; i < 3; i++) {
		if (i == 2)
			r.seq--; /* the very same one, as after an adoption */
		rig_desire(&r, LEVEL_STOP, 0);
		hear_state(&r, LEVEL_STOP, &s);
		ck_assert_int_eq(s.recontinued, 0);
		ck_assert(is_held(pid));
	}
	/* One order after the other, without waiting: the last one holds. */
	for (int i = 0; i < 20; i++)
		rig_desire(&r, i % 2 ? LEVEL_RUN : LEVEL_STOP, 0);
	do {
		rig_hear(&r, KMSG_STATE, &s);
	} while (s.seq != r.seq);
	ck_assert_uint_eq(s.level, LEVEL_RUN);
	wait_state(pid, "SR");
	rig_fini(&r);
}
END_TEST

START_TEST(who_continues_a_paused_job_is_noticed_and_it_is_stopped_again)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	pid_t pid = rig_run(&r, TREE), far = rig_pid(&r, "far");
	rig_desire(&r, LEVEL_STOP, 0);
	hear_state(&r, LEVEL_STOP, &s);
	kill(pid, SIGCONT);
	hear_state(&r, LEVEL_STOP, &s);
	ck_assert_int_eq(s.recontinued, pid);
	ck_assert(is_held(pid));
	nap(1100); /* more often than once a second it is not told */
	kill(far, SIGCONT);
	hear_state(&r, LEVEL_STOP, &s);
	ck_assert_int_ne(s.recontinued, 0);
	ck_assert(is_held(far));
	rig_fini(&r);
}
END_TEST

START_TEST(a_cancelled_job_has_its_grace_and_no_more)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r,
	    "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo x >far; while :; do sleep 1; done' & "
	    "while :; do sleep 1; done");
	rig_wait_file(&r, "far");
	uint64_t before = clock_mono_us();
	rig_desire(&r, LEVEL_END, 300);
	hear_state(&r, LEVEL_END, &s);
	rig_hear_end(&r, &s);
	uint64_t ms = (clock_mono_us() - before) / 1000;
	ck_assert_int_eq(s.end.status, SIGKILL);
	ck_assert_uint_ge(ms, 299);
	ck_assert_uint_lt(ms, 10000 * unit_slowness());
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_cancelled_job_that_obeys_ends_at_once_with_its_own_code)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "trap 'exit 7' TERM; echo x >ran; while :; do sleep 0.05; done");
	rig_wait_file(&r, "ran");
	uint64_t before = clock_mono_us();
	rig_desire(&r, LEVEL_END, 10000);
	hear_state(&r, LEVEL_END, &s);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 7 << 8);
	ck_assert_uint_lt((clock_mono_us() - before) / 1000, 9000 * unit_slowness());
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_paused_job_is_cancelled_without_being_resumed_first)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "trap 'echo bye; exit 7' TERM; echo x >ran; while :; do sleep 0.1; done");
	rig_wait_file(&r, "ran");
	rig_desire(&r, LEVEL_STOP, 0);
	hear_state(&r, LEVEL_STOP, &s);
	rig_desire(&r, LEVEL_END, 10000);
	hear_state(&r, LEVEL_END, &s);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 7 << 8);
	char *text = rig_log(&r);
	ck_assert_ptr_nonnull(strstr(text, "bye\n")); /* sh may say "Terminated" of its sleep */
	free(text);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(what_the_command_leaves_behind_keeps_its_grace_too)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "sh -c 'trap \"sleep 0.3; echo saved >saved; exit\" TERM; echo x >far; "
		    "while :; do sleep 0.1; done' & wait");
	rig_wait_file(&r, "far");
	rig_desire(&r, LEVEL_END, 10000);
	hear_state(&r, LEVEL_END, &s);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.status, SIGTERM);
	ck_assert(!s.end.empty);
	rig_hear(&r, KMSG_END, &s);
	ck_assert(s.end.empty);
	ck_assert_int_gt(rig_size(&r, "saved"), 0);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(an_end_is_never_taken_back_but_may_be_hastened)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "trap '' TERM; echo x >ran; while :; do sleep 1; done");
	rig_wait_file(&r, "ran");
	uint64_t before = clock_mono_us();
	rig_desire(&r, LEVEL_END, 60000);
	hear_state(&r, LEVEL_END, &s);
	rig_desire(&r, LEVEL_RUN, 0);
	hear_state(&r, LEVEL_END, &s);
	rig_desire(&r, LEVEL_STOP, 0);
	hear_state(&r, LEVEL_END, &s);
	rig_desire(&r, LEVEL_END, 100000); /* later is no change */
	hear_state(&r, LEVEL_END, &s);
	rig_desire(&r, LEVEL_END, 200);
	hear_state(&r, LEVEL_END, &s);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, SIGKILL);
	ck_assert_uint_lt((clock_mono_us() - before) / 1000, 10000 * unit_slowness());
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_signal_reaches_the_command_or_everyone)
{
	struct rig r;
	rig_init(&r);
	rig_run(&r,
	    "sh -c 'trap \"echo far >>far\" USR1; echo x >ran; while :; do sleep 0.02; done' & "
	    "trap 'echo main >>main' USR1; while :; do sleep 0.02; done");
	rig_wait_file(&r, "ran");
	rig_signal(&r, SIGUSR1, false);
	rig_wait_file(&r, "main");
	ck_assert_int_eq(rig_size(&r, "far"), 0);
	/* Its sleep dies of the signal, being one of everyone. */
	rig_signal(&r, SIGUSR1, true);
	rig_wait_file(&r, "far");
	rig_signal(&r, SIGKILL, false);
	end_with(&r, SIGKILL);
}
END_TEST

START_TEST(a_signal_can_not_resume_a_paused_job)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	pid_t pid = rig_run(&r, "echo x >ran; sleep 60; :");
	rig_wait_file(&r, "ran");
	rig_desire(&r, LEVEL_STOP, 0);
	hear_state(&r, LEVEL_STOP, &s);
	rig_signal(&r, SIGCONT, true);
	rig_signal(&r, SIGCONT, false);
	rig_signal(&r, 0, false);
	rig_signal(&r, 99, true);
	rig_desire(&r, LEVEL_STOP, 0);
	hear_state(&r, LEVEL_STOP, &s);
	ck_assert_int_eq(s.recontinued, 0);
	ck_assert(is_held(pid));
	rig_signal(&r, SIGKILL, false);
	end_with(&r, SIGKILL);
}
END_TEST

START_TEST(a_signal_can_not_stop_a_running_job)
{
	const int signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	struct rig r;
	rig_init(&r);
	rig_run(&r, "trap 'echo x >told' USR1; echo x >ran; while :; do sleep 0.02; done");
	rig_wait_file(&r, "ran");
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		rig_signal(&r, signals[i], true);
		rig_signal(&r, signals[i], false);
	}
	rig_signal(&r, SIGUSR1, false);
	rig_wait_file(&r, "told");
	rig_signal(&r, SIGKILL, false);
	end_with(&r, SIGKILL);
}
END_TEST

/* In work/: what makes an ordinary user's process root's for good. */
static void make_root_maker(struct rig *r)
{
	char command[512];
	snprintf(command, sizeof(command),
	    "cp $(command -v setpriv) %s/work/become && chmod 4755 %s/work/become && chown -R "
	    "65533 "
	    "%s/keepers %s/logs %s/exits",
	    r->dir, r->dir, r->dir, r->dir, r->dir);
	ck_assert_int_eq(system(command), 0);
}

static void wait_name(pid_t pid, const char *name)
{
	char path[64], now[32];
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	for (int i = 0; i < PATIENCE_MS; i++, nap(1)) {
		FILE *f = fopen(path, "r");
		ck_assert_ptr_nonnull(f);
		bool is = fscanf(f, "%31s", now) == 1 && strcmp(now, name) == 0;
		fclose(f);
		if (is)
			return;
	}
	ck_abort_msg("%d does not become %s", (int)pid, name);
}

START_TEST(a_process_that_may_not_be_stopped_is_named_and_the_rest_goes_on)
{
	struct rig r;
	struct said s;
	if (geteuid() != 0)
		return; /* needs a process of somebody else's below an ordinary user's */
	rig_init(&r);
	make_root_maker(&r);
	ck_assert_int_eq(setresuid(65533, 65533, 0), 0);
	pid_t pid =
	    rig_run(&r, "./become --reuid=0 --clear-groups sleep 61 & echo $! >its; exec sleep 60");
	pid_t its = rig_pid(&r, "its");
	wait_name(its, "sleep"); /* by then it has become root's */
	for (int i = 0; i < 2; i++) {
		rig_desire(&r, LEVEL_STOP, 0);
		hear_state(&r, LEVEL_RUN, &s);
		ck_assert_int_eq(s.culprit, its);
		wait_state(pid, "SR");
	}
	/* The same order again tells the same, a resumption nothing. */
	r.seq--;
	rig_desire(&r, LEVEL_STOP, 0);
	hear_state(&r, LEVEL_RUN, &s);
	ck_assert_int_eq(s.culprit, its);
	rig_desire(&r, LEVEL_RUN, 0);
	hear_state(&r, LEVEL_RUN, &s);
	ck_assert_int_eq(s.culprit, 0);
	/* It can't be ended either: that is waited for, and nothing else. */
	rig_desire(&r, LEVEL_END, 0);
	hear_state(&r, LEVEL_END, &s);
	rig_hear(&r, KMSG_END, &s);
	ck_assert(!s.end.empty);
	ck_assert(!rig_is_spoken_to(&r, 200));
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	kill(its, SIGKILL);
	end_with(&r, SIGKILL);
}
END_TEST

START_TEST(a_forking_crowd_is_paused_and_ended)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "f() { while :; do (sleep 0.01) & (:) & wait; done; }; f & f & f & (f & f &) ; "
		    "echo x >ran; wait");
	rig_wait_file(&r, "ran");
	rig_desire(&r, LEVEL_STOP, 0);
	hear_state(&r, LEVEL_STOP, &s);
	rig_desire(&r, LEVEL_RUN, 0);
	hear_state(&r, LEVEL_RUN, &s);
	nap(50);
	rig_desire(&r, LEVEL_END, 0);
	hear_state(&r, LEVEL_END, &s);
	end_with(&r, SIGKILL);
}
END_TEST

START_TEST(a_stopped_command_that_is_killed_by_others_has_ended)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	pid_t pid = rig_run(&r, "sleep 60 & echo x >ran; wait");
	rig_wait_file(&r, "ran");
	rig_desire(&r, LEVEL_STOP, 0);
	hear_state(&r, LEVEL_STOP, &s);
	kill(pid, SIGKILL);
	end_with(&r, SIGKILL);
}
END_TEST

UNIT_MAIN("keeper: levels", a_paused_tree_stands_still_and_a_resumed_one_goes_on,
    a_pause_right_after_the_gate_works, an_order_before_the_gate_holds_after_it,
    a_repeated_order_changes_nothing_and_is_answered,
    who_continues_a_paused_job_is_noticed_and_it_is_stopped_again,
    a_cancelled_job_has_its_grace_and_no_more,
    a_cancelled_job_that_obeys_ends_at_once_with_its_own_code,
    a_paused_job_is_cancelled_without_being_resumed_first,
    what_the_command_leaves_behind_keeps_its_grace_too,
    an_end_is_never_taken_back_but_may_be_hastened, a_signal_reaches_the_command_or_everyone,
    a_signal_can_not_resume_a_paused_job, a_signal_can_not_stop_a_running_job,
    a_process_that_may_not_be_stopped_is_named_and_the_rest_goes_on,
    a_forking_crowd_is_paused_and_ended, a_stopped_command_that_is_killed_by_others_has_ended)
