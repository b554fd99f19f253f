/* SPDX-License-Identifier: ISC */
/* What is read from a job, and the words for it. */
#include "config.h"

#include "jobctl/job.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "jobctl/code.h"
#include "jobctl/text.h"
#include "lib/clock.h"
#include "lib/status.h"

#define SECOND 1000000

const char *job_text_or(const json_t *object, const char *key, const char *fallback)
{
	const json_t *v = json_object_get(object, key);
	return json_is_string(v) ? json_string_value(v) : fallback;
}

const char *job_text(const json_t *object, const char *key)
{
	return job_text_or(object, key, NULL);
}

int64_t job_int(const json_t *object, const char *key, int64_t fallback)
{
	const json_t *v = json_object_get(object, key);
	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

bool job_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const struct job_state_info states[] = {
	{ "queued", false, COLOUR_NONE, "why, edit, hold, priority, cancel" },
	{ "held", false, COLOUR_BLUE, "release, edit, priority, cancel" },
	{ "running", false, COLOUR_GREEN, "log -f, pause, signal, cancel, wait" },
	{ "paused", false, COLOUR_YELLOW, "resume, cancel, log" },
	{ "completed", true, COLOUR_FAINT, "log, delete" },
	{ "failed", true, COLOUR_RED, "log, retry, delete" },
	{ "cancelled", true, COLOUR_MAGENTA, "log, retry, delete" },
};
#define STATES (sizeof states / sizeof states[0])

const struct job_state_info *job_state_at(size_t i)
{
	return i < STATES ? &states[i] : NULL;
}

const struct job_state_info *job_state_info(const char *name)
{
	for (size_t i = 0; name && i < STATES; i++)
		if (strcmp(states[i].name, name) == 0)
			return &states[i];
	return NULL;
}

const char *job_next(const json_t *job)
{
	static const char log[] = "log, ";
	const struct job_state_info *s = job_state_info(job_text(job, "state"));
	bool skip = s && s->ended && job_int(job, "started_at_us", 0) <= 0 &&
		    json_array_size(json_object_get(job, "history")) == 0 &&
		    strncmp(s->next, log, sizeof log - 1) == 0;

	if (s && !s->ended && job_flag(job, "cancel_requested"))
		return "log -f, wait, cancel --now";
	return s ? s->next + (skip ? sizeof log - 1 : 0) : NULL;
}

bool job_ended(const json_t *job)
{
	const struct job_state_info *s = job_state_info(job_text(job, "state"));
	return s && s->ended;
}

enum colour job_colour(const json_t *job)
{
	const struct job_state_info *s = job_state_info(job_text(job, "state"));
	return s ? s->colour : COLOUR_NONE;
}

void job_command(const json_t *job, struct buf *out)
{
	size_t i;
	json_t *word;
	json_array_foreach(json_object_get(job, "command"), i, word) {
		if (!json_is_string(word))
			continue;
		if (i)
			buf_puts(out, " ");
		text_quote_word(out, json_string_value(word));
	}
}

void job_title(const json_t *job, struct buf *out)
{
	const char *name = job_text(job, "name");
	if (name && *name)
		buf_puts(out, name);
	else
		job_command(job, out);
}

/* Marks on a job that has not ended say what it is about to become. */
static const char *mark(const json_t *job)
{
	const char *state = job_text_or(job, "state", "");
	if (strcmp(state, "running") != 0 && strcmp(state, "paused") != 0)
		return NULL;
	if (job_flag(job, "timed_out"))
		return "timing out";
	if (job_flag(job, "cancel_requested"))
		return "cancelling";
	if (job_flag(job, "resume_requested") && strcmp(state, "paused") == 0)
		return "resuming";
	if (job_flag(job, "pause_requested") && strcmp(state, "running") == 0)
		return "pausing";
	if (job_flag(job, "keeper_silent"))
		return "keeper silent";
	return NULL;
}

/* Of one that is to start later, the time belongs to the reason: "not-before 02:00". */
static void put_start(const json_t *job, struct buf *out)
{
	int64_t us = job_int(job, "not_before_us", 0);
	time_t at = (time_t)(us / SECOND), now = (time_t)(clock_real_us() / SECOND);
	struct tm then, today;
	char text[32];

	if (us <= 0 || !localtime_r(&at, &then) || !localtime_r(&now, &today))
		return;
	bool year = then.tm_year == today.tm_year, day = year && then.tm_yday == today.tm_yday;
	if (strftime(text, sizeof text, day ? " %H:%M" : year ? " %m-%d %H:%M" : " %Y-%m-%d", &then) > 0)
		buf_puts(out, text);
}

void job_reason(const json_t *job, struct buf *out)
{
	const char *reason = mark(job);
	int64_t code = job_int(job, "exit_code", -1), sig = job_int(job, "signal", 0);

	/* What keeps a paused one from going on. */
	if (reason && strcmp(reason, "resuming") == 0 && job_text(job, "reason")) {
		buf_printf(out, "%s: %s", reason, job_text(job, "reason"));
		return;
	}
	if (!reason)
		reason = job_text_or(job, "reason", "");
	if (job_ended(job) && sig > 0 && (!*reason || strcmp(reason, "signal") == 0))
		buf_printf(out, "signal %s", status_signal_name((int)sig));
	else if (job_ended(job) && code > 0 && (!*reason || strcmp(reason, "exit") == 0))
		buf_printf(out, "exit %" PRId64, code);
	else
		buf_puts(out, reason);
	if (strcmp(reason, "not-before") == 0)
		put_start(job, out);
}

int64_t job_elapsed_us(const json_t *job, uint64_t now_us)
{
	int64_t start = job_int(job, "started_at_us", 0);
	int64_t end = job_int(job, "ended_at_us", 0);
	if (start <= 0)
		return -1;
	if (end <= 0 && !job_ended(job))
		end = job_int(job, "paused_at_us", (int64_t)now_us);
	if (end <= 0)
		return -1;
	int64_t us = end - start - job_int(job, "paused_total_us", 0);
	return us > 0 ? us : 0;
}

int job_percent(const json_t *job)
{
	const json_t *p = json_object_get(job, "progress");
	int64_t percent = job_int(p, "percent", -1);
	int64_t done = job_int(p, "done", -1), total = job_int(p, "total", 0);

	if (percent < 0 && done >= 0 && total > 0)
		percent = done >= total ? 100 : (int64_t)((double)done * 100.0 / (double)total);
	if (percent > 100)
		percent = 100;
	return percent < 0 ? -1 : (int)percent;
}

int64_t job_left_us(const json_t *job, uint64_t now_us)
{
	const json_t *p = json_object_get(job, "progress");
	int64_t done = job_int(p, "done", -1), total = job_int(p, "total", 0);
	int64_t elapsed = job_elapsed_us(job, now_us);

	if (done < 0 || total <= 0) {
		done = job_percent(job);
		total = 100;
	}
	if (job_ended(job) || elapsed < 2 * SECOND || done <= 0 || done >= total)
		return -1;
	return (int64_t)((double)elapsed / (double)done * (double)(total - done));
}

void job_counts(const json_t *job, struct buf *out)
{
	json_t *counts = json_object_get(json_object_get(job, "progress"), "counts"), *value;
	const char *separator = "", *name;

	json_object_foreach(counts, name, value) {
		buf_printf(out, "%s%s %" PRId64, separator, name, (int64_t)json_integer_value(value));
		separator = ", ";
	}
}

/* The keeper names the step that failed, and the error: "exec foo: No such file or directory". */
static int spawn_code(const char *error)
{
	const char *missing = strerror(ENOENT);
	size_t n = strlen(error), m = strlen(missing);
	bool exec = strncmp(error, "exec", 4) == 0;
	return exec && n >= m && strcmp(error + n - m, missing) == 0 ? CODE_NO_COMMAND
								     : CODE_NOT_STARTED;
}

bool job_shown(const json_t *job)
{
	return json_object_get(job, "command") != NULL;
}

/* What an ended job without a code of its own, and without a reason that decides, comes to. */
static int codeless(const json_t *job, const char *state, const char *reason, struct buf *why)
{
	bool ran = job_int(job, "started_at_us", 0) > 0;

	if (strcmp(state, "completed") == 0)
		return CODE_DONE;
	if (strcmp(state, "cancelled") == 0 && !ran) {
		int64_t attempt = job_int(job, "attempt", 0);
		if (attempt > 0)
			buf_printf(why, "was cancelled before attempt %" PRId64, attempt + 1);
		else
			buf_puts(why, job_shown(job) ? "was cancelled before it ran"
						     : "was cancelled while it waited");
		return CODE_OWN;
	}
	if (strcmp(state, "failed") != 0 && strcmp(state, "cancelled") != 0) {
		buf_puts(why, "is gone: somebody deleted it");
		return CODE_OWN;
	}
	bool failed = strcmp(state, "failed") == 0;
	buf_printf(why, "%s%s%s", failed ? "failed" : "was cancelled", *reason ? ": " : "", reason);
	if (job_shown(job))
		return CODE_OWN;
	buf_puts(why, "; with which code, only its owner, root and jobd's administrators may know");
	return CODE_OWN;
}

int job_exit_code(const json_t *job, struct buf *why)
{
	const char *state = job_text_or(job, "state", "gone");
	const char *reason = job_text_or(job, "reason", "");
	const char *error = job_text_or(job, "error", "");
	int64_t code = job_int(job, "exit_code", -1), sig = job_int(job, "signal", 0);

	if (strcmp(reason, "timeout") == 0 || strcmp(reason, "deadline") == 0) {
		buf_puts(why, *reason == 't' ? "timed out" : "had not started by its deadline");
		return CODE_TIMED_OUT;
	}
	if (strcmp(reason, "spawn") == 0 && job_shown(job)) {
		buf_printf(why, "could not be started%s%s", *error ? ": " : "", error);
		/* A daemon that knows tells; from an older one, the text has to do. */
		return code == CODE_NO_COMMAND || code == CODE_NOT_STARTED ? (int)code
									   : spawn_code(error);
	}
	if (strcmp(reason, "lost") == 0) {
		buf_printf(why, "is lost: how it ended can't be known%s%s", *error ? ": " : "", error);
		return CODE_OWN;
	}
	if (sig > 0)
		return 128 + (int)sig;
	if (code > 0 || (code == 0 && strcmp(state, "failed") != 0))
		return (int)code;
	return codeless(job, state, reason, why);
}
