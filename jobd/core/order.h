/* SPDX-License-Identifier: ISC */
/*
 * The order in which jobs start, and of whom and of which queue they are.
 *
 * The jobs of one user in one queue stand in a line, by rank, and of the same rank the older one
 * first; whoever is first of all lines comes first. A line or a whole queue can be closed: nobody
 * in it comes first then, however long it is, and that costs nothing.
 *
 * A queue is closed while as many of its jobs hold a slot as may, or while it is shut. The lines
 * of a user are closed while as many of that user's jobs do, or while the user is *suspect* and has
 * a start under way: an earlier start did not get ready in time, since the user's name service, or
 * file system, hangs. So a suspect user has one start at a time that tries, and the others are not
 * held up by the rest.
 */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobd/core/heap.h"

#define ORDER_BUCKETS 256u

struct live;
struct order_user;

/* A queue, as far as the order goes; embedded in core's. */
struct order_queue {
	struct heap lines; /* the open ones that are not empty */
	size_t at;	   /* in order.open */
	unsigned running;  /* jobs of it that hold a slot */
	unsigned paused;   /* of them, those that are paused */
	unsigned most;	   /* that may; 0: any number */
	bool shut;
};

/* All zero: nobody has anything. A user with nothing has no record. */
struct order {
	struct order_user *buckets[ORDER_BUCKETS];
	struct heap open; /* the queues that are open, and have an open line */
	unsigned user_most; /* jobs of one user that may hold a slot; 0: any number */
};

/* A queue without jobs or limits. */
void order_queue_init(struct order_queue *q);
/* Frees what it has; no job stands in it any more. */
void order_queue_fini(struct order_queue *q);
/* Frees the users and the lines. Jobs that stand in one are not touched. */
void order_fini(struct order *o);

/* What is counted of a user, for the limits on one. */
enum order_count {
	ORDER_WAITING, /* jobs that wait, as engine_waiting has it */
	ORDER_LINKS,   /* jobs that theirs wait for, each counted for each of those */
	ORDER_BYTES,   /* of the live jobs (job_bytes) */
	ORDER_COUNTS
};

/* So many more of this user. False: no memory, and nothing is counted. */
bool order_count_add(struct order *o, uint32_t uid, enum order_count what, size_t n);
/* So many fewer: no more than there are. */
void order_count_drop(struct order *o, uint32_t uid, enum order_count what, size_t n);
/* How many there are. */
size_t order_count(const struct order *o, uint32_t uid, enum order_count what);

/* Puts a job into its line, or moves it there. Its queue does not change while it stands there.
 * False when there is no memory. */
bool order_put(struct order *o, struct live *l, uint64_t rank);
/* Takes it out; nothing when it is in no line. */
void order_take(struct order *o, struct live *l);
/* Whether it stands in a line. */
bool order_has(const struct live *l);
/* The one that comes first, or NULL. */
struct live *order_first(const struct order *o);
/* A heap of jobs that stand in no line, by the same order. */
extern const struct heap_kind order_jobs;
/* Whether a comes before b. */
bool order_before(const struct live *a, const struct live *b);

/* A job holds a slot from now on. False: no memory. */
bool order_slot_taken(struct order *o, struct live *l);
/* It holds it no more, and was last said not to be paused. */
void order_slot_given(struct order *o, struct live *l);
/* One that holds a slot is paused, and is not any more. */
void order_slot_paused(struct order *o, struct live *l, bool is);
/* Of a paused job that holds a slot: whether it may run, as far as the limits of its queue and of
 * its user go. Those that are paused do not count. */
bool order_may_run(const struct order *o, const struct live *l);
/* Whether its queue, shut or not, and its user have room for one more, apart from so many others
 * that are meant to get theirs. */
bool order_has_room(const struct order *o, const struct live *l, unsigned others);
/* Whether its queue is shut, or more jobs of its queue, or of its user, hold a slot than may. */
bool order_is_over(const struct order *o, const struct live *l);
/* How many jobs of this user hold a slot. */
unsigned order_running(const struct order *o, uint32_t uid);

/* New limits of a queue, as in struct order_queue. False: no memory. */
bool order_queue_set(struct order *o, struct order_queue *q, unsigned most, bool shut);
/* A new limit of every user's, as in struct order. False: no memory. */
bool order_user_most(struct order *o, unsigned most);
/* Whether as many jobs of this user hold a slot as may. */
bool order_user_is_full(const struct order *o, uint32_t uid);

/* A start of this user's begins. False: no memory. */
bool order_start_begun(struct order *o, uint32_t uid);
/* It is over: ready and let go, or given up. */
void order_start_over(struct order *o, uint32_t uid);
/* The user is suspect (a start is late), or is not (one got ready). It is forgotten with the user's
 * last job. */
void order_set_suspect(struct order *o, uint32_t uid, bool is);
/* Whether the user is. */
bool order_is_suspect(const struct order *o, uint32_t uid);

#endif
