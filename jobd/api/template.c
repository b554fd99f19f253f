/* SPDX-License-Identifier: ISC */
/*
 * org.jobd.Template: List, Get, Set, Delete.
 *
 * What Set is given is put into a struct template field by field, by the functions of
 * lib/template.h that the configuration is read with too, so that both take the same values. A value
 * that is wrong is Invalid, with the parameter template.FIELD; then the template is checked as a
 * whole, and its queue must be declared. Core is told of a template that has passed all of that.
 *
 * Everybody may read every template, its variables too: whoever uses one has them in a job.
 */
#include "config.h"

#include "lib/template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "jobd/core/queues.h"
#include "lib/priority.h"
#include "lib/varlink_handlers.h"

#define LIST_MAX 1000 /* members of a list of one */

static json_t *list_json(char *const *v)
{
	return v && *v ? strv_json(v) : NULL;
}

static json_t *rules_json(char *const *given)
{
	json_t *rules = json_object();

	for (int i = 0; i < RULES; i++)
		json_put(rules, rule_name((enum rule)i), json_text(rules_given(given, (enum rule)i)));
	return rules;
}

/* All of it. */
static json_t *template_json(const struct template *t, bool runtime)
{
	json_t *o = json_object();

	json_put(o, "name", json_text(t->name));
	json_put(o, "origin", json_string(runtime ? "runtime" : "config"));
	json_put(o, "by", json_text(t->by));
	json_put(o, "description", json_text(t->description));
	json_put(o, "command", strv_json(t->command));
	json_put(o, "parameters", list_json(t->parameters));
	json_put(o, "job_name", json_text(t->job_name));
	json_put(o, "queue", json_text(t->queue));
	json_put(o, "project", json_text(t->project));
	if (t->priority)
		json_put(o, "priority", json_integer(t->priority));
	json_put(o, "cwd", json_text(t->cwd));
	if (t->umask >= 0)
		json_put(o, "umask", json_integer(t->umask));
	json_put(o, "environment", list_json(t->environment));
	if (t->rules && *t->rules)
		json_put(o, "rules", rules_json(t->rules));
	return o;
}

static void add_template(void *ctx, const struct template *t, bool runtime)
{
	json_array_append_new(ctx, template_json(t, runtime));
}

void api_template_list(void *ctx, struct call *c)
{
	struct api *a = ctx;
	json_t *templates = json_array(), *reply = json_object();

	engine_template_each(a->o.engine, add_template, templates);
	json_put(reply, "templates", templates);
	call_reply(c, reply);
}

static void reply_template(const struct api *a, struct call *c, const char *name)
{
	bool runtime = false;
	const struct template *t = engine_template_get(a->o.engine, name, &runtime);

	if (!t) {
		error_no_template(a, c, name, NULL);
		return;
	}
	json_t *reply = json_object();
	json_put(reply, "template", template_json(t, runtime));
	call_reply(c, reply);
}

void api_template_get(void *ctx, struct call *c)
{
	reply_template(ctx, c, param_str(c, "name"));
}

/* One value of a field. False: answered. */
static bool set_field(struct call *c, struct template *t, const char *field, const char *value)
{
	const char *takes = NULL;
	char parameter[100];
	int rc = template_set(t, field, value, &takes);

	if (rc == 0)
		return true;
	snprintf(parameter, sizeof parameter, "template.%.80s", field);
	if (rc == -EINVAL)
		error_invalid(c, parameter, "\"%.60s\" is not %s", value, takes ? takes : "right");
	else if (rc == -ENOENT)
		error_invalid(c, parameter, "a template has no field \"%.60s\"", field);
	else
		error_failed(c, 0, "no memory");
	return false;
}

static bool set_list(struct call *c, struct template *t, const char *field, const json_t *array)
{
	size_t n = json_array_size(array);
	char parameter[100];

	if (n > LIST_MAX) {
		snprintf(parameter, sizeof parameter, "template.%s", field);
		error_invalid(c, parameter, "%s has at most %d members", field, LIST_MAX);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (!set_field(c, t, field, json_string_value(json_array_get(array, i))))
			return false;
	return true;
}

/* Texts and lists, which are fields by the same name. */
static bool read_fields(struct call *c, const json_t *o, struct template *t)
{
	static const char *const fields[] = { "description", "command", "parameters", "job_name", "queue",
		"project", "cwd", "environment" };

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const json_t *v = json_object_get(o, fields[i]);
		if (json_is_array(v) && !set_list(c, t, fields[i], v))
			return false;
		if (json_is_string(v) && !set_field(c, t, fields[i], json_string_value(v)))
			return false;
	}
	return true;
}

static bool read_numbers(struct call *c, const json_t *o, struct template *t)
{
	const json_t *priority = json_object_get(o, "priority"), *mask = json_object_get(o, "umask");

	if (json_is_integer(priority)) {
		json_int_t n = json_integer_value(priority);
		if (n < PRIORITY_MIN || n > PRIORITY_MAX) {
			error_invalid(c, "template.priority", "a priority is " PRIORITY_RANGE);
			return false;
		}
		t->priority = (int)n;
	}
	if (json_is_integer(mask)) {
		json_int_t n = json_integer_value(mask);
		if (n < 0 || n > 0777) {
			error_invalid(c, "template.umask", "a umask is 0 to 511 (0777)");
			return false;
		}
		t->umask = (int)n;
	}
	return true;
}

static bool read_rules(struct call *c, const json_t *o, struct template *t)
{
	json_t *rules = json_object_get(o, "rules");

	for (void *at = json_object_iter(rules); at; at = json_object_iter_next(rules, at)) {
		const char *name = json_object_iter_key(at);
		int which = rule_find(name);
		if (which < 0 || !rule_is_of_jobs((enum rule)which)) {
			error_invalid(c, "template.rules", "a job has no rule \"%.60s\"", name);
			return false;
		}
		if (!set_field(c, t, name, json_string_value(json_object_iter_value(at))))
			return false;
	}
	return true;
}

static bool read_name(struct call *c, const json_t *o, struct template *t)
{
	const char *name = json_string_value(json_object_get(o, "name"));

	if (!template_good_name(name)) {
		error_invalid(c, "template.name",
		    "\"%.60s\" can't be a template's name: one has up to 64 letters, digits, _ . and -, and does not begin with . or -",
		    name);
		return false;
	}
	t->name = strdup(name);
	if (!t->name)
		error_failed(c, 0, "no memory");
	return t->name;
}

/* Whether its queue is there. False: answered. */
static bool check_queue(const struct api *a, struct call *c, const struct template *t)
{
	struct queue_view v;

	if (!t->queue || (engine_queue_get(a->o.engine, t->queue, &v) == ENGINE_OK && v.declared))
		return true;
	error_no_queue(a, c, t->queue, "template.queue");
	return false;
}

/* Whether it is whole and safe. False: answered. */
static bool check(struct call *c, const struct template *t)
{
	char *why = NULL;
	int rc = template_check(t, &why);

	if (rc == -EINVAL)
		error_invalid(c, "template", "%s", why ? why : "it is not whole");
	else if (rc)
		error_failed(c, 0, "no memory");
	free(why);
	return rc == 0;
}

void api_template_set(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct actor who = call_actor(c);
	const json_t *o = json_object_get(call_params(c), "template");
	struct template t;

	template_init(&t);
	if (read_name(c, o, &t) && read_fields(c, o, &t) && read_numbers(c, o, &t) && read_rules(c, o, &t)
	    && check(c, &t) && check_queue(a, c, &t)) {
		if (engine_template_set(a->o.engine, &who, &t) == ENGINE_OK)
			reply_template(a, c, t.name);
		else
			error_of_core(c, 0);
	}
	template_fini(&t);
}

void api_template_delete(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct actor who = call_actor(c);
	const char *name = param_str(c, "name");

	enum engine_result r = engine_template_delete(a->o.engine, &who, name);

	if (r == ENGINE_OK)
		call_reply(c, NULL);
	else if (r == ENGINE_NOT_FOUND)
		error_no_template(a, c, name, NULL);
	else if (r == ENGINE_WRONG_STATE)
		error_invalid(c, "name", "the configuration declares \"%.60s\": it can be removed there", name);
	else
		error_of_core(c, 0);
}
