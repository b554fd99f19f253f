/* SPDX-License-Identifier: ISC */
/*
 * org.jobd.Job.SubmitMany: several jobs, all or none, in one call or in several. All of a call's
 * jobs are read before core is told of the first, so a call that has to wait for a name has done
 * nothing yet; what fails later drops the whole batch.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "jobd/api/common.h"
#include "lib/varlink_handlers.h"

#define JOBS_MAX 1000 /* in one call */

struct many {
	struct drafting x;
	struct actor who;
	const json_t *jobs;
	const char *token;
	uint64_t batch; /* 0: it is to begin */
	size_t n;
	struct draft *drafts;
	uint64_t *ids;
	uint64_t env_of; /* the job with which the common environment is kept; 0: none yet */
};

static json_t *reply_of(const struct many *m, bool sealed)
{
	json_t *reply = json_object(), *ids = json_array();

	for (size_t i = 0; m->ids && i < m->n; i++)
		json_array_append_new(ids, json_integer((json_int_t)m->ids[i]));
	json_put(reply, "batch", json_integer((json_int_t)m->batch));
	json_put(reply, "ids", ids);
	json_put(reply, "sealed", json_boolean(sealed));
	return reply;
}

/* Whether the number of jobs can be taken. */
static bool check_count(struct many *m)
{
	struct call *c = m->x.c;
	char text[100];

	if (m->n > JOBS_MAX) {
		snprintf(text, sizeof text, "%zu jobs in one call; it takes %d, and others with more_follows",
		    m->n, JOBS_MAX);
		error_limit(m->x.a, c, &(struct limit_met){ .limit = API_LIMIT_JOBS, .verb = "submit",
			.message = text, .value = JOBS_MAX, .count = m->n });
		return false;
	}
	if (m->n > 0 || (m->batch && !param_bool(c, "more_follows")))
		return true;
	error_invalid(c, "jobs", "there is none");
	return false;
}

/* Which batch is meant, and what the call is to be. False: answered. */
static bool read_call(struct many *m)
{
	struct call *c = m->x.c;
	const json_t *batch = json_object_get(call_params(c), "batch");

	if (json_is_integer(batch) && json_integer_value(batch) < 1) {
		error_invalid(c, "batch", "it is what the first call returned");
		return false;
	}
	m->batch = param_u64(c, "batch", 0);
	return draft_token(&m->x, &m->token) && check_count(m);
}

/* All the jobs, as drafts. */
static bool read_jobs(struct many *m)
{
	struct drafting *x = &m->x;

	m->drafts = calloc(m->n + 1, sizeof *m->drafts);
	m->ids = calloc(m->n + 1, sizeof *m->ids);
	if (!m->drafts || !m->ids) {
		error_failed(x->c, 0, "no memory");
		return false;
	}
	for (size_t i = 0; i < m->n; i++)
		draft_init(&m->drafts[i]);
	const char *user = param_str(x->c, "user");
	struct draft nobody; /* whether there is such a user is asked once */
	draft_init(&nobody);
	bool known = !user || draft_owner(x, user, &nobody.job);
	draft_fini(&nobody);
	if (!known || !draft_read_common(x))
		return false;
	x->many = true;
	for (x->item = 0; x->item < m->n; x->item++) {
		struct draft *d = &m->drafts[x->item];
		x->o = json_array_get(m->jobs, x->item);
		if (!draft_owner(x, user, &d->job) || !draft_read(x, d))
			return false;
	}
	return true;
}

/* Puts ids in the place of items. False: an id of this very call was guessed. */
static bool link_items(const struct many *m, size_t at, struct draft *d)
{
	for (size_t i = 0; i < d->nafter; i++) {
		if (d->items[i])
			d->after[i].id = m->ids[d->items[i] - 1];
		else if (at > 0 && d->after[i].id >= m->ids[0] && d->after[i].id <= m->ids[at - 1])
			return false;
	}
	return true;
}

static bool add_job(struct many *m, size_t at)
{
	struct draft *d = &m->drafts[at];
	uid_t owner = d->job.uid;
	bool shares = !d->env && m->x.env && m->x.env[0];
	uint64_t other = m->batch;

	if (!link_items(m, at, d)) {
		draft_wrong(&m->x, "after", "a job of the same call is named by its item");
		return false;
	}
	struct submission s = {
		.draft = &d->job,
		.env = (char *const *)(uintptr_t)(shares ? m->x.env : d->env),
		.env_of = shares ? m->env_of : 0,
		.after = d->after,
		.nafter = d->nafter,
		.hold = json_is_true(json_object_get(m->x.o, "hold")),
		.token = m->token,
	};
	if (s.env_of)
		s.env = NULL;
	enum engine_result r = engine_batch_add(m->x.a->o.engine, &m->who, &m->batch, &s, &other);
	if (r != ENGINE_OK) {
		draft_refused(&m->x, r, d, r == ENGINE_NOT_FOUND ? m->batch : other, owner);
		return false;
	}
	m->ids[at] = other;
	if (shares && !m->env_of)
		m->env_of = other;
	draft_fini(d);
	return true;
}

static bool add_jobs(struct many *m)
{
	for (m->x.item = 0; m->x.item < m->n; m->x.item++) {
		m->x.o = json_array_get(m->jobs, m->x.item);
		if (!add_job(m, m->x.item))
			return false;
	}
	return true;
}

/* The last call of the batch seals it. */
static bool finish(struct many *m)
{
	bool seal = !param_bool(m->x.c, "more_follows");
	enum engine_result r = ENGINE_OK;

	if (seal)
		r = engine_batch_seal(m->x.a->o.engine, &m->who, m->batch, m->token);
	if (r == ENGINE_OK)
		call_reply(m->x.c, reply_of(m, seal));
	else
		draft_refused(&m->x, r, NULL, m->batch, m->who.uid);
	return r == ENGINE_OK;
}

static void drop(struct many *m)
{
	struct call *c = m->x.c;

	m->batch = param_u64(c, "batch", 0);
	if (!m->batch)
		error_invalid(c, "batch", "which one is to be dropped?");
	else if (m->n)
		error_invalid(c, "jobs", "a call that drops a batch adds none");
	else if (engine_batch_drop(m->x.a->o.engine, &m->who, m->batch) != ENGINE_OK)
		error_no_job(c, m->batch, "batch");
	else
		call_reply(c, reply_of(m, false));
}

static void submit(struct many *m)
{
	struct engine *e = m->x.a->o.engine;

	if (!read_call(m) || !read_jobs(m) || !add_jobs(m) || !finish(m)) {
		if (!m->x.again && m->batch)
			engine_batch_drop(e, &m->who, m->batch);
	}
	for (size_t i = 0; m->drafts && i < m->n; i++)
		draft_fini(&m->drafts[i]);
	free(m->drafts);
	free(m->ids);
	free(m->x.env);
}

void api_job_submit_many(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct many m = { .who = call_actor(c), .jobs = json_object_get(call_params(c), "jobs") };
	const char *token = param_str(c, "token");

	drafting_init(&m.x, a, c, "submit");
	m.n = json_array_size(m.jobs);
	if (token && (m.batch = engine_batch_sealed(a->o.engine, &m.who, token)) != 0) {
		m.n = 0;
		call_reply(c, reply_of(&m, true));
	} else if (param_bool(c, "drop")) {
		drop(&m);
	} else {
		if (token && !param_u64(c, "batch", 0))
			engine_batch_forget(a->o.engine, &m.who, token);
		submit(&m);
	}
}
