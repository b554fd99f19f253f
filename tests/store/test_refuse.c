/* SPDX-License-Identifier: ISC */
/*
 * What the store refuses to open, and with which words: what belongs to another jobd, what others may
 * enter, what is older than it should be, and what is damaged.
 */
#include "config.h"

#include "jobd/store/store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

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

STORE_MAIN("refuse", a_second_jobd_is_refused_by_the_lock_and_not_by_a_pid, db_config_is_refused,
    a_directory_that_others_may_enter_is_refused, a_directory_that_is_not_there_is_refused,
    an_older_copy_is_refused_unless_that_is_accepted, a_store_that_vanished_is_not_made_anew,
    a_log_that_is_damaged_is_no_shorter_history,
    a_torn_mark_leaves_the_one_before_and_two_are_refused, a_page_with_a_flipped_bit_is_noticed)
