/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/rules.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "lib/priority.h"
#include "lib/strv.h"
#include "unit.h"

/* What is written, and what it reads as then. */
struct value {
	enum rule rule;
	const char *text, *shortest;
};

static const struct value good[] = {
	{ RULE_MAX_RUNNING, "0", "0" },
	{ RULE_MAX_RUNNING, "100000", "100000" },
	{ RULE_MAX_RUNNING, "007", "7" },
	{ RULE_PRIORITY, "1", "1" },
	{ RULE_PRIORITY, "10", "10" },
	{ RULE_PRIORITY, "high", "2" },
	{ RULE_PRIORITY, "Normal", "5" },
	{ RULE_PRIORITY, "low", "8" },
	{ RULE_SUBMIT_USERS, "ann", "ann" },
	{ RULE_SUBMIT_USERS, "ann,bob,ann", "ann,bob" },
	{ RULE_SUBMIT_GROUPS, "staff,CORP\\ops", "staff,CORP\\ops" },
	{ RULE_TIMEOUT, "0s", "0" },
	{ RULE_TIMEOUT, "120min", "2h" },
	{ RULE_TIMEOUT, "1h 30min", "90min" },
	{ RULE_TIMEOUT, "366d", "366d" },
	{ RULE_WARN, "NONE", "none" },
	{ RULE_WARN, "USR1@5min", "USR1@5min" },
	{ RULE_WARN, "sigterm@60", "TERM@1min" },
	{ RULE_WARN, "10@300ms", "USR1@300ms" },
	{ RULE_ATTEMPTS, "1", "1" },
	{ RULE_ATTEMPTS, "100", "100" },
	{ RULE_BACKOFF, "10", "10s" },
	{ RULE_BACKOFF, "0", "0" },
	{ RULE_BACKOFF_MAX, "24h", "1d" },
	{ RULE_BACKOFF_JITTER, "0", "0" },
	{ RULE_BACKOFF_JITTER, "100", "100" },
	{ RULE_RETRY_ON, "any", "any" },
	{ RULE_RETRY_ON, "1-255", "any" },
	{ RULE_RETRY_ON, "None", "none" },
	{ RULE_RETRY_ON, "75", "75" },
	{ RULE_RETRY_ON, "78,1,75-77", "1,75-78" },
	{ RULE_RETRY_ON, "1-2,4-4,253-255", "1,2,4,253-255" },
	{ RULE_RETRY_NOT, "none", "none" },
	{ RULE_RETRY_NOT, "31-33,63-65", "31-33,63-65" },
	{ RULE_RETRY_NOT, "Any", "any" },
	{ RULE_RECOVERY, "retry", "retry" },
	{ RULE_RECOVERY, "fail", "fail" },
	{ RULE_RECOVERY, "Hold", "hold" },
};

static const struct value bad[] = {
	{ RULE_MAX_RUNNING, "", NULL },
	{ RULE_MAX_RUNNING, "-1", NULL },
	{ RULE_MAX_RUNNING, "4x", NULL },
	{ RULE_MAX_RUNNING, " 4", NULL },
	{ RULE_MAX_RUNNING, "100001", NULL },
	{ RULE_MAX_RUNNING, "4294967297", NULL },
	{ RULE_MAX_RUNNING, "99999999999999999999999", NULL },
	{ RULE_PRIORITY, "", NULL },
	{ RULE_PRIORITY, "0", NULL },
	{ RULE_PRIORITY, "11", NULL },
	{ RULE_PRIORITY, "highest", NULL },
	{ RULE_SUBMIT_USERS, "", NULL },
	{ RULE_SUBMIT_GROUPS, "", NULL },
	{ RULE_SUBMIT_USERS, ",", NULL },
	{ RULE_SUBMIT_USERS, "ann,", NULL },
	{ RULE_SUBMIT_USERS, "ann,,bob", NULL },
	{ RULE_SUBMIT_USERS, "ann, bob", NULL },
	{ RULE_SUBMIT_USERS, "1000", NULL },
	{ RULE_SUBMIT_GROUPS, "staff:ops", NULL },
	{ RULE_SUBMIT_GROUPS, "-staff", NULL },
	{ RULE_TIMEOUT, "", NULL },
	{ RULE_TIMEOUT, "none", NULL },
	{ RULE_TIMEOUT, "1.5h", NULL },
	{ RULE_TIMEOUT, "-1s", NULL },
	{ RULE_TIMEOUT, "367d", NULL },
	{ RULE_WARN, "", NULL },
	{ RULE_WARN, "USR1", NULL },
	{ RULE_WARN, "5min", NULL },
	{ RULE_WARN, "@5min", NULL },
	{ RULE_WARN, "USR1@", NULL },
	{ RULE_WARN, "USR1@0", NULL },
	{ RULE_WARN, "USR1@5min@6min", NULL },
	{ RULE_WARN, "USR9@5min", NULL },
	{ RULE_WARN, "ASIGNALWITHALONGNAME@5min", NULL },
	{ RULE_WARN, "KILL@5min", NULL },
	{ RULE_WARN, "STOP@5min", NULL },
	{ RULE_WARN, "9@5min", NULL },
	{ RULE_ATTEMPTS, "0", NULL },
	{ RULE_ATTEMPTS, "101", NULL },
	{ RULE_BACKOFF, "soon", NULL },
	{ RULE_BACKOFF_MAX, "9223372036854775807us", NULL },
	{ RULE_BACKOFF_JITTER, "101", NULL },
	{ RULE_BACKOFF_JITTER, "10%", NULL },
	{ RULE_RETRY_ON, "", NULL },
	{ RULE_RETRY_ON, "0", NULL },
	{ RULE_RETRY_ON, "0-5", NULL },
	{ RULE_RETRY_ON, "256", NULL },
	{ RULE_RETRY_ON, "1-256", NULL },
	{ RULE_RETRY_ON, "7-5", NULL },
	{ RULE_RETRY_ON, "1,", NULL },
	{ RULE_RETRY_ON, ",1", NULL },
	{ RULE_RETRY_ON, "1,,2", NULL },
	{ RULE_RETRY_ON, "1-", NULL },
	{ RULE_RETRY_ON, "-1", NULL },
	{ RULE_RETRY_ON, "1-2-3", NULL },
	{ RULE_RETRY_ON, "1, 2", NULL },
	{ RULE_RETRY_ON, "1,any", NULL },
	{ RULE_RETRY_NOT, "all", NULL },
	{ RULE_RECOVERY, "", NULL },
	{ RULE_RECOVERY, "restart", NULL },
};

#define GOOD (sizeof(good) / sizeof(good[0]))
#define BAD  (sizeof(bad) / sizeof(bad[0]))

/* Values that are not the defaults, one for each rule. */
static const char *const other[RULES] = {
	[RULE_MAX_RUNNING] = "4",
	[RULE_PRIORITY] = "3",
	[RULE_SUBMIT_USERS] = "ann,bob",
	[RULE_SUBMIT_GROUPS] = "staff",
	[RULE_TIMEOUT] = "2h",
	[RULE_WARN] = "USR2@5min",
	[RULE_ATTEMPTS] = "7",
	[RULE_BACKOFF] = "3s",
	[RULE_BACKOFF_MAX] = "1h",
	[RULE_BACKOFF_JITTER] = "50",
	[RULE_RETRY_ON] = "1,75-78",
	[RULE_RETRY_NOT] = "2",
	[RULE_RECOVERY] = "hold",
};

static void assert_is(const struct rules *r, enum rule which, const char *text)
{
	char *is = rule_text(r, which);
	ck_assert_msg(strcmp(is, text) == 0, "%s is \"%s\", not \"%s\"", rule_name(which), is, text);
	free(is);
}

START_TEST(what_nobody_says_is_as_the_manual_has_it)
{
	static const char *const defaults[RULES] = {
		[RULE_MAX_RUNNING] = "0",
		[RULE_PRIORITY] = "5",
		[RULE_SUBMIT_USERS] = "",
		[RULE_SUBMIT_GROUPS] = "",
		[RULE_TIMEOUT] = "0",
		[RULE_WARN] = "none",
		[RULE_ATTEMPTS] = "1",
		[RULE_BACKOFF] = "10s",
		[RULE_BACKOFF_MAX] = "10min",
		[RULE_BACKOFF_JITTER] = "10",
		[RULE_RETRY_ON] = "any",
		[RULE_RETRY_NOT] = "none",
		[RULE_RECOVERY] = "retry",
	};
	struct rules r;
	rules_init(&r);
	for (int i = 0; i < RULES; i++)
		assert_is(&r, i, defaults[i]);
}
END_TEST

START_TEST(every_rule_is_found_by_its_name)
{
	for (int i = 0; i < RULES; i++) {
		ck_assert_int_eq(rule_find(rule_name(i)), i);
		ck_assert(*rule_takes(i));
		ck_assert_msg(rule_is_list(i) == (i == RULE_SUBMIT_USERS || i == RULE_SUBMIT_GROUPS), "%s",
		    rule_name(i));
		ck_assert_msg(rule_is_of_jobs(i) == (i >= RULE_TIMEOUT), "%s", rule_name(i));
	}
	ck_assert_int_eq(rule_find("max_runnin"), -1);
	ck_assert_int_eq(rule_find(""), -1);
}
END_TEST

START_TEST(every_value_reads_back_as_it_is_written)
{
	bool seen[RULES] = { false };
	for (size_t i = 0; i < GOOD; i++) {
		const struct value *v = &good[i];
		struct rules r;
		rules_init(&r);
		ck_assert_msg(rule_set(&r, v->rule, v->text) == 0, "%s refused \"%s\"",
		    rule_name(v->rule), v->text);
		assert_is(&r, v->rule, v->shortest);
		ck_assert_int_eq(rule_set(&r, v->rule, v->shortest), 0);
		assert_is(&r, v->rule, v->shortest);
		seen[v->rule] = true;
		rules_fini(&r);
	}
	for (int i = 0; i < RULES; i++)
		ck_assert_msg(seen[i], "no value of %s was tried", rule_name(i));
}
END_TEST

START_TEST(a_bad_value_is_refused_and_changes_nothing)
{
	bool seen[RULES] = { false };
	struct rules r;
	rules_init(&r);
	for (int i = 0; i < RULES; i++)
		ck_assert_int_eq(rule_set(&r, i, other[i]), 0);
	for (size_t i = 0; i < BAD; i++) {
		ck_assert_msg(rule_set(&r, bad[i].rule, bad[i].text) == -EINVAL, "%s took \"%s\"",
		    rule_name(bad[i].rule), bad[i].text);
		seen[bad[i].rule] = true;
		for (int j = 0; j < RULES; j++)
			assert_is(&r, j, other[j]);
	}
	rules_fini(&r);
	for (int i = 0; i < RULES; i++)
		ck_assert_msg(seen[i], "no bad value of %s was tried", rule_name(i));
}
END_TEST

START_TEST(a_priority_is_a_number_or_one_of_three_words)
{
	static const char *const wrong[] = { "0", "11", "-1", "+1", "", "5x", "1 ", " 1", "urgent",
		"99999999999999999999" };
	ck_assert_int_eq(priority_parse("1"), 1);
	ck_assert_int_eq(priority_parse("10"), 10);
	ck_assert_int_eq(priority_parse("05"), 5);
	ck_assert_int_eq(priority_parse("high"), 2);
	ck_assert_int_eq(priority_parse("HIGH"), 2);
	ck_assert_int_eq(priority_parse("normal"), 5);
	ck_assert_int_eq(priority_parse("low"), 8);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_int_eq(priority_parse(wrong[i]), 0);
}
END_TEST

START_TEST(codes_are_those_that_are_named_and_no_others)
{
	struct rules r;
	rules_init(&r);
	for (int code = 1; code < 256; code++)
		ck_assert(rule_codes_have(&r.retry_on, code) && !rule_codes_have(&r.retry_not, code));
	ck_assert(!rule_codes_have(&r.retry_on, 0));
	ck_assert_int_eq(rule_set(&r, RULE_RETRY_ON, "1,31-33,255"), 0);
	for (int code = -1; code <= 256; code++) {
		bool named = code == 1 || (code >= 31 && code <= 33) || code == 255;
		ck_assert_msg(rule_codes_have(&r.retry_on, code) == named, "%d", code);
	}
}
END_TEST

START_TEST(a_warning_is_a_signal_and_a_time)
{
	struct rules r;
	rules_init(&r);
	ck_assert_int_eq(rule_set(&r, RULE_WARN, "SIGUSR1@5min"), 0);
	ck_assert_int_eq(r.warn_signal, SIGUSR1);
	ck_assert_uint_eq(r.warn_us, 300000000);
	ck_assert_int_eq(rule_set(&r, RULE_WARN, "none"), 0);
	ck_assert_int_eq(r.warn_signal, 0);
	ck_assert_uint_eq(r.warn_us, 0);
}
END_TEST

START_TEST(given_rules_are_put_replaced_and_dropped)
{
	char **v = NULL;
	ck_assert_ptr_null(rules_given(v, RULE_TIMEOUT));
	ck_assert_int_eq(rules_put(&v, RULE_TIMEOUT, NULL), 0);
	ck_assert_ptr_null(v);
	ck_assert_int_eq(rules_put(&v, RULE_BACKOFF, "60"), 0);
	ck_assert_int_eq(rules_put(&v, RULE_BACKOFF_MAX, "24h"), 0);
	ck_assert_int_eq(rules_put(&v, RULE_BACKOFF_JITTER, "5"), 0);
	ck_assert_str_eq(rules_given(v, RULE_BACKOFF), "1min");
	ck_assert_str_eq(rules_given(v, RULE_BACKOFF_MAX), "1d");
	ck_assert_int_eq(rules_put(&v, RULE_BACKOFF_MAX, "120"), 0);
	ck_assert_uint_eq(strv_len(v), 3);
	ck_assert_str_eq(v[1], "backoff_max=2min");
	ck_assert_int_eq(rules_put(&v, RULE_BACKOFF_MAX, "long"), -EINVAL);
	ck_assert_int_eq(rules_put(&v, RULE_TIMEOUT, "long"), -EINVAL);
	ck_assert_uint_eq(strv_len(v), 3);
	ck_assert_str_eq(v[1], "backoff_max=2min");
	ck_assert_int_eq(rules_put(&v, RULE_BACKOFF, NULL), 0);
	ck_assert_ptr_null(rules_given(v, RULE_BACKOFF));
	ck_assert_str_eq(v[0], "backoff_max=2min");
	ck_assert_int_eq(rules_put(&v, RULE_BACKOFF_MAX, NULL), 0);
	ck_assert_int_eq(rules_put(&v, RULE_BACKOFF_JITTER, NULL), 0);
	ck_assert_ptr_null(v);
}
END_TEST

START_TEST(given_rules_are_applied_and_what_is_strange_is_passed_over)
{
	static const char *const given[] = { "attempts=3", "attempt=9", "colour=red", "timeout=never", "nothing",
		"submit_users=ann,bob", NULL };
	struct rules r;
	rules_init(&r);
	ck_assert_int_eq(rules_apply(&r, NULL), 0);
	ck_assert_uint_eq(r.attempts, 1);
	ck_assert_int_eq(rules_apply(&r, (char *const *)(uintptr_t)given), 0);
	ck_assert_uint_eq(r.attempts, 3);
	ck_assert_uint_eq(r.timeout_us, 0);
	assert_is(&r, RULE_SUBMIT_USERS, "ann,bob");
	assert_is(&r, RULE_PRIORITY, "5");
	rules_fini(&r);
}
END_TEST

UNIT_MAIN("rules", what_nobody_says_is_as_the_manual_has_it, every_rule_is_found_by_its_name,
    every_value_reads_back_as_it_is_written, a_bad_value_is_refused_and_changes_nothing,
    a_priority_is_a_number_or_one_of_three_words, codes_are_those_that_are_named_and_no_others,
    a_warning_is_a_signal_and_a_time, given_rules_are_put_replaced_and_dropped,
    given_rules_are_applied_and_what_is_strange_is_passed_over)
