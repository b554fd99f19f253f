/* SPDX-License-Identifier: ISC */
/*
 * A start, to the moment the gate is open: given up, hanging, without a keeper, without a command.
 * Nothing runs before it is released, and what came to nothing leaves nothing.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/room.h"

#include "unit.h"

static struct room r;

START_TEST(nothing_runs_while_the_gate_is_closed_nor_when_it_is_abandoned)
{
	room_begin(&r);
	room_start(&r, 1, "touch $D/ran");
	ROOM_WAIT(&r, r.told[1].ready);
	for (int i = 0; i < 5; i++)
		room_turn(&r);
	/* Whoever follows its output can begin. */
	int log = proc_log_open(r.proc, 1, 1);
	ck_assert_int_ge(log, 0);
	close(log);
	ck_assert_int_eq(proc_log_open(r.proc, 1, 2), -ENOENT);
	proc_abandon(r.proc, 1);
	ROOM_WAIT(&r, children() == 0);
	ck_assert(!room_has(&r, "ran"));
	ck_assert_int_eq(proc_log_open(r.proc, 1, 1), -ENOENT);
	ck_assert_uint_eq(room_files(&r, "state/log"), 1); /* the directory 0 */
	ck_assert_uint_eq(r.told[1].unstarted + r.told[1].ended, 0);
	ck_assert_uint_eq(room_files(&r, "state/exits"), 0);
	ck_assert_uint_eq(room_files(&r, "run/keepers"), 0);
	room_fini(&r);
}
END_TEST

START_TEST(a_start_that_came_to_nothing_leaves_no_log)
{
	room_begin(&r);
	/* Given up when it stood ready, at any earlier moment, and by its keeper's death. */
	room_start(&r, 1, "exit 0");
	ROOM_WAIT(&r, r.told[1].ready);
	ck_assert_uint_eq(room_files(&r, "state/log"), 2); /* its bucket, and what may become its log */
	proc_abandon(r.proc, 1);
	room_start(&r, 2, "exit 0");
	proc_abandon(r.proc, 2);
	room_start(&r, 3, "exit 0");
	ROOM_WAIT(&r, r.told[3].ready);
	kill(r.told[3].attempt.keeper_pid, SIGKILL);
	ROOM_WAIT(&r, r.told[3].unstarted);
	ROOM_WAIT(&r, children() == 0);
	ck_assert_uint_eq(room_files(&r, "state/log"), 1);
	ck_assert_uint_eq(room_files(&r, "state/log/0"), 0);
	room_fini(&r);
}
END_TEST

START_TEST(an_abandoned_job_can_be_started_again_in_the_same_turn)
{
	room_begin(&r);
	room_start(&r, 1, "exit 4");
	ROOM_WAIT(&r, r.told[1].ready);
	proc_abandon(r.proc, 1);
	room_run(&r, 1, "test -S $NOTIFY_SOCKET && exit 6");
	ROOM_WAIT(&r, r.told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r.told[1].end.status), 6);
	room_leave(&r, 1);
	ROOM_WAIT(&r, children() == 0);
	room_fini(&r);
}
END_TEST

START_TEST(a_release_waits_for_the_flush)
{
	room_begin(&r);
	room_start(&r, 1, "touch $D/ran");
	ROOM_WAIT(&r, r.told[1].ready);
	proc_release(r.proc, 1);
	usleep(50000); /* whatever could happen by mistake */
	ck_assert(!room_has(&r, "ran"));
	ROOM_WAIT(&r, r.told[1].ended);
	ck_assert(room_has(&r, "ran"));
	room_leave(&r, 1);
	room_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_can_not_be_executed_is_told_from_the_loop)
{
	room_init(&r);
	r.keeper = room_path(&r, "no-program");
	room_touch(&r, "no-program");
	room_open(&r);
	proc_adopted_all(r.proc);
	room_start(&r, 1, "exit 0");
	ck_assert_uint_eq(r.told[1].unstarted, 0);
	ROOM_WAIT(&r, r.told[1].unstarted);
	ck_assert_int_eq(r.told[1].error, -EACCES);
	ck_assert_uint_eq(room_files(&r, "run/notify"), 0);
	room_fini(&r);
}
END_TEST

START_TEST(a_start_that_hangs_is_given_up_and_the_job_can_be_started_again)
{
	room_init(&r);
	r.keeper = "proc/mute";
	room_open(&r);
	proc_adopted_all(r.proc);
	unsigned before = open_descriptors();
	room_start(&r, 1, "touch $D/ran");
	ROOM_WAIT(&r, r.told[1].unstarted);
	ck_assert_int_eq(r.told[1].error, -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(r.told[1].text, "not ready"));
	/* The job's name is free at once; whatever hung leaves when it looks up. */
	room_start(&r, 1, "touch $D/ran");
	proc_abandon(r.proc, 1);
	ROOM_WAIT(&r, children() == 0);
	ck_assert_uint_eq(r.told[1].unstarted + r.told[1].ready + r.told[1].ended, 0);
	ck_assert_uint_eq(open_descriptors(), before);
	room_fini(&r);
}
END_TEST

START_TEST(a_directory_that_is_a_link_is_refused)
{
	struct proc *p = NULL;
	char *why = NULL;
	struct proc_events none = { 0 };
	room_init(&r);
	ck_assert_int_eq(symlink("/tmp", room_path(&r, "state/exits")), 0);
	struct proc_options o = {
		.state_dir = r.state_dir,
		.runtime_dir = r.runtime_dir,
		.keeper_path = r.keeper,
		.instance = "test",
		.socket_path = "",
		.boot_id = "",
		.cgroup = "no",
	};
	ck_assert_int_lt(proc_open(&o, &none, NULL, &p, &why), 0);
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_nonnull(strstr(why, "state/exits"));
	free(why);
	room_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_dies_before_the_release_has_run_nothing)
{
	room_begin(&r);
	room_start(&r, 1, "touch $D/ran");
	ROOM_WAIT(&r, r.told[1].ready);
	kill(r.told[1].attempt.keeper_pid, SIGKILL);
	ROOM_WAIT(&r, r.told[1].unstarted);
	ck_assert_int_eq(r.told[1].error, -ECHILD);
	ck_assert_ptr_nonnull(strstr(r.told[1].text, "KILL"));
	ROOM_WAIT(&r, children() == 0);
	ck_assert(!room_has(&r, "ran"));
	ck_assert_uint_eq(room_files(&r, "run/keepers") + room_files(&r, "run/notify"), 0);
	room_fini(&r);
}
END_TEST

START_TEST(a_command_that_is_not_there_ends_with_the_step_that_failed)
{
	room_begin(&r);
	char path[] = "/nonexistent/program", *command[] = { path, NULL }, queue[] = "default";
	struct job j = { .id = 2, .uid = geteuid(), .queue = queue, .command = command };
	uint64_t nonce;
	ck_assert_int_eq(proc_start(r.proc, &j, 1, NULL, 100, &nonce), 0);
	r.told[2].attempt.nonce = nonce;
	r.told[2].attempt.number = 1;
	ROOM_WAIT(&r, r.told[2].ready || r.told[2].ended);
	if (!r.told[2].ended) {
		proc_release(r.proc, 2);
		ROOM_WAIT(&r, r.told[2].ended);
	}
	ck_assert_int_eq(r.told[2].end.kind, KEEPER_END_SPAWN);
	ck_assert_int_eq(r.told[2].end.error, ENOENT);
	ck_assert_ptr_nonnull(strstr(r.told[2].text, "/nonexistent/program"));
	room_leave(&r, 2);
	room_fini(&r);
}
END_TEST

UNIT_MAIN("start", nothing_runs_while_the_gate_is_closed_nor_when_it_is_abandoned,
    a_start_that_came_to_nothing_leaves_no_log,
    an_abandoned_job_can_be_started_again_in_the_same_turn, a_release_waits_for_the_flush,
    a_keeper_that_can_not_be_executed_is_told_from_the_loop,
    a_start_that_hangs_is_given_up_and_the_job_can_be_started_again,
    a_directory_that_is_a_link_is_refused, a_keeper_that_dies_before_the_release_has_run_nothing,
    a_command_that_is_not_there_ends_with_the_step_that_failed)
