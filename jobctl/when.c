/* SPDX-License-Identifier: ISC */
/*
 * Points in time. The C library does the calendar (mktime, localtime_r); what is read
 * is checked to come back the same, so that 2026-02-30 is refused and not moved.
 */
#include "config.h"

#include "jobctl/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/duration.h"

#define SECOND UINT64_C(1000000)

/* Takes exactly digits digits from the front of *s. */
static bool take_digits(const char **s, int digits, int *out)
{
	int v = 0;
	for (int i = 0; i < digits; i++) {
		if ((*s)[i] < '0' || (*s)[i] > '9')
			return false;
		v = v * 10 + ((*s)[i] - '0');
	}
	*s += digits;
	*out = v;
	return true;
}

static bool take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool take_date(const char **s, struct tm *tm)
{
	const char *p = *s;
	int y, m, d;
	if (!take_digits(&p, 4, &y) || !take_char(&p, '-') || !take_digits(&p, 2, &m) ||
	    !take_char(&p, '-') || !take_digits(&p, 2, &d))
		return false;
	tm->tm_year = y - 1900;
	tm->tm_mon = m - 1;
	tm->tm_mday = d;
	*s = p;
	return true;
}

static bool take_clock(const char **s, struct tm *tm)
{
	const char *p = *s;
	int h, m, sec = 0;
	if (!take_digits(&p, 2, &h) || !take_char(&p, ':') || !take_digits(&p, 2, &m))
		return false;
	if (take_char(&p, ':') && !take_digits(&p, 2, &sec))
		return false;
	if (h > 23 || m > 59 || sec > 60)
		return false;
	tm->tm_hour = h;
	tm->tm_min = m;
	tm->tm_sec = sec;
	*s = p;
	return true;
}

/* Midnight of now's day, so many days before. */
static void day_of(uint64_t now_us, int days_before, struct tm *tm)
{
	time_t t = (time_t)(now_us / SECOND);
	localtime_r(&t, tm);
	tm->tm_mday -= days_before;
	tm->tm_hour = tm->tm_min = tm->tm_sec = 0;
	tm->tm_isdst = -1;
}

static bool to_us(struct tm tm, uint64_t *us)
{
	tm.tm_isdst = -1;
	time_t t = mktime(&tm);
	if (t < 0)
		return false;
	*us = (uint64_t)t * SECOND;
	return true;
}

static bool parse_calendar(const char *text, uint64_t now_us, uint64_t *us)
{
	struct tm tm, asked;
	const char *p = text;
	day_of(now_us, 0, &tm);
	if (take_date(&p, &tm)) {
		asked = tm;
		if (!to_us(tm, us))
			return false;
		time_t t = (time_t)(*us / SECOND);
		struct tm back;
		localtime_r(&t, &back);
		if (back.tm_mday != asked.tm_mday || back.tm_mon != asked.tm_mon)
			return false;
		if (*p == '\0')
			return true;
		if (*p != ' ' && *p != 'T')
			return false;
		p++;
	}
	if (!take_clock(&p, &tm) || *p)
		return false;
	return to_us(tm, us);
}

/* Z, or +hh:mm, +hhmm or +hh with either sign; *s: what is to be taken off to have UTC. */
static bool take_zone(const char **p, long *s)
{
	int h = 0, m = 0;
	*s = 0;
	if (take_char(p, 'Z'))
		return true;
	long sign = **p == '-' ? -1 : 1;
	if ((!take_char(p, '+') && !take_char(p, '-')) || !take_digits(p, 2, &h))
		return false;
	bool colon = take_char(p, ':');
	if (!take_digits(p, 2, &m) && colon)
		return false;
	*s = sign * (h * 3600 + m * 60);
	return h < 24 && m < 60;
}

bool when_zoned(const char *text, uint64_t *us)
{
	struct tm tm = { 0 };
	const char *p = text;
	long ahead;
	if (!take_date(&p, &tm) || (!take_char(&p, 'T') && !take_char(&p, ' ')) || !take_clock(&p, &tm) ||
	    !take_zone(&p, &ahead) || *p)
		return false;
	int day = tm.tm_mday, month = tm.tm_mon;
	time_t t = timegm(&tm);
	if (t < ahead || tm.tm_mday != day || tm.tm_mon != month)
		return false;
	*us = (uint64_t)(t - ahead) * SECOND;
	return true;
}

static bool parse_epoch(const char *text, uint64_t *us)
{
	uint64_t v;
	int len = -1;
	if (text[0] < '0' || text[0] > '9' || strlen(text) > 12)
		return false;
	if (sscanf(text, "%" SCNu64 "%n", &v, &len) != 1 || text[len])
		return false;
	*us = v * SECOND;
	return true;
}

static bool parse_ago(const char *text, uint64_t now_us, uint64_t *us)
{
	char copy[64];
	uint64_t ago;
	size_t len = strlen(text);
	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len + 1);
	if (len > 4 && strcmp(copy + len - 4, " ago") == 0)
		copy[len - 4] = '\0';
	if (!duration_parse_us(copy, &ago))
		return false;
	*us = ago < now_us ? now_us - ago : 0;
	return true;
}

bool when_parse(const char *text, uint64_t now_us, uint64_t *us)
{
	struct tm tm;
	if (strcmp(text, "now") == 0) {
		*us = now_us;
		return true;
	}
	if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0) {
		day_of(now_us, text[0] == 'y', &tm);
		return to_us(tm, us);
	}
	if (text[0] == '@')
		return parse_epoch(text + 1, us);
	return when_zoned(text, us) || parse_calendar(text, now_us, us) || parse_ago(text, now_us, us);
}

void when_print(uint64_t us, char *out, size_t size)
{
	time_t t = (time_t)(us / SECOND);
	struct tm tm;
	if (!localtime_r(&t, &tm) || strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, size, "@%" PRIu64, us / SECOND);
}
