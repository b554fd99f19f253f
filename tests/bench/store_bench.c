/* SPDX-License-Identifier: ISC */
/*
 * How fast the store is, by itself:
 *
 *	store_bench submit [N [BATCH [ENVIRONMENT]]]   submissions a second
 *	store_bench fill DIR [N]                       N ended jobs into DIR
 *	store_bench page DIR                           pages of 50, in what fill made
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/random.h"
#include "jobd/store/store.h"
#include "lib/clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct store *open_store(const char *dir)
{
	struct store_options o = { .dir = dir };
	struct store *s;
	char *why;
	uint64_t start = clock_mono_us();

	if (store_open(&o, &s, &why)) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
	printf("opened in %.1f ms\n", (double)(clock_mono_us() - start) / 1000);
	return s;
}

static void commit(struct store *s)
{
	if (store_commit(s)) {
		fprintf(stderr, "commit failed\n");
		exit(1);
	}
	store_tick(s, clock_real_us());
}

static char *argv_true[] = { (char[]){ "/bin/true" }, NULL };
static char user[] = "somebody", queue[] = "default", ok[] = "ok", verb[] = "submit";
static char process[] = "jobctl";

static void submit(struct store *s, uint64_t i, char *const *environment)
{
	struct job j;
	char token[40];

	job_init(&j);
	j.id = store_next_id(s);
	j.state = JOB_QUEUED;
	j.priority = 5;
	j.uid = j.submitter_uid = 1000;
	j.user = user;
	j.queue = queue;
	j.command = argv_true;
	j.attempts = 1;
	j.submitted_at_us = j.eligible_at_us = clock_real_us();
	snprintf(token, sizeof(token), "%08x%08x%08x%08x", random32(), random32(), random32(),
	    (unsigned)i);
	if (store_token_get(s, 1000, token))
		exit(1);
	store_job_put(s, &j);
	store_token_put(s, 1000, token, j.id, j.submitted_at_us);
	if (environment)
		store_environment_put(s, j.id, environment);
	store_journal_put(s, &(struct journal_entry){ .at_us = j.submitted_at_us, .job = j.id,
	    .verb = verb, .to = JOB_QUEUED, .result = ok, .has_actor = true, .uid = 1000,
	    .user = user, .pid = 12345, .process = process, .owner = 1000 });
}

static void bench_submit(size_t n, size_t batch, size_t environment)
{
	char dir[] = "/tmp/store-bench-XXXXXX", cmd[64];
	char *variables[33] = { NULL };

	for (size_t i = 0; i < 32 && environment; i++) {
		variables[i] = malloc(environment / 32);
		memset(variables[i], 'x', environment / 32 - 1);
		variables[i][environment / 32 - 1] = '\0';
	}
	if (!mkdtemp(dir))
		exit(1);
	struct store *s = open_store(dir);
	uint64_t start = clock_mono_us(), commits = 0;
	for (size_t i = 0; i < n; i++) {
		submit(s, i, environment ? variables : NULL);
		if ((i + 1) % batch == 0 || i + 1 == n) {
			uint64_t c = clock_mono_us();
			commit(s);
			commits += clock_mono_us() - c;
		}
	}
	double us = (double)(clock_mono_us() - start);
	printf("%zu submissions, %zu a commit, %zu bytes of environment: %.1f us each "
	       "(%.1f of them commit and checkpoint), %.0f/s\n",
	    n, batch, environment, us / (double)n, (double)commits / (double)n,
	    (double)n * 1e6 / us);
	store_close(s);
	for (size_t i = 0; i < 32; i++)
		free(variables[i]);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		exit(1);
}

static const char *const queues[] = { "default", "nightly", "import", "export" };
static const char *const projects[] = { "alpha", "beta", "gamma", "delta", "epsilon", "zeta" };

static void fill(const char *dir, size_t n)
{
	mkdir(dir, 0700);
	struct store *s = open_store(dir);
	uint64_t start = clock_mono_us();
	for (size_t i = 0; i < n; i++) {
		struct job j;
		uint32_t r = random32();
		job_init(&j);
		j.id = store_next_id(s);
		j.state = r % 100 < 90 ? JOB_COMPLETED : r % 100 < 98 ? JOB_FAILED : JOB_CANCELLED;
		j.priority = 5;
		j.uid = j.submitter_uid = 1000;
		j.user = user;
		j.queue = (char *)(uintptr_t)queues[(r >> 8) % COUNT(queues)];
		j.project = (char *)(uintptr_t)projects[(r >> 16) % COUNT(projects)];
		j.command = argv_true;
		j.attempts = 1;
		j.submitted_at_us = 1700000000000000ull + i * 10000000;
		j.eligible_at_us = j.submitted_at_us;
		j.now = (struct job_attempt){ .number = 1, .state = j.state, .nonce = r,
			.keeper_pid = 1234, .pid = 1235, .keeper_start = 123456,
			.pid_start = 123457, .started_at_us = j.submitted_at_us,
			.ended_at_us = j.submitted_at_us + 1000000, .has_status = true,
			.usage = { 12345, 2345, 0, 8 } };
		store_job_put(s, &j);
		for (int k = 0; k < 3; k++)
			store_journal_put(s, &(struct journal_entry){ .at_us = j.submitted_at_us,
			    .job = j.id, .verb = verb, .to = j.state, .result = ok,
			    .user = user, .owner = 1000 });
		if (i % 1000 == 999)
			commit(s);
	}
	commit(s);
	store_close(s);
	printf("%zu ended jobs in %.1f s\n", n, (double)(clock_mono_us() - start) / 1e6);
}

struct taking {
	size_t taken, wanted;
};

static bool take(void *ctx, const struct job *j)
{
	struct taking *t = ctx;

	(void)j;
	return ++t->taken < t->wanted;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void bench_pages(struct store *s, const char *what, const struct job_filter *f,
    uint64_t before)
{
	enum { ROUNDS = 200 };
	uint64_t us[ROUNDS];
	size_t calls = 0;

	for (size_t i = 0; i < ROUNDS; i++) {
		struct taking t = { 0, 50 };
		uint64_t at = before == UINT64_MAX ? before : before + i * 97;
		uint64_t start = clock_mono_us();
		int more = 1;
		while (more == 1 && t.taken < t.wanted) {
			more = store_ended_page(s, f, &at, 5000, take, &t);
			calls++;
		}
		us[i] = clock_mono_us() - start;
		commit(s);
	}
	qsort(us, ROUNDS, sizeof(us[0]), compare);
	printf("%-42s median %6.2f ms  p99 %6.2f ms  (%.1f calls a page)\n", what,
	    (double)us[ROUNDS / 2] / 1000, (double)us[ROUNDS * 99 / 100] / 1000,
	    (double)calls / ROUNDS);
}

static void print_memory(void)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmRSS", 5) == 0 || strncmp(line, "VmHWM", 5) == 0)
			fputs(line, stdout);
	if (f)
		fclose(f);
}

static void bench_page(const char *dir)
{
	struct store *s = open_store(dir);
	const char *const nightly[] = { "nightly", NULL }, *const gamma[] = { "gamma", NULL };
	const char *const nobody[] = { "nobody", NULL };
	const struct {
		const char *what;
		struct job_filter f;
	} rows[] = {
		{ "no filter", { .nids = 0 } },
		{ "state failed", { .states = 1u << JOB_FAILED } },
		{ "state completed", { .states = 1u << JOB_COMPLETED } },
		{ "state cancelled, queue nightly",
		  { .states = 1u << JOB_CANCELLED, .queues = nightly } },
		{ "state completed, queue nightly",
		  { .states = 1u << JOB_COMPLETED, .queues = nightly } },
		{ "state failed, project gamma", { .states = 1u << JOB_FAILED, .projects = gamma } },
		{ "failed, gamma, nightly",
		  { .states = 1u << JOB_FAILED, .projects = gamma, .queues = nightly } },
		{ "user nobody", { .users = nobody } },
		{ "one day, state failed",
		  { .states = 1u << JOB_FAILED, .since_us = 1700000000000000ull,
		    .until_us = 1700086400000000ull } },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char what[80];
		bench_pages(s, rows[i].what, &rows[i].f, UINT64_MAX);
		snprintf(what, sizeof(what), "%s, deep", rows[i].what);
		bench_pages(s, what, &rows[i].f, 100000);
	}
	print_memory();
	store_close(s);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "submit") == 0)
		bench_submit(argc > 2 ? strtoul(argv[2], NULL, 10) : 20000,
		    argc > 3 ? strtoul(argv[3], NULL, 10) : 100,
		    argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
	else if (strcmp(what, "fill") == 0 && argc > 2)
		fill(argv[2], argc > 3 ? strtoul(argv[3], NULL, 10) : 1000000);
	else if (strcmp(what, "page") == 0 && argc > 2)
		bench_page(argv[2]);
	else
		return 2;
	return 0;
}
