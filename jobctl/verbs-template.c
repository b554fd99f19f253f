/* SPDX-License-Identifier: ISC */
/* template list, show, set, delete. What a template may hold is jobd's to say. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "jobctl/fields.h"
#include "jobctl/job.h"
#include "jobctl/listing.h"
#include "jobctl/sheet.h"
#include "jobctl/surroundings.h"
#include "jobctl/table.h"
#include "jobctl/text.h"

static const struct table_column list_columns[] = {
	{ "NAME", false, 2, 8, 0 },
	{ "PARAMETERS", false, 1, 8, 0 },
	{ "QUEUE", false, 0, 0, 2 },
	{ "FROM", false, 0, 0, 3 },
	{ "DESCRIPTION", false, 1, 10, 1 },
};

/* The strings of an array, with spaces between. */
static void put_words(const json_t *array, struct buf *out)
{
	size_t i;
	json_t *word;
	json_array_foreach(array, i, word) {
		if (i)
			buf_puts(out, " ");
		text_quote_word(out, json_is_string(word) ? json_string_value(word) : "?");
	}
}

static void cell_words(struct table *t, const json_t *array)
{
	struct buf b = BUF_INIT;
	put_words(array, &b);
	const char *text = buf_text(&b);
	table_cell(t, b.failed ? "?" : text, COLOUR_NONE);
	buf_fini(&b);
}

static enum code show_list(const struct ctl *c, const json_t *templates)
{
	struct table table;
	size_t i;
	json_t *t;
	bool ok =
	    table_init(&table, &c->out, list_columns, sizeof list_columns / sizeof list_columns[0]);

	json_array_foreach(templates, i, t) {
		if (!ok)
			break;
		table_cell(&table, job_text_or(t, "name", "?"), COLOUR_NONE);
		cell_words(&table, json_object_get(t, "parameters"));
		table_cell(&table, job_text_or(t, "queue", ""), COLOUR_NONE);
		table_cell(&table, job_text_or(t, "origin", ""), COLOUR_NONE);
		table_cell(&table, job_text_or(t, "description", ""), COLOUR_NONE);
	}
	ok = ok && table_flush(&table);
	table_fini(&table);
	return ok ? CODE_DONE : CODE_SOME;
}

int verb_template_list(struct ctl *c)
{
	json_t *reply, *t;
	size_t i;

	if (c->nwords)
		return verb_usage(c, "it takes no '%s'", c->words[0]);
	enum code code = client_ask(
	    &c->client, "list the templates", "org.jobd.Template.List", json_object(), &reply);
	const json_t *templates = json_object_get(reply, "templates");
	if (code == CODE_DONE && !c->o->json)
		code = show_list(c, templates);
	else
		json_array_foreach(templates, i, t) {
			if (!listing_json(&c->out, t))
				code = CODE_SOME;
		}
	json_decref(reply);
	return code;
}

static void words_line(struct sheet *p, const char *label, const json_t *array)
{
	struct buf b = BUF_INIT;
	put_words(array, &b);
	sheet_buf(p, label, &b);
}

static void rules_lines(struct sheet *p, json_t *rules)
{
	const char *name, *label = "rules";
	json_t *value;

	json_object_foreach(rules, name, value) {
		sheet_printf(p, label, "%s = %s", name,
		    json_is_string(value) ? json_string_value(value) : "?");
		label = "";
	}
}

static enum code show(const struct ctl *c, const json_t *t, bool first)
{
	struct sheet p;

	if (c->o->json)
		return listing_json(&c->out, t) ? CODE_DONE : CODE_SOME;
	sheet_init(&p, &c->out);
	if (!first)
		buf_puts(&p.out, "\n");
	sheet_line(&p, "template", job_text(t, "name"));
	sheet_line(&p, "from", job_text(t, "origin"));
	sheet_line(&p, "made by", job_text(t, "by"));
	sheet_line(&p, "description", job_text(t, "description"));
	words_line(&p, "command", json_object_get(t, "command"));
	words_line(&p, "parameters", json_object_get(t, "parameters"));
	sheet_line(&p, "job's name", job_text(t, "job_name"));
	sheet_line(&p, "queue", job_text(t, "queue"));
	sheet_line(&p, "project", job_text(t, "project"));
	sheet_int(&p, "priority", t, "priority");
	sheet_line(&p, "directory", job_text(t, "cwd"));
	sheet_umask(&p, t);
	words_line(&p, "environment", json_object_get(t, "environment"));
	rules_lines(&p, json_object_get(t, "rules"));
	return sheet_end(&p) ? CODE_DONE : CODE_SOME;
}

/* Calls a method that takes a name for each word. done gets what went well. */
static enum code for_each(struct ctl *c, const char *verb, const char *method,
    enum code (*done)(struct ctl *c, const json_t *reply, int i))
{
	enum code first = CODE_DONE;
	char what[300];

	if (!c->nwords)
		return verb_usage(c, "which template? (jobctl template list)");
	for (int i = 0; i < c->nwords; i++) {
		json_t *reply;
		snprintf(what, sizeof what, "%s template %s", verb, c->words[i]);
		enum code code = client_ask(
		    &c->client, what, method, json_pack("{s:s}", "name", c->words[i]), &reply);
		if (code == CODE_DONE)
			code = done(c, reply, i);
		json_decref(reply);
		if (code == CODE_UNREACHABLE)
			return code;
		first = first == CODE_DONE ? code : first;
	}
	return first != CODE_DONE && c->nwords > 1 ? CODE_SOME : first;
}

static enum code shown(struct ctl *c, const json_t *reply, int i)
{
	return show(c, json_object_get(reply, "template"), i == 0);
}

int verb_template_show(struct ctl *c)
{
	return for_each(c, "show", "org.jobd.Template.Get", shown);
}

static enum code deleted(struct ctl *c, const json_t *reply, int i)
{
	struct answer a;
	enum code code = client_call(&c->client, "org.jobd.Template.Get",
	    json_pack("{s:s}", "name", c->words[i]), true, &a);

	(void)reply;
	/* One that the configuration declares stood behind it. */
	if (code == CODE_DONE && !a.error)
		verb_say(c, "template %s is as jobd.conf has it again", c->words[i]);
	else if (code == CODE_DONE)
		verb_say(c, "template %s deleted", c->words[i]);
	answer_fini(&a);
	return code;
}

int verb_template_delete(struct ctl *c)
{
	return for_each(c, "delete", "org.jobd.Template.Delete", deleted);
}

static enum code put_parameters(const struct ctl *c, json_t *t)
{
	json_t *array = c->o->params ? fields_strings(c->o->params) : NULL;

	for (char *const *p = c->o->params; p && *p; p++)
		if (**p == '=' || !**p)
			return json_decref(array),
			       verb_usage(c, "--param: '%s' is not NAME or NAME=VALUE", *p);
	if (array)
		json_object_set_new(t, "parameters", array);
	return CODE_DONE;
}

/* --env NAME takes the value it has here: in a template there must be one. */
static enum code check_environment(const struct ctl *c)
{
	for (char *const *e = c->o->env; e && *e; e++)
		if (!strchr(*e, '='))
			return verb_usage(
			    c, "--env: '%s': a template's needs its value: %s=VALUE", *e, *e);
	return CODE_DONE;
}

static enum code build(const struct ctl *c, json_t *t)
{
	enum code code;

	if (!c->nwords)
		return verb_usage(c, "which name is it to have?");
	if (json_object_set_new(t, "name", json_string(c->words[0])) != 0)
		return verb_wrong(c, "the name '%s' is no UTF-8", c->words[0]);
	if ((code = fields_command(c, c->words + 1, t)) != CODE_DONE)
		return code;
	if (!json_object_get(t, "command"))
		return verb_usage(c, "which command?");
	if ((code = put_parameters(c, t)) != CODE_DONE ||
	    (code = fields_text(c, t, "description", "description", c->o->description)) !=
		CODE_DONE ||
	    (code = fields_common(c, "job_name", t)) != CODE_DONE ||
	    (code = fields_priority(c, t)) != CODE_DONE ||
	    (code = check_environment(c)) != CODE_DONE)
		return code;
	return surroundings_put(c, SURROUNDINGS_BARE, NULL, t);
}

int verb_template_set(struct ctl *c)
{
	json_t *t = json_object(), *reply = NULL;
	enum code code = build(c, t);

	if (code == CODE_DONE)
		code = client_ask(&c->client, "set the template", "org.jobd.Template.Set",
		    json_pack("{s:O}", "template", t), &reply);
	if (code == CODE_DONE)
		verb_say(c, "template %s set", c->words[0]);
	json_decref(reply);
	json_decref(t);
	return code;
}
