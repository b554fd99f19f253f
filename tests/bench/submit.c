/* SPDX-License-Identifier: ISC */
/*
 * Submissions, all durable, held so that nothing starts: ten thousand over one
 * pipelined connection, into a fresh store each time; and one at a time, beside
 * an append and an fdatasync of as many bytes as the call has.
 */
#include "config.h"

#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

#define JOBS	  10000
#define SINGLES	  500
#define VARIABLES 32
#define VARIABLE  64 /* bytes, with its NUL */

json_t *bench_environment(void)
{
	json_t *env = json_array();
	char var[VARIABLE];

	for (int i = 0; i < VARIABLES; i++) {
		memset(var, 'x', sizeof var);
		snprintf(var, sizeof var, "VARIABLE_%02d", i);
		var[strlen(var)] = '=';
		var[sizeof var - 1] = '\0';
		json_array_append_new(env, json_string(var));
	}
	return env;
}

static json_t *make_params(bool environment)
{
	json_t *p = json_pack("{s:[s], s:s, s:b}", "command", "/bin/true", "name", "ingest", "hold", 1);

	if (environment)
		json_object_set_new(p, "environment", bench_environment());
	return p;
}

/* Of the call as it is sent, with its NUL. */
static size_t bytes_of(json_t *params)
{
	json_t *call =
	    json_pack("{s:s, s:O}", "method", "org.jobd.Job.Submit", "parameters", params);
	size_t n = json_dumpb(call, NULL, 0, JSON_COMPACT);

	json_decref(call);
	return n + 1;
}

struct kind {
	const char *what;
	bool environment, tokens;
	double wanted;
	struct series jobd, appends;
};

/* A window's worth of calls is appended, and synced: what a program that only kept them would do. */
static double append_rate(const struct bench *b, size_t len, size_t n)
{
	struct series us = { 0 };
	double all = 0;

	loop_appends(b, len * BENCH_WINDOW / 2, n / (BENCH_WINDOW / 2), &us);
	for (size_t i = 0; i < us.n; i++)
		all += us.v[i];
	series_fini(&us);
	return (double)n * 1e6 / all;
}

static void run_pipelined(const struct bench *b, struct kind *k, unsigned round)
{
	json_t *params = make_params(k->environment);
	size_t n = bench_count(b, JOBS);
	struct instance i;
	char name[64];

	snprintf(name, sizeof name, "submit-%u%s%s", round, k->environment ? "-env" : "",
	    k->tokens ? "-tokens" : "");
	series_add(&k->appends, append_rate(b, bytes_of(params), n));
	instance_start(b, name, "max_running = 4\n", NULL, &i);
	uint64_t start = clock_mono_us();
	instance_submit(&i, params, n, k->tokens, NULL);
	series_add(&k->jobd, (double)n * 1e6 / (double)(clock_mono_us() - start));
	if (instance_jobs(&i, "held") != (int64_t)n)
		bench_die("of %zu submissions %lld are there", n,
		    (long long)instance_jobs(&i, "held"));
	instance_stop(&i);
	json_decref(params);
}

static void pipelined(const struct bench *b)
{
	struct kind kinds[] = {
		{ .what = "no environment", .wanted = 20000 },
		{ .what = "no environment, a token each", .tokens = true, .wanted = 20000 },
		{ .what = "2 kB of environment each", .environment = true, .wanted = 10000 },
	};
	const size_t n = sizeof kinds / sizeof *kinds;

	for (unsigned r = 0; r < b->rounds; r++)
		for (size_t k = 0; k < n; k++)
			run_pipelined(b, &kinds[k], r);
	for (size_t k = 0; k < n; k++) {
		figures_print(kinds[k].what, &kinds[k].jobd, PER_SECOND, AT_LEAST, kinds[k].wanted);
		figures_base("appends, synced by the 100", &kinds[k].appends, PER_SECOND, NO_BOUND, 0);
		series_fini(&kinds[k].jobd);
		series_fini(&kinds[k].appends);
	}
}

static void one_at_a_time(const struct bench *b)
{
	struct series jobd = { 0 }, appends = { 0 };
	json_t *params = make_params(false);
	size_t n = bench_count(b, SINGLES), len = bytes_of(params);
	struct instance i;

	instance_start(b, "submit-one", "max_running = 4\n", NULL, &i);
	for (unsigned r = 0; r < b->rounds; r++) {
		struct series a = { 0 }, s = { 0 };
		loop_appends(b, len, n, &a);
		for (size_t k = 0; k < n; k++) {
			uint64_t start = clock_mono_us();
			instance_submit(&i, params, 1, false, NULL);
			series_add(&s, (double)(clock_mono_us() - start));
		}
		series_add(&appends, series_median(&a));
		series_add(&jobd, series_median(&s));
		series_fini(&a);
		series_fini(&s);
	}
	instance_stop(&i);
	figures_print("one at a time, the median", &jobd, MICROSECONDS, NO_BOUND, 0);
	figures_base("an append and fdatasync of its size", &appends, MICROSECONDS, AT_MOST, 3);
	series_fini(&jobd);
	series_fini(&appends);
	json_decref(params);
}

void submit_run(const struct bench *b)
{
	char head[120];

	snprintf(head, sizeof head,
	    "%zu a run over one connection, at most %d unanswered, all durable; fresh stores",
	    bench_count(b, JOBS), BENCH_WINDOW);
	figures_head("Submissions", head);
	pipelined(b);
	one_at_a_time(b);
}
