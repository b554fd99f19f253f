/* SPDX-License-Identifier: ISC */
/*
 * What a job says of itself, in the manner of sd_notify(3): lines of KEY=value.
 *
 *	STATUS=text                       what it is doing
 *	X_JOBD_PROGRESS=42/100            done/total; a total of 0 is unknown
 *	X_JOBD_STEP=2/5 name              which step, of how many, called what
 *	X_JOBD_ITEM=path                  the file, record or host at hand
 *	X_JOBD_COUNT=added:3,updated:1    counters, by name
 *
 * Keys that are not known, and values that can't be read, are passed over: a
 * job must not fail for what it says. Sizes are bounded, since a job is not
 * trusted with jobd's memory.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/utf8.h"

#define TEXT_MAX   512
#define COUNTS_MAX 16
#define NAME_LEN   32

static bool set_text(char **field, const char *text, size_t len)
{
	if (len > TEXT_MAX) /* cut, but not inside a character */
		for (len = TEXT_MAX; len && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
	if (len == 0) { /* what is empty does not apply */
		bool had = *field != NULL;
		free(*field);
		*field = NULL;
		return had;
	}
	if (*field && strlen(*field) == len && memcmp(*field, text, len) == 0)
		return false;
	char *copy = strndup(text, len);
	if (!copy)
		return false;
	free(*field);
	*field = copy;
	return true;
}

/* A number at text; NULL, or where it ends. */
static const char *number(const char *text, int64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (errno)
		return NULL;
	*out = v;
	return end;
}

/* "42/100"; NULL, or what follows. */
static const char *fraction(const char *text, int64_t *part, int64_t *whole)
{
	const char *at = number(text, part);

	if (!at || *at != '/')
		return NULL;
	return number(at + 1, whole);
}

static bool take_progress(struct job_progress *p, const char *value)
{
	int64_t done, total;
	const char *end = fraction(value, &done, &total);

	if (!end || *end || (total && done > total))
		return false;
	p->done = done;
	p->total = total ? total : -1;
	p->percent = total ? (int)((double)done * 100 / (double)total) : -1;
	return true;
}

static bool take_step(struct job_progress *p, const char *value)
{
	int64_t step, steps;
	const char *end = fraction(value, &step, &steps);

	if (!end || (*end && *end != ' '))
		return false;
	p->step = step;
	p->steps = steps;
	while (*end == ' ')
		end++;
	set_text(&p->step_name, end, strlen(end));
	return true;
}

static bool set_count(struct job_progress *p, const char *name, size_t len, uint64_t value)
{
	for (size_t i = 0; i < p->ncounts; i++) {
		if (strlen(p->counts[i].name) == len && !memcmp(p->counts[i].name, name, len)) {
			p->counts[i].value = value;
			return true;
		}
	}
	if (p->ncounts == COUNTS_MAX || len == 0 || len > NAME_LEN)
		return false;
	struct job_count *counts = realloc(p->counts, (p->ncounts + 1) * sizeof *counts);
	if (!counts)
		return false;
	p->counts = counts;
	counts[p->ncounts].name = strndup(name, len);
	counts[p->ncounts].value = value;
	if (!counts[p->ncounts].name)
		return false;
	p->ncounts++;
	return true;
}

static bool take_counts(struct job_progress *p, const char *value)
{
	bool changed = false;

	while (*value) {
		const char *colon = strchr(value, ':');
		int64_t n;
		const char *end = colon ? number(colon + 1, &n) : NULL;
		if (!end || (*end && *end != ','))
			return changed;
		changed |= set_count(p, value, (size_t)(colon - value), (uint64_t)n);
		value = *end ? end + 1 : end;
	}
	return changed;
}

static bool take_status(struct job_progress *p, const char *value)
{
	return set_text(&p->text, value, strlen(value));
}

static bool take_item(struct job_progress *p, const char *value)
{
	return set_text(&p->item, value, strlen(value));
}

static bool take_line(struct job_progress *p, const char *line)
{
	static const struct {
		const char *key;
		bool (*take)(struct job_progress *p, const char *value);
	} keys[] = {
		{ "STATUS=", take_status },
		{ "X_JOBD_PROGRESS=", take_progress },
		{ "X_JOBD_STEP=", take_step },
		{ "X_JOBD_ITEM=", take_item },
		{ "X_JOBD_COUNT=", take_counts },
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		size_t n = strlen(keys[i].key);
		if (strncmp(line, keys[i].key, n) == 0)
			return keys[i].take(p, line + n);
	}
	return false;
}

bool progress_parse(struct job_progress *p, const char *text, size_t len)
{
	char *copy = strndup(text, len);
	char *save = NULL;
	bool changed = false;

	if (!copy)
		return false;
	utf8_mend(copy); /* it goes into JSON strings */
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		changed |= take_line(p, line);
	free(copy);
	return changed;
}
