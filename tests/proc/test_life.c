/* SPDX-License-Identifier: ISC */
/*
 * A job's life under a keeper that lives: its end, the orders and signals it gets, its environment,
 * what it says through its notify socket, its cgroup. Nothing of it is left behind.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobd/proc/internal.h"
#include "lib/aside.h"
#include "proc/room.h"

#include "unit.h"

static struct room r;

START_TEST(a_job_runs_to_its_end_and_leaves_nothing_behind)
{
	room_begin(&r);
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
	room_begin(&r);
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

START_TEST(a_job_is_stopped_continued_and_ended)
{
	room_begin(&r);
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
	room_begin(&r);
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
	room_begin(&r);
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
	room_begin(&r);
	setenv("JOBD_TEST_SECRET", "of the daemon", 1);
	room_run(&r, 42, "env");
	ROOM_WAIT(&r, r.told[42].ended);
	const char *text = room_log_text(&r, 42);
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
	room_begin(&r);
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
	room_begin(&r);
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

static atomic_bool *gate_shut; /* seen by the helper, too */

static void close_at_gate(int fd)
{
	while (*gate_shut)
		usleep(1000);
	close(fd);
}

START_TEST(who_passes_what_is_not_closed_is_not_heard_until_it_is)
{
	static const struct aside_deeds deeds = { close_at_gate, NULL };
	struct rlimit few = { 256, 256 };
	struct aside *aside;
	gate_shut = mmap(NULL, sizeof *gate_shut, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(gate_shut != MAP_FAILED);
	*gate_shut = true;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(aside_open(&deeds, &aside), 0);
	room_begin(&r);
	r.proc->o.aside = aside;
	room_run(&r, 1, "sleep 300");
	struct keeper *k = roster_find(r.proc, ROSTER_ID, 1);
	k->uid = 12345; /* neither root nor who we are */
	for (int i = 0; i < 100 && !k->notify_muted; i++) {
		notify(1, "STATUS=x", 8, 0);
		room_turn(&r);
	}
	ck_assert(k->notify_muted);
	notify(1, "STATUS=late", 11, -1);
	for (int i = 0; i < 5; i++)
		room_turn(&r);
	ck_assert_ptr_null(strstr(r.told[1].notified, "late"));
	*gate_shut = false;
	ROOM_WAIT(&r, strstr(r.told[1].notified, "late") != NULL);
	proc_order(r.proc, 1, LEVEL_END, 0);
	ROOM_WAIT(&r, r.told[1].ended);
	room_leave(&r, 1);
	r.proc->o.aside = NULL;
	aside_free(aside);
	room_fini(&r);
}
END_TEST

static void acknowledge_at_once(struct room *room, uint64_t id)
{
	proc_abandon(room->proc, id);
}

START_TEST(a_job_may_be_forgotten_while_it_speaks)
{
	room_begin(&r);
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
	room_begin(&r);
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

UNIT_MAIN("life", a_job_runs_to_its_end_and_leaves_nothing_behind,
    a_hundred_jobs_leave_no_descriptor_no_child_and_no_file, a_job_is_stopped_continued_and_ended,
    an_order_that_was_overtaken_is_not_reported, a_signal_reaches_the_command,
    the_environment_is_the_submitters_and_what_we_say_of_the_job,
    a_large_environment_arrives_whole,
    what_a_job_says_of_itself_arrives_and_a_descriptor_is_closed_after_it,
    who_passes_what_is_not_closed_is_not_heard_until_it_is,
    a_job_may_be_forgotten_while_it_speaks, the_notify_socket_is_the_job_users_alone,
    where_cgroups_are_writable_a_job_has_one_and_it_goes_with_the_job,
    a_cgroup_that_can_not_be_used_is_no_hindrance)
