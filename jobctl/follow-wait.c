/* SPDX-License-Identifier: ISC */
/* Waiting for jobs, with a line that tells how far they are where somebody looks at it. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "jobctl/follow.h"
#include "jobctl/job.h"
#include "jobctl/live.h"
#include "jobctl/waiting.h"
#include "lib/clock.h"

#define REDRAW_MS 1000
#define LOOK_MS	  5000 /* for jobd's first answer, where the time is up before it comes */

/* The job to show: the first that runs, else the first that has not ended. */
static const json_t *shown(const struct waiting *w, const json_t *ids, size_t *ended)
{
	const json_t *first = NULL, *running = NULL;
	size_t i;
	json_t *id;

	*ended = 0;
	json_array_foreach(ids, i, id) {
		const json_t *job = waiting_job(w, json_integer_value(id));
		if (!job || job_ended(job)) {
			*ended += job != NULL;
			continue;
		}
		if (!first)
			first = job;
		if (!running && job_int(job, "started_at_us", 0) > 0)
			running = job;
	}
	return running ? running : first;
}

static void draw(const struct ctl *c, const struct waiting *w, const json_t *ids)
{
	struct screen s = c->err;
	struct buf line = BUF_INIT;
	size_t ended, n = json_array_size(ids);
	const json_t *job = shown(w, ids, &ended);
	char count[64] = "";
	int len = 0;

	screen_measure(&s);
	if (n > 1)
		len = snprintf(count, sizeof count, "%zu of %zu ended  ", ended, n);
	buf_puts(&line, "\r");
	buf_puts(&line, count);
	if (job)
		live_line(&s, job, clock_real_us(), s.width - len - 1, &line);
	buf_puts(&line, "\033[K");
	screen_write(&s, &line);
	buf_fini(&line);
}

/* What is complained of must not stand in the middle of the live line. */
static void erase(const struct ctl *c)
{
	fputs("\r\033[K", c->err.file);
}

static void draw_end(const struct ctl *c, const json_t *job)
{
	struct buf line = BUF_INIT;
	buf_puts(&line, "\r\033[K");
	live_end(&c->err, job, &line);
	buf_puts(&line, "\n");
	screen_write(&c->err, &line);
	buf_fini(&line);
}

void follow_tell_end(const struct ctl *c, const json_t *job)
{
	struct screen plain = { .file = c->err.file, .utf8 = c->err.utf8 };
	struct buf line = BUF_INIT;

	live_end(&plain, job, &line);
	const char *text = buf_text(&line);
	if (!line.failed)
		complain("%s", text);
	buf_fini(&line);
}

/* What the jobs' ends come to; which ones ended badly is told. */
static int conclude(const struct ctl *c, const struct waiting *w, const json_t *ids, bool live)
{
	int code = CODE_DONE;
	size_t i;
	json_t *id;

	json_array_foreach(ids, i, id) {
		const json_t *job = waiting_job(w, json_integer_value(id));
		struct buf why = BUF_INIT;
		int one = job_exit_code(job, &why);
		const char *text = buf_text(&why);
		if (live && job)
			draw_end(c, job);
		/* The live line shows the reason, and not what is kept from the caller. */
		if ((!live || !job || !job_shown(job)) && *text)
			complain("job %" PRId64 " %s", (int64_t)json_integer_value(id), text);
		else if (!live && job && one != CODE_DONE && !c->o->quiet)
			follow_tell_end(c, job);
		buf_fini(&why);
		if (code == CODE_DONE)
			code = one;
	}
	return code;
}

/* Keeps of the jobs only those that have ended; returns whether there is one. */
static bool keep_ended(const struct waiting *w, json_t *ids)
{
	json_t *ended = json_array(), *id;
	size_t i;

	json_array_foreach(ids, i, id) {
		if (job_ended(waiting_job(w, json_integer_value(id))))
			json_array_append(ended, id);
	}
	bool any = json_array_size(ended) > 0;
	if (any) {
		json_array_clear(ids);
		json_array_extend(ids, ended);
	}
	json_decref(ended);
	return any;
}

/* Gives up: the jobs go on. */
static int leave(const struct ctl *c, const struct waiting *w, const json_t *ids, bool live)
{
	size_t ended;

	shown(w, ids, &ended);
	if (live)
		erase(c);
	complain("wait: the time is up: %zu of %zu ended", ended, json_array_size(ids));
	return CODE_TIMED_OUT;
}

/* Whether every job was looked at. */
static bool seen(const struct waiting *w)
{
	return !w->looking && json_object_size(w->jobs) > 0;
}

/* How long to wait for news, at most; 0: the time is up. Every job is looked at once before. */
static int patience(const struct waiting *w, uint64_t until_us)
{
	uint64_t now = clock_mono_us();
	uint64_t until = until_us && now >= until_us && !seen(w) ? until_us + LOOK_MS * 1000u : until_us;

	if (until && now >= until)
		return 0;
	return !until || until - now > REDRAW_MS * 1000u ? REDRAW_MS : (int)((until - now) / 1000 + 1);
}

/* Whether what is waited for has happened, where jobd's last word on it has not come yet. */
static bool have_ended(const struct waiting *w, json_t *ids, bool any)
{
	size_t ended;

	if (!seen(w))
		return false;
	if (any)
		return keep_ended(w, ids);
	shown(w, ids, &ended);
	return ended == json_array_size(ids);
}

static int wait_for(struct ctl *c, json_t *ids, bool known, bool any, uint64_t until_us)
{
	struct waiting w;
	bool live = c->err.smart && !c->o->quiet;
	int left;
	enum waiting_result r;

	waiting_init(&w, &c->client, json_copy(ids), live, known);
	do {
		left = patience(&w, until_us);
		bool connected = stream_fd(&w.stream) >= 0;
		if (live && !connected)
			erase(c);
		r = waiting_next(&w, left);
		if (live && connected && (r == WAITING_NEWS || r == WAITING_NOTHING) &&
		    json_object_size(w.jobs))
			draw(c, &w, ids);
		if (any && r == WAITING_NEWS && !w.looking && keep_ended(&w, ids))
			r = WAITING_ENDED;
	} while ((r == WAITING_NEWS || r == WAITING_NOTHING) && left);
	if ((r == WAITING_NEWS || r == WAITING_NOTHING) && have_ended(&w, ids, any))
		r = WAITING_ENDED;
	int code = r == WAITING_ENDED	? conclude(c, &w, ids, live)
		   : r == WAITING_FAILED ? CODE_OWN
					 : leave(c, &w, ids, live);
	waiting_fini(&w);
	json_decref(ids);
	return code;
}

int follow_wait(struct ctl *c, json_t *ids, bool known)
{
	return wait_for(c, ids, known, false, 0);
}

int follow_wait_until(struct ctl *c, json_t *ids, bool any, uint64_t until_us)
{
	return wait_for(c, ids, false, any, until_us);
}
