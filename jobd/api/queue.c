/* SPDX-License-Identifier: ISC */
/* org.jobd.Queue: List, Get, Set, Reset, Pause, Resume, Drain. */
#include "config.h"

#include "jobd/core/queues.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "lib/strv.h"
#include "lib/varlink_handlers.h"

static json_t *values_json(const struct queue_view *v)
{
	json_t *values = json_array();

	for (int i = 0; i < RULES; i++) {
		char *text = rule_text(v->rules, (enum rule)i);
		json_t *value = json_object();
		json_put(value, "name", json_string(rule_name((enum rule)i)));
		json_put(value, "value", json_text(text ? text : ""));
		json_put(value, "origin", json_string(rule_origin_name(v->origins[i])));
		json_array_append_new(values, value);
		free(text);
	}
	return values;
}

static void put_number(json_t *o, const char *key, uint64_t v)
{
	json_put(o, key, json_integer((json_int_t)v));
}

/* looked: engine_queues_look was called for it. */
static json_t *queue_json(const struct queue_view *v, bool looked)
{
	json_t *o = json_object();

	json_put(o, "name", json_text(v->name));
	json_put(o, "state", json_string(queue_state_name(v->state)));
	json_put(o, "declared", json_boolean(v->declared));
	json_put(o, "by", json_text(v->by));
	if (v->since_us)
		put_number(o, "since_us", v->since_us);
	put_number(o, "max_running", v->rules->max_running);
	put_number(o, "queued", v->queued);
	put_number(o, "held", v->held);
	put_number(o, "running", v->running);
	put_number(o, "paused", v->paused);
	if (looked && v->oldest_us)
		put_number(o, "oldest_us", v->oldest_us);
	put_number(o, "ended_last_hour", v->ended_last_hour);
	return o;
}

static void add_queue(void *ctx, const struct queue_view *v)
{
	json_array_append_new(ctx, queue_json(v, true));
}

void api_queue_list(void *ctx, struct call *c)
{
	struct api *a = ctx;
	json_t *queues = json_array(), *reply = json_object();

	engine_queues_look(a->o.engine);
	engine_queue_each(a->o.engine, add_queue, queues);
	json_put(reply, "queues", queues);
	call_reply(c, reply);
}

/*
 * Answers with the queue that the call names, and more (stolen, may be NULL). look: for whoever
 * wants to know how it is doing; that goes over all live jobs, so nothing else does it.
 */
static void reply_queue(const struct api *a, struct call *c, bool look, json_t *more)
{
	const char *name = param_str(c, "name");
	struct queue_view v;

	if (engine_queue_get(a->o.engine, name, &v) != ENGINE_OK) {
		json_decref(more);
		error_no_queue(a, c, name, NULL);
		return;
	}
	if (look) {
		engine_queues_look(a->o.engine);
		engine_queue_get(a->o.engine, name, &v);
	}
	json_t *queue = queue_json(&v, look), *reply = json_object();
	json_put(queue, "values", values_json(&v));
	json_put(reply, "queue", queue);
	json_object_update(reply, more);
	json_decref(more);
	call_reply(c, reply);
}

void api_queue_get(void *ctx, struct call *c)
{
	reply_queue(ctx, c, true, NULL);
}

/* Answers by what core said. more is stolen. */
static void answer(const struct api *a, struct call *c, enum engine_result r, json_t *more)
{
	if (r == ENGINE_OK || r == ENGINE_ALREADY || r == ENGINE_NOT_FOUND) {
		reply_queue(a, c, false, more);
		return;
	}
	json_decref(more);
	error_of_core(c, 0);
}

static void wrong_value(struct call *c, const char *name, const char *value)
{
	char parameter[100], names[250];
	int which = rule_find(name);

	snprintf(parameter, sizeof parameter, "values.%.60s", name);
	if (which >= 0) {
		error_invalid(c, parameter, "\"%.60s\" is not %s", value, rule_takes((enum rule)which));
		return;
	}
	rule_names(false, names, sizeof names);
	error_invalid(c, parameter, "a queue has no such value; there are %s", names);
}

/* The values as NAME=value each; false: answered. */
static bool read_values(struct call *c, char ***values)
{
	json_t *map = json_object_get(call_params(c), "values");

	for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at)) {
		const char *name = json_object_iter_key(at);
		const char *value = json_string_value(json_object_iter_value(at));
		int which = rule_find(name);
		int rc = which < 0 ? -EINVAL : rules_put(values, (enum rule)which, value);
		if (rc == -EINVAL)
			wrong_value(c, name, value);
		else if (rc)
			error_failed(c, 0, "no memory");
		if (rc)
			return false;
	}
	if (*values)
		return true;
	error_invalid(c, "values", "there is none");
	return false;
}

void api_queue_set(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct actor who = call_actor(c);
	char **values = NULL;

	if (read_values(c, &values))
		answer(a, c, engine_queue_set(a->o.engine, &who, param_str(c, "name"), values), NULL);
	strv_free(values);
}

void api_queue_reset(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct actor who = call_actor(c);
	const json_t *names = json_object_get(call_params(c), "values");
	unsigned rules = json_is_array(names) ? 0 : (1u << RULES) - 1;

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		int which = rule_find(name);
		if (which < 0) {
			wrong_value(c, name, "");
			return;
		}
		rules |= 1u << which;
	}
	answer(a, c, engine_queue_reset(a->o.engine, &who, param_str(c, "name"), rules), NULL);
}

static void turn(const struct api *a, struct call *c, enum queue_state to)
{
	struct actor who = call_actor(c);
	enum engine_result r = engine_queue_change(a->o.engine, &who, param_str(c, "name"), to);

	answer(a, c, r, json_pack("{s:b}", "changed", r == ENGINE_OK));
}

void api_queue_pause(void *ctx, struct call *c)
{
	turn(ctx, c, QUEUE_PAUSED);
}

void api_queue_resume(void *ctx, struct call *c)
{
	turn(ctx, c, QUEUE_OPEN);
}

void api_queue_drain(void *ctx, struct call *c)
{
	turn(ctx, c, QUEUE_DRAINING);
}
