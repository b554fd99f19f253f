/* SPDX-License-Identifier: ISC */
/* submit, run, wait, log: the verbs that put a job in, and those that stay with it. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "jobctl/fault.h"
#include "jobctl/follow.h"
#include "jobctl/job.h"
#include "jobctl/output.h"
#include "jobctl/plan.h"
#include "jobctl/select.h"
#include "jobctl/submission.h"
#include "jobctl/when.h"
#include "lib/clock.h"
#include "lib/duration.h"

/* The job that was made, or the one that is there already; told where anybody wants to know. */
static void tell_submitted(const struct ctl *c, const json_t *job, bool existed)
{
	int64_t id = job_int(job, "id", 0);
	const char *state = job_text_or(job, "state", "queued");
	int64_t from = job_int(job, "not_before_us", 0);
	char when[32];

	when_print((uint64_t)(from > 0 ? from : 0), when, sizeof when);
	if (c->o->parsable)
		printf("%" PRId64 "\n", id);
	else if (existed)
		verb_say(c, "job %" PRId64 " is already %s", id, state);
	else if (from > 0)
		verb_say(c, "job %" PRId64 " %s, for %s", id, state, when);
	else
		verb_say(c, "job %" PRId64 " %s", id, state);
}

int verb_submit(struct ctl *c)
{
	json_t *job = NULL, *ids = NULL;
	bool existed;
	enum code code = c->o->plan ? plan_submit(c, &ids) : submission_send(c, &job, &existed);

	if (code == CODE_DONE && job) {
		tell_submitted(c, job, existed);
		if (fflush(stdout) != 0)
			complain("job %" PRId64 " was submitted all the same", job_int(job, "id", 0));
		ids = json_pack("[I]", (json_int_t)job_int(job, "id", 0));
	}
	json_decref(job);
	if (code != CODE_DONE || !c->o->wait) {
		json_decref(ids);
		return code == CODE_DONE ? CODE_DONE : verb_failure(c->verb, c->o, code);
	}
	fflush(stdout);
	return follow_wait(c, ids, true);
}

int verb_run(struct ctl *c)
{
	json_t *job;
	bool existed;
	enum code code = submission_send(c, &job, &existed);
	int64_t id = job_int(job, "id", 0), before = 0;

	/* Of another's work that is joined, what it does now: the attempts before are past. */
	if (code == CODE_DONE && existed)
		before = job_int(job, "attempt", 0) - (job_int(job, "started_at_us", 0) > 0);
	json_decref(job);
	if (code != CODE_DONE)
		return CODE_OWN;
	if (c->err.terminal && !c->o->quiet)
		complain("job %" PRId64 " (Ctrl-C cancels it)", id);
	return follow_run(c, id, before);
}

/* --timeout, which is kept as a rule: the moment at which the time is up, 0: never. False: said. */
static bool take_patience(const struct ctl *c, uint64_t *until_us)
{
	const char *text = c->o->rules ? strchr(c->o->rules[0], '=') + 1 : NULL;
	uint64_t us = 0;

	*until_us = 0;
	if (text && (!duration_parse_us(text, &us) || us > INT64_MAX / 2)) {
		verb_usage(c, "--timeout: '%s' is no duration, such as 90s or 10min", text);
		return false;
	}
	if (text)
		*until_us = clock_mono_us() + us;
	return true;
}

/*
 * Whether the selection can't grow with the years: then a job of it that has ended counts as well, since
 * it may have done so just before. Of any other what has ended is history.
 */
static bool bounded(const struct ctl *c)
{
	const struct options *o = c->o;
	return c->nwords || o->since || o->until || o->batch || o->states;
}

int verb_wait(struct ctl *c)
{
	static const struct select_states live = { "queued held running paused",
		"completed failed cancelled" };
	json_t *ids;
	size_t missing;
	uint64_t until;

	if (!take_patience(c, &until))
		return CODE_OWN;
	enum code code = select_numbers(c, bounded(c) ? NULL : &live, SELECT_OWN_PAST, &ids, &missing);

	if (code == CODE_DONE && !missing && json_array_size(ids))
		return follow_wait_until(c, ids, c->o->any, until);
	json_decref(ids);
	/* A selection of which nothing is left: all of it has ended. */
	return code == CODE_DONE && !missing ? CODE_DONE : CODE_OWN;
}

/* Settles which attempt is followed, so that a lost connection can be taken up in it. */
static enum code pin_attempt(struct ctl *c, struct output *o)
{
	json_t *reply;
	char what[64];
	snprintf(what, sizeof what, "show the log of job %" PRId64, o->id);
	enum code code = client_ask(&c->client, what, "org.jobd.Job.Get",
	    json_pack("{s:I}", "id", (json_int_t)o->id), &reply);
	const json_t *job = json_object_get(reply, "job");
	const char *state = job_text_or(job, "state", "");

	o->attempt = job_int(job, "attempt", 0);
	if (strcmp(state, "queued") == 0 || strcmp(state, "held") == 0) {
		o->attempt++;
		o->unstarted = true;
		if (c->err.terminal && !c->o->quiet)
			complain("job %" PRId64 " is %s; its output follows when it starts", o->id,
			    state);
	}
	json_decref(reply);
	return code;
}

static enum code copy_output(struct output *o)
{
	struct answer a;
	enum output_result r;
	enum code code = CODE_DONE;
	char what[64];

	while ((r = output_next(o, 1000, &a)) == OUTPUT_NOTHING || r == OUTPUT_DATA)
		;
	if (r == OUTPUT_LOST)
		return CODE_UNREACHABLE;
	if (r == OUTPUT_CLOSED) {
		complain("cannot write to standard output: %s", strerror(errno));
		return CODE_SOME;
	}
	if (r == OUTPUT_REFUSED) {
		snprintf(what, sizeof what, "show the log of job %" PRId64, o->id);
		code = fault_code(a.error);
		/* It never ran, and its last attempt was asked for: nothing is what it wrote. */
		if (code == CODE_USAGE && !o->attempt)
			code = CODE_DONE;
		else if (code == CODE_USAGE)
			complain("cannot %s: there is no output of attempt %" PRId64 " (jobctl status %" PRId64
				 " tells which there were)", what, o->attempt, o->id);
		else if (code == CODE_STATE)
			complain("cannot %s: it is %s, and has not started; jobctl log -f %" PRId64
				 " waits for that", what, job_text_or(a.params, "state", "waiting"), o->id);
		else
			fault_say(what, &a);
		answer_fini(&a);
	}
	return code;
}

/*
 * A log that is empty may need a word: the job has not started, or could not be. What is said
 * here goes to standard error; it is no part of what the job wrote.
 */
static enum code explain_nothing(struct ctl *c, int64_t id)
{
	json_t *reply;
	char what[64];
	snprintf(what, sizeof what, "show the log of job %" PRId64, id);
	enum code code = client_ask(&c->client, what, "org.jobd.Job.Get",
	    json_pack("{s:I}", "id", (json_int_t)id), &reply);
	const json_t *job = json_object_get(reply, "job");
	const char *state = job_text_or(job, "state", "");
	const json_t *before = json_object_get(job, "history");
	int64_t last = job_int(json_array_get(before, json_array_size(before) - 1), "attempt", 0);

	if (strcmp(state, "failed") == 0 && strcmp(job_text_or(job, "reason", ""), "spawn") == 0)
		complain("job %" PRId64 " could not be started: %s", id, job_text_or(job, "error", "?"));
	else if (!c->o->quiet && job_ended(job) && last > 0 && job_int(job, "started_at_us", 0) <= 0)
		complain("job %" PRId64 " is %s; it did not start again, and attempt %" PRId64
			 " wrote nothing", id, state, last);
	else if (!c->o->quiet && job_ended(job) && job_int(job, "started_at_us", 0) <= 0)
		complain("job %" PRId64 " is %s; it never started", id, state);
	json_decref(reply);
	return code;
}

int verb_log(struct ctl *c)
{
	struct selection s;
	struct output o;
	long long lines = -1, attempt = 0;
	enum code code = select_parse(c, c->words, c->nwords, NULL, &s);

	if (code == CODE_DONE && s.ids.n != 1)
		code = verb_usage(c, s.ids.n ? "one job at a time" : "which job?");
	if (code == CODE_DONE && c->o->lines &&
	    !verb_number(c, "--lines", c->o->lines, 0, INT64_MAX, &lines))
		code = CODE_USAGE;
	if (code == CODE_DONE && c->o->attempt &&
	    !verb_number(c, "--attempt", c->o->attempt, 1, INT32_MAX, &attempt))
		code = CODE_USAGE;
	if (code == CODE_DONE) {
		output_init(&o, &c->client, (int64_t)s.ids.v[0].number, attempt, false);
		o.tail = lines;
		o.follow = c->o->follow;
		if (o.follow && !attempt)
			code = pin_attempt(c, &o);
		if (code == CODE_DONE)
			code = copy_output(&o);
		if (code == CODE_DONE && o.offset <= 0 && !attempt)
			code = explain_nothing(c, o.id);
		output_fini(&o);
	}
	select_fini(&s);
	return code;
}
