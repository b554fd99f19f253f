/* SPDX-License-Identifier: ISC */
/*
 * The live jobs: those that have not ended, in memory, by id. Which of the
 * waiting ones comes first is order.h's.
 *
 * The set owns its members. Ids are found by bisection in a vector that is in
 * the order of ids, since new ones come at its end; a removed member leaves a
 * hole until holes are the half of it.
 */
#ifndef CORE_LIVE_H
#define CORE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobd/core/heap.h"
#include "jobd/core/job.h"

struct job_watch;
struct pause_waiter;

/* Where a live job is on its way, besides its state. */
enum live_phase {
	LIVE_IDLE,     /* queued or held, and nothing was begun */
	LIVE_STARTING, /* a keeper prepares it; the store still has it queued */
	LIVE_ACTIVE,   /* a keeper has it */
	LIVE_OVER,     /* ended in this turn; freed after the commit */
};

struct live {
	struct job job;
	enum live_phase phase;
	size_t heap_at;		/* order's: its place in its user's line */
	uint64_t rank;		/* smaller starts earlier */
	bool dirty;		/* to be put in this turn */
	bool progress_dirty;	/* to be put within a second */
	bool silent;		/* its keeper does not answer */
	bool gone;		/* deleted from the set; freed after the commit */
	bool slot;		/* it is one of engine.active */
	bool ready;		/* LIVE_STARTING: it stands at the gate */
	bool late;		/* LIVE_STARTING: it is not waited for until it is ready */
	uint64_t started_us;	/* mono: when the start was begun */
	struct live *next_starting;
	uint64_t start_nonce;	/* of the keeper that prepares it */
	uint32_t start_attempt;
	unsigned failed_starts; /* in a row, for the back-off */
	uint64_t not_before_us; /* mono: in the list of the delayed, and not in the heap, till then */
	struct live *next_delayed;
	struct job_watch *watches;
	struct pause_waiter *pause_waiters;
	struct live *next_dirty;
};

struct live_set {
	struct live **by_id; /* NULL: a hole; ascending ids */
	uint64_t *ids;	     /* the id of each place, holes too */
	size_t len, cap, holes;
};

void live_init(struct live_set *s);
void live_fini(struct live_set *s);

/* Takes over *j as a new member; NULL when there is no memory (then *j is still the caller's). */
struct live *live_add(struct live_set *s, struct job *j);
/* The member with this id, or NULL. */
struct live *live_find(const struct live_set *s, uint64_t id);
/* Takes the member out of the set; it is the caller's. */
void live_remove(struct live_set *s, struct live *l);
void live_free(struct live *l);
/* How many members there are. */
size_t live_count(const struct live_set *s);
/* Walks downwards: the member with the highest id below before, or NULL. */
struct live *live_below(const struct live_set *s, uint64_t before);

#endif
