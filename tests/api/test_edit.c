/* SPDX-License-Identifier: ISC */
/* What Edit makes of what it is told, and what it tells. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/rig.h"
#include "unit/unit.h"

START_TEST(an_edit_changes_what_is_given_and_clears_what_is_named)
{
	rig_init();
	well(api_job_edit, "{'id':7,'command':['b'],'drop_unmet':false,'environment':['A=1']}");
	ck_assert_uint_eq(played.edit.fields, EDIT_COMMAND | EDIT_DROP_UNMET | EDIT_ENVIRONMENT);
	ck_assert_str_eq(first()->job.command[0], "b");
	ck_assert_str_eq(first()->env[0], "A=1");
	ck_assert(json_is_true(json_object_get(answer.params, "changed")));
	well(api_job_edit, "{'id':7,'name':null,'rules':{'attempts':'2'},'clear':['timeout','cwd','after']}");
	ck_assert_uint_eq(played.edit.fields, EDIT_RULES | EDIT_CWD | EDIT_AFTER);
	ck_assert_uint_eq(played.edit.clear_rules, 1u << RULE_TIMEOUT);
	ck_assert_ptr_null(first()->job.cwd);
	well(api_job_edit, "{'id':7,'clear':['rules']}");
	ck_assert(played.edit.clear_rules & 1u << RULE_RECOVERY);
	ck_assert(!(played.edit.clear_rules & 1u << RULE_MAX_RUNNING));
	well(api_job_edit, "{'id':7}");
	ck_assert_uint_eq(played.edit.fields, 0);
	ck_assert_ptr_null(first()->job.queue);
	rig_fini();
}
END_TEST

START_TEST(an_edit_sets_variables_in_the_environment_the_job_has)
{
	char text[1200], big[1001];

	rig_init();
	well(api_job_edit, "{'id':7,'set_environment':['A=1','B=2'],'umask':63}");
	ck_assert_uint_eq(played.edit.fields, EDIT_SET_ENVIRONMENT | EDIT_UMASK);
	ck_assert_str_eq(first()->env[1], "B=2");
	well(api_job_edit, "{'id':7,'set_environment':[],'environment':null}");
	ck_assert_uint_eq(played.edit.fields, 0);
	invalid(api_job_edit, "set_environment", "{'id':7,'set_environment':['A=1'],'environment':['B=2']}");
	invalid(api_job_edit, "set_environment", "{'id':7,'set_environment':['A=1','B']}");
	invalid(api_job_edit, "clear", "{'id':7,'set_environment':['A=1'],'clear':['environment']}");
	invalid(api_job_edit, "clear", "{'id':7,'clear':['set_environment']}");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	snprintf(text, sizeof text, "{'id':7,'set_environment':['A=%s']}", big);
	ask(api_job_edit, text);
	ck_assert_str_eq(answer.error, "Job.LimitReached");
	ck_assert_str_eq(said("limit"), "max_environment");
	ck_assert_uint_eq(played.ntold, 0);
	rig_fini();
}
END_TEST

START_TEST(an_edit_adds_to_the_notes_the_job_has)
{
	static char k1[] = "a", v1[] = "1", k2[] = "b", v2[] = "2";
	static struct job_meta meta[] = { { k1, v1 }, { k2, v2 } };

	rig_init();
	played.job.meta = meta;
	played.job.nmeta = 2;
	well(api_job_edit, "{'id':7,'set_meta':{'b':'3','c':'4'}}");
	ck_assert_uint_eq(played.edit.fields, EDIT_META);
	ck_assert_uint_eq(first()->job.nmeta, 3);
	ck_assert_str_eq(first()->job.meta[0].value, "1");
	ck_assert_str_eq(first()->job.meta[1].value, "3");
	ck_assert_str_eq(first()->job.meta[2].key, "c");
	well(api_job_edit, "{'id':7,'meta':{'c':'4'}}");
	ck_assert_uint_eq(first()->job.nmeta, 1);
	well(api_job_edit, "{'id':7,'set_meta':{},'meta':null}");
	ck_assert_uint_eq(played.edit.fields, 0);
	well(api_job_edit, "{'id':7,'set_meta':{},'clear':['meta']}");
	ck_assert_uint_eq(first()->job.nmeta, 0);
	invalid(api_job_edit, "set_meta", "{'id':7,'set_meta':{'b':'3'},'meta':{}}");
	invalid(api_job_edit, "set_meta", "{'id':7,'set_meta':{'no key':'3'}}");
	invalid(api_job_edit, "clear", "{'id':7,'set_meta':{'b':'3'},'clear':['meta']}");
	invalid(api_job_edit, "clear", "{'id':7,'clear':['set_meta']}");
	played.job.meta = NULL;
	played.job.nmeta = 0;
	rig_fini();
}
END_TEST

START_TEST(an_edit_that_makes_no_sense_is_refused)
{
	rig_init();
	invalid(api_job_edit, "clear", "{'id':7,'clear':['command']}");
	invalid(api_job_edit, "clear", "{'id':7,'clear':['max_running']}");
	invalid(api_job_edit, "clear", "{'id':7,'name':'n','clear':['name']}");
	invalid(api_job_edit, "clear", "{'id':7,'rules':{'timeout':'1h'},'clear':['timeout']}");
	invalid(api_job_edit, "clear", "{'id':7,'rules':{'timeout':'1h'},'clear':['rules']}");
	invalid(api_job_edit, "command", "{'id':7,'command':[]}");
	played.job.not_before_us = 9000000000000001;
	invalid(api_job_edit, "deadline_us", "{'id':7,'deadline_us':9000000000000000}");
	well(api_job_edit, "{'id':7,'deadline_us':9000000000000000,'clear':['not_before_us']}");
	rig_fini();
}
END_TEST

START_TEST(what_a_job_runs_only_its_user_and_root_change)
{
	static const char *const own[][2] = {
		{ "command", "{'id':7,'command':['b']}" },
		{ "name", "{'id':7,'name':'n','queue':'default'}" },
		{ "project", "{'id':7,'project':'p'}" },
		{ "meta", "{'id':7,'meta':{'k':'v'}}" },
		{ "set_meta", "{'id':7,'set_meta':{'k':'v'}}" },
		{ "cwd", "{'id':7,'cwd':'/'}" },
		{ "cwd", "{'id':7,'clear':['cwd']}" },
		{ "environment", "{'id':7,'environment':['A=1']}" },
		{ "environment", "{'id':7,'clear':['after','environment']}" },
		{ "set_environment", "{'id':7,'set_environment':['A=1']}" },
		{ "umask", "{'id':7,'umask':0}" },
	};

	rig_init();
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		caller.uid = 1001; /* whom the dispatcher let through: an administrator */
		fails("Job.NotAllowed", own[i][0], api_job_edit, own[i][1]);
		ck_assert_ptr_nonnull(strstr(said("message"), "ann"));
		ck_assert_str_eq(said("id"), "7");
		ck_assert_str_eq(played.refused, "edit NotAllowed");
		ck_assert_uint_eq(played.ntold, 0);
		caller.uid = 1000;
		well(api_job_edit, own[i][1]);
		caller.uid = 0;
		well(api_job_edit, own[i][1]);
	}
	caller.uid = 1001;
	well(api_job_edit, "{'id':7,'queue':'default','rules':{'timeout':'1h'},'not_before_us':1,"
			   "'deadline_us':9000000000000000,'after':[{'id':1}],'drop_unmet':true}");
	well(api_job_edit, "{'id':7,'clear':['rules','not_before_us','deadline_us','after','drop_unmet']}");
	rig_fini();
}
END_TEST

/* What makes another piece of work of a job, but not what says when it is done. */
static const char *const work[] = { "'command':['b']", "'umask':0", "'clear':['environment']",
	"'set_meta':{'k':'v'}" };

static const char *edit_of(const char *what)
{
	static char text[100];

	snprintf(text, sizeof text, "{'id':7,%s}", what);
	return text;
}

START_TEST(what_a_job_runs_its_user_changes_while_its_queue_takes_such)
{
	rig_init();
	rule_set(&played.closed, RULE_SUBMIT_USERS, "bob");
	free(played.job.queue);
	played.job.queue = strdup("closed");
	for (size_t i = 0; i < sizeof work / sizeof work[0]; i++) {
		fails("Queue.NotAllowed", "", api_job_edit, edit_of(work[i]));
		ck_assert_str_eq(said("queue"), "closed");
		ck_assert_str_eq(played.refused, "edit NotAllowed");
		ck_assert_uint_eq(played.ntold, 0);
		caller.uid = 0;
		well(api_job_edit, edit_of(work[i]));
		caller.uid = 1000;
	}
	well(api_job_edit, "{'id':7,'rules':{'timeout':'1h'},'after':[{'id':1}],'clear':['deadline_us']}");
	well(api_job_edit, "{'id':7,'queue':'default','command':['b']}");
	rule_set(&played.closed, RULE_SUBMIT_GROUPS, "staff");
	played.group = API_NAME_PENDING;
	ask(api_job_edit, edit_of(work[0]));
	ck_assert(answer.again && played.ntold == 0);
	free(played.job.queue);
	played.job.queue = strdup("default");
	well(api_job_edit, edit_of(work[0]));
	rig_fini();
}
END_TEST

START_TEST(what_a_job_runs_its_user_changes_while_that_one_may_submit)
{
	rig_init();
	played.nobody_submits = true;
	for (size_t i = 0; i < sizeof work / sizeof work[0]; i++) {
		fails("org.varlink.service.PermissionDenied", "", api_job_edit, edit_of(work[i]));
		ck_assert_str_eq(played.refused, "edit PermissionDenied");
		ck_assert_uint_eq(played.ntold, 0);
	}
	fails("org.varlink.service.PermissionDenied", "", api_job_edit, "{'id':7,'rules':{'attempts':'9'}}");
	fails("org.varlink.service.PermissionDenied", "", api_job_edit, "{'id':7,'clear':['attempts']}");
	well(api_job_edit, "{'id':7,'rules':{'timeout':'1h'},'queue':'default'}");
	caller.uid = 0;
	well(api_job_edit, edit_of(work[0]));
	rig_fini();
}
END_TEST

START_TEST(what_core_says_of_an_edit_is_told)
{
	rig_init();
	played.result = ENGINE_WRONG_STATE;
	ask(api_job_edit, "{'id':7,'name':'n'}");
	ck_assert_str_eq(answer.error, "Job.WrongState");
	ck_assert_str_eq(said("verb"), "edit");
	ck_assert_str_eq(said("can"), "it can be paused");
	played.result = ENGINE_CYCLE;
	played.other = 8;
	ask(api_job_edit, "{'id':7,'after':[{'id':9}]}");
	ck_assert_str_eq(answer.error, "Job.Cycle");
	ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(answer.params, "ids"), 0)), 8);
	played.result = ENGINE_NO_JOB;
	ask(api_job_edit, "{'id':7,'after':[{'id':6},{'id':8}]}");
	ck_assert_str_eq(answer.error, "Job.NotFound");
	ck_assert_str_eq(said("id"), "8");
	ck_assert_str_eq(said("parameter"), "after[1]");
	played.result = ENGINE_OVER_COMMAND;
	ask(api_job_edit, "{'id':7,'name':'n'}");
	ck_assert_str_eq(said("limit"), "max_command");
	played.result = ENGINE_OVER_BYTES;
	ask(api_job_edit, "{'id':7,'name':'n'}");
	ck_assert_str_eq(said("limit"), "user_job_bytes");
	ck_assert_str_eq(said("value"), "5000");
	ck_assert_str_eq(said("count"), "1000"); /* of its owner */
	played.result = ENGINE_NOT_FOUND;
	ask(api_job_edit, "{'id':7,'name':'n'}");
	ck_assert_str_eq(said("id"), "7");
	ck_assert_ptr_null(json_object_get(answer.params, "parameter"));
	fails("Job.NotFound", "", api_job_edit, "{'id':-1,'name':'n'}");
	rig_fini();
}
END_TEST

UNIT_MAIN("edit", an_edit_changes_what_is_given_and_clears_what_is_named,
    what_a_job_runs_only_its_user_and_root_change,
    what_a_job_runs_its_user_changes_while_its_queue_takes_such,
    what_a_job_runs_its_user_changes_while_that_one_may_submit, an_edit_sets_variables_in_the_environment_the_job_has,
    an_edit_adds_to_the_notes_the_job_has, an_edit_that_makes_no_sense_is_refused,
    what_core_says_of_an_edit_is_told)
