/* SPDX-License-Identifier: ISC */
/*
 * Limits: the errors that name them, and how often each was met. What one user may is asked
 * where it is cheap to know (server, core); here it is told, counted and journalled.
 *
 * The counts go over an exec of jobd, in lib/handover.h's HANDOVER_API:
 *
 *	1  a limit (repeated): 1 its name   2 how often it was met
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "jobd/api/common.h"
#include "lib/handover.h"

/* As the configuration has them; those that are no settings are of the protocol. */
static const char *const names[API_LIMITS] = {
	[API_LIMIT_QUEUED_JOBS] = "user_queued_jobs",
	[API_LIMIT_JOB_BYTES] = "user_job_bytes",
	[API_LIMIT_AFTER] = "after",
	[API_LIMIT_BATCHES] = "batches",
	[API_LIMIT_ENVIRONMENT] = "max_environment",
	[API_LIMIT_COMMAND] = "max_command",
	[API_LIMIT_IDS] = "ids",
	[API_LIMIT_JOBS] = "jobs",
	[API_LIMIT_REPLY] = "reply",
};

void error_limit(struct api *a, struct call *c, const struct limit_met *m)
{
	struct actor who = call_actor(c);
	json_t *params = json_object();

	a->limits_met[m->limit]++;
	engine_limited(a->o.engine, &who, m->verb, names[m->limit]);
	json_put(params, "limit", json_string(names[m->limit]));
	json_put(params, "message", json_text(m->message));
	json_put(params, "value", json_integer((json_int_t)m->value));
	if (m->count)
		json_put(params, "count", json_integer((json_int_t)m->count));
	call_error(c, "org.jobd.Job.LimitReached", params);
}

void error_queued_jobs(struct api *a, struct call *c, const char *verb, uid_t owner)
{
	struct limit_met m = { .limit = API_LIMIT_QUEUED_JOBS, .verb = verb,
		.value = a->limits.user_queued_jobs, .count = engine_waiting(a->o.engine, owner) };
	char text[120];

	snprintf(text, sizeof text, "%llu jobs of this user wait, and user_queued_jobs allows %llu",
	    (unsigned long long)m.count, (unsigned long long)m.value);
	m.message = text;
	error_limit(a, c, &m);
}

void error_job_bytes(struct api *a, struct call *c, const char *verb, uid_t owner)
{
	struct limit_met m = { .limit = API_LIMIT_JOB_BYTES, .verb = verb,
		.value = a->limits.user_job_bytes, .count = engine_job_bytes(a->o.engine, owner) };
	char text[200];

	snprintf(text, sizeof text, "the commands and other texts of this user's jobs have %llu bytes, "
	    "and would have more than user_job_bytes allows: %llu",
	    (unsigned long long)m.count, (unsigned long long)m.value);
	m.message = text;
	error_limit(a, c, &m);
}

void error_links(struct api *a, struct call *c, const char *verb)
{
	struct limit_met m = { .limit = API_LIMIT_AFTER, .verb = verb,
		.value = engine_links_most(a->o.engine) };
	char text[160];

	snprintf(text, sizeof text, "this user's jobs would wait for more than %llu others in all, which is "
	    "a hundred for each that user_queued_jobs allows", (unsigned long long)m.value);
	m.message = text;
	error_limit(a, c, &m);
}

void error_batches(struct api *a, struct call *c, const char *verb)
{
	struct limit_met m = { .limit = API_LIMIT_BATCHES, .verb = verb, .value = ENGINE_USER_BATCHES,
		.message = "too many batches of this user are begun and not sealed" };

	error_limit(a, c, &m);
}

void error_size(struct drafting *x, enum api_limit limit, uint64_t bytes)
{
	bool env = limit == API_LIMIT_ENVIRONMENT;
	const struct api_limits *l = &x->a->limits;
	struct limit_met m = { .limit = limit, .verb = x->verb,
		.value = env ? l->environment_bytes : l->command_bytes, .count = bytes };
	const char *what = env ? "environment" : "command, with the job's other texts,";
	char text[160];

	if (bytes)
		snprintf(text, sizeof text, "the %s has %llu bytes, and %s allows %llu", what,
		    (unsigned long long)bytes, names[limit], (unsigned long long)m.value);
	else
		snprintf(text, sizeof text, "the %s would be larger than %s allows: %llu bytes",
		    what, names[limit], (unsigned long long)m.value);
	m.message = text;
	error_limit(x->a, x->c, &m);
}

bool limits_exempt(const struct api *a, uid_t uid)
{
	return uid == 0 || uid == a->policy.self;
}

bool api_exempt(void *ctx, uid_t uid)
{
	return limits_exempt(ctx, uid);
}

void api_turned_away(void *ctx, uid_t uid, pid_t pid, const char *limit)
{
	struct api *a = ctx;
	char digits[16];
	const char *name = digits;

	/* One whose name is not known yet is not waited for. */
	if (!a->o.user_name(a->o.ctx, uid, &name)) {
		snprintf(digits, sizeof digits, "%lu", (unsigned long)uid);
		name = digits;
	}
	struct actor who = { uid, name, pid, "" };
	engine_limited(a->o.engine, &who, "connect", limit);
}

void api_set_limits(struct api *a, const struct api_limits *l)
{
	a->limits = *l;
}

json_t *limits_json(const struct api *a)
{
	json_t *o = json_object();

	for (int i = 0; i < SERVER_LIMITS; i++)
		json_put(o, server_limit_name((enum server_limit)i),
		    json_integer((json_int_t)server_limit_met(a->server, (enum server_limit)i)));
	for (int i = 0; i < API_LIMITS; i++)
		json_put(o, names[i], json_integer((json_int_t)a->limits_met[i]));
	return o;
}

enum { TAG_LIMIT = 1 };

void api_handover(const struct api *a, struct handover *h)
{
	struct buf all = BUF_INIT;

	for (int i = 0; i < API_LIMITS; i++)
		handover_count_put(&all, TAG_LIMIT, names[i], a->limits_met[i]);
	handover_put(h, HANDOVER_API, &all);
	buf_fini(&all);
}

void api_take_handover(struct api *a, const struct handover *h)
{
	struct tlv section, f;

	if (!handover_get(h, HANDOVER_API, &section))
		return;
	struct tlv_reader r = { section.data, section.len, false };
	while (tlv_next(&r, &f))
		if (f.tag == TAG_LIMIT)
			for (int i = 0; i < API_LIMITS; i++)
				handover_count_get(&f, names[i], &a->limits_met[i]);
}
