/* SPDX-License-Identifier: ISC */
/*
 * Slots, and the jobs whose keepers prepare them.
 *
 * A start is begun without a slot, and given one: at once where one is free,
 * else when one comes free. Its gate opens when it is ready and has one. A
 * slot is given back when its job has ended, or with the start.
 *
 * A start that is not ready after a second is *late*: a name service or a file
 * system hangs. It gives its slot back, and is not waited for until it is
 * ready; its user is suspect till then (order.h), and so costs the others
 * neither their slots nor more than one keeper.
 */
#include "config.h"

#include "jobd/core/internal.h"

#define LATE_US	 1000000u
#define AHEAD_US 1000000u /* what was looked up for a start is no older than that when it runs */

bool starts_awaits_slot(const struct live *l)
{
	return l->phase == LIVE_STARTING && !l->slot && (l->ready || !l->late);
}

static bool is_ahead(const struct live *l)
{
	return !l->slot && !l->late;
}

void starts_begin(struct engine *e, struct live *l)
{
	l->phase = LIVE_STARTING;
	l->ready = false;
	l->late = order_is_suspect(&e->order, l->job.uid);
	l->started_us = e->mono_us();
	l->next_starting = e->starting;
	e->starting = l;
	e->nahead += is_ahead(l);
	e->started++;
	if (!order_start_begun(&e->order, l->job.uid))
		e->out_of_memory = true;
}

/* It is no start any more. */
static void unlist(struct engine *e, struct live *l)
{
	struct live **at = &e->starting;

	while (*at != l)
		at = &(*at)->next_starting;
	*at = l->next_starting;
	l->next_starting = NULL;
	e->nahead -= is_ahead(l);
	order_start_over(&e->order, l->job.uid);
}

void starts_take_slot(struct engine *e, struct live *l)
{
	if (l->slot)
		return;
	l->slot = true;
	e->active++;
	if (!order_slot_taken(&e->order, l))
		e->out_of_memory = true;
	if (l->job.state == JOB_PAUSED)
		starts_note_paused(e, l, true);
}

void starts_note_paused(struct engine *e, struct live *l, bool is)
{
	if (!l->slot)
		return;
	if (is)
		e->active_paused++;
	else
		e->active_paused--;
	order_slot_paused(&e->order, l, is);
}

void starts_release_slot(struct engine *e, struct live *l)
{
	if (!l->slot)
		return;
	if (l->job.state == JOB_PAUSED)
		starts_note_paused(e, l, false);
	l->slot = false;
	e->active--;
	order_slot_given(&e->order, l);
}

/* The gate opens with the commit that has it running. */
static void open_gate(struct engine *e, struct live *l, const struct proc_ready *r)
{
	struct step s = { .event = EVENT_START, .ready = r };

	unlist(e, l);
	engine_step(e, l, &s);
}

void starts_give_slot(struct engine *e, struct live *l)
{
	struct proc_ready r;

	e->nahead -= is_ahead(l);
	starts_take_slot(e, l);
	if (l->ready && proc_is_ready(e->proc, l->job.id, &r))
		open_gate(e, l, &r);
}

void starts_ready(struct engine *e, struct live *l, const struct proc_ready *r)
{
	l->ready = true;
	order_set_suspect(&e->order, l->job.uid, false);
	if (l->slot)
		open_gate(e, l, r);
}

void starts_adopt(struct engine *e, struct live *l)
{
	l->phase = LIVE_ACTIVE;
	if (l->job.state != JOB_PAUSED || !l->job.slot_released)
		starts_take_slot(e, l);
}

void starts_leave(struct engine *e, struct live *l)
{
	if (l->phase == LIVE_STARTING)
		unlist(e, l);
	starts_release_slot(e, l);
	l->ready = l->late = false;
	l->phase = LIVE_IDLE;
}

void starts_abandon(struct engine *e, struct live *l)
{
	if (l->phase != LIVE_STARTING)
		return;
	proc_abandon(e->proc, l->job.id);
	starts_leave(e, l);
}

void starts_put_back(struct engine *e, struct live *l)
{
	if (l->phase != LIVE_STARTING || l->slot)
		return;
	starts_abandon(e, l);
	waiting_place(e, l);
}

/* The last one that was begun comes first, and goes first where there is one too many. */
void starts_limits_changed(struct engine *e)
{
	for (struct live *l = e->starting, *next; l; l = next) {
		next = l->next_starting;
		if (l->slot && e->active <= e->settings.max_running && !order_is_over(&e->order, l))
			continue;
		starts_abandon(e, l);
		waiting_place(e, l);
	}
}

static void make_late(struct engine *e, struct live *l)
{
	e->nahead -= is_ahead(l);
	starts_release_slot(e, l);
	l->late = true;
	order_set_suspect(&e->order, l->job.uid, true);
}

void starts_tick(struct engine *e)
{
	uint64_t now = e->mono_us();

	for (struct live *l = e->starting, *next; l; l = next) {
		next = l->next_starting;
		if (!l->ready && !l->late && now - l->started_us >= LATE_US)
			make_late(e, l);
		else if (is_ahead(l) && now - l->started_us >= AHEAD_US)
			starts_put_back(e, l);
	}
}
