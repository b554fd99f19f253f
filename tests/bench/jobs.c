/* SPDX-License-Identifier: ISC */
/*
 * Trivial jobs: /bin/true, durable, four slots, submitted beforehand. The slots
 * are filled with sleepers while the jobs are submitted; then the sleepers are
 * cancelled, and the rate is taken from the jobs' own times.
 */
#include "config.h"

#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define SLOTS 4
#define JOBS  2000
#define PAGE  1000

struct times {
	uint64_t from, to; /* ids */
	json_int_t first_us, last_us;
	size_t n;
};

static void take_page(struct times *t, json_t *jobs)
{
	size_t at;
	json_t *job;

	json_array_foreach(jobs, at, job) {
		uint64_t id = (uint64_t)json_integer_value(json_object_get(job, "id"));
		json_int_t started = json_integer_value(json_object_get(job, "started_at_us"));
		json_int_t ended = json_integer_value(json_object_get(job, "ended_at_us"));
		if (id < t->from || id > t->to)
			continue;
		if (started < t->first_us || t->n == 0)
			t->first_us = started;
		if (ended > t->last_us)
			t->last_us = ended;
		t->n++;
	}
}

/* Jobs a second, from the first start to the last end. */
static double rate_of(struct instance *i, const uint64_t *ids, size_t n)
{
	struct times t = { .from = ids[0], .to = ids[n - 1] };
	char cursor[40] = "";

	while (t.n < n) {
		json_t *p = json_pack("{s:i, s:[s]}", "limit", PAGE, "states", "completed");
		if (*cursor)
			json_object_set_new(p, "cursor", json_string(cursor));
		json_t *r = instance_call(i, "org.jobd.Job.List", p);
		size_t before = t.n;
		take_page(&t, json_object_get(r, "jobs"));
		const char *next = json_string_value(json_object_get(r, "cursor"));
		snprintf(cursor, sizeof cursor, "%s", next ? next : "");
		json_decref(r);
		if (t.n < n && (!*cursor || t.n == before))
			bench_die("of %zu trivial jobs %zu completed", n, t.n);
	}
	return (double)n * 1e6 / (double)(t.last_us - t.first_us);
}

static double run_jobd(struct instance *i, size_t n)
{
	json_t *sleeper = json_pack("{s:[s, s], s:i}", "command", "sleep", "600", "priority", 1);
	json_t *trivial = json_pack("{s:[s]}", "command", "/bin/true");
	uint64_t sleepers[SLOTS], *ids = calloc(n, sizeof *ids);

	if (!ids)
		bench_die("no memory");
	instance_submit(i, sleeper, SLOTS, false, sleepers);
	instance_await(i, "running", SLOTS);
	instance_submit(i, trivial, n, false, ids);
	for (size_t k = 0; k < SLOTS; k++)
		json_decref(instance_call(i, "org.jobd.Job.Cancel",
		    json_pack("{s:I, s:b}", "id", (json_int_t)sleepers[k], "now", 1)));
	instance_await(i, "queued", 0);
	instance_await(i, "running", 0);
	double rate = rate_of(i, ids, n);
	json_decref(sleeper);
	json_decref(trivial);
	free(ids);
	return rate;
}

/* All three, interleaved; cgroup is jobd's and the loop's, or "no". */
static void measure(const struct bench *b, const char *name, const char *cgroup, const char *what)
{
	struct series jobd = { 0 }, keepers = { 0 }, bare = { 0 };
	size_t n = bench_count(b, JOBS);
	struct instance i;
	char config[300];

	snprintf(config, sizeof config, "max_running = %d\ncgroup = \"%s\"\n", SLOTS, cgroup);
	instance_start(b, name, config, NULL, &i);
	for (unsigned r = 0; r < b->rounds; r++) {
		series_add(&bare, loop_bare(n));
		series_add(&keepers, loop_keepers(b, *cgroup == '/' ? cgroup : NULL, n));
		series_add(&jobd, run_jobd(&i, n));
	}
	instance_stop(&i);
	figures_print(what, &jobd, PER_SECOND, NO_BOUND, 0);
	figures_base("the keeper's contract alone", &keepers, PER_SECOND, AT_LEAST, 0.75);
	figures_base("a bare loop of spawns", &bare, PER_SECOND, AT_LEAST, 0.45);
	series_fini(&jobd);
	series_fini(&keepers);
	series_fini(&bare);
}

/* Processor time of the children that were waited for, theirs included. */
static double children_us(void)
{
	struct rusage ru;

	getrusage(RUSAGE_CHILDREN, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e6 +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

void keepers_run(const struct bench *b)
{
	struct series keepers = { 0 }, bare = { 0 }, keeper_us = { 0 }, bare_us = { 0 };
	size_t n = bench_count(b, JOBS);

	figures_head("Keepers", "/bin/true, four slots, no jobd: for those who change the keeper");
	for (unsigned r = 0; r < b->rounds; r++) {
		double start = children_us();
		series_add(&bare, loop_bare(n));
		double middle = children_us();
		series_add(&keepers, loop_keepers(b, NULL, n));
		series_add(&bare_us, (middle - start) / (double)n);
		series_add(&keeper_us, (children_us() - middle) / (double)n);
	}
	figures_print("the keeper's contract alone", &keepers, PER_SECOND, NO_BOUND, 0);
	figures_base("a bare loop of spawns", &bare, PER_SECOND, NO_BOUND, 0);
	figures_print("processor time of one, its command's included", &keeper_us, MICROSECONDS,
	    NO_BOUND, 0);
	figures_base("a bare spawn", &bare_us, MICROSECONDS, NO_BOUND, 0);
	series_fini(&keepers);
	series_fini(&bare);
	series_fini(&keeper_us);
	series_fini(&bare_us);
}

void jobs_run(const struct bench *b)
{
	char head[120];

	snprintf(head, sizeof head, "%zu jobs a run: /bin/true, durable, %d slots, submitted beforehand",
	    bench_count(b, JOBS), SLOTS);
	figures_head("Trivial jobs", head);
	measure(b, "jobs", "no", "jobs, trees walked");
	if (b->cgroup)
		measure(b, "jobs-cgroup", b->cgroup, "jobs, a cgroup each");
	else
		figures_note("no cgroup v2 directory to write to: not measured with a cgroup each");
}
