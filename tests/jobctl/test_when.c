/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobctl/when.h"

#include <stdlib.h>
#include <time.h>

#include "unit.h"

#define S UINT64_C(1000000)

/* 2026-11-21 14:30:05 in New York, which left summer time on 1 November. */
#define NOW (UINT64_C(1795289405) * S + 123456)

static void in_new_york(void)
{
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
}

START_TEST(times_are_read_as_people_write_them)
{
	static const struct {
		const char *text;
		uint64_t us;
	} rows[] = {
		{ "now", NOW },
		{ "@1795289405", 1795289405 * S },
		{ "2026-11-21", 1795237200 * S },
		{ "today", 1795237200 * S },
		{ "yesterday", 1795150800 * S },
		{ "2026-11-21 14:30", 1795289400 * S },
		{ "2026-11-21 14:30:05", 1795289405 * S },
		{ "2026-11-21T14:30:05", 1795289405 * S },
		{ "14:30", 1795289400 * S },
		{ "00:00", 1795237200 * S },
		{ "23:59:59", 1795323599 * S },
		{ "90min", NOW - 5400 * S },
		{ "2d", NOW - 172800 * S },
		{ "2d ago", NOW - 172800 * S },
		{ "1h30min ago", NOW - 5400 * S },
		/* Summer time: an hour less from Greenwich. */
		{ "2026-07-01 12:00", 1782921600 * S },
		/* Longer ago than the epoch is the epoch. */
		{ "10000w", 0 },
	};
	in_new_york();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t us = 1;
		ck_assert_msg(when_parse(rows[i].text, NOW, &us), "%s", rows[i].text);
		ck_assert_msg(us == rows[i].us, "%s: %llu, not %llu", rows[i].text,
		    (unsigned long long)us, (unsigned long long)rows[i].us);
	}
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	static const char *const wrong[] = { "", "someday", "2026-02-30", "2026-13-01", "2026-00-10",
		"2026-1-1", "26-11-21", "24:00", "12:60", "12:5", "2026-11-21 25:00", "2026-11-21x",
		"2026-11-21 ", "@", "@-1", "@1x", "@12345678901234", "ago", "2 fortnights", "-1h" };
	in_new_york();
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		uint64_t us;
		ck_assert_msg(!when_parse(wrong[i], NOW, &us), "took \"%s\"", wrong[i]);
	}
}
END_TEST

START_TEST(a_day_that_was_an_hour_longer_begins_at_midnight)
{
	uint64_t day, next;
	in_new_york();
	ck_assert(when_parse("2026-11-01", NOW, &day));
	ck_assert(when_parse("2026-11-02", NOW, &next));
	ck_assert_uint_eq(next - day, 25 * 3600 * S);
}
END_TEST

START_TEST(times_are_printed_in_local_time_and_read_back)
{
	char text[32];
	uint64_t us;
	in_new_york();
	when_print(NOW, text, sizeof text);
	ck_assert_str_eq(text, "2026-11-21 14:30:05");
	ck_assert(when_parse(text, 0, &us));
	ck_assert_uint_eq(us, NOW / S * S);
}
END_TEST

UNIT_MAIN("jobctl times", times_are_read_as_people_write_them, what_is_no_time_is_refused,
    a_day_that_was_an_hour_longer_begins_at_midnight,
    times_are_printed_in_local_time_and_read_back)
