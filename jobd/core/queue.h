/* SPDX-License-Identifier: ISC */
/*
 * A queue: its layers of rules, its state, its numbers. What the engine does with them is
 * queues.c's; the set of them is small and kept by name.
 */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobd/core/job.h"
#include "jobd/core/order.h"
#include "jobd/core/queues.h"
#include "lib/rules.h"

#define QUEUE_MINUTES 60u

struct queue {
	char *name;
	bool declared;	/* by the configuration; the default queue always */
	bool stale;	/* config is of the configuration before */
	char **config;	/* NAME=value; of one that is not declared any more as it was then */
	char **runtime; /* likewise */
	struct rules rules; /* in force */
	enum queue_state state;
	char *by;
	uint64_t since_us;
	struct order_queue order;
	size_t counts[JOB_STATES]; /* live jobs of it */
	uint64_t oldest_us;	   /* since when the one waits that waits longest; 0: none, when last looked */
	size_t staged;		   /* of batches that are not sealed */
	struct {
		uint64_t minute; /* the last one that anything was counted in */
		uint32_t n[QUEUE_MINUTES];
	} ended;
};

/* By name, ascending. All zero: none. */
struct queue_set {
	struct queue **v;
	size_t n;
};

/* The queue of this name, or NULL. */
struct queue *queue_find(const struct queue_set *s, const char *name);
/* That queue, made if it is not there (undeclared, with the default rules); NULL: no memory. */
struct queue *queue_make(struct queue_set *s, const char *name);
/* Takes it out, and frees it. */
void queue_remove(struct queue_set *s, struct queue *q);
/* Frees the set and its queues. */
void queue_set_fini(struct queue_set *s);

/* Whether anything depends on it yet: jobs, or values and a state that were set at run time. */
bool queue_is_used(const struct queue *q);
/* Works the rules in force out from the layers. False: no memory. */
bool queue_resolve(struct queue *q);
/* The layer that a value in force comes from. */
enum rule_origin queue_origin(const struct queue *q, enum rule which);

/* An attempt has ended. Time is monotonic. */
void queue_note_end(struct queue *q, uint64_t mono_us);
/* How many did in the hour before. */
uint64_t queue_ended(const struct queue *q, uint64_t mono_us);

#endif
