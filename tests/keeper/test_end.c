/* SPDX-License-Identifier: ISC */
/*
 * How a job ends, and how that is never lost: leftovers, usage, exit files, the shutdown of the host,
 * and the death of its keeper.
 */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/keeper/look.h"
#include "tests/keeper/rig.h"
#include "tests/unit/unit.h"

START_TEST(codes_and_signals_are_told_as_they_are)
{
	const struct {
		const char *script;
		int status;
	} rows[] = {
		{ "exit 0", 0 },
		{ "exit 3", 3 << 8 },
		{ "exit 255", 255 << 8 },
		{ "kill -TERM $$", SIGTERM },
		{ "kill -KILL $$", SIGKILL },
		{ "kill -USR1 $$", SIGUSR1 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig r;
		struct said s;
		rig_init(&r);
		rig_run(&r, rows[i].script);
		rig_hear(&r, KMSG_END, &s);
		ck_assert_int_eq(s.end.kind, KEEPER_END_EXITED);
		ck_assert_int_eq(s.end.status, rows[i].status);
		ck_assert(s.end.empty);
		rig_ack(&r);
		rig_fini(&r);
	}
}
END_TEST

START_TEST(what_a_command_leaves_behind_is_ended_with_it)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "setsid sh -c 'trap \"\" TERM HUP; echo $$ >far; while :; do sleep 1; done' & "
		    "while [ ! -s far ]; do sleep 0.01; done; exit 5");
	pid_t far = rig_pid(&r, "far");
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.status, 5 << 8);
	ck_assert(!s.end.empty);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.status, 5 << 8);
	ck_assert(s.end.empty);
	wait_state(far, "-Z");
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(the_status_is_held_until_it_is_acknowledged)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	pid_t pid = rig_run(&r, "exit 9");
	rig_hear_end(&r, &s);
	nap(50);
	ck_assert_int_eq(state_of(pid), 'Z');
	rig_ack(&r);
	ck_assert_int_ne(state_of(pid), 'Z');
	rig_fini(&r);
}
END_TEST

START_TEST(usage_counts_the_command_and_its_descendants)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; "
		    "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; "
		    "dd if=/dev/zero of=out bs=64k count=64 conv=fsync 2>/dev/null");
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 0);
	ck_assert_uint_gt(s.end.cpu_us, 20000);
	ck_assert_uint_lt(s.end.cpu_us, 60000000);
	ck_assert_uint_gt(s.end.max_rss_kb, 500);
	ck_assert_uint_lt(s.end.max_rss_kb, 1 << 20);
	uint64_t now = clock_real_us();
	ck_assert_uint_le(s.end.ended_at_us, now);
	ck_assert_uint_gt(s.end.ended_at_us, now - 60000000);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(without_jobd_a_job_goes_on_and_its_end_is_on_disk)
{
	struct rig r;
	struct keeper_end e;
	rig_init(&r);
	rig_run(&r, "echo x >ran; " WAIT_FOR_GO "setsid sleep 60 & exit 6");
	rig_wait_file(&r, "ran");
	rig_hang_up(&r);
	nap(50);
	ck_assert(!rig_exit_file(&r, &e));
	rig_make_file(&r, "go");
	rig_wait_gone(&r);
	ck_assert(rig_exit_file(&r, &e));
	ck_assert_int_eq(e.kind, KEEPER_END_EXITED);
	ck_assert_int_eq(e.status, 6 << 8);
	ck_assert(e.empty);
	ck_assert_uint_eq(e.id, RIG_ID);
	ck_assert_uint_eq(e.attempt, RIG_ATTEMPT);
	ck_assert_uint_eq(e.nonce, r.nonce);
	ck_assert_uint_eq(strlen(e.boot_id), 36);
	ck_assert_uint_gt(e.ended_at_us, 0);
	keeper_end_fini(&e);
	rig_fini(&r);
}
END_TEST

START_TEST(a_jobd_that_goes_after_the_end_was_told_leaves_it_on_disk)
{
	struct rig r;
	struct said s;
	struct keeper_end e;
	rig_init(&r);
	rig_run(&r, "exit 4");
	rig_hear_end(&r, &s);
	rig_hang_up(&r);
	rig_wait_gone(&r);
	ck_assert(rig_exit_file(&r, &e));
	ck_assert_int_eq(e.status, 4 << 8);
	keeper_end_fini(&e);
	rig_fini(&r);
}
END_TEST

START_TEST(a_gate_that_was_opened_before_jobd_went_is_open)
{
	struct rig r;
	struct keeper_end e;
	rig_init(&r);
	rig_run(&r, "exit 8");
	rig_hang_up(&r);
	rig_wait_gone(&r);
	ck_assert(rig_exit_file(&r, &e));
	ck_assert_int_eq(e.kind, KEEPER_END_EXITED);
	ck_assert_int_eq(e.status, 8 << 8);
	keeper_end_fini(&e);
	rig_fini(&r);
}
END_TEST

START_TEST(an_end_that_can_not_be_written_is_held_until_it_can)
{
	struct rig r;
	struct keeper_end e;
	char exits[128], file[192];
	rig_init(&r);
	pid_t pid = rig_run(&r, "exit 6");
	/* Nobody, root neither, writes a file over a directory of that name. */
	snprintf(exits, sizeof(exits), "%s/exits", r.dir);
	snprintf(file, sizeof(file), "%s/%s", exits, r.name);
	ck_assert_int_eq(mkdir(file, 0700), 0);
	rig_hang_up(&r);
	wait_state(pid, "Z");
	nap(1200);
	ck_assert_int_eq(state_of(pid), 'Z');
	ck_assert_int_eq(waitpid(r.keeper, NULL, WNOHANG), 0);
	ck_assert_int_eq(rmdir(file), 0);
	rig_wait_gone(&r);
	ck_assert(rig_exit_file(&r, &e));
	ck_assert_int_eq(e.status, 6 << 8);
	keeper_end_fini(&e);
	rig_fini(&r);
}
END_TEST

START_TEST(a_jobd_that_comes_while_the_end_can_not_be_written_is_told)
{
	struct rig r;
	struct said hello, s;
	char file[192];
	rig_init(&r);
	pid_t pid = rig_run(&r, "exit 6");
	snprintf(file, sizeof(file), "%s/exits/%s", r.dir, r.name);
	ck_assert_int_eq(mkdir(file, 0700), 0);
	rig_hang_up(&r);
	wait_state(pid, "Z");
	nap(50);
	ck_assert(rig_adopt(&r, r.nonce, &hello, &s));
	ck_assert_int_eq(hello.pid, pid);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.status, 6 << 8);
	ck_assert(s.end.empty);
	ck_assert(!rig_is_spoken_to(&r, 1500));
	keeper_end_fini(&s.end);
	rig_ack(&r);
	ck_assert_int_eq(rmdir(file), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_nobody_can_ever_reach_leaves)
{
	struct rig r;
	char command[192];
	rig_init(&r);
	rig_run(&r, "echo x >ran; " WAIT_FOR_GO "exit 6");
	rig_wait_file(&r, "ran");
	rig_hang_up(&r);
	snprintf(command, sizeof(command), "rm -r %s/exits %s/keepers", r.dir, r.dir);
	ck_assert_int_eq(system(command), 0);
	rig_make_file(&r, "go");
	rig_wait_gone(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_is_told_to_end_says_so_of_the_attempt)
{
	struct rig r;
	struct said s;
	struct keeper_end e;
	rig_init(&r);
	rig_run(&r, "trap 'exit 7' TERM; echo x >ran; while :; do sleep 0.05; done");
	rig_wait_file(&r, "ran");
	kill(r.keeper, SIGTERM);
	rig_hear_end(&r, &s);
	ck_assert(s.end.shutdown);
	ck_assert_int_eq(s.end.status, 7 << 8);
	rig_hang_up(&r);
	rig_wait_gone(&r);
	ck_assert(rig_exit_file(&r, &e));
	ck_assert(e.shutdown);
	keeper_end_fini(&e);
	rig_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_is_told_to_end_at_the_gate_runs_nothing)
{
	struct rig r;
	struct said s;
	char t[] = "touch", f[] = "ran", *argv[] = { t, f, NULL };
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	kill(r.keeper, SIGTERM);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_NEVER_RAN);
	ck_assert(s.end.shutdown);
	ck_assert(!rig_has(&r, "work/ran"));
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_hang_up_does_not_end_a_keeper)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "echo x >ran; " WAIT_FOR_GO "exit 2");
	rig_wait_file(&r, "ran");
	kill(r.keeper, SIGHUP);
	kill(r.keeper, SIGPIPE);
	rig_make_file(&r, "go");
	rig_hear_end(&r, &s);
	ck_assert(!s.end.shutdown);
	ck_assert_int_eq(s.end.status, 2 << 8);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(when_the_keeper_is_killed_its_command_goes_on)
{
	struct rig r;
	rig_init(&r);
	pid_t pid = rig_run(&r, "echo x >ran; " WAIT_FOR_GO "exit 2");
	rig_wait_file(&r, "ran");
	kill(r.keeper, SIGKILL);
	ck_assert_int_eq(waitpid(r.keeper, NULL, 0), r.keeper);
	rig_make_file(&r, "go");
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid); /* its subreaper inherits it */
	ck_assert_int_eq(status, 2 << 8);
	rig_fini(&r);
}
END_TEST

START_TEST(a_keeper_dies_where_a_crash_point_says_so)
{
	struct rig r;
	int status = 0;
	rig_init(&r);
	setenv("JOBD_CRASH_AT", "keeper-gate-open", 1);
	pid_t pid = rig_run(&r, "env | grep -c JOBD_CRASH >out; exit 2");
	ck_assert_int_eq(waitpid(r.keeper, &status, 0), r.keeper);
	ck_assert_int_eq(status, SIGKILL);
	/* The gate was open: the command runs all the same, and knows nothing of this. */
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 2 << 8);
	rig_hang_up(&r);
	setenv("JOBD_CRASH_AT", "keeper-no-such-point", 1);
	rig_spawn(&r);
	ck_assert_int_eq(waitpid(r.keeper, &status, 0), r.keeper);
	ck_assert_int_eq(status, 2 << 8);
	rig_fini(&r);
}
END_TEST

UNIT_MAIN("keeper: end", codes_and_signals_are_told_as_they_are,
    what_a_command_leaves_behind_is_ended_with_it, the_status_is_held_until_it_is_acknowledged,
    usage_counts_the_command_and_its_descendants,
    without_jobd_a_job_goes_on_and_its_end_is_on_disk,
    a_jobd_that_goes_after_the_end_was_told_leaves_it_on_disk,
    a_gate_that_was_opened_before_jobd_went_is_open,
    an_end_that_can_not_be_written_is_held_until_it_can,
    a_jobd_that_comes_while_the_end_can_not_be_written_is_told,
    a_keeper_that_nobody_can_ever_reach_leaves,
    a_keeper_that_is_told_to_end_says_so_of_the_attempt,
    a_keeper_that_is_told_to_end_at_the_gate_runs_nothing, a_hang_up_does_not_end_a_keeper,
    when_the_keeper_is_killed_its_command_goes_on, a_keeper_dies_where_a_crash_point_says_so)
