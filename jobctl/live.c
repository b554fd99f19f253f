/* SPDX-License-Identifier: ISC */
/*
 * The live line. What matters most stands first: what does not fit is cut from the right, and before
 * that the bar gives way.
 */
#include "config.h"

#include "jobctl/live.h"

#include <inttypes.h>

#include "jobctl/job.h"
#include "jobctl/text.h"
#include "lib/duration.h"

#define BAR	  20
#define BAR_LEAST 5

/* Appends two spaces and text from outside, if there is any. */
static void part(struct buf *out, const char *text, bool utf8)
{
	if (!text || !*text)
		return;
	buf_puts(out, "  ");
	text_escape(out, text, utf8);
}

static void step(struct buf *out, const json_t *progress, bool utf8)
{
	int64_t at = job_int(progress, "step", -1), of = job_int(progress, "steps", -1);
	const char *name = job_text_or(progress, "step_name", "");

	if (at < 0 && !*name)
		return;
	buf_puts(out, "  ");
	if (at >= 0)
		buf_printf(out, "step %" PRId64, at);
	if (at >= 0 && of >= 0)
		buf_printf(out, "/%" PRId64, of);
	if (at >= 0 && *name)
		buf_puts(out, " ");
	text_escape(out, name, utf8);
}

static void span(struct buf *out, const char *before, int64_t us, const char *after)
{
	char text[32];
	if (us < 0)
		return;
	duration_print((uint64_t)us, text, sizeof text);
	buf_printf(out, "%s%s%s", before, text, after);
}

static void counts(struct buf *out, const json_t *job, bool utf8)
{
	struct buf text = BUF_INIT;
	job_counts(job, &text);
	part(out, buf_text(&text), utf8);
	buf_fini(&text);
}

static void state(struct buf *out, const json_t *job, bool utf8)
{
	struct buf reason = BUF_INIT;
	text_escape(out, job_text_or(job, "state", "?"), utf8);
	job_reason(job, &reason);
	if (reason.len) {
		buf_puts(out, " (");
		text_escape(out, buf_text(&reason), utf8);
		buf_puts(out, ")");
	}
	buf_fini(&reason);
}

void live_line(const struct screen *s, const json_t *job, uint64_t now_us, int width,
    struct buf *out)
{
	const json_t *progress = json_object_get(job, "progress");
	struct buf line = BUF_INIT, rest = BUF_INIT;
	int percent = job_percent(job);

	buf_printf(&line, "job %" PRId64 " ", job_int(job, "id", 0));
	state(&line, job, s->utf8);
	if (percent >= 0)
		buf_printf(&rest, " %3d%%", percent);
	span(&rest, "  ", job_elapsed_us(job, now_us), "");
	span(&rest, ", about ", job_left_us(job, now_us), " left");
	step(&rest, progress, s->utf8);
	int bar = width - text_width(buf_text(&line)) - text_width(buf_text(&rest)) - 2;
	if (percent >= 0 && bar >= BAR_LEAST) {
		buf_puts(&line, "  ");
		screen_bar(s, &line, percent, bar < BAR ? bar : BAR);
	}
	buf_put(&line, rest.data, rest.len);
	counts(&line, job, s->utf8);
	part(&line, job_text(progress, "item"), s->utf8);
	part(&line, job_text(progress, "text"), s->utf8);
	if (!rest.failed)
		text_fit(out, buf_text(&line), width, s->utf8);
	buf_fini(&rest);
	buf_fini(&line);
}

void live_end(const struct screen *s, const json_t *job, struct buf *out)
{
	const char *error = job_text(job, "error");

	buf_printf(out, "job %" PRId64 " ", job_int(job, "id", 0));
	state(out, job, s->utf8);
	span(out, " after ", job_elapsed_us(job, 0), "");
	counts(out, job, s->utf8);
	if (error) {
		buf_puts(out, ": ");
		text_escape(out, error, s->utf8);
	}
}
