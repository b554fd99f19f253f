/* SPDX-License-Identifier: ISC */
/*
 * Times to come, as people write them for at(1). A day and a time of day stand in any order, then
 * perhaps "+ 2 days". The C library does the calendar. A time that the clocks skip in spring is
 * one that is an hour off, and no mistake.
 *
 * Not taken, though at(1) does: 11/12/26 and 11.12.26, since nobody knows which is the month, and
 * one or two digits alone, which could be anything. Local time, unless UTC is said.
 */
#include "config.h"

#include "jobctl/when.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SECOND	  UINT64_C(1000000)
#define WORD_MAX  16
#define STEP_MAX  100000 /* of anything */
#define STEPS_MAX 8
#define LAST	  INT64_C(253402300799) /* the year 9999 */

/* What the day is. */
enum day {
	DAY_NEXT, /* not said: the next one with that time of day */
	DAY_FIXED,
	DAY_WEEKLY, /* a weekday: the next one */
	DAY_YEARLY, /* a date without its year: the next one */
};

struct ahead {
	const char *p; /* what is left */
	const char *next; /* "next week", where more follows; a step */
	uint64_t now_us;
	struct tm tm; /* begins as now's first moment */
	enum day day;
	bool utc;
	bool now; /* the present moment itself */
	bool day_said, clock_said;
	uint64_t then_us; /* steps of less than a day */
};

static void skip(struct ahead *a)
{
	while (*a->p == ' ' || *a->p == '\t' || *a->p == ',')
		a->p++;
}

/* Takes digits: at least one, at most digits. */
static bool take_number(const char **s, int digits, int *out)
{
	const char *p = *s;
	int v = 0, n = 0;
	for (; isdigit((unsigned char)*p); p++, n++) {
		if (n == digits)
			return false;
		v = v * 10 + (*p - '0');
	}
	*s = p;
	*out = v;
	return n > 0;
}

/* Takes letters, in lower case. False when there are none, or too many. */
static bool take_word(const char **s, char word[WORD_MAX])
{
	size_t n = 0;
	word[0] = '\0';
	for (; isalpha((unsigned char)(*s)[n]); n++) {
		if (n == WORD_MAX - 1)
			return false;
		word[n] = (char)tolower((unsigned char)(*s)[n]);
	}
	word[n] = '\0';
	*s += n;
	return n > 0;
}

/* Whether a word is this name, or its beginning of at least three letters. */
static bool is_name(const char *word, const char *name)
{
	size_t len = strlen(word);
	return len >= 3 && len <= strlen(name) && strncmp(word, name, len) == 0;
}

static int month_of(const char *word)
{
	static const char *const months[] = { "january", "february", "march", "april", "may",
		"june", "july", "august", "september", "october", "november", "december" };
	for (int i = 0; i < 12; i++)
		if (is_name(word, months[i]))
			return i;
	return -1;
}

static int weekday_of(const char *word)
{
	static const char *const days[] = { "sunday", "monday", "tuesday", "wednesday", "thursday",
		"friday", "saturday" };
	for (int i = 0; i < 7; i++)
		if (is_name(word, days[i]))
			return i;
	return -1;
}

static time_t join(const struct ahead *a, struct tm *tm)
{
	tm->tm_isdst = -1;
	return a->utc ? timegm(tm) : mktime(tm);
}

static bool split(const struct ahead *a, uint64_t us, struct tm *tm)
{
	time_t t = (time_t)(us / SECOND);
	return (a->utc ? gmtime_r(&t, tm) : localtime_r(&t, tm)) != NULL;
}

/* False where there is no such time. */
static bool to_us(const struct ahead *a, struct tm tm, uint64_t *us)
{
	time_t t = join(a, &tm);
	if (t < 0 || t > LAST)
		return false;
	*us = (uint64_t)t * SECOND;
	return true;
}

/* Whether the calendar has that day. */
static bool day_exists(const struct ahead *a)
{
	struct tm noon = a->tm;
	noon.tm_hour = 12;
	noon.tm_min = noon.tm_sec = 0;
	return join(a, &noon) >= 0 && noon.tm_mday == a->tm.tm_mday && noon.tm_mon == a->tm.tm_mon;
}

static bool set_day(struct ahead *a, enum day day)
{
	if (a->day_said || a->now || !day_exists(a))
		return false;
	a->day_said = true;
	a->day = day;
	return true;
}

static bool set_clock(struct ahead *a, int h, int m, int s)
{
	if (a->clock_said || a->now || h > 23 || m > 59 || s > 59)
		return false;
	a->clock_said = true;
	a->tm.tm_hour = h;
	a->tm.tm_min = m;
	a->tm.tm_sec = s;
	return true;
}

static bool begins_date(const char *p)
{
	return strspn(p, "0123456789") == 4 && p[4] == '-';
}

/* 2026-12-01, and perhaps the T before a time of day. */
static bool take_date(struct ahead *a)
{
	const char *p = a->p;
	int y, m, d;
	if (!take_number(&p, 4, &y) || *p++ != '-' || !take_number(&p, 2, &m) || *p++ != '-' ||
	    !take_number(&p, 2, &d))
		return false;
	a->tm.tm_year = y - 1900;
	a->tm.tm_mon = m - 1;
	a->tm.tm_mday = d;
	if (*p == 'T' && isdigit((unsigned char)p[1]))
		p++;
	a->p = p;
	return set_day(a, DAY_FIXED);
}

/* The rest of "dec 24 2026", of which month and day are known. */
static bool take_year(struct ahead *a, int month, int day)
{
	const char *p;
	int year;

	skip(a);
	p = a->p;
	a->tm.tm_mon = month;
	a->tm.tm_mday = day;
	if (!take_number(&p, 4, &year) || p - a->p != 4 || *p == ':')
		return set_day(a, DAY_YEARLY);
	a->p = p;
	a->tm.tm_year = year - 1900;
	return set_day(a, DAY_FIXED);
}

/* 14:30, 14:30:05, 1430, 4pm, 4:30 pm; 24 dec. */
static bool take_digits(struct ahead *a)
{
	const char *p = a->p, *after;
	int h, m = 0, s = 0;
	char word[WORD_MAX];

	if (!take_number(&p, 4, &h))
		return false;
	int digits = (int)(p - a->p);
	if (*p == ':') {
		p++;
		const char *minutes = p;
		if (digits > 2 || !take_number(&p, 2, &m) || p - minutes != 2)
			return false;
		if (*p == ':' && (p++, !take_number(&p, 2, &s)))
			return false;
	} else if (digits == 4) {
		m = h % 100;
		h /= 100;
	}
	after = p;
	while (*after == ' ')
		after++;
	if (take_word(&after, word) && (strcmp(word, "am") == 0 || strcmp(word, "pm") == 0)) {
		if (h < 1 || h > 12 || digits == 3)
			return false;
		h = h % 12 + (word[0] == 'p' ? 12 : 0);
		p = after;
	} else if (digits <= 2 && p - a->p == digits) {
		/* Digits alone are the day of a month, or nothing. */
		int month = month_of(word);
		a->p = after;
		return month >= 0 && take_year(a, month, h);
	} else if (digits == 3) {
		return false;
	}
	a->p = p;
	return set_clock(a, h, m, s);
}

static bool take_step(struct ahead *a);

/* "next week": kept until the day is settled, wherever it stands. "next monday" is said like "monday". */
static bool take_next(struct ahead *a, const char *next)
{
	char word[WORD_MAX];
	const char *after = a->p + strspn(a->p, " ");
	struct ahead step = { .p = next };

	if (take_word(&after, word) && weekday_of(word) >= 0)
		return true;
	if (a->next || !take_step(&step))
		return false;
	a->next = next;
	a->p = step.p;
	return true;
}

static bool take_name(struct ahead *a)
{
	const char *start = a->p;
	char word[WORD_MAX];
	int n;

	if (!take_word(&a->p, word))
		return false;
	if (strcmp(word, "at") == 0 || strcmp(word, "on") == 0)
		return true;
	if (strcmp(word, "utc") == 0 || strcmp(word, "z") == 0)
		return a->utc && a->clock_said;
	if (strcmp(word, "next") == 0)
		return take_next(a, start);
	if (strcmp(word, "noon") == 0)
		return set_clock(a, 12, 0, 0);
	if (strcmp(word, "midnight") == 0)
		return set_clock(a, 0, 0, 0);
	if (strcmp(word, "teatime") == 0)
		return set_clock(a, 16, 0, 0);
	if (strcmp(word, "now") == 0) {
		bool alone = !a->day_said && !a->clock_said && !a->now;
		a->now = true;
		return alone;
	}
	if (strcmp(word, "today") == 0)
		return set_day(a, DAY_FIXED);
	if (strcmp(word, "tomorrow") == 0) {
		a->tm.tm_mday++;
		join(a, &a->tm);
		return set_day(a, DAY_FIXED);
	}
	if ((n = weekday_of(word)) >= 0) {
		a->tm.tm_mday += (n - a->tm.tm_wday + 7) % 7;
		join(a, &a->tm);
		return set_day(a, DAY_WEEKLY);
	}
	if ((n = month_of(word)) < 0)
		return false;
	int day;
	skip(a);
	return take_number(&a->p, 2, &day) && take_year(a, n, day);
}

/* One of "1h30min", "2 days", "next week". Days and longer are the calendar's, not so many hours. */
static bool take_step(struct ahead *a)
{
	static const char next[] = "next "; /* is one */
	static const struct {
		const char *names;
		size_t field; /* of struct tm; or seconds */
		int factor;
	} units[] = {
		{ " s sec secs second seconds ", 0, 1 },
		{ " m min mins minute minutes ", 0, 60 },
		{ " h hr hrs hour hours ", 0, 3600 },
		{ " d day days ", offsetof(struct tm, tm_mday), 1 },
		{ " w week weeks ", offsetof(struct tm, tm_mday), 7 },
		{ " month months ", offsetof(struct tm, tm_mon), 1 },
		{ " y year years ", offsetof(struct tm, tm_year), 1 },
	};
	char word[WORD_MAX], padded[WORD_MAX + 2];
	int n;

	skip(a);
	if (strncasecmp(a->p, next, sizeof next - 1) == 0)
		a->p += sizeof next - 1, n = 1;
	else if (!take_number(&a->p, 7, &n) || n > STEP_MAX)
		return false;
	skip(a);
	if (!take_word(&a->p, word))
		return false;
	snprintf(padded, sizeof padded, " %s ", word);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (!strstr(units[i].names, padded))
			continue;
		if (!units[i].field)
			a->then_us += (uint64_t)n * (uint64_t)units[i].factor * SECOND;
		else
			*(int *)(void *)((char *)&a->tm + units[i].field) += n * units[i].factor;
		return true;
	}
	return false;
}

static bool take_steps(struct ahead *a)
{
	for (int n = 0; n < STEPS_MAX; n++) {
		if (!take_step(a))
			return false;
		skip(a);
		if (!*a->p)
			return true;
	}
	return false;
}

/* "2h", "in 90 min": how long from now. */
static bool is_span(const char *text)
{
	struct ahead a = { .p = text };
	return take_steps(&a);
}

/* What was said, without its steps: that settles the day. */
static bool settle(struct ahead *a)
{
	uint64_t us;

	if (a->now) {
		a->then_us = a->now_us % SECOND;
		return split(a, a->now_us, &a->tm);
	}
	if ((!a->day_said && !a->clock_said) || !to_us(a, a->tm, &us))
		return false;
	if (us > a->now_us || a->day == DAY_FIXED)
		return true;
	if (a->day == DAY_YEARLY)
		a->tm.tm_year++;
	else
		a->tm.tm_mday += a->day == DAY_WEEKLY ? 7 : 1;
	return a->day != DAY_YEARLY || day_exists(a);
}

/* "next week", but not "next monday". */
static bool is_next(const char *text)
{
	return strncasecmp(text, "next", 4) == 0 && is_span(text);
}

static bool take_kept_step(struct ahead *a)
{
	const char *p = a->p;

	if (!a->next)
		return true;
	a->p = a->next;
	bool taken = take_step(a);
	a->p = p;
	return taken;
}

static bool parse(struct ahead *a)
{
	uint64_t us;

	skip(a);
	if (strncasecmp(a->p, "in ", 3) == 0 && is_span(a->p + 3)) {
		a->p += 3;
		a->now = true;
	} else if (*a->p == '+' || is_span(a->p)) {
		a->now = true;
	}
	while (!a->now && *a->p && *a->p != '+' && !is_next(a->p)) {
		bool taken = begins_date(a->p)		     ? take_date(a)
			     : isdigit((unsigned char)*a->p) ? take_digits(a)
							     : take_name(a);
		if (!taken)
			return false;
		skip(a);
	}
	if (!settle(a) || !take_kept_step(a))
		return false;
	if (*a->p == '+')
		a->p++;
	else if (*a->p && !is_span(a->p))
		return false;
	if ((*a->p || a->p[-1] == '+') && !take_steps(a))
		return false;
	if (!to_us(a, a->tm, &us))
		return false;
	a->then_us += us;
	return true;
}

static bool parse_epoch(const char *text, uint64_t *us)
{
	uint64_t v = 0;
	if (!*text || strlen(text) > 12)
		return false;
	for (; isdigit((unsigned char)*text); text++)
		v = v * 10 + (uint64_t)(*text - '0');
	*us = v * SECOND;
	return !*text;
}

/* "10:00 UTC", "2026-12-01T10:00Z", "10:00z". The day depends on it, so it is known before. */
static bool says_utc(const char *text)
{
	size_t n = strlen(text);
	bool z = n > 1 && (text[n - 1] == 'Z' || text[n - 1] == 'z') && isdigit((unsigned char)text[n - 2]);
	return z || strcasestr(text, "utc");
}

/* Reads it from now on, into a. */
static bool read_ahead(struct ahead *a, const char *text, uint64_t now_us)
{
	*a = (struct ahead){ .p = text, .now_us = now_us, .utc = says_utc(text) };
	split(a, now_us, &a->tm);
	a->tm.tm_hour = a->tm.tm_min = a->tm.tm_sec = 0;
	return text[0] == '@' ? parse_epoch(text + 1, &a->then_us) : parse(a);
}

enum when when_ahead_of(const char *text, uint64_t now_us, uint64_t after_us, uint64_t *us)
{
	struct ahead a;

	if (when_zoned(text, us))
		return *us < now_us ? WHEN_PAST : WHEN_AHEAD;
	if (!read_ahead(&a, text, now_us))
		return WHEN_NONE;
	if (a.clock_said && !a.day_said && after_us > now_us && !read_ahead(&a, text, after_us))
		return WHEN_NONE;
	*us = a.then_us;
	return *us < now_us ? WHEN_PAST : WHEN_AHEAD;
}

enum when when_ahead(const char *text, uint64_t now_us, uint64_t *us)
{
	return when_ahead_of(text, now_us, now_us, us);
}
