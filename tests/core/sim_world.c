/* SPDX-License-Identifier: ISC */
/*
 * The world around the engine: the loop that main has, with a clock that jumps to whatever is due
 * next, and the deaths of jobd. Within a turn no time passes.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/proc/proc.h"
#include "jobd/store/store.h"
#include "sim_model.h"
#include "sim_proc.h"
#include "sim_store.h"

#define SPINS	  300 /* turns without a moment between them */
#define SETTLE_US (4 * 3600 * SECOND)

static struct world the;

struct world *world(void)
{
	return &the;
}

static uint64_t real_us(void)
{
	return the.real;
}

static uint64_t mono_us(void)
{
	return the.mono;
}

static uint64_t free_bytes(const char *dir)
{
	(void)dir;
	return the.free_bytes;
}

/* A jobd starts over what is committed, as main has it. */
static void start(void)
{
	const struct engine_options o = {.store = the.store,
	    .settings = the.settings,
	    .state_dir = "/nowhere",
	    .boot_id = the.boot,
	    .real_us = real_us,
	    .mono_us = mono_us,
	    .free_bytes = free_bytes};

	the.engine = engine_new(&o);
	if (!the.engine)
		abort();
	model()->settings = the.settings;
	steps_restarted();
	model_restarted();
	if (engine_load(the.engine, the.proc))
		sim_fail("jobd can't start");
	the.next_tick = the.mono + SECOND;
	check_look();
	engine_resume_stopped(the.engine);
	world_turn();
	check_rows();
}

void world_begin(void)
{
	the.real = UINT64_C(1700000000) * SECOND;
	the.mono = 1000 * SECOND;
	the.free_bytes = 1 << 20;
	the.lost = 6;
	snprintf(the.boot, sizeof the.boot, "boot-1");
	the.settings = (struct engine_settings){.max_running = 3,
	    .kill_grace_ms = 2000,
	    .ageing_us = 10 * SECOND,
	    .low_disk_bytes = 1000};
	model_init();
	the.store = sim_store_new();
	the.proc = sim_proc_new();
	start();
}

void world_end(void)
{
	engine_free(the.engine);
	sim_proc_free(the.proc);
	sim_store_end(the.store);
	model_fini();
}

void world_turn(void)
{
	the.turns++;
	if (engine_turn(the.engine))
		sim_fail("a turn fails");
	model_commit();
	check_turn();
	steps_check();
	sim_proc_turn_over(the.proc);
	proc_flush(the.proc);
}

void world_advance(uint64_t us)
{
	uint64_t target = the.mono + us;
	unsigned spins = 0;

	world_turn();
	do {
		uint64_t next = target, wait = engine_next_turn_us(the.engine);
		if (wait != UINT64_MAX && the.mono + wait < next)
			next = the.mono + wait;
		if (sim_proc_next(the.proc) < next)
			next = sim_proc_next(the.proc);
		if (the.next_tick < next)
			next = the.next_tick;
		if (next > the.mono) {
			the.real += next - the.mono;
			the.mono = next;
			spins = 0;
		} else if (++spins > SPINS) {
			sim_fail("jobd takes turn after turn, and no time passes");
		}
		sim_proc_run(the.proc);
		if (the.mono >= the.next_tick) {
			engine_tick(the.engine);
			the.next_tick = the.mono + SECOND;
		}
		world_turn();
	} while (the.mono < target);
}

void world_set_clock(void)
{
	int64_t by =
	    (int64_t)(2 * SECOND + sim_random(sim_chance(80) ? 30 * SECOND : 600 * SECOND));

	engine_tick(
	    the.engine); /* it sees by its ticks that the clock was set, from the second one on */
	world_turn();
	by = sim_chance(50) ? -by : by;
	sim_step("the clock is set by %lld us", (long long)by);
	the.real += (uint64_t)by;
	model_clock_was_set(by);
	engine_tick(the.engine);
	world_turn();
}

static void restart(void)
{
	the.restarts++;
	engine_free(the.engine);
	sim_proc_crashed(the.proc);
	if (the.lost && sim_chance(10)) {
		sim_add(", and the host restarts");
		snprintf(the.boot, sizeof the.boot, "boot-%llu", (unsigned long long)the.restarts);
		sim_proc_reboot(the.proc);
		model_rebooted();
	}
	the.store = sim_store_again(the.store);
	if (sim_chance(50)) {
		uint64_t down = sim_random(3 * SECOND);
		the.mono += down;
		the.real += down;
	}
	start();
}

void world_crash(void)
{
	static const char *const when[] = {"before its commit", "in a commit that is lost",
	    "in a commit that is kept", "right after its commit", "between two turns"};
	unsigned how = (unsigned)sim_random(5);

	if ((how == 1 && !sim_store_fail(the.store, COMMIT_LOST)) ||
	    (how == 2 && !sim_store_fail(the.store, COMMIT_KEPT)))
		how = 0;
	sim_step("jobd dies %s", when[how]);
	if (how == 1 || how == 2) {
		/* A turn with nothing to commit does not fail. */
		if (engine_turn(the.engine) == 0)
			sim_fail("a commit failed, and the turn went well");
		if (how == 2) {
			model_commit();
			for (size_t i = 0; i < model()->nlive; i++)
				model_job(model()->live[i])->eligible =
				    0; /* it was not looked at */
		}
	} else if (how == 3) {
		if (engine_turn(the.engine))
			sim_fail("a turn fails");
		model_commit();
		check_turn();
	} else if (how == 4) {
		world_turn();
	}
	model_forget_turn();
	restart();
}

void world_stop(void)
{
	const struct actor root = {0, "root", 1, "init"};
	enum on_stop how = (enum on_stop)(ON_STOP_KEEP + sim_random(3));
	uint64_t until;

	sim_step("jobd is told to stop: %s", on_stop_name(how));
	engine_stop(the.engine, &root, how, "a test");
	world_turn();
	until = the.mono + 5 * SECOND + the.settings.kill_grace_ms * 1000 + SECOND;
	while (!engine_may_leave(the.engine)) {
		if (the.mono > until)
			sim_fail("jobd stops, and does not leave");
		if (sim_chance(30))
			steps_ask();
		world_advance(sim_random(SECOND / 2));
	}
	sim_step("it has stopped");
	restart();
}

void world_settle(void)
{
	uint64_t until = the.mono + SETTLE_US;

	the.lost = 0;
	the.free_bytes = 1 << 20;
	engine_tick(the.engine);
	sim_step("nothing more is asked for");
	world_turn();
	while (model()->nlive) {
		steps_open_all();
		world_advance(10 * SECOND);
		if (the.mono > until) {
			struct why w;
			uint64_t id = model()->live[0];
			engine_why(the.engine, id, &w);
			sim_fail("job %llu never comes to its end: %s", (unsigned long long)id,
			    w.message);
		}
	}
}
