/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/environment.h"

#include "unit.h"

START_TEST(what_jobd_sets_is_its_own_and_what_only_looks_like_it_is_not)
{
	static const char *const own[] = { "JOBD_ID=7", "JOBD_=", "NOTIFY_SOCKET=/run/x", "NOTIFY_SOCKET=" };
	static const char *const others[] = { "JOBD=7", "MY_JOBD_ID=7", "jobd_id=7", "NOTIFY_SOCKETS=2",
		"NOTIFY_SOCKET", "PATH=/bin", "" };

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		ck_assert_msg(environment_is_own(own[i]), "%s", own[i]);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		ck_assert_msg(!environment_is_own(others[i]), "%s", others[i]);
}
END_TEST

UNIT_MAIN("environment", what_jobd_sets_is_its_own_and_what_only_looks_like_it_is_not)
