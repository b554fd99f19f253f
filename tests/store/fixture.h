/* SPDX-License-Identifier: ISC */
/*
 * What the store's tests share: a state directory of its own for each, jobs to
 * put, and a main that waits longer for those that kill and recover.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include "jobd/store/internal.h"

/* Runs the tests, TAP on standard output, and removes what they left. For main to return. */
int fixture_run(const char *name, const TTest *const *tests, size_t n);

#define STORE_MAIN(name, ...)                                                                      \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                                      \
		return fixture_run(name, tests, sizeof(tests) / sizeof(tests[0]));                 \
	}

/* A new empty state directory. It is the test's until the suite ends. */
char *fixture_dir(void);
/* dir/name; borrowed until the next call but three. */
const char *fixture_path(const char *dir, const char *name);

/* Opens the store, and fails the test when that fails. */
struct store *fixture_open(const char *dir);
/* Tries to open it; returns what store_open did, the message in *why (borrowed). */
int fixture_try(const char *dir, bool accept_older, struct store **s, const char **why);
void fixture_commit(struct store *s);
/* Commits, closes, and opens it again. */
struct store *fixture_reopen(struct store *s, const char *dir);
/* Tries to open it, which must fail with a message that has word in it. Returns what store_open did. */
int fixture_refuses(const char *dir, const char *word);
/* Runs a shell command, which must succeed. */
void fixture_shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How many rows a table has. */
size_t fixture_rows(struct store *s, enum table t);

/* A job with something in it; the caller's to job_fini. */
void fixture_job(struct job *j, uint64_t id, enum job_state state);
/* Puts such a job, without keeping it. */
void fixture_put(struct store *s, uint64_t id, enum job_state state);
/* Appends an entry about a job. Returns its number. */
uint64_t fixture_entry(struct store *s, uint64_t job, const char *verb);

/* Small random numbers that a printed seed repeats ($SEED). */
void fixture_seed(void);
uint32_t fixture_random(uint32_t below);

#endif
