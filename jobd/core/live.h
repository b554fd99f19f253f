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

#include "jobd/core/due.h"
#include "jobd/core/heap.h"
#include "jobd/core/job.h"

struct edge;
struct job_watch;
struct order_line;
struct pause_waiter;
struct queue;

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
	struct queue *queue;	/* never NULL */
	size_t bytes;		/* job_bytes, as its user has them */
	struct order_line *line; /* order's: it stands in, or NULL */
	size_t heap_at;		/* its place in the line, or among those that resume */
	uint64_t rank;		/* smaller starts earlier */
	uint64_t due_us[DUE_CLOCKS]; /* due's; 0: nothing is */
	size_t due_at[DUE_CLOCKS];
	struct edge *after;	/* depend's: what it waits for */
	struct edge *before;	/* who waits for it */
	unsigned nafter, unmet; /* of after: all, and those that it still waits for */
	unsigned seen;		/* by the search number so */
	struct live *next_unique; /* unique's */
	bool dirty;		/* to be put in this turn */
	bool progress_dirty;	/* to be put within a second */
	bool silent;		/* its keeper does not answer */
	bool counted;		/* among those of its user that wait */
	bool slot;		/* it is one of engine.active */
	bool staged;		/* of a batch that is not sealed: in no set */
	bool ready;		/* LIVE_STARTING: it stands at the gate */
	bool late;		/* LIVE_STARTING: it is not waited for until it is ready */
	uint64_t started_us;	/* mono: when the start was begun */
	struct live *next_starting;
	uint64_t start_nonce;	/* of the keeper that prepares it */
	uint32_t start_attempt;
	unsigned failed_starts; /* in a row, for the back-off */
	int start_error;	/* of the last of them, -errno; 0: not known */
	uint64_t start_again_us; /* mono: queued, and no start is tried before; 0: at any time */
	struct job_watch *watches;
	struct pause_waiter *pause_waiters;
	struct live *next_dirty;
};

struct live_set {
	struct live **by_id; /* NULL: a hole; ascending ids */
	uint64_t *ids;	     /* the id of each place, holes too */
	size_t len, cap, holes;
};

/* A set without members. */
void live_init(struct live_set *s);
/* Frees it, and its members with it. */
void live_fini(struct live_set *s);

/* A live job that is in no set. Takes over *j; NULL when there is no memory (then *j is still the
 * caller's). */
struct live *live_new(struct job *j);
/* The same, as a new member. */
struct live *live_add(struct live_set *s, struct job *j);
/* Takes in n, whose ids ascend and are not in the set. False when there is no memory, and nothing
 * is changed. */
bool live_merge(struct live_set *s, struct live *const *v, size_t n);
/* The member with this id, or NULL. */
struct live *live_find(const struct live_set *s, uint64_t id);
/* Takes the member out of the set; it is the caller's. */
void live_remove(struct live_set *s, struct live *l);
/* Frees one that is in no set, and its job. NULL is fine. */
void live_free(struct live *l);
/* How many members there are. */
size_t live_count(const struct live_set *s);
/* Calls fn with each, in the order of ids; fn does not add or remove any. */
void live_each(const struct live_set *s, void (*fn)(void *ctx, struct live *l), void *ctx);
/* Walks downwards: the member with the highest id below before, or NULL. */
struct live *live_below(const struct live_set *s, uint64_t before);

#endif
