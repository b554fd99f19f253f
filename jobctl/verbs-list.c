/* SPDX-License-Identifier: ISC */
/*
 * list: which jobs, in which order, how many; listing.c shows them.
 *
 * Without a selection what runs comes first, since that is what one looks for, then what waits, then
 * what ended last; at a terminal a screenful. A list that was cut short says so at a terminal, with
 * the cursor to go on from; where a cursor was given, elsewhere as well.
 */
#include "config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/listing.h"
#include "jobctl/select.h"

#define LINES_DEFAULT 50
#define LINES_LEAST   10
#define LINES_AROUND  4 /* the heading, what is said below, the prompt */
#define PARTS	      3
#define UNLIMITED     INT64_MAX
#define SPARE	      1000 /* jobs that are gathered beyond what is kept before the last of them are dropped */

struct list {
	struct ctl *c;
	struct listing listing;
	int64_t left;	/* lines that may still be shown */
	size_t found;
	char *cursor;	/* where the list was cut; NULL: it was not */
	int64_t shown[PARTS]; /* without a selection: of each part */
	bool short_of_lines;
	size_t left_out; /* jobs that were found, and not shown */
	json_t *sorted; /* with --sort: what is gathered, the first of all so far, and shown at the end */
	size_t kept;	/* how many of them there were when the last ones were dropped */
};

/* Drops as many jobs from the end as there are no lines for; those that have not ended are perhaps kept. */
static void drop_last(struct list *l, json_t *jobs, bool keep_live)
{
	size_t n = json_array_size(jobs);

	for (size_t i = n; i-- > 0 && (int64_t)json_array_size(jobs) > l->left;)
		if (!keep_live || job_ended(json_array_get(jobs, i)))
			json_array_remove(jobs, i);
	l->left_out += n - json_array_size(jobs);
}

/* Puts in order what was gathered. As without --sort all that has not ended stays, unless --limit cuts. */
static void put_in_order(struct list *l)
{
	listing_sort(l->sorted, l->c->o->sort);
	drop_last(l, l->sorted, !l->c->o->limit);
	l->kept = json_array_size(l->sorted);
}

/* All are looked at, for any may be the first; but a million are not kept to show fifty. */
static int64_t gather(struct list *l, json_t *jobs)
{
	if (json_array_extend(l->sorted, jobs) < 0)
		return 0;
	if (l->left < UNLIMITED && json_array_size(l->sorted) / 2 > l->kept + SPARE)
		put_in_order(l);
	return UNLIMITED;
}

static int64_t page(void *ctx, json_t *jobs, const char *cursor)
{
	struct list *l = ctx;
	l->found += json_array_size(jobs);
	if (l->sorted)
		return gather(l, jobs);
	if (!listing_show(&l->listing, jobs))
		return 0;
	if (l->left != UNLIMITED)
		l->left -= (int64_t)json_array_size(jobs);
	free(l->cursor);
	l->cursor = cursor ? strdup(cursor) : NULL;
	return l->left;
}

/* The parts of a list without a selection; words are queues' counters as well, of those that live. */
static const struct {
	const char *states[3], *what;
} parts[PARTS] = {
	{ { "running", "paused" }, "run or are paused" },
	{ { "queued", "held" }, "wait" },
	{ { "completed", "failed", "cancelled" }, NULL },
};

static json_t *states(size_t at)
{
	json_t *array = json_array();
	for (size_t i = 0; i < 3 && parts[at].states[i]; i++)
		json_array_append_new(array, json_string(parts[at].states[i]));
	return json_pack("{s:o}", "states", array);
}

/* As many of what the filter (stolen) selects as there are lines left. */
static enum code show_pages(struct list *l, json_t *filter, const char *cursor)
{
	return select_pages(l->c, &(struct select_walk){ .filter = filter, .cursor = cursor,
				      .wanted = l->left, .page = page, .ctx = l });
}

/* Each part, as far as there are lines left; unless it is to be cut, what is live is shown whole. */
static enum code list_present(struct list *l)
{
	const struct options *o = l->c->o;
	bool begins = o->cursor && !*o->cursor; /* to page: of what is live no later page has any */
	bool cut = !begins && (o->limit || (l->c->out.terminal && !l->sorted && !o->json));
	enum code code = CODE_DONE;

	for (size_t i = o->cursor && !begins ? PARTS - 1 : 0; i < PARTS && code == CODE_DONE; i++) {
		bool live = parts[i].what != NULL;
		size_t before = l->found;
		int64_t lines = l->left;
		if (live && !cut && !l->sorted)
			l->left = UNLIMITED;
		if (l->left > 0)
			code = show_pages(l, states(i), live ? NULL : o->cursor);
		l->shown[i] = (int64_t)(l->found - before);
		if (live && !cut && !l->sorted)
			l->left = begins ? lines : lines > l->shown[i] ? lines - l->shown[i] : 0;
		if (live) { /* it goes on from ended ones alone */
			free(l->cursor);
			l->cursor = NULL;
		}
	}
	l->short_of_lines = cut && l->left <= 0;
	return code;
}

/* The jobs whose numbers were given. */
static enum code list_named(struct list *l, struct selection *s)
{
	json_t *jobs;
	size_t missing;
	enum code code = select_resolve(l->c, s, true, &jobs, &missing);

	if (code == CODE_DONE) {
		if (!l->sorted && l->left < (int64_t)json_array_size(jobs))
			drop_last(l, jobs, false);
		page(l, jobs, NULL);
		if (missing)
			code = s->ids.n == 1 ? CODE_NOT_FOUND : CODE_SOME;
	}
	json_decref(jobs);
	return code;
}

static enum code take_limit(struct list *l, bool selected)
{
	const struct options *o = l->c->o;
	long long limit;

	if (!o->limit) {
		bool terminal = l->c->out.terminal && !l->sorted;
		int screenful = l->c->out.height - LINES_AROUND;
		l->left = selected && !terminal ? UNLIMITED : LINES_DEFAULT;
		if (!selected && terminal && !o->json && l->c->out.height > 0)
			l->left = screenful > LINES_LEAST ? screenful : LINES_LEAST;
		return CODE_DONE;
	}
	if (!verb_number(l->c, "--limit", o->limit, 0, INT64_MAX, &limit))
		return CODE_USAGE;
	l->left = limit ? limit : UNLIMITED;
	return CODE_DONE;
}

static enum code check(const struct ctl *c)
{
	const struct options *o = c->o;
	if (o->output && strcmp(o->output, "json") == 0)
		return verb_wrong(c, "--output: there is only 'wide'; JSON is --json");
	if (o->output && strcmp(o->output, "wide") != 0)
		return verb_usage(c, "--output: there is only 'wide', not '%s'", o->output);
	if (o->sort && !listing_has(o->sort)) {
		struct buf keys = BUF_INIT;
		listing_keys(&keys);
		const char *text = buf_text(&keys);
		verb_wrong(c, "--sort: there is no column '%s'; there are %s", o->sort,
		    keys.failed ? "others" : text);
		buf_fini(&keys);
		return CODE_USAGE;
	}
	if (o->sort && o->cursor)
		return verb_usage(c, "--sort needs all jobs, --cursor gives a part of them");
	if (o->cursor && c->nwords)
		return verb_usage(c, "--cursor goes on in a selection; of numbers all are shown");
	return CODE_DONE;
}

static int64_t look_at(void *ctx, json_t *jobs, const char *cursor)
{
	bool *any = ctx;
	(void)cursor;
	*any = json_array_size(jobs) > 0;
	return 0;
}

/* Says so where there are ended jobs, of which none is shown. */
static void say_ended(struct list *l)
{
	bool any = false;

	if (!l->shown[PARTS - 1] &&
	    select_pages(l->c, &(struct select_walk){ .filter = states(PARTS - 1), .wanted = 1,
				  .page = look_at, .ctx = &any }) == CODE_DONE && any)
		complain("those that have ended are left out: jobctl list --state ended");
}

/* How many that have not ended were left out, by what the queues count. */
static void say_left_out(struct list *l)
{
	json_t *reply, *queue;
	size_t k;

	if (client_ask(&l->c->client, "list the queues", "org.jobd.Queue.List", json_object(), &reply) !=
	    CODE_DONE)
		return;
	for (size_t i = 0; parts[i].what; i++) {
		const char *const *s = parts[i].states;
		int64_t more = -l->shown[i];
		json_array_foreach(json_object_get(reply, "queues"), k, queue) {
			more += job_int(queue, s[0], 0) + job_int(queue, s[1], 0);
		}
		if (more > 0)
			complain("%" PRId64 " more %s: jobctl list --limit 0 --state %s,%s", more,
			    parts[i].what, s[0], s[1]);
	}
	json_decref(reply);
}

static void say_more(struct list *l)
{
	if (l->c->o->quiet)
		return;
	/* Who gives a cursor, if an empty one, pages: also where nobody looks. */
	if (l->cursor && (l->c->err.terminal || l->c->o->cursor))
		complain("there are more: --cursor %s goes on, --limit 0 shows all", l->cursor);
	if (!l->c->err.terminal)
		return;
	if (l->left_out)
		complain("%zu more are left out: --limit 0 shows all", l->left_out);
	if (l->short_of_lines && !l->sorted) {
		say_left_out(l);
		say_ended(l);
	}
}

static enum code list(struct list *l, struct selection *s)
{
	enum code code = take_limit(l, select_any(s));
	if (code != CODE_DONE)
		return code;
	if (s->ids.n)
		code = list_named(l, s);
	else if (s->filtered)
		code = show_pages(l, json_copy(s->filter), l->c->o->cursor);
	else
		code = list_present(l);
	if (code != CODE_DONE && code != CODE_NOT_FOUND && code != CODE_SOME)
		return code;
	if (l->sorted) {
		put_in_order(l);
		listing_show(&l->listing, l->sorted);
	}
	listing_end(&l->listing);
	say_more(l);
	if (code == CODE_DONE && !l->found && s->filtered && select_unknown(l->c))
		return CODE_NOT_FOUND;
	return code;
}

int verb_list(struct ctl *c)
{
	struct list l = { .c = c };
	struct selection s = { 0 };
	enum code code = check(c);

	if (code == CODE_DONE)
		code = select_parse(c, c->words, c->nwords, NULL, &s);
	if (code == CODE_DONE &&
	    !listing_init(&l.listing, &c->out, c->o->json, c->o->output != NULL)) {
		complain("no memory");
		code = CODE_SOME;
	}
	if (code == CODE_DONE) {
		l.sorted = c->o->sort ? json_array() : NULL;
		code = list(&l, &s);
	}
	listing_fini(&l.listing);
	json_decref(l.sorted);
	free(l.cursor);
	select_fini(&s);
	return code;
}
