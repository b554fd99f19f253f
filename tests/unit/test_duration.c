/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/duration.h"

#include "lib/size.h"
#include "unit.h"

START_TEST(durations_are_read_as_people_write_them)
{
	static const struct {
		const char *text;
		uint64_t us;
	} rows[] = {
		{ "0", 0 },
		{ "90", 90000000 },
		{ "4s", 4000000 },
		{ "500ms", 500000 },
		{ "7us", 7 },
		{ "10min", 600000000 },
		{ "10m", 600000000 },
		{ "1h30min", 5400000000 },
		{ "1h 30min", 5400000000 },
		{ "2D", 172800000000 },
		{ "1w", 604800000000 },
		{ "9223372036854775807us", INT64_MAX },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t us = 1;
		ck_assert_msg(duration_parse_us(rows[i].text, &us), "%s", rows[i].text);
		ck_assert_uint_eq(us, rows[i].us);
	}
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
	static const char *const wrong[] = { "", " ", "s", "-1", "1.5h", "4 s", "1x", "1h30", "1hh", "h1",
		"4s ", "1 2", "9223372036854775808us", "99999999999999999999", "18446744073709551615s",
		"30000000w", "9223372036854775807us1us" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint64_t us = 42;
		ck_assert_msg(!duration_parse_us(wrong[i], &us), "took \"%s\"", wrong[i]);
		ck_assert_uint_eq(us, 42);
	}
}
END_TEST

START_TEST(durations_are_printed_short_and_rounded_down)
{
	static const struct {
		uint64_t s;
		const char *text;
	} rows[] = {
		{ 0, "0s" },
		{ 59, "59s" },
		{ 60, "1m00s" },
		{ 65, "1m05s" },
		{ 3599, "59m59s" },
		{ 3600, "1h00m" },
		{ 7620, "2h07m" },
		{ 86399, "23h59m" },
		{ 86400, "1d00h" },
		{ 3 * 86400 + 4 * 3600, "3d04h" },
	};
	char out[32];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		duration_print(rows[i].s * 1000000 + 999999, out, sizeof(out));
		ck_assert_str_eq(out, rows[i].text);
	}
	duration_print(UINT64_MAX, out, sizeof(out));
	ck_assert_str_eq(out, "213503982d08h");
	duration_print(65000000, out, 3);
	ck_assert_str_eq(out, "1m");
}
END_TEST

START_TEST(what_is_printed_exactly_reads_back_as_it_was)
{
	static const struct {
		uint64_t us;
		const char *text;
	} times[] = {
		{ 0, "0" },
		{ 7, "7us" },
		{ 1500, "1500us" },
		{ 500000, "500ms" },
		{ 90000000, "90s" },
		{ 5400000000, "90min" },
		{ 7200000000, "2h" },
		{ 604800000000, "7d" },
		{ INT64_MAX, "9223372036854775807us" },
	};
	char out[DURATION_EXACT_MAX];
	uint64_t v;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		duration_print_exact(times[i].us, out);
		ck_assert_str_eq(out, times[i].text);
		ck_assert(duration_parse_us(out, &v));
		ck_assert_uint_eq(v, times[i].us);
	}
}
END_TEST

START_TEST(sizes_are_read_as_people_write_them)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "10B", 10 },
		{ "512K", 524288 },
		{ "16M", 16777216 },
		{ "16m", 16777216 },
		{ "16MiB", 16777216 },
		{ "1G", 1073741824 },
		{ "2T", 2199023255552 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bytes = 1;
		ck_assert_msg(size_parse(rows[i].text, &bytes), "%s", rows[i].text);
		ck_assert_uint_eq(bytes, rows[i].bytes);
	}
	static const char *const wrong[] = { "", "M", "-1", "1.5G", "16MB", "16 M", "1P", "16M ",
		"1M1K", "9223372036854775808", "8388608T" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint64_t bytes = 42;
		ck_assert_msg(!size_parse(wrong[i], &bytes), "took \"%s\"", wrong[i]);
		ck_assert_uint_eq(bytes, 42);
	}
}
END_TEST

START_TEST(a_size_that_is_printed_reads_back_as_it_was)
{
	char out[SIZE_EXACT_MAX];
	uint64_t v;
	static const uint64_t sizes[] = { 0, 1, 1023, 1024, 1536 << 10, 3 << 20,
		UINT64_C(5) << 40, INT64_MAX };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_print_exact(sizes[i], out);
		ck_assert(size_parse(out, &v));
		ck_assert_uint_eq(v, sizes[i]);
	}
	size_print_exact(1536 << 10, out);
	ck_assert_str_eq(out, "1536K");
}
END_TEST

UNIT_MAIN("durations and sizes", durations_are_read_as_people_write_them,
    what_is_no_duration_is_refused,
    durations_are_printed_short_and_rounded_down, sizes_are_read_as_people_write_them,
    a_size_that_is_printed_reads_back_as_it_was, what_is_printed_exactly_reads_back_as_it_was)
