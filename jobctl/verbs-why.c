/* SPDX-License-Identifier: ISC */
/* why: what a job waits for, in jobd's words, and what can be typed about it. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jobctl/fault.h"
#include "jobctl/job.h"
#include "jobctl/listing.h"
#include "jobctl/select.h"
#include "jobctl/text.h"
#include "jobctl/when.h"
#include "lib/clock.h"
#include "lib/duration.h"

#define IDS_SHOWN 10

struct why {
	struct ctl *c;
	json_t *ids;
	size_t failed;
	enum code first;
};

/*
 * What helps where a job is so, or waits for that reason, or because of that limit; @ is its number, %
 * its queue, $ its user, # what it waits for. admin is for those who may change queues and the daemon, where
 * that is something else.
 */
static const struct {
	const char *word, *next, *admin;
} hints[] = {
	{ "held", "jobctl release @", NULL },
	{ "paused", "jobctl resume @", NULL },
	{ "failed", "jobctl log @; jobctl retry @", NULL },
	{ "never-started", "jobctl status @; jobctl retry @", NULL },
	{ "cancelled", "jobctl retry @", NULL },
	{ "running", "jobctl log -f @", NULL },
	{ "priority", "jobctl priority @ high", NULL }, /* and what its limit has */
	{ "queue-full", "jobctl queue show %", NULL },
	{ "queue-paused", "jobctl queue show %", "jobctl queue resume %" },
	{ "draining", "jobctl queue show %", "jobctl queue show %; jobctl queue resume %" },
	{ "not-before", "jobctl edit @ --clear at", NULL },
	{ "backoff", "jobctl edit @ --at now", NULL },
	{ "dependency", "jobctl status #; jobctl edit @ --clear after", NULL },
	{ "user-limit", "jobctl list --state running --user $", NULL },
	{ "low-disk", "jobctl health", NULL },
	/* limits */
	{ "queue", "jobctl queue show %",
	    "jobctl queue show %; jobctl queue set % max_running=N" },
	{ "daemon", "jobctl list --state running",
	    "jobctl list --state running; max_running in jobd.conf, then jobctl reload" },
	{ "user", "jobctl list --state running --user $", NULL },
};

/* Whether the reason is what keeps it there. */
static bool waits(const char *state)
{
	return strcmp(state, "queued") == 0 || strcmp(state, "paused") == 0;
}

static const char *find_hint(const struct why *w, const char *word)
{
	for (size_t i = 0; word && i < sizeof hints / sizeof hints[0]; i++)
		if (strcmp(hints[i].word, word) == 0)
			return hints[i].admin && client_is_master(&w->c->client) ? hints[i].admin
										  : hints[i].next;
	return NULL;
}

/* What helps, or NULL: for the limit that is in the way, the reason, or the state. *also: what helps besides, or
 * NULL. */
static const char *hint_for(const struct why *w, const json_t *reply, const char **also)
{
	const char *state = job_text_or(reply, "state", "?"), *reason = job_text(reply, "reason");
	const char *limit = job_text(reply, "limit");
	bool waiting = reason && waits(state);

	*also = NULL;
	if (strcmp(state, "failed") == 0 && reason &&
	    (strcmp(reason, "dependency") == 0 || strcmp(reason, "deadline") == 0))
		return find_hint(w, "never-started");
	if (waiting && limit && strcmp(reason, "priority") != 0)
		return find_hint(w, limit);
	/* Where others come first its priority helps, and so does a higher limit. */
	*also = waiting ? find_hint(w, limit) : NULL;
	return find_hint(w, waiting ? reason : state);
}

/* Whose job it is; on a connection of its own, since there are calls on their way. */
static void put_user(const struct why *w, int64_t id, struct buf *out)
{
	struct client client;
	json_t *reply = NULL;

	if (!client_init(&client, w->c->client.path))
		return;
	client_ask(&client, "look at the job", "org.jobd.Job.Get",
	    json_pack("{s:I}", "id", (json_int_t)id), &reply);
	text_quote_word(out, job_text_or(json_object_get(reply, "job"), "user", "USER"));
	json_decref(reply);
	client_fini(&client);
}

static void put_ids(const json_t *ids, struct buf *out)
{
	size_t i, n = json_array_size(ids);
	for (i = 0; i < n && i < IDS_SHOWN; i++)
		buf_printf(out, "%s%" JSON_INTEGER_FORMAT, i ? " " : "",
		    json_integer_value(json_array_get(ids, i)));
}

static void put_hint(
    const struct why *w, const char *hint, int64_t id, const json_t *reply, struct buf *out)
{
	for (const char *p = hint; *p; p++) {
		if (*p == '@')
			buf_printf(out, "%" PRId64, id);
		else if (*p == '%')
			text_quote_word(out, job_text_or(reply, "queue", "default"));
		else if (*p == '$')
			put_user(w, id, out);
		else if (*p == '#' && json_array_size(json_object_get(reply, "ids")))
			put_ids(json_object_get(reply, "ids"), out);
		else if (*p == '#')
			buf_printf(out, "%" PRId64, id);
		else
			buf_put(out, p, 1);
	}
}

static void say(const struct why *w, const char *label, struct buf *text)
{
	struct buf out = BUF_INIT;

	if (*label)
		buf_printf(&out, "%-11s ", label);
	text_escape(&out, buf_text(text), w->c->out.utf8);
	buf_puts(&out, "\n");
	screen_write(&w->c->out, &out);
	buf_fini(&out);
	buf_fini(text);
}

/* To the nearest of the smaller units that duration_print shows: "30d00h", not "29d23h". */
static uint64_t rounded(uint64_t us)
{
	const uint64_t second = 1000000, minute = 60 * second, hour = 60 * minute;
	uint64_t unit = us >= 24 * hour - minute / 2 ? hour : us >= hour - second / 2 ? minute : second;

	return (us + unit / 2) / unit * unit;
}

static void show(const struct why *w, int64_t id, const json_t *reply)
{
	const char *also, *state = job_text_or(reply, "state", "?"), *hint = hint_for(w, reply, &also);
	const char *message = job_text_or(reply, "message", "?");
	char again[40], done[40];
	int64_t until = job_int(reply, "until_us", 0), now = (int64_t)clock_real_us();
	struct buf b = BUF_INIT;

	/* What begins with the state again says no more by it. */
	snprintf(again, sizeof again, "it is %s", state);
	snprintf(done, sizeof done, "it %s", state);
	if (strcmp(message, done) == 0)
		buf_printf(&b, "job %" PRId64 " %s", id, state);
	else if (strncmp(message, again, strlen(again)) == 0)
		buf_printf(&b, "job %" PRId64 " %s", id, message + sizeof "it " - 1);
	else
		buf_printf(&b, "job %" PRId64 " is %s: %s", id, state, message);
	say(w, "", &b);
	if (until > 0) {
		char when[32], span[32];
		when_print((uint64_t)until, when, sizeof when);
		duration_print(rounded(until > now ? (uint64_t)(until - now) : 0), span, sizeof span);
		buf_printf(&b, "%s, in %s", when, span);
		say(w, "until:", &b);
	}
	if (json_array_size(json_object_get(reply, "ids"))) {
		put_ids(json_object_get(reply, "ids"), &b);
		if (json_array_size(json_object_get(reply, "ids")) > IDS_SHOWN)
			buf_puts(&b, " ...");
		say(w, "waits for:", &b);
	}
	if (hint) {
		put_hint(w, hint, id, reply, &b);
		buf_puts(&b, also ? "; " : "");
		put_hint(w, also ? also : "", id, reply, &b);
		/* Not what the message says already. */
		if (strstr(message, buf_text(&b)))
			buf_fini(&b);
		else
			say(w, "next:", &b);
	}
}

static json_t *params(void *ctx, size_t i)
{
	const struct why *w = ctx;
	return json_pack("{s:O}", "id", json_array_get(w->ids, i));
}

static void done(void *ctx, size_t i, const struct answer *a)
{
	struct why *w = ctx;
	int64_t id = json_integer_value(json_array_get(w->ids, i));

	if (a->error) {
		char what[64];
		snprintf(what, sizeof what, "say why of job %" PRId64, id);
		fault_say(what, a);
		if (w->failed++ == 0)
			w->first = fault_code(a->error);
	} else if (w->c->o->json) {
		json_t *object = json_pack("{s:I}", "id", (json_int_t)id);
		json_object_update(object, a->params);
		listing_json(&w->c->out, object);
		json_decref(object);
	} else {
		show(w, id, a->params);
	}
}

int verb_why(struct ctl *c)
{
	static const struct select_states live = { "queued held running paused",
		"completed failed cancelled" };
	/* Of a selection, what has not ended; or else the newest: with one name there may be many. */
	struct why w = { .c = c };
	size_t missing;
	enum code code = select_numbers(c, c->nwords ? NULL : &live, SELECT_OR_NEWEST, &w.ids, &missing);

	if (code == CODE_DONE) {
		struct bulk b = { .method = "org.jobd.Job.Why",
			.n = json_array_size(w.ids),
			.repeat = true,
			.params = params,
			.done = done,
			.ctx = &w };
		code = client_bulk(&c->client, &b);
	}
	if (code == CODE_DONE && (w.failed || missing))
		code = json_array_size(w.ids) + missing > 1 ? CODE_SOME
		       : missing			    ? CODE_NOT_FOUND
							    : w.first;
	json_decref(w.ids);
	return code;
}
