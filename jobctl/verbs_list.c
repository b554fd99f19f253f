/* SPDX-License-Identifier: ISC */
/*
 * list: which jobs, in which order, how many; listing.c shows them.
 *
 * Without a selection everything that has not ended comes first, since that is
 * what one looks for; then what ended last. A list that was cut short says so at a terminal, with
 * the cursor to go on from.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/listing.h"
#include "jobctl/select.h"

#define LINES_DEFAULT 50
#define UNLIMITED     INT64_MAX

struct list {
	struct ctl *c;
	struct listing listing;
	int64_t left;	/* lines that may still be shown */
	size_t found;
	char *cursor;	/* where the list was cut; NULL: it was not */
	json_t *sorted; /* with --sort: everything is gathered, and shown at the end */
};

static int64_t page(void *ctx, json_t *jobs, const char *cursor)
{
	struct list *l = ctx;
	l->found += json_array_size(jobs);
	if (l->sorted)
		return json_array_extend(l->sorted, jobs) == 0 ? UNLIMITED : 0;
	if (!listing_show(&l->listing, jobs))
		return 0;
	if (l->left != UNLIMITED)
		l->left -= (int64_t)json_array_size(jobs);
	free(l->cursor);
	l->cursor = cursor ? strdup(cursor) : NULL;
	return l->left;
}

static json_t *states(bool ended)
{
	const struct job_state_info *s;
	json_t *array = json_array(), *filter = json_object();
	for (size_t i = 0; (s = job_state_at(i)) != NULL; i++)
		if (s->ended == ended)
			json_array_append_new(array, json_string(s->name));
	json_object_set_new(filter, "states", array);
	return filter;
}

/* As many of what the filter (stolen) selects as there are lines left. */
static enum code show_pages(struct list *l, json_t *filter, const char *cursor)
{
	return select_pages(l->c, &(struct select_walk){ .filter = filter, .cursor = cursor,
				      .wanted = l->left, .page = page, .ctx = l });
}

/* Everything live, and as many ended ones as there are lines left. */
static enum code list_present(struct list *l)
{
	enum code code = CODE_DONE;
	if (!l->c->o->cursor) {
		/* Unless a limit was asked for, what is live is never cut. */
		int64_t lines = l->left;
		if (!l->c->o->limit)
			l->left = UNLIMITED;
		code = show_pages(l, states(false), NULL);
		if (!l->c->o->limit)
			l->left = lines;
	}
	return code == CODE_DONE && l->left > 0 ? show_pages(l, states(true), l->c->o->cursor) : code;
}

/* The jobs whose numbers were given. */
static enum code list_named(struct list *l, const struct selection *s)
{
	json_t *jobs;
	size_t missing;
	enum code code = select_resolve(l->c, s, true, &jobs, &missing);

	if (code == CODE_DONE) {
		if (!l->sorted && l->left < (int64_t)json_array_size(jobs))
			while ((int64_t)json_array_size(jobs) > l->left)
				json_array_remove(jobs, json_array_size(jobs) - 1);
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
		bool cut = !selected || (l->c->out.terminal && !l->sorted);
		l->left = cut ? LINES_DEFAULT : UNLIMITED;
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
	if (o->output && strcmp(o->output, "wide") != 0)
		return verb_usage(c, "--output: there is only 'wide', not '%s'", o->output);
	if (o->sort && !listing_has(o->sort))
		return verb_usage(c, "--sort: there is no column '%s'", o->sort);
	if (o->sort && o->cursor)
		return verb_usage(c, "--sort needs all jobs, --cursor gives a part of them");
	return CODE_DONE;
}

/* Shows what was gathered, in order. */
static void show_sorted(struct list *l)
{
	listing_sort(l->sorted, l->c->o->sort);
	while (l->left < (int64_t)json_array_size(l->sorted))
		json_array_remove(l->sorted, json_array_size(l->sorted) - 1);
	listing_show(&l->listing, l->sorted);
}

static void say_more(const struct list *l)
{
	if (l->cursor && l->c->err.terminal && !l->c->o->quiet)
		complain("there are more: --cursor %s goes on, --limit 0 shows all", l->cursor);
}

static enum code list(struct list *l, const struct selection *s)
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
	if (l->sorted)
		show_sorted(l);
	listing_end(&l->listing);
	say_more(l);
	if (code == CODE_DONE && !l->found && s->filtered && select_no_queue(l->c))
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
