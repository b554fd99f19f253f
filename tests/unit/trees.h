/* SPDX-License-Identifier: ISC */
/* What the tests of lib/tree share: a test that is a subreaper, and steps until it is reached. */
#ifndef TESTS_UNIT_TREES_H
#define TESTS_UNIT_TREES_H

#include <check.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/tree.h"
#include "tests/unit/unit.h"

#define PATIENCE_MS (int)(10000 * unit_slowness())

static inline void nap(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static inline struct tree *subreaper(void)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	struct tree *t = tree_new(getpid(), NULL);
	ck_assert_ptr_nonnull(t);
	return t;
}

static inline void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static inline void stop_all(struct tree *t)
{
	pid_t culprit = 0;
	enum tree_progress p = TREE_AGAIN;
	for (int i = 0; i < PATIENCE_MS / 2 && p == TREE_AGAIN; i++) {
		p = tree_stop_step(t, &culprit);
		reap(); /* as a keeper would: zombies are looked at, too */
		if (p == TREE_AGAIN)
			nap(2);
	}
	ck_assert_msg(p == TREE_DONE, "%d is not stopped", (int)culprit);
}

static inline void kill_all(struct tree *t)
{
	pid_t culprit = 0;
	enum tree_progress p = TREE_AGAIN;
	for (int i = 0; i < PATIENCE_MS / 2 && p != TREE_DONE; i++) {
		p = tree_kill_step(t, &culprit);
		reap();
		if (p != TREE_DONE)
			nap(2);
	}
	ck_assert_int_eq(p, TREE_DONE);
	ck_assert_uint_eq(tree_count(t), 0);
}

#endif
