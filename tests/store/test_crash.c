/* SPDX-License-Identifier: ISC */
/* The store against kills: what was committed is there, whole, and no number is given twice. */
#include "config.h"

#include "jobd/store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/strv.h"
#include "unit.h"

#define ROUNDS (60 / unit_slowness())

/* A job comes, and waits for the one before it. One ends for it, and its waiter is told, so that all tables change. */
static void write_one(struct store *s, uint64_t id, uint64_t first)
{
	char *env[] = { (char[]){ "A=1" }, NULL };
	struct job j;

	fixture_job(&j, id, JOB_QUEUED);
	j.environment = first;
	store_job_put(s, &j);
	job_fini(&j);
	if (id == first)
		store_environment_put(s, first, env);
	else
		store_environment_share(s, first, 1);
	store_after_put(s, id, &(struct job_after){ .id = id - 1, .on = AFTER_ANY });
	if (id <= 100)
		return;
	fixture_job(&j, id - 100, JOB_FAILED);
	store_job_put(s, &j);
	job_fini(&j);
	store_after_put(s, id - 99, &(struct job_after){ id - 100, AFTER_ANY, JOB_FAILED });
}

/* Commits without end; each number that was committed goes into the pipe. */
static void write_until_killed(const char *dir, int fd)
{
	struct store_options o = { .dir = dir };
	struct store *s;
	char *why;

	if (store_open(&o, &s, &why))
		_exit(3);
	for (;;) {
		uint64_t id = 0, first = 0;
		for (uint32_t n = 1 + fixture_random(20); n > 0; n--) {
			id = store_next_id(s);
			if (!first)
				first = id;
			write_one(s, id, first);
			if (store_journal_put(s, &(struct journal_entry){ .job = id }) != id)
				_exit(4);
		}
		if (store_commit(s))
			_exit(5);
		if (write(fd, &id, sizeof(id)) != sizeof(id))
			_exit(6);
		store_tick(s, 0);
	}
}

/*
 * A process that is killed at any moment must not write to check's message file, which it shares with
 * the test: a write that is cut at a page's edge leaves half a message. It is the one without a name.
 */
static void leave_check(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stat st;

	for (int fd = 3; fd < 64; fd++)
		if (fd != null && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0)
			dup2(null, fd);
}

/*
 * Runs it until it has said of some jobs that they are committed, and kills it a moment later;
 * sometimes before it has said anything. Returns the last number that it said.
 */
static uint64_t run_and_kill(const char *dir, uint64_t acknowledged)
{
	struct timespec t = { 0, (long)fixture_random(3000) * 1000 };
	unsigned hear = fixture_random(40);
	int fds[2], status;
	uint64_t id;

	ck_assert_int_eq(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[0]);
		leave_check();
		write_until_killed(dir, fds[1]);
	}
	close(fds[1]);
	for (unsigned i = 0; i < hear; i++) {
		ck_assert_int_eq(read(fds[0], &id, sizeof(id)), sizeof(id));
		acknowledged = id;
	}
	nanosleep(&t, NULL);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "the writer ended by itself: %d", WEXITSTATUS(status));
	while (read(fds[0], &id, sizeof(id)) == sizeof(id))
		acknowledged = id;
	close(fds[0]);
	return acknowledged;
}

static bool remember_pair(void *ctx, const struct job_after *a)
{
	*(struct job_after *)ctx = *a;
	return false;
}

/* What a job waits for, and who waits for that, agree with what has ended. */
static void expect_pair(struct store *s, uint64_t id, uint64_t last)
{
	const enum job_state outcome = id > 1 && id + 99 <= last ? JOB_FAILED : 0;
	struct job_after a = { 0 };

	ck_assert_int_eq(store_after_each(s, id, 0, remember_pair, &a), 0);
	ck_assert_uint_eq(a.id, id - 1);
	ck_assert_int_eq(a.on, AFTER_ANY);
	ck_assert_int_eq(a.outcome, outcome);
	a = (struct job_after){ 0 };
	ck_assert_int_eq(store_before_each(s, id - 1, 0, remember_pair, &a), 0);
	ck_assert_uint_eq(a.id, id);
	ck_assert_int_eq(a.outcome, outcome);
}

static void expect_all(struct store *s, uint64_t from, uint64_t last)
{
	struct job j;
	char **env;

	for (uint64_t id = from; id <= last; id++) {
		ck_assert_msg(store_job_get(s, id, &j) == 0, "job %llu is lost",
		    (unsigned long long)id);
		ck_assert_int_eq(j.state, id + 100 <= last ? JOB_FAILED : JOB_QUEUED);
		if (j.state == JOB_QUEUED) {
			ck_assert_int_eq(store_environment_get(s, store_environment_of(&j), &env), 0);
			strv_free(env);
		}
		job_fini(&j);
		expect_pair(s, id, last);
	}
}

START_TEST(what_was_acknowledged_survives_kill_9)
{
	const char *dir = fixture_dir();
	uint64_t acknowledged = 0, checked = 0;

	fixture_seed();
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t counts[JOB_STATES];
		acknowledged = run_and_kill(dir, acknowledged);
		if (fixture_random(3) == 0) /* a kill upon a kill, in recovery maybe */
			continue;
		struct store *s = fixture_open(dir);
		uint64_t last = store_journal_last(s);
		ck_assert_uint_ge(last, acknowledged);
		expect_all(s, checked > 100 ? checked - 100 : 1, last);
		store_ended_counts(s, counts);
		ck_assert_uint_eq(counts[JOB_FAILED], last > 100 ? last - 100 : 0);
		ck_assert_uint_eq(store_next_id(s), last + 1);
		checked = last;
		store_close(s); /* drops the id: nothing was committed with it */
	}
	ck_assert_uint_gt(acknowledged, 200);
}
END_TEST

START_TEST(an_id_is_not_given_again_after_its_job_is_deleted_and_jobd_killed)
{
	const char *dir = fixture_dir();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct store *s = fixture_open(dir);
		struct job j;
		fixture_job(&j, store_next_id(s), JOB_FAILED);
		store_job_put(s, &j);
		if (store_commit(s))
			_exit(1);
		store_job_delete(s, &j);
		if (store_commit(s))
			_exit(1);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	struct store *s = fixture_open(dir);
	ck_assert_uint_eq(store_next_id(s), 2);
	store_close(s);
}
END_TEST

STORE_MAIN("crash", what_was_acknowledged_survives_kill_9,
    an_id_is_not_given_again_after_its_job_is_deleted_and_jobd_killed)
