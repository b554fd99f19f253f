/* SPDX-License-Identifier: ISC */
/* What a description of a job may be no larger than. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "api/rig.h"
#include "unit/unit.h"

START_TEST(an_environment_counts_once_a_call)
{
	char text[2000], big[700];

	rig_init();
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	snprintf(text, sizeof text,
	    "{'jobs':[{'command':['a']},{'command':['b']}],'environment':['A=%s']}", big);
	well(api_job_submit_many, text);
	snprintf(text, sizeof text, "{'command':['a'],'environment':['A=%s','B=%s']}", big, big);
	ask(api_job_submit, text);
	ck_assert_str_eq(said("limit"), "max_environment");
	ck_assert_str_eq(said("count"), "1404");
	rig_fini();
}
END_TEST

START_TEST(the_texts_of_each_new_job_are_counted_together)
{
	char text[2000], big[951];

	rig_init();
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	snprintf(text, sizeof text, "{'command':['a'],'meta':{'k':'%s'}}", big);
	ask(api_job_submit, text);
	ck_assert_str_eq(said("limit"), "max_command");
	ck_assert_ptr_nonnull(strstr(said("message"), " bytes, and max_command allows 1000"));
	snprintf(text, sizeof text, "{'jobs':[{'command':['a']},{'command':['a','%s']}]}", big);
	ask(api_job_submit_many, text);
	ck_assert_str_eq(said("limit"), "max_command");
	ck_assert_uint_eq(played.ntold, 0);
	caller.uid = 0;
	well(api_job_submit_many, text);
	rig_fini();
}
END_TEST

UNIT_MAIN("limits", an_environment_counts_once_a_call, the_texts_of_each_new_job_are_counted_together)
