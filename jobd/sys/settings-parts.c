/* SPDX-License-Identifier: ISC */
/*
 * The parts of a configuration file: what stands outside of all sections, the queues, the
 * templates. It owns what can stand in which of them, and what one says of another. What a value
 * may be is known to settings.c, lib/rules.h and lib/template.h; how a part is read, to
 * settings-read.c.
 */
#include "config.h"

#include "jobd/sys/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/sys/settings-read.h"
#include "lib/account.h"
#include "lib/rules.h"
#include "lib/str.h"
#include "lib/strv.h"
#include "lib/template.h"

/* The queue that is there without being declared. */
#define DEFAULT_QUEUE "default"

/* All of one reading. */
struct file {
	struct config *config;
	struct notes notes;
	struct outline outline;
	struct outline_section **by_name; /* the outline's, sorted */
	struct part_field *globals, *rules, *template_fields;
};

/* A section while it is read: what a part's arg is. */
struct section {
	struct config *config;
	struct config_section *it;
	/* Of a template: */
	struct template template;
	bool spoiled; /* a value is missing that its check would ask for */
	int queue_line;
};

bool config_is_kind(const char *word, size_t len)
{
	return (len == 5 && memcmp(word, "queue", 5) == 0) ||
	    (len == 8 && memcmp(word, "template", 8) == 0);
}

static bool is_template_field(const char *name)
{
	for (size_t i = 0; template_field(i); i++)
		if (strcmp(template_field(i), name) == 0)
			return true;
	return false;
}

/* Outside of sections. */

static int set_global(struct part *p, const struct part_field *f, const char *value, int line,
    const char **takes)
{
	struct config *c = p->arg;
	const struct setting *s = config_setting(f->name);
	(void)takes;
	int rc = config_set(c, s, value);
	if (rc == 0 && (s->kind == SETTING_GROUP || config_is_list(s)))
		rc = config_add_name(c, value, s->kind != SETTING_USERS, line);
	return rc;
}

static char *not_global(const struct part *p, const char *name)
{
	bool rule = rule_find(name) >= 0, field = is_template_field(name);
	(void)p;
	if (config_is_kind(name, strlen(name)))
		return str_printf("a %s is a section: %s NAME { ... }", name, name);
	if (!rule && !field)
		return NULL;
	return str_printf("%s is a setting of %s; put it into one: %s NAME { %s = ... }", name,
	    !rule      ? "templates" :
		field ? "queues and templates" :
			"queues",
	    rule ? "queue" : "template", name);
}

static void read_globals(struct file *f, const char *text)
{
	struct part p = {
		.fields = f->globals,
		.text = text,
		.first_line = 1,
		.nobody = "there is no setting",
		.set = set_global,
		.elsewhere = not_global,
		.arg = f->config,
	};
	part_read(&p, &f->notes);
}

/* A queue's section. */

/* Adds a name to a list; the rule's value has commas between them. */
static int add_to_list(struct section *s, enum rule which, const char *name, int line)
{
	if (!account_good_name(name))
		return -EINVAL;
	const char *before = rules_given(s->it->values, which);
	char *joined = before ? str_printf("%s,%s", before, name) : strdup(name);
	int rc = joined ? rules_put(&s->it->values, which, joined) : -ENOMEM;
	free(joined);
	return rc < 0 ? rc : config_add_name(s->config, name, which == RULE_SUBMIT_GROUPS, line);
}

static int set_rule(struct part *p, const struct part_field *f, const char *value, int line,
    const char **takes)
{
	struct section *s = p->arg;
	int which = rule_find(f->name);
	(void)takes;
	return f->list ? add_to_list(s, which, value, line) : rules_put(&s->it->values, which, value);
}

static char *not_of_queues(const struct part *p, const char *name)
{
	(void)p;
	if (config_setting(name))
		return str_printf("%s is a setting of the whole daemon; put it outside of all sections",
		    name);
	if (is_template_field(name))
		return str_printf("%s is a setting of templates; a queue has none", name);
	return NULL;
}

/* A template's. */

static int set_field(struct part *p, const struct part_field *f, const char *value, int line,
    const char **takes)
{
	struct section *s = p->arg;
	int rc = template_set(&s->template, f->name, value, takes);
	if (rc == 0) {
		char *pair = str_printf("%s=%s", f->name, value);
		rc = pair ? strv_add(&s->it->values, pair) : -ENOMEM;
		free(pair);
	}
	if (rc < 0 && rule_find(f->name) < 0)
		s->spoiled = true;
	if (strcmp(f->name, "queue") == 0)
		s->queue_line = line;
	return rc;
}

static char *not_of_templates(const struct part *p, const char *name)
{
	struct section *s = p->arg;
	s->spoiled = true;
	if (rule_find(name) >= 0)
		return str_printf("%s is a setting of queues; a template has none", name);
	if (config_setting(name))
		return str_printf("%s is a setting of the whole daemon; put it outside of all sections",
		    name);
	return NULL;
}

static void forget(struct part *p)
{
	struct section *s = p->arg;
	strv_free(s->it->values);
	s->it->values = NULL;
	template_fini(&s->template);
	template_init(&s->template);
	s->spoiled = false;
	s->queue_line = 0;
}

/* One section, whichever. */

static int by_kind_and_name(const void *a, const void *b)
{
	const struct outline_section *x = *(struct outline_section *const *)a;
	const struct outline_section *y = *(struct outline_section *const *)b;
	int rc = strcmp(x->kind, y->kind);
	if (rc == 0)
		rc = strcmp(x->name ? x->name : "", y->name ? y->name : "");
	return rc;
}

/* Pointers into the outline lie in the order of the file. */
static int by_name_and_place(const void *a, const void *b)
{
	const struct outline_section *x = *(struct outline_section *const *)a;
	const struct outline_section *y = *(struct outline_section *const *)b;
	int rc = by_kind_and_name(a, b);
	return rc ? rc : (x > y) - (x < y);
}

static bool is_declared(const struct file *f, const char *queue)
{
	char kind[] = "queue";
	struct outline_section key = { .kind = kind, .name = strdup(queue) }, *at = &key;
	bool found = !key.name || bsearch(&at, f->by_name, f->outline.count, sizeof(at), by_kind_and_name);
	free(key.name);
	return found || strcmp(queue, DEFAULT_QUEUE) == 0;
}

/* As a whole. What is wrong with its name is told already, and with what spoiled it. */
static void check_template(struct file *f, struct section *s, const struct outline_section *o)
{
	bool named = o->name && template_good_name(o->name);
	char *why = NULL;
	int rc = 0;
	s->template.name = strdup(named ? o->name : "unnamed");
	if (!s->template.name)
		rc = -ENOMEM;
	else if (!s->spoiled)
		rc = template_check(&s->template, &why);
	if (rc == -ENOMEM)
		f->notes.no_memory = true;
	if (rc == -EINVAL)
		notes_add(&f->notes, o->line, "%s %s: %s", named ? "template" : "this",
		    named ? o->name : "template", why);
	free(why);
}

static void check_queue(struct file *f, const struct section *s)
{
	const char *queue = s->template.queue;
	if (queue && !is_declared(f, queue))
		notes_add(&f->notes, s->queue_line,
		    "there is no queue \"%s\" in this file; declare it: queue NAME { ... }", queue);
}

/* Room in the configuration for what a section says; NULL: no memory. */
static struct config_section *add_section(struct config *c, bool template,
    const struct outline_section *o)
{
	struct config_section **list = template ? &c->templates : &c->queues;
	size_t *count = template ? &c->ntemplates : &c->nqueues;
	struct config_section *grown = realloc(*list, (*count + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	*list = grown;
	grown += *count;
	*grown = (struct config_section){ .name = strdup(o->name ? o->name : ""), .line = o->line };
	if (!grown->name)
		return NULL;
	++*count;
	return grown;
}

static void read_section(struct file *f, const struct outline_section *o)
{
	bool template = strcmp(o->kind, "template") == 0;
	struct section s = { .config = f->config, .it = add_section(f->config, template, o) };
	if (!s.it) {
		f->notes.no_memory = true;
		return;
	}
	if (!o->body)
		return;
	template_init(&s.template);
	struct part p = {
		.fields = template ? f->template_fields : f->rules,
		.text = o->body,
		.first_line = o->body_line,
		.nobody = template ? "a template has no setting" : "a queue has no setting",
		.set = template ? set_field : set_rule,
		.again = forget,
		.elsewhere = template ? not_of_templates : not_of_queues,
		.arg = &s,
	};
	if (!part_read(&p, &f->notes))
		s.spoiled = true;
	if (template) {
		check_template(f, &s, o);
		check_queue(f, &s);
	}
	template_fini(&s.template);
}

static void check_kind(struct file *f, const struct outline_section *o)
{
	static const struct part_field kinds[] = { { .name = "queue" }, { .name = "template" },
		{ .name = NULL } };
	const char *nearest = part_nearest(kinds, o->kind);
	if (nearest)
		notes_add(&f->notes, o->line, "there is no section \"%s\"; did you mean %s?", o->kind,
		    nearest);
	else
		notes_add(&f->notes, o->line,
		    "there is no section \"%s\"; there are queue NAME { ... } and template NAME { ... }",
		    o->kind);
}

static void check_name(struct file *f, const struct outline_section *o)
{
	if (!o->name)
		notes_add(&f->notes, o->line, "this %s has no name; it reads  %s NAME { ... }", o->kind,
		    o->kind);
	else if (!template_good_name(o->name))
		notes_add(&f->notes, o->line,
		    "a %s can't be named \"%s\"; a name has letters, digits, _ . and -, at most 64, and does "
		    "not begin with - or a dot", o->kind, o->name);
}

/* Sections of one name stand together in by_name, the first of the file first. */
static void check_twice(struct file *f)
{
	const struct outline_section *first = NULL;
	for (size_t i = 0; i < f->outline.count; i++) {
		const struct outline_section *o = f->by_name[i];
		if (!first || by_kind_and_name(&first, &o) != 0)
			first = o;
		else if (o->name && config_is_kind(o->kind, strlen(o->kind)))
			notes_add(&f->notes, o->line,
			    "there is a %s %s already, in line %d; put all of it into one of the two", o->kind,
			    o->name, first->line);
	}
}

static void read_sections(struct file *f)
{
	size_t n = f->outline.count;
	f->by_name = calloc(n + 1, sizeof(*f->by_name));
	if (!f->by_name) {
		f->notes.no_memory = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		f->by_name[i] = &f->outline.list[i];
	qsort(f->by_name, n, sizeof(*f->by_name), by_name_and_place);
	check_twice(f);
	for (size_t i = 0; i < n && !f->notes.no_memory; i++) {
		const struct outline_section *o = &f->outline.list[i];
		if (config_is_kind(o->kind, strlen(o->kind))) {
			check_name(f, o);
			read_section(f, o);
		} else {
			check_kind(f, o);
		}
	}
}

/* What can be set in each part. */
static bool list_fields(struct file *f)
{
	size_t settings = 0, fields = 0;
	while (config_settings[settings].name)
		settings++;
	while (template_field(fields))
		fields++;
	f->globals = calloc(settings + 1, sizeof(*f->globals));
	f->rules = calloc(RULES + 1, sizeof(*f->rules));
	f->template_fields = calloc(fields + 1, sizeof(*f->template_fields));
	if (!f->globals || !f->rules || !f->template_fields)
		return false;
	for (size_t i = 0; i < settings; i++) {
		const struct setting *s = &config_settings[i];
		f->globals[i] = (struct part_field){ s->name, s->takes, config_is_list(s), config_is_list(s) };
	}
	for (size_t i = 0; i < RULES; i++) {
		/* A list is written here as the global one of its name. */
		const struct setting *like = rule_is_list(i) ? config_setting(rule_name(i)) : NULL;
		f->rules[i] = (struct part_field){ rule_name(i), like ? like->takes : rule_takes(i),
			rule_is_list(i), rule_is_list(i) };
	}
	for (size_t i = 0; i < fields; i++) {
		const char *name = template_field(i);
		int rule = rule_find(name);
		f->template_fields[i] = (struct part_field){ name,
			rule >= 0 ? rule_takes(rule) : NULL, template_field_is_list(name), false };
	}
	return true;
}

/*
 * cfg_init calls setlocale(LC_MESSAGES, ""), and its messages may then be
 * translated, which settings-read.c could not read. jobd speaks one language anyway.
 */
static void one_language(void)
{
	const char *all = getenv("LC_ALL");
	if (!all || strcmp(all, "C") != 0)
		setenv("LC_ALL", "C", 1);
}

static void read_parts(struct file *f, char *text)
{
	if (!list_fields(f) || config_outline(text, &f->outline, &f->notes) < 0) {
		f->notes.no_memory = true;
		return;
	}
	read_globals(f, text);
	read_sections(f);
}

int config_read(const char *name, char *text, size_t len, struct config *c, char ***messages)
{
	struct file f = { .config = c };
	struct buf words = BUF_INIT;
	one_language();
	int line = 1;
	const char *wrong = config_blank(text, len, &line);
	if (wrong)
		notes_add(&f.notes, line, "%s", wrong);
	else
		config_words(text, &words, &f.notes);
	if (!wrong && !f.notes.no_memory)
		read_parts(&f, (char *)words.data);
	int rc = notes_tell(&f.notes, name, messages);
	notes_fini(&f.notes);
	config_outline_free(&f.outline);
	free(f.by_name);
	free(f.globals);
	free(f.rules);
	free(f.template_fields);
	buf_fini(&words);
	return rc;
}
