/* SPDX-License-Identifier: ISC */
/*
 * edit: changes what is given of a queued or held job; with nothing given, at a terminal, what a
 * person changes in an editor. A mistake made there is told, and the text is there again to be
 * mended.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobctl/edit-text.h"
#include "jobctl/fields.h"
#include "jobctl/ids.h"
#include "jobctl/job.h"
#include "jobctl/surroundings.h"
#include "lib/clock.h"
#include "lib/str.h"

#define FIELD_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* --clear "a,b", several times. */
static enum code put_clear(const struct ctl *c, json_t *p)
{
	json_t *clear = json_array();
	enum code code = CODE_DONE;

	for (char *const *v = c->o->clear; v && *v && code == CODE_DONE; v++) {
		char *copy = strdup(*v), *save = NULL;
		for (char *word = copy ? strtok_r(copy, ",", &save) : NULL;
		     word && code == CODE_DONE; word = strtok_r(NULL, ",", &save)) {
			const char *near, *field = edit_text_field(word, &near);
			if (field)
				json_array_append_new(clear, json_string(field));
			else if (near)
				code = verb_usage(c,
				    "--clear: a job has no '%s': did you mean '%s'?", word, near);
			else
				code = verb_usage(c,
				    "--clear: a job has no '%s' that could be cleared (name, "
				    "project, meta, at, deadline, after, drop-unmet, timeout, ...)",
				    word);
		}
		free(copy);
	}
	if (json_array_size(clear))
		json_object_set(p, "clear", clear);
	json_decref(clear);
	return code;
}

/* "--after ''" leaves nothing to wait for: that is said by clearing it. */
static void clear_empty_after(json_t *p)
{
	const json_t *after = json_object_get(p, "after");
	if (!after || json_array_size(after))
		return;
	json_object_del(p, "after");
	if (!json_object_get(p, "clear"))
		json_object_set_new(p, "clear", json_array());
	json_array_append_new(json_object_get(p, "clear"), json_string("after"));
}

/*
 * "edit 7 queue=mail" is how others change a field. What is meant is named. CODE_DONE: it is none.
 */
static enum code refuse_field(const struct ctl *c, const char *word)
{
	size_t len = strcspn(word, "=");
	char name[32];

	if (!word[len] || len == 0 || len >= sizeof name || strspn(word, FIELD_CHARS) < len)
		return CODE_DONE;
	snprintf(name, sizeof name, "%.*s", (int)len, word);
	const char *option = options_meant(name, c->verb->options), *value = word + len + 1;
	if (strcasecmp(name, "priority") == 0 || strcasecmp(name, "prio") == 0 ||
	    strcasecmp(name, "nice") == 0)
		return verb_wrong(c, "'%s' is no command: to change the priority: jobctl priority %s %s",
		    word, c->words[0], value);
	if (option)
		return verb_wrong(
		    c, "'%s' is no command: did you mean --%s '%s'?", word, option, value);
	return verb_wrong(c,
	    "'%s' is no command, and there is no --%s; for one that is called so: edit %s -- %s", word,
	    name, c->words[0], word);
}

/*
 * A new command stands behind the number and "--": a second number, or a word that is taken for the value of an option,
 * would otherwise replace the command that the job has.
 */
static enum code refuse_word(const struct ctl *c)
{
	const char *word = c->nwords > 1 && !(c->separated && c->before == 1) ? c->words[1] : NULL;
	struct ids ids = { 0 };

	if (!word)
		return CODE_DONE;
	if (!*word)
		return verb_wrong(c, "'' is no option, and no command: a new one stands behind --: edit %s -- "
				     "COMMAND", c->words[0]);
	enum code code = refuse_field(c, word);
	if (code != CODE_DONE)
		return code;
	bool number = ids_add(&ids, word) == IDS_OK;
	ids_fini(&ids);
	if (number)
		return verb_wrong(c, "one job at a time: '%s' is a second; a command that is called so stands "
				     "behind --: edit %s -- %s ...", word, c->words[0], word);
	return verb_wrong(c, "'%s' is no option; a new command stands behind --: edit %s -- %s%s", word,
	    c->words[0], word, c->nwords > 2 ? " ..." : "");
}

/* Notes are added to those that it has, unless these are cleared: then what is given is all. */
static void add_to_meta(json_t *p)
{
	json_t *clear = json_object_get(p, "clear"), *meta = json_object_get(p, "meta"), *word;
	size_t i;

	if (!meta)
		return;
	json_array_foreach(clear, i, word) {
		if (strcmp(json_string_value(word), "meta") == 0) {
			json_array_remove(clear, i);
			return;
		}
	}
	json_object_set(p, "set_meta", meta);
	json_object_del(p, "meta");
}

/* What is given as well as cleared, by the option that says it; "" where it is not. */
static const char *given_too(const struct ctl *c, const json_t *p, const char *field)
{
	json_t *rules = json_object_get(p, "rules");
	void *first = json_object_iter(rules);

	if (strcmp(field, "rules") == 0 && first)
		field = json_object_iter_key(first);
	else if (strcmp(field, "environment") == 0 && json_object_get(p, "set_environment"))
		return "env";
	else if (!json_object_get(p, field) && !json_object_get(rules, field))
		return "";
	if (strcmp(field, "not_before_us") == 0 && c->o->delay)
		return "delay";
	const char *option = options_meant(field, OPTIONS_EDIT);
	return option ? option : field;
}

static enum code refuse_given(const struct ctl *c, const json_t *p)
{
	size_t i;
	json_t *word;

	json_array_foreach(json_object_get(p, "clear"), i, word) {
		const char *field = json_string_value(word), *option = given_too(c, p, field);
		const char *cleared = options_meant(field, OPTIONS_EDIT);
		if (strcmp(field, "command") == 0 || strcmp(field, "queue") == 0)
			continue; /* no job can do without them, which jobd says */
		if (*option)
			return verb_wrong(c, "--clear %s: --%s is given as well", cleared ? cleared : field, option);
	}
	return CODE_DONE;
}

/* was is the job, where it was asked for. Another's gets nothing of our environment but what is named. */
static enum code put_options(struct ctl *c, const json_t *was, json_t *p)
{
	enum code code;

	if ((code = fields_command(c, c->words + 1, p)) != CODE_DONE ||
	    (code = fields_common(c, "name", p)) != CODE_DONE ||
	    (code = put_clear(c, p)) != CODE_DONE || (code = fields_job(c, was, p)) != CODE_DONE ||
	    (code = surroundings_put(c, SURROUNDINGS_SAID, job_text(was, "user"), p)) != CODE_DONE)
		return code;
	clear_empty_after(p);
	add_to_meta(p);
	return refuse_given(c, p);
}

/* What the options say; some can only be told from what the job is. */
static enum code take_options(struct ctl *c, int64_t id, json_t *p)
{
	const struct options *o = c->o;
	char what[64];
	json_t *reply = NULL;
	enum code code = refuse_word(c);

	snprintf(what, sizeof what, "edit job %" PRId64, id);
	if (code == CODE_DONE && (o->clean_env || o->at || o->delay || o->deadline))
		code = client_ask(&c->client, what, "org.jobd.Job.Get",
		    json_pack("{s:I}", "id", (json_int_t)id), &reply);
	if (code == CODE_DONE)
		code = put_options(c, json_object_get(reply, "job"), p);
	if (code == CODE_DONE && o->deadline && !o->quiet &&
	    job_int(json_object_get(reply, "job"), "attempt", 0) > 0)
		complain("note: --deadline has no effect: it is for a job's first start");
	json_decref(reply);
	return code;
}

/* The job's number: a single one. */
static enum code take_id(const struct ctl *c, int64_t *id)
{
	struct ids ids = { 0 };
	enum code code = CODE_DONE;

	if (!c->nwords)
		return verb_usage(c, "which job?");
	if (ids_add(&ids, c->words[0]) != IDS_OK)
		code = verb_usage(c, "'%s' is no job number", c->words[0]);
	else if (ids.n != 1)
		code = verb_usage(c, "one job at a time, not '%s'", c->words[0]);
	else
		*id = (int64_t)ids.v[0].number;
	ids_fini(&ids);
	return code;
}

/* A field by the name of its option, or its own. */
static void put_word(struct buf *out, const char *field)
{
	const char *option = options_meant(field, OPTIONS_EDIT);
	buf_printf(out, "%s%s", out->len ? ", " : "", option ? option : field);
}

/* "queue, timeout": what the parameters of Edit change. */
static void put_changes(struct buf *out, json_t *p)
{
	static const char rules[] = "rules", clear[] = "clear";
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach(p, name, value) {
		if (strcmp(name, rules) != 0 && strcmp(name, clear) != 0)
			put_word(out, name);
	}
	json_object_foreach(json_object_get(p, rules), name, value) {
		put_word(out, name);
	}
	json_array_foreach(json_object_get(p, clear), i, value) {
		put_word(out, json_string_value(value));
	}
}

/* Whether after names the job itself. */
static bool waits_for(const json_t *p, int64_t id)
{
	size_t i;
	json_t *one;

	json_array_foreach(json_object_get(p, "after"), i, one) {
		if (job_int(one, "id", 0) == id)
			return true;
	}
	return false;
}

static enum code send(struct ctl *c, int64_t id, json_t *p)
{
	struct buf changes = BUF_INIT;
	enum code code;
	char what[64];
	json_t *reply;

	if (waits_for(p, id)) {
		complain("cannot edit job %" PRId64 ": it would wait for itself", id);
		return CODE_STATE;
	}
	put_changes(&changes, p);
	const char *text = buf_text(&changes);
	json_object_set_new(p, "id", json_integer((json_int_t)id));
	snprintf(what, sizeof what, "edit job %" PRId64, id);
	code = client_ask(&c->client, what, "org.jobd.Job.Edit", json_incref(p), &reply);
	if (code == CODE_DONE && json_is_false(json_object_get(reply, "changed")))
		verb_say(c, "job %" PRId64 " is already so", id);
	else if (code == CODE_DONE)
		verb_say(c, "job %" PRId64 ": %s changed", id, changes.failed ? "it is" : text);
	buf_fini(&changes);
	json_decref(reply);
	return code;
}

/* $VISUAL or $EDITOR on a file, by the shell, since they may have arguments. */
static bool run_editor(const char *path)
{
	const char *editor = getenv("VISUAL");

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (!editor || !*editor)
		editor = "vi";
	/* The path is of mkstemp(3)'s letters in a directory that is quoted. */
	char *line = setenv("JOBCTL_EDIT", path, 1) == 0 ? str_printf("%s \"$JOBCTL_EDIT\"", editor) : NULL;
	if (!line) {
		complain("no memory");
		return false;
	}
	int status = system(line);
	free(line);
	if (status == 0)
		return true;
	if (status != -1 && WIFEXITED(status))
		complain("the editor (%s) left with %d: nothing was changed", editor,
		    WEXITSTATUS(status));
	else
		complain("the editor (%s) did not end well: nothing was changed", editor);
	return false;
}

static bool again(void)
{
	char line[16] = "";
	fputs("edit it again? [Y/n] ", stderr);
	return fgets(line, sizeof line, stdin) && line[0] != 'n' && line[0] != 'N';
}

/* What the file holds now, as changes; NULL: a mistake, told. */
static json_t *read_changes(const char *path, const json_t *before)
{
	json_error_t error = { .text = "" };
	char *why = NULL;
	FILE *file = fopen(path, "re");
	json_t *after = file ? edit_text_read(file, &error) : NULL, *changes = NULL;

	if (!file) {
		complain("cannot read %s: %s", path, strerror(errno));
		return NULL;
	}
	fclose(file);
	if (!after) {
		complain("line %d: is no JSON: %s", error.line, error.text);
		return NULL;
	}
	if (!json_is_object(after))
		complain("it is no JSON object any more");
	else if (!(changes = edit_text_changes(before, after, clock_real_us(), &why)))
		complain("%s", why ? why : "no memory");
	free(why);
	json_decref(after);
	return changes;
}

/* Has the text edited until it can be taken, or the person gives up. */
static enum code edit_file(struct ctl *c, int64_t id, const char *path, const json_t *before)
{
	for (;;) {
		if (!run_editor(path))
			return CODE_SOME;
		json_t *changes = read_changes(path, before);
		if (changes && !json_object_size(changes)) {
			verb_say(c, "job %" PRId64 " is as it was", id);
			json_decref(changes);
			return CODE_DONE;
		}
		enum code code = changes ? send(c, id, changes) : CODE_USAGE;
		json_decref(changes);
		if (code != CODE_USAGE || !again())
			return code;
	}
}

static bool write_text(int fd, const json_t *text)
{
	struct buf head = BUF_INIT;

	edit_text_head(&head);
	bool ok = !head.failed && write(fd, head.data, head.len) == (ssize_t)head.len &&
		  json_dumpfd(text, fd, JSON_INDENT(2)) == 0 && write(fd, "\n", 1) == 1;
	buf_fini(&head);
	return ok;
}

static enum code edit_by_hand(struct ctl *c, int64_t id)
{
	const char *dir = getenv("TMPDIR");
	char what[64];
	json_t *reply;

	snprintf(what, sizeof what, "edit job %" PRId64, id);
	enum code code = client_ask(
	    &c->client, what, "org.jobd.Job.Get", json_pack("{s:I}", "id", (json_int_t)id), &reply);
	if (code != CODE_DONE)
		return code;
	json_t *before = edit_text_of(json_object_get(reply, "job"));
	char *path = str_printf("%s/jobctl-%" PRId64 ".XXXXXX.json", dir && *dir ? dir : "/tmp", id);
	int fd = path ? mkstemps(path, 5) : -1;
	if (fd < 0 || !write_text(fd, before)) {
		complain("cannot write %s: %s", path ? path : "a file", strerror(errno));
		code = CODE_SOME;
	} else {
		code = edit_file(c, id, path, before);
	}
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	free(path);
	json_decref(before);
	json_decref(reply);
	return code;
}

int verb_edit(struct ctl *c)
{
	json_t *p = json_object();
	int64_t id = 0;
	enum code code = take_id(c, &id);

	if (code == CODE_DONE)
		code = take_options(c, id, p);
	if (code == CODE_DONE && json_object_size(p))
		code = send(c, id, p);
	else if (code == CODE_DONE && isatty(STDIN_FILENO) && c->out.terminal)
		code = edit_by_hand(c, id);
	else if (code == CODE_DONE)
		code = verb_usage(
		    c, "what is to be changed? (an editor is opened only at a terminal)");
	json_decref(p);
	return code;
}
