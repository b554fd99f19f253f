/* SPDX-License-Identifier: ISC */
/* queue list, queue show: what the queues allow, and how they do. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/listing.h"
#include "jobctl/queue-jobs.h"
#include "jobctl/queue-value.h"
#include "jobctl/sheet.h"
#include "jobctl/table.h"
#include "jobctl/verb.h"
#include "jobctl/when.h"
#include "lib/clock.h"
#include "lib/duration.h"

static const struct table_column list_columns[] = {
	{ "NAME", false, 1, 8, 0 },
	{ "STATE", false, 0, 0, 0 },
	{ "RUNNING", true, 0, 0, 0 },
	{ "PAUSED", true, 0, 0, 0 },
	{ "QUEUED", true, 0, 0, 0 },
	{ "HELD", true, 0, 0, 2 },
	{ "OLDEST", true, 0, 0, 1 },
	{ "DONE/H", true, 0, 0, 3 },
};

static const struct table_column value_columns[] = {
	{ "VALUE", false, 0, 0, 0 },
	{ "IS", false, 1, 8, 0 },
	{ "FROM", false, 0, 0, 0 },
};

/* "retired": open, and for the jobs that it has alone, since jobd.conf declares it no more. */
static const char *state_word(const json_t *q)
{
	const char *state = job_text_or(q, "state", "?");

	return strcmp(state, "open") == 0 && json_is_false(json_object_get(q, "declared")) ? "retired" : state;
}

static enum colour colour_of(const char *state)
{
	return strcmp(state, "paused") == 0	? COLOUR_YELLOW
	       : strcmp(state, "draining") == 0 || strcmp(state, "retired") == 0 ? COLOUR_BLUE
						: COLOUR_NONE;
}

/* "2/4"; without a limit "2". */
static void running(const json_t *q, const struct queue_jobs *j, char out[64])
{
	int64_t limit = job_int(q, "max_running", 0);
	int n = snprintf(out, 64, "%" PRId64, j->running);
	if (limit > 0)
		snprintf(out + n, 64 - (size_t)n, "/%" PRId64, limit);
}

/* "3(1-released,1-resuming)": a cell has no blanks, so that a program finds the next one. */
static void paused(const struct queue_jobs *j, char out[96])
{
	int n = snprintf(out, 96, "%" PRId64, j->paused);

	if (j->released > 0)
		n += snprintf(out + n, 96 - (size_t)n, "(%" PRId64 "-released", j->released);
	if (j->resuming > 0)
		n += snprintf(out + n, 96 - (size_t)n, "%s%" PRId64 "-resuming",
		    j->released > 0 ? "," : "(", j->resuming);
	if (j->released > 0 || j->resuming > 0)
		snprintf(out + n, 96 - (size_t)n, ")");
}

/* For how long the job waits that waits longest; "" where none does. */
static void oldest(const json_t *q, char out[32])
{
	int64_t since = job_int(q, "oldest_us", 0), now = (int64_t)clock_real_us();
	*out = '\0';
	if (since > 0)
		duration_print(now > since ? (uint64_t)(now - since) : 0, out, 32);
}

static void cell_number(struct table *t, const json_t *q, const char *key)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, job_int(q, key, 0));
	table_cell(t, text, COLOUR_NONE);
}

static void row(struct table *t, const json_t *q, const json_t *jobs)
{
	const char *state = state_word(q);
	struct queue_jobs j = queue_jobs_of(q, jobs);
	char text[96];

	table_cell(t, job_text_or(q, "name", "?"), COLOUR_NONE);
	table_cell(t, state, colour_of(state));
	running(q, &j, text);
	table_cell(t, text, COLOUR_NONE);
	paused(&j, text);
	table_cell(t, text, COLOUR_NONE);
	cell_number(t, q, "queued");
	cell_number(t, q, "held");
	oldest(q, text);
	table_cell(t, text, COLOUR_NONE);
	cell_number(t, q, "ended_last_hour");
}

static enum code show_list(struct ctl *c, const json_t *queues)
{
	struct table t;
	size_t i;
	json_t *q, *jobs;
	enum code code = queue_jobs_look(c, queues, &jobs);
	bool ok =
	    table_init(&t, &c->out, list_columns, sizeof list_columns / sizeof list_columns[0]);

	json_array_foreach(queues, i, q) {
		if (ok)
			row(&t, q, jobs);
	}
	ok = ok && table_flush(&t);
	table_fini(&t);
	json_decref(jobs);
	return code != CODE_DONE ? code : ok ? CODE_DONE : CODE_SOME;
}

int verb_queue_list(struct ctl *c)
{
	json_t *reply, *q;
	size_t i;

	if (c->nwords)
		return verb_usage(c, "it takes no '%s'", c->words[0]);
	enum code code =
	    client_ask(&c->client, "list the queues", "org.jobd.Queue.List", json_object(), &reply);
	const json_t *queues = json_object_get(reply, "queues");
	if (code == CODE_DONE && !c->o->json)
		code = show_list(c, queues);
	else
		json_array_foreach(queues, i, q) {
			if (!listing_json(&c->out, q))
				code = CODE_SOME;
		}
	json_decref(reply);
	return code;
}

/* "paused (by ann, since 2026-11-21 14:30:05)" */
static void state_line(struct sheet *p, const json_t *q)
{
	const char *by = job_text(q, "by");
	int64_t since = job_int(q, "since_us", 0);
	char when[32] = "";

	if (since > 0)
		when_print((uint64_t)since, when, sizeof when);
	sheet_printf(p, "state", "%s%s%s%s%s%s%s%s", state_word(q),
	    by || *when ? " (" : "", by ? "by " : "", by ? by : "", by && *when ? ", " : "",
	    *when ? "since " : "", when, by || *when ? ")" : "");
}

/*
 * "running: 1 of 4", or "1, no limit of its own"; "paused: 2, 1 gave up the slot"; and "slots held: 2 of 4",
 * where not all that hold one run.
 */
static void running_lines(struct sheet *p, const json_t *q, const struct queue_jobs *j)
{
	int64_t slots = job_int(q, "running", 0), limit = job_int(q, "max_running", 0);
	char text[128];
	int n = snprintf(text, sizeof text, "%" PRId64, j->running);

	if (limit > 0 && slots == j->running)
		snprintf(text + n, sizeof text - (size_t)n, " of %" PRId64, limit);
	else if (limit == 0)
		snprintf(text + n, sizeof text - (size_t)n, ", no limit of its own");
	sheet_line(p, "running", text);
	n = snprintf(text, sizeof text, "%" PRId64, slots);
	if (limit > 0)
		snprintf(text + n, sizeof text - (size_t)n, " of %" PRId64, limit);
	if (slots != j->running)
		sheet_line(p, "slots held", text);
	n = snprintf(text, sizeof text, "%" PRId64, j->paused);
	if (j->released > 0)
		n += snprintf(text + n, sizeof text - (size_t)n,
		    ", %" PRId64 " gave up the slot", j->released);
	if (j->resuming > 0)
		snprintf(text + n, sizeof text - (size_t)n,
		    ", %" PRId64 " go on when there is a slot", j->resuming);
	sheet_line(p, "paused", text);
}

static bool show_values(const struct ctl *c, const json_t *q)
{
	struct table t;
	size_t i;
	json_t *v;
	bool ok =
	    table_init(&t, &c->out, value_columns, sizeof value_columns / sizeof value_columns[0]);

	json_array_foreach(json_object_get(q, "values"), i, v) {
		const char *origin = job_text_or(v, "origin", "?");
		if (!ok)
			break;
		table_cell(&t, job_text_or(v, "name", "?"), COLOUR_NONE);
		table_cell(&t, queue_value(q, v), COLOUR_NONE);
		table_cell(&t, origin, strcmp(origin, "default") == 0 ? COLOUR_FAINT : COLOUR_NONE);
	}
	ok = ok && table_flush(&t);
	table_fini(&t);
	return ok;
}

static enum code show(struct ctl *c, json_t *q, bool first)
{
	struct sheet p;
	json_t *one, *jobs = NULL;
	char wait[32];

	if (c->o->json)
		return listing_json(&c->out, q) ? CODE_DONE : CODE_SOME;
	one = json_pack("[O]", q);
	enum code code = queue_jobs_look(c, one, &jobs);
	struct queue_jobs j = queue_jobs_of(q, jobs);
	json_decref(one);
	json_decref(jobs);
	if (code != CODE_DONE)
		return code;
	sheet_init(&p, &c->out);
	if (!first)
		buf_puts(&p.out, "\n");
	sheet_line(&p, "queue", job_text_or(q, "name", "?"));
	state_line(&p, q);
	if (json_is_false(json_object_get(q, "declared")))
		sheet_line(&p, "declared", "no more in jobd.conf: it finishes the jobs it has, and takes no new ones");
	running_lines(&p, q, &j);
	sheet_int(&p, "queued", q, "queued");
	sheet_int(&p, "held", q, "held");
	oldest(q, wait);
	sheet_line(&p, "oldest wait", wait);
	sheet_int(&p, "done in 1h", q, "ended_last_hour");
	buf_puts(&p.out, "\n");
	return sheet_end(&p) && show_values(c, q) ? CODE_DONE : CODE_SOME;
}

int verb_queue_show(struct ctl *c)
{
	enum code first = CODE_DONE;
	char what[300];

	if (!c->nwords)
		return verb_usage(c, "which queue? (jobctl queue list)");
	for (int i = 0; i < c->nwords; i++) {
		json_t *reply;
		snprintf(what, sizeof what, "show queue %s", c->words[i]);
		enum code code = client_ask(&c->client, what, "org.jobd.Queue.Get",
		    json_pack("{s:s}", "name", c->words[i]), &reply);
		if (code == CODE_DONE)
			code = show(c, json_object_get(reply, "queue"), i == 0);
		json_decref(reply);
		if (code == CODE_UNREACHABLE)
			return code;
		if (first == CODE_DONE)
			first = code;
	}
	return first != CODE_DONE && c->nwords > 1 ? CODE_SOME : first;
}
