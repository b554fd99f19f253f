/* SPDX-License-Identifier: ISC */
/* What the simulation has to see of the engine that nobody else may: who holds a slot, and how a
 * start stands. */
#ifndef TESTS_SIM_PEEK_H
#define TESTS_SIM_PEEK_H

#include <stdbool.h>
#include <stdint.h>

struct engine;

struct peek {
	bool slot, starting, ready, late, waits; /* waits: it stands in the order */
	uint64_t eligible; /* its eligible_at_us, and retry_at_us: engine_get has them too, and
			      takes longer */
	uint64_t retry_at;
};

/* All 0 where the job is not live. */
struct peek peek_job(struct engine *e, uint64_t id);
/* Whether a start of this user's hung, and none has got ready since. */
bool peek_suspect(struct engine *e, uint32_t uid);
/* Whether the job waits for that other one, which is live. */
bool peek_awaits(struct engine *e, uint64_t id, uint64_t other);
/* Whether something that is due was left for the next turn: slices keep a turn short. */
bool peek_backlog(struct engine *e);

#endif
