/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobctl/job.h"

#include <string.h>

#include "jobctl/listing.h"
#include "jobctl/report.h"
#include "jobctl/sheet.h"
#include "jobctl/surroundings.h"
#include "lib/strv.h"
#include "unit.h"

static const char *held(struct buf *b)
{
	static char text[1024];
	ck_assert(!b->failed && b->len < sizeof text);
	if (b->len)
		memcpy(text, b->data, b->len);
	text[b->len] = '\0';
	buf_fini(b);
	return text;
}

static json_t *job(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);
	ck_assert_msg(j != NULL, "%s", text);
	return j;
}

START_TEST(run_and_wait_exit_as_is_promised)
{
	static const struct {
		const char *job;
		int code;
		bool explained; /* the command did not decide it */
	} rows[] = {
		{ "{\"state\":\"completed\",\"exit_code\":0}", 0, false },
		{ "{\"state\":\"failed\",\"reason\":\"exit\",\"exit_code\":3}", 3, false },
		{ "{\"state\":\"failed\",\"reason\":\"exit\",\"exit_code\":255}", 255, false },
		{ "{\"state\":\"failed\",\"reason\":\"signal\",\"signal\":9}", 137, false },
		{ "{\"state\":\"failed\",\"reason\":\"timeout\",\"signal\":15}", 124, true },
		{ "{\"state\":\"failed\",\"reason\":\"lost\"}", 125, true },
		{ "{\"state\":\"failed\",\"reason\":\"shutdown\",\"signal\":15}", 143, false },
		{ "{\"command\":[],\"state\":\"failed\",\"reason\":\"spawn\",\"error\":"
		  "\"exec /no: No such file or directory\"}", 127, true },
		{ "{\"command\":[],\"state\":\"failed\",\"reason\":\"spawn\",\"error\":"
		  "\"exec /etc/passwd: Permission denied\"}", 126, true },
		{ "{\"command\":[],\"state\":\"failed\",\"reason\":\"spawn\",\"error\":"
		  "\"chdir /no: No such file or directory\"}", 126, true },
		{ "{\"command\":[],\"state\":\"failed\",\"reason\":\"spawn\"}", 126, true },
		{ "{\"command\":[],\"state\":\"failed\",\"reason\":\"spawn\",\"exit_code\":127}", 127, true },
		{ "{\"state\":\"cancelled\",\"exit_code\":0}", 0, false },
		{ "{\"state\":\"cancelled\",\"signal\":15}", 143, false },
		{ "{\"command\":[],\"state\":\"cancelled\"}", 125, true },
		{ "{\"command\":[],\"state\":\"cancelled\",\"started_at_us\":5}", 125, true },
		/* Of another's job no codes are shown. */
		{ "{\"state\":\"completed\"}", 0, false },
		{ "{\"state\":\"cancelled\"}", 125, true },
		{ "{\"state\":\"cancelled\",\"started_at_us\":5}", 125, true },
		{ "{\"state\":\"failed\",\"reason\":\"exit\",\"started_at_us\":5}", 125, true },
		{ "{\"state\":\"failed\",\"reason\":\"signal\",\"started_at_us\":5}", 125, true },
		{ "{\"state\":\"failed\",\"reason\":\"spawn\"}", 125, true },
		{ "{}", 125, true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf why = BUF_INIT;
		json_t *j = job(rows[i].job);
		ck_assert_msg(job_exit_code(j, &why) == rows[i].code, "%s", rows[i].job);
		ck_assert_msg((why.len > 0) == rows[i].explained, "%s", rows[i].job);
		buf_fini(&why);
		json_decref(j);
	}
}
END_TEST

START_TEST(a_job_s_time_leaves_its_pauses_out)
{
	static const struct {
		const char *job;
		int64_t us;
	} rows[] = {
		{ "{\"state\":\"queued\"}", -1 },
		{ "{\"state\":\"running\",\"started_at_us\":100}", 900 },
		{ "{\"state\":\"running\",\"started_at_us\":100,\"paused_total_us\":50}", 850 },
		{ "{\"state\":\"paused\",\"started_at_us\":100,\"paused_at_us\":300}", 200 },
		{ "{\"state\":\"completed\",\"started_at_us\":100,\"ended_at_us\":400}", 300 },
		/* A clock that was set back makes no negative time. */
		{ "{\"state\":\"running\",\"started_at_us\":5000}", 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *j = job(rows[i].job);
		ck_assert_msg(job_elapsed_us(j, 1000) == rows[i].us, "%s", rows[i].job);
		json_decref(j);
	}
}
END_TEST

START_TEST(the_time_left_is_estimated_from_what_is_done)
{
	static const struct {
		const char *progress;
		int64_t left_s;
	} rows[] = {
		{ "{\"percent\":25}", 30 },
		{ "{\"done\":5,\"total\":10}", 10 },
		{ "{\"done\":0,\"total\":10}", -1 },
		{ "{\"done\":10,\"total\":10}", -1 },
		{ "{\"done\":7}", -1 },
		{ "{}", -1 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *j = job("{\"state\":\"running\",\"started_at_us\":10000000}");
		json_object_set_new(j, "progress", job(rows[i].progress));
		int64_t left = job_left_us(j, 20000000);
		ck_assert_msg((left < 0 ? -1 : left / 1000000) == rows[i].left_s, "%s",
		    rows[i].progress);
		json_decref(j);
	}
}
END_TEST

START_TEST(the_reason_says_how_it_ended_or_what_is_about_to_happen)
{
	static const struct {
		const char *job, *reason;
	} rows[] = {
		{ "{\"state\":\"queued\",\"reason\":\"priority\"}", "priority" },
		{ "{\"state\":\"failed\",\"reason\":\"exit\",\"exit_code\":3}", "exit 3" },
		{ "{\"state\":\"failed\",\"reason\":\"signal\",\"signal\":9}", "signal KILL" },
		{ "{\"state\":\"failed\",\"reason\":\"timeout\",\"signal\":15}", "timeout" },
		{ "{\"state\":\"cancelled\",\"signal\":15}", "signal TERM" },
		{ "{\"state\":\"running\",\"cancel_requested\":true}", "cancelling" },
		{ "{\"state\":\"running\",\"pause_requested\":true}", "pausing" },
		{ "{\"state\":\"paused\",\"pause_requested\":true}", "" },
		{ "{\"state\":\"paused\",\"resume_requested\":true}", "resuming" },
		{ "{\"state\":\"paused\",\"resume_requested\":true,\"reason\":\"queue-paused\"}",
		    "resuming: queue-paused" },
		{ "{\"state\":\"cancelled\",\"cancel_requested\":true}", "" },
		{ "{\"state\":\"completed\",\"exit_code\":0}", "" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf b = BUF_INIT;
		json_t *j = job(rows[i].job);
		job_reason(j, &b);
		ck_assert_str_eq(held(&b), rows[i].reason);
		json_decref(j);
	}
}
END_TEST

/* The numbers of the jobs, in their order. */
static const char *sorted(const char *key)
{
	struct buf b = BUF_INIT;
	json_t *jobs = job("[{\"id\":1,\"name\":\"b\",\"priority\":5,\"state\":\"failed\"},"
			   "{\"id\":2,\"command\":[\"a\"],\"priority\":2,\"state\":\"running\","
			   "\"started_at_us\":5},"
			   "{\"id\":3,\"priority\":5,\"state\":\"queued\"}]");
	size_t i;
	json_t *j;

	ck_assert(listing_has(key));
	listing_sort(jobs, key);
	json_array_foreach(jobs, i, j)
		buf_printf(&b, "%d", (int)job_int(j, "id", 0));
	json_decref(jobs);
	return held(&b);
}

START_TEST(lists_are_sorted_by_any_column_with_what_has_no_value_last)
{
	ck_assert_str_eq(sorted("id"), "123");
	ck_assert_str_eq(sorted("-id"), "321");
	ck_assert_str_eq(sorted("priority"), "231");
	ck_assert_str_eq(sorted("-pri"), "312");
	ck_assert_str_eq(sorted("name"), "213");
	ck_assert_str_eq(sorted("-name"), "123");
	ck_assert_str_eq(sorted("state"), "321");
	ck_assert_str_eq(sorted("started"), "231");
	ck_assert_str_eq(sorted("-STARTED"), "231");
	ck_assert(!listing_has("colour"));
}
END_TEST

static const char *reported(struct options o, const char *text)
{
	struct buf b = BUF_INIT;
	const char *wrong = report_text(&o, text, &b);
	if (!wrong)
		return held(&b);
	buf_fini(&b);
	return "wrong";
}

START_TEST(reports_are_lines_that_jobd_reads)
{
	char *counts[] = { (char[]){ "added=3" }, (char[]){ "updated:1,unchanged=96" }, NULL };
	char *half[] = { (char[]){ "added=" }, NULL };
	char *negative[] = { (char[]){ "added=-1" }, NULL };

	ck_assert_str_eq(reported((struct options){ .percent = "42" }, NULL), "X_JOBD_PROGRESS=42/100");
	ck_assert_str_eq(reported((struct options){ .percent = "42%" }, NULL), "X_JOBD_PROGRESS=42/100");
	ck_assert_str_eq(reported((struct options){ .progress = "7/9" }, "half"),
	    "X_JOBD_PROGRESS=7/9\nSTATUS=half");
	ck_assert_str_eq(reported((struct options){ .step = "2/5", .step_name = "sort" }, NULL),
	    "X_JOBD_STEP=2/5 sort");
	ck_assert_str_eq(reported((struct options){ .step = "2/5 sort" }, NULL), "X_JOBD_STEP=2/5 sort");
	ck_assert_str_eq(reported((struct options){ .step = "2/5" }, "sorting"),
	    "X_JOBD_STEP=2/5\nSTATUS=sorting");
	ck_assert_str_eq(reported((struct options){ .counts = counts, .item = "x" }, NULL),
	    "X_JOBD_COUNT=added:3,updated:1,unchanged:96\nX_JOBD_ITEM=x");
	ck_assert_str_eq(reported((struct options){ .percent = "101" }, NULL), "wrong");
	ck_assert_str_eq(reported((struct options){ .percent = "many" }, NULL), "wrong");
	ck_assert_str_eq(reported((struct options){ .progress = "9/7" }, NULL), "wrong");
	ck_assert_str_eq(reported((struct options){ .progress = "9" }, NULL), "wrong");
	ck_assert_str_eq(reported((struct options){ .step = "2" }, NULL), "wrong");
	ck_assert_str_eq(reported((struct options){ .counts = half }, NULL), "wrong");
	ck_assert_str_eq(reported((struct options){ .counts = negative }, NULL), "wrong");
}
END_TEST

START_TEST(a_value_can_not_become_a_line_of_its_own)
{
	ck_assert_str_eq(reported((struct options){ .item = "a\nX_JOBD_PROGRESS=1/1" }, "b\r\nc"),
	    "X_JOBD_ITEM=a X_JOBD_PROGRESS=1/1\nSTATUS=b  c");
}
END_TEST

START_TEST(what_jobd_would_not_keep_is_not_sent)
{
	char text[2001], want[520] = "STATUS=";
	char long_name[] = "a234567890123456789012345678901=1,"
			   "b23456789012345678901234567890123=2,c=3";
	char many[] = "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1";
	char *counts[] = { long_name, NULL };
	char *more[] = { many, NULL };

	/* Two bytes a character, after one of one byte: 512 is in the middle of one. */
	text[0] = 'x';
	for (size_t i = 1; i < 1999; i += 2)
		memcpy(text + i, "\xc3\xb6", 2);
	text[1999] = '\0';
	memcpy(want + 7, text, 511); /* the rest of want is NUL */
	ck_assert_str_eq(reported((struct options){ 0 }, text), want);
	ck_assert_str_eq(reported((struct options){ .counts = counts }, NULL),
	    "X_JOBD_COUNT=a234567890123456789012345678901:1,c:3");
	ck_assert_str_eq(reported((struct options){ .counts = more }, NULL),
	    "X_JOBD_COUNT=a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1,j:1,k:1,l:1,m:1,n:1,o:1,p:1");
}
END_TEST

/* The environment, joined by spaces. */
static const char *environment(struct surroundings_environment e, size_t *dropped)
{
	struct buf b = BUF_INIT;
	char **env = surroundings_environment(&e, dropped);
	ck_assert_ptr_nonnull(env);
	for (char **p = env; *p; p++)
		buf_printf(&b, "%s%s", p == env ? "" : " ", *p);
	strv_free(env);
	return held(&b);
}

START_TEST(a_job_gets_the_caller_s_environment_but_not_jobd_s)
{
	char *env[] = { (char[]){ "A=1" }, (char[]){ "HOME=/h" }, (char[]){ "JOBD_ID=3" },
		(char[]){ "NOTIFY_SOCKET=@x" }, (char[]){ "BAD=\xff" }, (char[]){ "XDG_X=y" },
		(char[]){ "nonsense" }, NULL };
	char *add[] = { (char[]){ "B=2" }, (char[]){ "A=3" }, (char[]){ "HOME" },
		(char[]){ "UNSET" }, NULL };
	size_t dropped;

	ck_assert_str_eq(environment((struct surroundings_environment){ .env = env }, &dropped),
	    "A=1 HOME=/h XDG_X=y");
	ck_assert_uint_eq(dropped, 1);
	ck_assert_str_eq(
	    environment((struct surroundings_environment){ .env = env, .add = add }, &dropped),
	    "A=3 HOME=/h XDG_X=y B=2");
	ck_assert_str_eq(environment((struct surroundings_environment){ .env = env, .add = add,
					 .clean = true }, &dropped),
	    "B=2 A=3 HOME=/h");
}
END_TEST

START_TEST(a_sheet_has_a_line_for_what_is_known_and_numbers_are_whole)
{
	static const struct screen plain = { 0 };
	json_t *j = job("{\"id\":4294967303,\"name\":\"a\\nb\",\"umask\":18,\"at\":0}");
	struct sheet p;

	sheet_init(&p, &plain);
	sheet_int(&p, "job", j, "id");
	sheet_int(&p, "batch", j, "batch");
	sheet_line(&p, "name", job_text(j, "name"));
	sheet_line(&p, "project", job_text(j, "project"));
	sheet_umask(&p, j);
	sheet_time(&p, "ended", j, "at");
	sheet_printf(&p, "", "%d more", 2);
	ck_assert_str_eq(held(&p.out), "job:         4294967303\n"
				       "name:        a\\nb\n"
				       "umask:       022\n"
				       "             2 more\n");
	json_decref(j);
}
END_TEST

UNIT_MAIN("jobctl jobs", run_and_wait_exit_as_is_promised, a_job_s_time_leaves_its_pauses_out,
    the_time_left_is_estimated_from_what_is_done,
    the_reason_says_how_it_ended_or_what_is_about_to_happen,
    lists_are_sorted_by_any_column_with_what_has_no_value_last, reports_are_lines_that_jobd_reads,
    a_value_can_not_become_a_line_of_its_own, what_jobd_would_not_keep_is_not_sent,
    a_job_gets_the_caller_s_environment_but_not_jobd_s,
    a_sheet_has_a_line_for_what_is_known_and_numbers_are_whole)
