/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobctl/ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

/* "7 3! 4!": the numbers in their order, those from a range with "!". */
static const char *said(const struct ids *ids)
{
	static char text[256];
	size_t len = 0;
	text[0] = '\0';
	for (size_t i = 0; i < ids->n && len < sizeof text; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%" PRIu64 "%s", i ? " " : "",
		    ids->v[i].number, ids->v[i].named ? "" : "!");
	return text;
}

START_TEST(jobs_are_named_by_number_range_and_list)
{
	static const struct {
		const char *word, *means;
	} rows[] = {
		{ "7", "7" },
		{ "3-5", "3! 4! 5!" },
		{ "1,4", "1 4" },
		{ "9,2-3,8", "9 2! 3! 8" },
		{ "5-5", "5!" },
		{ "007", "7" },
		{ "9223372036854775807", "9223372036854775807" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ids ids = { 0 };
		ck_assert_int_eq(ids_add(&ids, rows[i].word), IDS_OK);
		ck_assert_str_eq(said(&ids), rows[i].means);
		ids_fini(&ids);
	}
}
END_TEST

START_TEST(what_names_no_job_is_refused)
{
	static const struct {
		const char *word;
		enum ids_result result;
	} rows[] = {
		{ "", IDS_NOT_A_NUMBER },	{ "0", IDS_NOT_A_NUMBER },
		{ "seven", IDS_NOT_A_NUMBER },	{ "-1", IDS_NOT_A_NUMBER },
		{ "+1", IDS_NOT_A_NUMBER },	{ " 1", IDS_NOT_A_NUMBER },
		{ "1 ", IDS_NOT_A_NUMBER },	{ "1,,2", IDS_NOT_A_NUMBER },
		{ "1,", IDS_NOT_A_NUMBER },	{ "1-", IDS_NOT_A_NUMBER },
		{ "1-2-3", IDS_NOT_A_NUMBER },	{ "9223372036854775808", IDS_NOT_A_NUMBER },
		{ "0-3", IDS_NOT_A_NUMBER },	{ "4-2", IDS_BACKWARDS },
		{ "1-100001", IDS_TOO_MANY },	{ "1-9223372036854775807", IDS_TOO_MANY },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ids ids = { 0 };
		ck_assert_msg(
		    ids_add(&ids, rows[i].word) == rows[i].result, "took \"%s\"", rows[i].word);
		ids_fini(&ids);
	}
}
END_TEST

START_TEST(a_job_that_is_named_twice_is_meant_once_where_it_was_named_first)
{
	struct ids ids = { 0 };
	ck_assert_int_eq(ids_add(&ids, "9,3-5"), IDS_OK);
	ck_assert_int_eq(ids_add(&ids, "4,9,1"), IDS_OK);
	ids_unique(&ids);
	ck_assert_str_eq(said(&ids), "9 3! 4 5! 1");
	ids_fini(&ids);
}
END_TEST

START_TEST(as_many_jobs_can_be_named_as_is_promised)
{
	struct ids ids = { 0 };
	ck_assert_int_eq(ids_add(&ids, "1-100000"), IDS_OK);
	ck_assert_int_eq(ids_add(&ids, "1"), IDS_TOO_MANY);
	ids_unique(&ids);
	ck_assert_uint_eq(ids.n, IDS_MAX);
	ck_assert_uint_eq(ids.v[IDS_MAX - 1].number, IDS_MAX);
	ids_fini(&ids);
}
END_TEST

UNIT_MAIN("jobctl ids", jobs_are_named_by_number_range_and_list, what_names_no_job_is_refused,
    a_job_that_is_named_twice_is_meant_once_where_it_was_named_first,
    as_many_jobs_can_be_named_as_is_promised)
