/* SPDX-License-Identifier: ISC */
/*
 * Inside of tree.c: its table of members, and the walk that finds them. Nobody
 * else includes this.
 */
#ifndef LIB_TREEWALK_H
#define LIB_TREEWALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/procfs.h"

enum member_life {
	MEMBER_ALIVE,
	MEMBER_ZOMBIE,	 /* ended, not reaped */
	MEMBER_GONE,	 /* reaped; dropped after the walk */
	MEMBER_UNPROVEN, /* opened, and not yet shown to belong */
};

struct member {
	pid_t pid, ppid;
	int fd; /* pidfd; -1 where descriptors had run out */
	uint64_t start;
	unsigned round; /* the last signal that was sent to all of those there were */
	enum member_life life;
	bool stopped; /* at the last look */
	bool adopted; /* named by the caller, not found */
	bool told;    /* by tree_signal_late */
	bool held;    /* had SIGSTOP while a tracer had stopped it */
};

/* What a walk does to those it meets, besides looking. */
enum deed {
	DEED_COUNT, /* nothing */
	DEED_LOOK,  /* sees who is stopped */
	DEED_STOP,  /* SIGSTOP to who is not, and once to who is by a tracer */
	DEED_KILL,  /* SIGKILL */
};

struct tree {
	int proc;
	pid_t root;
	int cgroup; /* its directory, or -1 */
	int held, most_held; /* pidfds kept open, and how many there may be */

	struct member *m; /* in the order they were found: parents first */
	size_t n, cap;
	uint32_t *slots; /* pid → index in m, plus 1; open addressing */
	size_t nslots;	 /* a power of two */
	struct pidlist pids, tids; /* scratch */
	bool traced; /* the member that was looked at has a thread that a tracer stopped */

	unsigned round;
	uint64_t signalled_at; /* ticks: the last tree_signal */
	bool bomb; /* they appear faster than they die: stop them first */
	unsigned bomb_steps;

	/* What the last walk came upon. */
	size_t alive;	/* members */
	size_t fresh;	/* of them, not known before */
	size_t lost;	/* ends and changes under the walk: it may have missed something */
	size_t running; /* of the living, not seen stopped */
	pid_t runner;	/* one of those */
	pid_t denied;	/* one that may not be signalled, or 0 */
};

/* Goes once through all that belongs, and does the deed. */
void tree_walk(struct tree *t, enum deed deed);

/* Looks whether those that are known are stopped, without a search for others. */
void tree_look(struct tree *t);

/* Signals one member through its descriptor; notes who may not be signalled. */
bool tree_send(struct tree *t, struct member *m, int sig);

/* Opens, shows to be the one with this start time (unless 0), and adds. 0 or -errno. */
int tree_add(struct tree *t, pid_t pid, uint64_t start);

/* Drops every member that was found; those that were named stay. */
void tree_forget(struct tree *t);

#endif
