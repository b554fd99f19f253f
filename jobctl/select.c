/* SPDX-License-Identifier: ISC */
/*
 * Selections. The daemon filters; here the words become its parameters, and
 * what a verb can't do anything with is left out before it is asked for: cancelling
 * everything of a user must not walk through a million ended jobs.
 */
#include "config.h"

#include "jobctl/select.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/fields.h"
#include "jobctl/job.h"
#include "jobctl/when.h"
#include "lib/clock.h"
#include "lib/status.h"

#define PAGE_MAX 1000 /* the protocol's */

/* Whether the word stands in a list separated by spaces. */
static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *p = list; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (strcspn(p, " ") == len && strncmp(p, word, len) == 0)
			return true;
	return false;
}

/* Appends the parts of "a,b" to array. False for an empty part, or no UTF-8. */
static bool add_parts(json_t *array, const char *text)
{
	for (;; text++) {
		size_t len = strcspn(text, ",");
		if (len == 0 || json_array_append_new(array, json_stringn(text, len)) != 0)
			return false;
		text += len;
		if (!*text)
			return true;
	}
}

enum code select_list(
    const struct ctl *c, json_t *filter, const char *key, const char *option, char *const *values)
{
	if (!values)
		return CODE_DONE;
	json_t *array = json_array();
	json_object_set_new(filter, key, array);
	for (; *values; values++)
		if (!add_parts(array, *values))
			return verb_usage(c, "--%s: '%s' is no list of names", option, *values);
	return CODE_DONE;
}

/* Adds the states with this name; "live" and "ended" are several. False: there is none. */
static bool add_state(json_t *array, const char *name)
{
	bool live = strcmp(name, "live") == 0, ended = strcmp(name, "ended") == 0, found = false;
	const struct job_state_info *s;

	for (size_t i = 0; (s = job_state_at(i)) != NULL; i++) {
		if ((live && !s->ended) || (ended && s->ended) || strcmp(name, s->name) == 0) {
			json_array_append_new(array, json_string(s->name));
			found = true;
		}
	}
	return found;
}

static enum code no_state(const struct ctl *c, const char *name)
{
	struct buf all = BUF_INIT;
	const struct job_state_info *s;

	for (size_t i = 0; (s = job_state_at(i)) != NULL; i++)
		buf_printf(&all, "%s%s", i ? " " : "", s->name);
	if ((c->verb->options & OPTIONS_CANCEL) && status_signal_parse(name)) {
		buf_fini(&all);
		return verb_wrong(c, "-s is --state, and '%s' is none; a signal is sent by: jobctl signal %s %s",
		    name, c->nwords ? c->words[0] : "ID", name);
	}
	verb_usage(c, "--state: there is no state '%s' (%s; live, ended)", name, buf_text(&all));
	buf_fini(&all);
	return CODE_USAGE;
}

/* --state, as the states it names; NULL: not given, or *code tells what is wrong. */
static json_t *asked_states(const struct ctl *c, enum code *code)
{
	json_t *words = json_object(), *array = NULL, *word;
	size_t i;

	*code = select_list(c, words, "states", "state", c->o->states);
	if (*code == CODE_DONE && c->o->states) {
		array = json_array();
		json_array_foreach(json_object_get(words, "states"), i, word) {
			if (add_state(array, json_string_value(word)))
				continue;
			*code = no_state(c, json_string_value(word));
			json_decref(array);
			array = NULL;
			break;
		}
	}
	json_decref(words);
	return array;
}

/* Puts the states to ask for into the filter. */
static enum code add_states(const struct ctl *c, json_t *filter, const struct select_states *fit)
{
	enum code code;
	json_t *asked = asked_states(c, &code);
	const struct job_state_info *s;

	if (code != CODE_DONE || (!asked && !fit))
		return code;
	if (!asked) {
		asked = json_array();
		for (size_t i = 0; (s = job_state_at(i)) != NULL; i++)
			if (listed(fit->states, s->name))
				json_array_append_new(asked, json_string(s->name));
	}
	for (size_t i = json_array_size(asked); fit && i-- > 0;) {
		const char *name = json_string_value(json_array_get(asked, i));
		if (!listed(fit->states, name) && !listed(fit->also, name))
			json_array_remove(asked, i);
	}
	json_object_set_new(filter, "states", asked);
	if (json_array_size(asked) > 0)
		return CODE_DONE;
	complain("%s is only for jobs in one of these states: %s", c->verb->name, fit->states);
	return CODE_STATE;
}

static enum code add_meta(const struct ctl *c, json_t *filter)
{
	if (!c->o->meta)
		return CODE_DONE;
	json_t *meta = json_object();
	json_object_set_new(filter, "meta", meta);
	return verb_meta(c, meta);
}

static enum code add_time(
    const struct ctl *c, json_t *filter, const char *key, const char *option, const char *text)
{
	uint64_t us;
	if (!text)
		return CODE_DONE;
	if (!when_parse(text, clock_real_us(), &us))
		return verb_usage(c, "--%s: '%s' is no time (2026-11-21, '2026-11-21 14:30', 14:30, "
				     "90min, yesterday, @EPOCH)", option, text);
	json_object_set_new(filter, key, json_integer((json_int_t)us));
	return CODE_DONE;
}

static enum code add_text(
    const struct ctl *c, json_t *filter, const char *key, const char *option, const char *text)
{
	if (text && json_object_set_new(filter, key, json_string(text)) != 0)
		return verb_wrong(c, "--%s: that is no UTF-8", option);
	return CODE_DONE;
}

/* --user; jobd knows users by name, so a number becomes one where it has one. */
static enum code add_users(const struct ctl *c, json_t *filter)
{
	enum code code = select_list(c, filter, "users", "user", c->o->users);
	json_t *users = json_object_get(filter, "users"), *user;
	size_t i;

	json_array_foreach(users, i, user) {
		const struct passwd *pw = fields_numbered_user(json_string_value(user));
		if (pw)
			json_array_set_new(users, i, json_string(pw->pw_name));
	}
	return code;
}

static enum code add_batch(const struct ctl *c, json_t *filter)
{
	long long batch;

	if (!c->o->batch)
		return CODE_DONE;
	if (!verb_number(c, "--batch", c->o->batch, 1, INT64_MAX, &batch))
		return CODE_USAGE;
	json_object_set_new(filter, "batch", json_integer(batch));
	return CODE_DONE;
}

enum code select_parse(const struct ctl *c, char *const *words, int nwords,
    const struct select_states *states, struct selection *s)
{
	const struct options *o = c->o;
	enum code code;

	*s = (struct selection){ .filter = json_object() };
	s->filtered = o->states || o->queues || o->projects || o->users || o->name || o->meta ||
		      o->since || o->until || o->search || o->reasons || o->batch;
	if ((code = select_list(c, s->filter, "queues", "queue", o->queues)) != CODE_DONE ||
	    (code = select_list(c, s->filter, "reasons", "reason", o->reasons)) != CODE_DONE ||
	    (code = add_batch(c, s->filter)) != CODE_DONE ||
	    (code = select_list(c, s->filter, "projects", "project", o->projects)) != CODE_DONE ||
	    (code = add_users(c, s->filter)) != CODE_DONE ||
	    (code = add_text(c, s->filter, "name", "name", o->name)) != CODE_DONE ||
	    (code = add_text(c, s->filter, "search", "search", o->search)) != CODE_DONE ||
	    (code = add_meta(c, s->filter)) != CODE_DONE ||
	    (code = add_time(c, s->filter, "since_us", "since", o->since)) != CODE_DONE ||
	    (code = add_time(c, s->filter, "until_us", "until", o->until)) != CODE_DONE)
		return code;
	s->all_named = !s->filtered;
	for (int i = 0; i < nwords; i++) {
		size_t before = s->ids.n;
		switch (ids_add(&s->ids, words[i])) {
		case IDS_OK:
			break;
		case IDS_BACKWARDS:
			return verb_usage(c, "'%s' ends before it begins", words[i]);
		case IDS_TOO_MANY:
			return verb_usage(c, "'%s': more than %d jobs", words[i], IDS_MAX);
		case IDS_NO_MEMORY:
			complain("no memory");
			return CODE_SOME;
		case IDS_NOT_A_NUMBER:
		default:
			return verb_usage(c, "'%s' is no job number (7), range (3-9) or list (1,4)", words[i]);
		}
		for (; before < s->ids.n; before++)
			s->all_named = s->all_named && s->ids.v[before].named;
	}
	ids_unique(&s->ids);
	/* Numbers given by hand keep their errors; a filter leaves out what makes no sense. */
	return s->filtered ? add_states(c, s->filter, states) : CODE_DONE;
}

void select_fini(struct selection *s)
{
	ids_fini(&s->ids);
	json_decref(s->filter);
	*s = (struct selection){ 0 };
}

bool select_any(const struct selection *s)
{
	return s->filtered || s->ids.n > 0;
}

enum code select_pages(struct ctl *c, const struct select_walk *w)
{
	char *next = w->cursor && *w->cursor ? strdup(w->cursor) : NULL;
	int64_t wanted = w->wanted;
	enum code code = CODE_DONE;

	while (wanted > 0) {
		json_t *params = json_copy(w->filter), *reply;
		json_object_set_new(params, "limit", json_integer(wanted < PAGE_MAX ? wanted : PAGE_MAX));
		if (next)
			json_object_set_new(params, "cursor", json_string(next));
		code = client_ask(&c->client, "list jobs", "org.jobd.Job.List", params, &reply);
		if (code != CODE_DONE)
			break;
		const char *had = job_text(reply, "cursor");
		free(next);
		next = had ? strdup(had) : NULL;
		wanted = w->page(w->ctx, json_object_get(reply, "jobs"), next);
		if (!next)
			wanted = 0;
		json_decref(reply);
	}
	free(next);
	json_decref(w->filter);
	return code;
}

struct gather {
	json_t *found;
	size_t others; /* jobs that were passed over */
	bool whole; /* keep all of a job */
	bool own;   /* pass over the jobs of others */
	bool own_past; /* those that have ended */
	bool resuming; /* pass over what is paused and stays so */
};

static json_t *slim(const json_t *job)
{
	return json_pack("{s:O, s:O, s:O*}", "id", json_object_get(job, "id"), "state",
	    json_object_get(job, "state"), "attempt", json_object_get(job, "attempt"));
}

static int64_t gather(void *ctx, json_t *jobs, const char *cursor)
{
	struct gather *g = ctx;
	size_t i;
	json_t *job;

	(void)cursor;
	json_array_foreach(jobs, i, job) {
		if (g->resuming && strcmp(job_text_or(job, "state", ""), "paused") == 0 &&
		    !job_flag(job, "resume_requested"))
			continue;
		if ((g->own || (g->own_past && job_ended(job))) && !job_shown(job)) {
			g->others++;
			continue;
		}
		if (json_array_append_new(g->found, g->whole ? json_incref(job) : slim(job)) != 0)
			return 0;
	}
	return PAGE_MAX;
}

struct numbered {
	int64_t id; /* first: by_id compares with a number alone, too */
	json_t *job;
};

static int by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/* The jobs by number, borrowed, and one that is none; the array is the caller's. NULL: no memory. */
static struct numbered *sorted_by_id(const json_t *jobs)
{
	size_t n = json_array_size(jobs);
	struct numbered *sorted = calloc(n + 1, sizeof *sorted);

	for (size_t i = 0; sorted && i < n; i++) {
		json_t *job = json_array_get(jobs, i);
		sorted[i] = (struct numbered){ job_int(job, "id", 0), job };
	}
	if (sorted)
		qsort(sorted, n, sizeof *sorted, by_id);
	return sorted;
}

static enum code put_oldest_first(json_t *jobs)
{
	struct numbered *sorted = sorted_by_id(jobs);

	if (!sorted)
		return CODE_SOME;
	for (size_t i = 0; sorted[i].job; i++)
		json_incref(sorted[i].job);
	json_array_clear(jobs);
	for (size_t i = 0; sorted[i].job; i++)
		json_array_append_new(jobs, sorted[i].job);
	free(sorted);
	return CODE_DONE;
}

/* Puts what was found into the order of the numbers, and tells what of them is missing. */
static enum code arrange(struct ctl *c, const struct selection *s, json_t *found, json_t *jobs,
    size_t *missing)
{
	size_t n = json_array_size(found);
	struct numbered *sorted = sorted_by_id(found);
	if (!sorted)
		return CODE_SOME;
	for (size_t i = 0; i < s->ids.n; i++) {
		int64_t number = (int64_t)s->ids.v[i].number;
		const struct numbered *at = bsearch(&number, sorted, n, sizeof *sorted, by_id);
		if (at) {
			json_array_append(jobs, at->job);
		} else if (s->ids.v[i].named && !s->filtered) {
			complain("cannot %s job %" PRId64 ": there is no such job", c->verb->name, number);
			(*missing)++;
		}
	}
	free(sorted);
	return CODE_DONE;
}

enum code select_resolve(struct ctl *c, struct selection *s, bool whole, json_t **jobs, size_t *missing)
{
	json_t *found = json_array();
	struct gather g = { .found = found, .whole = whole, .own = s->own && s->filtered,
		.own_past = s->own_past && s->filtered, .resuming = s->resuming && s->filtered };
	struct select_walk walk = { .wanted = PAGE_MAX, .page = gather, .ctx = &g };
	enum code code = CODE_DONE;

	*missing = 0;
	*jobs = json_array();
	if (!s->ids.n) {
		walk.filter = json_copy(s->filter);
		code = select_pages(c, &walk);
	}
	for (size_t i = 0; i < s->ids.n && code == CODE_DONE; i += PAGE_MAX) {
		json_t *ids = json_array();
		for (size_t k = i; k < s->ids.n && k < i + PAGE_MAX; k++)
			json_array_append_new(ids, json_integer((json_int_t)s->ids.v[k].number));
		walk.filter = json_copy(s->filter);
		json_object_set_new(walk.filter, "ids", ids);
		code = select_pages(c, &walk);
	}
	if (code == CODE_DONE && s->ids.n)
		code = arrange(c, s, found, *jobs, missing);
	else if (code == CODE_DONE)
		json_array_extend(*jobs, found);
	if (code == CODE_DONE && s->oldest_first)
		code = put_oldest_first(*jobs);
	s->others = g.others;
	json_decref(found);
	return code;
}

enum code select_none_there(const struct ctl *c, int nwords)
{
	struct buf words = BUF_INIT;

	for (int i = 0; i < nwords; i++)
		buf_printf(&words, "%s%s", i ? " " : "", c->words[i]);
	complain("%s: there is no job in the range %s", c->verb->name, buf_text(&words));
	buf_fini(&words);
	return CODE_NOT_FOUND;
}
