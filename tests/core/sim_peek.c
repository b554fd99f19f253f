/* SPDX-License-Identifier: ISC */
/* See sim_peek.h. Looks, and decides nothing. */
#include "config.h"

#include "sim_peek.h"

#include "jobd/core/internal.h"

struct peek peek_job(struct engine *e, uint64_t id)
{
	const struct live *l = live_find(&e->live, id);

	if (!l)
		return (struct peek){0};
	return (struct peek){l->slot, l->phase == LIVE_STARTING, l->ready, l->late, order_has(l),
	    l->job.eligible_at_us, l->job.retry_at_us};
}

bool peek_suspect(struct engine *e, uint32_t uid)
{
	return order_is_suspect(&e->order, uid);
}

bool peek_backlog(struct engine *e)
{
	return depend_wants_turn(e) || batch_wants_turn(e) || waiting_next_us(e) == 0;
}

bool peek_awaits(struct engine *e, uint64_t id, uint64_t other)
{
	const struct live *l = live_find(&e->live, id);
	uint64_t ids[16];
	size_t n = l ? depend_awaited(l, ids, sizeof ids / sizeof ids[0]) : 0;

	while (n > 0 && ids[n - 1] != other)
		n--;
	return n > 0;
}
