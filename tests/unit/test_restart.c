/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/restart.h"

#include <errno.h>
#include <limits.h>

#include "unit.h"

START_TEST(the_first_time_is_at_once_and_the_waits_grow_to_a_minute)
{
	static const unsigned waits[] = { 0, 1, 2, 4, 8, 15, 30, 60, 60, 60 };

	for (unsigned i = 0; i < sizeof waits / sizeof waits[0]; i++)
		ck_assert_uint_eq(restart_wait_s(i, -ENOMEM), waits[i]);
	ck_assert_uint_eq(restart_wait_s(UINT_MAX, -ENOMEM), 60);
}
END_TEST

START_TEST(a_full_disk_is_waited_for_from_the_first_time_on)
{
	static const unsigned waits[] = { 1, 2, 4, 8, 15, 30, 60, 60, 60 };

	for (unsigned i = 0; i < sizeof waits / sizeof waits[0]; i++)
		ck_assert_uint_eq(restart_wait_s(i, -ENOSPC), waits[i]);
	ck_assert_uint_eq(restart_wait_s(UINT_MAX, -ENOSPC), 60);
}
END_TEST

UNIT_MAIN("restart", the_first_time_is_at_once_and_the_waits_grow_to_a_minute,
    a_full_disk_is_waited_for_from_the_first_time_on)
