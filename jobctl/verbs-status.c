/* SPDX-License-Identifier: ISC */
/*
 * status: everything that is known of a job, a line each, in the order of the questions that people
 * have: what it is and how it does, what it runs, what it belongs to and waits for, when, by which
 * rules, what it used, and its earlier attempts. What is not known, or not shown of another's job,
 * has no line.
 *
 * Many jobs are asked for together, and shown in the order of their numbers as given. One that
 * can't be shown is said, and the others are shown all the same. With --json it is the daemon's
 * object, untouched.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/fault.h"
#include "jobctl/follow.h"
#include "jobctl/job.h"
#include "jobctl/listing.h"
#include "jobctl/select.h"
#include "jobctl/sheet.h"
#include "jobctl/text.h"
#include "jobctl/when.h"
#include "lib/clock.h"
#include "lib/duration.h"
#include "lib/status.h"

#define RULES_WIDTH  44	     /* columns of a line of rules, before it is broken */
#define BLOCKS_SHOWN 205     /* 0.1 MB */
#define SHOWN_US     1000000 /* less is no time worth a word */

static void append_duration(struct buf *b, const char *before, int64_t us)
{
	char text[32];
	if (us < 0)
		return;
	duration_print((uint64_t)us, text, sizeof text);
	buf_printf(b, "%s%s", before, text);
}

static void state(struct sheet *p, const json_t *job)
{
	struct buf reason = BUF_INIT;
	const char *word = job_text_or(job, "state", "?");

	sheet_label(p, "state");
	screen_paint(p->screen, &p->out, job_colour(job), word);
	job_reason(job, &reason);
	if (reason.len) {
		buf_puts(&p->out, " (");
		text_escape(&p->out, buf_text(&reason), p->screen->utf8);
		buf_puts(&p->out, ")");
	}
	buf_puts(&p->out, "\n");
	buf_fini(&reason);
}

static void progress(struct sheet *p, const json_t *job)
{
	const json_t *g = json_object_get(job, "progress");
	struct buf b = BUF_INIT, counts = BUF_INIT;
	int percent = job_percent(job);
	int64_t done = job_int(g, "done", -1), total = job_int(g, "total", -1);
	int64_t at = job_int(g, "step", -1), steps = job_int(g, "steps", -1);

	if (percent >= 0) {
		screen_bar(p->screen, &b, percent, 20);
		buf_printf(&b, " %d%%", percent);
	}
	if (done >= 0)
		buf_printf(&b, "%s%" PRId64, b.len ? "  " : "", done);
	if (done >= 0 && total >= 0)
		buf_printf(&b, " of %" PRId64, total);
	append_duration(&b, ", about ", job_left_us(job, clock_real_us()));
	if (job_left_us(job, clock_real_us()) >= 0)
		buf_puts(&b, " left");
	sheet_buf(p, "progress", &b);
	b = (struct buf)BUF_INIT;
	if (at >= 0)
		buf_printf(&b, "%" PRId64, at);
	if (at >= 0 && steps >= 0)
		buf_printf(&b, "/%" PRId64, steps);
	if (job_text(g, "step_name"))
		buf_printf(&b, "%s%s", b.len ? " " : "", job_text(g, "step_name"));
	sheet_buf(p, "step", &b);
	sheet_line(p, "item", job_text(g, "item"));
	sheet_line(p, "text", job_text(g, "text"));
	job_counts(job, &counts);
	sheet_buf(p, "counts", &counts);
}

static void usage(struct sheet *p, const json_t *of)
{
	const json_t *u = json_object_get(of, "usage");
	struct buf b = BUF_INIT;
	int64_t rss = job_int(u, "max_rss_kb", -1);
	int64_t in = job_int(u, "read_blocks", -1), out = job_int(u, "written_blocks", -1);

	if (job_int(u, "cpu_us", -1) >= 0)
		buf_printf(&b, "%.3f s CPU", (double)job_int(u, "cpu_us", 0) / 1e6);
	if (rss >= 0)
		buf_printf(&b, "%s%.1f MB memory", b.len ? ", " : "", (double)rss / 1024);
	if (in >= BLOCKS_SHOWN || out >= BLOCKS_SHOWN)
		buf_printf(&b, "%s%.1f MB read, %.1f MB written", b.len ? ", " : "",
		    (double)(in > 0 ? in : 0) / 2048, (double)(out > 0 ? out : 0) / 2048);
	sheet_buf(p, "used", &b);
}

static void times(struct sheet *p, const json_t *job)
{
	struct buf b = BUF_INIT;

	sheet_time(p, "submitted", job, "submitted_at_us");
	sheet_time(p, "not before", job, "not_before_us");
	sheet_time(p, "deadline", job, "deadline_us");
	sheet_time(p, "started", job, "started_at_us");
	sheet_time(p, "paused", job, "paused_at_us");
	sheet_time(p, "ended", job, "ended_at_us");
	append_duration(&b, "", job_elapsed_us(job, clock_real_us()));
	if (job_flag(job, "slot_released"))
		sheet_line(p, "slot", job_flag(job, "resume_requested") ? "given up; goes on when there is one"
								  : "given up");
	if (job_int(job, "paused_total_us", 0) >= SHOWN_US)
		append_duration(&b, ", besides paused for ", job_int(job, "paused_total_us", 0));
	sheet_buf(p, "ran for", &b);
}

static void how_ended(struct sheet *p, const json_t *job)
{
	int64_t sig = job_int(job, "signal", 0);

	sheet_int(p, "exit code", job, "exit_code");
	if (sig > 0)
		sheet_printf(p, "signal", "%" PRId64 " (SIG%s)", sig, status_signal_name((int)sig));
	sheet_line(p, "error", job_text(job, "error"));
}

static void history(struct sheet *p, const json_t *job)
{
	size_t i;
	json_t *attempt;

	json_array_foreach(json_object_get(job, "history"), i, attempt) {
		struct buf b = BUF_INIT;
		char started[32] = "not started";
		int64_t us = job_int(attempt, "started_at_us", 0);
		if (us > 0)
			when_print((uint64_t)us, started, sizeof started);
		buf_printf(&b, "%" PRId64 ": %s", job_int(attempt, "attempt", 0),
		    job_text_or(attempt, "state", "?"));
		struct buf reason = BUF_INIT;
		job_reason(attempt, &reason);
		if (reason.len)
			buf_printf(&b, " (%s)", buf_text(&reason));
		buf_fini(&reason);
		buf_printf(&b, ", %s", started);
		append_duration(&b, ", ran for ", job_elapsed_us(attempt, 0));
		if (job_text(attempt, "error"))
			buf_printf(&b, ": %s", job_text(attempt, "error"));
		sheet_buf(p, i ? "" : "before", &b);
	}
}

static void meta(struct sheet *p, const json_t *job)
{
	const char *key, *label = "notes";
	json_t *value, *object = json_object_get(job, "meta");

	json_object_foreach(object, key, value) {
		struct buf b = BUF_INIT;
		buf_printf(&b, "%s=%s", key, json_is_string(value) ? json_string_value(value) : "?");
		sheet_buf(p, label, &b);
		label = "";
	}
}

/* Whether it was retried by hand, past what its rules allow. */
static bool is_past_its_rules(const json_t *job, int64_t allowed)
{
	size_t i;
	json_t *rule;

	json_array_foreach(json_object_get(job, "rules"), i, rule) {
		if (strcmp(job_text_or(rule, "name", ""), "attempts") == 0)
			return allowed > strtoll(job_text_or(rule, "value", "0"), NULL, 10);
	}
	return false;
}

/* "2 of 3, next at 2026-11-21 14:30:05" */
static void attempt(struct sheet *p, const json_t *job)
{
	char next[32];
	struct buf b = BUF_INIT;
	int64_t at = job_int(job, "attempt", 0), of = job_int(job, "attempts", 0);
	int64_t again = job_int(job, "retry_at_us", 0);

	if (at <= 0 && of <= 1)
		return;
	buf_printf(&b, "%" PRId64, at);
	if (of > 1 && !is_past_its_rules(job, of))
		buf_printf(&b, " of %" PRId64, of);
	if (again > 0 && !job_ended(job)) {
		when_print((uint64_t)again, next, sizeof next);
		buf_printf(&b, ", next at %s", next);
	}
	sheet_buf(p, "attempt", &b);
}

/* The rules of one origin, in a line. */
static void rules_of(struct sheet *p, const json_t *job, const char *origin, const char **label)
{
	struct buf b = BUF_INIT;
	size_t i;
	json_t *rule;

	json_array_foreach(json_object_get(job, "rules"), i, rule) {
		if (strcmp(job_text_or(rule, "origin", ""), origin) != 0)
			continue;
		if (b.len > RULES_WIDTH) {
			buf_puts(&b, ",");
			sheet_buf(p, *label, &b);
			*label = "";
		}
		buf_printf(&b, "%s%s=%s", b.len ? ", " : "", job_text_or(rule, "name", "?"),
		    job_text_or(rule, "value", ""));
	}
	if (!b.len)
		return;
	buf_printf(&b, " (%s)", strcmp(origin, "job") == 0	   ? "its own"
				: strcmp(origin, "runtime") == 0 ? "its queue's, set while jobd runs"
				: strcmp(origin, "config") == 0	   ? "its queue's, from jobd.conf"
				: strcmp(origin, "attempt") == 0 ? "its queue's, when it ran"
								   : origin);
	sheet_buf(p, *label, &b);
	*label = "";
}

static void rules(struct sheet *p, const json_t *job)
{
	static const char *const origins[] = { "job", "attempt", "runtime", "config", "default" };
	const char *label = "rules";

	for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++)
		rules_of(p, job, origins[i], &label);
}

/* "12, 13 (failed)": jobs, and how they have to end, where that is not well; then how they did. */
static void linked(struct sheet *p, const char *label, const json_t *jobs)
{
	struct buf b = BUF_INIT;
	size_t i;
	json_t *j;

	json_array_foreach(jobs, i, j) {
		const char *on = job_text_or(j, "on", "ok"), *state = job_text(j, "state");
		buf_printf(&b, "%s%" PRId64, i ? ", " : "", job_int(j, "id", 0));
		if (strcmp(on, "ok") != 0)
			buf_printf(&b, " (%s)", on);
		if (state)
			buf_printf(&b, " %s", state);
	}
	sheet_buf(p, label, &b);
}

static void links(struct sheet *p, const json_t *job)
{
	linked(p, "waits for", json_object_get(job, "after"));
	if (job_flag(job, "drop_unmet"))
		sheet_line(p, "if unmet", "it goes on without");
	linked(p, "awaited by", json_object_get(job, "before"));
}

static void origin(struct sheet *p, const json_t *job)
{
	sheet_line(p, "unique", job_text(job, "unique"));
	sheet_line(p, "template", job_text(job, "template"));
	sheet_int(p, "batch", job, "batch");
}

static void describe(struct sheet *p, const json_t *job)
{
	struct buf command = BUF_INIT;

	sheet_int(p, "job", job, "id");
	sheet_line(p, "name", job_text(job, "name"));
	state(p, job);
	how_ended(p, job);
	progress(p, job);
	job_command(job, &command);
	sheet_buf(p, "command", &command);
	sheet_line(p, "directory", job_text(job, "cwd"));
	sheet_umask(p, job);
	sheet_line(p, "user", job_text(job, "user"));
	sheet_line(p, "queue", job_text(job, "queue"));
	sheet_line(p, "project", job_text(job, "project"));
	sheet_int(p, "priority", job, "priority");
	meta(p, job);
	links(p, job);
	origin(p, job);
	times(p, job);
	rules(p, job);
	sheet_int(p, "pid", job, "pid");
	sheet_line(p, "processes", job_text(job, "tree"));
	usage(p, job);
	attempt(p, job);
	history(p, job);
	if (!job_shown(job))
		sheet_line(p, "next", job_ended(job) ? NULL : "wait");
	else
		sheet_line(p, "next", job_next(job));
}

static enum code show(struct ctl *c, const json_t *job, bool first)
{
	struct sheet p;

	if (c->o->json)
		return listing_json(&c->out, job) ? CODE_DONE : CODE_SOME;
	sheet_init(&p, &c->out);
	if (!first)
		buf_puts(&p.out, "\n");
	describe(&p, job);
	return sheet_end(&p) ? CODE_DONE : CODE_SOME;
}

struct gets {
	struct ctl *c;
	json_t *ids;
	size_t shown, failed;
	enum code first;
};

static json_t *get_params(void *ctx, size_t i)
{
	const struct gets *g = ctx;
	return json_pack("{s:O}", "id", json_array_get(g->ids, i));
}

static void get_done(void *ctx, size_t i, const struct answer *a)
{
	struct gets *g = ctx;
	enum code code;
	char what[64];

	if (a->error) {
		snprintf(what, sizeof what, "show job %" PRId64,
		    (int64_t)json_integer_value(json_array_get(g->ids, i)));
		fault_say(what, a);
		code = fault_code(a->error);
	} else {
		code = show(g->c, json_object_get(a->params, "job"), g->shown++ == 0);
	}
	if (code != CODE_DONE && g->failed++ == 0)
		g->first = code;
}

int verb_status(struct ctl *c)
{
	struct gets g = { .c = c };
	size_t missing;
	enum code code = select_numbers(c, NULL, 0, &g.ids, &missing);

	if (code == CODE_DONE && c->o->follow && json_array_size(g.ids))
		follow_wait(c, json_incref(g.ids), false);
	if (code == CODE_DONE) {
		struct bulk b = { .method = "org.jobd.Job.Get", .n = json_array_size(g.ids),
			.repeat = true, .params = get_params, .done = get_done, .ctx = &g };
		code = client_bulk(&c->client, &b);
	}
	if (code == CODE_DONE && (g.failed || missing))
		code = json_array_size(g.ids) + missing > 1 ? CODE_SOME
		       : missing			    ? CODE_NOT_FOUND
							    : g.first;
	json_decref(g.ids);
	return code;
}
