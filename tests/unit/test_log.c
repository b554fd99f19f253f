/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/log.h"

#include <string.h>

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

START_TEST(a_line_is_keys_and_values)
{
	log_set_sink(keep, &lines);
	struct log_line l = LOG_LINE_INIT;
	log_u64(&l, "job", UINT64_MAX);
	log_str(&l, "user", "ann");
	log_str(&l, "skipped", NULL);
	log_i64(&l, "delta", -3);
	log_emit(LOG_NOTICE, &l);
	ck_assert_str_eq(last, "job=18446744073709551615 user=ann delta=-3");
	ck_assert_int_eq(last_priority, LOG_NOTICE);
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
		{ "\x1b[2J\x7f", "k=\\x1b[2J\\x7f" },
		{ "\xc3\xa4", "k=\\xc3\\xa4" },
		{ "\t", "k=\\x09" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct log_line l = LOG_LINE_INIT;
		log_str(&l, "k", rows[i].value);
		ck_assert_str_eq(l.text, rows[i].line);
		ck_assert_uint_eq(l.len, strlen(l.text));
	}
}
END_TEST

START_TEST(a_long_line_is_cut_at_a_whole_character_and_ends_in_dots)
{
	char value[2000];
	/* Whatever stands before, the escapes are never split. */
	for (size_t before = 0; before < 8; before++) {
		struct log_line l = LOG_LINE_INIT;
		memset(value, 'a', before);
		memset(value + before, '\n', sizeof(value) - before - 1);
		value[sizeof(value) - 1] = '\0';
		log_str(&l, "k", value);
		log_u64(&l, "after", 1);
		ck_assert_uint_eq(l.len, strlen(l.text));
		ck_assert_uint_lt(l.len, LOG_LINE_MAX);
		ck_assert_uint_gt(l.len, LOG_LINE_MAX - 10);
		ck_assert_str_eq(l.text + l.len - 7, "\\x0a...");
	}
}
END_TEST

START_TEST(text_is_escaped_and_cut_too)
{
	log_set_sink(keep, &lines);
	log_text(LOG_ERR, "cannot open %s: %d", "a\nb", 3);
	ck_assert_str_eq(last, "cannot open a\\x0ab: 3");
	char value[4000];
	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_text(LOG_ERR, "%s", value);
	ck_assert_uint_lt(strlen(last), LOG_LINE_MAX);
	ck_assert_str_eq(last + strlen(last) - 4, "a...");
}
END_TEST

START_TEST(lines_less_urgent_than_the_level_are_dropped)
{
	log_set_sink(keep, &lines);
	lines = 0;
	log_text(LOG_DEBUG, "no");
	ck_assert_int_eq(lines, 0);
	log_text(LOG_INFO, "yes");
	ck_assert_int_eq(lines, 1);
	log_set_level(LOG_WARNING);
	struct log_line l = LOG_LINE_INIT;
	log_emit(LOG_NOTICE, &l);
	ck_assert_int_eq(lines, 1);
	log_emit(LOG_CRIT, &l);
	ck_assert_int_eq(lines, 2);
	log_set_level(LOG_DEBUG);
	log_text(LOG_DEBUG, "yes");
	ck_assert_int_eq(lines, 3);
}
END_TEST

UNIT_MAIN("log", a_line_is_keys_and_values, no_value_can_forge_or_break_a_line,
    a_long_line_is_cut_at_a_whole_character_and_ends_in_dots, text_is_escaped_and_cut_too,
    lines_less_urgent_than_the_level_are_dropped)
