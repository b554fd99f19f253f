/* SPDX-License-Identifier: ISC */
/*
 * The errors that several methods have, with their parameters, as the interface files declare them.
 * (One that a single method has is written beside it.) Each function ends the call: nothing more
 * may be answered.
 *
 * Nothing is logged: these are the caller's mistakes. Only a refusal (error_denied) is journalled;
 * limits that were met are limits.c's.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "jobd/api/common.h"
#include "jobd/core/queues.h"

/* The parameters of an error, and last the one of the call that is to blame; NULL: nothing is
 * said of that. */
static void end(struct call *c, const char *error, json_t *params, const char *parameter)
{
	json_put(params, "parameter", json_text(parameter));
	call_error(c, error, params);
}

void error_not_found(struct call *c, uint64_t id)
{
	error_no_job(c, id, NULL);
}

void error_no_job(struct call *c, uint64_t id, const char *parameter)
{
	end(c, "org.jobd.Job.NotFound", json_pack("{s:I}", "id", (json_int_t)id), parameter);
}

void error_invalid(struct call *c, const char *parameter, const char *fmt, ...)
{
	char message[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	json_t *params = json_object();
	json_put(params, "parameter", json_text(parameter));
	json_put(params, "message", json_text(message));
	call_error(c, "org.jobd.Job.Invalid", params);
}

void error_failed(struct call *c, uint64_t id, const char *message)
{
	json_t *params = json_pack("{s:I}", "id", (json_int_t)id);

	json_put(params, "message", json_text(message));
	call_error(c, "org.jobd.Job.Failed", params);
}

void error_of_core(struct call *c, uint64_t id)
{
	error_failed(c, id, "jobd could not do it; its log says why");
}

void error_of_get(struct call *c, uint64_t id, enum engine_result r)
{
	if (r == ENGINE_NOT_FOUND)
		error_not_found(c, id);
	else
		error_failed(c, id, ERROR_UNREADABLE);
}

void error_wrong_state(
    struct call *c, uint64_t id, enum job_state state, const char *verb, const char *can)
{
	call_error(c, "org.jobd.Job.WrongState",
	    json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)id, "state", job_state_name(state),
		"verb", verb, "can", can));
}

void error_low_disk(const struct api *a, struct call *c)
{
	struct engine_health h;

	engine_health(a->o.engine, &h);
	call_error(c, "org.jobd.Job.LowDisk",
	    json_pack("{s:I, s:I}", "free_mb", (json_int_t)(h.free_bytes >> 20), "needed_mb",
		(json_int_t)(h.low_disk_bytes >> 20)));
}

static json_t *unknown_name(const char *name, json_t *known)
{
	json_t *params = json_object();

	json_put(params, "name", json_text(name));
	json_put(params, "known", known);
	return params;
}

static void add_queue(void *ctx, const struct queue_view *v)
{
	if (v->declared)
		json_array_append_new(ctx, json_text(v->name));
}

/* gone: it was declared once. */
static void no_queue(
    const struct api *a, struct call *c, const char *name, const char *parameter, bool gone)
{
	json_t *known = json_array();
	struct queue_view v;
	char text[200];

	engine_queue_each(a->o.engine, add_queue, known);
	json_t *params = unknown_name(name, known);
	if (engine_queue_get(a->o.engine, name, &v) == ENGINE_OK) {
		snprintf(text, sizeof text, QUEUE_RETIRED, name);
		json_put(params, "message", json_text(text));
	} else if (gone) {
		snprintf(text, sizeof text, "queue %s is no longer declared in jobd.conf", name);
		json_put(params, "message", json_text(text));
	}
	end(c, "org.jobd.Queue.NotFound", params, parameter);
}

void error_no_queue(const struct api *a, struct call *c, const char *name, const char *parameter)
{
	no_queue(a, c, name, parameter, false);
}

void error_queue_is_gone(const struct api *a, struct call *c, uint64_t id)
{
	struct job_view v;
	enum engine_result r = engine_get(a->o.engine, id, &v);

	if (r != ENGINE_OK) {
		error_of_get(c, id, r);
		return;
	}
	no_queue(a, c, v.job->queue, NULL, true);
	job_view_fini(&v);
}

static void add_template(void *ctx, const struct template *t, bool runtime)
{
	(void)runtime;
	json_array_append_new(ctx, json_text(t->name));
}

void error_no_template(const struct api *a, struct call *c, const char *name, const char *parameter)
{
	json_t *known = json_array();

	engine_template_each(a->o.engine, add_template, known);
	end(c, "org.jobd.Template.NotFound", unknown_name(name, known), parameter);
}

void error_denied(const struct api *a, struct call *c, const char *verb, uint64_t id)
{
	struct actor who = call_actor(c);

	engine_refused(a->o.engine, &who, verb, id, "PermissionDenied");
	call_error(c, "org.varlink.service.PermissionDenied", NULL);
}
