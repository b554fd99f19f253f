/* SPDX-License-Identifier: ISC */
/*
 * Trees of real processes. Each test is a subreaper, as a keeper is, in a
 * process of its own.
 */
#include "config.h"

#include "lib/tree.h"

#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/procfs.h"
#include "tests/unit/trees.h"
#include "tests/unit/unit.h"

static pid_t shell(const char *script)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		setsid();
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void wait_for_count(struct tree *t, size_t n)
{
	for (int i = 0; i < PATIENCE_MS / 5 && tree_count(t) != n; i++)
		nap(5);
	ck_assert_uint_eq(tree_count(t), n);
}

START_TEST(a_tree_holds_children_grandchildren_and_those_with_a_session_of_their_own)
{
	struct tree *t = subreaper();
	ck_assert_uint_eq(tree_count(t), 0);
	shell("sleep 60 & (sleep 60; :) & setsid sh -c 'sleep 60; :' & wait");
	wait_for_count(t, 6);
	kill_all(t);
	tree_free(t);
}
END_TEST

START_TEST(a_grandchild_whose_parent_ended_still_belongs)
{
	struct tree *t = subreaper();
	pid_t pid = shell("setsid sleep 60 & exit 0");
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_uint_eq(tree_count(t), 1);
	kill_all(t);
	tree_free(t);
}
END_TEST

START_TEST(stopping_reaches_everyone_and_continuing_too)
{
	struct tree *t = subreaper();
	pid_t culprit;
	shell("sleep 60 & setsid sh -c 'sleep 60; :' & while :; do :; done");
	wait_for_count(t, 4);
	ck_assert(!tree_is_stopped(t, &culprit));
	ck_assert_int_ne(culprit, 0);
	stop_all(t);
	ck_assert(tree_is_stopped(t, &culprit));
	tree_continue(t);
	ck_assert(!tree_is_stopped(t, &culprit));
	kill_all(t);
	tree_free(t);
}
END_TEST

START_TEST(a_loop_that_spawns_is_stopped_and_spawns_no_more)
{
	char file[] = "/tmp/test_tree.XXXXXX";
	int fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	char script[200];
	snprintf(script, sizeof(script), "while :; do /bin/echo x >>%s; done", file);
	struct tree *t = subreaper();
	shell(script);
	for (int i = 0; i < 10; i++) {
		struct stat before, after;
		stop_all(t);
		ck_assert_int_eq(fstat(fd, &before), 0);
		nap(20);
		ck_assert_int_eq(fstat(fd, &after), 0);
		ck_assert_int_eq(before.st_size, after.st_size);
		tree_continue(t);
		for (int j = 0; j < PATIENCE_MS && after.st_size == before.st_size; j++) {
			nap(1);
			ck_assert_int_eq(fstat(fd, &after), 0);
		}
		ck_assert_int_gt(after.st_size, before.st_size);
	}
	kill_all(t);
	close(fd);
	unlink(file);
	tree_free(t);
}
END_TEST

START_TEST(the_parent_of_a_stopped_vfork_child_counts_as_stopped)
{
	struct tree *t = subreaper();
	pid_t pid = fork();
	if (pid == 0) {
		pid_t child = vfork();
		if (child == 0)
			for (;;)
				pause();
		_exit(0);
	}
	wait_for_count(t, 2);
	stop_all(t);
	kill_all(t);
	tree_free(t);
}
END_TEST

static void *spin(void *unused)
{
	for (volatile unsigned i = 0;; i++)
		;
	return unused;
}

static void *leave_alone(void *unused)
{
	nap(50);
	spin(NULL);
	return unused;
}

START_TEST(a_process_whose_first_thread_ended_is_a_member_that_can_be_stopped)
{
	struct tree *t = subreaper();
	pid_t culprit, pid = fork();
	if (pid == 0) {
		pthread_t a;
		pthread_create(&a, NULL, leave_alone, NULL);
		pthread_exit(NULL);
	}
	int proc = procfs_open();
	struct procfs_stat st = { 0 };
	for (int i = 0; i < PATIENCE_MS && st.state != 'Z'; i++) {
		nap(1);
		ck_assert_int_eq(procfs_stat(proc, pid, 0, &st), 0);
	}
	ck_assert_int_eq(st.state, 'Z');
	ck_assert(!tree_is_stopped(t, &culprit));
	ck_assert_int_eq(culprit, pid);
	stop_all(t);
	ck_assert(tree_is_stopped(t, &culprit));
	kill_all(t);
	close(proc);
	tree_free(t);
}
END_TEST

static void *spawn_child(void *unused)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	spin(NULL);
	return unused;
}

START_TEST(children_of_any_thread_are_found)
{
	struct tree *t = subreaper();
	if (fork() == 0) {
		pthread_t a, b;
		pthread_create(&a, NULL, spawn_child, NULL);
		pthread_create(&b, NULL, spawn_child, NULL);
		for (;;)
			pause();
	}
	wait_for_count(t, 3);
	stop_all(t);
	kill_all(t);
	tree_free(t);
}
END_TEST

START_TEST(a_signal_goes_to_every_member)
{
	struct tree *t = subreaper();
	shell("sleep 60 & setsid sh -c 'sleep 60; :' & wait");
	wait_for_count(t, 4);
	ck_assert_uint_eq(tree_signal(t, SIGTERM), 4);
	for (int i = 0; i < PATIENCE_MS && tree_count(t) > 0; i++) {
		reap();
		nap(1);
	}
	ck_assert_uint_eq(tree_count(t), 0);
	tree_free(t);
}
END_TEST

START_TEST(what_cleans_up_after_a_signal_is_left_alone)
{
	int p[2];
	ck_assert_int_eq(pipe(p), 0);
	char script[200], c = 0;
	snprintf(script, sizeof(script),
	    "trap 'sleep 0.2; echo y >&%d; exit' TERM; echo x >&%d; while :; do sleep 0.01; done",
	    p[1], p[1]);
	struct tree *t = subreaper();
	shell(script);
	ck_assert_int_eq(read(p[0], &c, 1), 1);
	nap(50);
	ck_assert_uint_ge(tree_signal(t, SIGTERM), 1);
	close(p[1]);
	ck_assert_int_eq(read(p[0], &c, 1), 1); /* the newline */
	ck_assert_int_eq(read(p[0], &c, 1), 1);
	ck_assert_int_eq(c, 'y');
	kill_all(t);
	tree_free(t);
}
END_TEST

static int survived; /* a pipe's end */

/* Cleans up in a process of its own, which says so if it is not ended under way. */
static void clean_up(int sig)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, sig);
	if (fork() == 0) {
		signal(sig, SIG_DFL);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		nap(20);
		ck_assert_int_eq(write(survived, "y", 1), 1);
	}
	_exit(0);
}

/* It is there before the signal's next walk, and started in the same tick of the clock. */
START_TEST(what_is_started_at_once_to_clean_up_is_left_alone)
{
	enum { ROUNDS = 10, MANY = 20 };
	char y[MANY];
	int p[2];
	ck_assert_int_eq(pipe(p), 0);
	survived = p[1];
	for (int round = 0; round < ROUNDS; round++) {
		struct tree *t = subreaper();
		sigset_t term, before;
		sigemptyset(&term);
		sigaddset(&term, SIGTERM);
		sigprocmask(SIG_BLOCK, &term, &before);
		for (int i = 0; i < MANY; i++)
			if (fork() == 0) {
				signal(SIGTERM, clean_up);
				sigprocmask(SIG_SETMASK, &before, NULL);
				for (;;)
					pause();
			}
		sigprocmask(SIG_SETMASK, &before, NULL);
		ck_assert_uint_eq(tree_signal(t, SIGTERM), MANY);
		for (size_t n = 0; n < MANY;)
			n += (size_t)read(p[0], y, MANY - n);
		kill_all(t);
		tree_free(t);
	}
}
END_TEST

/* A child that does nothing, with this number or (0) any; -1 where one may not choose. */
static pid_t child_numbered(pid_t pid)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	args.set_tid = pid ? (uintptr_t)&pid : 0;
	args.set_tid_size = pid != 0;
	pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (child == 0) {
		pause();
		_exit(0);
	}
	return child;
}

START_TEST(a_number_that_is_used_again_hides_nobody)
{
	struct tree *t = subreaper();
	/* Of one that was seen alive, or as a zombie; in the same tick of the clock, or in another. */
	for (int i = 0; i < 4; i++) {
		siginfo_t si;
		pid_t pid = child_numbered(0);
		if (i & 1)
			ck_assert_uint_eq(tree_count(t), 1);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
		if (!(i & 1))
			ck_assert_uint_eq(tree_count(t), 0);
		reap();
		nap(i & 2 ? 30 : 0);
		pid_t again = child_numbered(pid);
		if (again < 0)
			break; /* only root may choose a number, where the kernel lets it */
		ck_assert_int_eq(again, pid);
		kill_all(t);
		ck_assert_int_eq(kill(again, 0), -1);
	}
	tree_free(t);
}
END_TEST

/* Lives for a moment, in its child: never the same process when it is looked for again. */
static void hop(void)
{
	for (;;) {
		pid_t child = fork();
		if (child > 0)
			_exit(0);
		nap(5);
	}
}

START_TEST(a_tree_that_moves_while_it_is_stopped_and_killed_comes_to_an_end)
{
	struct tree *t = subreaper();
	/* So few that they don't use up the host's numbers: each leaves a zombie every time. */
	for (int i = 0; i < 10; i++)
		if (fork() == 0)
			hop();
	nap(50);
	stop_all(t);
	tree_continue(t);
	nap(50);
	kill_all(t);
	nap(50);
	ck_assert_uint_eq(tree_count(t), 0);
	tree_free(t);
}
END_TEST

START_TEST(a_process_that_was_named_is_a_member_with_all_below_it)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	struct tree *t = tree_new(0, NULL);
	pid_t mine = shell("sleep 60 & sleep 60; :"), other = shell("sleep 60; :");
	uint64_t start = tree_start_time(mine);
	ck_assert_uint_gt(start, 0);
	ck_assert_int_eq(tree_adopt(t, mine, start + 1), -ESRCH);
	ck_assert_int_eq(tree_adopt(t, mine, start), 0);
	wait_for_count(t, 3);
	kill_all(t);
	ck_assert_int_eq(kill(other, 0), 0);
	ck_assert_int_eq(tree_adopt(t, other, 0), 0);
	/* Its child stays a member when it has gone and the child is somebody else's. */
	wait_for_count(t, 2);
	kill(other, SIGKILL);
	ck_assert_int_eq(waitpid(other, NULL, 0), other);
	ck_assert_uint_eq(tree_count(t), 1);
	kill_all(t);
	ck_assert_int_eq(tree_adopt(t, other, 0), -ESRCH);
	tree_free(t);
}
END_TEST

START_TEST(a_tree_larger_than_the_descriptors_there_are_is_still_ended)
{
	struct rlimit rl, few = { .rlim_cur = 24, .rlim_max = 24 };
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	few.rlim_max = rl.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	struct tree *t = subreaper();
	shell("i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done; wait");
	wait_for_count(t, 41);
	stop_all(t);
	tree_continue(t);
	kill_all(t);
	tree_free(t);
}
END_TEST

START_TEST(the_roots_only_child_is_told_from_more_than_that)
{
	struct tree *t = subreaper();
	pid_t pid = shell("setsid sleep 60 & exit 0");
	siginfo_t si;
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	ck_assert(!tree_has_only(t, pid));
	pid_t culprit;
	while (tree_kill_step(t, &culprit) != TREE_DONE)
		nap(1);
	struct pidlist zombies = PIDLIST_INIT;
	int proc = procfs_open();
	ck_assert_int_eq(procfs_children(proc, getpid(), getpid(), &zombies), 0);
	ck_assert_uint_eq(zombies.n, 2);
	for (size_t i = 0; i < zombies.n; i++)
		if (zombies.v[i] != pid)
			ck_assert_int_eq(waitpid(zombies.v[i], NULL, 0), zombies.v[i]);
	free(zombies.v);
	close(proc);
	ck_assert(tree_has_only(t, pid));
	tree_free(t);
}
END_TEST

START_TEST(a_process_that_may_not_be_signalled_is_named)
{
	if (geteuid() != 0)
		return; /* whoever may signal everyone is needed to give that up */
	struct tree *t = subreaper();
	pid_t culprit = 0, pid = shell("exec sleep 60");
	wait_for_count(t, 1);
	ck_assert_int_eq(setresuid(65533, 65533, 0), 0);
	ck_assert_int_eq(tree_stop_step(t, &culprit), TREE_STUCK);
	ck_assert_int_eq(culprit, pid);
	culprit = 0;
	ck_assert_int_eq(tree_kill_step(t, &culprit), TREE_STUCK);
	ck_assert_int_eq(culprit, pid);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	kill_all(t);
	tree_free(t);
}
END_TEST

/* A cgroup of our own, in path, where one can be made. */
static bool make_cgroup(char *path, size_t size)
{
	FILE *f = fopen("/proc/self/mounts", "r");
	char dir[256], type[64];
	bool made = false;
	while (f && !made && fscanf(f, "%*s %255s %63s %*[^\n]", dir, type) == 2)
		if (strcmp(type, "cgroup2") == 0) {
			snprintf(path, size, "%s/jobd-test.%d", dir, (int)getpid());
			made = mkdir(path, 0755) == 0;
		}
	if (f)
		fclose(f);
	return made;
}

START_TEST(whoever_is_in_the_cgroup_belongs)
{
	char path[512], name[600];
	if (!make_cgroup(path, sizeof(path)))
		return; /* an extra: elsewhere descent alone says who belongs */
	snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	char script[2048];
	snprintf(script, sizeof(script),
	    "echo $$ >%s; mkdir %s/sub; setsid sleep 60 & sh -c 'echo $$ >%s/sub/cgroup.procs; "
	    "sleep 60; :' & wait",
	    name, path, path);
	shell(script);
	struct tree *t = tree_new(0, path);
	wait_for_count(t, 4);
	stop_all(t);
	tree_continue(t);
	kill_all(t);
	tree_free(t);
	snprintf(name, sizeof(name), "%s/sub", path);
	for (int i = 0; i < PATIENCE_MS && rmdir(name) < 0 && errno == EBUSY; i++)
		nap(1);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

UNIT_MAIN("tree", a_tree_holds_children_grandchildren_and_those_with_a_session_of_their_own,
    a_grandchild_whose_parent_ended_still_belongs, stopping_reaches_everyone_and_continuing_too,
    a_loop_that_spawns_is_stopped_and_spawns_no_more,
    the_parent_of_a_stopped_vfork_child_counts_as_stopped,
    a_process_whose_first_thread_ended_is_a_member_that_can_be_stopped,
    children_of_any_thread_are_found, a_signal_goes_to_every_member,
    what_cleans_up_after_a_signal_is_left_alone,
    what_is_started_at_once_to_clean_up_is_left_alone, a_number_that_is_used_again_hides_nobody,
    a_tree_that_moves_while_it_is_stopped_and_killed_comes_to_an_end,
    a_process_that_was_named_is_a_member_with_all_below_it,
    a_tree_larger_than_the_descriptors_there_are_is_still_ended,
    the_roots_only_child_is_told_from_more_than_that,
    a_process_that_may_not_be_signalled_is_named, whoever_is_in_the_cgroup_belongs)
