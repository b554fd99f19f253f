/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/log.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char last[4096];
static int last_priority;
static int lines;

static void keep(void *ctx, int priority, const char *text, size_t len)
{
	ck_assert_ptr_eq(ctx, &lines);
	ck_assert_uint_eq(strlen(text), len);
	memcpy(last, text, len + 1);
	last_priority = priority;
	lines++;
}

START_TEST(a_line_is_an_event_and_keys_and_values)
{
	log_set_sink(keep, &lines);
	struct log_line l;
	log_begin(&l, "told");
	log_u64(&l, "job", UINT64_MAX);
	log_str(&l, "user", "ann");
	log_str(&l, "skipped", NULL);
	log_i64(&l, "delta", -3);
	log_emit(LOG_NOTICE, &l);
	ck_assert_str_eq(last, "event=told job=18446744073709551615 user=ann delta=-3");
	ck_assert_int_eq(last_priority, LOG_NOTICE);
}
END_TEST

START_TEST(a_line_without_an_event_is_our_bug)
{
	log_set_sink(keep, &lines);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct rlimit none = { 0, 0 };
		struct log_line l = { .len = 0 };
		setrlimit(RLIMIT_CORE, &none);
		close(STDERR_FILENO);
		log_u64(&l, "job", 1);
		log_emit(LOG_NOTICE, &l);
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

START_TEST(no_value_can_forge_or_break_a_line)
{
	static const struct {
		const char *value, *line;
	} rows[] = {
		{ "", "k=\"\"" },
		{ "two words", "k=\"two words\"" },
		{ "x\nJan 1 root: forged", "k=\"x\\x0aJan 1 root: forged\"" },
		{ "a\" to=completed", "k=\"a\\\" to=completed\"" },
		{ "a=b", "k=\"a=b\"" },
		{ "back\\slash", "k=\"back\\\\slash\"" },
		{ "\\x0a", "k=\"\\\\x0a\"" },
		{ "\\", "k=\"\\\\\"" },
		{ "\x1b[2J\x7f", "k=\\x1b[2J\\x7f" },
		{ "\xc3\xa4", "k=\\xc3\\xa4" },
		{ "\t", "k=\\x09" },
		{ "%s%n", "k=%s%n" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct log_line l;
		log_begin(&l, "x");
		log_str(&l, "k", rows[i].value);
		ck_assert_uint_eq(l.len, strlen(l.text));
		ck_assert_str_eq(l.text + strlen("event=x "), rows[i].line);
	}
}
END_TEST

/* What comes after a value that is too long is there, whole. */
START_TEST(a_long_value_is_cut_at_a_whole_character_inside_its_quotes)
{
	char value[2000];
	/* Whatever stands before, the escapes are never split. */
	for (size_t before = 1; before < 8; before++) {
		struct log_line l;
		memset(value, ' ', before);
		memset(value + before, '\n', sizeof(value) - before - 1);
		value[sizeof(value) - 1] = '\0';
		log_begin(&l, "x");
		log_str(&l, "k", value);
		ck_assert_uint_le(l.len, strlen("event=x k=\"...\"") + LOG_VALUE_MAX);
		ck_assert_uint_gt(l.len, LOG_VALUE_MAX);
		log_u64(&l, "after", 1);
		ck_assert_uint_eq(l.len, strlen(l.text));
		ck_assert_str_eq(l.text + l.len - 16, "\\x0a...\" after=1");
	}
}
END_TEST

static size_t fill(struct log_line *l, const char *value)
{
	size_t whole = 0;
	log_begin(l, "x");
	for (int i = 0; i < 200; i++) {
		if (!l->cut)
			whole = l->len;
		log_str(l, "key", value);
		ck_assert_uint_eq(l->len, strlen(l->text));
		ck_assert_uint_lt(l->len, LOG_LINE_MAX);
	}
	ck_assert(l->cut);
	return whole;
}

START_TEST(a_line_that_is_full_says_so_and_leaves_its_last_value_alone)
{
	char value[LOG_LINE_MAX];
	for (size_t n = 1; n < 600; n++) {
		struct log_line l;
		memset(value, 'a', n);
		value[n] = '\0';
		size_t whole = fill(&l, value);
		ck_assert_uint_ge(l.len, LOG_LINE_MAX - 20);
		const char *tail = l.text + whole;
		/* Either nothing of the next pair, or a value that is seen to be cut. */
		if (strcmp(tail, " ...") != 0) {
			ck_assert_int_eq(strncmp(tail, " key=a", 6), 0);
			ck_assert_str_eq(l.text + l.len - 4, "a...");
		}
		value[0] = ' '; /* the same in quotes */
		whole = fill(&l, value);
		tail = l.text + whole;
		if (strcmp(tail, " ...") != 0)
			ck_assert_str_eq(l.text + l.len - 4, "...\"");
	}
}
END_TEST

START_TEST(an_event_with_one_value_is_escaped_and_cut_too)
{
	log_set_sink(keep, &lines);
	log_event(LOG_ERR, "config", "error", "cannot open \"%s\": %d", "a\nb", 3);
	ck_assert_str_eq(last, "event=config error=\"cannot open \\\"a\\x0ab\\\": 3\"");
	char value[4000];
	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_event(LOG_ERR, "config", "error", "%s", value);
	ck_assert_uint_lt(strlen(last), LOG_LINE_MAX);
	ck_assert_str_eq(last + strlen(last) - 4, "a...");
}
END_TEST

START_TEST(lines_less_urgent_than_the_level_are_dropped)
{
	log_set_sink(keep, &lines);
	lines = 0;
	log_event(LOG_DEBUG, "x", "k", "no");
	ck_assert_int_eq(lines, 0);
	log_event(LOG_INFO, "x", "k", "yes");
	ck_assert_int_eq(lines, 1);
	log_set_level(LOG_WARNING);
	struct log_line l;
	log_begin(&l, "x");
	log_emit(LOG_NOTICE, &l);
	ck_assert_int_eq(lines, 1);
	log_emit(LOG_CRIT, &l);
	ck_assert_int_eq(lines, 2);
	log_set_level(LOG_DEBUG);
	log_event(LOG_DEBUG, "x", "k", "yes");
	ck_assert_int_eq(lines, 3);
}
END_TEST

UNIT_MAIN("log", a_line_is_an_event_and_keys_and_values, a_line_without_an_event_is_our_bug,
    no_value_can_forge_or_break_a_line, a_long_value_is_cut_at_a_whole_character_inside_its_quotes,
    a_line_that_is_full_says_so_and_leaves_its_last_value_alone,
    an_event_with_one_value_is_escaped_and_cut_too, lines_less_urgent_than_the_level_are_dropped)
