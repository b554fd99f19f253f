/* SPDX-License-Identifier: ISC */
/*
 * Logs that are to be removed: a deleted job's, and those of attempts that its history has no room
 * for.
 *
 * None is removed before the commit that forgets it, and nothing else knows of it afterwards: who
 * dies in between finds it in the store, which has a row for each from that commit on. The row
 * goes with the next turn that puts something, and costs no commit of its own; one that has stayed
 * behind makes the next start look once more.
 */
#include "config.h"

#include <string.h>

#include "jobd/core/internal.h"
#include "lib/array.h"

static bool note(struct engine *e, uint64_t id, uint32_t attempt)
{
	struct doomed_log *d = array_room(e->doomed, e->ndoomed, &e->doomed_cap, sizeof *d);

	if (!d) {
		e->out_of_memory = true;
		return false;
	}
	e->doomed = d;
	e->doomed[e->ndoomed++] = (struct doomed_log){ id, attempt };
	return true;
}

void logs_doom(struct engine *e, uint64_t id, const struct job_attempt *a)
{
	if (a->number && !a->silent)
		logs_doom_number(e, id, a->number);
}

void logs_doom_number(struct engine *e, uint64_t id, uint32_t attempt)
{
	store_log_doom(e->store, id, attempt);
	note(e, id, attempt);
	e->marks |= MARK_DOOM;
}

void logs_forget(struct engine *e)
{
	if (!e->nremoved || (!e->dirty && e->nremoved == e->ndoomed))
		return;
	for (size_t i = 0; i < e->nremoved; i++)
		store_log_forget(e->store, e->doomed[i].id, e->doomed[i].attempt);
	e->ndoomed -= e->nremoved;
	memmove(e->doomed, e->doomed + e->nremoved, e->ndoomed * sizeof *e->doomed);
	e->nremoved = 0;
}

void logs_remove(struct engine *e)
{
	for (; e->nremoved < e->ndoomed; e->nremoved++)
		proc_log_remove(e->proc, e->doomed[e->nremoved].id, e->doomed[e->nremoved].attempt);
}

static bool load_one(void *ctx, uint64_t id, uint32_t attempt)
{
	return note(ctx, id, attempt);
}

int logs_load(struct engine *e)
{
	return store_logs_load(e->store, load_one, e);
}
