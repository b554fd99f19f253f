/* SPDX-License-Identifier: ISC */
/* The numbers of what is selected, and what is said where that is nothing. */
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/select.h"
#include "lib/nearest.h"

/* Says so if the name is none of these queues. */
static bool is_missing(const char *name, const json_t *queues)
{
	struct nearest near = NEAREST(name);
	size_t i;
	json_t *q;

	json_array_foreach(queues, i, q) {
		const char *have = job_text_or(q, "name", "");
		if (strcmp(name, have) == 0)
			return false;
		nearest_try(&near, have);
	}
	if (near.name)
		complain("there is no queue '%s': did you mean '%s'?", name, near.name);
	else
		complain("there is no queue '%s' (jobctl queue list)", name);
	return true;
}

/* Says so if --user names one that is not there. */
static bool no_user(const struct ctl *c)
{
	json_t *words = json_object(), *user;
	bool missing = false;
	size_t i;

	if (select_list(c, words, "users", "user", c->o->users) == CODE_DONE) {
		json_array_foreach(json_object_get(words, "users"), i, user) {
			const char *name = json_string_value(user);
			char *end;
			unsigned long uid = strtoul(name, &end, 10);
			if (getpwnam(name) || (!*end && getpwuid((uid_t)uid)))
				continue;
			complain("there is no user '%s'", name);
			missing = true;
		}
	}
	json_decref(words);
	return missing;
}

static bool no_queue(struct ctl *c)
{
	json_t *reply, *words = json_object(), *name;
	bool missing = false;
	size_t i;

	if (!c->o->queues || select_list(c, words, "queues", "queue", c->o->queues) != CODE_DONE ||
	    client_ask(&c->client, "list the queues", "org.jobd.Queue.List", json_object(), &reply) !=
		CODE_DONE) {
		json_decref(words);
		return false;
	}
	json_array_foreach(json_object_get(words, "queues"), i, name) {
		missing |= is_missing(json_string_value(name), json_object_get(reply, "queues"));
	}
	json_decref(words);
	json_decref(reply);
	return missing;
}

bool select_unknown(struct ctl *c)
{
	bool user = no_user(c);
	return no_queue(c) || user;
}

#define LOOKED_AT 100 /* jobs, for one that the caller may see */

struct newest {
	bool any;
	json_t *job; /* of them the newest that the caller may see; the caller's */
};

static int64_t keep_newest(void *ctx, json_t *jobs, const char *cursor)
{
	struct newest *n = ctx;
	size_t i;
	json_t *job;

	json_array_foreach(jobs, i, job) {
		n->any = true;
		if (!n->job && job_shown(job))
			n->job = json_incref(job);
	}
	return n->any || !cursor ? 0 : LOOKED_AT; /* a page may hold none, and there be more */
}

/* Where a selection found nothing: which jobs match but for their state. */
static enum code look_again(struct ctl *c, struct selection *s, struct newest *n)
{
	json_t *jobs;
	size_t missing;

	json_object_del(s->filter, "states");
	if (!s->ids.n)
		return select_pages(c, &(struct select_walk){ .filter = json_copy(s->filter),
					   .wanted = LOOKED_AT, .page = keep_newest, .ctx = n });
	s->own_past = false;
	enum code code = select_resolve(c, s, true, &jobs, &missing);
	keep_newest(n, jobs, NULL);
	json_decref(jobs);
	return code;
}

/* Nothing was found, and no number is missing. Options that select nothing at all are most likely a slip. */
static enum code none_found(
    struct ctl *c, struct selection *s, const struct select_states *states, bool or_newest, json_t *ids)
{
	struct newest newest = { 0 };

	if (!s->filtered)
		return select_none_there(c, c->nwords);
	if (select_unknown(c))
		return CODE_NOT_FOUND;
	enum code code = look_again(c, s, &newest);
	if (code == CODE_DONE && !newest.any) {
		complain("%s: no job matches", c->verb->name);
		code = CODE_NOT_FOUND;
	} else if (code == CODE_DONE && or_newest && newest.job && !c->o->states) {
		json_array_append(ids, json_object_get(newest.job, "id"));
	} else if (code == CODE_DONE && !c->o->quiet && c->err.terminal) {
		complain(states && !c->o->states ? "no job matches that has not ended"
			 : s->others		 ? "no job of yours matches"
						 : "no job matches");
	}
	json_decref(newest.job);
	return code;
}

enum code select_numbers(struct ctl *c, const struct select_states *states, unsigned wishes, json_t **ids,
    size_t *missing)
{
	struct selection s;
	json_t *jobs = NULL, *job;
	size_t i;
	enum code code = select_parse(c, c->words, c->nwords, states, &s);

	*ids = json_array();
	*missing = 0;
	s.own_past = wishes & SELECT_OWN_PAST;
	if (code == CODE_DONE && !select_any(&s))
		code = verb_usage(c, "which job?");
	if (code == CODE_DONE && s.all_named)
		for (i = 0; i < s.ids.n; i++)
			json_array_append_new(*ids, json_integer((json_int_t)s.ids.v[i].number));
	else if (code == CODE_DONE)
		code = select_resolve(c, &s, false, &jobs, missing);
	json_array_foreach(jobs, i, job) {
		json_array_append(*ids, json_object_get(job, "id"));
	}
	if (code == CODE_DONE && !json_array_size(*ids) && !*missing)
		code = none_found(c, &s, states, wishes & SELECT_OR_NEWEST, *ids);
	json_decref(jobs);
	select_fini(&s);
	return code;
}
