/* SPDX-License-Identifier: ISC */
/* org.jobd.Job.Submit: one new job; and what it shares with SubmitMany. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "lib/varlink_handlers.h"

/* Only root may name another, and where jobd is not root's there is only one. */
static bool find_user(struct drafting *x, const char *user, uid_t *uid)
{
	const struct api *a = x->a;

	if (call_peer(x->c)->uid != 0) {
		error_denied(a, x->c, x->verb, 0);
		return false;
	}
	switch (a->o.user_uid(a->o.ctx, user, uid)) {
	case API_NAME_PENDING:
		x->again = true;
		call_again(x->c);
		return false;
	case API_NAME_UNKNOWN:
		error_invalid(x->c, "user", "there is no user \"%.60s\"", user);
		return false;
	case API_NAME_LATE:
		error_failed(x->c, 0, "the name service does not answer: nobody knows who that user is");
		return false;
	case API_NAME_KNOWN:
		break;
	}
	if (a->policy.self == 0 || *uid == a->policy.self)
		return true;
	error_invalid(x->c, "user", "this jobd is not root's: it runs jobs as its own user");
	return false;
}

bool draft_owner(struct drafting *x, const char *user, struct job *job)
{
	const struct api *a = x->a;
	const struct peer *p = call_peer(x->c);
	uid_t uid = p->uid;
	const char *name = user ? user : p->user;

	if (user && strcmp(user, p->user) != 0 && !find_user(x, user, &uid))
		return false;
	if (a->policy.self != 0 && uid != a->policy.self) {
		/* root, at an ordinary user's jobd: the job is that user's */
		uid = a->policy.self;
		if (!a->o.user_name(a->o.ctx, uid, &name)) {
			x->again = true;
			call_again(x->c);
			return false;
		}
	}
	job->uid = uid;
	job->user = strdup(name);
	x->no_memory |= !job->user;
	return true;
}

/* The user has one with that key; one that can't be seen yet is of a batch that is not sealed. */
static void refuse_second(struct drafting *x, uint64_t id)
{
	const char *key = json_string_value(json_object_get(x->o, "unique"));
	enum job_state state = JOB_QUEUED;
	struct job_view v;

	if (engine_get(x->a->o.engine, id, &v) == ENGINE_OK) {
		state = v.job->state;
		job_view_fini(&v);
	} else if (x->many) {
		draft_wrong(x, "unique", "another job of the batch has this key");
		return;
	}
	call_error(x->c, "org.jobd.Job.Exists",
	    json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)id, "unique", key ? key : "", "state",
		job_state_name(state), "parameter", draft_place(x, "unique")));
}

/* One that is to be waited for and is not there, where d names it. */
static void refuse_after(struct drafting *x, const struct draft *d, uint64_t id)
{
	char parameter[32] = "after";

	for (size_t i = 0; d && i < d->nafter; i++)
		if (d->after[i].id == id)
			snprintf(parameter, sizeof parameter, "after[%zu]", i);
	error_no_job(x->c, id, draft_place(x, parameter));
}

void draft_refused(
    struct drafting *x, enum engine_result r, const struct draft *d, uint64_t id, uid_t owner)
{
	switch (r) {
	case ENGINE_OVER_QUOTA:
		error_queued_jobs(x->a, x->c, x->verb, owner);
		break;
	case ENGINE_OVER_BYTES:
		error_job_bytes(x->a, x->c, x->verb, owner);
		break;
	case ENGINE_OVER_BATCHES:
		error_batches(x->a, x->c, x->verb);
		break;
	case ENGINE_OVER_ENVIRONMENT:
		error_size(x, API_LIMIT_ENVIRONMENT, 0);
		break;
	case ENGINE_OVER_COMMAND:
		error_size(x, API_LIMIT_COMMAND, 0);
		break;
	case ENGINE_OVER_LINKS:
		error_links(x->a, x->c, x->verb);
		break;
	case ENGINE_LOW_DISK:
		error_low_disk(x->a, x->c);
		break;
	case ENGINE_EXISTS:
		refuse_second(x, id);
		break;
	case ENGINE_NO_QUEUE:
		error_no_queue(x->a, x->c, x->queue, draft_place(x, "queue"));
		break;
	case ENGINE_NOT_FOUND: /* the batch */
		error_no_job(x->c, id, "batch");
		break;
	case ENGINE_NO_JOB:
		refuse_after(x, d, id);
		break;
	case ENGINE_CYCLE:
		call_error(x->c, "org.jobd.Job.Cycle",
		    json_pack("{s:I, s:[I]}", "id", (json_int_t)x->id, "ids", (json_int_t)id));
		break;
	case ENGINE_OK:
	case ENGINE_ALREADY:
	case ENGINE_PENDING:
	case ENGINE_WRONG_STATE:
	case ENGINE_UNSTOPPABLE:
	case ENGINE_FAILED:
		error_of_core(x->c, x->id);
		break;
	}
}

static bool can_be_seen(const struct api *a, uint64_t id)
{
	struct job_view v;

	if (engine_get(a->o.engine, id, &v) != ENGINE_OK)
		return false;
	job_view_fini(&v);
	return true;
}

static void submit(struct drafting *x, struct draft *d, const char *token)
{
	struct actor who = call_actor(x->c);
	uid_t owner = d->job.uid;
	uint64_t id = 0;
	struct submission s = {
		.draft = &d->job,
		.env = (char *const *)(uintptr_t)d->env,
		.after = d->after,
		.nafter = d->nafter,
		.token = token,
		.hold = param_bool(x->c, "hold"),
		.return_existing = param_bool(x->c, "return_existing"),
	};
	enum engine_result r = engine_submit(x->a->o.engine, &who, &s, &id);

	if (r == ENGINE_OK || r == ENGINE_ALREADY)
		reply_job(x->a, x->c, id, NULL);
	else if (r == ENGINE_EXISTS && s.return_existing && can_be_seen(x->a, id))
		reply_job(x->a, x->c, id, json_pack("{s:b}", "existed", 1));
	else
		draft_refused(x, r, d, id, owner);
}

void api_job_submit(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct actor who = call_actor(c);
	struct drafting x;
	struct draft d;
	const char *token;

	drafting_init(&x, a, c, "submit");
	draft_init(&d);
	if (draft_token(&x, &token)) {
		/* What was made is returned, whatever has become of its queue or template since. */
		uint64_t made = token ? engine_batch_sealed(a->o.engine, &who, token) : 0;
		if (made)
			reply_job(a, c, made, NULL);
		else if (draft_owner(&x, param_str(c, "user"), &d.job) && draft_read(&x, &d))
			submit(&x, &d, token);
	}
	draft_fini(&d);
}
