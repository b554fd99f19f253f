/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobctl/plan.h"

#include <stdlib.h>
#include <string.h>

#include "jobctl/edit-text.h"
#include "jobctl/job.h"
#include "unit.h"

static struct plan p;

static void read_text(const char *text)
{
	plan_fini(&p);
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(plan_read(f, &p), 0);
	fclose(f);
}

/* The names in the order in which they are to be submitted. */
static const char *order(void)
{
	static char out[256];
	*out = '\0';
	ck_assert_msg(p.order != NULL, "mistake: %s", p.nmistakes ? p.mistakes[0].text : "?");
	for (size_t i = 0; i < p.n; i++)
		strcat(strcat(out, i ? " " : ""), job_text_or(p.jobs[p.order[i]].job, "name", "-"));
	return out;
}

/* The only mistake is on this line, and has these words. */
static void mistake(const char *text, unsigned long line, const char *words)
{
	read_text(text);
	ck_assert_msg(p.nmistakes == 1, "%zu mistakes: %s", p.nmistakes, text);
	ck_assert_msg(strstr(p.mistakes[0].text, words) != NULL, "'%s' has no '%s'",
	    p.mistakes[0].text, words);
	ck_assert_uint_eq(p.mistakes[0].line, line);
	ck_assert_ptr_null(p.order);
}

#define JOB(name, after) "{\"name\":\"" name "\",\"command\":[\"true\"],\"after\":[" after "]}\n"

START_TEST(a_line_moves_only_where_another_waits_for_it)
{
	read_text(JOB("a", "") JOB("b", "") JOB("c", ""));
	ck_assert_str_eq(order(), "a b c");
	read_text(JOB("a", "") JOB("b", "\"d\"") JOB("c", "\"b\"") JOB("d", "") JOB("e", ""));
	ck_assert_str_eq(order(), "a d b c e");
	/* A diamond, upside down. */
	read_text(JOB("end", "\"l\",\"r\"") JOB("r", "\"top\"") JOB("l", "\"top\"") JOB("top", ""));
	ck_assert_str_eq(order(), "top l r end");
}
END_TEST

START_TEST(blank_lines_and_comments_are_passed_over_and_counted)
{
	read_text("# a plan\n\n  \t\r\n" JOB("a", "") "   # and more\n{\"comand\":1}\n");
	ck_assert_uint_eq(p.n, 2);
	ck_assert_uint_eq(p.jobs[0].line, 4);
	ck_assert_uint_eq(p.mistakes[0].line, 6);
}
END_TEST

START_TEST(after_names_lines_and_numbers_and_says_how_they_are_to_end)
{
	read_text(JOB("a", "") JOB("c", "") JOB("b", "\"a\", 12, {\"name\":\"c\",\"on\":\"any\"}, {\"id\":7,\"on\":\"failed\"}"));
	ck_assert_str_eq(order(), "a c b");
	const struct plan_job *b = &p.jobs[2];
	ck_assert_uint_eq(b->nafter, 4);
	ck_assert(b->after[0].in_plan && b->after[0].job == 0);
	ck_assert_str_eq(b->after[0].on, "ok");
	ck_assert(!b->after[1].in_plan && b->after[1].id == 12);
	ck_assert(b->after[2].in_plan && b->after[2].job == 1);
	ck_assert_str_eq(b->after[2].on, "any");
	ck_assert(b->after[3].id == 7);
	ck_assert_str_eq(b->after[3].on, "failed");
	ck_assert_ptr_null(json_object_get(b->job, "after"));
}
END_TEST

START_TEST(names_need_not_be_unique_unless_one_is_meant)
{
	read_text(JOB("a", "") JOB("a", "") JOB("b", ""));
	ck_assert_str_eq(order(), "a a b");
	mistake(JOB("a", "") JOB("a", "") JOB("b", "\"a\""), 3, "the name of lines 1 and 2");
}
END_TEST

START_TEST(mistakes_are_told_with_what_was_probably_meant)
{
	mistake("{\"command\":[\"a\"],\"quue\":\"x\"}", 1, "did you mean \"queue\"");
	mistake("{\"command\":[\"a\"],\"timeout\":\"2h\"}", 1, "it goes into \"rules\"");
	mistake("{\"command\":[\"a\"],\"rules\":{\"timeout\":\"soon\"}}", 1, "\"soon\" is not a duration");
	mistake("{\"command\":[\"a\"],\"rules\":{\"max_running\":\"3\"}}", 1, "no rule \"max_running\"");
	mistake("{\"command\":[\"a\"],\"rules\":{\"attempts\":[3]}}", 1, "attempts: must be a string, such as \"3\", not [3]");
	mistake("{\"command\":[\"a\"],\"rules\":{\"attempts\":0}}", 1, "attempts: \"0\" is not");
	mistake("{\"command\":[\"a\"],\"rules\":7}", 1, "rules: must be an object of strings");
	mistake("{\"command\":\"make all\"}", 1, "command: must be an array of strings");
	mistake("{\"command\":[\"a\"],\"priority\":11}", 1, "1 (first) to 10 (last), not 11");
	mistake("{\"command\":[\"a\"],\"hold\":\"yes\"}", 1, "hold: must be true or false");
	mistake("{\"command\":[]}", 1, "no \"command\"");
	mistake("{\"command\":[\"a\"],\"priority\":\"urgent\"}", 1, "'urgent' is no priority");
	mistake("{\"command\":[\"a\"],\"umask\":\"9\"}", 1, "umask: \"9\" is no umask");
	mistake("{\"command\":[\"a\"],\"at\":\"soon\"}", 1, "at: \"soon\" is no time to come");
	mistake("{\"command\":[\"a\"],\"at\":5}", 1, "at: must be a time to come");
	mistake("{\"command\":[\"a\"],\"at\":\"@1\"}", 1, "at: \"@1\" is in the past");
	mistake("{\"command\":[\"a\"],\"at\":\"now\",\"not_before_us\":5}", 1, "one of them");
	mistake("{\"command\":[\"a\"],\"on\":\"any\"}", 1, "did you mean \"after\"?");
	mistake("{\"name\":\"a\"}", 1, "no \"command\"");
	mistake("[1]", 1, "no JSON object");
	mistake("{\"command\":[\"a\"]", 1, "is no JSON");
	mistake("{\"command\":[\"a\"],\"name\":\"x\",\"name\":\"y\"}", 1, "is no JSON");
	mistake(JOB("import", "") JOB("b", "\"imprt\""), 2, "did you mean \"import\"");
	mistake(JOB("b", "{\"on\":\"ok\"}"), 1, "\"name\" or \"id\"");
	mistake(JOB("b", "{\"id\":1,\"on\":\"never\"}"), 1, "\"ok\", \"failed\" or \"any\"");
	mistake(JOB("b", "0"), 1, "numbers of jobs");
	mistake(JOB("a", "") JOB("b", "\"a\",{\"name\":\"a\",\"on\":\"any\"}"), 2, "\"a\" is there twice");
	mistake("{\"command\":[\"a\"],\"after\":3}", 1, "after: must be an array");
	read_text("{\"template\":\"nightly\",\"parameters\":{\"date\":\"x\"}}");
	ck_assert_uint_eq(p.nmistakes, 0);
}
END_TEST

START_TEST(all_mistakes_are_told_in_the_order_of_the_lines)
{
	read_text(JOB("a", "\"nobody\"") "nonsense\n" JOB("c", "\"c\"") "{\"command\":[\"a\"],\"x\":1,\"yy\":2}\n");
	static const unsigned long lines[] = { 1, 2, 3, 4, 4 };
	ck_assert_uint_eq(p.nmistakes, 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(p.mistakes[i].line, lines[i]);
}
END_TEST

START_TEST(a_cycle_is_named)
{
	mistake(JOB("a", "\"b\"") JOB("b", "\"a\""), 1, ": a -> b -> a");
	mistake(JOB("x", "\"a\"") JOB("a", "\"b\"") JOB("b", "\"c\"") JOB("c", "\"a\""), 2, ": a -> b -> c -> a");
	mistake(JOB("a", "\"a\""), 1, ": a -> a");
}
END_TEST

/* A chain of so many, the last one first in the file: "j0" waits for "j1" and so on. */
static char *long_chain(size_t n, bool closed)
{
	size_t size = n * 80 + 1, len = 0;
	char *text = malloc(size);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, size - len, "{\"name\":\"j%zu\",\"command\":[\"a\"]", i);
		if (i + 1 < n || closed)
			len += (size_t)snprintf(text + len, size - len, ",\"after\":[\"j%zu\"]", (i + 1) % n);
		len += (size_t)snprintf(text + len, size - len, "}\n");
	}
	return text;
}

START_TEST(a_chain_of_100000_is_put_in_order)
{
	char *text = long_chain(100000, false);
	read_text(text);
	ck_assert_uint_eq(p.nmistakes, 0);
	for (size_t i = 0; i < p.n; i++)
		ck_assert_uint_eq(p.order[i], p.n - 1 - i);
	free(text);
}
END_TEST

START_TEST(a_cycle_of_100000_is_told_in_a_line_that_can_be_read)
{
	char *text = long_chain(100000, true);
	mistake(text, 1, "(99980 more) -> j0");
	ck_assert_uint_lt(strlen(p.mistakes[0].text), 500);
	free(text);
}
END_TEST

static json_t *json(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);
	ck_assert_msg(j != NULL, "%s", text);
	return j;
}

/* What an edited text changes, as JSON; or why it can't be. */
static const char *changes(const char *before, const char *after)
{
	static char out[512];
	char *why = NULL, *text = NULL;
	json_t *b = json(before), *a = json(after);
	json_t *c = edit_text_changes(b, a, UINT64_C(1795289405000000), &why);

	text = c ? json_dumps(c, JSON_COMPACT | JSON_SORT_KEYS) : why;
	snprintf(out, sizeof out, "%s", text);
	free(text);
	json_decref(c);
	json_decref(a);
	json_decref(b);
	return out;
}

START_TEST(of_an_edited_text_what_changed_is_sent_and_nothing_else)
{
	static const char was[] = "{\"command\":[\"a\"],\"name\":\"n\",\"umask\":18,\"rules\":{\"timeout\":\"2h\","
				  "\"attempts\":\"3\"},\"at\":\"2027-01-01 00:00:00\",\"after\":[]}";
	ck_assert_str_eq(changes(was, was), "{}");
	ck_assert_str_eq(changes(was, "{\"command\":[\"b\"],\"umask\":18,\"rules\":{\"timeout\":\"1h\"},"
				      "\"at\":\"2027-01-01 00:00:00\",\"after\":[{\"id\":3}]}"),
	    "{\"after\":[{\"id\":3}],\"clear\":[\"name\",\"attempts\"],\"command\":[\"b\"],"
	    "\"rules\":{\"timeout\":\"1h\"}}");
	ck_assert_str_eq(changes("{}", "{\"deadline\":\"@1795300000\"}"), "{\"deadline_us\":1795300000000000}");
	ck_assert_ptr_nonnull(strstr(changes("{}", "{\"at\":\"@1\"}"), "is in the past"));
	ck_assert_ptr_nonnull(strstr(changes("{}", "{\"comand\":[]}"), "did you mean \"command\""));
	ck_assert_ptr_nonnull(strstr(changes("{}", "{\"command\":\"x\"}"), "command: must be an array of strings"));
	ck_assert_ptr_nonnull(strstr(changes("{}", "{\"queue\":3}"), "queue: must be a string"));
	ck_assert_str_eq(changes("{\"umask\":\"022\"}", "{\"umask\":\"077\"}"), "{\"umask\":63}");
	ck_assert_ptr_nonnull(strstr(changes("{}", "{\"umask\":\"99\"}"), "umask: must be octal"));
	ck_assert_ptr_nonnull(strstr(changes("{}", "{\"rules\":{\"timeout\":\"x\"}}"), "timeout: is not a duration"));
	ck_assert_ptr_nonnull(strstr(changes("{}", "{\"timeout\":\"1h\"}"), "it goes into \"rules\""));
}
END_TEST

START_TEST(a_job_as_a_text_has_its_own_rules_and_times_that_can_be_read)
{
	json_t *job = json("{\"id\":7,\"state\":\"queued\",\"command\":[\"a\"],\"not_before_us\":1795289405123456,"
			   "\"rules\":[{\"name\":\"timeout\",\"value\":\"2h\",\"origin\":\"job\"},"
			   "{\"name\":\"attempts\",\"value\":\"3\",\"origin\":\"config\"}],"
			   "\"after\":[{\"id\":3,\"state\":\"completed\"}]}");
	setenv("TZ", "UTC", 1);
	json_t *text = edit_text_of(job);
	char *s = json_dumps(text, JSON_COMPACT | JSON_SORT_KEYS);
	ck_assert_str_eq(s, "{\"after\":[{\"id\":3,\"on\":\"ok\"}],\"at\":\"2026-11-21 19:30:05\","
			    "\"command\":[\"a\"],\"rules\":{\"timeout\":\"2h\"}}");
	free(s);
	json_decref(text);
	json_decref(job);
}
END_TEST

START_TEST(fields_to_be_cleared_have_the_names_of_their_options_too)
{
	const char *near;
	ck_assert_str_eq(edit_text_field("at", &near), "not_before_us");
	ck_assert_str_eq(edit_text_field("delay", &near), "not_before_us");
	ck_assert_str_eq(edit_text_field("retry-on", &near), "retry_on");
	ck_assert_str_eq(edit_text_field("drop-unmet", &near), "drop_unmet");
	ck_assert_str_eq(edit_text_field("deadline_us", &near), "deadline_us");
	ck_assert_ptr_null(edit_text_field("max_running", &near));
	ck_assert_ptr_null(edit_text_field("deadlin", &near));
	ck_assert_str_eq(near, "deadline");
}
END_TEST

UNIT_MAIN("jobctl plans", a_line_moves_only_where_another_waits_for_it,
    blank_lines_and_comments_are_passed_over_and_counted,
    after_names_lines_and_numbers_and_says_how_they_are_to_end,
    names_need_not_be_unique_unless_one_is_meant, mistakes_are_told_with_what_was_probably_meant,
    all_mistakes_are_told_in_the_order_of_the_lines, a_cycle_is_named,
    a_chain_of_100000_is_put_in_order, a_cycle_of_100000_is_told_in_a_line_that_can_be_read,
    of_an_edited_text_what_changed_is_sent_and_nothing_else,
    a_job_as_a_text_has_its_own_rules_and_times_that_can_be_read,
    fields_to_be_cleared_have_the_names_of_their_options_too)
