/* SPDX-License-Identifier: ISC */
/*
 * Submitting a plan, in slices: each is a call, and the last one seals it. A job that waits for one
 * of an earlier slice names its number, so the calls go out one after the other. When the
 * connection breaks, or jobd was started anew and knows the batch no more, they are all made again
 * from the first, with the same token: what was not sealed is dropped by jobd, and what was sealed is
 * not made twice.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/fault.h"
#include "jobctl/fields.h"
#include "jobctl/job.h"
#include "jobctl/plan.h"
#include "jobctl/select.h"
#include "jobctl/surroundings.h"
#include "lib/number.h"

#define SLICE_JOBS  250 /* a turn of the daemon each: others wait no longer than that takes */
#define SLICE_LINKS 2500
#define SLICE_BYTES (512u << 10)
#define AFTER_BYTES 48 /* of an element of after, at most */
#define RANGES_MAX  5 /* of numbers that are told */
#define TOLD_MAX    20 /* mistakes */

struct sending {
	struct ctl *c;
	const struct plan *plan;
	const char *file;
	json_t *common; /* what every call has */
	size_t *first;	/* of each slice, in plan->order; one more at the end */
	size_t nslices;
	size_t *place; /* of each job in plan->order */
	int64_t *ids;  /* of each job; 0: not known */
	int64_t batch;
	json_t *found; /* numbers of the batch's jobs, where the answers that had them were lost */
	bool stop, gone, last_sent, sealed_before;
	enum code code;
};

/* What is said of one job can't be said of all: it has its place in the plan. */
static enum code check_options(const struct ctl *c)
{
	const struct options *o = c->o;
	const struct {
		bool given;
		const char *name;
	} rows[] = {
		{ o->name, "name" },
		{ o->queues, "queue" },
		{ o->projects, "project" },
		{ o->priority, "priority" },
		{ o->meta, "meta" },
		{ o->hold, "hold" },
		{ o->rules, "timeout, --attempts and their like" },
		{ o->at || o->delay, "at" },
		{ o->deadline, "deadline" },
		{ o->after_ok || o->after_failed || o->after_any, "after" },
		{ o->drop_unmet, "drop-unmet" },
		{ o->unique, "unique" },
		{ o->template, "template" },
		{ o->shell, "shell" },
	};
	if (c->nwords)
		return verb_usage(
		    c, "--plan has the commands in its lines: no '%s' here", c->words[0]);
	if (o->if_exists)
		return verb_usage(c, "--plan: --if-exists does not go with it: where a line's key is "
				     "another job's, nothing is submitted");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].given)
			return verb_usage(c,
			    "--plan: --%s does not go with it: each line says that for itself",
			    rows[i].name);
	return CODE_DONE;
}

static bool is_input(const char *name)
{
	return strcmp(name, "-") == 0;
}

/* name is for messages. */
static enum code read_plan(const char *path, const char *name, struct plan *p)
{
	bool input = is_input(path);
	FILE *file = input ? stdin : fopen(path, "re");
	int rc;

	*p = (struct plan){ 0 };
	rc = file ? plan_read(file, p) : -errno;
	if (file && !input)
		fclose(file);
	if (rc != 0) {
		complain("cannot read the plan %s: %s", name, strerror(-rc));
		return rc == -ENOMEM ? CODE_SOME : CODE_USAGE;
	}
	return CODE_DONE;
}

/* Tells what is wrong with it; all that can be told is told at once. */
static enum code check_plan(struct ctl *c, const char *name, struct plan *p)
{
	bool whole = !p->nmistakes;
	size_t missing;
	enum code code = plan_check_known(c, p, &missing);

	plan_sort_mistakes(p);
	for (size_t i = 0; i < p->nmistakes && i < TOLD_MAX; i++)
		complain("%s:%lu: %s", name, p->mistakes[i].line, p->mistakes[i].text);
	if (p->nmistakes > TOLD_MAX)
		complain("and %zu more", p->nmistakes - TOLD_MAX);
	if (p->nmistakes) {
		complain("the plan has %zu mistake%s: nothing was submitted", p->nmistakes,
		    p->nmistakes == 1 ? "" : "s");
		return whole && p->nmistakes == missing ? CODE_NOT_FOUND : CODE_USAGE;
	}
	if (p->failed)
		complain("no memory");
	if (code != CODE_DONE || p->failed)
		return code != CODE_DONE ? code : CODE_SOME;
	if (p->n == 0) {
		complain("there is no job in the plan %s", name);
		return CODE_USAGE;
	}
	return CODE_DONE;
}

/* Cuts the order into slices that a message holds. */
static enum code cut(struct sending *s)
{
	size_t room = json_dumpb(s->common, NULL, 0, JSON_COMPACT), bytes = 0, jobs = 0,
	       links = 0;

	for (size_t i = 0; i < s->plan->n; i++) {
		const struct plan_job *j = &s->plan->jobs[s->plan->order[i]];
		size_t size =
		    json_dumpb(j->job, NULL, 0, JSON_COMPACT) + AFTER_BYTES * (j->nafter + 1);
		if (room + size + AFTER_BYTES * 8 > VARLINK_MESSAGE_MAX) {
			complain("%s:%lu: is too large: %zu kB, and %zu kB of environment, of "
				 "which %u kB can be sent",
			    s->file, j->line, size / 1024, room / 1024, VARLINK_MESSAGE_MAX / 1024);
			return CODE_USAGE;
		}
		if (i == 0 || jobs == SLICE_JOBS || bytes + size > SLICE_BYTES ||
		    links + j->nafter > SLICE_LINKS ||
		    room + bytes + size + AFTER_BYTES * 8 > VARLINK_MESSAGE_MAX) {
			s->first[s->nslices++] = i;
			bytes = jobs = links = 0;
		}
		bytes += size;
		links += j->nafter;
		jobs++;
		s->place[s->plan->order[i]] = i;
	}
	s->first[s->nslices] = s->plan->n;
	return CODE_DONE;
}

/* after, as the protocol has it, of a job in the slice that begins at first. */
static json_t *afters(const struct sending *s, const struct plan_job *j, size_t first)
{
	json_t *array = json_array();

	for (size_t i = 0; i < j->nafter; i++) {
		const struct plan_after *a = &j->after[i];
		bool same = a->in_plan && s->place[a->job] >= first;
		json_int_t number = same	 ? (json_int_t)(s->place[a->job] - first)
				    : a->in_plan ? (json_int_t)s->ids[a->job]
						 : (json_int_t)a->id;
		json_array_append_new(
		    array, json_pack("{s:I, s:s}", same ? "item" : "id", number, "on", a->on));
	}
	return array;
}

static json_t *params(void *ctx, size_t slice)
{
	struct sending *s = ctx;
	json_t *p = json_copy(s->common), *jobs = json_array();
	bool last = slice + 1 == s->nslices;

	for (size_t i = s->first[slice]; i < s->first[slice + 1]; i++) {
		const struct plan_job *j = &s->plan->jobs[s->plan->order[i]];
		json_t *job = json_copy(j->job);
		if (j->nafter)
			json_object_set_new(job, "after", afters(s, j, s->first[slice]));
		json_array_append_new(jobs, job);
	}
	json_object_set_new(p, "jobs", jobs);
	if (slice > 0)
		json_object_set_new(p, "batch", json_integer((json_int_t)s->batch));
	if (!last)
		json_object_set_new(p, "more_follows", json_true());
	s->last_sent = s->last_sent || last;
	return p;
}

/* Which lines a call was about, and the one that jobd names, if it does: "jobs[3].queue". */
static void say_refused(const struct sending *s, size_t slice, const struct answer *a)
{
	char what[512];
	const char *parameter = job_text_or(a->params, "parameter", "");
	size_t item, from = s->first[slice], to = s->first[slice + 1];

	if (sscanf(parameter, "jobs[%zu]", &item) == 1 && item < to - from) {
		snprintf(what, sizeof what, "submit the plan: %s:%lu", s->file,
		    s->plan->jobs[s->plan->order[from + item]].line);
	} else if (s->nslices == 1) {
		snprintf(what, sizeof what, "submit the plan %s", s->file);
	} else {
		unsigned long first = (unsigned long)-1, last = 0;
		for (size_t i = from; i < to; i++) {
			unsigned long line = s->plan->jobs[s->plan->order[i]].line;
			first = line < first ? line : first;
			last = line > last ? line : last;
		}
		snprintf(what, sizeof what, "submit the plan: %s:%lu-%lu", s->file, first, last);
	}
	fault_say(what, a);
}

static void done(void *ctx, size_t slice, const struct answer *a)
{
	struct sending *s = ctx;
	const json_t *ids = json_object_get(a->params, "ids");
	size_t from = s->first[slice], to = s->first[slice + 1];
	bool last = slice + 1 == s->nslices, sealed = job_flag(a->params, "sealed");

	if (a->error) {
		s->stop = true;
		s->gone = slice > 0 && strcmp(a->error, "org.jobd.Job.NotFound") == 0 &&
			  job_int(a->params, "id", 0) == s->batch;
		if (s->gone) /* the batch is: jobd was started anew, and the connection may have lived on */
			return;
		s->code = fault_code(a->error);
		if (strcmp(a->error, "org.varlink.service.PermissionDenied") == 0 &&
		    fields_other_user(s->c->o))
			complain("cannot submit the plan: not permitted; only root may submit for another user");
		else
			say_refused(s, slice, a);
		return;
	}
	s->batch = job_int(a->params, "batch", 0);
	/* It was, before the connection broke. */
	if (sealed && (!last || json_array_size(ids) != to - from)) {
		s->stop = s->sealed_before = true;
		return;
	}
	for (size_t i = from; i < to && json_array_size(ids) == to - from; i++)
		s->ids[s->plan->order[i]] = json_integer_value(json_array_get(ids, i - from));
}

static int64_t take_found(void *ctx, json_t *jobs, const char *cursor)
{
	struct sending *s = ctx;
	size_t i;
	json_t *job;

	(void)cursor;
	json_array_foreach(jobs, i, job) {
		json_array_append(s->found, json_object_get(job, "id"));
	}
	return json_array_size(s->found) < s->plan->n ? INT64_MAX : 0;
}

/* Asks which jobs the batch has, the newest first: they were made in the order of the plan. */
static enum code find_numbers(struct sending *s)
{
	size_t n = s->plan->n;

	s->found = json_array();
	enum code code = select_pages(s->c,
	    &(struct select_walk){ .filter = json_pack("{s:I}", "batch", (json_int_t)s->batch),
		.wanted = INT64_MAX, .page = take_found, .ctx = s });
	for (size_t i = 0; i < n; i++)
		s->ids[s->plan->order[i]] =
		    json_array_size(s->found) == n
			? json_integer_value(json_array_get(s->found, n - 1 - i))
			: 0;
	json_decref(s->found);
	return code;
}

/* Makes the calls, and anew from the first where the batch is gone. */
static enum code send_slices(struct sending *s, const struct bulk *b)
{
	enum code code;

	for (unsigned anew = 0;; anew++) {
		s->stop = s->gone = false;
		code = client_bulk(&s->c->client, b);
		if (code != CODE_DONE || !s->gone)
			return code;
		if (anew == CLIENT_ANEW)
			break;
	}
	complain("jobd was started anew again and again meanwhile (jobctl health)");
	s->last_sent = false; /* that one did not know the batch either */
	return CODE_UNREACHABLE;
}

static enum code send_all(struct sending *s)
{
	struct bulk b = {
		.method = "org.jobd.Job.SubmitMany",
		.n = s->nslices,
		.repeat = true,
		.in_turn = true,
		.stop = &s->stop,
		.params = params,
		.done = done,
		.ctx = s,
	};
	enum code code = send_slices(s, &b);

	if (code == CODE_DONE && s->sealed_before)
		return find_numbers(s);
	if (code != CODE_DONE && s->last_sent)
		complain("whether the plan was submitted is not known: jobctl list tells");
	else if (code != CODE_DONE || s->code != CODE_DONE)
		complain("nothing of the plan was submitted");
	return code != CODE_DONE ? code : s->code;
}

/* "12 to 10011"; where others came between, "12-511,520-1007". */
static void numbers(const struct sending *s, struct buf *out)
{
	size_t n = s->plan->n, ranges = 0;
	uint64_t *ids = calloc(n, sizeof *ids);

	if (!ids)
		return;
	for (size_t i = 0; i < n; i++)
		ids[i] = (uint64_t)s->ids[i];
	qsort(ids, n, sizeof *ids, number_compare);
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && ids[k] == ids[k - 1] + 1; k++)
			;
		if (++ranges > RANGES_MAX) {
			buf_printf(out, " ... to %" PRIu64, ids[n - 1]);
			break;
		}
		buf_printf(out, "%s%" PRIu64, i ? "," : ", ", ids[i]);
		if (k - i > 1)
			buf_printf(out, "%s%" PRIu64, k - i == n ? " to " : "-", ids[k - 1]);
	}
	free(ids);
}

static void tell(const struct sending *s)
{
	struct buf text = BUF_INIT;
	size_t n = s->plan->n;
	bool known = s->ids[0] > 0;

	for (size_t i = 0; i < n && known && s->c->o->parsable; i++)
		printf("%" PRId64 "\n", s->ids[i]);
	if (s->c->o->parsable)
		return;
	if (known)
		numbers(s, &text);
	buf_printf(&text, ", batch %" PRId64, s->batch);
	verb_say(s->c, "plan %s: %zu job%s%s", s->file, n, n == 1 ? "" : "s", buf_text(&text));
	buf_fini(&text);
}

/* The same, and that it is done where that could not be written. */
static void tell_surely(const struct sending *s)
{
	tell(s);
	if (fflush(stdout) != 0 || ferror(stdout))
		complain("the plan was submitted all the same (batch %" PRId64 ")", s->batch);
}

static enum code submit(struct sending *s)
{
	size_t n = s->plan->n;
	enum code code;

	s->first = calloc(n + 1, sizeof *s->first);
	s->place = calloc(n, sizeof *s->place);
	s->ids = calloc(n, sizeof *s->ids);
	if (!s->first || !s->place || !s->ids) {
		complain("no memory");
		return CODE_SOME;
	}
	const struct options *o = s->c->o;
	if ((code = fields_user(s->c, s->common)) != CODE_DONE ||
	    (code = surroundings_put(s->c, SURROUNDINGS_ALL, fields_other_user(o), s->common)) !=
		CODE_DONE ||
	    (code = fields_token(s->common)) != CODE_DONE || (code = cut(s)) != CODE_DONE)
		return code;
	return send_all(s);
}

enum code plan_submit(struct ctl *c, json_t **ids)
{
	struct plan plan = { 0 };
	struct sending s = { .c = c, .plan = &plan, .common = json_object() };
	enum code code = check_options(c);

	*ids = json_array();
	s.file = is_input(c->o->plan) ? "standard input" : c->o->plan;
	if (code == CODE_DONE)
		code = read_plan(c->o->plan, s.file, &plan);
	if (code == CODE_DONE)
		code = check_plan(c, s.file, &plan);
	if (code == CODE_DONE)
		code = submit(&s);
	if (code == CODE_DONE)
		tell_surely(&s);
	for (size_t i = 0; code == CODE_DONE && i < plan.n && s.ids[i] > 0; i++)
		json_array_append_new(*ids, json_integer((json_int_t)s.ids[i]));
	free(s.first);
	free(s.place);
	free(s.ids);
	json_decref(s.common);
	plan_fini(&plan);
	return code;
}
