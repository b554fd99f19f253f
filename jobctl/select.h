/* SPDX-License-Identifier: ISC */
/*
 * Which jobs a command line means: numbers, or what --state, --queue and their
 * like select, or both (then both must hold). The same for list and for every verb.
 */
#ifndef JOBCTL_SELECT_H
#define JOBCTL_SELECT_H

#include <jansson.h>
#include <stdbool.h>

#include "jobctl/ids.h"
#include "jobctl/verb.h"

struct selection {
	struct ids ids;
	json_t *filter; /* what the options ask for, as parameters of List; without ids */
	bool filtered;	/* an option selects */
	bool resuming;	/* of paused ones only those that are to go on, for a slot; set by the caller */
	bool all_named; /* single numbers and nothing else: there is nothing to look up */
	bool own;	/* what options select is only what the caller may control; set by the caller */
	bool own_past;	/* the same of what has ended alone; set by the caller */
	bool oldest_first; /* the lowest number first, whatever was given; set by the caller */
	size_t others;	/* how many were passed over for that, once they were looked for */
};

/*
 * Takes nwords words as numbers, and the options. Where options select, jobs in
 * these states are meant (separated by spaces; NULL: all), or those that --state
 * names, as far as they are in states or also. CODE_DONE; CODE_USAGE, or CODE_STATE
 * when nothing of --state is left, and that was said. select_fini is due in any case.
 */
struct select_states {
	const char *states; /* the verb changes something in them */
	const char *also;   /* in them it is so already */
};
enum code select_parse(const struct ctl *c, char *const *words, int nwords,
    const struct select_states *states, struct selection *s);
void select_fini(struct selection *s);

/* Whether any job is named or selected. */
bool select_any(const struct selection *s);

/*
 * Is given each page, an array, borrowed; cursor is NULL after the last. Returns how many more
 * jobs are wanted: 0 to stop.
 */
typedef int64_t select_page_fn(void *ctx, json_t *jobs, const char *cursor);

struct select_walk {
	json_t *filter;	    /* parameters of List; stolen */
	const char *cursor; /* where to begin; NULL or empty: at the newest */
	int64_t wanted;	    /* jobs at most */
	select_page_fn *page;
	void *ctx;
};

/* Lists what the filter selects, page by page. CODE_DONE, or what went wrong, said. */
enum code select_pages(struct ctl *c, const struct select_walk *w);

/*
 * Where nothing was found: whether that is because --queue or --user names one that is not there, which is
 * said. The jobs of one that is gone are found all the same, as long as there are some.
 */
bool select_unknown(struct ctl *c);

/*
 * Every selected job, in the order the numbers were given, else the newest first, unless
 * oldest_first is set: *jobs is the caller's. Of each whole, or else only id, state and attempt:
 * there may be very many.
 * Numbers that were named by themselves and are not there are counted in *missing, and said as
 * "cannot VERB job N". CODE_DONE, or what went wrong, said.
 */
enum code select_resolve(struct ctl *c, struct selection *s, bool whole, json_t **jobs,
    size_t *missing);

/* Says that of the ranges, the first nwords words, none has a job. CODE_NOT_FOUND. */
enum code select_none_there(const struct ctl *c, int nwords);

/*
 * What most verbs want: the numbers of the jobs that the words and options mean, *ids, the
 * caller's. None at all is a mistake, said; but where options select, jobs match them, and only none
 * is in the states, that is said at a terminal, or with SELECT_OR_NEWEST the newest of these jobs that the
 * caller may see is meant, unless --state was given. With SELECT_OWN_PAST options select of
 * what has ended only the caller's own. states and *missing are as above. CODE_DONE, or what went wrong, said.
 */
enum select_wish { SELECT_OR_NEWEST = 1, SELECT_OWN_PAST = 2 };
enum code select_numbers(struct ctl *c, const struct select_states *states, unsigned wishes, json_t **ids,
    size_t *missing);

/*
 * Puts the words of an option's values ("a,b", several times) into filter[key]. CODE_DONE, or
 * CODE_USAGE, said.
 */
enum code select_list(
    const struct ctl *c, json_t *filter, const char *key, const char *option, char *const *values);

#endif
