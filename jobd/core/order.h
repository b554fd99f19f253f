/* SPDX-License-Identifier: ISC */
/*
 * The order in which jobs start, and of whom they are.
 *
 * The jobs of one user stand in a line, by rank, and of the same rank the older
 * one first; whoever is first of all lines comes first. A line can be closed:
 * nobody in it comes first then, however long it is, and that costs nothing.
 *
 * A line is closed while its user is *suspect* and a start of his is under way:
 * one of his starts did not get ready in time, since his name service, or his
 * file system, hangs. So he has one start at a time that tries, and the others
 * are not held up by the rest.
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

/* All zero: nobody has anything. A user with nothing has no record. */
struct order {
	struct order_user *buckets[ORDER_BUCKETS];
	struct heap open; /* the users whose lines are open, and not empty */
};

void order_fini(struct order *o);

/* One job more of this user waits (queued or held). False when there is no memory. */
bool order_wait(struct order *o, uint32_t uid);
/* One less of those. */
void order_wait_no_more(struct order *o, uint32_t uid);
size_t order_waiting(const struct order *o, uint32_t uid);

/* Puts a waiting job into its user's line, or moves it there. False when there is no memory. */
bool order_put(struct order *o, struct live *l, uint64_t rank);
/* Takes it out; nothing when it is in no line. */
void order_take(struct order *o, struct live *l);
/* Whether it stands in a line. */
bool order_has(const struct live *l);
/* The one that comes first, or NULL. */
struct live *order_first(const struct order *o);
/* Whether a comes before b. */
bool order_before(const struct live *a, const struct live *b);

/* A start of this user's begins, and is over (ready and let go, or given up). False: no memory. */
bool order_start_begun(struct order *o, uint32_t uid);
void order_start_over(struct order *o, uint32_t uid);
/* A start of his is late; one got ready. It is forgotten with his last job that waits. */
void order_set_suspect(struct order *o, uint32_t uid, bool is);
bool order_is_suspect(const struct order *o, uint32_t uid);

#endif
