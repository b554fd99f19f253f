/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobctl/text.h"

#include <locale.h>
#include <string.h>

#include "jobctl/table.h"
#include "unit.h"

/* What a buffer holds, as a string that lives until the next call. */
static const char *held(struct buf *b)
{
	static char text[512];
	ck_assert(!b->failed && b->len < sizeof text);
	if (b->len)
		memcpy(text, b->data, b->len);
	text[b->len] = '\0';
	buf_fini(b);
	return text;
}

static const char *escaped(const char *s, bool utf8)
{
	struct buf b = BUF_INIT;
	text_escape(&b, s, utf8);
	return held(&b);
}

static const char *fitted(const char *s, int width, bool utf8)
{
	struct buf b = BUF_INIT;
	text_fit(&b, s, width, utf8);
	return held(&b);
}

START_TEST(nothing_that_works_on_a_terminal_gets_through)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{ "plain text, 100%", "plain text, 100%" },
		{ "\033[31mred", "\\x1b[31mred" },
		{ "\033]0;title\a", "\\x1b]0;title\\x07" },
		{ "a\nb\tc\rd\177", "a\\nb\\tc\\rd\\x7f" },
		{ "c1 \xc2\x9b" "31m", "c1 \\u009b31m" },
		{ "bidi \u202e\u2066\u200f\u061c", "bidi \\u202e\\u2066\\u200f\\u061c" },
		{ "hidden \u200b\ufeff\U000e0041", "hidden \\u200b\\ufeff\\U000e0041" },
		{ "line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029" },
		{ "schön 漢字 👍", "schön 漢字 👍" },
		/* No UTF-8: a lone byte, overlong, a surrogate, cut off, past the end. */
		{ "\xff", "\\xff" },
		{ "\xc0\x9b", "\\xc0\\x9b" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xe6\xbc", "\\xe6\\xbc" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_str_eq(escaped(rows[i].text, true), rows[i].shown);
}
END_TEST

START_TEST(a_terminal_that_knows_only_ascii_gets_only_ascii)
{
	ck_assert_str_eq(escaped("schön 漢 👍", false), "sch\\u00f6n \\u6f22 \\U0001f44d");
}
END_TEST

START_TEST(widths_are_counted_in_columns)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	ck_assert_int_eq(text_width(""), 0);
	ck_assert_int_eq(text_width("abc"), 3);
	ck_assert_int_eq(text_width("schön"), 5);
	ck_assert_int_eq(text_width("漢字"), 4);
	ck_assert_int_eq(text_width("e\u0301"), 1);
}
END_TEST

START_TEST(what_is_too_wide_is_cut_and_ends_in_an_ellipsis)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	ck_assert_str_eq(fitted("abcdef", 6, true), "abcdef");
	ck_assert_str_eq(fitted("abcdef", 5, true), "abcd…");
	ck_assert_str_eq(fitted("abcdef", 5, false), "abcd~");
	ck_assert_str_eq(fitted("abcdef", 1, true), "…");
	ck_assert_str_eq(fitted("abcdef", 0, true), "");
	/* A wide character is not cut in half. */
	ck_assert_str_eq(fitted("漢字漢", 4, true), "漢…");
	ck_assert_str_eq(fitted("漢字漢", 5, true), "漢字…");
}
END_TEST

START_TEST(commands_are_quoted_so_that_a_shell_would_take_them)
{
	static const struct {
		const char *word, *quoted;
	} rows[] = {
		{ "plain-word_1.txt", "plain-word_1.txt" },
		{ "", "''" },
		{ "a b", "'a b'" },
		{ "$HOME", "'$HOME'" },
		{ "it's", "'it'\\''s'" },
		{ "a|b;c", "'a|b;c'" },
		{ "schön", "schön" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf b = BUF_INIT;
		text_quote_word(&b, rows[i].word);
		ck_assert_str_eq(held(&b), rows[i].quoted);
	}
}
END_TEST

static const struct table_column columns[] = {
	{ "ID", true, 0, 0, 0 },
	{ "NAME", false, 1, 8, 0 },
	{ "REASON", false, 2, 6, 0 },
};

START_TEST(columns_give_way_in_their_order_down_to_their_least)
{
	int widths[3] = { 4, 40, 20 };
	table_fit(columns, widths, 3, 66);
	ck_assert_int_eq(widths[1], 40);
	table_fit(columns, widths, 3, 50);
	ck_assert_int_eq(widths[1], 24);
	ck_assert_int_eq(widths[2], 20);
	table_fit(columns, widths, 3, 30);
	ck_assert_int_eq(widths[1], 8);
	ck_assert_int_eq(widths[2], 16);
	table_fit(columns, widths, 3, 10);
	ck_assert_int_eq(widths[0], 4);
	ck_assert_int_eq(widths[1], 8);
	ck_assert_int_eq(widths[2], 6);
}
END_TEST

START_TEST(columns_that_do_not_fit_are_left_out_in_their_order)
{
	static const struct table_column some[] = {
		{ "ID", true, 0, 0, 0 },
		{ "QUEUE", false, 2, 5, 1 },
		{ "NAME", false, 1, 8, 0 },
		{ "USER", false, 0, 0, 2 },
	};
	static const struct {
		int total, queue, user;
	} rows[] = {
		{ 80, 7, 10 },
		{ 30, 7, 10 },
		{ 29, TABLE_DROPPED, 10 },
		{ 24, TABLE_DROPPED, 10 },
		{ 23, TABLE_DROPPED, TABLE_DROPPED },
		{ 5, TABLE_DROPPED, TABLE_DROPPED },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int widths[4] = { 4, 7, 40, 10 };
		table_drop(some, widths, 4, rows[i].total);
		ck_assert_int_eq(widths[0], 4);
		ck_assert_msg(widths[1] == rows[i].queue, "QUEUE at %d", rows[i].total);
		ck_assert_msg(widths[3] == rows[i].user, "USER at %d", rows[i].total);
	}
	int widths[4] = { 4, TABLE_DROPPED, 40, 10 };
	table_fit(some, widths, 4, 30);
	ck_assert_int_eq(widths[2], 14);
}
END_TEST

/* Prints one row on a screen of that width; 0: a pipe. */
static const char *table_of(int width, const char *name, const char *reason)
{
	static char text[1024];
	FILE *f = tmpfile();
	struct screen s = { .file = f, .terminal = width > 0, .utf8 = true, .width = width };
	struct table t;

	ck_assert(table_init(&t, &s, columns, 3));
	table_cell(&t, "7", COLOUR_NONE);
	table_cell(&t, name, COLOUR_RED);
	table_cell(&t, reason, COLOUR_NONE);
	ck_assert(table_flush(&t));
	table_fini(&t);
	rewind(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

START_TEST(a_table_is_cut_at_a_terminal_and_never_in_a_pipe)
{
	ck_assert_str_eq(table_of(0, "a long name of a job", ""),
	    "ID NAME                 REASON\n"
	    " 7 a long name of a job -\n");
	ck_assert_str_eq(table_of(20, "a long name of a job", "exit 3"),
	    "ID NAME       REASON\n"
	    " 7 a long na… exit 3\n");
	/* Narrower than its least it loses its right end. */
	ck_assert_str_eq(table_of(9, "a long name of a job", "exit 3"),
	    "ID NAME\n"
	    " 7 a lon…\n");
}
END_TEST

START_TEST(in_a_pipe_a_very_long_cell_does_not_widen_its_column)
{
	char name[71], want[256];
	memset(name, 'n', 70);
	name[70] = '\0';
	snprintf(want, sizeof want, "ID NAME REASON\n 7 %s exit 3\n", name);
	ck_assert_str_eq(table_of(0, name, "exit 3"), want);
}
END_TEST

START_TEST(a_cell_can_not_make_lines_of_its_own)
{
	ck_assert_str_eq(table_of(0, "a\nb", "\033[2J"),
	    "ID NAME REASON\n"
	    " 7 a\\nb \\x1b[2J\n");
}
END_TEST

START_TEST(a_bar_is_neither_empty_once_begun_nor_full_before_the_end)
{
	struct screen s = { .terminal = true, .utf8 = false };
	static const struct {
		int percent;
		const char *bar;
	} rows[] = { { 0, "[----]" }, { 1, "[#---]" }, { 50, "[##--]" }, { 99, "[###-]" },
		{ 100, "[####]" }, { 500, "[####]" }, { -3, "[----]" } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf b = BUF_INIT;
		screen_bar(&s, &b, rows[i].percent, 6);
		ck_assert_str_eq(held(&b), rows[i].bar);
	}
	struct buf b = BUF_INIT;
	s.utf8 = true;
	screen_bar(&s, &b, 50, 4);
	ck_assert_str_eq(held(&b), "██░░");
}
END_TEST

UNIT_MAIN("jobctl text", nothing_that_works_on_a_terminal_gets_through,
    a_terminal_that_knows_only_ascii_gets_only_ascii, widths_are_counted_in_columns,
    what_is_too_wide_is_cut_and_ends_in_an_ellipsis,
    commands_are_quoted_so_that_a_shell_would_take_them,
    columns_give_way_in_their_order_down_to_their_least,
    columns_that_do_not_fit_are_left_out_in_their_order,
    in_a_pipe_a_very_long_cell_does_not_widen_its_column,
    a_table_is_cut_at_a_terminal_and_never_in_a_pipe, a_cell_can_not_make_lines_of_its_own,
    a_bar_is_neither_empty_once_begun_nor_full_before_the_end)
