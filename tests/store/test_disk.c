/* SPDX-License-Identifier: ISC */
/*
 * The store on a failing disk: full, over quota, or with errors, in the log, in the pages and in a
 * checkpoint. A commit that fails says so, and so does every later one; what had been is there.
 */
#include "config.h"

#include "jobd/store/store.h"

#include <db.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/log.h"

/* The disk's faults, by the functions that Berkeley DB lets one replace. */
static int fault;	    /* errno, or 0 */
static const char *ballast; /* while this file is there the disk is full */

static bool fails(void)
{
	if (ballast && access(ballast, F_OK) == 0)
		fault = ENOSPC;
	else if (ballast)
		fault = 0;
	errno = fault;
	return fault != 0;
}

static int faulty_fsync(int fd)
{
	return fails() ? fault : fdatasync(fd); /* this one returns the error */
}

static ssize_t faulty_write(int fd, const void *data, size_t len)
{
	return fails() ? -1 : write(fd, data, len);
}

static ssize_t faulty_pwrite(int fd, const void *data, size_t len, off_t at)
{
	return fails() ? -1 : pwrite(fd, data, len, at);
}

enum where { SYNC = 1, WRITE = 2, PAGES = 4 };

/* The pages alone, by their size: the log has room left. */
static ssize_t faulty_page(int fd, const void *data, size_t len, off_t at)
{
	return len == 4096 && fails() ? -1 : pwrite(fd, data, len, at);
}

static ssize_t faulty_page_there(int fd, const void *data, size_t len)
{
	return len == 4096 && fails() ? -1 : write(fd, data, len);
}

static void inject(unsigned where)
{
	if (where & SYNC)
		db_env_set_func_fsync(faulty_fsync);
	if (where & WRITE) {
		db_env_set_func_write(faulty_write);
		db_env_set_func_pwrite(faulty_pwrite);
	}
	if (where & PAGES) {
		db_env_set_func_write(faulty_page_there);
		db_env_set_func_pwrite(faulty_page);
	}
}

/* A commit that fails, and what is there afterwards: what had been, whole. */
static void fail_a_commit(enum where where, int err, size_t more)
{
	const char *dir = fixture_dir();
	char *env[] = { calloc(1, more + 1), NULL };
	struct job j;

	memset(env[0], 'x', more);
	inject(where);
	struct store *s = fixture_open(dir);
	fixture_put(s, 1, JOB_QUEUED);
	fixture_entry(s, 1, "submit");
	fixture_commit(s);
	fault = err;
	fixture_put(s, 2, JOB_QUEUED);
	fixture_entry(s, 2, "submit");
	if (more)
		store_environment_put(s, 2, env);
	free(env[0]);
	ck_assert_int_eq(store_commit(s), -err);
	/* The disk is well again, as one that lost a page may say; the store is not. */
	fault = 0;
	fixture_put(s, 3, JOB_QUEUED);
	fixture_entry(s, 3, "submit");
	ck_assert_int_eq(store_commit(s), -err);
	ck_assert_int_eq(store_job_get(s, 1, &j), -err);
	store_tick(s, 0);
	fixture_shell("cp -rp %s %s.before", dir, dir);
	store_close(s);
	fixture_shell("diff -r %s/store %s.before/store", dir, dir);

	s = fixture_open(dir);
	ck_assert_int_eq(store_job_get(s, 1, &j), 0);
	job_fini(&j);
	ck_assert_int_eq(store_job_get(s, 3, &j), -ENOENT);
	/* 2 is there or not: nobody was told. But job and journal agree. */
	ck_assert_int_eq(store_job_get(s, 2, &j) == 0, store_journal_last(s) == 2);
	job_fini(&j);
	store_close(s);
}

START_TEST(enospc_when_the_log_is_written_fails_the_commit)
{
	fail_a_commit(WRITE, ENOSPC, 0);
}
END_TEST

START_TEST(eio_when_the_log_is_written_fails_the_commit)
{
	fail_a_commit(WRITE, EIO, 0);
}
END_TEST

START_TEST(eio_when_the_log_is_synced_fails_the_commit_and_every_later_one)
{
	fail_a_commit(SYNC, EIO, 0);
}
END_TEST

START_TEST(a_quota_that_is_used_up_is_a_full_disk)
{
	const char *dir = fixture_dir();

	inject(WRITE);
	struct store *s = fixture_open(dir);
	fixture_put(s, 1, JOB_QUEUED);
	fault = EDQUOT;
	ck_assert_int_eq(store_commit(s), -ENOSPC);
	fault = 0;
	store_close(s);
}
END_TEST

START_TEST(a_cache_that_a_full_disk_keeps_from_being_written_out_is_a_full_disk)
{
	static char text[3000];
	char *env[] = { text, NULL };
	const char *dir = fixture_dir();
	int ret = 0;

	memset(text, 'x', sizeof(text) - 1);
	inject(PAGES);
	struct store *s = fixture_open(dir);
	fault = ENOSPC;
	for (uint64_t id = 1; id < 20000 && ret == 0; id++) {
		fixture_put(s, id, JOB_QUEUED);
		store_environment_put(s, id, env);
		ret = store_commit(s);
	}
	fault = 0;
	ck_assert_msg(ret == -ENOSPC, "%s", strerror(-ret));
	store_close(s);
}
END_TEST

START_TEST(a_turn_that_fails_before_its_commit_fails_the_commit)
{
	fail_a_commit(WRITE, ENOSPC, 500000); /* more than the log's buffer holds */
}
END_TEST

static bool said;

static void listen_to_log(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)priority;
	(void)len;
	if (strstr(text, " error=\"checkpoint: "))
		said = true;
}

/* Makes the next checkpoint that is due (within a second) fail. */
static struct store *fail_a_checkpoint(const char *dir, int err)
{
	struct timespec t = { 0, 20000000 };
	struct store *s;

	inject(WRITE);
	log_set_sink(listen_to_log, NULL);
	s = fixture_open(dir);
	fixture_put(s, 1, JOB_QUEUED);
	fixture_commit(s);
	fault = err;
	for (int i = 0; i < 250 && !said; i++) {
		store_tick(s, 0);
		nanosleep(&t, NULL);
	}
	fault = 0;
	ck_assert_msg(said, "no checkpoint in five seconds");
	return s;
}

START_TEST(enospc_in_a_checkpoint_is_no_failure)
{
	const char *dir = fixture_dir();
	struct store *s = fail_a_checkpoint(dir, ENOSPC);
	struct job j;

	fixture_put(s, 2, JOB_QUEUED);
	fixture_commit(s);
	store_close(s);
	s = fixture_open(dir);
	ck_assert_int_eq(store_job_get(s, 2, &j), 0);
	job_fini(&j);
	store_close(s);
}
END_TEST

START_TEST(eio_in_a_checkpoint_is_the_end)
{
	const char *dir = fixture_dir();
	struct store *s = fail_a_checkpoint(dir, EIO);
	struct job j;

	ck_assert_int_eq(store_commit(s), -EIO);
	store_close(s);
	s = fixture_open(dir);
	ck_assert_int_eq(store_job_get(s, 1, &j), 0);
	job_fini(&j);
	store_close(s);
}
END_TEST

START_TEST(recovery_on_a_full_disk_gives_up_the_ballast)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char crashed[160], path[180];
	struct job j;

	fixture_put(s, 1, JOB_QUEUED);
	fixture_commit(s);
	snprintf(crashed, sizeof(crashed), "%s.crashed", dir);
	fixture_shell("cp -rp %s %s", dir, crashed); /* as a crash leaves it */
	store_close(s);
	snprintf(path, sizeof(path), "%s/ballast", crashed);
	ck_assert_int_eq(access(path, F_OK), 0);
	inject(WRITE);
	ballast = path;
	s = fixture_open(crashed);
	ck_assert_int_eq(store_job_get(s, 1, &j), 0);
	job_fini(&j);
	unlink(path); /* made again when it had opened: this disk has room */
	store_close(s);
}
END_TEST

STORE_MAIN("disk", enospc_when_the_log_is_written_fails_the_commit,
    eio_when_the_log_is_written_fails_the_commit,
    eio_when_the_log_is_synced_fails_the_commit_and_every_later_one,
    a_quota_that_is_used_up_is_a_full_disk,
    a_cache_that_a_full_disk_keeps_from_being_written_out_is_a_full_disk,
    a_turn_that_fails_before_its_commit_fails_the_commit, enospc_in_a_checkpoint_is_no_failure,
    eio_in_a_checkpoint_is_the_end, recovery_on_a_full_disk_gives_up_the_ballast)
