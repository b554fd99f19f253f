/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobctl/options.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobctl/priority.h"
#include "jobctl/verbs.h"
#include "unit.h"

static bool find(const char *word, struct options_verb *v)
{
	const struct verb *verb = verbs_find(word);
	if (!verb)
		return false;
	*v = (struct options_verb){ verb->options, verb->flags & VERB_COMMAND };
	return true;
}

/* Complaints are not what is tested. */
static void hush(void)
{
	int null = open("/dev/null", O_WRONLY);
	ck_assert_int_ge(dup2(null, STDERR_FILENO), 0);
	close(null);
}

static struct options o;
static struct words w;

/* Takes a command line apart, as it is typed after "jobctl"; spaces separate its words. */
static bool parse(const char *line)
{
	static char copy[256];
	static char *argv[32];
	int argc = 0;
	char *save = NULL;

	options_fini(&o);
	free(w.v);
	ck_assert_uint_lt(strlen(line) + 8, sizeof copy);
	strcpy(copy, "jobctl ");
	strcat(copy, line);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	argv[argc] = NULL;
	return options_parse(argc, argv, find, verbs_find("list")->options, &o, &w);
}

START_TEST(options_stand_before_or_after_the_verb)
{
	ck_assert(parse("--json list -n5 --state=failed 7 --quiet 9"));
	ck_assert_int_eq(w.n, 3);
	ck_assert_str_eq(w.v[0], "list");
	ck_assert_str_eq(w.v[1], "7");
	ck_assert_str_eq(w.v[2], "9");
	ck_assert(o.json && o.quiet);
	ck_assert_str_eq(o.limit, "5");
	ck_assert_str_eq(o.states[0], "failed");
}
END_TEST

START_TEST(the_command_of_a_job_is_not_looked_at)
{
	ck_assert(parse("submit --name x ls --name y -- -l"));
	ck_assert_str_eq(o.name, "x");
	ck_assert_int_eq(w.n, 6);
	ck_assert_str_eq(w.v[1], "ls");
	ck_assert_str_eq(w.v[2], "--name");
	ck_assert_str_eq(w.v[4], "--");
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
	ck_assert(parse("run -- --name --"));
	ck_assert_ptr_null(o.name);
	ck_assert_int_eq(w.n, 3);
	ck_assert_str_eq(w.v[1], "--name");
	ck_assert_str_eq(w.v[2], "--");
}
END_TEST

START_TEST(letters_can_be_joined_and_mean_what_the_verb_means)
{
	ck_assert(parse("log -fn 20 7"));
	ck_assert(o.follow);
	ck_assert_str_eq(o.lines, "20");
	ck_assert_ptr_null(o.limit);
	ck_assert(parse("-n 3 log 7"));
	ck_assert_str_eq(o.lines, "3");
}
END_TEST

START_TEST(without_a_verb_the_options_are_those_of_list)
{
	ck_assert(parse("--state running -o wide"));
	ck_assert_int_eq(w.n, 0);
	ck_assert_str_eq(o.output, "wide");
}
END_TEST

START_TEST(repeated_options_are_kept_in_their_order)
{
	ck_assert(parse("submit --env A=1 --env=B --meta k=v true"));
	ck_assert_str_eq(o.env[0], "A=1");
	ck_assert_str_eq(o.env[1], "B");
	ck_assert_ptr_null(o.env[2]);
	ck_assert_str_eq(o.meta[0], "k=v");
}
END_TEST

START_TEST(what_the_verb_does_not_take_is_refused)
{
	hush();
	ck_assert(!parse("list --hold"));
	ck_assert(!parse("--hold list"));
	ck_assert(!parse("pause --now 7"));
	ck_assert(!parse("run --hold true"));
	ck_assert(!parse("list --no-such-option"));
	ck_assert(!parse("list -Z"));
	ck_assert(!parse("list --limit"));
	ck_assert(!parse("list --json=yes"));
	/* The verb is known all the same, for the exit code. */
	ck_assert_str_eq(w.v[0], "list");
}
END_TEST

START_TEST(verbs_have_the_names_that_fingers_know)
{
	static const struct {
		const char *alias, *verb;
	} rows[] = { { "add", "submit" }, { "ls", "list" }, { "show", "status" }, { "logs", "log" },
		{ "cat", "log" }, { "suspend", "pause" }, { "cont", "resume" }, { "kill", "cancel" },
		{ "rm", "delete" }, { "requeue", "retry" } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_str_eq(verbs_find(rows[i].alias)->name, rows[i].verb);
	ck_assert_ptr_null(verbs_find("log cat"));
	ck_assert_ptr_null(verbs_find(""));
}
END_TEST

START_TEST(an_unknown_verb_has_a_nearest_one_unless_it_is_far)
{
	ck_assert_str_eq(verbs_nearest("resme"), "resume");
	ck_assert_str_eq(verbs_nearest("prio"), "priority");
	ck_assert_str_eq(verbs_nearest("cancle"), "cancel");
	ck_assert_ptr_null(verbs_nearest("frobnicate"));
	ck_assert_ptr_null(verbs_nearest(""));
}
END_TEST

START_TEST(priorities_are_numbers_or_three_words)
{
	static const char *const wrong[] = { "0", "11", "-1", "+1", "", "5x", "1 ", "urgent", "01" };
	ck_assert_int_eq(priority_parse("1"), 1);
	ck_assert_int_eq(priority_parse("10"), 10);
	ck_assert_int_eq(priority_parse("high"), 2);
	ck_assert_int_eq(priority_parse("normal"), 5);
	ck_assert_int_eq(priority_parse("low"), 8);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_int_eq(priority_parse(wrong[i]), 0);
}
END_TEST

UNIT_MAIN("jobctl options", options_stand_before_or_after_the_verb,
    the_command_of_a_job_is_not_looked_at, two_dashes_end_the_options,
    letters_can_be_joined_and_mean_what_the_verb_means,
    without_a_verb_the_options_are_those_of_list, repeated_options_are_kept_in_their_order,
    what_the_verb_does_not_take_is_refused, verbs_have_the_names_that_fingers_know,
    an_unknown_verb_has_a_nearest_one_unless_it_is_far, priorities_are_numbers_or_three_words)
