/* SPDX-License-Identifier: ISC */
/* What follows a failed attempt, and when: pure decisions. */
#include "config.h"

#include "jobd/core/outcome.h"

#include <errno.h>
#include <stdlib.h>

#include "unit.h"

#define SECOND UINT64_C(1000000)

/* The defaults, with these on top: NAME=value, up to a NULL. */
static struct rules rules_of(const char *const *given)
{
	struct rules r;

	rules_init(&r);
	ck_assert_int_eq(rules_apply(&r, (char *const *)(uintptr_t)given), 0);
	return r;
}
#define RULES_OF(...) rules_of((const char *const[]){ __VA_ARGS__, NULL })

static enum job_event next(const struct rules *r, uint32_t number, uint32_t allowed, int code)
{
	const struct attempt_failure f = { number, allowed, REASON_EXIT, code, true };

	return attempt_next(r, &f);
}

START_TEST(another_attempt_follows_while_there_are_any_and_the_code_is_one_to_retry)
{
	struct rules r = RULES_OF("attempts=3");

	ck_assert_int_eq(next(&r, 1, 3, 1), EVENT_AGAIN);
	ck_assert_int_eq(next(&r, 2, 3, 255), EVENT_AGAIN);
	ck_assert_int_eq(next(&r, 3, 3, 1), EVENT_FAILED);
	ck_assert_int_eq(next(&r, 4, 3, 1), EVENT_FAILED); /* the limit was lowered */
	r = RULES_OF("retry_on=1,75-78", "retry_not=76");
	ck_assert_int_eq(next(&r, 1, 2, 75), EVENT_AGAIN);
	ck_assert_int_eq(next(&r, 1, 2, 76), EVENT_FAILED);
	ck_assert_int_eq(next(&r, 1, 2, 79), EVENT_FAILED);
	r = RULES_OF("retry_not=any");
	ck_assert_int_eq(next(&r, 1, 2, 1), EVENT_FAILED);
}
END_TEST

START_TEST(what_is_not_the_command_s_failure_follows_the_recovery_and_no_code)
{
	static const enum job_reason reasons[] = { REASON_LOST, REASON_SHUTDOWN };
	struct rules retry = RULES_OF("recovery=retry", "retry_on=none");
	struct rules fail = RULES_OF("recovery=fail"), hold = RULES_OF("recovery=hold");

	for (size_t i = 0; i < 2; i++) {
		struct attempt_failure f = { 1, 2, reasons[i], 0, true };
		ck_assert_int_eq(attempt_next(&retry, &f), EVENT_AGAIN);
		ck_assert_int_eq(attempt_next(&fail, &f), EVENT_FAILED);
		ck_assert_int_eq(attempt_next(&hold, &f), EVENT_SET_ASIDE);
		f.gone = false;
		ck_assert_int_eq(attempt_next(&retry, &f), EVENT_SET_ASIDE);
		ck_assert_int_eq(attempt_next(&fail, &f), EVENT_FAILED);
		f.number = 2;
		ck_assert_int_eq(attempt_next(&retry, &f), EVENT_FAILED);
		ck_assert_int_eq(attempt_next(&hold, &f), EVENT_SET_ASIDE);
		ck_assert_uint_eq(attempt_backoff_us(&retry, &f, 5), 0);
	}
}
END_TEST

static uint64_t backoff(const struct rules *r, uint32_t number, uint64_t random)
{
	const struct attempt_failure f = { number, 1000, REASON_EXIT, 1, true };

	return attempt_backoff_us(r, &f, random);
}

START_TEST(the_backoff_doubles_until_its_most_or_stays_the_same)
{
	struct rules r = RULES_OF("backoff=10s", "backoff_max=70s", "backoff_jitter=0");

	ck_assert_uint_eq(backoff(&r, 1, 7), 10 * SECOND);
	ck_assert_uint_eq(backoff(&r, 2, 7), 20 * SECOND);
	ck_assert_uint_eq(backoff(&r, 3, 7), 40 * SECOND);
	ck_assert_uint_eq(backoff(&r, 4, 7), 70 * SECOND);
	ck_assert_uint_eq(backoff(&r, 1000, 7), 70 * SECOND);
	r = RULES_OF("backoff=10s", "backoff_max=0", "backoff_jitter=0");
	for (uint32_t n = 1; n < 100; n++)
		ck_assert_uint_eq(backoff(&r, n, 7), 10 * SECOND);
	r = RULES_OF("backoff=0");
	ck_assert_uint_eq(backoff(&r, 9, UINT64_MAX), 0);
	/* The longest there is does not run over. */
	r = RULES_OF("backoff=366d", "backoff_max=366d", "backoff_jitter=100");
	ck_assert_uint_le(backoff(&r, 1000, UINT64_MAX), 2 * UINT64_C(366) * 86400 * SECOND);
}
END_TEST

START_TEST(the_jitter_stays_in_its_bounds_and_reaches_both)
{
	struct rules r = RULES_OF("backoff=100s", "backoff_jitter=25", "backoff_max=0");
	uint64_t least = UINT64_MAX, most = 0, x = 1;

	for (int i = 0; i < 100000; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		uint64_t wait = backoff(&r, 1, x >> 11);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	ck_assert_uint_ge(least, 75 * SECOND);
	ck_assert_uint_le(most, 125 * SECOND);
	ck_assert_uint_lt(least, 76 * SECOND);
	ck_assert_uint_gt(most, 124 * SECOND);
}
END_TEST

START_TEST(under_a_timeout_every_end_of_the_command_is_that_and_under_a_cancel_a_cancel)
{
	static const int statuses[] = { 0, 3 << 8, 15 };

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		struct keeper_end end = { .kind = KEEPER_END_EXITED, .status = statuses[i] };
		struct attempt_outcome o = attempt_outcome(false, true, &end);
		ck_assert_int_eq(o.event, EVENT_FAILED);
		ck_assert_int_eq(o.reason, REASON_TIMEOUT);
		ck_assert_int_eq(attempt_outcome(true, true, &end).event, EVENT_CANCELLED);
		end.shutdown = true;
		ck_assert_int_eq(attempt_outcome(false, true, &end).reason, REASON_TIMEOUT);
	}
}
END_TEST

START_TEST(a_command_that_was_not_started_has_the_code_of_a_shell)
{
	struct keeper_end end = { .kind = KEEPER_END_SPAWN, .step = (char[]){ "exec nope" }, .error = ENOENT };

	ck_assert_int_eq(attempt_status(&end), 127 << 8);
	end.error = EACCES;
	ck_assert_int_eq(attempt_status(&end), 126 << 8);
	end.step = (char[]){ "chdir /nowhere" };
	end.error = ENOENT;
	ck_assert_int_eq(attempt_status(&end), 126 << 8);
}
END_TEST

UNIT_MAIN("outcome", another_attempt_follows_while_there_are_any_and_the_code_is_one_to_retry,
    what_is_not_the_command_s_failure_follows_the_recovery_and_no_code,
    the_backoff_doubles_until_its_most_or_stays_the_same,
    the_jitter_stays_in_its_bounds_and_reaches_both,
    under_a_timeout_every_end_of_the_command_is_that_and_under_a_cancel_a_cancel,
    a_command_that_was_not_started_has_the_code_of_a_shell)
