/* SPDX-License-Identifier: ISC */
/*
 * A keeper is killed while its jobd lives: the room looks after the command, which is paused,
 * signalled and ended as before, and whose status is not lost.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobd/proc/internal.h"
#include "lib/tree.h"
#include "proc/room.h"

#include "unit.h"

START_TEST(a_keeper_that_is_killed_does_not_take_the_status_with_it)
{
	struct room *r = room_new();
	room_begin(r);
	unsigned before = open_descriptors();
	room_run(r, 1, UNTIL_GO("exit 7"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_orphan(r, 1);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(r->told[1].end.kind, KEEPER_END_EXITED);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 7);
	ck_assert_uint_eq(r->told[1].end.nonce, r->told[1].attempt.nonce);
	ck_assert_uint_eq(r->told[1].orphaned, 1);
	/* Until it is on disk, the zombie keeps it. */
	ck_assert_int_eq(process_state(r->told[1].attempt.pid), 'Z');
	room_leave(r, 1);
	ROOM_WAIT(r, children() == 0);
	ck_assert_uint_eq(open_descriptors(), before);
	room_fini(r);
}
END_TEST

START_TEST(while_one_zombie_is_held_the_others_are_reaped)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, UNTIL_GO("exit 7"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_orphan(r, 1);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	room_run(r, 2, "exit 8");
	ROOM_WAIT(r, r->told[2].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[2].end.status), 8);
	room_leave(r, 2);
	ck_assert_int_eq(process_state(r->told[1].attempt.pid), 'Z');
	room_finish(r, 1);
}
END_TEST

START_TEST(what_a_command_left_behind_ends_with_it_though_its_keeper_is_dead)
{
	for (int i = 0; i < 2; i++) {
		struct room *r = room_new();
		room_init(r);
		r->cgroup = room_kinds[i];
		room_open(r);
		proc_adopted_all(r->proc);
		room_run(r, 1, "setsid sh -c 'echo $$ >$D/left; exec sleep 300' & sleep 300 & " UNTIL_GO(
				   "exit 7"));
		ROOM_WAIT(r, room_pid(r, "pid") && room_pid(r, "left"));
		pid_t left = room_pid(r, "left");
		room_orphan(r, 1);
		room_touch(r, "go");
		ROOM_WAIT(r, r->told[1].ended);
		ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 7);
		ck_assert(process_state(left) == 0 || process_state(left) == 'Z');
		room_finish(r, 1);
		if (r->told[1].cgroup[0])
			ck_assert_int_ne(access(r->told[1].cgroup, F_OK), 0);
	}
}
END_TEST

START_TEST(a_paused_job_stays_paused_when_its_keeper_dies_and_obeys)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, "sleep 300; :");
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(r, r->told[1].stopped);
	room_orphan(r, 1);
	ck_assert(process_is_still(r->told[1].attempt.pid));
	/* Somebody continues it: it is stopped again, and said. */
	kill(r->told[1].attempt.pid, SIGCONT);
	ROOM_WAIT(r, r->told[1].recontinued);
	ROOM_WAIT(r, process_is_still(r->told[1].attempt.pid));
	ck_assert_uint_eq(r->told[1].stopped, 1);
	proc_order(r->proc, 1, LEVEL_RUN, 0);
	ROOM_WAIT(r, r->told[1].running);
	ROOM_WAIT(r, !process_is_still(r->told[1].attempt.pid));
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(r, r->told[1].stopped == 2);
	proc_order(r->proc, 1, LEVEL_END, 5000);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGTERM);
	room_finish(r, 1);
}
END_TEST

START_TEST(an_orphan_that_ignores_the_first_signal_is_killed_after_the_grace)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, "trap '' TERM; " UNTIL_GO(":"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_orphan(r, 1);
	proc_signal(r->proc, 1, SIGTERM, true);
	proc_order(r->proc, 1, LEVEL_END, 100);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGKILL);
	room_finish(r, 1);
}
END_TEST

/* A command that heeds the first signal at once, and one it left behind that cleans up for a while. */
#define CLEANS_UP                                                                                  \
	"setsid sh -c 'trap \"sleep 0.3; touch $D/cleaned; exit 0\" TERM; echo $$ >$D/left; "        \
	"while :; do sleep 0.01; done' & exec sleep 300"

START_TEST(what_an_orphan_left_behind_has_what_is_left_of_the_grace)
{
	for (int i = 0; i < 2; i++) {
		struct room *r = room_new();
		room_init(r);
		r->cgroup = room_kinds[i];
		room_open(r);
		proc_adopted_all(r->proc);
		room_run(r, 1, CLEANS_UP);
		ROOM_WAIT(r, room_pid(r, "left"));
		room_orphan(r, 1);
		proc_order(r->proc, 1, LEVEL_END, 15000);
		ROOM_WAIT(r, r->told[1].ended);
		ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGTERM);
		ck_assert(room_has(r, "cleaned"));
		room_finish(r, 1);
	}
}
END_TEST

START_TEST(the_grace_of_what_an_orphan_left_behind_can_be_cut_short)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, "setsid sh -c 'trap \"\" TERM; echo $$ >$D/left; sleep 300; :' & exec sleep 300");
	ROOM_WAIT(r, room_pid(r, "left"));
	pid_t left = room_pid(r, "left");
	room_orphan(r, 1);
	proc_order(r->proc, 1, LEVEL_END, 300000);
	ROOM_WAIT(r, process_state(r->told[1].attempt.pid) == 'Z');
	for (int i = 0; i < 5; i++)
		room_turn(r);
	ck_assert_uint_eq(r->told[1].ended, 0);
	ck_assert(process_state(left) != 0);
	proc_order(r->proc, 1, LEVEL_RUN, 0); /* an end is never taken back */
	room_turn(r);
	proc_order(r->proc, 1, LEVEL_END, 0);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert(process_state(left) == 0 || process_state(left) == 'Z');
	ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGTERM);
	room_finish(r, 1);
}
END_TEST

START_TEST(signals_reach_an_orphan_in_their_order)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, "trap 'exit 9' USR1; " UNTIL_GO(":"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_orphan(r, 1);
	proc_signal(r->proc, 1, SIGSTOP, false); /* the other way round it would stay stopped */
	proc_signal(r->proc, 1, SIGCONT, false);
	room_turn(r);
	proc_signal(r->proc, 1, SIGUSR1, false);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 9);
	room_finish(r, 1);
}
END_TEST

/* Its keeper and the jobd that let it go are dead; what init has not reaped yet left with 0. */
START_TEST(a_command_of_no_child_of_ours_that_never_came_to_run_is_not_given_a_status)
{
	struct room *r = room_new();
	room_init(r);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		room_open(r);
		proc_adopted_all(r->proc);
		room_start(r, 1, "touch $D/ran");
		ROOM_WAIT(r, r->told[1].ready);
		kill(r->told[1].attempt.keeper_pid, SIGSTOP);
		proc_release(r->proc, 1);
		proc_flush(r->proc);
		room_kill_keeper(r, 1);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	pid_t command = r->told[1].attempt.pid;
	ck_assert_int_gt(command, 0);
	while (process_state(command) != 'Z' && process_state(command) != 0)
		usleep(1000);
	room_take_up(r, 1, LEVEL_RUN);
	ROOM_WAIT(r, r->told[1].ended || r->told[1].lost);
	if (r->told[1].ended)
		ck_assert_int_eq(r->told[1].end.kind, KEEPER_END_NEVER_RAN);
	ck_assert(!room_has(r, "ran"));
	room_finish(r, 1);
}
END_TEST

START_TEST(an_end_that_was_reported_counts_though_the_keeper_dies_after_it)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, "exit 5");
	ROOM_WAIT(r, r->told[1].ended);
	room_kill_keeper(r, 1);
	ROOM_WAIT(r, process_state(r->told[1].attempt.keeper_pid) == 0);
	ck_assert_uint_eq(r->told[1].ended, 1);
	ck_assert_uint_eq(r->told[1].orphaned, 0);
	room_finish(r, 1);
}
END_TEST

START_TEST(a_command_that_never_came_to_run_is_not_given_a_status)
{
	struct room *r = room_new();
	room_begin(r);
	room_start(r, 1, "touch $D/ran");
	ROOM_WAIT(r, r->told[1].ready);
	/* The gate is opened to a keeper that is dead, which the room does not know yet. */
	kill(r->told[1].attempt.keeper_pid, SIGSTOP);
	proc_release(r->proc, 1);
	proc_flush(r->proc);
	room_kill_keeper(r, 1);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(r->told[1].end.kind, KEEPER_END_NEVER_RAN);
	ck_assert(!room_has(r, "ran"));
	room_finish(r, 1);
}
END_TEST

/* Ends what is named in a file, when it is told to: with the rights that were given away below. */
static void wait_and_kill(const struct room *r)
{
	for (int i = 0; i < 6000 && !room_has(r, "kill"); i++)
		usleep(10000);
	kill(room_pid(r, "pid"), SIGKILL);
	_exit(0);
}

/* From here on this test is an ordinary user's jobd, with a program beside it that makes root. */
static void become_ordinary(struct room *r)
{
	static char keeper[300];
	char command[1024];
	snprintf(keeper, sizeof keeper, "%s/jobd-keeper", r->dir);
	snprintf(command, sizeof command,
	    "cp '%s' %s && cp $(command -v setpriv) %s/setpriv && chown -R 65534 %s && "
	    "chown root %s/setpriv && chmod 4755 %s/setpriv",
	    r->keeper, keeper, r->dir, r->dir, r->dir, r->dir);
	ck_assert_int_eq(system(command), 0);
	r->keeper = keeper;
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
}

/*
 * An orphan of an ordinary user's jobd that is to be stopped; its script can become root by $D/setpriv,
 * and writes its pid to $D/pid. NULL: nobody is there who could become another.
 */
static struct room *stop_orphan(const char *script)
{
	if (geteuid() != 0 || system("command -v setpriv >/dev/null") != 0)
		return NULL;
	struct room *r = room_new();
	room_init(r);
	if (fork() == 0)
		wait_and_kill(r);
	become_ordinary(r);
	room_open(r);
	proc_adopted_all(r->proc);
	room_run(r, 1, script);
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_orphan(r, 1);
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	return r;
}

START_TEST(an_orphan_that_may_not_be_stopped_is_named_and_goes_on)
{
	struct room *r = stop_orphan("exec $D/setpriv --reuid 0 --regid 0 --clear-groups "
				     "sh -c 'echo $$ >$D/pid; exec sleep 300'");
	if (!r)
		return;
	ROOM_WAIT(r, r->told[1].unstoppable);
	ck_assert_uint_eq(r->told[1].stopped, 0);
	proc_order(r->proc, 1, LEVEL_RUN, 0);
	ROOM_WAIT(r, r->told[1].running);
	proc_order(r->proc, 1, LEVEL_END, 0);
	for (int i = 0; i < 10; i++)
		room_turn(r);
	ck_assert_uint_eq(r->told[1].ended, 0);
	room_touch(r, "kill");
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGKILL);
	room_finish(r, 1);
}
END_TEST

START_TEST(an_orphan_that_was_continued_and_may_not_be_stopped_again_runs)
{
	struct room *r = stop_orphan("trap 'exec $D/setpriv --reuid 0 --regid 0 --clear-groups "
				     "sh -c \"echo >$D/free; exec sleep 300\"' CONT; "
				     "echo $$ >$D/pid; while :; do :; done");
	if (!r)
		return;
	ROOM_WAIT(r, r->told[1].stopped);
	ROOM_WAIT(r, room_has(r, "free") || (kill(room_pid(r, "pid"), SIGCONT), false));
	ROOM_WAIT(r, r->told[1].unstoppable);
	ck_assert_uint_gt(r->told[1].recontinued, 0);
	proc_order(r->proc, 1, LEVEL_END, 0);
	room_touch(r, "kill");
	ROOM_WAIT(r, r->told[1].ended);
	room_finish(r, 1);
}
END_TEST

START_TEST(how_a_reaped_process_ended_is_told_to_who_held_its_pidfd)
{
	int status = 0;
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	int fd = pidinfo_open(pid, tree_start_time(pid));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pidinfo_open(pid, 1), -1); /* another start time: another process */
	ck_assert_int_eq(pidinfo_status(fd, pid, &status), PIDINFO_ALIVE);
	ck_assert_int_eq(pidinfo_has_run(pid, tree_start_time(pid)), 0);
	ck_assert_int_eq(pidinfo_has_run(pid, 1), -1);
	ck_assert_int_eq(pidinfo_has_run(getppid(), tree_start_time(getppid())), 1);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	enum pidinfo known = pidinfo_status(fd, pid, &status);
	for (int i = 0; i < 100 && known == PIDINFO_SOON; i++) {
		usleep(1000);
		known = pidinfo_status(fd, pid, &status);
	}
	/* Before Linux 6.15 nobody tells, and nothing is made up. */
	ck_assert(known == PIDINFO_ENDED || known == PIDINFO_UNKNOWN);
	if (known == PIDINFO_ENDED)
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	else
		ck_assert_int_eq(status, 0);
	close(fd);
	ck_assert_int_eq(pidinfo_status(-1, pid, &status), PIDINFO_UNKNOWN);
}
END_TEST

UNIT_MAIN("orphan", a_keeper_that_is_killed_does_not_take_the_status_with_it,
    while_one_zombie_is_held_the_others_are_reaped,
    what_a_command_left_behind_ends_with_it_though_its_keeper_is_dead,
    a_paused_job_stays_paused_when_its_keeper_dies_and_obeys,
    an_orphan_that_ignores_the_first_signal_is_killed_after_the_grace,
    what_an_orphan_left_behind_has_what_is_left_of_the_grace,
    the_grace_of_what_an_orphan_left_behind_can_be_cut_short,
    signals_reach_an_orphan_in_their_order,
    an_end_that_was_reported_counts_though_the_keeper_dies_after_it,
    a_command_that_never_came_to_run_is_not_given_a_status,
    a_command_of_no_child_of_ours_that_never_came_to_run_is_not_given_a_status,
    an_orphan_that_may_not_be_stopped_is_named_and_goes_on,
    an_orphan_that_was_continued_and_may_not_be_stopped_again_runs,
    how_a_reaped_process_ended_is_told_to_who_held_its_pidfd)
