/* SPDX-License-Identifier: ISC */
/* What Submit and SubmitMany make of what they are told: drafts, and errors that name the culprit. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/rig.h"
#include "lib/strv.h"
#include "unit/unit.h"

START_TEST(a_submission_reaches_core_as_it_was_said)
{
	rig_init();
	well(api_job_submit,
	    "{'command':['ls','-l'],'name':'n','project':'p','priority':2,'meta':{'k':'v'},'cwd':'/tmp',"
	    "'environment':['A=1'],'umask':63,'hold':true,'rules':{'timeout':'120min','attempts':'3'},"
	    "'not_before_us':5,'deadline_us':9000000000000000,'after':[{'id':3},{'id':4,'on':'any'}],"
	    "'drop_unmet':true,'unique':'u'}");
	const struct told *t = first();
	ck_assert_str_eq(t->job.command[1], "-l");
	ck_assert_str_eq(t->job.name, "n");
	ck_assert_str_eq(t->job.project, "p");
	ck_assert_str_eq(t->job.queue, "default");
	ck_assert_str_eq(t->job.cwd, "/tmp");
	ck_assert_str_eq(t->job.unique, "u");
	ck_assert_str_eq(t->job.user, "ann");
	ck_assert_str_eq(t->job.meta[0].value, "v");
	ck_assert_str_eq(rules_given(t->job.rules, RULE_TIMEOUT), "2h");
	ck_assert_str_eq(rules_given(t->job.rules, RULE_ATTEMPTS), "3");
	ck_assert_int_eq(t->job.priority, 2);
	ck_assert_int_eq(t->job.umask, 63);
	ck_assert_uint_eq(t->job.not_before_us, 5);
	ck_assert_uint_eq(t->job.deadline_us, 9000000000000000);
	ck_assert(t->hold && t->job.drop_unmet);
	ck_assert_str_eq(t->env[0], "A=1");
	ck_assert_uint_eq(t->nafter, 2);
	ck_assert(t->after[0].id == 3 && t->after[0].on == AFTER_OK);
	ck_assert(t->after[1].id == 4 && t->after[1].on == AFTER_ANY);
	rig_fini();
}
END_TEST

START_TEST(what_is_not_said_is_left_to_core)
{
	rig_init();
	well(api_job_submit, "{'command':['true']}");
	const struct told *t = first();
	ck_assert_int_eq(t->job.priority, 0);
	ck_assert_int_eq(t->job.umask, 022);
	ck_assert_ptr_null(t->job.cwd);
	ck_assert_ptr_null(t->job.rules);
	ck_assert_ptr_null(t->env);
	ck_assert(!t->hold && !t->nafter && !t->job.not_before_us && !t->job.deadline_us);
	rig_fini();
}
END_TEST

START_TEST(what_a_job_can_not_have_is_named)
{
	static const char *const rows[][2] = {
		{ "command", "{}" },
		{ "command", "{'command':[]}" },
		{ "priority", "{'command':['true'],'priority':-1}" },
		{ "umask", "{'command':['true'],'umask':-1}" },
		{ "unique", "{'command':['true'],'unique':''}" },
		{ "token", "{'command':['true'],'token':''}" },
		{ "rules.timeout", "{'command':['true'],'rules':{'timeout':'soon'}}" },
		{ "rules.attempts", "{'command':['true'],'rules':{'attempts':''}}" },
		{ "rules.max_running", "{'command':['true'],'rules':{'max_running':'3'}}" },
		{ "rules.tiemout", "{'command':['true'],'rules':{'tiemout':'3s'}}" },
		/* Sixty bytes of a name are told: what is cut in two is not. */
		{ "rules.a\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
		  "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9?",
		    "{'command':['true'],'rules':{'a\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
		    "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
		    "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9':'x'}}" },
		{ "not_before_us", "{'command':['true'],'not_before_us':0}" },
		{ "deadline_us", "{'command':['true'],'deadline_us':-5}" },
		{ "deadline_us", "{'command':['true'],'deadline_us':1000000}" },
		{ "deadline_us", "{'command':['true'],'not_before_us':9000000000000001,"
				 "'deadline_us':9000000000000000}" },
		{ "after[0]", "{'command':['true'],'after':[{}]}" },
		{ "after[0]", "{'command':['true'],'after':[{'id':0}]}" },
		{ "after[0]", "{'command':['true'],'after':[{'item':0}]}" },
		{ "after[1]", "{'command':['true'],'after':[{'id':1},{'id':2,'on':'well'}]}" },
		{ "after[0]", "{'command':['true'],'after':[{'id':1,'item':1}]}" },
		{ "after", "{'command':['true'],'after':[{'id':9},{'id':2},{'id':9,'on':'any'}]}" },
		{ "parameters", "{'command':['true'],'parameters':{'date':'x'}}" },
	};

	rig_init();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		invalid(api_job_submit, rows[i][0], rows[i][1]);
	rig_fini();
}
END_TEST

START_TEST(an_error_in_one_of_several_jobs_says_which)
{
	rig_init();
	invalid(api_job_submit_many, "jobs[1].cwd", "{'jobs':[{'command':['a']},{'command':['b'],'cwd':'c'}]}");
	invalid(api_job_submit_many, "jobs[0].rules.timeout",
	    "{'jobs':[{'command':['a'],'rules':{'timeout':'x'}}]}");
	invalid(api_job_submit_many, "jobs[1].after[0]",
	    "{'jobs':[{'command':['a']},{'command':['b'],'after':[{'item':1}]}]}");
	invalid(api_job_submit_many, "jobs[0].after[0]", "{'jobs':[{'command':['a'],'after':[{'item':-1}]}]}");
	/* What is said for all of them is no one job's. */
	invalid(api_job_submit_many, "cwd", "{'jobs':[{'command':['a']}],'cwd':'here'}");
	invalid(api_job_submit_many, "umask", "{'jobs':[{'command':['a']}],'umask':512}");
	invalid(api_job_submit_many, "environment", "{'jobs':[{'command':['a']}],'environment':['=']}");
	invalid(api_job_submit_many, "jobs", "{'jobs':[]}");
	invalid(api_job_submit_many, "batch", "{'jobs':[{'command':['a']}],'batch':0}");
	rig_fini();
}
END_TEST

START_TEST(jobs_of_a_call_share_its_environment_and_keep_their_own)
{
	rig_init();
	well(api_job_submit_many,
	    "{'jobs':[{'command':['a'],'environment':['O=1']},{'command':['b']},{'command':['c'],'cwd':'/own'},"
	    "{'command':['d'],'environment':[]}],'environment':['A=1','B=2'],'cwd':'/all','umask':7}");
	ck_assert_uint_eq(played.ntold, 4);
	ck_assert_str_eq(played.told[0].env[0], "O=1");
	ck_assert_uint_eq(strv_len(played.told[1].env), 2);
	ck_assert_uint_eq(played.told[1].env_of, 0);
	ck_assert_ptr_null(played.told[2].env);
	ck_assert_uint_eq(played.told[2].env_of, 102);
	ck_assert_uint_eq(strv_len(played.told[3].env), 0);
	ck_assert_uint_eq(played.told[3].env_of, 0);
	ck_assert_str_eq(played.told[0].job.cwd, "/all");
	ck_assert_str_eq(played.told[2].job.cwd, "/own");
	ck_assert_int_eq(played.told[1].job.umask, 7);
	rig_fini();
}
END_TEST

START_TEST(items_become_the_ids_of_their_jobs)
{
	rig_init();
	well(api_job_submit_many,
	    "{'jobs':[{'command':['a']},{'command':['b'],'after':[{'item':0,'on':'failed'}]},"
	    "{'command':['c'],'after':[{'id':5},{'item':1},{'item':0}]}]}");
	ck_assert_uint_eq(played.told[1].after[0].id, 101);
	ck_assert_int_eq(played.told[1].after[0].on, AFTER_FAILED);
	ck_assert_uint_eq(played.told[2].after[0].id, 5);
	ck_assert_uint_eq(played.told[2].after[1].id, 102);
	ck_assert_uint_eq(played.told[2].after[2].id, 101);
	ck_assert(played.was_sealed && !played.dropped);
	ck_assert_str_eq(said("batch"), "101");
	ck_assert_uint_eq(json_array_size(json_object_get(answer.params, "ids")), 3);
	ck_assert(json_is_true(json_object_get(answer.params, "sealed")));
	/* One that was guessed could be there twice. */
	ask(api_job_submit_many,
	    "{'jobs':[{'command':['a']},{'command':['b'],'after':[{'id':101},{'item':0}]}]}");
	ck_assert_str_eq(said("parameter"), "jobs[1].after");
	ck_assert(played.dropped && !played.was_sealed);
	rig_fini();
}
END_TEST

START_TEST(a_batch_goes_on_until_the_last_call_and_a_failure_drops_it)
{
	rig_init();
	well(api_job_submit_many, "{'jobs':[{'command':['a']}],'more_follows':true}");
	ck_assert(!played.was_sealed && !json_is_true(json_object_get(answer.params, "sealed")));
	well(api_job_submit_many, "{'jobs':[],'batch':101}");
	ck_assert(played.was_sealed);
	invalid(api_job_submit_many, "jobs[0].command", "{'jobs':[{}],'batch':101}");
	ck_assert(played.dropped);
	played.result = ENGINE_OVER_QUOTA;
	played.refuse_at = 1;
	ask(api_job_submit_many, "{'jobs':[{'command':['a']},{'command':['b']}],'token':'t'}");
	ck_assert_str_eq(answer.error, "Job.LimitReached");
	ck_assert_str_eq(said("limit"), "user_queued_jobs");
	ck_assert(played.dropped && !played.was_sealed);
	rig_fini();
}
END_TEST

START_TEST(a_sealed_batchs_token_makes_nothing)
{
	rig_init();
	played.sealed = 55;
	well(api_job_submit_many, "{'jobs':[{'command':['a']}],'token':'t'}");
	ck_assert_uint_eq(played.ntold, 0);
	ck_assert_str_eq(said("batch"), "55");
	ck_assert(json_is_true(json_object_get(answer.params, "sealed")));
	rig_fini();
}
END_TEST

START_TEST(a_submission_that_was_made_is_returned_whatever_became_of_its_queue)
{
	rig_init();
	played.sealed = 7;
	well(api_job_submit, "{'command':['a'],'queue':'gone','token':'t'}");
	ck_assert_uint_eq(played.ntold, 0);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(answer.params, "job"), "id")), 7);
	rig_fini();
}
END_TEST

START_TEST(a_batch_is_dropped_when_told_to)
{
	rig_init();
	well(api_job_submit_many, "{'jobs':[],'batch':9,'drop':true}");
	ck_assert(played.dropped && !played.was_sealed);
	invalid(api_job_submit_many, "batch", "{'jobs':[],'drop':true}");
	invalid(api_job_submit_many, "jobs", "{'jobs':[{'command':['a']}],'batch':9,'drop':true}");
	rig_fini();
}
END_TEST

START_TEST(a_call_takes_a_thousand_jobs)
{
	static char text[40000];
	size_t n = 0;

	rig_init();
	n += (size_t)snprintf(text + n, sizeof text - n, "{'jobs':[{'command':['a']}");
	for (int i = 0; i < 999; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, ",{'command':['a']}");
	snprintf(text + n, sizeof text - n, "]}");
	well(api_job_submit_many, text);
	ck_assert_uint_eq(played.ntold, 1000);
	snprintf(text + n, sizeof text - n, ",{'command':['a']}]}");
	ask(api_job_submit_many, text);
	ck_assert_str_eq(answer.error, "Job.LimitReached");
	ck_assert_str_eq(said("limit"), "jobs");
	ck_assert_uint_eq(played.ntold, 0);
	rig_fini();
}
END_TEST

START_TEST(an_unknown_queue_is_told_with_those_there_are)
{
	rig_init();
	ask(api_job_submit, "{'command':['a'],'queue':'elsewhere'}");
	ck_assert_str_eq(answer.error, "Queue.NotFound");
	ck_assert_str_eq(said("name"), "elsewhere");
	ck_assert_uint_eq(json_array_size(json_object_get(answer.params, "known")), 2);
	ask(api_job_submit, "{'command':['a'],'queue':'gone'}");
	ck_assert_str_eq(answer.error, "Queue.NotFound");
	rig_fini();
}
END_TEST

/* nightly(date, mode=full) */
static void nightly(struct template *t)
{
	static const char *const fields[][2] = {
		{ "command", "ingest" }, { "command", "--on={date}" }, { "parameters", "date" },
		{ "parameters", "mode=full" }, { "job_name", "nightly {date}" }, { "cwd", "/srv" },
		{ "environment", "MODE={mode}" }, { "environment", "A=theirs" }, { "timeout", "2h" },
		{ "attempts", "3" }, { "priority", "8" },
	};
	const char *takes;
	char *why;

	template_init(t);
	t->name = strdup("nightly");
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		ck_assert_int_eq(template_set(t, fields[i][0], fields[i][1], &takes), 0);
	ck_assert_int_eq(template_check(t, &why), 0);
	played.template = t;
}

/* The same of a call with several jobs, of which none is there then. */
static void several(const char *error, const char *parameter, const char *params)
{
	fails(error, parameter, api_job_submit_many, params);
	ck_assert(!played.was_sealed);
}

START_TEST(what_is_not_there_is_told_with_its_place_among_several_jobs)
{
	struct template t;

	rig_init();
	rule_set(&played.closed, RULE_SUBMIT_USERS, "bob");
	several("Queue.NotFound", "jobs[1].queue", "{'jobs':[{'command':['a']},{'command':['b'],'queue':'none'}]}");
	several("Queue.NotAllowed", "jobs[1].queue",
	    "{'jobs':[{'command':['a']},{'command':['b'],'queue':'closed'}]}");
	several("Template.NotFound", "jobs[2].template",
	    "{'jobs':[{'command':['a']},{'command':['a']},{'template':'daily'}]}");
	nightly(&t);
	template_set(&t, "queue", "gone", &(const char *){ NULL });
	several("Queue.NotFound", "jobs[0].template",
	    "{'jobs':[{'template':'nightly','parameters':{'date':'x'}}]}");
	template_fini(&t);
	played.template = NULL;
	played.refuse_at = 1;
	played.result = ENGINE_NO_JOB;
	played.other = 77;
	several("Job.NotFound", "jobs[1].after[2]",
	    "{'jobs':[{'command':['a']},{'command':['b'],'after':[{'id':5},{'item':0},{'id':77}]}]}");
	played.result = ENGINE_EXISTS;
	several("Job.Exists", "jobs[1].unique", "{'jobs':[{'command':['a']},{'command':['b'],'unique':'u'}]}");
	played.result = ENGINE_NOT_FOUND; /* the batch itself */
	several("Job.NotFound", "batch", "{'jobs':[{'command':['a']},{'command':['b']}],'batch':9}");
	ck_assert_str_eq(said("id"), "9");
	rig_fini();
}
END_TEST

START_TEST(one_job_that_is_not_there_for_another_is_told_by_its_place)
{
	rig_init();
	played.result = ENGINE_NO_JOB;
	played.other = 9;
	ask(api_job_submit, "{'command':['a'],'after':[{'id':8},{'id':9}]}");
	ck_assert_str_eq(answer.error, "Job.NotFound");
	ck_assert_str_eq(said("parameter"), "after[1]");
	ask(api_job_submit, "{'template':'daily'}");
	ck_assert_str_eq(said("parameter"), "template");
	rig_fini();
}
END_TEST

START_TEST(a_queue_is_open_to_those_it_names)
{
	static const char submit[] = "{'command':['a'],'queue':'closed'}";

	rig_init();
	rule_set(&played.closed, RULE_SUBMIT_USERS, "bob");
	rule_set(&played.closed, RULE_SUBMIT_GROUPS, "staff");
	played.group = API_NAME_KNOWN;
	played.gid = 50;
	ask(api_job_submit, submit);
	ck_assert_str_eq(answer.error, "Queue.NotAllowed");
	ck_assert_str_eq(said("queue"), "closed");
	ck_assert_ptr_nonnull(strstr(said("message"), "bob"));
	ck_assert_ptr_nonnull(strstr(said("message"), "staff"));
	ck_assert_str_eq(played.refused, "submit NotAllowed");
	ck_assert_uint_eq(played.ntold, 0);
	caller.user = "bob";
	well(api_job_submit, submit);
	caller.user = "ann";
	caller.gid = 50;
	well(api_job_submit, submit);
	caller.gid = 1000;
	caller.uid = 0; /* an administrator */
	well(api_job_submit, submit);
	rig_fini();
}
END_TEST

START_TEST(a_group_that_is_not_known_yet_is_waited_for_with_nothing_done)
{
	rig_init();
	rule_set(&played.closed, RULE_SUBMIT_GROUPS, "staff");
	played.group = API_NAME_PENDING;
	ask(api_job_submit_many,
	    "{'jobs':[{'command':['a']},{'command':['b'],'queue':'closed'}],'batch':9}");
	ck_assert(answer.again && !played.dropped);
	ck_assert_uint_eq(played.ntold, 0);
	played.group = API_NAME_LATE;
	ask(api_job_submit, "{'command':['a'],'queue':'closed'}");
	ck_assert_str_eq(answer.error, "Job.Failed");
	rig_fini();
}
END_TEST

START_TEST(a_template_says_what_the_call_does_not)
{
	struct template t;

	rig_init();
	nightly(&t);
	well(api_job_submit,
	    "{'template':'nightly','parameters':{'date':'a b'},'environment':['A=ours','B=2'],"
	    "'rules':{'timeout':'5min'},'priority':1}");
	const struct told *j = first();
	ck_assert_str_eq(j->job.command[1], "--on=a b");
	ck_assert_str_eq(j->job.name, "nightly a b");
	ck_assert_str_eq(j->job.template, "nightly");
	ck_assert_str_eq(j->job.cwd, "/srv");
	ck_assert_int_eq(j->job.priority, 1);
	ck_assert_str_eq(rules_given(j->job.rules, RULE_TIMEOUT), "5min");
	ck_assert_str_eq(rules_given(j->job.rules, RULE_ATTEMPTS), "3");
	ck_assert_uint_eq(strv_len(j->env), 3);
	ck_assert_str_eq(strv_env(j->env, "A"), "theirs");
	ck_assert_str_eq(strv_env(j->env, "B"), "2");
	ck_assert_str_eq(strv_env(j->env, "MODE"), "full");
	/* The call's for all come last, but for the environment, which the template's goes over. */
	well(api_job_submit_many,
	    "{'jobs':[{'template':'nightly','parameters':{'date':'x'},'name':'own'},{'command':['b']}],"
	    "'cwd':'/all','environment':['A=ours','B=2']}");
	ck_assert_str_eq(first()->job.cwd, "/srv");
	ck_assert_str_eq(first()->job.name, "own");
	ck_assert_str_eq(strv_env(first()->env, "A"), "theirs");
	ck_assert_str_eq(strv_env(first()->env, "B"), "2");
	ck_assert_str_eq(strv_env(played.told[1].env, "A"), "ours");
	rig_fini();
	template_fini(&t);
}
END_TEST

START_TEST(a_template_that_is_used_wrongly_says_how)
{
	struct template t;

	rig_init();
	nightly(&t);
	invalid(api_job_submit, "parameters", "{'template':'nightly'}");
	invalid(api_job_submit, "parameters", "{'template':'nightly','parameters':{'date':'x','dat':'y'}}");
	invalid(api_job_submit, "parameters", "{'template':'nightly','parameters':{'date=1':'x'}}");
	ask(api_job_submit, "{'template':'daily'}");
	ck_assert_str_eq(answer.error, "Template.NotFound");
	ck_assert_str_eq(said("name"), "daily");
	ck_assert_uint_eq(json_array_size(json_object_get(answer.params, "known")), 1);
	rig_fini();
	template_fini(&t);
}
END_TEST

START_TEST(a_job_that_is_there_already_is_told_or_returned)
{
	rig_init();
	played.result = ENGINE_EXISTS;
	played.other = 12;
	played.job.unique = strdup("u");
	ask(api_job_submit, "{'command':['a'],'unique':'u'}");
	ck_assert_str_eq(answer.error, "Job.Exists");
	ck_assert_str_eq(said("id"), "12");
	ck_assert_str_eq(said("unique"), "u");
	ck_assert_str_eq(said("state"), "queued");
	well(api_job_submit, "{'command':['a'],'unique':'u','return_existing':true}");
	ck_assert(json_is_true(json_object_get(answer.params, "existed")));
	ck_assert_ptr_nonnull(json_object_get(answer.params, "job"));
	rig_fini();
}
END_TEST

START_TEST(only_root_submits_for_another)
{
	rig_init();
	ask(api_job_submit, "{'command':['a'],'user':'bob'}");
	ck_assert_str_eq(answer.error, "org.varlink.service.PermissionDenied");
	ck_assert_str_eq(played.refused, "submit PermissionDenied");
	well(api_job_submit, "{'command':['a'],'user':'ann'}");
	caller.uid = 0;
	caller.user = "root";
	well(api_job_submit, "{'command':['a'],'user':'bob'}");
	ck_assert_uint_eq(first()->job.uid, 1001);
	invalid(api_job_submit, "user", "{'command':['a'],'user':'nobody-has-this'}");
	rig_fini();
}
END_TEST

START_TEST(root_takes_no_template_that_another_made)
{
	static const char submit[] = "{'template':'nightly','parameters':{'date':'x'}}";
	struct template t;

	rig_init();
	nightly(&t);
	t.by = strdup("bob");
	t.by_uid = 1001;
	played.runtime = true;
	well(api_job_submit, submit);
	caller.uid = 0;
	caller.user = "root";
	fails("Template.NotAllowed", "template", api_job_submit, submit);
	ck_assert_str_eq(said("name"), "nightly");
	ck_assert_ptr_nonnull(strstr(said("message"), "bob made"));
	ck_assert_str_eq(played.refused, "submit NotAllowed");
	several("Template.NotAllowed", "jobs[1].template",
	    "{'jobs':[{'command':['a']},{'template':'nightly','parameters':{'date':'x'}}],'user':'bob'}");
	t.by_uid = -1; /* by a jobd that did not keep it */
	fails("Template.NotAllowed", "template", api_job_submit, submit);
	t.by_uid = 0;
	well(api_job_submit, submit);
	t.by_uid = -1;
	played.runtime = false;
	well(api_job_submit, submit);
	template_fini(&t);
	rig_fini();
}
END_TEST

UNIT_MAIN("draft", a_submission_reaches_core_as_it_was_said, what_is_not_said_is_left_to_core,
    what_a_job_can_not_have_is_named, an_error_in_one_of_several_jobs_says_which,
    jobs_of_a_call_share_its_environment_and_keep_their_own, items_become_the_ids_of_their_jobs,
    a_batch_goes_on_until_the_last_call_and_a_failure_drops_it, a_sealed_batchs_token_makes_nothing,
    a_submission_that_was_made_is_returned_whatever_became_of_its_queue,
    a_batch_is_dropped_when_told_to, a_call_takes_a_thousand_jobs,
    an_unknown_queue_is_told_with_those_there_are,
    what_is_not_there_is_told_with_its_place_among_several_jobs,
    one_job_that_is_not_there_for_another_is_told_by_its_place, a_queue_is_open_to_those_it_names,
    a_group_that_is_not_known_yet_is_waited_for_with_nothing_done,
    a_template_says_what_the_call_does_not, a_template_that_is_used_wrongly_says_how,
    root_takes_no_template_that_another_made, a_job_that_is_there_already_is_told_or_returned, only_root_submits_for_another)
