/* SPDX-License-Identifier: ISC */
/*
 * Rules: the table of what a queue says of its jobs. It owns the names, the bounds, the text of
 * every value and how that is read; what a rule does to a job is none of its business.
 *
 * A new rule is a member of enum rule and of struct rules, its default, and a row of the table. A
 * value that can't be understood is refused and changes nothing.
 */
#include "config.h"

#include "lib/rules.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/account.h"
#include "lib/duration.h"
#include "lib/priority.h"
#include "lib/status.h"
#include "lib/str.h"
#include "lib/strv.h"

#define SECOND UINT64_C(1000000)
#define YEAR   (366 * 86400 * SECOND)
#define LEAST  UINT64_C(1000) /* 1ms: of a duration that is to end or to warn of something */

enum kind {
	KIND_COUNT,    /* unsigned */
	KIND_PRIORITY, /* unsigned */
	KIND_NAMES,    /* char ** */
	KIND_DURATION, /* uint64_t, microseconds */
	KIND_WARN,     /* warn_signal and warn_us */
	KIND_CODES,    /* struct rule_codes */
	KIND_RECOVERY, /* enum recovery */
};

struct row {
	const char *name;
	enum kind kind;
	bool of_jobs;
	size_t offset;	   /* in struct rules */
	uint64_t min, max; /* counts, durations */
	const char *takes;
};

static const struct row table[RULES] = {
	[RULE_MAX_RUNNING] = { "max_running", KIND_COUNT, false, offsetof(struct rules, max_running), 0,
	    100000, "a number of jobs up to 100000, such as 4, or 0 for no limit of the queue's own" },
	[RULE_PRIORITY] = { "priority", KIND_PRIORITY, false, offsetof(struct rules, priority), 0, 0,
	    "a priority from " PRIORITY_RANGE ", or high, normal or low" },
	[RULE_SUBMIT_USERS] = { "submit_users", KIND_NAMES, false,
	    offsetof(struct rules, submit_users), 0, 0, "names of users, such as ann, one at least" },
	[RULE_SUBMIT_GROUPS] = { "submit_groups", KIND_NAMES, false,
	    offsetof(struct rules, submit_groups), 0, 0, "names of groups, such as staff, one at least" },
	[RULE_TIMEOUT] = { "timeout", KIND_DURATION, true, offsetof(struct rules, timeout_us), LEAST,
	    YEAR, "a duration from 1ms to a year, such as 2h, or 0 for none" },
	[RULE_WARN] = { "warn", KIND_WARN, true, offsetof(struct rules, warn_us), LEAST, YEAR,
	    "a signal and how long before the timeout, 1ms at least, such as USR1@5min, or none" },
	[RULE_ATTEMPTS] = { "attempts", KIND_COUNT, true, offsetof(struct rules, attempts), 1, 100,
	    "a number of attempts from 1 to 100, such as 3" },
	[RULE_BACKOFF] = { "backoff", KIND_DURATION, true, offsetof(struct rules, backoff_us), 0, YEAR,
	    "a duration up to a year, such as 10s, or 0 for none" },
	[RULE_BACKOFF_MAX] = { "backoff_max", KIND_DURATION, true,
	    offsetof(struct rules, backoff_max_us), 0, YEAR,
	    "a duration up to a year, such as 10min, or 0 for backoff that stays the same" },
	[RULE_BACKOFF_JITTER] = { "backoff_jitter", KIND_COUNT, true,
	    offsetof(struct rules, backoff_jitter), 0, 100, "a percentage from 0 to 100, such as 10" },
	[RULE_RETRY_ON] = { "retry_on", KIND_CODES, true, offsetof(struct rules, retry_on), 1, 255,
	    "exit codes from 1 to 255, such as \"1,75-78\", or any or none" },
	[RULE_RETRY_NOT] = { "retry_not", KIND_CODES, true, offsetof(struct rules, retry_not), 1, 255,
	    "exit codes from 1 to 255, such as \"2,64-78\", or any or none" },
	[RULE_RECOVERY] = { "recovery", KIND_RECOVERY, true, offsetof(struct rules, recovery), 0, 0,
	    "retry, fail or hold" },
};

/* A job that succeeded (0) is never tried again: any is all the others. */
#define ANY                                                                                        \
	{                                                                                          \
		{ UINT32_MAX - 1, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,      \
		    UINT32_MAX, UINT32_MAX }                                                       \
	}

static const struct rule_codes any = ANY, none;

static const struct rules defaults = {
	.priority = PRIORITY_DEFAULT,
	.attempts = 1,
	.backoff_us = 10 * SECOND,
	.backoff_max_us = 600 * SECOND,
	.backoff_jitter = 10,
	.retry_on = ANY,
	.recovery = RECOVERY_RETRY,
};

static const char *const recoveries[] = {
	[RECOVERY_RETRY] = "retry",
	[RECOVERY_FAIL] = "fail",
	[RECOVERY_HOLD] = "hold",
};
#define RECOVERIES (sizeof(recoveries) / sizeof(recoveries[0]))

void rules_init(struct rules *r)
{
	*r = defaults;
}

void rules_fini(struct rules *r)
{
	strv_free(r->submit_users);
	strv_free(r->submit_groups);
	r->submit_users = r->submit_groups = NULL;
}

const char *rule_name(enum rule which)
{
	return table[which].name;
}

int rule_find(const char *name)
{
	for (int i = 0; i < RULES; i++)
		if (strcmp(table[i].name, name) == 0)
			return i;
	return -1;
}

void rule_names(bool of_jobs, char *out, size_t size)
{
	size_t n = 0;

	*out = 0;
	for (int i = 0; i < RULES && n < size; i++)
		if (!of_jobs || table[i].of_jobs)
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", table[i].name);
}

const char *rule_takes(enum rule which)
{
	return table[which].takes;
}

bool rule_is_of_jobs(enum rule which)
{
	return table[which].of_jobs;
}

bool rule_is_list(enum rule which)
{
	return table[which].kind == KIND_NAMES;
}

bool rule_codes_have(const struct rule_codes *c, int code)
{
	return code >= 0 && code < 256 && (c->bits[code / 32] >> (code % 32) & 1);
}

/* Digits at *s, of at most six, which are taken from it. */
static bool take_digits(const char **s, unsigned *to)
{
	const char *p = *s;
	unsigned v = 0;
	for (; *p >= '0' && *p <= '9' && p - *s < 6; p++)
		v = v * 10 + (unsigned)(*p - '0');
	bool well = p > *s && (*p < '0' || *p > '9');
	*s = p;
	*to = v;
	return well;
}

static int set_count(unsigned *to, const struct row *row, const char *value)
{
	unsigned v;
	if (!take_digits(&value, &v) || *value || v < row->min || v > row->max)
		return -EINVAL;
	*to = v;
	return 0;
}

static int set_priority(unsigned *to, const char *value)
{
	int priority = priority_parse(value);
	if (priority == 0)
		return -EINVAL;
	*to = (unsigned)priority;
	return 0;
}

static int set_duration(uint64_t *to, const struct row *row, const char *value)
{
	uint64_t v;
	bool none_is_one = row->kind == KIND_DURATION; /* 0 */
	if (!duration_parse_us(value, &v) || v > row->max || (v < row->min && (v || !none_is_one)))
		return -EINVAL;
	*to = v;
	return 0;
}

/*
 * Names with commas between them, each kept once. An empty list is refused: it would have to let
 * in nobody, or everybody, and whoever wrote it meant one of the two.
 */
static int set_names(char ***to, const char *value)
{
	char **v = NULL;
	int rc = 0;
	for (const char *at = value; at && rc == 0;) {
		size_t len = strcspn(at, ",");
		char *name = strndup(at, len);
		if (!name)
			rc = -ENOMEM;
		else if (!account_good_name(name))
			rc = -EINVAL;
		else if (!strv_has(v, name))
			rc = strv_add(&v, name);
		free(name);
		at = at[len] ? at + len + 1 : NULL;
	}
	if (rc < 0) {
		strv_free(v);
		return rc;
	}
	strv_free(*to);
	*to = v;
	return 0;
}

/* Whether a process can be told something by it: those that end, stop or continue it do just
 * that. */
static bool can_warn(int sig)
{
	return sig > 0 && sig != SIGKILL && !status_signal_stops(sig);
}

static int set_warn(struct rules *r, const struct row *row, const char *value)
{
	if (strcasecmp(value, "none") == 0) {
		r->warn_signal = 0;
		r->warn_us = 0;
		return 0;
	}
	char name[16];
	size_t len = strcspn(value, "@");
	if (!value[len] || len >= sizeof(name))
		return -EINVAL;
	memcpy(name, value, len);
	name[len] = '\0';
	int sig = status_signal_parse(name);
	if (!can_warn(sig))
		return -EINVAL;
	int rc = set_duration(&r->warn_us, row, value + len + 1);
	if (rc == 0)
		r->warn_signal = sig;
	return rc;
}

/* "any", "none", or "1,75-78". */
static int set_codes(struct rule_codes *to, const struct row *row, const char *value)
{
	if (strcasecmp(value, "any") == 0 || strcasecmp(value, "none") == 0) {
		*to = strcasecmp(value, "any") == 0 ? any : none;
		return 0;
	}
	struct rule_codes c = none;
	for (const char *at = value;; at++) {
		unsigned first, last;
		if (!take_digits(&at, &first))
			return -EINVAL;
		last = first;
		if (*at == '-') {
			at++;
			if (!take_digits(&at, &last))
				return -EINVAL;
		}
		if (first < row->min || last < first || last > row->max)
			return -EINVAL;
		for (unsigned i = first; i <= last; i++)
			c.bits[i / 32] |= UINT32_C(1) << i % 32;
		if (!*at)
			break;
		if (*at != ',')
			return -EINVAL;
	}
	*to = c;
	return 0;
}

static int set_recovery(enum recovery *to, const char *value)
{
	for (size_t i = RECOVERY_RETRY; i < RECOVERIES; i++) {
		if (strcasecmp(recoveries[i], value) == 0) {
			*to = (enum recovery)i;
			return 0;
		}
	}
	return -EINVAL;
}

int rule_set(struct rules *r, enum rule which, const char *value)
{
	const struct row *row = &table[which];
	void *at = (char *)r + row->offset;
	switch (row->kind) {
	case KIND_COUNT:
		return set_count(at, row, value);
	case KIND_PRIORITY:
		return set_priority(at, value);
	case KIND_NAMES:
		return set_names(at, value);
	case KIND_DURATION:
		return set_duration(at, row, value);
	case KIND_WARN:
		return set_warn(r, row, value);
	case KIND_CODES:
		return set_codes(at, row, value);
	case KIND_RECOVERY:
		return set_recovery(at, value);
	}
	return -EINVAL;
}

static char *names_text(char *const *v)
{
	size_t size = 1;
	for (size_t i = 0; v && v[i]; i++)
		size += strlen(v[i]) + 1;
	char *text = malloc(size), *at = text;
	if (!text)
		return NULL;
	*at = '\0';
	for (size_t i = 0; v && v[i]; i++) {
		if (i)
			*at++ = ',';
		at = stpcpy(at, v[i]);
	}
	return text;
}

static char *duration_text(uint64_t us)
{
	char exact[DURATION_EXACT_MAX];
	duration_print_exact(us, exact);
	return strdup(exact);
}

static char *warn_text(const struct rules *r)
{
	if (r->warn_signal == 0)
		return strdup("none");
	char exact[DURATION_EXACT_MAX];
	duration_print_exact(r->warn_us, exact);
	return str_printf("%s@%s", status_signal_name(r->warn_signal), exact);
}

/* Ranges of three and more with a dash, everything else one by one. */
static char *codes_text(const struct rule_codes *c)
{
	if (memcmp(c, &any, sizeof(any)) == 0 || memcmp(c, &none, sizeof(none)) == 0)
		return strdup(c->bits[1] ? "any" : "none");
	char *text = malloc(256 * 4), *at = text;
	for (int first = 0, last; text && first < 256; first = last + 1) {
		last = first;
		if (!rule_codes_have(c, first))
			continue;
		while (rule_codes_have(c, last + 1))
			last++;
		if (last == first + 1)
			last = first;
		at += sprintf(at, last > first ? "%s%d-%d" : "%s%d", at > text ? "," : "", first, last);
	}
	return text;
}

char *rule_text(const struct rules *r, enum rule which)
{
	const struct row *row = &table[which];
	const void *at = (const char *)r + row->offset;
	switch (row->kind) {
	case KIND_COUNT:
	case KIND_PRIORITY:
		return str_printf("%u", *(const unsigned *)at);
	case KIND_NAMES:
		return names_text(*(char *const *const *)at);
	case KIND_DURATION:
		return duration_text(*(const uint64_t *)at);
	case KIND_WARN:
		return warn_text(r);
	case KIND_CODES:
		return codes_text(at);
	case KIND_RECOVERY:
		return strdup(recoveries[*(const enum recovery *)at]);
	}
	return NULL;
}
