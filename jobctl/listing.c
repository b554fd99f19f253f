/* SPDX-License-Identifier: ISC */
/*
 * Lists of jobs. A column is a row of the table below: how wide it may get, when it gives way, what
 * it shows of a job, and what it is sorted by. A job may lack any of it (another's shows little, an
 * older daemon knows fewer fields): its cell is empty then, and it is sorted last.
 *
 * Rows are held back until they are many, so that the widths fit all that come in one answer.
 */
#include "config.h"

#include "jobctl/listing.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jobctl/job.h"
#include "jobctl/text.h"
#include "jobctl/when.h"
#include "lib/clock.h"
#include "lib/duration.h"

#define BAR	  10
#define BAR_SHORT 3 /* with its percentage as wide as the column's title, to which it gives way */

struct column {
	const char *key; /* for --sort, and in capitals the title */
	bool right;
	unsigned give; /* see struct table_column */
	int least;
	unsigned drop;
	bool wide; /* only with -o wide */
	void (*show)(const struct screen *s, const json_t *job, struct buf *out);
	int64_t (*number)(const json_t *job); /* to sort by; INT64_MAX: none. NULL: by the text */
};

static int64_t field(const json_t *job, const char *key)
{
	return job_int(job, key, INT64_MAX);
}

static void show_number(const json_t *job, const char *key, struct buf *out)
{
	int64_t v = job_int(job, key, -1);
	if (v >= 0)
		buf_printf(out, "%" PRId64, v);
}

static void show_duration(int64_t us, struct buf *out)
{
	char text[32];
	if (us < 0 || us == INT64_MAX)
		return;
	duration_print((uint64_t)us, text, sizeof text);
	buf_puts(out, text);
}

static void show_time(const json_t *job, const char *key, struct buf *out)
{
	char text[32];
	int64_t us = job_int(job, key, 0);
	if (us <= 0)
		return;
	when_print((uint64_t)us, text, sizeof text);
	buf_puts(out, text);
}

/* What says when it may start, or start again. */
static const char *start_key(const json_t *job)
{
	return job_int(job, "retry_at_us", 0) > 0 ? "retry_at_us" : "not_before_us";
}

#define SHOW(name, body) \
	static void show_##name(const struct screen *s, const json_t *job, struct buf *out) \
	{ (void)s; body; }
#define NUMBER(name, value) \
	static int64_t number_##name(const json_t *job) { return value; }

SHOW(id, show_number(job, "id", out))
SHOW(state, buf_puts(out, job_text_or(job, "state", "")))
SHOW(priority, show_number(job, "priority", out))
SHOW(queue, buf_puts(out, job_text_or(job, "queue", "")))
SHOW(name, job_title(job, out))
SHOW(elapsed, show_duration(job_elapsed_us(job, clock_real_us()), out))
SHOW(user, buf_puts(out, job_text_or(job, "user", "")))
SHOW(reason, job_reason(job, out))
SHOW(project, buf_puts(out, job_text_or(job, "project", "")))
SHOW(pid, show_number(job, "pid", out))
SHOW(attempt, show_number(job, "attempt", out))
SHOW(submitted, show_time(job, "submitted_at_us", out))
SHOW(start, show_time(job, start_key(job), out))
SHOW(started, show_time(job, "started_at_us", out))
SHOW(ended, show_time(job, "ended_at_us", out))
SHOW(cpu, show_duration(job_int(json_object_get(job, "usage"), "cpu_us", -1), out))
SHOW(command, job_command(job, out))

NUMBER(id, field(job, "id"))
NUMBER(priority, field(job, "priority"))
NUMBER(pid, field(job, "pid"))
NUMBER(attempt, field(job, "attempt"))
NUMBER(submitted, field(job, "submitted_at_us"))
NUMBER(start, field(job, start_key(job)))
NUMBER(started, field(job, "started_at_us"))
NUMBER(ended, field(job, "ended_at_us"))
NUMBER(cpu, field(json_object_get(job, "usage"), "cpu_us"))
NUMBER(rss, field(json_object_get(job, "usage"), "max_rss_kb"))

static void show_percent(const struct screen *s, int percent, int bar, struct buf *out)
{
	if (bar)
		screen_bar(s, out, percent, bar);
	buf_printf(out, bar ? " %3d%%" : "%d%%", percent);
}

static void show_progress(const struct screen *s, const json_t *job, struct buf *out)
{
	const json_t *p = json_object_get(job, "progress");
	int percent = job_percent(job);
	int64_t step = job_int(p, "step", -1), steps = job_int(p, "steps", -1);

	if (percent >= 0) {
		show_percent(s, percent, s->terminal ? BAR : 0, out);
	} else if (step >= 0 && steps >= 0) {
		buf_printf(out, "%" PRId64 "/%" PRId64, step, steps);
	} else {
		show_number(p, "done", out);
	}
}

static void show_rss(const struct screen *s, const json_t *job, struct buf *out)
{
	int64_t kb = job_int(json_object_get(job, "usage"), "max_rss_kb", -1);
	(void)s;
	if (kb >= 10 * 1024)
		buf_printf(out, "%" PRId64 "M", kb / 1024);
	else if (kb >= 0)
		buf_printf(out, "%" PRId64 "K", kb);
}

/* States in the order of a job's life. */
static int64_t number_state(const json_t *job)
{
	const struct job_state_info *s = job_state_info(job_text(job, "state"));
	for (size_t i = 0; s && job_state_at(i); i++)
		if (job_state_at(i) == s)
			return (int64_t)i;
	return INT64_MAX;
}

static int64_t number_progress(const json_t *job)
{
	int percent = job_percent(job);
	return percent < 0 ? INT64_MAX : percent;
}

static int64_t number_elapsed(const json_t *job)
{
	int64_t us = job_elapsed_us(job, clock_real_us());
	return us < 0 ? INT64_MAX : us;
}

/* Where there is no room, what only -o wide shows is left out before all else. */
static const struct column columns[] = {
	{ "ID", true, 0, 0, 0, false, show_id, number_id },
	{ "STATE", false, 0, 0, 0, false, show_state, number_state },
	{ "PRI", true, 0, 0, 12, false, show_priority, number_priority },
	{ "QUEUE", false, 1, 10, 11, false, show_queue, NULL },
	{ "NAME", false, 2, 12, 0, false, show_name, NULL },
	{ "PROGRESS", false, 3, 8, 15, false, show_progress, number_progress },
	{ "ELAPSED", true, 0, 0, 14, false, show_elapsed, number_elapsed },
	{ "USER", false, 5, 4, 13, false, show_user, NULL },
	{ "REASON", false, 4, 8, 0, false, show_reason, NULL },
	{ "PROJECT", false, 1, 7, 10, true, show_project, NULL },
	{ "PID", true, 0, 0, 7, true, show_pid, number_pid },
	{ "ATTEMPT", true, 0, 0, 8, true, show_attempt, number_attempt },
	{ "SUBMITTED", false, 0, 0, 4, true, show_submitted, number_submitted },
	{ "START", false, 0, 0, 9, true, show_start, number_start },
	{ "STARTED", false, 0, 0, 5, true, show_started, number_started },
	{ "ENDED", false, 0, 0, 6, true, show_ended, number_ended },
	{ "CPU", true, 0, 0, 2, true, show_cpu, number_cpu },
	{ "RSS", true, 0, 0, 1, true, show_rss, number_rss },
	{ "COMMAND", false, 2, 8, 0, true, show_command, NULL },
};
#define COLUMNS (sizeof columns / sizeof columns[0])

bool listing_init(struct listing *l, const struct screen *s, bool json, bool wide)
{
	*l = (struct listing){ .screen = s, .json = json };
	l->columns = calloc(COLUMNS, sizeof *l->columns);
	if (!l->columns)
		return false;
	for (size_t i = 0; i < COLUMNS; i++)
		if (wide || !columns[i].wide)
			l->columns[l->ncolumns++] = (struct table_column){ columns[i].key,
				columns[i].right, columns[i].give, columns[i].least, columns[i].drop };
	return table_init(&l->table, s, l->columns, l->ncolumns);
}

bool listing_json(const struct screen *s, const json_t *object)
{
	size_t flags = JSON_COMPACT | (s->terminal ? JSON_ENSURE_ASCII : 0);
	return json_dumpf(object, s->file, flags) == 0 && fputc('\n', s->file) != EOF;
}

static enum colour colour_of(const struct column *c, const json_t *job)
{
	bool reason = c->show == show_reason && strcmp(job_text_or(job, "state", ""), "failed") == 0;
	return c->show == show_state || reason ? job_colour(job) : COLOUR_NONE;
}

/* What the cell shows where it has little room: of a bar a short one, of a start only when it is. */
static void put_brief(struct listing *l, const struct column *c, const json_t *job, const char *text)
{
	static const char start[] = "not-before ";
	int percent = job_percent(job);
	struct buf brief = BUF_INIT;

	/* Between brackets a short one shows nothing. */
	if (c->show == show_progress && percent >= 0)
		show_percent(l->screen, percent, l->screen->utf8 ? BAR_SHORT : 0, &brief);
	else if (c->show == show_reason && strncmp(text, start, sizeof start - 1) == 0)
		buf_puts(&brief, text + sizeof start - 1);
	const char *shown = buf_text(&brief);
	if (*shown)
		table_cell_brief(&l->table, shown);
	buf_fini(&brief);
}

/* Progress without a bar keeps its room: of a number that is cut the rest means something else. */
static void keep_room(struct table_column *column, const json_t *job, const char *text)
{
	int width = text_width(text);
	if (job_percent(job) < 0 && width > column->least)
		column->least = width;
}

static void show_row(struct listing *l, const json_t *job)
{
	/* The columns of the table are the first of all, or all. */
	for (size_t i = 0; i < l->ncolumns; i++) {
		struct buf cell = BUF_INIT;
		columns[i].show(l->screen, job, &cell);
		const char *text = buf_text(&cell);
		table_cell(&l->table, text, colour_of(&columns[i], job));
		put_brief(l, &columns[i], job, text);
		if (columns[i].show == show_progress)
			keep_room(&l->columns[i], job, text);
		buf_fini(&cell);
	}
}

#define ROWS_HELD 500

bool listing_show(struct listing *l, json_t *jobs)
{
	size_t i;
	json_t *job;

	json_array_foreach(jobs, i, job) {
		if (!l->json)
			show_row(l, job);
		else if (!listing_json(l->screen, job))
			return false;
	}
	/* What comes in several answers is one table to who reads it; a long one is not kept back. */
	return l->json || l->table.ncells < ROWS_HELD * l->ncolumns || table_flush(&l->table);
}

bool listing_end(struct listing *l)
{
	return l->json || table_flush(&l->table);
}

void listing_fini(struct listing *l)
{
	table_fini(&l->table);
	free(l->columns);
	*l = (struct listing){ 0 };
}

static const struct column *find(const char *key)
{
	static const char priority[] = "priority"; /* PRI by its whole name, too */
	if (*key == '-')
		key++;
	if (strcasecmp(key, priority) == 0)
		key = "PRI";
	for (size_t i = 0; i < COLUMNS; i++)
		if (strcasecmp(columns[i].key, key) == 0)
			return &columns[i];
	return NULL;
}

bool listing_has(const char *key)
{
	return find(key) != NULL;
}

void listing_keys(struct buf *out)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		buf_puts(out, i ? " " : "");
		for (const char *p = columns[i].key; *p; p++)
			buf_printf(out, "%c", tolower((unsigned char)*p));
	}
}

struct sortable {
	json_t *job;
	int64_t number;
	char *text; /* NULL: none */
};

struct order {
	bool by_text, backwards;
};

static int compare(const void *a, const void *b, void *ctx)
{
	const struct sortable *x = a, *y = b;
	const struct order *o = ctx;
	bool x_none = o->by_text ? !x->text : x->number == INT64_MAX;
	bool y_none = o->by_text ? !y->text : y->number == INT64_MAX;
	int c;

	if (x_none != y_none)
		return x_none ? 1 : -1;
	if (o->by_text)
		c = x_none ? 0 : strcmp(x->text, y->text);
	else
		c = x->number < y->number ? -1 : x->number > y->number;
	if (c)
		return o->backwards ? -c : c;
	/* Equal ones the newest first, as everywhere. */
	int64_t i = job_int(x->job, "id", 0), k = job_int(y->job, "id", 0);
	return i > k ? -1 : i < k;
}

static void take_key(struct sortable *s, const struct column *c, json_t *job)
{
	static const struct screen plain = { 0 };
	struct buf text = BUF_INIT;

	*s = (struct sortable){ .job = json_incref(job) };
	if (c->number) {
		s->number = c->number(job);
		return;
	}
	c->show(&plain, job, &text);
	if (text.len && !text.failed)
		s->text = strndup((const char *)text.data, text.len);
	buf_fini(&text);
}

void listing_sort(json_t *jobs, const char *key)
{
	const struct column *c = find(key);
	size_t n = json_array_size(jobs);
	struct sortable *v = c && n ? calloc(n, sizeof *v) : NULL;
	struct order o = { c && !c->number, *key == '-' };

	if (!v)
		return;
	for (size_t i = 0; i < n; i++)
		take_key(&v[i], c, json_array_get(jobs, i));
	qsort_r(v, n, sizeof *v, compare, &o);
	json_array_clear(jobs);
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(jobs, v[i].job);
		free(v[i].text);
	}
	free(v);
}
