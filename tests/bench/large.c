/* SPDX-License-Identifier: ISC */
/*
 * A store of a million ended jobs: how soon jobd is ready, how long pages of 50
 * take, how much memory it has after that. The store is filled through the
 * store room, not by running jobs. Beside it, the same of a store of ten
 * thousand: the cost of a command does not grow with history.
 */
#include "config.h"

#include "bench/bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/random.h"
#include "jobd/store/store.h"
#include "lib/clock.h"
#include "lib/priority.h"

#define LARGE	 1000000
#define SMALL	 10000
#define CALLS	 100 /* a round and kind of page */
#define PROJECTS 20
#define USERS	 50
#define TURN	 1000 /* jobs a transaction, while filling */

/* ---- filling ---- */

static enum job_state random_state(void)
{
	uint32_t r = random32() % 100;

	return r < 90 ? JOB_COMPLETED : r < 98 ? JOB_FAILED : JOB_CANCELLED;
}

static void put_journal(struct store *s, const struct job *j)
{
	struct journal_entry e = { .at_us = j->submitted_at_us, .job = j->id, .verb = "submit",
		.to = JOB_QUEUED, .result = "ok", .has_actor = true, .uid = j->uid, .user = j->user,
		.pid = 12345, .process = "jobctl", .owner = j->uid };

	store_journal_put(s, &e);
	store_journal_put(s, &(struct journal_entry){ .at_us = j->now.started_at_us, .job = j->id,
	    .attempt = 1, .verb = "start", .from = JOB_QUEUED, .to = JOB_RUNNING, .result = "ok",
	    .owner = j->uid });
	store_journal_put(s, &(struct journal_entry){ .at_us = j->now.ended_at_us, .job = j->id,
	    .attempt = 1, .verb = "exit", .from = JOB_RUNNING, .to = j->state, .reason = j->reason,
	    .result = "ok", .has_status = true, .status = j->now.status, .owner = j->uid });
}

static void put_job(struct store *s, uint64_t now_us, size_t age)
{
	static const char *const queues[] = { "default", "nightly", "import", "export" };
	char user[16], project[16], queue[16], name[32], boot[] = "2f1c7d0e-3a52-4e0b-9d3c-aa6f7b1c2d3e";
	char program[] = "/usr/local/bin/ingest", what[] = "--all", *argv[] = { program, what, NULL };
	uint32_t u = random32() % USERS;
	struct job j;

	job_init(&j);
	j.id = store_next_id(s);
	j.state = random_state();
	j.reason = j.state == JOB_FAILED ? REASON_EXIT : REASON_NONE;
	j.priority = PRIORITY_DEFAULT;
	j.uid = j.submitter_uid = 1000 + u;
	snprintf(user, sizeof user, "user%02u", u);
	snprintf(project, sizeof project, "project%02u", random32() % PROJECTS);
	snprintf(queue, sizeof queue, "%s", queues[random32() % 4]);
	snprintf(name, sizeof name, "ingest-%" PRIu64, j.id);
	j.user = user;
	j.project = project;
	j.queue = queue;
	j.name = name;
	j.command = argv;
	j.umask = 022;
	j.attempts = 1;
	j.submitted_at_us = j.eligible_at_us = now_us - age * 10000000;
	j.now = (struct job_attempt){ .number = 1, .state = j.state, .reason = j.reason,
		.nonce = random32(), .keeper_pid = 1234, .pid = 1235, .keeper_start = 123456,
		.pid_start = 123457, .boot_id = boot, .started_at_us = j.submitted_at_us + 1000,
		.ended_at_us = j.submitted_at_us + 5001000, .has_status = true,
		.status = j.state == JOB_FAILED ? 0x100 : 0, .usage = { 12345, 2345, 0, 8 } };
	store_job_put(s, &j);
	put_journal(s, &j);
}

static struct store *open_store(const char *dir)
{
	struct store_options o = { .dir = dir };
	struct store *s;
	char *why;

	if (store_open(&o, &s, &why))
		bench_die("%s", why);
	return s;
}

static void fill(const char *dir, size_t n)
{
	struct store *s = open_store(dir);
	uint64_t counts[JOB_STATES] = { 0 }, sum = 0, start = clock_mono_us(), now = clock_real_us();

	store_ended_counts(s, counts);
	for (int k = 0; k < JOB_STATES; k++)
		sum += counts[k];
	for (size_t i = 0; sum == 0 && i < n; i++) {
		put_job(s, now, n - i);
		if (i % TURN == TURN - 1 || i + 1 == n) {
			if (store_commit(s))
				bench_die("%s can't be filled", dir);
			store_tick(s, clock_real_us());
		}
	}
	if (sum && sum != n)
		bench_die("%s holds %" PRIu64 " jobs, not %zu", dir, sum, n);
	store_close(s);
	figures_note("a store of %zu ended jobs %s: %.1f s", n, sum ? "was there" : "filled",
	    (double)(clock_mono_us() - start) / 1e6);
}

/* ---- measuring ---- */

static int read_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	static char room[1 << 20];
	int fd = type == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	(void)st;
	(void)at;
	while (fd >= 0 && read(fd, room, sizeof room) > 0)
		;
	if (fd >= 0)
		close(fd);
	return 0;
}

/* What a disk and its cache do is not jobd's: the store's files are read before each run. */
static void warm(const char *dir)
{
	nftw(dir, read_one, 32, FTW_PHYS);
}

enum filter { BY_STATE, BY_STATE_USER, BY_PROJECT_STATE, FILTERS };

static json_t *page_params(enum filter f, uint64_t below)
{
	static const char *const states[] = { "completed", "failed", "cancelled" };
	json_t *p = json_pack("{s:i, s:[s]}", "limit", 50, "states", states[random32() % 3]);
	char text[32];

	if (f == BY_STATE_USER) {
		snprintf(text, sizeof text, "user%02u", random32() % USERS);
		json_object_set_new(p, "users", json_pack("[s]", text));
	} else if (f == BY_PROJECT_STATE) {
		snprintf(text, sizeof text, "project%02u", random32() % PROJECTS);
		json_object_set_new(p, "projects", json_pack("[s]", text));
	}
	if (below) {
		snprintf(text, sizeof text, "%" PRIu64, below);
		json_object_set_new(p, "cursor", json_string(text));
	}
	return p;
}

struct pages {
	struct series page_ms; /* whole pages */
	struct series call_ms;
};

/* A call may give fewer than 50, and say where to go on: the page is whole when there are 50, or no more. */
static void whole_page(struct instance *i, json_t *params, struct pages *p)
{
	uint64_t first = clock_mono_us();

	for (size_t got = 0; got < 50;) {
		json_object_set_new(params, "limit", json_integer((json_int_t)(50 - got)));
		uint64_t start = clock_mono_us();
		json_t *r = instance_call(i, "org.jobd.Job.List", json_incref(params));
		series_add(&p->call_ms, (double)(clock_mono_us() - start) / 1000);
		got += json_array_size(json_object_get(r, "jobs"));
		json_t *cursor = json_object_get(r, "cursor");
		if (cursor)
			json_object_set(params, "cursor", cursor);
		json_decref(r);
		if (!cursor)
			break;
	}
	series_add(&p->page_ms, (double)(clock_mono_us() - first) / 1000);
	json_decref(params);
}

struct side {
	const char *name, *state;
	size_t jobs;
	struct series ready_ms, rss_mb;
	struct pages pages[FILTERS][2]; /* the first page; nine tenths down */
};

static void list(struct instance *i, struct side *s, size_t n)
{
	for (int f = 0; f < FILTERS; f++)
		for (int deep = 0; deep < 2; deep++)
			for (size_t k = 0; k < n; k++) {
				/* not always at the same place */
				uint64_t below = s->jobs / 10 + random32() % (s->jobs / 100);
				whole_page(i, page_params((enum filter)f, deep ? below : 0),
				    &s->pages[f][deep]);
			}
}

static void run(const struct bench *b, struct side *s, unsigned round)
{
	struct instance i;
	char name[64];

	snprintf(name, sizeof name, "%s-%u", s->name, round);
	warm(s->state);
	instance_start(b, name, "max_running = 4\n", s->state, &i);
	series_add(&s->ready_ms, (double)i.ready_us / 1000);
	list(&i, s, bench_count(b, CALLS));
	series_add(&s->rss_mb, (double)instance_health(&i, "rss_kb") / 1024);
	instance_stop(&i);
}

static void print_pages(const struct side *large, const struct side *small)
{
	static const char *const names[FILTERS][2] = {
		[BY_STATE] = { "page by state", "page by state, 900,000 deep" },
		[BY_STATE_USER] = { "page by state and user", "page by state and user, 900,000 deep" },
		[BY_PROJECT_STATE] = { "page by project and state",
		    "page by project and state, 900,000 deep" },
	};

	for (int f = 0; f < FILTERS; f++)
		for (int deep = 0; deep < 2; deep++) {
			const struct pages *l = &large->pages[f][deep];
			struct series l99 = { 0 }, s99 = { 0 };
			series_add(&l99, series_at(&l->page_ms, 0.99));
			series_add(&s99, series_at(&small->pages[f][deep].page_ms, 0.99));
			figures_print(names[f][deep], &l99, MILLISECONDS, AT_MOST, 5);
			figures_base("the small store's", &s99, MILLISECONDS, NO_BOUND, 0);
			figures_note("  p99 of %zu pages (median %.2f, longest %.2f ms); %.1f calls a page, "
				     "p99 of a call %.2f ms", l->page_ms.n, series_median(&l->page_ms),
			    series_at(&l->page_ms, 1), (double)l->call_ms.n / (double)l->page_ms.n,
			    series_at(&l->call_ms, 0.99));
			series_fini(&l99);
			series_fini(&s99);
		}
}

void large_run(const struct bench *b)
{
	struct side large = { .name = "large", .jobs = bench_count(b, LARGE) };
	struct side small = { .name = "small", .jobs = bench_count(b, SMALL) };

	figures_head("A large store", "pages of 50, of 20 projects and 50 users; the store's files are in the page cache");
	large.state = b->store ? b->store : bench_mkdir(b->dir, "large-state");
	small.state = bench_mkdir(b->dir, "small-state");
	fill(large.state, large.jobs);
	fill(small.state, small.jobs);
	for (unsigned r = 0; r < b->rounds; r++) {
		run(b, &large, r);
		run(b, &small, r);
	}
	figures_print("ready", &large.ready_ms, MILLISECONDS, AT_MOST, 1000);
	figures_base("the small store's", &small.ready_ms, MILLISECONDS, NO_BOUND, 0);
	print_pages(&large, &small);
	figures_print("memory after it all", &large.rss_mb, MEGABYTES, AT_MOST, 64);
	figures_base("the small store's", &small.rss_mb, MEGABYTES, NO_BOUND, 0);
}
