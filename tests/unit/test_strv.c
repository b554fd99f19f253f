/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/strv.h"

#include "unit.h"

START_TEST(nothing_is_an_empty_list)
{
	ck_assert_uint_eq(strv_len(NULL), 0);
	ck_assert_uint_eq(strv_bytes(NULL), 0);
	ck_assert_ptr_null(strv_copy(NULL));
	ck_assert_ptr_null(strv_env(NULL, "HOME"));
	strv_free(NULL);
}
END_TEST

START_TEST(a_copy_is_its_own)
{
	char **v = NULL;
	ck_assert_int_eq(strv_add(&v, "one"), 0);
	ck_assert_int_eq(strv_add(&v, ""), 0);
	ck_assert_int_eq(strv_add(&v, "three"), 0);
	char **copy = strv_copy(v);
	strv_free(v);
	ck_assert_uint_eq(strv_len(copy), 3);
	ck_assert_uint_eq(strv_bytes(copy), sizeof "one" + sizeof "" + sizeof "three");
	ck_assert_str_eq(copy[0], "one");
	ck_assert_str_eq(copy[1], "");
	ck_assert_str_eq(copy[2], "three");
	strv_free(copy);
}
END_TEST

START_TEST(a_variable_is_found_by_its_whole_name)
{
	char *env[] = { (char[]){ "HOMER=simpson" }, (char[]){ "HOME" }, (char[]){ "HOME=/home/ann" },
		(char[]){ "EMPTY=" }, (char[]){ "HOME=second" }, NULL };
	ck_assert_str_eq(strv_env(env, "HOME"), "/home/ann");
	ck_assert_str_eq(strv_env(env, "EMPTY"), "");
	ck_assert_ptr_null(strv_env(env, "HOM"));
	ck_assert_ptr_null(strv_env(env, "PATH"));
}
END_TEST

UNIT_MAIN("strv", nothing_is_an_empty_list, a_copy_is_its_own,
    a_variable_is_found_by_its_whole_name)
