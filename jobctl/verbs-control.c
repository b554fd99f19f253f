/* SPDX-License-Identifier: ISC */
/*
 * The verbs that change jobs: hold release pause resume cancel signal retry
 * priority delete. All go the same way: which jobs, ask if they are many, call for each, tell
 * what became of each.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "jobctl/fault.h"
#include "jobctl/job.h"
#include "jobctl/queue-jobs.h"
#include "jobctl/select.h"
#include "jobctl/waiting.h"
#include "lib/priority.h"
#include "lib/status.h"

#define ASK_FROM      11 /* jobs, at a terminal; of as many a total is told */
#define NUMBERS_SHOWN 20

#define LIVE  "queued held running paused"
#define ENDED "completed failed cancelled"

enum argument { ARG_NONE, ARG_SIGNAL, ARG_PRIORITY };

/*
 * In which order jobs are taken. What stops them begins with the newest: a running one comes last,
 * so that no queued one starts in its place meanwhile. What lets them run begins with the oldest,
 * and keeps the order they were submitted in. What a job waits for has to be tried again first, else it is
 * not waited for; it has a lower number, unless an edit has made it another one.
 */
enum order { ORDER_NEWEST, ORDER_OLDEST, ORDER_NUMBERS /* also where numbers were given */ };

static const struct control {
	const char *verb;
	const char *method;
	const char *what; /* "cannot WHAT job 7" */
	const char *done; /* "job 7 DONE" */
	struct select_states fit;
	enum argument argument;	   /* its last word */
	const char *gone_meanwhile; /* an error that a repeated call may have earned by its first */
	bool unrepeatable;
	enum order order;
} controls[] = {
	{ "hold", "org.jobd.Job.Hold", "hold", "held", { "queued", "held" }, ARG_NONE, "", false,
	    ORDER_NEWEST },
	{ "release", "org.jobd.Job.Release", "release", "released", { "held", "queued" }, ARG_NONE,
	    "", false, ORDER_OLDEST },
	{ "pause", "org.jobd.Job.Pause", "pause", "paused", { "running paused", "" }, ARG_NONE, "",
	    false, ORDER_NEWEST },
	{ "resume", "org.jobd.Job.Resume", "resume", "resumed", { "paused", "running" }, ARG_NONE,
	    "", false, ORDER_OLDEST },
	{ "cancel", "org.jobd.Job.Cancel", "cancel", "cancelled", { LIVE, "cancelled" }, ARG_NONE,
	    "", false, ORDER_NEWEST },
	{ "signal", "org.jobd.Job.Signal", "send a signal to", "signalled",
	    { "running paused", "" }, ARG_SIGNAL, "", true, ORDER_NEWEST },
	{ "retry", "org.jobd.Job.Retry", "retry", "queued again", { "failed cancelled", "" },
	    ARG_NONE, "org.jobd.Job.WrongState", false, ORDER_NUMBERS },
	{ "priority", "org.jobd.Job.SetPriority", "change the priority of", "has a new priority",
	    { LIVE, "" }, ARG_PRIORITY, "", false, ORDER_NEWEST },
	{ "delete", "org.jobd.Job.Delete", "delete", "deleted", { ENDED, "" }, ARG_NONE,
	    "org.jobd.Job.NotFound", false, ORDER_NEWEST },
};

/* One run of such a verb. */
struct work {
	struct ctl *c;
	const struct control *control;
	struct selection selection;
	json_t *jobs;	      /* id and, where they were looked up, state and attempt */
	long long argument;   /* signal or priority */
	size_t failed, well;
	enum code first;      /* of the failures */
	json_t *denied;	      /* numbers, and the answer for the first of them */
	struct answer denial;
	json_t *ending;	      /* ids whose end --wait is for */
};

static const struct control *find(const char *verb)
{
	for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++)
		if (strcmp(controls[i].verb, verb) == 0)
			return &controls[i];
	return NULL;
}

static json_t *params(void *ctx, size_t i)
{
	const struct work *w = ctx;
	const json_t *job = json_array_get(w->jobs, i);
	json_t *p = json_pack("{s:I}", "id", (json_int_t)job_int(job, "id", 0));

	if (w->c->o->now)
		json_object_set_new(p, "now", json_true());
	if (w->c->o->all)
		json_object_set_new(p, "all", json_true());
	if (w->c->o->release_slot)
		json_object_set_new(p, "release_slot", json_true());
	if (w->c->o->force)
		json_object_set_new(p, "force", json_true());
	if (w->control->argument == ARG_SIGNAL)
		json_object_set_new(p, "signal", json_integer(w->argument));
	if (w->control->argument == ARG_PRIORITY)
		json_object_set_new(p, "priority", json_integer(w->argument));
	if (strcmp(w->control->verb, "retry") == 0 && job_int(job, "attempt", 0) > 0)
		json_object_set_new(p, "attempt", json_integer(job_int(job, "attempt", 0)));
	return p;
}

/* Tells what became of a job for which the call went well. */
static void tell(struct work *w, int64_t id, const json_t *reply)
{
	const json_t *job = json_object_get(reply, "job");
	const char *state = job_text_or(job, "state", "");
	bool already = json_is_false(json_object_get(reply, "changed"));
	bool cancel = strcmp(w->control->verb, "cancel") == 0;

	if (cancel && w->c->o->wait && !job_ended(job)) {
		json_array_append_new(w->ending, json_integer(id));
		return;
	}
	if (w->control->argument == ARG_PRIORITY)
		verb_say(w->c, "job %" PRId64 " %s priority %lld", id, already ? "already has" : "has",
		    w->argument);
	else if (w->control->argument == ARG_SIGNAL)
		verb_say(w->c, "job %" PRId64 " was sent SIG%s", id,
		    status_signal_name((int)w->argument));
	else if (cancel && !job_ended(job))
		verb_say(w->c, "job %" PRId64 " is %sbeing cancelled", id, already ? "already " : "");
	else if (strcmp(w->control->verb, "resume") == 0 && job_flag(job, "resume_requested"))
		verb_say(w->c, "job %" PRId64 " goes on when there is a slot for it (jobctl why %" PRId64 ")",
		    id, id);
	else if (already)
		verb_say(w->c, "job %" PRId64 " is already %s", id, state);
	else
		verb_say(w->c, "job %" PRId64 " %s", id, w->control->done);
}

/* To go on is not to be had any more; jobd takes it for done. */
static bool is_ending(const struct work *w, const json_t *reply)
{
	return strcmp(w->control->verb, "resume") == 0 && !w->selection.filtered &&
	       job_flag(json_object_get(reply, "job"), "cancel_requested");
}

static void done(void *ctx, size_t i, const struct answer *a)
{
	struct work *w = ctx;
	int64_t id = job_int(json_array_get(w->jobs, i), "id", 0);
	char what[96];

	if (!a->error && is_ending(w, a->params)) {
		complain("cannot resume job %" PRId64 ": it is being cancelled", id);
		if (w->failed++ == 0)
			w->first = CODE_STATE;
		return;
	}
	if (!a->error) {
		tell(w, id, a->params);
		w->well++;
		return;
	}
	if (a->repeated && strcmp(a->error, w->control->gone_meanwhile) == 0) {
		verb_say(w->c, "job %" PRId64 " %s", id, w->control->done);
		return;
	}
	enum code code = fault_code(a->error);
	/* It was selected in another state than it is in now: it is not meant any more. */
	if (w->selection.filtered && (code == CODE_STATE || code == CODE_NOT_FOUND))
		return;
	if (w->failed++ == 0)
		w->first = code;
	if (code == CODE_DENIED) { /* there may be many: they are told together */
		if (!json_array_size(w->denied))
			w->denial = (struct answer){ .params = json_incref(a->params),
				.error = strdup(a->error), .method = a->method };
		json_array_append_new(w->denied, json_integer(id));
		return;
	}
	snprintf(what, sizeof what, "%s job %" PRId64, w->control->what, id);
	fault_say(what, a);
}

/* Those that the caller may not touch, in a line; and of many jobs how many it went well with. */
static void conclude(struct work *w)
{
	size_t n = json_array_size(w->denied), all = json_array_size(w->jobs);
	struct buf what = BUF_INIT;

	if (n) {
		buf_printf(&what, "%s job%s ", w->control->what, n == 1 ? "" : "s");
		queue_jobs_numbers(w->denied, NUMBERS_SHOWN, &what);
	}
	const char *text = buf_text(&what);
	if (what.failed)
		text = w->control->what;
	if (n && w->c->o->force)
		complain("cannot %s: not permitted; --force is for root and jobd's administrators, or %s", text,
		    n == 1 ? "it is another's job" : "they are others' jobs");
	else if (n && w->denial.error)
		fault_say(text, &w->denial);
	/* In a pipe, as of cron(8), only what went wrong is worth a mail. */
	if (all >= ASK_FROM && !w->c->o->quiet && (w->c->err.terminal || w->failed))
		complain("%s: %zu of %zu jobs done%s", w->control->verb, w->well, all,
		    w->failed ? ", the others not" : "");
	buf_fini(&what);
	answer_fini(&w->denial);
}

/* Takes the word that is no job: the signal, the priority. */
static enum code take_argument(struct work *w, int *nwords)
{
	struct ctl *c = w->c;
	if (w->control->argument == ARG_NONE)
		return CODE_DONE;
	if (*nwords == 0)
		return verb_usage(c, "which %s?", w->control->verb);
	const char *word = c->words[--*nwords];
	if (w->control->argument == ARG_PRIORITY) {
		w->argument = priority_parse(word);
		return w->argument ? CODE_DONE : verb_usage(c, PRIORITY_WRONG, word);
	}
	w->argument = status_signal_parse(word);
	if (*nwords > 0 && status_signal_parse(c->words[0]) && !strchr("0123456789", c->words[0][0]))
		return verb_wrong(c, "the signal comes last: signal %s %s", word, c->words[0]);
	return w->argument ? CODE_DONE : verb_usage(c, "there is no signal '%s'", word);
}

/* A person is asked before many jobs are changed. */
static bool agreed(const struct work *w)
{
	size_t n = json_array_size(w->jobs);
	char line[16] = "";

	if (n < ASK_FROM || w->c->o->yes || !w->c->err.terminal || !isatty(STDIN_FILENO))
		return true;
	fprintf(stderr, "%s %zu jobs? [y/N] ", w->control->verb, n);
	if (fgets(line, sizeof line, stdin) &&
	    (strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0))
		return true;
	complain("nothing was done");
	return false;
}

static enum code look_up(struct work *w)
{
	enum order order = w->control->order;

	w->selection.oldest_first = order == ORDER_NUMBERS || (order == ORDER_OLDEST && !w->selection.ids.n);
	/* A retry says which attempt it means, so that it can be repeated. */
	if (!w->selection.all_named || strcmp(w->control->verb, "retry") == 0) {
		enum code code = select_resolve(w->c, &w->selection, false, &w->jobs, &w->failed);
		if (w->failed)
			w->first = CODE_NOT_FOUND;
		return code;
	}
	w->jobs = json_array();
	for (size_t i = 0; i < w->selection.ids.n; i++)
		json_array_append_new(w->jobs,
		    json_pack("{s:I}", "id", (json_int_t)w->selection.ids.v[i].number));
	return CODE_DONE;
}

/* Waits for the jobs that are being cancelled, and says how each ended. */
static enum code wait_for_end(struct work *w)
{
	struct waiting waiting;
	size_t i;
	json_t *id;
	enum waiting_result r;

	if (!json_array_size(w->ending))
		return CODE_DONE;
	waiting_init(&waiting, &w->c->client, json_copy(w->ending), false, true);
	while ((r = waiting_next(&waiting, 1000)) != WAITING_ENDED && r != WAITING_FAILED)
		;
	json_array_foreach(w->ending, i, id) {
		json_t *job = waiting_job(&waiting, json_integer_value(id));
		if (r == WAITING_ENDED)
			verb_say(w->c, "job %" PRId64 " %s", (int64_t)json_integer_value(id),
			    job_text_or(job, "state", "is gone"));
	}
	waiting_fini(&waiting);
	return r == WAITING_ENDED ? CODE_DONE : CODE_UNREACHABLE;
}

static enum code carry_out(struct work *w, size_t *total)
{
	enum code code = look_up(w);
	*total = json_array_size(w->jobs) + w->failed;
	if (code != CODE_DONE)
		return code;
	if (*total == 0 && !w->selection.filtered)
		return select_none_there(w->c, w->c->nwords - (w->control->argument != ARG_NONE));
	if (*total == 0 && select_unknown(w->c))
		return CODE_NOT_FOUND;
	if (*total == 0 && w->selection.others && !w->c->o->quiet)
		complain("no job matches that %s could change and you may: %zu of other people's do",
		    w->control->verb, w->selection.others);
	else if (*total == 0 && !w->c->o->quiet)
		complain("no job matches that %s could change", w->control->verb);
	if (json_array_size(w->jobs) == 0)
		return CODE_DONE;
	if (!agreed(w))
		return CODE_SOME;
	struct bulk b = {
		.method = w->control->method,
		.n = json_array_size(w->jobs),
		.repeat = !w->control->unrepeatable,
		.params = params,
		.done = done,
		.ctx = w,
	};
	code = client_bulk(&w->c->client, &b);
	conclude(w);
	return code == CODE_DONE ? wait_for_end(w) : code;
}

/* Neither numbers nor options: of a number alone, it is not the job that is missing. */
static enum code no_jobs(const struct ctl *c, const struct control *control)
{
	struct ids ids = { 0 };
	bool number = control->argument != ARG_NONE && ids_add(&ids, c->words[0]) == IDS_OK;

	ids_fini(&ids);
	if (number)
		return verb_usage(c, "which %s for job %s?", control->verb, c->words[0]);
	return verb_usage(c, "which jobs?");
}

int verb_control(struct ctl *c)
{
	struct work w = { .c = c, .control = find(c->verb->name), .ending = json_array(),
		.denied = json_array() };
	int nwords = c->nwords;
	size_t total = 0;
	enum code code = take_argument(&w, &nwords);

	if (code == CODE_DONE && c->o->until && nwords && strcmp(w.control->verb, "hold") == 0)
		code = verb_wrong(c,
		    "--until selects by when jobs were submitted, and stands for no end; to start job "
		    "%s later: jobctl edit %s --at '%s'",
		    c->words[0], c->words[0], c->o->until);
	if (code == CODE_DONE)
		code = select_parse(c, c->words, nwords, &w.control->fit, &w.selection);
	w.selection.own = true;
	/* A slot is given up by one that is paused already, too; and who names paused jobs means them. */
	w.selection.resuming = strcmp(w.control->verb, "pause") == 0 && !c->o->release_slot && !c->o->states;
	if (code == CODE_DONE && !select_any(&w.selection))
		code = no_jobs(c, w.control);
	if (code == CODE_DONE)
		code = carry_out(&w, &total);
	if (code == CODE_DONE && w.failed)
		code = total > 1 ? CODE_SOME : w.first;
	select_fini(&w.selection);
	json_decref(w.jobs);
	json_decref(w.ending);
	json_decref(w.denied);
	return code;
}
