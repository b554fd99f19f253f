/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/nearest.h"

#include <stddef.h>

#include "unit.h"

/* How many edits lie between; 9: too many. */
static unsigned edits(const char *word, const char *name)
{
	struct nearest n = { .word = word, .most = 8 };
	return nearest_try(&n, name) ? n.most : 9;
}

START_TEST(a_slip_of_the_finger_is_one_edit)
{
	ck_assert_uint_eq(edits("pause", "pause"), 0);
	ck_assert_uint_eq(edits("pasue", "pause"), 1);
	ck_assert_uint_eq(edits("puse", "pause"), 1);
	ck_assert_uint_eq(edits("paause", "pause"), 1);
	ck_assert_uint_eq(edits("oause", "pause"), 1);
	ck_assert_uint_eq(edits("", "pause"), 5);
	ck_assert_uint_eq(edits("a-word-that-is-longer-than-any-verb-is", "pause"), 9);
	ck_assert_uint_eq(edits("pause", "a-word-that-is-longer-than-any-verb-is"), 9);
}
END_TEST

START_TEST(the_first_of_the_nearest_names_is_kept)
{
	struct nearest n = NEAREST("resme");
	ck_assert(!nearest_try(&n, "pause"));
	ck_assert_ptr_null(n.name);
	ck_assert(nearest_try(&n, "rest"));
	ck_assert(nearest_try(&n, "resume"));
	ck_assert(!nearest_try(&n, "resma"));
	ck_assert(!nearest_try(&n, "rest"));
	ck_assert_str_eq(n.name, "resume");
}
END_TEST

START_TEST(what_is_three_edits_away_was_not_meant)
{
	struct nearest n = NEAREST("pausexyz");
	ck_assert(!nearest_try(&n, "pause"));
	ck_assert(nearest_try(&n, "pausex"));
	ck_assert_uint_eq(n.most, 2);
}
END_TEST

UNIT_MAIN("nearest", a_slip_of_the_finger_is_one_edit, the_first_of_the_nearest_names_is_kept,
    what_is_three_edits_away_was_not_meant)
