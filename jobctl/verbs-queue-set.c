/* SPDX-License-Identifier: ISC */
/* queue set, reset, pause, resume, drain: the queues as they are wanted while jobd runs. */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobctl/job.h"
#include "jobctl/queue-jobs.h"
#include "jobctl/queue-value.h"
#include "jobctl/verb.h"
#include "lib/nearest.h"
#include "lib/rules.h"

#define KEY_EDITS     3 /* between a key and what was meant: the names are long */
#define NUMBERS_SHOWN 10

/* The rule with this name, also where it has other dashes, or where it is not known and that was
 * said: -1. */
static int find_key(const struct ctl *c, const char *word, size_t len)
{
	char name[32] = "";
	struct nearest near = { .word = name, .most = KEY_EDITS };
	int which = -1;

	if (len < sizeof name)
		memcpy(name, word, len);
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	if (*name && (which = rule_find(name)) >= 0)
		return which;
	for (int i = 0; i < RULES; i++)
		nearest_try(&near, rule_name((enum rule)i));
	if (near.name)
		verb_wrong(c, "a queue has no '%.*s': did you mean %s?", (int)len, word,
		    near.name);
	else
		verb_wrong(c, "a queue has no '%.*s' (jobctl queue show %s lists what it has)",
		    (int)len, word, c->words[0]);
	return -1;
}

/* A name that nobody has yet is taken, as jobd.conf takes it; but it may be a slip that shuts everybody out. */
static void warn_of_unknown(const struct rules *r)
{
	for (char **name = r->submit_users; name && *name; name++)
		if (!getpwnam(*name))
			complain("warning: there is no user '%s'", *name);
	for (char **name = r->submit_groups; name && *name; name++)
		if (!getgrnam(*name))
			complain("warning: there is no group '%s'", *name);
}

static enum code put_value(const struct ctl *c, json_t *values, int which, const char *value)
{
	struct rules checked;
	rules_init(&checked);
	int rc = rule_set(&checked, (enum rule)which, value);
	warn_of_unknown(&checked);
	rules_fini(&checked);
	const char *name = rule_name((enum rule)which);
	if (rc == -EINVAL)
		return verb_wrong(
		    c, "%s: '%s' is not %s", name, value, rule_takes((enum rule)which));
	if (json_object_get(values, name))
		return verb_wrong(c, "%s is given twice", name);
	if (json_object_set_new(values, name, json_string(value)) != 0)
		return verb_wrong(c, "%s: '%s' is no UTF-8", name, value);
	return CODE_DONE;
}

/* key=value, or the two as two words. */
static enum code take_values(const struct ctl *c, json_t *values)
{
	enum code code = CODE_DONE;

	for (int i = 1; i < c->nwords && code == CODE_DONE; i++) {
		const char *word = c->words[i], *value = strchr(word, '=');
		size_t len = value ? (size_t)(value - word) : strlen(word);
		int which = find_key(c, word, len);
		if (which < 0)
			return CODE_USAGE;
		if (!value && i + 1 == c->nwords)
			return verb_wrong(
			    c, "%s: which value? It takes %s", word, rule_takes((enum rule)which));
		code = put_value(c, values, which, value ? value + 1 : c->words[++i]);
	}
	return code;
}

/* Tells which values are in force now: of those that were named, or that are set at run time. */
static void tell_values(const struct ctl *c, const json_t *queue, const json_t *named)
{
	size_t i;
	json_t *v;

	json_array_foreach(json_object_get(queue, "values"), i, v) {
		const char *name = job_text_or(v, "name", "?");
		const char *value = queue_value(queue, v);
		bool unlimited = strcmp(name, "max_running") == 0 && strcmp(value, "0") == 0;
		if (json_object_get(named, name))
			verb_say(c, "queue %s: %s = %s%s (%s)", job_text_or(queue, "name", "?"), name, value,
			    unlimited ? ", no limit" : "", job_text_or(v, "origin", "?"));
	}
}

static enum code change(struct ctl *c, const char *method, json_t *p, const json_t *named)
{
	char what[300];
	json_t *reply;

	json_object_set_new(p, "name", json_string(c->words[0]));
	snprintf(what, sizeof what, "change queue %s", c->words[0]);
	enum code code = client_ask(&c->client, what, method, p, &reply);
	if (code == CODE_DONE && json_object_size(named))
		tell_values(c, json_object_get(reply, "queue"), named);
	else if (code == CODE_DONE)
		verb_say(c, "queue %s is as jobd.conf has it", c->words[0]);
	json_decref(reply);
	return code;
}

int verb_queue_set(struct ctl *c)
{
	json_t *values = json_object();
	enum code code = CODE_DONE;

	if (c->nwords < 2)
		code = verb_usage(c, c->nwords && !strchr(c->words[0], '=') ? "which value?" : "which queue?");
	if (code == CODE_DONE)
		code = take_values(c, values);
	if (code == CODE_DONE)
		code =
		    change(c, "org.jobd.Queue.Set", json_pack("{s:O}", "values", values), values);
	json_decref(values);
	return code;
}

int verb_queue_reset(struct ctl *c)
{
	json_t *p = json_object(), *keys = json_array(), *named = json_object();
	enum code code = c->nwords ? CODE_DONE : verb_usage(c, "which queue?");

	for (int i = 1; i < c->nwords && code == CODE_DONE; i++) {
		int which = find_key(c, c->words[i], strlen(c->words[i]));
		if (which < 0) {
			complain("reset takes one queue, and perhaps which of its values: queue reset %s",
			    c->verb->synopsis);
			code = CODE_USAGE;
			break;
		}
		json_array_append_new(keys, json_string(rule_name((enum rule)which)));
		json_object_set_new(named, rule_name((enum rule)which), json_true());
	}
	if (json_array_size(keys))
		json_object_set(p, "values", keys);
	if (code == CODE_DONE)
		code = change(c, "org.jobd.Queue.Reset", json_incref(p), named);
	json_decref(p);
	json_decref(keys);
	json_decref(named);
	return code;
}

static const struct state_verb {
	const char *verb, *method, *what, *done;
} state_verbs[] = {
	{ "queue pause", "org.jobd.Queue.Pause", "pause", "paused" },
	{ "queue resume", "org.jobd.Queue.Resume", "resume", "open" },
	{ "queue drain", "org.jobd.Queue.Drain", "drain", "draining" },
};

/* ": 2 still run (3 4), 1 is paused (5)": what has not ended; nothing where all has. */
static void put_left(struct buf *out, const json_t *running, const json_t *paused)
{
	size_t n = json_array_size(running), stopped = json_array_size(paused);

	if (n) {
		buf_printf(out, ": %zu still run%s (", n, n == 1 ? "s" : "");
		queue_jobs_numbers(running, NUMBERS_SHOWN, out);
		buf_puts(out, ")");
	}
	if (stopped) {
		buf_printf(out, "%s%zu %s paused (", n ? ", " : ": ", stopped,
		    stopped == 1 ? "is" : "are");
		queue_jobs_numbers(paused, NUMBERS_SHOWN, out);
		buf_puts(out, ")");
	}
}

static enum code tell_drained(struct ctl *c, const char *name, bool already)
{
	struct buf left = BUF_INIT;
	json_t *running, *paused;
	enum code code = queue_jobs_left(c, name, &running, &paused);

	put_left(&left, running, paused);
	if (code == CODE_DONE)
		verb_say(c, "queue %s is %sdraining%s", name, already ? "already " : "", buf_text(&left));
	buf_fini(&left);
	json_decref(running);
	json_decref(paused);
	return code;
}

static enum code tell_state(struct ctl *c, const struct state_verb *v, const json_t *reply)
{
	const char *name = job_text_or(json_object_get(reply, "queue"), "name", "?");
	bool already = json_is_false(json_object_get(reply, "changed"));

	if (strcmp(v->done, "draining") == 0 && !c->o->quiet)
		return tell_drained(c, name, already);
	verb_say(c, "queue %s is %s%s", name, already ? "already " : "", v->done);
	return CODE_DONE;
}

/* Says which jobs are left, if all of them are paused. */
static void tell_paused(struct ctl *c, const char *name)
{
	json_t *running, *paused;
	struct buf numbers = BUF_INIT;
	enum code code = queue_jobs_left(c, name, &running, &paused);

	queue_jobs_numbers(paused, NUMBERS_SHOWN, &numbers);
	const char *text = buf_text(&numbers);
	if (code == CODE_DONE && !json_array_size(running) && json_array_size(paused))
		complain("queue %s: all that has not ended is paused: %s (jobctl resume --queue %s, or "
			 "cancel)",
		    name, numbers.failed ? "?" : text, name);
	buf_fini(&numbers);
	json_decref(running);
	json_decref(paused);
}

/*
 * Looks at a drained queue: a paused job has not ended either, whether it holds a slot or not. Returns
 * whether to go on waiting; *code is set where not.
 */
static bool still_runs(struct ctl *c, const char *name, int64_t *told, enum code *code)
{
	json_t *reply;

	*code = client_ask(&c->client, "wait for the queue", "org.jobd.Queue.Get",
	    json_pack("{s:s}", "name", name), &reply);
	const json_t *q = json_object_get(reply, "queue");
	int64_t slots = job_int(q, "running", 0), paused = job_int(q, "paused", 0);
	bool open = *code == CODE_DONE && strcmp(job_text_or(q, "state", ""), "draining") != 0;
	json_decref(reply);
	if (*code != CODE_DONE || slots + paused == 0)
		return false;
	if (open) {
		complain("queue %s is not draining any more: somebody resumed or paused it", name);
		*code = CODE_SOME;
		return false;
	}
	if (paused >= slots && paused != *told)
		tell_paused(c, name);
	*told = paused;
	return true;
}

static enum code wait_drained(struct ctl *c, const char *name)
{
	static const struct timespec second = { 1, 0 };
	int64_t told = 0;
	enum code code;

	fflush(stdout);
	while (still_runs(c, name, &told, &code))
		nanosleep(&second, NULL);
	if (code == CODE_DONE)
		verb_say(c, "queue %s: nothing of it runs, or is paused", name);
	return code;
}

int verb_queue_state(struct ctl *c)
{
	const struct state_verb *v = state_verbs;
	enum code first = CODE_DONE, code;
	char what[300];

	while (strcmp(v->verb, c->verb->name) != 0)
		v++;
	if (!c->nwords)
		return verb_usage(c, "which queue? (jobctl queue list)");
	for (int i = 0; i < c->nwords; i++) {
		json_t *reply;
		snprintf(what, sizeof what, "%s queue %s", v->what, c->words[i]);
		code = client_ask(
		    &c->client, what, v->method, json_pack("{s:s}", "name", c->words[i]), &reply);
		if (code == CODE_DONE)
			code = tell_state(c, v, reply);
		json_decref(reply);
		if (code == CODE_UNREACHABLE)
			return code;
		first = first == CODE_DONE ? code : first;
	}
	for (int i = 0; c->o->wait && first == CODE_DONE && i < c->nwords; i++)
		first = wait_drained(c, c->words[i]);
	return first != CODE_DONE && c->nwords > 1 ? CODE_SOME : first;
}
