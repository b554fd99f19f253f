/* SPDX-License-Identifier: ISC */
/*
 * The queue of a draft: whether it is there, and whether the caller may submit to it. Jobs of a
 * call that follow each other into the same queue are asked once. And the same of a job that is
 * there, before it is run anew or made into another piece of work: what one may not submit one
 * may not run so either.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "jobd/core/queues.h"

/* Whom it is open to, in words. */
static void say_who(const struct rules *r, char *out, size_t size)
{
	char *users = r->submit_users ? rule_text(r, RULE_SUBMIT_USERS) : NULL;
	char *groups = r->submit_groups ? rule_text(r, RULE_SUBMIT_GROUPS) : NULL;

	snprintf(out, size, "it is open to%s%.100s%s%s%.100s and administrators",
	    users ? " submit_users " : "", users ? users : "", users && groups ? "," : "",
	    groups ? " submit_groups " : "", groups ? groups : "");
	free(users);
	free(groups);
}

/* Where the caller looks for what is wrong with the queue: one that the template has is not said
 * by itself. */
static const char *place(struct drafting *x, bool is_templates)
{
	return draft_place(x, is_templates ? "template" : "queue");
}

/* parameter NULL: the queue is that of the job, and nothing in the call says it. */
static void refuse(struct drafting *x, const struct queue_view *v, const char *parameter)
{
	struct actor who = call_actor(x->c);
	json_t *params = json_object();
	char message[300];

	say_who(v->rules, message, sizeof message);
	json_put(params, "queue", json_text(v->name));
	json_put(params, "message", json_text(message));
	json_put(params, "parameter", json_text(parameter));
	engine_refused(x->a->o.engine, &who, x->verb, x->id, "NotAllowed");
	call_error(x->c, "org.jobd.Queue.NotAllowed", params);
}

/* False: the call is answered, or (again) begins anew. parameter as refuse has it. */
static bool admits(struct drafting *x, const struct queue_view *v, const char *parameter)
{
	switch (access_queue(x->a, call_peer(x->c), v->rules)) {
	case API_NAME_KNOWN:
		return true;
	case API_NAME_PENDING:
		x->again = true;
		call_again(x->c);
		break;
	case API_NAME_LATE:
		error_failed(x->c, x->id,
		    "the name service does not answer: nobody knows who may submit to that queue");
		break;
	case API_NAME_UNKNOWN:
		refuse(x, v, parameter);
		break;
	}
	return false;
}

static bool is_open(struct drafting *x, const char *name, bool is_templates)
{
	struct queue_view v;

	if (strcmp(x->queue, name) == 0)
		return true;
	if (engine_queue_get(x->a->o.engine, name, &v) != ENGINE_OK || !v.declared) {
		error_no_queue(x->a, x->c, name, place(x, is_templates));
		return false;
	}
	if (!admits(x, &v, place(x, is_templates)))
		return false;
	snprintf(x->queue, sizeof x->queue, "%s", name);
	return true;
}

bool draft_read_queue(struct drafting *x, const char *otherwise, struct job *job)
{
	const char *name = json_string_value(json_object_get(x->o, "queue"));

	bool is_templates = !name && otherwise;

	if (!name)
		name = otherwise;
	if (!name && x->id)
		return true;
	if (!name)
		name = QUEUE_DEFAULT;
	if (!is_open(x, name, is_templates))
		return false;
	job->queue = strdup(name);
	x->no_memory |= !job->queue;
	return true;
}

bool draft_check_right(struct drafting *x)
{
	const struct peer *p = call_peer(x->c);
	struct queue_view q;
	struct job_view v;

	if (!access_may_submit(x->a, p)) {
		error_denied(x->a, x->c, x->verb, x->id);
		return false;
	}
	if (*x->queue || access_is_admin(x->a, p)) /* where it is to go was asked */
		return true;
	enum engine_result r = engine_get(x->a->o.engine, x->id, &v);
	if (r != ENGINE_OK) {
		error_of_get(x->c, x->id, r);
		return false;
	}
	/* One that is declared no more has the rules it had. */
	bool good = engine_queue_get(x->a->o.engine, v.job->queue, &q) != ENGINE_OK || admits(x, &q, NULL);
	job_view_fini(&v);
	return good;
}
