/* SPDX-License-Identifier: ISC */
/*
 * The room after a death: of jobd (another takes up what it left), of a keeper
 * (the room looks after its command), of both.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobd/proc/internal.h"
#include "lib/tree.h"
#include "proc/room.h"

#define UNIT_TIMEOUT 60 /* silence alone takes five */
#include "unit.h"

/* A script that runs until the file "go" is there. */
#define UNTIL_GO(last) "echo $$ >$D/pid; until test -e $D/go; do sleep 0.01; done; " last

static struct room *r; /* shared with the process that plays a jobd that was killed */

static void make_room(void)
{
	r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(r, MAP_FAILED);
	room_init(r);
}

static void open_first(void)
{
	make_room();
	room_open(r);
	proc_adopted_all(r->proc);
}

/* Starts a job in another process, which dies at once: its keeper is nobody's child of ours. */
static void run_and_be_killed(uint64_t id, const char *script)
{
	/* A room of before made us one who inherits. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		room_open(r);
		proc_adopted_all(r->proc);
		room_run(r, id, script);
		ROOM_WAIT(r, room_pid(r, "pid"));
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	r->proc = NULL;
	ck_assert_int_gt(r->told[id].attempt.pid, 0);
}

/* As a jobd that replaces itself: its children stay its own. */
static void reopen(void)
{
	room_close(r);
	room_open(r);
}

static void kill_keeper(uint64_t id)
{
	ck_assert_int_eq(kill(r->told[id].attempt.keeper_pid, SIGKILL), 0);
}

/* Under its own name, that is, and so whole. */
static void wait_for_exit_file(uint64_t id)
{
	const struct job_attempt *a = &r->told[id].attempt;
	char name[KEEPER_NAME_MAX + 16];
	snprintf(name, sizeof name, "state/exits/" KEEPER_NAME_FMT, id, a->number, a->nonce);
	for (int i = 0; !room_has(r, name); i++) {
		ck_assert_int_lt(i, 1000);
		usleep(10000);
	}
}

static void finish(uint64_t id)
{
	room_leave(r, id);
	ROOM_WAIT(r, children() == 0);
	room_fini(r);
}

START_TEST(a_keeper_that_is_killed_does_not_take_the_status_with_it)
{
	open_first();
	unsigned before = open_descriptors();
	room_run(r, 1, UNTIL_GO("exit 7"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
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
	open_first();
	room_run(r, 1, UNTIL_GO("exit 7"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	room_run(r, 2, "exit 8");
	ROOM_WAIT(r, r->told[2].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[2].end.status), 8);
	room_leave(r, 2);
	ck_assert_int_eq(process_state(r->told[1].attempt.pid), 'Z');
	finish(1);
}
END_TEST

/* By cgroup where one can be made, and by walking. */
static const char *const kinds[] = { "no", "auto" };

START_TEST(what_a_command_left_behind_ends_with_it_though_its_keeper_is_dead)
{
	for (int i = 0; i < 2; i++) {
		make_room();
		r->cgroup = kinds[i];
		room_open(r);
		proc_adopted_all(r->proc);
		room_run(r, 1, "setsid sh -c 'echo $$ >$D/left; exec sleep 300' & sleep 300 & " UNTIL_GO(
				   "exit 7"));
		ROOM_WAIT(r, room_pid(r, "pid") && room_pid(r, "left"));
		pid_t left = room_pid(r, "left");
		kill_keeper(1);
		ROOM_WAIT(r, r->told[1].orphaned);
		room_touch(r, "go");
		ROOM_WAIT(r, r->told[1].ended);
		ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 7);
		ck_assert(process_state(left) == 0 || process_state(left) == 'Z');
		finish(1);
		if (r->told[1].cgroup[0])
			ck_assert_int_ne(access(r->told[1].cgroup, F_OK), 0);
	}
}
END_TEST

START_TEST(a_paused_job_stays_paused_when_its_keeper_dies_and_obeys)
{
	open_first();
	room_run(r, 1, "sleep 300; :");
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(r, r->told[1].stopped);
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
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
	finish(1);
}
END_TEST

START_TEST(an_orphan_that_ignores_the_first_signal_is_killed_after_the_grace)
{
	open_first();
	room_run(r, 1, "trap '' TERM; " UNTIL_GO(":"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
	proc_signal(r->proc, 1, SIGTERM, true);
	proc_order(r->proc, 1, LEVEL_END, 100);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGKILL);
	finish(1);
}
END_TEST

/* A command that heeds the first signal at once, and one it left behind that cleans up for a while. */
#define CLEANS_UP                                                                                  \
	"setsid sh -c 'trap \"sleep 0.3; touch $D/cleaned; exit 0\" TERM; echo $$ >$D/left; "        \
	"while :; do sleep 0.01; done' & exec sleep 300"

START_TEST(what_an_orphan_left_behind_has_what_is_left_of_the_grace)
{
	for (int i = 0; i < 2; i++) {
		make_room();
		r->cgroup = kinds[i];
		room_open(r);
		proc_adopted_all(r->proc);
		room_run(r, 1, CLEANS_UP);
		ROOM_WAIT(r, room_pid(r, "left"));
		kill_keeper(1);
		ROOM_WAIT(r, r->told[1].orphaned);
		proc_order(r->proc, 1, LEVEL_END, 15000);
		ROOM_WAIT(r, r->told[1].ended);
		ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGTERM);
		ck_assert(room_has(r, "cleaned"));
		finish(1);
	}
}
END_TEST

START_TEST(the_grace_of_what_an_orphan_left_behind_can_be_cut_short)
{
	open_first();
	room_run(r, 1, "setsid sh -c 'trap \"\" TERM; echo $$ >$D/left; sleep 300; :' & exec sleep 300");
	ROOM_WAIT(r, room_pid(r, "left"));
	pid_t left = room_pid(r, "left");
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
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
	finish(1);
}
END_TEST

START_TEST(a_signal_reaches_an_orphan)
{
	open_first();
	room_run(r, 1, "trap 'exit 9' USR1; " UNTIL_GO(":"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
	proc_signal(r->proc, 1, SIGUSR1, false);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 9);
	finish(1);
}
END_TEST

START_TEST(an_end_that_was_reported_counts_though_the_keeper_dies_after_it)
{
	open_first();
	room_run(r, 1, "exit 5");
	ROOM_WAIT(r, r->told[1].ended);
	kill_keeper(1);
	ROOM_WAIT(r, process_state(r->told[1].attempt.keeper_pid) == 0);
	ck_assert_uint_eq(r->told[1].ended, 1);
	ck_assert_uint_eq(r->told[1].orphaned, 0);
	finish(1);
}
END_TEST

START_TEST(a_command_that_never_came_to_run_is_not_given_a_status)
{
	open_first();
	room_start(r, 1, "touch $D/ran");
	ROOM_WAIT(r, r->told[1].ready);
	/* The gate is opened to a keeper that is dead, which the room does not know yet. */
	kill(r->told[1].attempt.keeper_pid, SIGSTOP);
	proc_release(r->proc, 1);
	proc_flush(r->proc);
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(r->told[1].end.kind, KEEPER_END_NEVER_RAN);
	ck_assert(!room_has(r, "ran"));
	finish(1);
}
END_TEST

START_TEST(a_running_job_is_adopted_and_obeys)
{
	open_first();
	room_run(r, 1, UNTIL_GO(":"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(r, r->told[1].stopped);
	reopen();
	room_adopt(r, 1, LEVEL_STOP);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].stopped);
	proc_order(r->proc, 1, LEVEL_RUN, 0);
	ROOM_WAIT(r, r->told[1].running);
	ck_assert(room_has(r, "run/notify/1.1"));
	proc_order(r->proc, 1, LEVEL_END, 5000);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGTERM);
	finish(1);
}
END_TEST

START_TEST(what_ended_while_no_jobd_was_there_is_read_from_its_exit_file)
{
	open_first();
	room_run(r, 1, UNTIL_GO("exit 11"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_close(r);
	room_touch(r, "go");
	wait_for_exit_file(1);
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(r->told[1].end.kind, KEEPER_END_EXITED);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 11);
	finish(1);
}
END_TEST

START_TEST(a_start_that_was_recorded_and_never_released_is_known_to_have_run_nothing)
{
	open_first();
	room_start(r, 1, "touch $D/ran");
	ROOM_WAIT(r, r->told[1].ready);
	reopen();
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(r->told[1].end.kind, KEEPER_END_NEVER_RAN);
	ck_assert(!room_has(r, "ran"));
	finish(1);
}
END_TEST

START_TEST(a_keeper_killed_while_no_jobd_was_there_leaves_its_status_with_the_command)
{
	open_first();
	room_run(r, 1, UNTIL_GO("exit 12"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_close(r);
	kill_keeper(1);
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].orphaned && r->told[1].running);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 12);
	finish(1);
}
END_TEST

START_TEST(a_zombie_that_was_held_is_found_again_by_the_next_jobd)
{
	open_first();
	room_run(r, 1, UNTIL_GO("exit 13"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	r->told[1].ended = 0;
	reopen();
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 13);
	finish(1);
}
END_TEST

START_TEST(another_jobs_keeper_is_adopted_and_lets_go)
{
	make_room();
	run_and_be_killed(1, UNTIL_GO("exit 14"));
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].running);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 14);
	finish(1);
}
END_TEST

START_TEST(an_adopted_keeper_that_is_killed_never_leads_to_a_guessed_status)
{
	make_room();
	run_and_be_killed(1, UNTIL_GO("exit 15"));
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].running);
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended || r->told[1].lost);
	/* True where the kernel tells (Linux 6.15), lost elsewhere. */
	if (r->told[1].ended)
		ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 15);
	finish(1);
}
END_TEST

START_TEST(a_keeper_whose_socket_was_removed_is_silent_and_its_word_is_waited_for)
{
	char name[KEEPER_NAME_MAX + 16];
	make_room();
	run_and_be_killed(1, UNTIL_GO("exit 19"));
	const struct job_attempt *a = &r->told[1].attempt;
	snprintf(name, sizeof name, "run/keepers/" KEEPER_NAME_FMT, (uint64_t)1, a->number, a->nonce);
	ck_assert_int_eq(unlink(room_path(r, name)), 0);
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].silent);
	ck_assert_uint_eq(r->told[1].orphaned + r->told[1].lost + r->told[1].ended, 0);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended || r->told[1].lost);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 19);
	finish(1);
}
END_TEST

START_TEST(an_orphan_the_kernel_does_not_tell_of_is_looked_up_on_disk_before_it_is_lost)
{
	char name[KEEPER_NAME_MAX + 16];
	make_room();
	run_and_be_killed(1, UNTIL_GO("exit 20"));
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].running);
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
	/* As a kernel that has no answer; and a keeper's last word. */
	struct keeper *k = roster_find(r->proc, ROSTER_ID, 1);
	close(k->pidfd);
	k->pidfd = -1;
	struct buf b = BUF_INIT;
	struct keeper_end e = { .id = 1, .attempt = 1, .nonce = k->nonce, .kind = KEEPER_END_EXITED,
		.status = 20 << 8, .empty = true };
	keeper_end_put(&b, &e);
	snprintf(name, sizeof name, "state/exits/" KEEPER_NAME_FMT, k->id, k->attempt, k->nonce);
	FILE *f = fopen(room_path(r, name), "w");
	ck_assert_uint_eq(fwrite(b.data, 1, b.len, f), b.len);
	fclose(f);
	buf_fini(&b);
	room_touch(r, "go");
	while (process_state(k->pid) && process_state(k->pid) != 'Z')
		usleep(1000);
	orphan_step(k);
	ck_assert_uint_eq(r->told[1].lost, 0);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 20);
	room_leave(r, 1);
	room_fini(r);
}
END_TEST

START_TEST(an_adopted_job_whose_keeper_died_is_paused_and_ended)
{
	make_room();
	run_and_be_killed(1, UNTIL_GO("exit 15"));
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].running);
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(r, r->told[1].stopped);
	ck_assert(process_is_still(r->told[1].attempt.pid));
	proc_order(r->proc, 1, LEVEL_END, 0);
	ROOM_WAIT(r, r->told[1].ended || r->told[1].lost);
	if (r->told[1].ended)
		ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGKILL);
	finish(1);
}
END_TEST

START_TEST(where_all_is_gone_the_job_is_lost_and_who_survives_is_named_and_ended)
{
	for (int i = 0; i < 2; i++) {
		char name[32];
		make_room();
		r->cgroup = kinds[i];
		run_and_be_killed(1, "setsid sh -c 'echo $$ >$D/left; exec sleep 300' & "
				     "until test -e $D/left; do sleep 0.01; done; " UNTIL_GO("exit 1"));
		ck_assert_int_eq(r->told[1].lost, 0);
		pid_t left = room_pid(r, "left"), pid = r->told[1].attempt.pid;
		kill_keeper(1);
		kill(pid, SIGKILL);
		for (int n = 0; n < 500 && process_state(pid); n++)
			usleep(10000);
		room_open(r);
		room_adopt(r, 1, LEVEL_RUN);
		proc_adopted_all(r->proc);
		ROOM_WAIT(r, r->told[1].lost || r->told[1].ended);
		/* An init that has not reaped it yet lets the status be read, which is more. */
		if (r->told[1].ended)
			ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGKILL);
		snprintf(name, sizeof name, " %d survived", (int)left);
		if (r->told[1].lost)
			ck_assert_msg(strstr(r->told[1].text, name) != NULL, "%s", r->told[1].text);
		ck_assert(!process_state(left) || process_state(left) == 'Z');
		proc_acknowledge(r->proc, 1);
		ROOM_WAIT(r, room_files(r, "run/notify") == 0);
		for (int n = 0; r->told[1].cgroup[0] && n < 200 && rmdir(r->told[1].cgroup) < 0; n++)
			usleep(10000);
		room_fini(r);
	}
}
END_TEST

/* A process that says it is of job 1, or says nothing. */
static pid_t start_other(bool says)
{
	char variable[128];
	snprintf(variable, sizeof variable, "JOBD_INVOCATION=%s-1-1", r->instance);
	char *env[] = { says ? variable : NULL, NULL }, program[] = "sleep", time[] = "300";
	char *argv[] = { program, time, NULL };
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		execve("/bin/sleep", argv, env);
		_exit(127);
	}
	while (pidinfo_never_ran(pid))
		usleep(1000);
	return pid;
}

static pid_t found[16];
static size_t nfound;

static void find(void *ctx, pid_t pid)
{
	(void)ctx;
	found[nfound++ % 16] = pid;
}

static bool was_found(pid_t pid)
{
	for (size_t i = 0; i < nfound; i++)
		if (found[i] == pid)
			return true;
	return false;
}

START_TEST(who_was_born_before_a_command_or_says_nothing_of_it_is_not_of_it)
{
	open_first();
	pid_t before = start_other(true);
	uint64_t start = tree_start_time(before), now = start;
	while (now == start) { /* the kernel's clock for births has ticks of 10 ms */
		pid_t pid = start_other(false);
		now = tree_start_time(pid);
		kill(pid, SIGKILL);
	}
	room_run(r, 1, "echo $$ >$D/pid; sleep 300; :");
	ROOM_WAIT(r, room_pid(r, "pid"));
	pid_t mute = start_other(false), late = 0;
	struct survivors_search *s = survivors_new(roster_find(r->proc, ROSTER_ID, 1), false);
	/* One that has just executed has no environment for a moment. */
	for (int i = 0; i < 3 || !was_found(late); i++) {
		ck_assert_int_lt(i, 1000);
		nfound = 0;
		survivors_each(s, find, NULL);
		ck_assert(was_found(r->told[1].attempt.pid));
		ck_assert(!was_found(before) && !was_found(mute) && !was_found(getpid()));
		late = late ? late : start_other(true);
	}
	survivors_free(s);
	proc_order(r->proc, 1, LEVEL_END, 0);
	ROOM_WAIT(r, r->told[1].ended);
	proc_acknowledge(r->proc, 1);
	room_fini(r);
}
END_TEST

START_TEST(numbers_of_another_boot_are_nobodys)
{
	static char other[] = "another-boot";
	make_room();
	room_open(r);
	/* This very process: what an old number may have become. */
	r->told[1].attempt = (struct job_attempt){ .number = 1, .nonce = 5, .boot_id = other };
	r->told[1].attempt.pid = getpid();
	r->told[1].attempt.pid_start = tree_start_time(getpid());
	room_adopt(r, 1, LEVEL_END);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].lost);
	ck_assert_str_eq(r->told[1].text, "the host restarted");
	proc_acknowledge(r->proc, 1);
	proc_flush(r->proc);
	room_fini(r);
}
END_TEST

/* Ends what is named in a file, when it is told to: with the rights that were given away below. */
static void wait_and_kill(void)
{
	for (int i = 0; i < 6000 && !room_has(r, "kill"); i++)
		usleep(10000);
	kill(room_pid(r, "pid"), SIGKILL);
	_exit(0);
}

/* From here on this test is an ordinary user's jobd, with a program beside it that makes root. */
static void become_ordinary(void)
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

START_TEST(an_orphan_that_may_not_be_stopped_is_named_and_goes_on)
{
	if (geteuid() != 0 || system("command -v setpriv >/dev/null") != 0)
		return; /* nobody is there who could become another */
	make_room();
	if (fork() == 0)
		wait_and_kill();
	become_ordinary();
	room_open(r);
	proc_adopted_all(r->proc);
	room_run(r, 1, "exec $D/setpriv --reuid 0 --regid 0 --clear-groups "
		       "sh -c 'echo $$ >$D/pid; exec sleep 300'");
	ROOM_WAIT(r, room_pid(r, "pid"));
	kill_keeper(1);
	ROOM_WAIT(r, r->told[1].orphaned);
	proc_order(r->proc, 1, LEVEL_STOP, 0);
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
	finish(1);
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
	ck_assert(pidinfo_never_ran(pid));
	ck_assert(!pidinfo_never_ran(getppid()));
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

START_TEST(after_a_restart_of_the_host_a_job_is_lost_unless_its_end_is_on_disk)
{
	open_first();
	room_run(r, 1, UNTIL_GO("exit 16"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_run(r, 2, UNTIL_GO("exit 17"));
	room_close(r);
	kill_keeper(1);
	room_touch(r, "go");
	wait_for_exit_file(2);
	r->boot_id = "another-boot";
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	room_adopt(r, 2, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].lost && r->told[2].ended);
	ck_assert_str_eq(r->told[1].text, "the host restarted");
	ck_assert_int_eq(WEXITSTATUS(r->told[2].end.status), 17);
	proc_acknowledge(r->proc, 1);
	proc_acknowledge(r->proc, 2);
	ROOM_WAIT(r, room_files(r, "state/exits") == 0);
	room_fini(r);
}
END_TEST

START_TEST(a_keeper_that_does_not_answer_is_silent_and_nobody_waits_for_it)
{
	open_first();
	room_run(r, 1, "sleep 300");
	room_close(r);
	kill(r->told[1].attempt.keeper_pid, SIGSTOP);
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	room_run(r, 2, "exit 0");
	ROOM_WAIT(r, r->told[2].ended);
	ROOM_WAIT(r, r->told[1].silent);
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	room_turn(r);
	kill(r->told[1].attempt.keeper_pid, SIGCONT);
	ROOM_WAIT(r, !r->told[1].silent && r->told[1].stopped);
	proc_order(r->proc, 1, LEVEL_END, 0);
	ROOM_WAIT(r, r->told[1].ended);
	proc_acknowledge(r->proc, 2);
	finish(1);
}
END_TEST

START_TEST(an_acknowledgement_reaches_a_keeper_that_was_lost_sight_of)
{
	open_first();
	room_run(r, 1, "exit 18");
	ROOM_WAIT(r, r->told[1].ended);
	r->told[1].ended = 0;
	reopen();
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 18);
	finish(1);
}
END_TEST

START_TEST(what_belongs_to_no_job_is_swept)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	make_room();
	room_open(r);
	room_touch(r, "state/exits/5.1.00000000deadbeef");
	room_touch(r, "run/notify/5.1");
	room_touch(r, "state/log/5.1.00000000deadbeef.new");
	room_touch(r, "state/log/5.of.an.administrator");
	/* A socket nobody listens on, and one where somebody does. */
	for (int i = 5; i <= 6; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		snprintf(a.sun_path, sizeof a.sun_path, "%s/run/keepers/%d.1.00000000deadbeef", r->dir, i);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
		if (i == 5)
			close(fd);
		else
			ck_assert_int_eq(listen(fd, 8), 0);
	}
	room_run(r, 1, "sleep 300");
	proc_adopted_all(r->proc);
	ck_assert_uint_eq(room_files(r, "state/exits"), 0);
	ck_assert_uint_eq(room_files(r, "run/notify"), 1);
	ck_assert_uint_eq(room_files(r, "run/keepers"), 2);
	ck_assert(!room_has(r, "state/log/5.1.00000000deadbeef.new"));
	ck_assert(room_has(r, "state/log/5.of.an.administrator"));
	ROOM_WAIT(r, room_has(r, "state/log/0/1.1.log"));
	ck_assert(!room_has(r, "run/keepers/5.1.00000000deadbeef"));
	proc_order(r->proc, 1, LEVEL_END, 0);
	ROOM_WAIT(r, r->told[1].ended);
	finish(1);
}
END_TEST

START_TEST(the_sweep_leaves_an_exit_file_whose_end_is_not_committed)
{
	open_first();
	room_run(r, 1, UNTIL_GO("exit 11"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_close(r);
	room_touch(r, "go");
	wait_for_exit_file(1);
	room_open(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].ended);
	proc_acknowledge(r->proc, 1);
	dirs_sweep(r->proc);
	ck_assert_uint_eq(room_files(r, "state/exits"), 1);
	proc_flush(r->proc);
	ck_assert_uint_eq(room_files(r, "state/exits"), 0);
	room_fini(r);
}
END_TEST

START_TEST(what_a_keeper_wrote_at_a_closed_gate_stays_until_core_has_committed)
{
	open_first();
	room_start(r, 1, "touch $D/ran");
	ROOM_WAIT(r, r->told[1].ready);
	conn_close(roster_find(r->proc, ROSTER_ID, 1));
	while (!r->told[1].unstarted)
		event_base_loop(r->base, EVLOOP_ONCE);
	dirs_sweep(r->proc);
	wait_for_exit_file(1);
	proc_flush(r->proc);
	ck_assert_uint_eq(room_files(r, "state/exits"), 0);
	ck_assert(!room_has(r, "ran"));
	ROOM_WAIT(r, children() == 0);
	room_fini(r);
}
END_TEST

START_TEST(an_exit_file_with_another_nonce_or_nonsense_is_not_believed)
{
	char name[KEEPER_NAME_MAX + 16];
	make_room();
	room_open(r);
	r->told[1].attempt = (struct job_attempt){ .number = 1, .nonce = 77, .pid = getpid() };
	r->told[1].attempt.pid_start = 1; /* whoever has that number now, it is another */
	snprintf(name, sizeof name, "state/exits/" KEEPER_NAME_FMT, (uint64_t)1, (uint32_t)1, (uint64_t)77);
	room_touch(r, name);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ck_assert(room_has(r, name));
	ROOM_WAIT(r, r->told[1].lost);
	proc_acknowledge(r->proc, 1);
	proc_flush(r->proc);
	ck_assert(!room_has(r, name));
	room_fini(r);
}
END_TEST

UNIT_MAIN("adopt", a_keeper_that_is_killed_does_not_take_the_status_with_it,
    while_one_zombie_is_held_the_others_are_reaped,
    what_a_command_left_behind_ends_with_it_though_its_keeper_is_dead,
    a_paused_job_stays_paused_when_its_keeper_dies_and_obeys,
    an_orphan_that_ignores_the_first_signal_is_killed_after_the_grace,
    what_an_orphan_left_behind_has_what_is_left_of_the_grace,
    the_grace_of_what_an_orphan_left_behind_can_be_cut_short, a_signal_reaches_an_orphan, an_end_that_was_reported_counts_though_the_keeper_dies_after_it,
    a_command_that_never_came_to_run_is_not_given_a_status, a_running_job_is_adopted_and_obeys,
    what_ended_while_no_jobd_was_there_is_read_from_its_exit_file,
    a_start_that_was_recorded_and_never_released_is_known_to_have_run_nothing,
    a_keeper_killed_while_no_jobd_was_there_leaves_its_status_with_the_command,
    a_zombie_that_was_held_is_found_again_by_the_next_jobd,
    another_jobs_keeper_is_adopted_and_lets_go,
    an_adopted_keeper_that_is_killed_never_leads_to_a_guessed_status,
    a_keeper_whose_socket_was_removed_is_silent_and_its_word_is_waited_for,
    an_orphan_the_kernel_does_not_tell_of_is_looked_up_on_disk_before_it_is_lost,
    an_adopted_job_whose_keeper_died_is_paused_and_ended,
    where_all_is_gone_the_job_is_lost_and_who_survives_is_named_and_ended,
    who_was_born_before_a_command_or_says_nothing_of_it_is_not_of_it,
    numbers_of_another_boot_are_nobodys, an_orphan_that_may_not_be_stopped_is_named_and_goes_on,
    how_a_reaped_process_ended_is_told_to_who_held_its_pidfd,
    after_a_restart_of_the_host_a_job_is_lost_unless_its_end_is_on_disk,
    a_keeper_that_does_not_answer_is_silent_and_nobody_waits_for_it,
    an_acknowledgement_reaches_a_keeper_that_was_lost_sight_of, what_belongs_to_no_job_is_swept,
    the_sweep_leaves_an_exit_file_whose_end_is_not_committed,
    what_a_keeper_wrote_at_a_closed_gate_stays_until_core_has_committed,
    an_exit_file_with_another_nonce_or_nonsense_is_not_believed)
