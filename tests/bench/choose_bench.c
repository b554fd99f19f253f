/* SPDX-License-Identifier: ISC */
/*
 * What choosing costs: core alone, over a store and keepers that do nothing. A thousand jobs run, many
 * are queued, in 20 queues by 50 users, with limits and priorities, some waiting for others. Again and again one
 * ends, the next is chosen, begun and runs, and another is submitted. CPU time of this process, without that of the
 * clock.
 *
 *	choose_bench [QUEUED...]	(10000 100000)
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobd/core/engine.h"
#include "jobd/core/queues.h"
#include "jobd/proc/proc.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/str.h"

#include "bench/nothing.h"

#define RUNNING 1000
#define QUEUES	20
#define USERS	50
#define CYCLES	20000
#define WANTED_US 20

static struct engine *engine;
static unsigned seed = 7;

static unsigned any(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* What the two looks at the clock cost by themselves. */
static double clock_us(void)
{
	double start = cpu_us();

	for (int i = 0; i < 1000; i++)
		cpu_us();
	return (cpu_us() - start) / 1000;
}

static void declare(void)
{
	static char most[QUEUES][32];
	static char *rules[QUEUES][2];
	struct queue_declaration q[QUEUES];
	static char names[QUEUES][16];

	for (unsigned i = 0; i < QUEUES; i++) {
		snprintf(names[i], sizeof names[i], "queue%u", i);
		snprintf(most[i], sizeof most[i], "max_running=%u", 40 + i * 3);
		rules[i][0] = most[i];
		q[i] = (struct queue_declaration){ names[i], rules[i] };
	}
	engine_declare_queues(engine, q, QUEUES);
}

static uint64_t submit(uint64_t last)
{
	struct job draft;
	struct job_after after = { .id = last, .on = AFTER_ANY };
	struct submission s = { .draft = &draft, .after = &after };
	const struct actor root = { 0, "root", 1, "bench" };
	uint64_t id = 0;

	job_init(&draft);
	draft.uid = 1000 + any(USERS);
	draft.user = str_printf("user%u", draft.uid);
	draft.queue = str_printf("queue%u", any(QUEUES));
	draft.command = calloc(3, sizeof *draft.command);
	draft.command[0] = strdup("/usr/bin/ingest");
	draft.command[1] = strdup("/data/incoming/2026-11-21");
	draft.cwd = strdup("/data/incoming");
	draft.priority = (uint8_t)(1 + any(10));
	s.nafter = last && any(10) == 0;
	engine_submit(engine, &root, &s, &id);
	return id;
}

/* Every start that was begun gets ready, and runs. */
static void let_run(void)
{
	const struct proc_ready r = { .keeper_pid = 100, .pid = 101 };
	uint64_t id;

	while ((id = nothing_started()) != 0)
		engine_proc_events()->ready(engine, id, &r);
}

static void turn(void)
{
	if (engine_turn(engine))
		abort();
}

static void measure(size_t queued)
{
	const struct keeper_end end = { .kind = KEEPER_END_EXITED, .empty = true };
	struct engine_settings settings = { .max_running = RUNNING, .user_max_running = 60,
		.kill_grace_ms = 4000, .ageing_us = 600000000 };
	const struct engine_options o = { .settings = settings, .state_dir = "/", .boot_id = "boot",
		.real_us = clock_real_us, .mono_us = clock_mono_us, .free_bytes = nothing_free };
	double choose = 0, all = 0, look = 2 * clock_us();
	uint64_t last = 0;
	size_t ended = 0;

	engine = engine_new(&o);
	declare();
	engine_load(engine, NULL);
	for (size_t i = 0; i < queued + RUNNING; i++)
		last = submit(last);
	for (int i = 0; i < 2 * RUNNING; i++) {
		turn();
		let_run();
	}
	for (; ended < CYCLES; ended++) {
		uint64_t id = nothing_any_running(any);
		double start = cpu_us();
		engine_proc_events()->ended(engine, id, &end);
		double from = cpu_us();
		turn();
		choose += cpu_us() - from - look / 2;
		let_run();
		turn();
		all += cpu_us() - start - 2 * look;
		last = submit(last);
	}
	printf("%7zu queued: %4.1f us to choose and begin the next (wanted: at most %d, %s), %4.1f us with its "
	       "end and its running\n",
	    queued, choose / (double)ended, WANTED_US,
	    choose / (double)ended <= WANTED_US ? "holds" : "DOES NOT HOLD", all / (double)ended);
	engine_free(engine);
	nothing_forget();
}

int main(int argc, char **argv)
{
	log_set_level(0);
	if (argc < 2) {
		measure(10000);
		measure(100000);
	}
	for (int i = 1; i < argc; i++)
		measure((size_t)atol(argv[i]));
	return 0;
}
