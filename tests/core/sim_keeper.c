/* SPDX-License-Identifier: ISC */
/* See sim_keeper.h. */
#include "config.h"

#include "sim_keeper.h"

#include <errno.h>
#include <signal.h>

#include "sim.h"

static void throw_end(struct keeper *k)
{
	bool calm = world()->lost == 0;
	uint64_t dice = calm ? 0 : sim_random(100);

	k->end = (struct keeper_end){.id = k->id,
	    .attempt = k->attempt,
	    .kind = KEEPER_END_EXITED,
	    .empty = true,
	    .silent = sim_chance(10)};
	k->lost = dice >= 100 - world()->lost;
	k->gone = sim_chance(50);
	if (dice < 60)
		k->end.status = 0;
	else if (dice < 75)
		k->end.status = 1 << 8;
	else if (dice < 82)
		k->end.status = 3 << 8;
	else
		k->end.status = SIGSEGV;
	k->end.shutdown = dice >= 86 && dice < 90;
}

void keeper_throw(struct keeper *k)
{
	uint64_t dice = world()->lost ? sim_random(100) : 0;

	k->at_us = world()->mono + 500 + sim_random(40000);
	if (dice >= 96)
		k->at_us += sim_random(4 * SECOND); /* a name service hangs */
	if (dice >= 80)
		k->unstarted = dice < 83   ? -EAGAIN
			       : dice < 86 ? -ETIMEDOUT
			       : dice < 87 ? -ESTALE
					   : 0;
	k->spawn_fails = dice >= 87 && dice < 90;
	k->vanishes = dice == 90;
	k->unstoppable = dice >= 91 && dice < 94;
	k->left_us = sim_chance(5) ? sim_random(60 * SECOND) : sim_random(4 * SECOND);
	throw_end(k);
}

void keeper_obey(struct keeper *k, enum keeper_level level)
{
	uint64_t now = world()->mono;

	k->level = level;
	if (k->phase == OVER)
		return;
	if (level == LEVEL_END) {
		if (k->phase == STOPPED)
			k->end_at = now + k->left_us;
		k->phase = RUNS;
		uint64_t soon = now + 1000 + (k->grace_ms ? sim_random(k->grace_ms * 1000) : 0);
		if (soon < k->end_at) {
			k->end_at = soon;
			k->end.status = sim_chance(70) ? SIGTERM : 0;
		}
		k->at_us = k->end_at;
	} else if (level == LEVEL_STOP && k->phase == RUNS) {
		uint64_t soon = now + 1 + sim_random(200000);
		k->at_us = soon < k->end_at ? soon : k->end_at;
	} else if (level == LEVEL_RUN) {
		if (k->phase == STOPPED)
			k->end_at = now + k->left_us;
		k->phase = RUNS;
		k->at_us = k->end_at;
	} else if (k->phase == STOPPED) {
		k->at_us = now + 1000; /* it says so again */
	}
}
