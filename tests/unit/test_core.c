/* SPDX-License-Identifier: ISC */
/* The small parts of core: the live set, what a job says of itself, how an end counts, refusals. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "jobd/core/outcome.h"
#include "unit.h"

static struct live *add(struct live_set *s, uint64_t id)
{
	struct job j;

	job_init(&j);
	j.id = id;
	struct live *l = live_add(s, &j);
	ck_assert_ptr_nonnull(l);
	return l;
}

START_TEST(a_live_job_is_found_by_its_id_whatever_came_and_went)
{
	struct live_set s;
	unsigned seed = 7;

	live_init(&s);
	bool there[2000] = { false };
	for (int i = 0; i < 20000; i++) {
		uint64_t id = 1 + (uint64_t)rand_r(&seed) % 1999;
		struct live *l = live_find(&s, id);
		ck_assert_int_eq(l != NULL, there[id]);
		if (l) {
			live_remove(&s, l);
			live_free(l);
		} else {
			add(&s, id);
		}
		there[id] = !there[id];
	}
	size_t n = 0;
	for (struct live *l = live_below(&s, UINT64_MAX); l; l = live_below(&s, l->job.id)) {
		ck_assert(there[l->job.id]);
		n++;
	}
	ck_assert_uint_eq(n, live_count(&s));
	live_fini(&s);
}
END_TEST

static bool say(struct job_progress *p, const char *text)
{
	return progress_parse(p, text, strlen(text));
}

START_TEST(a_job_says_how_far_it_is)
{
	struct job_progress p;

	job_progress_init(&p);
	ck_assert(say(&p, "STATUS=reading\nX_JOBD_PROGRESS=42/200\nX_JOBD_STEP=2/5 compare them\n"
			  "X_JOBD_ITEM=/a b\nX_JOBD_COUNT=added:3,updated:1,unchanged:96"));
	ck_assert_str_eq(p.text, "reading");
	ck_assert_int_eq(p.percent, 21);
	ck_assert_int_eq(p.done, 42);
	ck_assert_int_eq(p.total, 200);
	ck_assert_int_eq(p.step, 2);
	ck_assert_int_eq(p.steps, 5);
	ck_assert_str_eq(p.step_name, "compare them");
	ck_assert_str_eq(p.item, "/a b");
	ck_assert_uint_eq(p.ncounts, 3);
	ck_assert_str_eq(p.counts[2].name, "unchanged");
	ck_assert_uint_eq(p.counts[2].value, 96);
	ck_assert(say(&p, "X_JOBD_COUNT=updated:2"));
	ck_assert_uint_eq(p.counts[1].value, 2);
	ck_assert(say(&p, "X_JOBD_PROGRESS=7/0"));
	ck_assert_int_eq(p.percent, -1);
	job_progress_fini(&p);
}
END_TEST

START_TEST(nonsense_in_a_report_changes_nothing)
{
	static const char *const nonsense[] = { "", "READY=1", "X_JOBD_PROGRESS=", "X_JOBD_PROGRESS=-1/3",
		"X_JOBD_PROGRESS=4/3", "X_JOBD_PROGRESS=1/2x", "X_JOBD_PROGRESS=99999999999999999999/1",
		"X_JOBD_STEP=1", "X_JOBD_STEP=a/b", "X_JOBD_COUNT=a", "X_JOBD_COUNT=:3",
		"X_JOBD_COUNT=a:b", "X_JOBD_COUNT=a:1x" };
	struct job_progress p;

	job_progress_init(&p);
	for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
		ck_assert_msg(!say(&p, nonsense[i]), "\"%s\" was taken", nonsense[i]);
		ck_assert_int_eq(p.done, -1);
		ck_assert_uint_eq(p.ncounts, 0);
	}
	job_progress_fini(&p);
}
END_TEST

START_TEST(a_report_takes_bounded_memory_and_stays_text)
{
	struct job_progress p;
	char long_text[9000];

	job_progress_init(&p);
	memcpy(long_text, "STATUS=x", 8);
	for (size_t i = 8; i + 2 < sizeof long_text; i += 2)
		memcpy(long_text + i, "\xc3\xa9", 2);
	long_text[sizeof long_text - 2] = 0;
	ck_assert(say(&p, long_text));
	ck_assert_uint_le(strlen(p.text), 512);
	ck_assert_uint_eq(strlen(p.text) % 2, 1); /* x and whole characters */
	ck_assert(say(&p, "STATUS=bad \xff\xc3 byte"));
	ck_assert_str_eq(p.text, "bad ?? byte");
	for (int i = 0; i < 100; i++) {
		char count[40];
		snprintf(count, sizeof count, "X_JOBD_COUNT=c%d:1", i);
		say(&p, count);
	}
	ck_assert_uint_eq(p.ncounts, 16);
	job_progress_fini(&p);
}
END_TEST

START_TEST(an_end_counts_by_who_asked_for_it_and_how_it_came)
{
	static char fork[] = "fork", setsid[] = "setsid", exec[] = "exec x";
	static const struct {
		struct keeper_end end;
		bool cancel;
		struct attempt_outcome is;
	} cases[] = {
		{ { .kind = KEEPER_END_EXITED, .status = 0 }, false, { EVENT_COMPLETED, REASON_NONE } },
		{ { .kind = KEEPER_END_EXITED, .status = 0 }, true, { EVENT_CANCELLED, REASON_NONE } },
		{ { .kind = KEEPER_END_EXITED, .status = 3 << 8 }, false, { EVENT_FAILED, REASON_EXIT } },
		{ { .kind = KEEPER_END_EXITED, .status = SIGKILL }, false, { EVENT_FAILED, REASON_SIGNAL } },
		{ { .kind = KEEPER_END_EXITED, .status = SIGTERM, .shutdown = true }, false,
		    { EVENT_FAILED, REASON_SHUTDOWN } },
		{ { .kind = KEEPER_END_EXITED, .status = 0, .shutdown = true }, false,
		    { EVENT_COMPLETED, REASON_NONE } },
		{ { .kind = KEEPER_END_SPAWN, .error = 2 }, false, { EVENT_FAILED, REASON_SPAWN } },
		{ { .kind = KEEPER_END_SPAWN, .error = EAGAIN, .step = fork }, false,
		    { EVENT_NEVER_RAN, REASON_NONE } },
		{ { .kind = KEEPER_END_SPAWN, .error = ENOMEM, .step = setsid }, true,
		    { EVENT_CANCELLED, REASON_NONE } },
		/* Here it is the user's own limit of processes. */
		{ { .kind = KEEPER_END_SPAWN, .error = EAGAIN, .step = exec }, false,
		    { EVENT_FAILED, REASON_SPAWN } },
		{ { .kind = KEEPER_END_NEVER_RAN }, false, { EVENT_NEVER_RAN, REASON_NONE } },
		{ { .kind = KEEPER_END_NEVER_RAN }, true, { EVENT_CANCELLED, REASON_NONE } },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct attempt_outcome o = attempt_outcome(cases[i].cancel, false, &cases[i].end);
		ck_assert_int_eq(o.event, cases[i].is.event);
		ck_assert_int_eq(o.reason, cases[i].is.reason);
	}
}
END_TEST

START_TEST(refusals_are_journalled_once_a_minute_for_a_user_and_verb)
{
	struct refusals r = { 0 };
	uint64_t before = 9, t = REFUSALS_US;

	ck_assert(refusals_admit(&r, 1000, "pause", t, &before));
	ck_assert_uint_eq(before, 0);
	for (int i = 0; i < 5; i++)
		ck_assert(!refusals_admit(&r, 1000, "pause", t + 1, &before));
	ck_assert(refusals_admit(&r, 1000, "cancel", t + 1, &before));
	ck_assert(refusals_admit(&r, 1001, "pause", t + 1, &before));
	ck_assert(refusals_admit(&r, 1000, "pause", t + REFUSALS_US, &before));
	ck_assert_uint_eq(before, 5);
	for (uint32_t uid = 2000; uid < 2200; uid++)
		ck_assert(refusals_admit(&r, uid, "pause", t, &before));
}
END_TEST

UNIT_MAIN("core", a_live_job_is_found_by_its_id_whatever_came_and_went,
    a_job_says_how_far_it_is,
    nonsense_in_a_report_changes_nothing, a_report_takes_bounded_memory_and_stays_text,
    an_end_counts_by_who_asked_for_it_and_how_it_came,
    refusals_are_journalled_once_a_minute_for_a_user_and_verb)
