/* SPDX-License-Identifier: ISC */
/* The store against kills, failing disks, damaged files and whatever else must be refused. */
#include "config.h"

#include "jobd/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <db.h>

#include "fixture.h"
#include "lib/log.h"
#include "lib/strv.h"

#define ROUNDS 60

/* A store that failed leaves its memory to the end of the process, and Berkeley DB some of its
 * own after a panic. (The other tests of the store look for leaks.) */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

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

/* Runs it for a while, kills it, and returns the last number that it said was committed. */
static uint64_t run_and_kill(const char *dir, uint64_t acknowledged)
{
	struct timespec t = { 0, (long)fixture_random(40) * 1000000 };
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
	for (int i = 0; i < ROUNDS; i++) {
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

START_TEST(a_second_jobd_is_refused_by_the_lock_and_not_by_a_pid)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char pid[32];

	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	ck_assert_int_eq(fixture_refuses(dir, pid), -EWOULDBLOCK);
	store_close(s);
	/* A pid that is left in the file, of a process that lives, holds nobody up. */
	fixture_shell("echo 1 > %s/lock", dir);
	store_close(fixture_open(dir));
}
END_TEST

START_TEST(db_config_is_refused)
{
	const char *dir = fixture_dir();

	store_close(fixture_open(dir));
	fixture_shell("echo set_flags DB_TXN_NOSYNC > %s/store/DB_CONFIG", dir);
	ck_assert_int_eq(fixture_refuses(dir, "DB_CONFIG"), -EPERM);
	fixture_shell("rm %s/store/DB_CONFIG", dir);
	store_close(fixture_open(dir));
}
END_TEST

START_TEST(a_directory_that_others_may_enter_is_refused)
{
	const char *dir = fixture_dir();

	store_close(fixture_open(dir));
	ck_assert_int_eq(chmod(fixture_path(dir, "store"), 0755), 0);
	ck_assert_int_eq(fixture_refuses(dir, "0700"), -EPERM);
	ck_assert_int_eq(chmod(fixture_path(dir, "store"), 0700), 0);
	ck_assert_int_eq(chmod(dir, 0750), 0);
	ck_assert_int_eq(fixture_refuses(dir, "0700"), -EPERM);
	ck_assert_int_eq(chmod(dir, 0700), 0);
	store_close(fixture_open(dir));
	fixture_shell("mv %s/store %s/elsewhere && ln -s elsewhere %s/store", dir, dir, dir);
	fixture_refuses(dir, "store");
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_refused)
{
	ck_assert_int_eq(fixture_refuses("/nowhere/at/all", "/nowhere"), -ENOENT);
}
END_TEST

static void put_some(struct store *s, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t id = store_next_id(s);
		fixture_put(s, id, JOB_QUEUED);
		fixture_entry(s, id, "submit");
		fixture_commit(s);
	}
}

START_TEST(an_older_copy_is_refused_unless_that_is_accepted)
{
	const char *dir = fixture_dir(), *why;
	struct store *s = fixture_open(dir);

	put_some(s, 3);
	store_close(s);
	fixture_shell("cp -rp %s/store %s/backup", dir, dir);
	s = fixture_open(dir);
	put_some(s, 4);
	store_close(s);
	fixture_shell("cd %s && rm -r store && mv backup store", dir);
	ck_assert_int_eq(fixture_refuses(dir, "7"), -ESTALE);
	ck_assert_int_eq(fixture_refuses(dir, "damaged"), -ESTALE);
	ck_assert_int_eq(fixture_refuses(dir, "--accept-older-store"), -ESTALE);

	ck_assert_msg(fixture_try(dir, true, &s, &why) == 0, "%s", why);
	ck_assert_uint_eq(store_missing(s), 4);
	ck_assert_uint_eq(store_journal_last(s), 3);
	/* Ids go on where they had been, not where the copy was. */
	ck_assert_uint_eq(store_next_id(s), 8);
	fixture_put(s, 8, JOB_QUEUED);
	fixture_commit(s);
	store_close(s);
	s = fixture_open(dir); /* accepted once, and it is the store now */
	ck_assert_uint_eq(store_missing(s), 0);
	store_close(s);
}
END_TEST

START_TEST(a_store_that_vanished_is_not_made_anew)
{
	const char *dir = fixture_dir(), *why;
	struct store *s = fixture_open(dir);
	struct stat st;

	put_some(s, 2);
	store_close(s);
	fixture_shell("rm -r %s/store", dir);
	ck_assert_int_eq(fixture_refuses(dir, "is not there, but had come to journal entry 2"), -ESTALE);
	ck_assert_int_eq(fixture_refuses(dir, "--accept-older-store"), -ESTALE);
	/* Nor is an empty directory left in its place, which a copy would have to be put into. */
	ck_assert_int_eq(stat(fixture_path(dir, "store"), &st), -1);
	fixture_shell("mkdir -m 0700 %s/store", dir);
	ck_assert_int_eq(fixture_refuses(dir, "is not there"), -ESTALE);
	ck_assert_int_eq(stat(fixture_path(dir, "store/jobd.db"), &st), -1);
	/* Where that is what one wants, numbers go on where they were. */
	ck_assert_msg(fixture_try(dir, true, &s, &why) == 0, "%s", why);
	ck_assert_uint_eq(store_missing(s), 2);
	ck_assert_uint_eq(store_next_id(s), 3);
	store_close(s);
}
END_TEST

/* Overwrites a byte of the newest log, in its middle. */
static void damage_log(const char *dir)
{
	fixture_shell("f=$(ls %s/store/log.* | tail -1) && "
		      "n=$(tr -d '\\0' < $f | wc -c) && test $n -gt 4000 && "
		      "printf X | dd of=$f bs=1 seek=$((n / 2)) conv=notrunc 2>/dev/null", dir);
}

START_TEST(a_log_that_is_damaged_is_no_shorter_history)
{
	const char *dir = fixture_dir(), *why;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		put_some(fixture_open(dir), 100);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	damage_log(dir);
	struct store *s;
	int ret = fixture_try(dir, false, &s, &why);
	ck_assert_msg(ret == -ESTALE, "%d %s", ret, why);
}
END_TEST

START_TEST(a_torn_mark_leaves_the_one_before_and_two_are_refused)
{
	const char *dir = fixture_dir(), *why;
	struct store *s = fixture_open(dir);

	put_some(s, 5);
	store_close(s);
	for (int slot = 0; slot < 2; slot++) {
		fixture_shell("cp %s/journal.high %s/kept && printf 9 | dd of=%s/journal.high bs=1 "
			      "seek=%d conv=notrunc 2>/dev/null", dir, dir, dir, slot * 512 + 3);
		s = fixture_open(dir);
		ck_assert_uint_eq(store_journal_last(s), 5);
		store_close(s);
		fixture_shell("cp %s/kept %s/journal.high", dir, dir);
	}
	fixture_shell("head -c 1024 /dev/zero > %s/journal.high", dir);
	ck_assert_int_eq(fixture_refuses(dir, "journal.high"), -ESTALE);
	ck_assert_int_eq(fixture_refuses(dir, "--accept-older-store"), -ESTALE);
	ck_assert_msg(fixture_try(dir, true, &s, &why) == 0, "%s", why);
	store_close(s);
	store_close(fixture_open(dir));
}
END_TEST

START_TEST(a_page_with_a_flipped_bit_is_noticed)
{
	const char *dir = fixture_dir(), *why;
	struct store *s = fixture_open(dir);
	struct job j;
	unsigned noticed = 0;

	put_some(s, 200);
	store_close(s);
	fixture_shell("cp %s/store/jobd.db %s/kept", dir, dir);
	for (int page = 0; page < 12; page++) {
		fixture_shell("cp %s/kept %s/store/jobd.db && printf '\\252' | dd "
			      "of=%s/store/jobd.db bs=1 seek=%d conv=notrunc 2>/dev/null", dir, dir,
		    dir, page * 4096 + 4000);
		if (fixture_try(dir, false, &s, &why)) {
			ck_assert_msg(strstr(why, "damaged: put back"), "%s", why);
			noticed++;
			continue;
		}
		bool panicked = false;
		for (uint64_t id = 1; id <= 200; id++) {
			int ret = store_job_get(s, id, &j);
			ck_assert_int_ne(ret, -ENOENT); /* never as if it had not been */
			if (ret) {
				panicked = true;
				break;
			}
			job_fini(&j);
		}
		ck_assert_int_eq(store_commit(s) != 0, panicked);
		noticed += panicked;
		store_close(s);
	}
	ck_assert_uint_gt(noticed, 0);
}
END_TEST

STORE_MAIN("crash", what_was_acknowledged_survives_kill_9,
    an_id_is_not_given_again_after_its_job_is_deleted_and_jobd_killed,
    enospc_when_the_log_is_written_fails_the_commit,
    eio_when_the_log_is_written_fails_the_commit,
    eio_when_the_log_is_synced_fails_the_commit_and_every_later_one,
    a_quota_that_is_used_up_is_a_full_disk,
    a_cache_that_a_full_disk_keeps_from_being_written_out_is_a_full_disk,
    a_turn_that_fails_before_its_commit_fails_the_commit, enospc_in_a_checkpoint_is_no_failure,
    eio_in_a_checkpoint_is_the_end, recovery_on_a_full_disk_gives_up_the_ballast,
    a_second_jobd_is_refused_by_the_lock_and_not_by_a_pid, db_config_is_refused,
    a_directory_that_others_may_enter_is_refused, a_directory_that_is_not_there_is_refused,
    an_older_copy_is_refused_unless_that_is_accepted, a_store_that_vanished_is_not_made_anew,
    a_log_that_is_damaged_is_no_shorter_history,
    a_torn_mark_leaves_the_one_before_and_two_are_refused, a_page_with_a_flipped_bit_is_noticed)
