/* SPDX-License-Identifier: ISC */
/*
 * What is left of a job when neither its keeper nor its command is: processes that survived, numbers
 * of another boot, exit files, sockets. Which of it is believed, and which is swept away.
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobd/proc/internal.h"
#include "lib/tree.h"
#include "proc/room.h"

#include "unit.h"

START_TEST(where_all_is_gone_the_job_is_lost_and_who_survives_is_named_and_ended)
{
	for (int i = 0; i < 2; i++) {
		char name[32];
		struct room *r = room_new();
		room_init(r);
		r->cgroup = room_kinds[i];
		room_run_and_be_killed(r, 1, "setsid sh -c 'echo $$ >$D/left; exec sleep 300' & "
				     "until test -e $D/left; do sleep 0.01; done; " UNTIL_GO("exit 1"));
		ck_assert_int_eq(r->told[1].lost, 0);
		pid_t left = room_pid(r, "left"), pid = r->told[1].attempt.pid;
		room_kill_keeper(r, 1);
		kill(pid, SIGKILL);
		for (int n = 0; n < 500 && process_state(pid); n++)
			usleep(10000);
		room_take_up(r, 1, LEVEL_RUN);
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
static pid_t start_other(const struct room *r, bool says)
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
	while (pidinfo_has_run(pid, tree_start_time(pid)) == 0)
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
	struct room *r = room_new();
	room_begin(r);
	pid_t before = start_other(r, true);
	uint64_t start = tree_start_time(before), now = start;
	while (now == start) { /* the kernel's clock for births has ticks of 10 ms */
		pid_t pid = start_other(r, false);
		now = tree_start_time(pid);
		kill(pid, SIGKILL);
	}
	room_run(r, 1, "echo $$ >$D/pid; sleep 300; :");
	ROOM_WAIT(r, room_pid(r, "pid"));
	pid_t mute = start_other(r, false), late = 0;
	struct survivors_search *s = survivors_new(roster_find(r->proc, ROSTER_ID, 1), false);
	/* One that has just executed has no environment for a moment. */
	for (int i = 0; i < 3 || !was_found(late); i++) {
		ck_assert_int_lt(i, 1000);
		nfound = 0;
		survivors_each(s, find, NULL);
		ck_assert(was_found(r->told[1].attempt.pid));
		ck_assert(!was_found(before) && !was_found(mute) && !was_found(getpid()));
		late = late ? late : start_other(r, true);
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
	struct room *r = room_new();
	room_init(r);
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

START_TEST(after_a_restart_of_the_host_a_job_is_lost_unless_its_end_is_on_disk)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, UNTIL_GO("exit 16"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_run(r, 2, UNTIL_GO("exit 17"));
	room_close(r);
	room_kill_keeper(r, 1);
	room_touch(r, "go");
	room_wait_exit_file(r, 2);
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

START_TEST(what_belongs_to_no_job_is_swept)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct room *r = room_new();
	room_init(r);
	room_open(r);
	room_touch(r, "state/exits/5.1.00000000deadbeef");
	room_touch(r, "run/notify/5.1");
	room_touch(r, "state/log/5.1.00000000deadbeef.new");
	room_touch(r, "state/log/5.1.0.gone");
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
	ck_assert(!room_has(r, "state/log/5.1.0.gone"));
	ck_assert(room_has(r, "state/log/5.of.an.administrator"));
	ROOM_WAIT(r, room_has(r, "state/log/0/1.1.log"));
	ck_assert(!room_has(r, "run/keepers/5.1.00000000deadbeef"));
	proc_order(r->proc, 1, LEVEL_END, 0);
	ROOM_WAIT(r, r->told[1].ended);
	room_finish(r, 1);
}
END_TEST

START_TEST(the_sweep_leaves_an_exit_file_whose_end_is_not_committed)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, UNTIL_GO("exit 11"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_close(r);
	room_touch(r, "go");
	room_wait_exit_file(r, 1);
	room_take_up(r, 1, LEVEL_RUN);
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
	struct room *r = room_new();
	room_begin(r);
	room_start(r, 1, "touch $D/ran");
	ROOM_WAIT(r, r->told[1].ready);
	conn_close(roster_find(r->proc, ROSTER_ID, 1));
	while (!r->told[1].unstarted)
		event_base_loop(r->base, EVLOOP_ONCE);
	dirs_sweep(r->proc);
	room_wait_exit_file(r, 1);
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
	struct room *r = room_new();
	room_init(r);
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

UNIT_MAIN("traces", where_all_is_gone_the_job_is_lost_and_who_survives_is_named_and_ended,
    who_was_born_before_a_command_or_says_nothing_of_it_is_not_of_it,
    numbers_of_another_boot_are_nobodys,
    after_a_restart_of_the_host_a_job_is_lost_unless_its_end_is_on_disk,
    what_belongs_to_no_job_is_swept, the_sweep_leaves_an_exit_file_whose_end_is_not_committed,
    what_a_keeper_wrote_at_a_closed_gate_stays_until_core_has_committed,
    an_exit_file_with_another_nonce_or_nonsense_is_not_believed)
