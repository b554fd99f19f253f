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
		{ "2026-11-21T14:30:05-05:00", 1795289405 * S },
		{ "2026-11-21 19:30Z", 1795289400 * S },
		{ "2026-11-22T01:00:05+0530", 1795289405 * S },
		{ "2026-11-21T20:30:05+01", 1795289405 * S },
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
		"2026-11-21 ", "2026-11-21T14:30+", "2026-11-21T14:30+01:", "2026-11-21T14:30+01:60", "2026-02-30T14:30Z",
		"2026-11-21T14:30Zz", "@", "@-1", "@1x", "@12345678901234", "ago", "2 fortnights", "-1h" };
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

START_TEST(times_to_come_are_read_as_at_reads_them)
{
	/* NOW is a Saturday. */
	static const struct {
		const char *text;
		uint64_t us;
	} rows[] = {
		{ "now", NOW },
		{ "@1795289406", 1795289406 * S },
		/* A time of day is the next one. */
		{ "14:31", 1795289460 * S },
		{ "1431", 1795289460 * S },
		{ "14:30", 1795375800 * S },
		{ "2:31pm", 1795289460 * S },
		{ "4pm", 1795294800 * S },
		{ "4 PM", 1795294800 * S },
		{ "teatime", 1795294800 * S },
		{ "12am", 1795323600 * S },
		{ "noon", 1795366800 * S },
		{ "midnight", 1795323600 * S },
		{ "00:00", 1795323600 * S },
		{ "23:59:59", 1795323599 * S },
		/* A day is its first moment, unless a time of day stands with it. */
		{ "tomorrow", 1795323600 * S },
		{ "tomorrow 6:00", 1795345200 * S },
		{ "6:00 tomorrow", 1795345200 * S },
		{ "6am tomorrow", 1795345200 * S },
		{ "tomorrow at noon", 1795366800 * S },
		{ "today 16:00", 1795294800 * S },
		{ "monday", 1795410000 * S },
		{ "mon 6:00", 1795431600 * S },
		{ "Saturday 16:00", 1795294800 * S },
		{ "saturday", 1795842000 * S },
		{ "2026-12-01", 1796101200 * S },
		{ "2026-12-01 14:30", 1796153400 * S },
		{ "2026-12-01T14:30:05", 1796153405 * S },
		{ "14:30 2026-12-01", 1796153400 * S },
		{ "dec 24", 1798088400 * S },
		{ "24 December 18:00", 1798153200 * S },
		{ "10am Dec 24, 2027", 1829660400 * S },
		{ "nov 20", 1795150800 * S + 365 * 86400 * S },
		/* So much later. */
		{ "+2h", NOW + 7200 * S },
		{ "2h", NOW + 7200 * S },
		{ "in 2 hours", NOW + 7200 * S },
		{ "now + 2 hours", NOW + 7200 * S },
		{ "now+2h", NOW + 7200 * S },
		{ "+1h30min", NOW + 5400 * S },
		{ "90min", NOW + 5400 * S },
		{ "+1 week", NOW + 604800 * S },
		{ "tomorrow + 1 hour", 1795327200 * S },
		{ "4pm + 3 days", 1795294800 * S + 3 * 86400 * S },
		{ "2026-12-31 + 1 month", 1801371600 * S },
		{ "next week", NOW + 7 * 86400 * S },
		{ "10:00z", 1795341600 * S },
		{ "next week 16:00", 1795294800 * S + 7 * 86400 * S },
		{ "16:00 next week", 1795294800 * S + 7 * 86400 * S },
		{ "next week 10:00", 1795359600 * S + 7 * 86400 * S },
		{ "10:00 next week", 1795359600 * S + 7 * 86400 * S },
		{ "next week at 10:00 + 1 day", 1795359600 * S + 8 * 86400 * S },
		{ "16:00 next day", 1795294800 * S + 86400 * S },
		{ "next monday", 1795410000 * S },
		{ "10:00 UTC", 1795341600 * S },
		{ "2026-12-01T10:00Z", 1796119200 * S },
		{ "tomorrow 1:00 utc", 1795309200 * S },
	};
	in_new_york();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t us = 1;
		ck_assert_msg(when_ahead(rows[i].text, NOW, &us) == WHEN_AHEAD, "%s: %llu", rows[i].text,
		    (unsigned long long)us);
		ck_assert_msg(us == rows[i].us, "%s: %llu, not %llu", rows[i].text,
		    (unsigned long long)us, (unsigned long long)rows[i].us);
	}
}
END_TEST

START_TEST(a_time_that_is_over_is_told_from_what_is_no_time)
{
	static const char *const over[] = { "2026-11-20", "2026-11-21", "today", "today 14:30", "@1",
		"2026-11-21 14:30:05", "nov 20 2026", "midnight today" };
	static const char *const wrong[] = { "", " ", "someday", "2026-02-30", "2026-02-30T14:30",
		"2026-13-01", "2027-1-x", "24:00", "12:60", "12:5", "13pm", "0am", "7", "90", "123", "14301", "@", "@x",
		"@-1", "@1234567890123", "yesterday", "2d ago", "+", "now +", "+ 2", "+2 fortnights", "now now",
		"tomorrow monday", "14:30 15:30", "feb 30", "dec", "4pm dec 24 2027 x", "2026-12-01 25:00", "-1h",
		"1h ago", "+100001d", "+99999y", "11/12/26", "tomorrow 2h", "next", "next tomorrow", "utc", "tomorrow utc", "+1h 1h 1h 1h 1h 1h 1h 1h 1h",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	uint64_t us;
	in_new_york();
	for (size_t i = 0; i < sizeof over / sizeof over[0]; i++)
		ck_assert_msg(when_ahead(over[i], NOW, &us) == WHEN_PAST, "%s", over[i]);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_msg(when_ahead(wrong[i], NOW, &us) == WHEN_NONE, "took \"%s\"", wrong[i]);
}
END_TEST

START_TEST(days_to_come_are_the_calendars_where_the_clocks_change)
{
	/* Noon on the day before the clocks go forward: 14 March 2027 has 23 hours. */
	const uint64_t noon = 1804957200 * S;
	uint64_t us;
	in_new_york();
	ck_assert_int_eq(when_ahead("now + 1 day", noon, &us), WHEN_AHEAD);
	ck_assert_uint_eq(us, noon + 23 * 3600 * S);
	ck_assert_int_eq(when_ahead("2026-12-01T14:30:00Z", NOW, &us), WHEN_AHEAD);
	ck_assert_uint_eq(us, 1796135400 * S);
	ck_assert_int_eq(when_ahead("2026-11-21T14:30:05+01:00", NOW, &us), WHEN_PAST);
	ck_assert_int_eq(when_ahead("+24h", noon, &us), WHEN_AHEAD);
	ck_assert_uint_eq(us, noon + 24 * 3600 * S);
	/* Half past two is skipped; an hour off, and not refused. */
	ck_assert_int_eq(when_ahead("tomorrow 2:30", noon, &us), WHEN_AHEAD);
	ck_assert_uint_ge(us, noon + 13 * 3600 * S);
	ck_assert_uint_le(us, noon + 15 * 3600 * S);
}
END_TEST

START_TEST(a_time_of_day_is_the_next_one_after_what_it_is_the_end_of)
{
	const uint64_t tonight = NOW + 8 * 3600 * S; /* 22:30 */
	uint64_t us;
	in_new_york();
	ck_assert_int_eq(when_ahead_of("23:00", NOW, tonight, &us), WHEN_AHEAD);
	ck_assert_uint_gt(us, tonight);
	ck_assert_uint_lt(us, tonight + 3600 * S);
	ck_assert_int_eq(when_ahead_of("22:00", NOW, tonight, &us), WHEN_AHEAD);
	ck_assert_uint_gt(us, tonight + 23 * 3600 * S);
	/* With a day, or so much from now, it is what was said. */
	ck_assert_int_eq(when_ahead_of("+2h", NOW, tonight, &us), WHEN_AHEAD);
	ck_assert_uint_eq(us, NOW + 7200 * S);
	ck_assert_int_eq(when_ahead_of("today 22:00", NOW, tonight, &us), WHEN_AHEAD);
	ck_assert_uint_lt(us, tonight);
	ck_assert_int_eq(when_ahead_of("22:99", NOW, tonight, &us), WHEN_NONE);
}
END_TEST

UNIT_MAIN("jobctl times", a_time_of_day_is_the_next_one_after_what_it_is_the_end_of, times_to_come_are_read_as_at_reads_them,
    a_time_that_is_over_is_told_from_what_is_no_time,
    days_to_come_are_the_calendars_where_the_clocks_change, times_are_read_as_people_write_them, what_is_no_time_is_refused,
    a_day_that_was_an_hour_longer_begins_at_midnight,
    times_are_printed_in_local_time_and_read_back)
