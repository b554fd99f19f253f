/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/template.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/strv.h"
#include "unit.h"

#define LIST(...)                 \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

static struct template t = { .umask = -1 }, out = { .umask = -1 };
static char *why;

static void set(const char *field, const char *value)
{
	const char *takes = NULL;
	ck_assert_msg(template_set(&t, field, value, &takes) == 0, "%s \"%s\": %s", field, value,
	    takes ? takes : "?");
}

/* Makes t anew. */
static void make(const char *const *parameters, const char *const *command)
{
	template_fini(&t);
	t.name = strdup("nightly");
	for (; *parameters; parameters++)
		set("parameters", *parameters);
	for (; *command; command++)
		set("command", *command);
}
#define NO_PARAMETERS (LIST(NULL))

static void fine(void)
{
	int rc = template_check(&t, &why);
	ck_assert_msg(rc == 0, "%s", rc == -EINVAL ? why : strerror(-rc));
}

static void refused(const char *message)
{
	why = NULL;
	ck_assert_int_eq(template_check(&t, &why), -EINVAL);
	ck_assert_str_eq(why, message);
	free(why);
}

static void expand(const char *const *given)
{
	template_fini(&out);
	int rc = template_expand(&t, (char *const *)(uintptr_t)given, &out, &why);
	ck_assert_msg(rc == 0, "%s", rc == -EINVAL ? why : strerror(-rc));
}

static void not_expanded(const char *const *given, const char *message)
{
	why = NULL;
	template_fini(&out);
	ck_assert_int_eq(template_expand(&t, (char *const *)(uintptr_t)given, &out, &why), -EINVAL);
	ck_assert_str_eq(why, message);
	free(why);
	ck_assert_ptr_null(out.command);
	ck_assert_ptr_null(out.name);
}

static void command_is(char *const *command, const char *const *wanted)
{
	size_t i = 0;
	for (; wanted[i]; i++) {
		ck_assert_ptr_nonnull(command[i]);
		ck_assert_str_eq(command[i], wanted[i]);
	}
	ck_assert_ptr_null(command[i]);
}

/* Each field with a value that it takes, and one that it does not; NULL: it takes anything. */
static const struct {
	const char *field, *good, *bad;
} fields[] = {
	{ "description", "every night", "" },
	{ "command", "ingest", NULL },
	{ "parameters", "date=today", "-x" },
	{ "job_name", "night", "" },
	{ "queue", "import", "" },
	{ "project", "dwh", "" },
	{ "cwd", "/srv", "srv" },
	{ "priority", "high", "11" },
	{ "umask", "027", "1000" },
	{ "environment", "A=b", "=b" },
	{ "timeout", "2h", "soon" },
	{ "warn", "USR1@5min", "5min" },
	{ "attempts", "3", "0" },
	{ "backoff", "10s", "x" },
	{ "backoff_max", "1h", "x" },
	{ "backoff_jitter", "50", "101" },
	{ "retry_on", "1,75-78", "0" },
	{ "retry_not", "2", "x" },
	{ "recovery", "hold", "x" },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

START_TEST(the_fields_are_these_and_take_what_they_say)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const char *takes = NULL;
		ck_assert_str_eq(template_field(i), fields[i].field);
		ck_assert_int_eq(template_set(&t, fields[i].field, fields[i].good, &takes), 0);
		ck_assert_ptr_null(takes);
		if (!fields[i].bad)
			continue;
		ck_assert_int_eq(template_set(&t, fields[i].field, fields[i].bad, &takes), -EINVAL);
		ck_assert_ptr_nonnull(takes);
	}
	ck_assert_ptr_null(template_field(FIELDS));
	ck_assert_str_eq(t.description, "every night");
	ck_assert_str_eq(t.command[0], "ingest");
	ck_assert_str_eq(t.parameters[0], "date=today");
	ck_assert_uint_eq(strv_len(t.parameters), 1);
	ck_assert_str_eq(t.job_name, "night");
	ck_assert_str_eq(t.queue, "import");
	ck_assert_str_eq(t.project, "dwh");
	ck_assert_str_eq(t.cwd, "/srv");
	ck_assert_int_eq(t.priority, 2);
	ck_assert_int_eq(t.umask, 027);
	ck_assert_str_eq(t.environment[0], "A=b");
	ck_assert_uint_eq(strv_len(t.rules), 9);
	ck_assert_str_eq(strv_env(t.rules, "timeout"), "2h");
	template_fini(&t);
}
END_TEST

START_TEST(fields_that_do_not_exist_are_said_to)
{
	const char *takes = NULL;
	ck_assert_int_eq(template_set(&t, "comand", "x", &takes), -ENOENT);
	ck_assert_int_eq(template_set(&t, "max_running", "3", &takes), -ENOENT);
	ck_assert_int_eq(template_set(&t, "name", "x", &takes), -ENOENT);
	ck_assert(!template_field_is_list("comand"));
	ck_assert(template_field_is_list("command"));
	ck_assert(template_field_is_list("parameters"));
	ck_assert(template_field_is_list("environment"));
	ck_assert(!template_field_is_list("timeout"));
	ck_assert(!template_field_is_list("cwd"));
}
END_TEST

START_TEST(text_is_replaced_and_lists_grow)
{
	set("queue", "a");
	set("queue", "b");
	set("timeout", "1h");
	set("timeout", "2h");
	set("command", "a");
	set("command", "");
	ck_assert_str_eq(t.queue, "b");
	ck_assert_uint_eq(strv_len(t.rules), 1);
	ck_assert_str_eq(strv_env(t.rules, "timeout"), "2h");
	command_is(t.command, LIST("a", ""));
	template_fini(&t);
}
END_TEST

START_TEST(a_copy_has_all_and_is_its_own)
{
	for (size_t i = 0; i < FIELDS; i++)
		set(fields[i].field, fields[i].good);
	t.name = strdup("nightly");
	ck_assert_int_eq(template_copy(&out, &t), 0);
	ck_assert_int_eq(out.priority, 2);
	ck_assert_int_eq(out.umask, 027);
	template_fini(&t);
	ck_assert_ptr_null(t.command);
	ck_assert_int_eq(t.umask, -1);
	ck_assert_str_eq(out.name, "nightly");
	ck_assert_str_eq(out.description, "every night");
	ck_assert_str_eq(out.job_name, "night");
	ck_assert_str_eq(out.queue, "import");
	ck_assert_str_eq(out.project, "dwh");
	ck_assert_str_eq(out.cwd, "/srv");
	command_is(out.command, LIST("ingest"));
	command_is(out.parameters, LIST("date=today"));
	command_is(out.environment, LIST("A=b"));
	ck_assert_uint_eq(strv_len(out.rules), 9);
	template_fini(&out);
	ck_assert_int_eq(template_copy(&out, &t), 0);
	ck_assert_ptr_null(out.command);
	ck_assert_ptr_null(out.rules);
}
END_TEST

START_TEST(names_are_of_letters_digits_and_three_signs)
{
	ck_assert(template_good_name("nightly"));
	ck_assert(template_good_name("_a.b-C9"));
	ck_assert(
	    template_good_name("1234567890123456789012345678901234567890123456789012345678901234"));
	ck_assert(!template_good_name(
	    "12345678901234567890123456789012345678901234567890123456789012345"));
	ck_assert(!template_good_name(""));
	ck_assert(!template_good_name("-a"));
	ck_assert(!template_good_name(".a"));
	ck_assert(!template_good_name("a b"));
	ck_assert(!template_good_name("a=b"));
	ck_assert(!template_good_name("a/b"));
	ck_assert(!template_good_name("{a}"));
	ck_assert(!template_good_name("\xc3\xa9"));
}
END_TEST

START_TEST(a_template_that_is_not_whole_is_refused)
{
	make(NO_PARAMETERS, NO_PARAMETERS);
	refused("there is no command");
	set("command", "");
	refused("there is no command");
	make(NO_PARAMETERS, LIST("ls"));
	fine();
	t.priority = 11;
	refused("priority is 1 (first) to 10 (last)");
	t.priority = 0;
	t.umask = 01000;
	refused("umask is 0 to 0777");
	t.umask = -1;
	t.cwd = strdup("srv");
	refused("cwd is no absolute path");
	t.cwd[0] = '/';
	strcpy(t.name, "-x");
	refused(
	    "\"-x\" can't be the name of a template: letters, digits, _ . and - can, at most 64, "
	    "not beginning with - or a dot");
	make(NO_PARAMETERS, LIST("ls", "\xff"));
	refused("the command is not UTF-8");
	make(NO_PARAMETERS, LIST("ls"));
	set("description", "\xc3");
	refused("description is not UTF-8");
}
END_TEST

START_TEST(parameters_are_declared_once_and_used)
{
	make(LIST("date"), LIST("ls"));
	refused("the parameter date is used nowhere");
	make(LIST("date", "date=1"), LIST("ls", "{date}"));
	refused("the parameter date is declared twice");
	make(LIST("date"), LIST("ls", "{date}", "{mode}"));
	refused(
	    "{mode} in the command is no parameter of the template: declare it, or write {{mode}} "
	    "for the braces themselves");
	make(NO_PARAMETERS, LIST("ls"));
	ck_assert_int_eq(strv_add(&t.parameters, "a b=1"), 0);
	refused(
	    "\"a b\" can't be the name of a parameter: letters, digits, _ . and - can, at most 64, "
	    "not beginning with - or a dot");
	make(LIST("a=\xff"), LIST("ls", "{a}"));
	refused("the default of {a} is not UTF-8");
	static const char *const places[][2] = { { "cwd", "/srv/{a}" }, { "job_name", "x {a}" },
		{ "project", "{a}" }, { "environment", "A=-{a}-" } };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		make(LIST("a"), LIST("ls"));
		set(places[i][0], places[i][1]);
		fine();
	}
	make(LIST("a"), LIST("ls"));
	set("description", "{a}");
	set("queue", "{a}");
	refused("the parameter a is used nowhere");
}
END_TEST

START_TEST(a_brace_alone_is_refused)
{
	make(NO_PARAMETERS, LIST("find", ".", "-exec", "rm", "{}", ";"));
	refused(
	    "the command has a brace that belongs to no parameter, at {}: {{ stands for {, and }} "
	    "for }");
	make(NO_PARAMETERS, LIST("awk", "{ print }"));
	refused(
	    "the command has a brace that belongs to no parameter, at { print }: {{ stands for {, "
	    "and }} for }");
	make(NO_PARAMETERS, LIST("ls", "a}"));
	refused(
	    "the command has a brace that belongs to no parameter, at }: {{ stands for {, and }} "
	    "for }");
	make(NO_PARAMETERS, LIST("ls", "{abc"));
	refused("the command has a brace that belongs to no parameter, at {abc: {{ stands for {, "
		"and }} "
		"for }");
	make(LIST("abc"), LIST("ls", "{{{abc}}}"));
	fine();
}
END_TEST

START_TEST(no_parameter_becomes_code)
{
	make(LIST("date"), LIST("sh", "-c", "ingest {date}"));
	refused("the shell would read {date} as part of its script: write sh -c '\xe2\x80\xa6 "
		"\"$1\"' sh "
		"{date}");
	make(LIST("date"), LIST("sh", "-c", "ingest \"$1\"", "sh", "{date}"));
	fine();
	make(LIST("date"), LIST("nice", "/bin/bash", "-ec", "a {{ {date}"));
	refused("the shell would read {date} as part of its script: write bash -c '\xe2\x80\xa6 "
		"\"$1\"' "
		"bash {date}");
	make(LIST("x"), LIST("{x}"));
	refused("{x} stands in the name of a program: what is run has to be written out");
	make(LIST("x"), LIST("env", "{x}"));
	refused("{x} stands in the name of a program: what is run has to be written out");
	make(LIST("x"), LIST("python3", "-c", "{x}"));
	refused("python3 would run what is in {x}: put it behind the code, as an argument");
	make(LIST("x"), LIST("python3", "{x}"));
	refused(
	    "python3 would take {x} as an option, or as the script that it runs: put it behind the "
	    "script, as an argument");
	make(LIST("x"), LIST("ssh", "host", "ls", "{x}"));
	refused(
	    "ssh would make {x} part of a line of commands: run a script instead, with {x} as its "
	    "argument");
	make(LIST("x"), LIST("ed", "-s", "{x}"));
	refused(
	    "ed would take {x} for a command where it begins with ! or +: write its directory before it, "
	    "as in ./{x}");
	make(LIST("x"), LIST("rsync", "host:{x}", "/dst"));
	refused(
	    "rsync may let a shell on another host read {x}: give rsync the option -s, or begin a "
	    "local path with ./");
	make(LIST("h", "x"), LIST("rsync", "./{h}", "{h}:{x}"));
	ck_assert_int_eq(template_check(&t, &why), -EINVAL);
	free(why);
}
END_TEST

START_TEST(no_parameter_names_an_option)
{
	static const char *const bad[] = { "-{x}", "--{x}", "--{x}=1", "--no-{x}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make(LIST("x"), LIST("ls", bad[i]));
		refused("{x} stands in the name of an option, which has to be written out");
	}
	static const char *const good[] = { "--a={x}", "-j{x}", "a-{x}", "--a=-{x}" };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		make(LIST("x"), LIST("ls", good[i]));
		fine();
	}
	make(LIST("x"), LIST("rm", "--", "-{x}"));
	fine();
	make(LIST("x=-rf"), LIST("rm", "{x}"));
	refused(
	    "the default of {x} begins with -, and the program could read it as an option: put -- "
	    "right before {x}, or write the option out");
	make(LIST("x=-rf"), LIST("rm", "--", "{x}"));
	fine();
}
END_TEST

START_TEST(no_parameter_names_a_variable_or_stands_in_one_that_is_run)
{
	make(LIST("x"), LIST("ls", "{x}"));
	set("environment", "{x}=1");
	refused("the name of a variable is written out, and \"{x}\" has a brace");
	make(LIST("x"), LIST("ls"));
	set("environment", "LD_PRELOAD=/lib/{x}.so");
	refused("programs run or load what the variable LD_PRELOAD says: {x} may not stand in it");
	make(NO_PARAMETERS, LIST("ls"));
	set("environment", "PATH=/bin:{{");
	fine();
	ck_assert_int_eq(strv_add(&t.environment, "A"), 0);
	refused("\"A\" in environment is no NAME=value");
}
END_TEST

START_TEST(parameters_come_in_their_places)
{
	make(LIST("date", "mode=full", "none="), LIST("ingest", "--date={date}", "{mode}", "{none}",
						     "{{{date}}}", "{date}{mode}", "plain"));
	set("cwd", "/srv/{mode}");
	set("job_name", "{date} {mode}");
	set("project", "p-{mode}");
	set("environment", "DATE={date}");
	set("queue", "import");
	set("attempts", "3");
	set("umask", "022");
	expand(LIST("date=2026-11-21"));
	command_is(out.command, LIST("ingest", "--date=2026-11-21", "full", "", "{2026-11-21}",
				    "2026-11-21full", "plain"));
	ck_assert_str_eq(out.cwd, "/srv/full");
	ck_assert_str_eq(out.job_name, "2026-11-21 full");
	ck_assert_str_eq(out.project, "p-full");
	command_is(out.environment, LIST("DATE=2026-11-21"));
	ck_assert_str_eq(out.queue, "import");
	ck_assert_str_eq(out.name, "nightly");
	ck_assert_int_eq(out.umask, 022);
	ck_assert_str_eq(strv_env(out.rules, "attempts"), "3");
	ck_assert_ptr_null(out.parameters);
	expand(LIST("mode=", "none=x", "date=a=b"));
	command_is(out.command, LIST("ingest", "--date=a=b", "", "x", "{a=b}", "a=b", "plain"));
	ck_assert_uint_eq(strv_len(t.parameters), 3);
}
END_TEST

START_TEST(what_was_given_is_checked)
{
	make(LIST("date", "mode=full"), LIST("ls", "{date}", "{mode}"));
	not_expanded(NULL, "the parameter date is missing");
	not_expanded(LIST("mode=x"), "the parameter date is missing");
	not_expanded(LIST("date=1", "dat=2"),
	    "the template nightly has no parameter \"dat\"; it has: date, mode");
	not_expanded(LIST("date=1", "date=2"), "the parameter date is given twice");
	not_expanded(LIST("date"), "\"date\" is no NAME=value");
	not_expanded(LIST("date=\xff"), "the parameter date is not UTF-8");
	make(NO_PARAMETERS, LIST("ls"));
	not_expanded(LIST("a=1"), "the template nightly has no parameter \"a\"; it has: none");
	expand(NULL);
	make(LIST("dir"), LIST("ls"));
	set("cwd", "{dir}");
	not_expanded(LIST("dir=srv"), "cwd becomes \"srv\", which is no absolute path");
	expand(LIST("dir=/srv"));
}
END_TEST

START_TEST(a_template_that_is_not_safe_is_not_expanded)
{
	make(LIST("x"), LIST("sh", "-c", "{x}"));
	not_expanded(LIST("x=1"), "the shell would read {x} as part of its script: write sh -c "
				  "'\xe2\x80\xa6 \"$1\"' sh {x}");
}
END_TEST

START_TEST(an_argument_stays_one_argument_whatever_is_in_it)
{
	static const char *const hostile[] = { "x=$(rm -rf /)", "x=\"; x", "x=a\nb\n", "x='a' b\t*",
		"x=\x01\x1b[2J\x7f", "x={x}", "x={{x}}", "x=`id`", "x= -rf", "x=%s%n", "x=\\",
		"x=" };
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		const char *value = hostile[i] + 2;
		make(LIST("x"), LIST("sh", "-c", "ingest \"$1\"", "sh", "{x}", "end"));
		set("environment", "X={x}");
		expand(LIST(hostile[i]));
		command_is(out.command, LIST("sh", "-c", "ingest \"$1\"", "sh", value, "end"));
		ck_assert_str_eq(strv_env(out.environment, "X"), value);
		ck_assert_uint_eq(strv_len(out.environment), 1);
	}
}
END_TEST

START_TEST(a_value_that_begins_with_a_dash_is_no_option)
{
#define DASH(name)                                                                              \
	"with this value of the parameter " name " an argument begins with -, and the program " \
	"could read it as an option"
	make(LIST("x"), LIST("rm", "{x}"));
	not_expanded(LIST("x=-rf"), DASH("x"));
	not_expanded(LIST("x=-"), DASH("x"));
	make(LIST("a", "b"), LIST("rm", "{a}{b}"));
	not_expanded(LIST("a=", "b=-rf"), DASH("b"));
	expand(LIST("a=x", "b=-rf"));
	make(LIST("a"), LIST("rm", "{a}-rf"));
	not_expanded(LIST("a="), DASH("a"));
	make(LIST("x"), LIST("rm", "./{x}", "--to={x}", "-o{x}"));
	expand(LIST("x=-rf"));
	command_is(out.command, LIST("rm", "./-rf", "--to=-rf", "-o-rf"));
	make(LIST("x", "y"), LIST("rm", "--", "{x}", "{y}"));
	expand(LIST("x=-rf", "y=-x"));
	command_is(out.command, LIST("rm", "--", "-rf", "-x"));
	make(LIST("x"), LIST("sudo", "--", "rm", "{x}"));
	not_expanded(LIST("x=-rf"), DASH("x"));
	make(LIST("x"), LIST("--", "{x}"));
	not_expanded(LIST("x=-rf"), DASH("x"));
}
END_TEST

START_TEST(no_text_becomes_longer_than_the_kernel_takes)
{
	char *big = malloc(TEMPLATE_TEXT_MAX + 3);
	memset(big, 'a', TEMPLATE_TEXT_MAX + 2);
	memcpy(big, "x=", 2);
	big[TEMPLATE_TEXT_MAX + 2] = '\0';
	make(LIST("x"), LIST("ls", "{x}"));
	expand(LIST(big));
	ck_assert_uint_eq(strlen(out.command[1]), TEMPLATE_TEXT_MAX);
	make(LIST("x"), LIST("ls", "{x}{x}"));
	not_expanded(LIST(big), "the parameter x makes an argument longer than 131071 bytes");
	make(LIST("x"), LIST("ls", "{x}.log"));
	not_expanded(LIST(big), "the text makes an argument longer than 131071 bytes");
	free(big);
}
END_TEST

UNIT_MAIN("template", the_fields_are_these_and_take_what_they_say,
    fields_that_do_not_exist_are_said_to, text_is_replaced_and_lists_grow,
    a_copy_has_all_and_is_its_own, names_are_of_letters_digits_and_three_signs,
    a_template_that_is_not_whole_is_refused, parameters_are_declared_once_and_used,
    a_brace_alone_is_refused, no_parameter_becomes_code, no_parameter_names_an_option,
    no_parameter_names_a_variable_or_stands_in_one_that_is_run, parameters_come_in_their_places,
    what_was_given_is_checked, a_template_that_is_not_safe_is_not_expanded,
    an_argument_stays_one_argument_whatever_is_in_it, a_value_that_begins_with_a_dash_is_no_option,
    no_text_becomes_longer_than_the_kernel_takes)
