/* SPDX-License-Identifier: ISC */
/*
 * What is done to a tree of processes. Each step is a few walks (treewalk.c),
 * until one of them has found nothing new and nothing that moved. It never
 * waits for a process to do what it was told: that is the caller's timer.
 *
 * Refuses to know whose processes these are, and why. What can go wrong: a
 * process that may not be signalled (said, with its pid), no memory (the walk
 * does not come to rest, and the caller's time runs out).
 */
#include "config.h"

#include "lib/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/treewalk.h"

#define PASSES	   6   /* walks in one step */
#define BOMB_STEPS 200 /* steps that are spent on stopping before killing anyway */

/* How many pidfds a tree may keep: what is left belongs to its caller. */
static int most_held(void)
{
	struct rlimit rl;
	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur > 8192)
		return 4096;
	return (int)rl.rlim_cur / 2;
}

struct tree *tree_new(pid_t root, const char *cgroup)
{
	struct tree *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->root = root;
	t->cgroup = -1;
	t->most_held = most_held();
	t->proc = procfs_open();
	if (t->proc < 0) {
		free(t);
		return NULL;
	}
	if (cgroup)
		t->cgroup = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		if (t->m[i].fd >= 0)
			close(t->m[i].fd);
	if (t->cgroup >= 0)
		close(t->cgroup);
	close(t->proc);
	free(t->m);
	free(t->slots);
	free(t->pids.v);
	free(t->tids.v);
	free(t);
}

int tree_adopt(struct tree *t, pid_t pid, uint64_t start)
{
	return tree_add(t, pid, start);
}

/* Nothing was found and nothing ended under the last walk: it saw all there is. */
static bool is_calm(const struct tree *t)
{
	return !t->fresh && !t->lost;
}

size_t tree_count(struct tree *t)
{
	for (int pass = 0; pass < PASSES; pass++) {
		tree_walk(t, DEED_COUNT);
		if (is_calm(t))
			break;
	}
	return t->alive;
}

bool tree_has_only(struct tree *t, pid_t zombie)
{
	t->pids.n = 0;
	if (procfs_children(t->proc, t->root, t->root, &t->pids) < 0)
		return false;
	return t->pids.n == 0 || (t->pids.n == 1 && t->pids.v[0] == zombie);
}

/*
 * Stopped for good is: all were seen stopped in one walk, and a second one
 * finds them so and nobody else. In the first, one that ran could still have
 * forked behind the walk's back.
 */
enum tree_progress tree_stop_step(struct tree *t, pid_t *culprit)
{
	bool were_stopped = false;
	for (int pass = 0; pass < PASSES; pass++) {
		tree_walk(t, DEED_STOP);
		if (t->denied) {
			*culprit = t->denied;
			return TREE_STUCK;
		}
		bool stopped = !t->running && is_calm(t);
		if (stopped && were_stopped)
			return TREE_DONE;
		were_stopped = stopped;
		if (t->running && pass > 0 && !t->fresh)
			break; /* they know; they need the processor for it */
	}
	*culprit = t->runner;
	return TREE_AGAIN;
}

bool tree_is_stopped(struct tree *t, pid_t *culprit)
{
	/* The stopped have no children to be found: those that are known will do. */
	if (t->n)
		tree_look(t);
	else
		tree_walk(t, DEED_LOOK);
	*culprit = t->runner;
	return t->running == 0;
}

/* Last found first: a parent that looks after its children must not see them stopped. */
void tree_continue(struct tree *t)
{
	t->round++;
	for (int pass = 0; pass < PASSES; pass++) {
		size_t sent = 0;
		tree_walk(t, DEED_COUNT);
		for (size_t i = t->n; i-- > 0;) {
			struct member *m = &t->m[i];
			if (m->life != MEMBER_ALIVE || m->round == t->round)
				continue;
			m->round = t->round;
			m->held = false;
			sent += tree_send(t, m, SIGCONT);
		}
		if (!sent)
			break;
	}
	if (t->root)
		tree_forget(t); /* the next walk finds them; their descriptors are free meanwhile */
}

/* Now, as a process's start time would have it. */
static uint64_t now_ticks(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	return (uint64_t)ts.tv_sec * hz + (uint64_t)ts.tv_nsec * hz / 1000000000u;
}

/*
 * A later pass is for those the first one missed, not for those who were
 * started since: what a handler of this signal runs to clean up must not have it
 * too. Who was started in the very tick of the first pass may be either: such a one is
 * left alone as well, and if it has nobody, tree_signal_late finds it.
 */
size_t tree_signal(struct tree *t, int sig)
{
	size_t all = 0;
	t->round++;
	for (int pass = 0; pass < PASSES; pass++) {
		size_t sent = 0;
		tree_walk(t, DEED_COUNT);
		if (pass == 0)
			t->signalled_at = now_ticks();
		for (size_t i = 0; i < t->n; i++) {
			struct member *m = &t->m[i];
			if (m->life != MEMBER_ALIVE || m->round == t->round)
				continue;
			if (pass > 0 && m->start >= t->signalled_at)
				continue;
			m->round = t->round;
			sent += tree_send(t, m, sig);
		}
		all += sent;
		if (!sent)
			break;
	}
	return all;
}

size_t tree_signal_late(struct tree *t, int sig)
{
	size_t sent = 0;
	tree_walk(t, DEED_COUNT);
	for (size_t i = 0; i < t->n; i++) {
		struct member *m = &t->m[i];
		if (m->life != MEMBER_ALIVE || m->told || m->ppid != t->root)
			continue;
		if (m->start < t->signalled_at)
			continue;
		m->told = true;
		sent += tree_send(t, m, sig);
	}
	return sent;
}

static void cgroup_kill(struct tree *t)
{
	int fd = openat(t->cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* before Linux 5.14: one after another, then */
	ssize_t n = write(fd, "1", 1);
	(void)n; /* whoever is left is met by the walk */
	close(fd);
}

/*
 * A bomb whose processes are killed one by one fills the freed places as fast;
 * stopped ones keep their places, so stopping them ends its growth.
 */
static bool defuse(struct tree *t)
{
	pid_t unused;
	if (t->bomb_steps++ >= BOMB_STEPS)
		return true;
	return tree_stop_step(t, &unused) == TREE_DONE;
}

enum tree_progress tree_kill_step(struct tree *t, pid_t *culprit)
{
	if (t->cgroup >= 0)
		cgroup_kill(t);
	if (t->bomb && !defuse(t))
		return TREE_AGAIN;
	for (int pass = 0; pass < PASSES; pass++) {
		tree_walk(t, DEED_KILL);
		if (!t->alive && is_calm(t))
			return TREE_DONE;
		if (!t->fresh && t->alive)
			break; /* all have it; they need the processor for it */
	}
	if (t->fresh)
		t->bomb = true;
	*culprit = t->denied;
	return t->denied ? TREE_STUCK : TREE_AGAIN;
}

uint64_t tree_start_time(pid_t pid)
{
	struct procfs_stat st;
	return procfs_look(pid, &st) < 0 ? 0 : st.start;
}
