/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/crash.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/* How often a child armed with spec comes through the point, of n times; -1: init refused. */
static int comes_through(const char *spec, const char *point, int n)
{
	int p[2];
	ck_assert_int_eq(pipe(p), 0);
	pid_t pid = fork();
	if (pid == 0) {
		setenv("JOBD_CRASH_AT", spec, 1);
		if (!crash_init())
			_exit(9);
		for (int i = 0; i < n; i++) {
			crash_point(point);
			if (write(p[1], "x", 1) != 1)
				_exit(8);
		}
		_exit(0);
	}
	close(p[1]);
	char bytes[16];
	int through = 0;
	for (ssize_t got; (got = read(p[0], bytes, sizeof(bytes))) > 0;)
		through += (int)got;
	close(p[0]);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 9)
		return -1;
	if (through < n)
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	else
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return through;
}

START_TEST(an_unarmed_point_does_nothing)
{
	unsetenv("JOBD_CRASH_AT");
	ck_assert(crash_init());
	crash_point("spawned");
	ck_assert_int_eq(comes_through("", "spawned", 3), 3);
	ck_assert_int_eq(comes_through("gate-opened", "spawned", 3), 3);
}
END_TEST

START_TEST(every_point_kills_when_it_is_armed)
{
	size_t n = 0;
	for (const char *const *p = crash_names(); *p; p++, n++)
		ck_assert_int_eq(comes_through(*p, *p, 3), 0);
	ck_assert_uint_gt(n, 30);
}
END_TEST

START_TEST(a_point_kills_the_third_time_when_told_so)
{
	ck_assert_int_eq(comes_through("end-committed:3", "end-committed", 5), 2);
	ck_assert_int_eq(comes_through("end-committed:1", "end-committed", 5), 0);
}
END_TEST

START_TEST(a_point_that_does_not_exist_is_refused)
{
	static const char *const wrong[] = { "nowhere", "spawned:", "spawned:0", "spawned:x",
		"spawned:-1", "spawned:1x", "spawn", "spawnedx", ":1", "spawned:99999999999999999999999",
		"spawned@", "spawned:@x", "spawned:0@x", "spawned:1x@y", "spawn@x", "@x", ":1@x" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(comes_through(wrong[i], "spawned", 1) == -1, "took \"%s\"", wrong[i]);
}
END_TEST

START_TEST(a_point_that_kills_leaves_a_trace)
{
	char dir[] = "/tmp/jobd-crash.XXXXXX", file[64], spec[128];
	struct stat st;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	/* What follows the @ is the name, whatever is in it. */
	snprintf(file, sizeof file, "%s/a:2@b", dir);
	snprintf(spec, sizeof spec, "spawned:2@%s", file);
	ck_assert_int_eq(comes_through(spec, "spawned", 1), 1);
	ck_assert_int_eq(stat(file, &st), -1);
	ck_assert_int_eq(comes_through(spec, "end-committed", 3), 3);
	ck_assert_int_eq(stat(file, &st), -1);
	ck_assert_int_eq(comes_through(spec, "spawned", 3), 1);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	unlink(file);
	rmdir(dir);
}
END_TEST

START_TEST(a_trace_that_can_not_be_left_does_not_save_it)
{
	ck_assert_int_eq(comes_through("spawned@/nowhere/at/all", "spawned", 3), 0);
}
END_TEST

UNIT_MAIN("crash", an_unarmed_point_does_nothing, every_point_kills_when_it_is_armed,
    a_point_kills_the_third_time_when_told_so, a_point_that_does_not_exist_is_refused,
    a_point_that_kills_leaves_a_trace, a_trace_that_can_not_be_left_does_not_save_it)
