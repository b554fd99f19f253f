/* SPDX-License-Identifier: ISC */
/*
 * Children that ended: keepers, commands of keepers that died, and what those
 * left behind, which comes to us as the subreaper.
 *
 * A command's zombie holds its status until core has it on disk: after our
 * own re-execution it is still there to be asked. So each zombie is looked at
 * before it is taken; while one is held, waitid would show that one again and
 * again, and the list of children is walked instead.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <stdlib.h>

#include "lib/procfs.h"
#include "lib/status.h"

#define TURN_MAX 1024

static bool is_held_for(const struct keeper *k, pid_t pid)
{
	if (k->pid != pid || k->phase == PHASE_STARTING || k->phase == PHASE_READY)
		return false;
	if (k->phase == PHASE_LEAVING && k->due & (DO_ACK | DO_ABANDON))
		return false;
	return tree_start_time(pid) == k->pid_start;
}

/* False when the zombie has to stay. */
static bool reap_one(struct proc *p, pid_t pid)
{
	struct keeper *k = roster_find(p, ROSTER_KEEPER, (uint64_t)pid);
	if (k) {
		int status = -1;
		(void)status_wait(pid, false, &status, NULL);
		roster_remove(k, ROSTER_KEEPER);
		k->child = false;
		keeper_gone(k, status);
		return true;
	}
	for (k = roster_find(p, ROSTER_PID, (uint64_t)pid); k; k = k->chain[ROSTER_PID]) {
		if (!is_held_for(k, pid))
			continue;
		orphan_command_ended(k);
		return false;
	}
	rest_reaped(p, pid);
	(void)status_wait(pid, false, NULL, NULL);
	return true;
}

static void reap_listed(struct proc *p)
{
	struct pidlist children = PIDLIST_INIT;
	procfs_own_children(&children);
	for (size_t i = 0; i < children.n; i++)
		if (status_wait(children.v[i], true, NULL, NULL) > 0)
			reap_one(p, children.v[i]);
	free(children.v);
}

/* By a timer: an event that is made active runs in this very round, before anybody else's. */
void reap_later(struct proc *p)
{
	const struct timeval now = { 0, 0 };
	evtimer_add(p->more, &now);
}

void reap_children(struct proc *p)
{
	if (!p->adopted)
		return;
	for (int i = 0; i < TURN_MAX; i++) {
		pid_t pid = status_wait(0, true, NULL, NULL);
		if (pid <= 0)
			return;
		if (!reap_one(p, pid)) {
			reap_listed(p);
			return;
		}
	}
	reap_later(p); /* a fork bomb's ashes */
}
