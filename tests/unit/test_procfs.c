/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/procfs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

START_TEST(a_name_in_proc_can_not_forge_what_follows_it)
{
	struct procfs_stat st;
	ck_assert(
	    procfs_stat_parse("7 (a) R 1 (b) c) T 12 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 "
			      "4711 99 9\n",
		&st));
	ck_assert_int_eq(st.state, 'T');
	ck_assert_int_eq(st.ppid, 12);
	ck_assert_uint_eq(st.threads, 3);
	ck_assert_uint_eq(st.start, 4711);
	ck_assert(!st.unexecuted);
	ck_assert(procfs_stat_parse(
	    "7 (a) S 12 1 1 0 -1 4194368 1 2 3 4 5 6 7 8 20 0 3 0 4711 99 9\n", &st));
	ck_assert(st.unexecuted);
	ck_assert(!procfs_stat_parse("", &st));
	ck_assert(!procfs_stat_parse("7 (a", &st));
	ck_assert(!procfs_stat_parse("7 (a) T", &st));
	ck_assert(!procfs_stat_parse("7 (a) T 12 1 1", &st));
}
END_TEST

static bool has(const struct pidlist *l, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == pid)
			return true;
	return false;
}

static pid_t child_that_waits(void)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static pthread_barrier_t meeting;

static void *have_a_child(void *pid)
{
	*(pid_t *)pid = child_that_waits();
	pthread_barrier_wait(&meeting);
	pthread_barrier_wait(&meeting);
	return NULL;
}

START_TEST(our_children_are_those_of_all_threads)
{
	pthread_t thread;
	pid_t own = child_that_waits(), other;
	ck_assert_int_eq(pthread_barrier_init(&meeting, NULL, 2), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, have_a_child, &other), 0);
	pthread_barrier_wait(&meeting);
	struct pidlist l = PIDLIST_INIT;
	procfs_own_children(&l);
	ck_assert_uint_eq(l.n, 2);
	ck_assert(has(&l, own));
	ck_assert(has(&l, other));
	free(l.v);
	pthread_barrier_wait(&meeting);
	pthread_join(thread, NULL);
	kill(own, SIGKILL);
	kill(other, SIGKILL);
}
END_TEST

START_TEST(all_processes_are_listed)
{
	struct pidlist l = PIDLIST_INIT;
	int proc = procfs_open();
	ck_assert_int_eq(procfs_processes(proc, &l), 0);
	ck_assert(has(&l, getpid()));
	ck_assert(has(&l, getppid()));
	free(l.v);
	close(proc);
}
END_TEST

START_TEST(a_zombie_says_what_it_is_and_how_it_ended)
{
	struct procfs_stat st;
	int status = -1;
	siginfo_t si;
	pid_t pid = child_that_waits();
	ck_assert_int_eq(procfs_look(pid, &st), 0);
	ck_assert_int_eq(st.ppid, getpid());
	ck_assert(st.unexecuted);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(procfs_look(pid, &st), 0);
	ck_assert_int_eq(st.state, 'Z');
	ck_assert_int_eq(procfs_exit_status(pid, &status), 0);
	ck_assert_int_eq(status, geteuid() == 0 ? SIGKILL : 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(procfs_look(pid, &st), -ENOENT);
	ck_assert_int_eq(procfs_exit_status(pid, &status), -ENOENT);
}
END_TEST

UNIT_MAIN("procfs", a_name_in_proc_can_not_forge_what_follows_it,
    our_children_are_those_of_all_threads, all_processes_are_listed,
    a_zombie_says_what_it_is_and_how_it_ended)
