/* SPDX-License-Identifier: ISC */
/* The room with keepers that live: start, gate, orders, end, notify sockets. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobd/proc/internal.h"
#include "proc/room.h"

#define UNIT_TIMEOUT 60 /* silence alone takes five */
#include "unit.h"

static struct room r;

/* Nothing had to be adopted. */
static void open_first(void)
{
	room_init(&r);
	room_open(&r);
	proc_adopted_all(r.proc);
}

START_TEST(a_job_runs_to_its_end_and_leaves_nothing_behind)
{
	open_first();
	unsigned before = open_descriptors();
	room_run(&r, 7, "exit 3");
	ROOM_WAIT(&r, r.told[7].ended);
	ck_assert_int_eq(r.told[7].end.kind, KEEPER_END_EXITED);
	ck_assert_int_eq(WEXITSTATUS(r.told[7].end.status), 3);
	ck_assert(r.told[7].end.empty);
	room_leave(&r, 7);
	ROOM_WAIT(&r, children() == 0);
	ck_assert_uint_eq(open_descriptors(), before);
	room_fini(&r);
}
END_TEST

START_TEST(a_hundred_jobs_leave_no_descriptor_no_child_and_no_file)
{
	open_first();
	unsigned before = open_descriptors();
	for (uint64_t id = 1; id <= 100; id++)
		room_start(&r, id, id % 2 ? "exit 5" : "echo out; exit 5");
	for (uint64_t id = 1; id <= 100; id++) {
		ROOM_WAIT(&r, r.told[id].ready);
		proc_release(r.proc, id);
	}
	for (uint64_t id = 1; id <= 100; id++) {
		ROOM_WAIT(&r, r.told[id].ended);
		ck_assert_int_eq(WEXITSTATUS(r.told[id].end.status), 5);
		ck_assert(r.told[id].end.silent == (id % 2 == 1));
		proc_acknowledge(r.proc, id);
	}
	ROOM_WAIT(&r, children() == 0);
	ck_assert_uint_eq(open_descriptors(), before);
	ck_assert_uint_eq(room_files(&r, "run/keepers"), 0);
	ck_assert_uint_eq(room_files(&r, "run/notify"), 0);
	ck_assert_uint_eq(room_files(&r, "state/exits"), 0);
	proc_log_remove(r.proc, 100, 1);
	/* Who wrote nothing leaves no log. */
	ck_assert_uint_eq(room_files(&r, "state/log/0"), 49);
	room_fini(&r);
}
END_TEST

/* The log of a job's first attempt, as a string. */
static const char *log_text_of(uint64_t id)
{
	static char text[8192];
	int fd = proc_log_open(r.proc, id, 1);
	ck_assert_int_ge(fd, 0);
	ssize_t n = read(fd, text, sizeof text - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(fd);
	return text;
}

/* One job after the other, and which keeper each had. */
static pid_t live_through(uint64_t id, const char *script, int status)
{
	room_run(&r, id, script);
	ROOM_WAIT(&r, r.told[id].ended);
	ck_assert_int_eq(r.told[id].end.status, status);
	proc_acknowledge(r.proc, id);
	return r.told[id].attempt.keeper_pid;
}

static bool nobody_speaks_of(uint64_t id)
{
	const struct told *t = &r.told[id];
	return t->ready == 1 && t->ended == 1 && !(t->unstarted + t->orphaned + t->lost + t->silent);
}

START_TEST(jobs_that_follow_each_other_share_a_keeper_that_leaves_when_there_are_no_more)
{
	open_first();
	unsigned before = open_descriptors();
	pid_t keeper = live_through(1, "echo one; exit 3", 3 << 8);
	for (uint64_t id = 2; id <= 20; id++) {
		ROOM_WAIT(&r, r.proc->resting);
		ROOM_WAIT(&r, room_files(&r, "run/keepers") + room_files(&r, "run/notify") == 0);
		ck_assert_int_eq(live_through(id, "echo two", 0), keeper);
	}
	ck_assert_str_eq(log_text_of(1), "one\n");
	ck_assert_str_eq(log_text_of(20), "two\n");
	ROOM_WAIT(&r, r.proc->resting);
	/* A second later there is nothing left of it, and nobody was told anything. */
	ROOM_WAIT(&r, children() == 0);
	ck_assert(!r.proc->resting && !r.proc->nresting);
	ck_assert_uint_eq(open_descriptors(), before);
	for (uint64_t id = 1; id <= 20; id++)
		ck_assert(nobody_speaks_of(id));
	room_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_is_gone_before_it_has_read_of_a_job_puts_nobody_off)
{
	open_first();
	pid_t first = live_through(1, "exit 0", 0);
	ROOM_WAIT(&r, r.proc->resting);
	kill(first, SIGSTOP);
	room_start(&r, 2, "exit 0");
	ck_assert(!r.proc->resting); /* it was the one that was taken */
	kill(first, SIGKILL);
	ROOM_WAIT(&r, r.told[2].unstarted);
	ck_assert_int_eq(r.told[2].error, -ESTALE);
	ck_assert_int_ne(live_through(2, "exit 0", 0), first);
	room_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_dies_at_rest_is_missed_by_nobody)
{
	open_first();
	for (uint64_t id = 1; id < 10; id += 3) {
		pid_t first = live_through(id, "exit 0", 0);
		ROOM_WAIT(&r, r.proc->resting);
		kill(first, SIGKILL);
		if (id == 1) /* heard of by the loop … */
			ROOM_WAIT(&r, !r.proc->resting);
		while (id == 4 && process_state(first) != 'Z') /* … or found by the next start */
			usleep(1000);
		/* … or by neither: what its socket took is lost, and nothing was run. */
		room_start(&r, id + 1, "exit 4");
		ROOM_WAIT(&r, r.told[id + 1].ready || r.told[id + 1].unstarted);
		ck_assert(id == 7 || r.told[id + 1].ready);
		if (r.told[id + 1].unstarted) {
			ck_assert_int_eq(r.told[id + 1].error, -ESTALE);
			room_start(&r, id + 1, "exit 4");
			ROOM_WAIT(&r, r.told[id + 1].ready);
		}
		proc_release(r.proc, id + 1);
		ROOM_WAIT(&r, r.told[id + 1].ended);
		ck_assert_int_eq(WEXITSTATUS(r.told[id + 1].end.status), 4);
		ck_assert_int_ne(r.told[id + 1].attempt.keeper_pid, first);
		ck_assert(nobody_speaks_of(id));
		room_leave(&r, id + 1);
	}
	ROOM_WAIT(&r, children() == 0);
	room_fini(&r);
}
END_TEST

START_TEST(no_more_keepers_rest_than_are_needed)
{
	open_first();
	for (uint64_t id = 1; id <= 30; id++)
		room_start(&r, id, "exit 0");
	for (uint64_t id = 1; id <= 30; id++) {
		ROOM_WAIT(&r, r.told[id].ready);
		proc_release(r.proc, id);
	}
	for (uint64_t id = 1; id <= 30; id++) {
		ROOM_WAIT(&r, r.told[id].ended);
		proc_acknowledge(r.proc, id);
	}
	ROOM_WAIT(&r, r.proc->nresting == 16 && children() == 16);
	/* A jobd that ends takes them with it. */
	room_close(&r);
	room_open(&r);
	proc_adopted_all(r.proc);
	ROOM_WAIT(&r, children() == 0);
	room_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_was_told_to_end_or_lost_sight_of_takes_no_other_job)
{
	open_first();
	room_run(&r, 1, "trap 'exit 0' TERM; touch $D/set; while :; do sleep 0.01; done");
	ROOM_WAIT(&r, room_has(&r, "set"));
	kill(r.told[1].attempt.keeper_pid, SIGTERM);
	ROOM_WAIT(&r, r.told[1].ended);
	ck_assert(r.told[1].end.shutdown);
	proc_acknowledge(r.proc, 1);
	room_run(&r, 2, "until test -e $D/go; do sleep 0.01; done");
	room_close(&r);
	room_open(&r);
	room_adopt(&r, 2, LEVEL_RUN);
	proc_adopted_all(r.proc);
	room_touch(&r, "go");
	ROOM_WAIT(&r, r.told[2].ended);
	proc_acknowledge(r.proc, 2);
	ROOM_WAIT(&r, !process_state(r.told[1].attempt.keeper_pid));
	while (process_state(r.told[2].attempt.keeper_pid)) {
		room_turn(&r);
		ck_assert(!r.proc->resting);
	}
	room_fini(&r);
}
END_TEST

START_TEST(nothing_runs_while_the_gate_is_closed_nor_when_it_is_abandoned)
{
	open_first();
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
	open_first();
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

START_TEST(a_keeper_that_leaves_late_does_not_take_the_next_starts_log_along)
{
	open_first();
	room_start(&r, 1, "echo the first");
	ROOM_WAIT(&r, r.told[1].ready);
	pid_t late = r.told[1].attempt.keeper_pid;
	kill(late, SIGSTOP);
	proc_abandon(r.proc, 1);
	ck_assert_int_ne(live_through(1, "echo the second", 0), late);
	ROOM_WAIT(&r, children() == 1);
	kill(late, SIGCONT);
	ROOM_WAIT(&r, children() == 0 && !r.proc->all);
	ck_assert_str_eq(log_text_of(1), "the second\n");
	proc_log_remove(r.proc, 1, 1);
	ck_assert_int_eq(proc_log_open(r.proc, 1, 1), -ENOENT);
	room_fini(&r);
}
END_TEST

START_TEST(an_abandoned_job_can_be_started_again_in_the_same_turn)
{
	open_first();
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
	open_first();
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
	open_first();
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
	open_first();
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

START_TEST(a_job_is_stopped_continued_and_ended)
{
	open_first();
	room_run(&r, 1, "sleep 300; :");
	proc_order(r.proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(&r, r.told[1].stopped);
	ck_assert(process_is_still(r.told[1].attempt.pid));
	proc_order(r.proc, 1, LEVEL_RUN, 0);
	ROOM_WAIT(&r, r.told[1].running);
	ROOM_WAIT(&r, !process_is_still(r.told[1].attempt.pid));
	proc_order(r.proc, 1, LEVEL_END, 5000);
	ROOM_WAIT(&r, r.told[1].ended);
	ck_assert_int_eq(WTERMSIG(r.told[1].end.status), SIGTERM);
	ck_assert_uint_eq(r.told[1].stopped + r.told[1].running, 2);
	room_leave(&r, 1);
	room_fini(&r);
}
END_TEST

START_TEST(an_order_that_was_overtaken_is_not_reported)
{
	open_first();
	room_run(&r, 1, "sleep 300");
	proc_order(r.proc, 1, LEVEL_STOP, 0);
	proc_flush(r.proc);
	proc_order(r.proc, 1, LEVEL_RUN, 0);
	ROOM_WAIT(&r, r.told[1].running);
	ck_assert_uint_eq(r.told[1].stopped, 0);
	proc_order(r.proc, 1, LEVEL_END, 0);
	ROOM_WAIT(&r, r.told[1].ended);
	ck_assert_int_eq(WTERMSIG(r.told[1].end.status), SIGKILL);
	room_leave(&r, 1);
	room_fini(&r);
}
END_TEST

START_TEST(a_signal_reaches_the_command)
{
	open_first();
	room_run(&r, 1, "trap 'exit 9' USR1; touch $D/set; while :; do sleep 0.01; done");
	ROOM_WAIT(&r, room_has(&r, "set"));
	proc_signal(r.proc, 1, SIGUSR1, false);
	ROOM_WAIT(&r, r.told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r.told[1].end.status), 9);
	room_leave(&r, 1);
	room_fini(&r);
}
END_TEST

START_TEST(the_environment_is_the_submitters_and_what_we_say_of_the_job)
{
	char expected[256];
	open_first();
	setenv("JOBD_TEST_SECRET", "of the daemon", 1);
	room_run(&r, 42, "env");
	ROOM_WAIT(&r, r.told[42].ended);
	const char *text = log_text_of(42);
	ck_assert_ptr_nonnull(strstr(text, "JOBD_ID=42\n"));
	ck_assert_ptr_nonnull(strstr(text, "JOBD_ATTEMPT=1\n"));
	ck_assert_ptr_nonnull(strstr(text, "JOBD_QUEUE=default\n"));
	ck_assert_ptr_nonnull(strstr(text, "JOBD_NAME=a name\n"));
	ck_assert_ptr_nonnull(strstr(text, "JOBD_SOCKET=/nowhere/jobd.sock\n"));
	snprintf(expected, sizeof expected, "JOBD_INVOCATION=%s-42-1\n", r.instance);
	ck_assert_ptr_nonnull(strstr(text, expected));
	snprintf(expected, sizeof expected, "NOTIFY_SOCKET=%s/notify/42.1\n", r.runtime_dir);
	ck_assert_ptr_nonnull(strstr(text, expected));
	ck_assert_ptr_null(strstr(text, "forged"));
	ck_assert_ptr_null(strstr(text, "foreign"));
	ck_assert_ptr_null(strstr(text, "SECRET"));
	room_leave(&r, 42);
	proc_log_remove(r.proc, 42, 1);
	ck_assert_int_eq(proc_log_open(r.proc, 42, 1), -ENOENT);
	room_fini(&r);
}
END_TEST

START_TEST(a_large_environment_arrives_whole)
{
	open_first();
	static char big[100 * 1024];
	char *env[11], shell[] = "/bin/sh", option[] = "-c", queue[] = "default";
	char script[] = "exit $((${#V} / 1024))", *command[] = { shell, option, script, NULL };
	snprintf(big, sizeof big, "V=%0*d", (int)sizeof big - 10, 0);
	for (int i = 0; i < 10; i++)
		env[i] = big;
	env[10] = NULL;
	struct job j = { .id = 3, .uid = geteuid(), .queue = queue, .command = command };
	uint64_t nonce;
	ck_assert_int_eq(proc_start(r.proc, &j, 1, env, 100, &nonce), 0);
	ROOM_WAIT(&r, r.told[3].ready);
	proc_release(r.proc, 3);
	ROOM_WAIT(&r, r.told[3].ended);
	ck_assert_int_eq(WEXITSTATUS(r.told[3].end.status), 99);
	proc_acknowledge(r.proc, 3);
	ROOM_WAIT(&r, children() == 0);
	room_fini(&r);
}
END_TEST

/* A datagram to a job's notify socket, with a descriptor along (or -1). */
static void notify(uint64_t id, const char *text, size_t len, int fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int wrote = snprintf(a.sun_path, sizeof a.sun_path, "%s/notify/%d.1", r.runtime_dir, (int)id);
	ck_assert_int_lt(wrote, (int)sizeof a.sun_path);
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = { .bytes = { 0 } };
	char copy[16384];
	memcpy(copy, text, len);
	struct iovec iov = { copy, len };
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &iov, .msg_iovlen = 1 };
	if (fd >= 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof control.bytes;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(sendmsg(s, &m, 0), 0);
	close(s);
}

START_TEST(what_a_job_says_of_itself_arrives_and_a_descriptor_is_closed_after_it)
{
	static char long_text[10000];
	int pipe_fds[2];
	char byte;
	open_first();
	room_run(&r, 1, "sleep 300");
	memset(long_text, 'x', sizeof long_text);
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	notify(1, "STATUS=one", 10, -1);
	notify(1, long_text, sizeof long_text, -1);
	notify(1, "BARRIER=1", 9, pipe_fds[1]);
	close(pipe_fds[1]);
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), -1); /* held until it is handled */
	ROOM_WAIT(&r, read(pipe_fds[0], &byte, 1) == 0);
	ck_assert_str_eq(r.told[1].notified, "STATUS=one\nBARRIER=1\n");
	close(pipe_fds[0]);
	proc_order(r.proc, 1, LEVEL_END, 0);
	ROOM_WAIT(&r, r.told[1].ended);
	room_leave(&r, 1);
	room_fini(&r);
}
END_TEST

static void acknowledge_at_once(struct room *room, uint64_t id)
{
	proc_abandon(room->proc, id);
}

START_TEST(a_job_may_be_forgotten_while_it_speaks)
{
	open_first();
	room_start(&r, 1, "sleep 300");
	ROOM_WAIT(&r, r.told[1].ready);
	notify(1, "A=1", 3, -1);
	notify(1, "B=1", 3, -1);
	r.on_notified = acknowledge_at_once;
	ROOM_WAIT(&r, children() == 0);
	ck_assert_str_eq(r.told[1].notified, "A=1\n");
	room_fini(&r);
}
END_TEST

START_TEST(the_notify_socket_is_the_job_users_alone)
{
	struct stat st;
	if (geteuid() != 0)
		return; /* nobody to give it to */
	open_first();
	char command_path[] = "/bin/true", *command[] = { command_path, NULL }, queue[] = "default";
	char cwd[] = "/";
	struct job j = { .id = 3, .uid = 65534, .queue = queue, .command = command, .cwd = cwd };
	uint64_t nonce;
	ck_assert_int_eq(proc_start(r.proc, &j, 1, NULL, 100, &nonce), 0);
	ck_assert_int_eq(stat(room_path(&r, "run/notify/3.1"), &st), 0);
	ck_assert_uint_eq(st.st_uid, 65534);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ROOM_WAIT(&r, r.told[3].ready || r.told[3].ended);
	proc_abandon(r.proc, 3);
	proc_acknowledge(r.proc, 3);
	ROOM_WAIT(&r, children() == 0);
	room_fini(&r);
}
END_TEST

START_TEST(where_cgroups_are_writable_a_job_has_one_and_it_goes_with_the_job)
{
	room_init(&r);
	r.cgroup = "auto";
	room_open(&r);
	proc_adopted_all(r.proc);
	bool has = strcmp(proc_tree_kind(r.proc), "cgroup") == 0;
	ck_assert(has || strcmp(proc_tree_kind(r.proc), "walk") == 0);
	room_run(&r, 1, "sleep 300 & setsid sleep 300 & wait");
	char cgroup[512] = "";
	if (r.told[1].attempt.cgroup)
		snprintf(cgroup, sizeof cgroup, "%s", r.told[1].attempt.cgroup);
	ck_assert_int_eq(has, cgroup[0] != '\0');
	proc_order(r.proc, 1, LEVEL_END, 0);
	ROOM_WAIT(&r, r.told[1].ended);
	room_leave(&r, 1);
	ROOM_WAIT(&r, children() == 0);
	if (has)
		ck_assert_int_ne(access(cgroup, F_OK), 0);
	room_fini(&r);
}
END_TEST

START_TEST(a_cgroup_that_can_not_be_used_is_no_hindrance)
{
	room_init(&r);
	r.cgroup = "/proc/nothing";
	room_open(&r);
	ck_assert_str_eq(proc_tree_kind(r.proc), "walk");
	room_fini(&r);
}
END_TEST

UNIT_MAIN("proc", a_job_runs_to_its_end_and_leaves_nothing_behind,
    a_hundred_jobs_leave_no_descriptor_no_child_and_no_file,
    jobs_that_follow_each_other_share_a_keeper_that_leaves_when_there_are_no_more,
    a_keeper_that_is_gone_before_it_has_read_of_a_job_puts_nobody_off,
    a_keeper_that_dies_at_rest_is_missed_by_nobody, no_more_keepers_rest_than_are_needed,
    a_keeper_that_was_told_to_end_or_lost_sight_of_takes_no_other_job,
    nothing_runs_while_the_gate_is_closed_nor_when_it_is_abandoned,
    a_start_that_came_to_nothing_leaves_no_log,
    a_keeper_that_leaves_late_does_not_take_the_next_starts_log_along,
    an_abandoned_job_can_be_started_again_in_the_same_turn, a_release_waits_for_the_flush,
    a_keeper_that_can_not_be_executed_is_told_from_the_loop,
    a_start_that_hangs_is_given_up_and_the_job_can_be_started_again,
    a_directory_that_is_a_link_is_refused,
    a_keeper_that_dies_before_the_release_has_run_nothing,
    a_command_that_is_not_there_ends_with_the_step_that_failed,
    a_job_is_stopped_continued_and_ended, an_order_that_was_overtaken_is_not_reported,
    a_signal_reaches_the_command, the_environment_is_the_submitters_and_what_we_say_of_the_job,
    a_large_environment_arrives_whole,
    what_a_job_says_of_itself_arrives_and_a_descriptor_is_closed_after_it,
    a_job_may_be_forgotten_while_it_speaks, the_notify_socket_is_the_job_users_alone,
    where_cgroups_are_writable_a_job_has_one_and_it_goes_with_the_job,
    a_cgroup_that_can_not_be_used_is_no_hindrance)
