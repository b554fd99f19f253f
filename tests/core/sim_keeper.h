/* SPDX-License-Identifier: ISC */
/* One keeper of the simulation: what it will do is thrown when it is started, and when it does it
 * is in at_us. */
#ifndef TESTS_SIM_KEEPER_H
#define TESTS_SIM_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/kmsg.h"

enum phase { PREPARES, GATE, RUNS, STOPPED, OVER };

struct keeper {
	uint64_t id, nonce;
	uint32_t attempt;
	enum phase phase;
	enum keeper_level level, wanted; /* wanted: 0, or what is to be said at the flush */
	uint64_t grace_ms;
	bool release, released, acknowledged, adopted, silent;
	uint64_t at_us;	  /* mono; UINT64_MAX: it does nothing by itself */
	uint64_t left_us; /* of the command's run, as long as it is stopped */
	uint64_t end_at;  /* mono: its run is over then */
	int unstarted;	  /* error; 0: it gets ready */
	bool spawn_fails, unstoppable, lost, gone, vanishes;
	struct keeper_end end;
};

/* Throws what becomes of a new one. */
void keeper_throw(struct keeper *k);
/* From now on it is as it is told. */
void keeper_obey(struct keeper *k, enum keeper_level level);

#endif
