/* SPDX-License-Identifier: ISC */
/* audit: the journal, the oldest entry first, as one reads a log. */
#include "config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/listing.h"
#include "jobctl/select.h"
#include "jobctl/verbs.h"
#include "jobctl/when.h"
#include "lib/nearest.h"
#include "lib/status.h"

#define ENTRIES_DEFAULT 50
#define PAGE_MAX	1000

static const struct table_column columns[] = {
	{ "TIME", false, 0, 0, 0 },    { "WHO", false, 3, 8, 0 },    { "VERB", false, 0, 0, 0 },
	{ "JOB", true, 0, 0, 0 },      { "CHANGE", false, 4, 10, 0 }, { "RESULT", false, 2, 8, 0 },
	{ "DETAIL", false, 1, 8, 0 },
};
#define COLUMNS (sizeof columns / sizeof columns[0])

/* "ann jobctl[1234]"; what jobd did by itself has nobody. */
static void who(const json_t *entry, struct buf *b)
{
	const char *user = job_text(entry, "user"), *process = job_text(entry, "process");
	int64_t uid = job_int(entry, "uid", -1), pid = job_int(entry, "pid", -1);

	if (!user && uid < 0) {
		buf_puts(b, "jobd");
		return;
	}
	if (user)
		buf_puts(b, user);
	else
		buf_printf(b, "%" PRId64, uid);
	if (pid >= 0)
		buf_printf(b, " %s[%" PRId64 "]", process ? process : "", pid);
}

static void change(const json_t *entry, bool arrow, struct buf *b)
{
	const char *from = job_text(entry, "from"), *to = job_text(entry, "to");

	if (from)
		buf_puts(b, from);
	if (to && (!from || strcmp(from, to) != 0))
		buf_printf(b, "%s%s", !from ? "" : arrow ? "→" : "->", to);
}

static void detail(const json_t *entry, struct buf *b)
{
	const char *reason = job_text(entry, "reason"), *text = job_text(entry, "detail");
	int64_t code = job_int(entry, "exit_code", -1), sig = job_int(entry, "signal", 0);
	int64_t attempt = job_int(entry, "attempt", 0);

	if (attempt > 1)
		buf_printf(b, "attempt %" PRId64, attempt);
	if (reason)
		buf_printf(b, "%s%s", b->len ? ", " : "", reason);
	if (sig > 0)
		buf_printf(b, "%sSIG%s", b->len ? ", " : "", status_signal_name((int)sig));
	else if (code >= 0)
		buf_printf(b, "%scode %" PRId64, b->len ? ", " : "", code);
	if (text)
		buf_printf(b, "%s%s", b->len ? ", " : "", text);
}

static void put(struct table *t, struct buf *b)
{
	table_cell(t, buf_text(b), COLOUR_NONE);
	buf_clear(b);
}

static void show_row(struct table *t, const json_t *entry)
{
	struct buf b = BUF_INIT;
	char time[32] = "";
	const char *result = job_text_or(entry, "result", "");
	int64_t id = job_int(entry, "id", 0), at = job_int(entry, "at_us", 0);

	when_print((uint64_t)(at > 0 ? at : 0), time, sizeof time);
	table_cell(t, time, COLOUR_FAINT);
	who(entry, &b);
	put(t, &b);
	table_cell(t, job_text(entry, "verb"), COLOUR_BOLD);
	if (id > 0)
		buf_printf(&b, "%" PRId64, id);
	put(t, &b);
	change(entry, t->screen->utf8 && t->screen->terminal, &b);
	put(t, &b);
	table_cell(t, result, strcmp(result, "ok") == 0 ? COLOUR_NONE : COLOUR_RED);
	detail(entry, &b);
	put(t, &b);
	buf_fini(&b);
}

/* Shows the entries, which came the newest first. */
static enum code show(const struct ctl *c, const json_t *entries)
{
	struct table t;
	bool ok = true;

	if (c->o->json) {
		for (size_t i = json_array_size(entries); ok && i-- > 0;)
			ok = listing_json(&c->out, json_array_get(entries, i));
		return ok ? CODE_DONE : CODE_SOME;
	}
	if (!table_init(&t, &c->out, columns, COLUMNS))
		return CODE_SOME;
	for (size_t i = json_array_size(entries); i-- > 0;)
		show_row(&t, json_array_get(entries, i));
	ok = table_flush(&t);
	table_fini(&t);
	return ok ? CODE_DONE : CODE_SOME;
}

/* Reads entries until there are enough. *more: there are older ones. */
static enum code collect(
    struct ctl *c, json_t *filter, int64_t wanted, json_t *entries, bool *more)
{
	enum code code = CODE_DONE;
	*more = true;
	while (*more && (int64_t)json_array_size(entries) < wanted) {
		int64_t left = wanted - (int64_t)json_array_size(entries);
		json_t *reply;
		json_object_set_new(
		    filter, "limit", json_integer(left < PAGE_MAX ? left : PAGE_MAX));
		code = client_ask(&c->client, "read the journal", "org.jobd.Monitor.Audit",
		    json_copy(filter), &reply);
		if (code != CODE_DONE)
			break;
		json_array_extend(entries, json_object_get(reply, "entries"));
		json_t *cursor = json_object_get(reply, "cursor");
		*more = json_is_string(cursor);
		if (*more)
			json_object_set(filter, "cursor", cursor);
		json_decref(reply);
	}
	return code;
}

/*
 * The verbs to look for, in the journal's words: what jobctl calls otherwise is looked for by
 * both names, since a refusal is entered by the name of the method that was called.
 */
static void put_verb(json_t *verbs, const struct verb *v)
{
	static const struct {
		const char *verb, *journal;
	} others[] = { { "run", "submit" }, { "log", "output" }, { "shutdown", "daemon-stop" },
		{ "shutdown", "stop" }, { "status", "get" }, { "queue show", "queue-get" },
		{ "template show", "template-get" } };
	char name[32];

	snprintf(name, sizeof name, "%s", v->name);
	for (char *p = name; *p; p++)
		if (*p == ' ')
			*p = '-'; /* "queue-pause" */
	json_array_append_new(verbs, json_string(name));
	for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
		if (strcmp(others[k].verb, v->name) == 0)
			json_array_append_new(verbs, json_string(others[k].journal));
}

/* What an entry can have as its verb: see jobd(8). */
static const char *const journal_verbs[] = { "submit", "seal", "drop", "hold", "release", "pause", "resume",
	"cancel", "signal", "retry", "priority", "edit", "delete", "queue-set", "queue-reset", "queue-pause",
	"queue-resume", "queue-drain", "template-set", "template-delete", "reload", "connect", "start",
	"never-ran", "stopped", "unstoppable", "recontinued", "warned", "timeout", "again", "set-aside",
	"completed", "failed", "cancelled", "orphaned", "left", "daemon-start", "daemon-reexec",
	"daemon-stop", "store-accepted",
	/* only where they were refused */
	"get", "list", "why", "wait", "output", "audit", "health", "queue-get", "queue-list", "template-get",
	"template-list" };
#define JOURNAL_VERBS (sizeof journal_verbs / sizeof journal_verbs[0])

/* Whether an entry can have it, or a verb of jobctl's is called so; else that is said. */
static bool is_known(const struct ctl *c, const char *word, bool found)
{
	struct nearest near = NEAREST(word);
	struct buf all = BUF_INIT;

	for (size_t i = 0; i < JOURNAL_VERBS && !found; i++) {
		found = strcmp(word, journal_verbs[i]) == 0;
		nearest_try(&near, journal_verbs[i]);
		buf_printf(&all, "%s%s", i ? " " : "", journal_verbs[i]);
	}
	if (!found && near.name)
		verb_wrong(c, "--verb: the journal has no '%s': did you mean '%s'?", word, near.name);
	else if (!found)
		verb_wrong(c, "--verb: the journal has no '%s' (%s)", word, buf_text(&all));
	buf_fini(&all);
	return found;
}

static enum code put_verbs(const struct ctl *c, json_t *filter)
{
	enum code code = select_list(c, filter, "verbs", "verb", c->o->verbs);
	json_t *verbs = json_object_get(filter, "verbs");
	size_t n = code == CODE_DONE ? json_array_size(verbs) : 0;

	for (size_t i = 0; i < n && code == CODE_DONE; i++) {
		const char *word = json_string_value(json_array_get(verbs, i));
		char first[32], *second;
		const struct verb *v;

		snprintf(first, sizeof first, "%s", word);
		if ((second = strchr(first, ' ')) != NULL)
			*second++ = '\0';
		bool family = !second && verbs_family(first);
		for (size_t k = 0; family && (v = verbs_at(first, k)) != NULL; k++)
			put_verb(verbs, v);
		v = family ? NULL : verbs_find(first, second);
		if (v)
			put_verb(verbs, v);
		if (!is_known(c, word, family || v))
			code = CODE_USAGE;
	}
	return code;
}

/* The selection's words have the same names here as in List. */
static json_t *parameters(const struct ctl *c, const struct selection *s)
{
	json_t *p = json_copy(s->filter);
	if (s->ids.n) {
		json_t *ids = json_array();
		for (size_t i = 0; i < s->ids.n; i++)
			json_array_append_new(ids, json_integer((json_int_t)s->ids.v[i].number));
		json_object_set_new(p, "ids", ids);
	}
	if (c->o->control)
		json_object_set_new(p, "control", json_true());
	return p;
}

int verb_audit(struct ctl *c)
{
	struct selection s;
	json_t *entries = json_array(), *filter = NULL;
	long long limit = ENTRIES_DEFAULT;
	bool more = false;
	enum code code = select_parse(c, c->words, c->nwords, NULL, &s);

	if (code == CODE_DONE && c->o->lines &&
	    !verb_number(c, "--lines", c->o->lines, 0, INT64_MAX, &limit))
		code = CODE_USAGE;
	if (code == CODE_DONE) {
		filter = parameters(c, &s);
		code = put_verbs(c, filter);
	}
	if (code == CODE_DONE)
		code = collect(c, filter, limit ? limit : INT64_MAX, entries, &more);
	if (code == CODE_DONE)
		code = show(c, entries);
	if (code == CODE_DONE && more && c->err.terminal && !c->o->quiet)
		complain("there are older entries: --lines 0 shows all");
	json_decref(filter);
	json_decref(entries);
	select_fini(&s);
	return code;
}
