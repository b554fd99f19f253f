/* SPDX-License-Identifier: ISC */
/* What Health says of the daemon, and when that is no longer well. */
#include "config.h"

#include <string.h>

#include "api/rig.h"
#include "unit/unit.h"

#define MINUTE UINT64_C(60000000)

bool engine_stopping(const struct engine *e, struct engine_stopping *s)
{
	(void)e;
	*s = (struct engine_stopping){ 0 };
	return false;
}

size_t server_connections(const struct server *s)
{
	(void)s;
	return 3;
}

/* The only problem there is; NULL: none, and all is well. */
static const char *problem(void)
{
	well(api_monitor_health, "{}");
	const json_t *list = json_object_get(answer.params, "problems");
	const char *text = json_string_value(json_array_get(list, 0));

	ck_assert_uint_eq(json_array_size(list), text ? 1 : 0);
	ck_assert_str_eq(said("status"), text ? "degraded" : "ok");
	return text;
}

START_TEST(a_full_disk_is_a_problem)
{
	rig_init();
	ck_assert_str_eq(problem(), "only 1 MB free where the state is: no new work is taken");
	played.health.free_bytes = 64 << 20;
	ck_assert_ptr_null(problem());
	rig_fini();
}
END_TEST

START_TEST(dropped_lines_are_a_problem_until_they_are_said_and_ten_minutes_have_passed)
{
	rig_init();
	played.health.low_disk_bytes = 0;
	played.lost = (struct api_lost_lines){ 0, 0, 0 };
	ck_assert_ptr_null(problem());
	ck_assert_str_eq(said("dropped_log_lines"), "0");
	played.lost = (struct api_lost_lines){ 12, 2, 60 * MINUTE };
	ck_assert_str_eq(problem(), "12 log lines were dropped, and the log does not tell of it yet");
	played.lost = (struct api_lost_lines){ 1, 0, 10 * MINUTE - 1 };
	ck_assert_str_eq(problem(), "1 log line was dropped, the last one less than 10 minutes ago");
	played.lost = (struct api_lost_lines){ 12, 0, 10 * MINUTE };
	ck_assert_ptr_null(problem());
	ck_assert_str_eq(said("dropped_log_lines"), "12");
	rig_fini();
}
END_TEST

UNIT_MAIN("health", a_full_disk_is_a_problem,
    dropped_lines_are_a_problem_until_they_are_said_and_ten_minutes_have_passed)
