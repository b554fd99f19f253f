/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobctl/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobctl/hints.h"
#include "jobctl/verbs.h"
#include "lib/rules.h"
#include "unit.h"

static bool find(const char *first, const char *second, struct options_verb *v)
{
	const struct verb *verb = verbs_find(first, second);
	if (!verb)
		return false;
	*v = (struct options_verb){
		.name = verb->name,
		.groups = verb->options,
		.command = verb->flags & VERB_COMMAND ? 1 : verb->flags & VERB_NAMED_COMMAND ? 2 : 0,
		.family = !second && verbs_family(first),
	};
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
	return options_parse(argc, argv, find, verbs_find("list", NULL)->options, &o, &w);
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
		ck_assert_str_eq(verbs_find(rows[i].alias, NULL)->name, rows[i].verb);
	ck_assert_ptr_null(verbs_find("log cat", NULL));
	ck_assert_ptr_null(verbs_find("", NULL));
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

START_TEST(a_verb_of_two_words_is_found_with_options_between_or_after)
{
	ck_assert(parse("queue list --json"));
	ck_assert_int_eq(w.verb, 2);
	ck_assert(parse("queue --json list"));
	ck_assert_int_eq(w.verb, 2);
	ck_assert(parse("queue --json"));
	ck_assert_int_eq(w.verb, 1);
	ck_assert(parse("queue drain -w import"));
	ck_assert(o.wait);
	ck_assert_str_eq(w.v[2], "import");
	hush();
	ck_assert(!parse("queue pause --json import"));
	ck_assert(!parse("template list --param x"));
	ck_assert_str_eq(verbs_find("queue", "ls")->name, "queue list");
	ck_assert_str_eq(verbs_find("queue", NULL)->name, "queue list");
	ck_assert_str_eq(verbs_find("template", "rm")->name, "template delete");
	ck_assert_ptr_null(verbs_find("queue", "import"));
	ck_assert_ptr_eq(verbs_find("pause", "x"), verbs_find("pause", NULL));
	ck_assert_str_eq(verbs_nearest_of("queue", "puase"), "queue pause");
	ck_assert_ptr_null(verbs_nearest_of("queue", "import"));
}
END_TEST

START_TEST(the_command_of_a_template_begins_after_its_name)
{
	ck_assert(parse("template set nightly --param date --timeout 2h -- ./run --date {date}"));
	ck_assert_int_eq(w.n - w.verb, 4);
	ck_assert_str_eq(w.v[2], "nightly");
	ck_assert_str_eq(w.v[4], "--date");
	ck_assert_str_eq(o.params[0], "date");
	ck_assert(parse("edit 7 --name x make --name y"));
	ck_assert_str_eq(o.name, "x");
	ck_assert_int_eq(w.n - w.verb, 4);
}
END_TEST

START_TEST(options_may_stand_among_the_parameters_of_a_template)
{
	ck_assert(parse("submit --template nightly date=2026-11-21 --priority high mode=full"));
	ck_assert_str_eq(o.priority, "high");
	ck_assert_int_eq(w.n - w.verb, 2);
	ck_assert(parse("submit --template nightly -- --odd=1 --priority"));
	ck_assert_ptr_null(o.priority);
}
END_TEST

START_TEST(every_rule_of_a_job_has_an_option_and_no_other_has)
{
	for (int i = 0; i < RULES; i++) {
		const char *option = options_of_rule(rule_name((enum rule)i));
		ck_assert_msg((option != NULL) == rule_is_of_jobs((enum rule)i), "%s", rule_name((enum rule)i));
	}
	ck_assert_str_eq(options_of_rule("backoff_max"), "backoff-max");
	ck_assert(parse("submit --retry-on 1,75 --timeout 2h --timeout 3h --backoff-max=1d true"));
	ck_assert_str_eq(o.rules[0], "retry_on=1,75");
	ck_assert_str_eq(o.rules[1], "timeout=3h");
	ck_assert_str_eq(o.rules[2], "backoff_max=1d");
	ck_assert_ptr_null(o.rules[3]);
}
END_TEST

START_TEST(two_dashes_before_a_command_are_known)
{
	ck_assert(parse("edit 7 queue=mail"));
	ck_assert(!w.separated);
	ck_assert(parse("edit 7 -- queue=mail"));
	ck_assert(w.separated);
	ck_assert_int_eq(w.before - w.verb, 1);
	ck_assert(parse("edit -- 7 155"));
	ck_assert_int_eq(w.before - w.verb, 0);
	ck_assert(parse("edit 7 make -- x"));
	ck_assert(!w.separated);
}
END_TEST

START_TEST(a_q_directly_before_a_command_is_known)
{
	ck_assert(parse("submit -q import -- make"));
	ck_assert(w.quieted);
	ck_assert(parse("submit --hold -q import -- make"));
	ck_assert(w.quieted);
	ck_assert(parse("submit --quiet import -- make"));
	ck_assert(!w.quieted);
	ck_assert(parse("submit -q --hold import -- make"));
	ck_assert(!w.quieted);
	ck_assert(parse("-q submit import -- make"));
	ck_assert(!w.quieted);
	ck_assert(parse("submit -q -- import -- make"));
	ck_assert(!w.quieted);
	ck_assert(parse("submit --name -q import -- make"));
	ck_assert(!w.quieted);
}
END_TEST

START_TEST(options_are_known_by_what_other_programs_call_them)
{
	ck_assert_str_eq(options_meant("queue", OPTIONS_EDIT), "queue");
	ck_assert_str_eq(options_meant("Partition", OPTIONS_EDIT), "queue");
	ck_assert_str_eq(options_meant("not_before_us", OPTIONS_EDIT), "at");
	ck_assert_str_eq(options_meant("retry_on", OPTIONS_EDIT), "retry-on");
	ck_assert_str_eq(options_meant("in", OPTIONS_SUBMIT), "delay");
	ck_assert_ptr_null(options_meant("unique", OPTIONS_EDIT));
	ck_assert_ptr_null(options_meant("colour", OPTIONS_EDIT));
	ck_assert_ptr_null(options_meant("", OPTIONS_EDIT));
}
END_TEST

START_TEST(hints_name_verbs_that_are_there_for_words_that_are_none)
{
	static const struct {
		const char *family, *word;
	} words[] = { { NULL, "set" }, { NULL, "atq" }, { NULL, "atrm" }, { NULL, "info" }, { NULL, "describe" },
		{ NULL, "update" }, { NULL, "scontrol" }, { NULL, "sinfo" }, { NULL, "sbatch" }, { NULL, "srun" },
		{ "queue", "unpause" }, { "queue", "stop" }, { "queue", "add" }, { "template", "create" } };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		const char *hint = hints_verb(words[i].family, words[i].word), *verb = hint;
		ck_assert_msg(hint != NULL, "%s", words[i].word);
		const struct verb *v = words[i].family ? verbs_find(words[i].family, words[i].word)
							: verbs_find(words[i].word, NULL);
		ck_assert_msg(v == NULL, "%s is one", words[i].word);
		while ((verb = strstr(verb, "'jobctl ")) != NULL) {
			char first[32] = "", second[32] = "";
			verb += strlen("'jobctl ");
			ck_assert_int_ge(sscanf(verb, "%31[a-z] %31[a-z]", first, second), 1);
			ck_assert_msg(verbs_find(first, *second ? second : NULL) != NULL, "%s", verb);
		}
	}
	ck_assert_ptr_null(hints_verb("queue", "atq"));
	ck_assert_ptr_nonnull(hints_option("edit", "priority"));
	ck_assert_ptr_null(hints_option("submit", "priority"));
}
END_TEST

UNIT_MAIN("jobctl options", two_dashes_before_a_command_are_known,
    a_q_directly_before_a_command_is_known,
    options_are_known_by_what_other_programs_call_them,
    hints_name_verbs_that_are_there_for_words_that_are_none, a_verb_of_two_words_is_found_with_options_between_or_after,
    the_command_of_a_template_begins_after_its_name,
    options_may_stand_among_the_parameters_of_a_template,
    every_rule_of_a_job_has_an_option_and_no_other_has, options_stand_before_or_after_the_verb,
    the_command_of_a_job_is_not_looked_at, two_dashes_end_the_options,
    letters_can_be_joined_and_mean_what_the_verb_means,
    without_a_verb_the_options_are_those_of_list, repeated_options_are_kept_in_their_order,
    what_the_verb_does_not_take_is_refused, verbs_have_the_names_that_fingers_know,
    an_unknown_verb_has_a_nearest_one_unless_it_is_far)
