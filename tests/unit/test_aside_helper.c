/* SPDX-License-Identifier: ISC */
/* The helper process: files are removed there; it ends, is killed, or can't be had. */
#include "config.h"

#include "tests/unit/aside.h"

START_TEST(files_are_removed_in_the_end_whatever_hangs_and_the_helper_leaves)
{
	begin();
	make_dir();
	make_file(HANGS);
	make_file("later");
	the->shut = the->files_shut = true;
	pass_as(1, 1);
	ck_assert(aside_remove(a, dirfd_, HANGS));
	ck_assert(aside_remove(a, dirfd_, "later"));
	EVENTUALLY(the->begun == 1);
	ck_assert(is_there("later"));
	aside_free(a);
	a = NULL;
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0);
	the->files_shut = false;
	end();
}
END_TEST

static pid_t helper(void)
{
	pid_t pid = 0;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

static int losses;

static void on_loss(void *ctx)
{
	ck_assert_ptr_eq(ctx, &losses);
	losses++;
}

static void kill_helper(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(with_a_helper_that_was_killed_goes_what_was_too_much)
{
	char name[16];
	begin();
	make_dir();
	the->shut = true;
	aside_on_loss(a, on_loss, &losses);
	fill(1);
	ck_assert_int_eq(losses, 0);
	kill_helper(helper());
	ck_assert(takes(1));
	ck_assert_int_eq(losses, 1);
	kill(helper(), SIGSTOP); /* receives no more */
	int n = 0;
	for (bool taken = true; taken; n++) {
		snprintf(name, sizeof(name), "%d", n);
		make_file(name);
		taken = aside_remove(a, dirfd_, name);
		ck_assert_int_lt(n, 1000);
	}
	kill_helper(helper());
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%d", i);
		EVENTUALLY(aside_remove(a, dirfd_, name));
	}
	EVENTUALLY(!is_there(name));
	ck_assert(takes(2));
	ck_assert_int_eq(losses, 2);
	the->shut = false;
	end();
}
END_TEST

START_TEST(a_helper_that_was_killed_is_replaced)
{
	begin();
	make_dir();
	make_file("one");
	pid_t pid = helper();
	kill(pid, SIGTERM); /* is not heard */
	int reader = pass_as(1, 1);
	EVENTUALLY(is_closed(reader));
	kill_helper(pid);
	reader = pass_as(1, 1);
	EVENTUALLY(is_closed(reader));
	ck_assert(aside_remove(a, dirfd_, "one"));
	EVENTUALLY(!is_there("one"));
	ck_assert_int_eq(lines, 0);
	end();
}
END_TEST

START_TEST(a_helper_that_could_not_be_started_is_when_it_is_needed)
{
	struct rlimit was, none = { 3, 3 };
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	none.rlim_max = was.rlim_max;
	make_dir();
	make_file("one");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_lt(aside_open(NULL, &a), 0);
	ck_assert_ptr_nonnull(a);
	ck_assert(!aside_remove(a, dirfd_, "one"));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	ck_assert(aside_remove(a, dirfd_, "one"));
	EVENTUALLY(!is_there("one"));
	ck_assert(is_there("."));
	end();
}
END_TEST

START_TEST(the_helper_holds_nothing_of_its_parent)
{
	int p[2];
	ck_assert_int_eq(pipe2(p, O_NONBLOCK), 0);
	begin();
	close(p[1]);
	EVENTUALLY(is_closed(p[0]));
	end();
}
END_TEST

START_TEST(without_a_helper_all_is_done_at_once)
{
	int s[2];
	make_dir();
	make_file("one");
	ck_assert(aside_has_room(a));
	ck_assert(is_closed(pass_as(1, 7)));
	ck_assert(aside_remove(a, dirfd_, "one"));
	ck_assert(!is_there("one"));
	pair(SOCK_DGRAM, s);
	int reader = pass(s[0], "a", 1);
	aside_discard(a, 1, s[1]);
	ck_assert(is_closed(reader));
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

UNIT_MAIN("aside_helper",
    files_are_removed_in_the_end_whatever_hangs_and_the_helper_leaves,
    with_a_helper_that_was_killed_goes_what_was_too_much,
    a_helper_that_was_killed_is_replaced,
    a_helper_that_could_not_be_started_is_when_it_is_needed,
    the_helper_holds_nothing_of_its_parent, without_a_helper_all_is_done_at_once)
