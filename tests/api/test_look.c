/* SPDX-License-Identifier: ISC */
/* What List, Why, and the methods of queues and templates make of what they are told, and what they tell. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/rig.h"
#include "lib/strv.h"
#include "unit/unit.h"

/* A field of the object that the answer has under a name. */
static const json_t *in(const char *object, const char *field)
{
	return json_object_get(json_object_get(answer.params, object), field);
}

START_TEST(jobs_are_listed_by_their_batch_and_their_reason)
{
	rig_init();
	caller.uid = 0;
	well(api_job_list, "{'batch':12,'reasons':['lost','dependency']}");
	ck_assert_uint_eq(played.filter.batch, 12);
	ck_assert_uint_eq(played.filter.reasons, 1u << REASON_LOST | 1u << REASON_DEPENDENCY);
	well(api_job_list, "{}");
	ck_assert(!played.filter.batch && !played.filter.reasons);
	rig_fini();
}
END_TEST

START_TEST(of_no_reason_there_is_no_job)
{
	rig_init();
	well(api_job_list, "{'reasons':[]}");
	well(api_job_list, "{'states':[]}");
	ck_assert_uint_eq(played.lists, 0);
	rig_fini();
}
END_TEST

START_TEST(a_reason_a_state_or_a_batch_that_is_none_is_named)
{
	rig_init();
	fails("Job.Invalid", "reasons", api_job_list, "{'reasons':['exit','bored']}");
	ck_assert_ptr_nonnull(strstr(said("message"), "bored"));
	ck_assert_ptr_nonnull(strstr(said("message"), "queue-full"));
	ck_assert_ptr_nonnull(strstr(said("message"), "lost"));
	fails("Job.Invalid", "states", api_job_list, "{'states':['held','bored']}");
	ck_assert_str_eq(said("message"), "\"bored\" is none of queued, held, running, paused, completed, "
	    "failed, cancelled");
	fails("Job.Invalid", "batch", api_job_list, "{'batch':0}");
	fails("Job.Invalid", "batch", api_job_list, "{'batch':-1}");
	ck_assert_uint_eq(played.lists, 0);
	rig_fini();
}
END_TEST

/* "{'FIELD': …}" with so many times the text, in one string or in as many. */
static const char *many(const char *field, size_t n, bool list)
{
	static char text[10000];
	int len = snprintf(text, sizeof text, "{'%s':%s", field, list ? "[" : "'");

	for (size_t i = 0; i < n; i++)
		len += snprintf(text + len, sizeof text - (size_t)len, list ? "%s'a'" : "%.0sa", i ? "," : "");
	snprintf(text + len, sizeof text - (size_t)len, "%s}", list ? "]" : "'");
	return text;
}

/* It is held against every row, by whoever asks. */
START_TEST(a_filter_is_no_longer_than_it_need_be)
{
	static const char *const lists[] = { "queues", "projects", "users" };

	rig_init();
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		well(api_job_list, many(lists[i], 1000, true));
		fails("Job.Invalid", lists[i], api_job_list, many(lists[i], 1001, true));
	}
	fails("Job.Invalid", "verbs", api_monitor_audit, many("verbs", 1001, true));
	fails("Job.Invalid", "users", api_monitor_audit, many("users", 1001, true));
	well(api_job_list, many("name", 255, false));
	fails("Job.Invalid", "name", api_job_list, many("name", 256, false));
	rig_fini();
}
END_TEST

START_TEST(whose_jobs_a_batch_has_is_told_to_nobody_else)
{
	rig_init();
	well(api_job_list, "{'batch':12}");
	ck_assert(played.filter.limit_uid && played.filter.uid == caller.uid);
	well(api_job_list, "{'reasons':['exit']}"); /* which everybody is shown */
	ck_assert(!played.filter.limit_uid);
	rig_fini();
}
END_TEST

START_TEST(why_says_which_limit_is_in_the_way)
{
	rig_init();
	played.why = (struct why){ .state = JOB_QUEUED, .reason = REASON_QUEUE_FULL, .message = "m", .queue = "q",
		.limit = "queue" };
	well(api_job_why, "{'id':7}");
	ck_assert_str_eq(said("limit"), "queue");
	played.why.limit = NULL;
	well(api_job_why, "{'id':7}");
	ck_assert_ptr_null(json_object_get(answer.params, "limit"));
	rig_fini();
}
END_TEST

/* Whoever deletes one takes NotFound for a success. */
START_TEST(of_a_job_that_can_not_be_read_is_not_said_that_there_is_none)
{
	static const struct {
		server_handler *handler;
		const char *params;
	} calls[] = {
		{ api_job_get, "{'id':7}" },
		{ api_job_why, "{'id':7}" },
		{ api_job_edit, "{'id':7,'priority':2}" },	/* as it is to be shown */
		{ api_job_edit, "{'id':7,'command':['a']}" }, /* whose it is */
	};

	rig_init();
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		tells_gone_from_unread(calls[i].handler, calls[i].params);
	rig_fini();
}
END_TEST

START_TEST(all_live_jobs_are_gone_over_for_those_who_look_at_queues_alone)
{
	rig_init();
	well(api_queue_get, "{'name':'default'}");
	ck_assert_uint_eq(played.looks, 1);
	ck_assert_ptr_nonnull(in("queue", "oldest_us"));
	well(api_queue_list, "{}");
	ck_assert_uint_eq(played.looks, 2);
	well(api_queue_set, "{'name':'default','values':{'max_running':'3'}}");
	ck_assert_ptr_null(in("queue", "oldest_us"));
	well(api_queue_drain, "{'name':'default'}");
	fails("Queue.NotFound", "", api_queue_get, "{'name':'elsewhere'}");
	fails("Queue.NotFound", "", api_queue_pause, "{'name':'elsewhere'}");
	fails("Queue.NotFound", "queue", api_job_submit, "{'command':['a'],'queue':'elsewhere'}");
	ck_assert_uint_eq(played.looks, 2);
	rig_fini();
}
END_TEST

START_TEST(a_list_of_nobody_is_no_value_of_a_queue)
{
	rig_init();
	fails("Job.Invalid", "values.submit_users", api_queue_set, "{'name':'default','values':{'submit_users':''}}");
	fails("Job.Invalid", "values.attempts", api_queue_set, "{'name':'default','values':{'attempts':'101'}}");
	rig_fini();
}
END_TEST

START_TEST(a_template_is_made_for_a_queue_that_is_declared)
{
	rig_init();
	fails("Queue.NotFound", "template.queue", api_template_set,
	    "{'template':{'name':'t','command':['a'],'queue':'elsewhere'}}");
	ck_assert_str_eq(said("name"), "elsewhere");
	ck_assert_uint_eq(json_array_size(json_object_get(answer.params, "known")), 2);
	fails("Queue.NotFound", "template.queue", api_template_set,
	    "{'template':{'name':'t','command':['a'],'queue':'gone'}}");
	ck_assert(!played.template_set);
	well(api_template_set, "{'template':{'name':'t','command':['a'],'queue':'closed','environment':['A=1']}}");
	ck_assert(played.template_set);
	template_fini(played.template);
	rig_fini();
}
END_TEST

START_TEST(everybody_is_shown_a_templates_variables)
{
	struct template t;
	const char *takes;

	rig_init();
	template_init(&t);
	t.name = strdup("t");
	ck_assert_int_eq(template_set(&t, "command", "a", &takes), 0);
	ck_assert_int_eq(template_set(&t, "environment", "A=1", &takes), 0);
	played.template = &t;
	well(api_template_get, "{'name':'t'}");
	ck_assert_str_eq(json_string_value(json_array_get(in("template", "environment"), 0)), "A=1");
	rig_fini();
	template_fini(&t);
}
END_TEST

START_TEST(what_is_wrong_with_a_template_can_be_read_by_itself)
{
	static const char *const rows[][2] = {
		{ "'command':['a'],'priority':11", "a priority is 1 (first) to 10 (last)" },
		{ "'command':['a'],'umask':512", "a umask is 0 to 511 (0777)" },
		{ "'command':['a'],'rules':{'max_running':'1'}", "a job has no rule \"max_running\"" },
		{ "'command':['a'],'rules':{'timeout':'soon'}",
		    "\"soon\" is not a duration from 1ms to a year, such as 2h, or 0 for none" },
		{ "'command':['a'],'parameters':['x']", "the parameter x is used nowhere" },
		{ "'command':[]", "there is no command" },
	};
	char text[200];

	rig_init();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, "{'template':{'name':'t',%s}}", rows[i][0]);
		ask(api_template_set, text);
		ck_assert_str_eq(answer.error, "Job.Invalid");
		ck_assert_str_eq(said("message"), rows[i][1]);
	}
	ck_assert(!played.template_set);
	rig_fini();
}
END_TEST

UNIT_MAIN("look", jobs_are_listed_by_their_batch_and_their_reason, of_no_reason_there_is_no_job,
    a_reason_a_state_or_a_batch_that_is_none_is_named,
    a_filter_is_no_longer_than_it_need_be, whose_jobs_a_batch_has_is_told_to_nobody_else,
    why_says_which_limit_is_in_the_way, of_a_job_that_can_not_be_read_is_not_said_that_there_is_none,
    all_live_jobs_are_gone_over_for_those_who_look_at_queues_alone,
    a_list_of_nobody_is_no_value_of_a_queue, a_template_is_made_for_a_queue_that_is_declared,
    everybody_is_shown_a_templates_variables, what_is_wrong_with_a_template_can_be_read_by_itself)
