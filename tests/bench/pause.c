/* SPDX-License-Identifier: ISC */
/*
 * A pause, from call to reply, of one of a thousand running trees of eight
 * processes (tree.c). Their spawning loops make a pause of SPAWN_MS between
 * spawns: without any, a thousand of them would share two processors between
 * them, and nothing else would run.
 *
 * Beside it: what a pause can't do without. Such a tree of our own is stopped,
 * and seen stopped, between two appends with an fdatasync each (the intent,
 * the fact), on the same busy machine.
 */
#include "config.h"

#include "bench/bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/tree.h"

#define JOBS	  1000
#define PAUSES	  200 /* a round, each of another job */
#define SPAWN_MS  2000
#define RECORD	  300 /* bytes of an append */
#define STEP_US	  500 /* between looks, as the keeper's first */
#define STEPS	  10000

static void nap(unsigned us)
{
	nanosleep(&(struct timespec){ 0, (long)us * 1000 }, NULL);
}

static pid_t start_tree(const struct bench *b)
{
	char period[16];

	snprintf(period, sizeof period, "%d", SPAWN_MS);
	pid_t pid = fork();
	if (pid == 0) {
		execl(b->self, b->self, "tree", period, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void end_tree(struct tree *t)
{
	pid_t culprit;

	for (int i = 0; i < STEPS && tree_kill_step(t, &culprit) != TREE_DONE; i++)
		nap(STEP_US);
	tree_free(t);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* The tree of our own, all eight of it there. */
static struct tree *own_tree(const struct bench *b)
{
	pid_t pid = start_tree(b);
	struct tree *t = tree_new(0, NULL);

	if (!t || tree_adopt(t, pid, 0))
		bench_die("the tree could not be started");
	for (int i = 0; tree_count(t) < TREE_SIZE; i++) {
		if (i == STEPS)
			bench_die("the tree has only %zu processes", tree_count(t));
		nap(STEP_US);
	}
	return t;
}

static void run_bare(const struct bench *b, size_t n, struct series *ms)
{
	struct tree *t = own_tree(b);
	struct series ignored = { 0 };
	pid_t culprit;

	for (size_t i = 0; i < n; i++) {
		uint64_t start = clock_mono_us();
		loop_appends(b, RECORD, 1, &ignored);
		for (int k = 0; tree_stop_step(t, &culprit) != TREE_DONE; k++) {
			if (k == STEPS)
				bench_die("process %d does not stop", (int)culprit);
			nap(STEP_US);
		}
		loop_appends(b, RECORD, 1, &ignored);
		series_add(ms, (double)(clock_mono_us() - start) / 1000);
		tree_continue(t);
		nap(5000);
	}
	series_fini(&ignored);
	end_tree(t);
}

static void run_jobd(struct instance *i, const uint64_t *ids, size_t n, struct series *ms)
{
	for (size_t k = 0; k < n; k++) {
		json_t *p = json_pack("{s:I}", "id", (json_int_t)ids[k]);
		uint64_t start = clock_mono_us();
		json_decref(instance_call(i, "org.jobd.Job.Pause", json_incref(p)));
		series_add(ms, (double)(clock_mono_us() - start) / 1000);
		json_decref(instance_call(i, "org.jobd.Job.Resume", p));
		nap(5000);
	}
}

/* All of them running, and all their processes there: forks go on after the start. */
static void fill(const struct bench *b, struct instance *i, uint64_t *ids, size_t n)
{
	char period[16];

	snprintf(period, sizeof period, "%d", SPAWN_MS);
	json_t *p = json_pack("{s:[s, s, s]}", "command", b->self, "tree", period);
	uint64_t start = clock_mono_us();
	instance_submit(i, p, n, false, ids);
	instance_await(i, "running", (int64_t)n);
	double s = (double)(clock_mono_us() - start) / 1e6;
	struct timespec settle = { 3, 0 };
	nanosleep(&settle, NULL);
	figures_note("%zu jobs were running after %.1f s; jobd has %lld kB", n, s,
	    (long long)instance_health(i, "rss_kb"));
	json_decref(p);
}

static void empty(struct instance *i, const uint64_t *ids, size_t n)
{
	for (size_t k = 0; k < n; k++)
		json_decref(instance_call(i, "org.jobd.Job.Cancel",
		    json_pack("{s:I, s:b}", "id", (json_int_t)ids[k], "now", 1)));
	instance_await(i, "running", 0);
}

static void print(struct series jobd[3], struct series bare[3])
{
	static const char *const names[] = { "median", "p99", "longest" };

	for (int k = 0; k < 3; k++) {
		figures_print(names[k], &jobd[k], MILLISECONDS, k == 1 ? AT_MOST : NO_BOUND, 20);
		figures_base("stopping, and two synced appends", &bare[k], MILLISECONDS, NO_BOUND, 0);
		series_fini(&jobd[k]);
		series_fini(&bare[k]);
	}
}

/* Median, 99 % and the longest of a round, each into its series. */
static void sum_up(struct series *round, struct series out[3])
{
	series_add(&out[0], series_median(round));
	series_add(&out[1], series_at(round, 0.99));
	series_add(&out[2], series_at(round, 1));
	series_fini(round);
}

static void measure(const struct bench *b, const char *name, const char *cgroup)
{
	size_t jobs = bench_count(b, JOBS), n = bench_count(b, PAUSES);
	struct series jobd[3] = { { 0 } }, bare[3] = { { 0 } };
	uint64_t ids[JOBS];
	struct instance i;
	char config[300];

	snprintf(config, sizeof config, "max_running = %zu\ncgroup = \"%s\"\n", jobs, cgroup);
	instance_start(b, name, config, NULL, &i);
	fill(b, &i, ids, jobs);
	for (unsigned r = 0; r < b->rounds; r++) {
		struct series ours = { 0 }, theirs = { 0 };
		run_bare(b, n, &ours);
		run_jobd(&i, ids + r * n % (jobs - n + 1), n, &theirs);
		sum_up(&ours, bare);
		sum_up(&theirs, jobd);
	}
	print(jobd, bare);
	empty(&i, ids, jobs);
	instance_stop(&i);
}

void pause_run(const struct bench *b)
{
	char head[160];

	snprintf(head, sizeof head,
	    "%zu running trees of %d processes, a spawn in each every %d ms; %zu pauses a run",
	    bench_count(b, JOBS), TREE_SIZE, SPAWN_MS, bench_count(b, PAUSES));
	figures_head("Pause, trees walked", head);
	measure(b, "pause", "no");
	if (!b->cgroup)
		return;
	figures_head("Pause, a cgroup each", head);
	measure(b, "pause-cgroup", b->cgroup);
}
