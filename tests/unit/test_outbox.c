/* SPDX-License-Identifier: ISC */
/* A journal entry as a line: its priority and its keys, also where hardly anything provokes it. */
#include "config.h"

#include "jobd/core/outbox.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "unit.h"

static char last[LOG_LINE_MAX];
static int last_priority, lines;

static void keep(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)len;
	snprintf(last, sizeof(last), "%s", text);
	last_priority = priority;
	lines++;
}

static struct journal_entry entry(const char *verb)
{
	return (struct journal_entry){ .job = 7, .verb = verb, .result = "ok" };
}

static struct journal_entry by(const char *verb, const char *result)
{
	struct journal_entry e = entry(verb);

	e.has_actor = true;
	e.user = "ann";
	e.uid = 1000;
	e.pid = 99;
	e.result = result;
	return e;
}

static int priority(const struct journal_entry *e)
{
	struct outbox o = { .lines = BUF_INIT };

	lines = 0;
	log_set_sink(keep, NULL);
	outbox_add(&o, e, NULL);
	ck_assert_int_eq(lines, 0); /* not before the commit */
	outbox_flush(&o);
	ck_assert_int_eq(lines, 1);
	outbox_flush(&o);
	ck_assert_int_eq(lines, 1);
	outbox_fini(&o);
	return last_priority;
}

START_TEST(what_jobd_does_by_itself_has_the_priority_that_is_expected)
{
	static const struct {
		const char *verb;
		int priority;
	} rows[] = {
		{ "start", LOG_INFO },
		{ "stopped", LOG_INFO },
		{ "completed", LOG_INFO },
		{ "cancelled", LOG_INFO },
		{ "never-ran", LOG_NOTICE },
		{ "recontinued", LOG_NOTICE },
		{ "unstoppable", LOG_WARNING },
		{ "pause", LOG_NOTICE }, /* at a stop */
		{ "left", LOG_WARNING },
		{ "orphaned", LOG_WARNING },
		{ "daemon-start", LOG_NOTICE },
		{ "daemon-stop", LOG_NOTICE },
		{ "reload", LOG_NOTICE },
		{ "store-accepted", LOG_WARNING },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct journal_entry e = entry(rows[i].verb);
		ck_assert_msg(priority(&e) == rows[i].priority, "%s", rows[i].verb);
	}
}
END_TEST

START_TEST(a_job_that_fails_is_a_warning_and_a_lost_one_an_error)
{
	struct journal_entry e = entry("failed");

	e.from = JOB_RUNNING;
	e.to = JOB_FAILED;
	for (int r = REASON_EXIT; r <= REASON_LOST; r++) {
		e.reason = (enum job_reason)r;
		ck_assert_int_eq(priority(&e), r == REASON_LOST ? LOG_ERR : LOG_WARNING);
	}
}
END_TEST

START_TEST(what_people_do_is_notice_but_for_a_submission)
{
	static const char *const verbs[] = { "hold", "release", "pause", "resume", "cancel", "signal",
		"retry", "delete", "priority", "reload", "daemon-stop" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		const char *verb = verbs[i];
		struct journal_entry done = by(verb, "ok"), already = by(verb, "already"),
				     refused = by(verb, "PermissionDenied");
		ck_assert_int_eq(priority(&done), LOG_NOTICE);
		ck_assert_int_eq(priority(&already), LOG_NOTICE);
		ck_assert_int_eq(priority(&refused), LOG_NOTICE);
	}
	struct journal_entry submitted = by("submit", "ok"), refused = by("submit", "LowDisk");
	ck_assert_int_eq(priority(&submitted), LOG_INFO);
	ck_assert_int_eq(priority(&refused), LOG_NOTICE);
	struct journal_entry mistaken = by("reload", "BadConfiguration");
	ck_assert_int_eq(priority(&mistaken), LOG_ERR);
	struct journal_entry unfit = by("daemon-reexec", "ReexecRefused");
	ck_assert_int_eq(priority(&unfit), LOG_ERR);
}
END_TEST

START_TEST(keys_come_in_their_order)
{
	struct outbox o = { .lines = BUF_INIT };
	struct journal_entry e = by("cancel", "already");
	char queue[] = "q", user[] = "bob", name[] = "n n";
	struct job j = { .queue = queue, .user = user, .name = name };

	e.from = JOB_RUNNING;
	e.to = JOB_FAILED;
	e.reason = REASON_SIGNAL;
	e.has_status = true;
	e.status = 9;
	e.attempt = 2;
	e.detail = "d";
	log_set_sink(keep, NULL);
	outbox_add(&o, &e, &j);
	outbox_flush(&o);
	ck_assert_str_eq(last,
	    "event=cancel job=7 queue=q user=bob from=running to=failed reason=signal signal=KILL "
	    "attempt=2 result=already by=ann uid=1000 pid=99 name=\"n n\" detail=d");
	outbox_fini(&o);
}
END_TEST

UNIT_MAIN("outbox", what_jobd_does_by_itself_has_the_priority_that_is_expected,
    a_job_that_fails_is_a_warning_and_a_lost_one_an_error,
    what_people_do_is_notice_but_for_a_submission, keys_come_in_their_order)
