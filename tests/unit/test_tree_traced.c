/* SPDX-License-Identifier: ISC */
/* Processes of a tree that somebody traces: here the test does, who is no member. */
#include "config.h"

#include "lib/tree.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/trees.h"
#include "tests/unit/unit.h"

/* Waits for what a tracer is told next. */
static int next_stop(pid_t pid)
{
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSTOPPED(status));
	return WSTOPSIG(status);
}

static void go_on(pid_t pid, long sig)
{
	ck_assert_int_eq(ptrace(PTRACE_CONT, pid, NULL, (void *)sig), 0);
}

START_TEST(who_is_stopped_by_a_tracer_stays_stopped_when_it_lets_go)
{
	struct tree *t = subreaper();
	pid_t culprit, pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGUSR1);
		for (;;)
			nap(1);
	}
	ck_assert_int_eq(next_stop(pid), SIGUSR1);
	stop_all(t);
	go_on(pid, 0);
	ck_assert_int_eq(next_stop(pid), SIGSTOP);
	ck_assert_int_eq(ptrace(PTRACE_DETACH, pid, NULL, (void *)(long)SIGSTOP), 0);
	stop_all(t);
	ck_assert(tree_is_stopped(t, &culprit));
	tree_continue(t);
	ck_assert(!tree_is_stopped(t, &culprit));
	kill_all(t);
	tree_free(t);
}
END_TEST

START_TEST(who_is_stopped_by_a_tracer_goes_on_with_it_after_a_resume)
{
	struct tree *t = subreaper();
	pid_t culprit, pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGUSR1);
		for (;;)
			nap(1);
	}
	ck_assert_int_eq(next_stop(pid), SIGUSR1);
	stop_all(t);
	tree_continue(t); /* takes back what was not delivered */
	go_on(pid, 0);
	ck_assert_int_eq(next_stop(pid), SIGCONT);
	go_on(pid, 0);
	for (int i = 0; i < PATIENCE_MS && tree_is_stopped(t, &culprit); i++)
		nap(1);
	ck_assert(!tree_is_stopped(t, &culprit));
	kill_all(t);
	tree_free(t);
}
END_TEST

UNIT_MAIN("tree_traced", who_is_stopped_by_a_tracer_stays_stopped_when_it_lets_go,
    who_is_stopped_by_a_tracer_goes_on_with_it_after_a_resume)
