/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "fixture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/priority.h"
#include "unit.h"

static char base[64];
static uint64_t random_state;

int fixture_run(const char *name, const TTest *const *tests, size_t n)
{
	strcpy(base, "/tmp/jobd-store-XXXXXX");
	if (!mkdtemp(base)) {
		printf("Bail out! no temporary directory\n");
		return EXIT_FAILURE;
	}
	int code = unit_run(name, tests, n, NULL, NULL);
	char remove[80];
	snprintf(remove, sizeof(remove), "rm -rf %s", base);
	return system(remove) ? EXIT_FAILURE : code;
}

char *fixture_dir(void)
{
	static char dir[80];

	snprintf(dir, sizeof(dir), "%s/XXXXXX", base);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

const char *fixture_path(const char *dir, const char *name)
{
	static char paths[4][160];
	static unsigned next;
	char *p = paths[next++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

int fixture_try(const char *dir, bool accept_older, struct store **s, const char **why)
{
	static char text[512];
	struct store_options o = { .dir = dir, .accept_older = accept_older,
		.ballast_bytes = 1 << 20 };
	char *said = NULL;
	int ret = store_open(&o, s, &said);

	snprintf(text, sizeof(text), "%s", said ? said : "");
	free(said);
	if (why)
		*why = text;
	/* A refusal without a word is one nobody can act on; a success has nothing to say. */
	ck_assert_msg((ret == 0) == (text[0] == '\0'), "%d \"%s\"", ret, text);
	ck_assert((ret == 0) == (*s != NULL));
	return ret;
}

struct store *fixture_open(const char *dir)
{
	struct store *s;
	const char *why;

	ck_assert_msg(fixture_try(dir, false, &s, &why) == 0, "%s", why);
	return s;
}

void fixture_commit(struct store *s)
{
	ck_assert_int_eq(store_commit(s), 0);
}

struct store *fixture_reopen(struct store *s, const char *dir)
{
	fixture_commit(s);
	store_close(s);
	return fixture_open(dir);
}

int fixture_refuses(const char *dir, const char *word)
{
	struct store *s;
	const char *why;
	int ret = fixture_try(dir, false, &s, &why);

	ck_assert_int_ne(ret, 0);
	ck_assert_msg(strstr(why, word) != NULL, "\"%s\" does not say \"%s\"", why, word);
	return ret;
}

void fixture_shell(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	int status = system(command);
	ck_assert_msg(status == 0, "%s: %d", command, status);
}

size_t fixture_rows(struct store *s, enum table t)
{
	DBT k = { 0 }, d = { 0 };
	DBC *c;
	size_t n = 0;

	ck_assert_int_eq(table_cursor(s, t, &c), 0);
	while (table_move(s, c, &k, &d, DB_NEXT) == 0)
		n++;
	c->close(c);
	return n;
}

static char *copy(const char *s)
{
	char *p = strdup(s);

	ck_assert_ptr_nonnull(p);
	return p;
}

void fixture_job(struct job *j, uint64_t id, enum job_state state)
{
	job_init(j);
	j->id = id;
	j->state = state;
	j->priority = PRIORITY_DEFAULT;
	j->uid = j->submitter_uid = 1000;
	j->user = copy("ann");
	j->queue = copy("default");
	j->command = calloc(3, sizeof(*j->command));
	ck_assert_ptr_nonnull(j->command);
	j->command[0] = copy("ingest");
	j->command[1] = copy("--all");
	j->umask = 022;
	j->attempts = 1;
	j->submitted_at_us = j->eligible_at_us = 1700000000000000 + id;
	if (job_has_ended(state))
		j->now = (struct job_attempt){ .number = 1, .state = state,
			.started_at_us = j->submitted_at_us + 1,
			.ended_at_us = j->submitted_at_us + 2, .has_status = true };
}

void fixture_put(struct store *s, uint64_t id, enum job_state state)
{
	struct job j;

	fixture_job(&j, id, state);
	store_job_put(s, &j);
	job_fini(&j);
}

uint64_t fixture_entry(struct store *s, uint64_t job, const char *verb)
{
	struct journal_entry e = { .at_us = 1700000000000000, .job = job, .verb = copy(verb),
		.result = copy("ok"), .owner = 1000 };
	uint64_t number = store_journal_put(s, &e);

	journal_entry_fini(&e);
	return number;
}

void fixture_seed(void)
{
	const char *said = getenv("SEED");

	random_state = said ? strtoull(said, NULL, 10) : (uint64_t)getpid() * 2654435761u + 1;
	/* A comment of TAP, flushed: the test may die before its process ends. */
	printf("# SEED=%" PRIu64 "\n", random_state);
	fflush(stdout);
}

uint32_t fixture_random(uint32_t below)
{
	/* An LCG's high bits (Knuth's multiplier) will do. */
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}
