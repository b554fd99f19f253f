/* SPDX-License-Identifier: ISC */
/*
 * Jobs and journal entries as the protocol has them. What does not apply is
 * left out; what the caller may not see, too.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "jobd/core/queues.h"
#include "lib/status.h"
#include "lib/utf8.h"

json_t *json_text(const char *s)
{
	if (!s)
		return NULL;
	json_t *v = json_string(s);
	if (v)
		return v;
	char *copy = strdup(s);
	if (!copy)
		return NULL;
	utf8_mend(copy);
	v = json_string(copy);
	free(copy);
	return v;
}

void json_put(json_t *o, const char *key, json_t *value)
{
	if (value)
		json_object_set_new_nocheck(o, key, value);
}

static void put_u64(json_t *o, const char *key, uint64_t v)
{
	if (v)
		json_put(o, key, json_integer((json_int_t)v));
}

static void put_known(json_t *o, const char *key, int64_t v)
{
	if (v >= 0)
		json_put(o, key, json_integer(v));
}

json_t *strv_json(char *const *v)
{
	json_t *a = json_array();

	for (size_t i = 0; v && v[i]; i++)
		json_array_append_new(a, json_text(v[i]));
	return a;
}

static json_t *meta_json(const struct job *j)
{
	if (!j->nmeta)
		return NULL;
	json_t *o = json_object();
	for (size_t i = 0; i < j->nmeta; i++)
		json_put(o, j->meta[i].key, json_text(j->meta[i].value));
	return o;
}

/* NULL where nothing was reported. */
static json_t *progress_json(const struct job_progress *p)
{
	json_t *o = json_object();

	put_known(o, "percent", p->percent);
	put_known(o, "done", p->done);
	put_known(o, "total", p->total);
	put_known(o, "step", p->step);
	put_known(o, "steps", p->steps);
	json_put(o, "step_name", json_text(p->step_name));
	json_put(o, "item", json_text(p->item));
	json_put(o, "text", json_text(p->text));
	if (p->ncounts) {
		json_t *counts = json_object();
		for (size_t i = 0; i < p->ncounts; i++)
			json_put(counts, p->counts[i].name,
			    json_integer((json_int_t)p->counts[i].value));
		json_put(o, "counts", counts);
	}
	if (json_object_size(o) == 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *usage_json(const struct job_attempt *a)
{
	if (!a->has_status)
		return NULL;
	json_t *o = json_object();
	json_put(o, "cpu_us", json_integer((json_int_t)a->usage.cpu_us));
	json_put(o, "max_rss_kb", json_integer((json_int_t)a->usage.max_rss_kb));
	json_put(o, "read_blocks", json_integer((json_int_t)a->usage.in_blocks));
	json_put(o, "written_blocks", json_integer((json_int_t)a->usage.out_blocks));
	return o;
}

static void put_status(json_t *o, bool has_status, int status)
{
	if (!has_status)
		return;
	struct status st = status_decode(status);
	if (st.signal)
		json_put(o, "signal", json_integer(st.signal));
	else
		json_put(o, "exit_code", json_integer(st.code));
}

static json_t *attempt_json(const struct job_attempt *a)
{
	json_t *o = json_object();

	json_put(o, "attempt", json_integer(a->number));
	json_put(o, "state", json_string(job_state_name(a->state)));
	json_put(o, "reason", json_text(job_reason_name(a->reason)));
	put_u64(o, "pid", (uint64_t)a->pid);
	put_status(o, a->has_status, a->status);
	json_put(o, "error", json_text(a->error));
	put_u64(o, "started_at_us", a->started_at_us);
	put_u64(o, "ended_at_us", a->ended_at_us);
	put_u64(o, "paused_total_us", a->paused_total_us);
	json_put(o, "usage", usage_json(a));
	return o;
}

static json_t *history_json(const struct job *j)
{
	if (!j->nhistory)
		return NULL;
	json_t *a = json_array();
	for (size_t i = 0; i < j->nhistory; i++)
		json_array_append_new(a, attempt_json(&j->history[i]));
	return a;
}

/* What anybody may know: an id's existence is no secret, and a queue is shared. */
static void put_public(json_t *o, const struct job_view *v)
{
	const struct job *j = v->job;

	json_put(o, "id", json_integer((json_int_t)j->id));
	json_put(o, "state", json_string_nocheck(job_state_name(j->state)));
	json_put(o, "reason", json_text(job_reason_name(v->reason)));
	json_put(o, "queue", json_text(j->queue));
	json_put(o, "user", json_text(j->user));
	json_put(o, "uid", json_integer(j->uid));
	json_put(o, "priority", json_integer(j->priority));
	json_put(o, "submitted_at_us", json_integer((json_int_t)j->submitted_at_us));
	put_u64(o, "started_at_us", j->now.started_at_us);
	put_u64(o, "paused_at_us", j->paused_at_us);
	put_u64(o, "paused_total_us", j->now.paused_total_us);
	if (job_has_ended(j->state))
		put_u64(o, "ended_at_us", j->now.ended_at_us);
}

static void put_true(json_t *o, const char *key, bool v)
{
	if (v)
		json_put(o, key, json_true());
}

/* What it may wait for, and what it was made from. */
static void put_plan(json_t *o, const struct job *j)
{
	put_u64(o, "not_before_us", j->not_before_us);
	put_u64(o, "deadline_us", j->deadline_us);
	if (!job_has_ended(j->state))
		put_u64(o, "retry_at_us", j->retry_at_us);
	json_put(o, "unique", json_text(j->unique));
	put_u64(o, "batch", j->batch);
	json_put(o, "template", json_text(j->template));
	put_true(o, "drop_unmet", j->drop_unmet);
}

/* A rule's text, with where it comes from; the caller's. NULL: it is not told. */
static char *rule_of(const struct api *a, const struct job_view *v, enum rule which, enum rule_origin *origin)
{
	const struct job *j = v->job;
	bool ended = job_has_ended(j->state);
	char *text = engine_rule(a->o.engine, j, which, origin);

	if (which == RULE_TIMEOUT && j->now.timeout_us) { /* its attempt may have another by now */
		struct rules r;
		rules_init(&r);
		r.timeout_us = v->timeout_us;
		char *own = rule_text(&r, which);
		if (own && text && (strcmp(own, text) != 0 || (ended && v->timeout_us && *origin != ORIGIN_JOB)))
			*origin = ORIGIN_ATTEMPT;
		free(text);
		text = own;
		if (*origin == ORIGIN_ATTEMPT)
			return text;
	}
	if (!ended || *origin == ORIGIN_JOB)
		return text;
	free(text); /* what its queue says now may not be what it said then */
	return NULL;
}

static json_t *rules_json(const struct api *a, const struct job_view *v)
{
	json_t *rules = json_array();

	for (int i = 0; i < RULES; i++) {
		enum rule_origin origin = ORIGIN_DEFAULT;
		char *text = rule_is_of_jobs((enum rule)i) ? rule_of(a, v, (enum rule)i, &origin) : NULL;
		if (!text)
			continue;
		json_t *rule = json_object();
		json_put(rule, "name", json_string(rule_name((enum rule)i)));
		json_put(rule, "value", json_text(text));
		json_put(rule, "origin", json_string(rule_origin_name(origin)));
		json_array_append_new(rules, rule);
		free(text);
	}
	return rules;
}

static bool add_after(void *ctx, const struct job_after *a)
{
	json_t *after = json_object();

	json_put(after, "id", json_integer((json_int_t)a->id));
	json_put(after, "on", json_text(after_on_name(a->on)));
	json_put(after, "state", json_text(job_state_name(a->outcome)));
	json_array_append_new(ctx, after);
	return true;
}

static bool add_before(void *ctx, const struct job_after *a)
{
	json_t *before = json_object();

	json_put(before, "id", json_integer((json_int_t)a->id));
	json_put(before, "on", json_text(after_on_name(a->on)));
	json_array_append_new(ctx, before);
	return true;
}

/* What takes more than the job's row to know. */
static void put_alone(const struct api *a, json_t *o, const struct job_view *v)
{
	const struct job *j = v->job;
	json_t *after = json_array(), *before = json_array();

	json_put(o, "history", history_json(j));
	json_put(o, "rules", rules_json(a, v));
	engine_after_each(a->o.engine, j, add_after, after);
	engine_before_each(a->o.engine, j, add_before, before);
	json_put(o, "after", json_array_size(after) ? json_incref(after) : NULL);
	json_put(o, "before", json_array_size(before) ? json_incref(before) : NULL);
	json_decref(after);
	json_decref(before);
}

static void put_private(json_t *o, const struct job_view *v)
{
	const struct job *j = v->job;
	bool runs = j->state == JOB_RUNNING || j->state == JOB_PAUSED;

	json_put(o, "name", json_text(j->name));
	json_put(o, "project", json_text(j->project));
	json_put(o, "command", strv_json(j->command));
	json_put(o, "cwd", json_text(j->cwd));
	json_put(o, "umask", json_integer(j->umask));
	if (runs) {
		put_u64(o, "pid", (uint64_t)j->now.pid);
		json_put(o, "tree", json_string(j->now.cgroup ? "cgroup" : "walk"));
	}
	if (job_has_ended(j->state))
		put_status(o, j->now.has_status, j->now.status);
	json_put(o, "error", json_text(j->now.error));
	put_u64(o, "attempt", job_last_attempt(j));
	put_u64(o, "attempts", v->attempts);
	put_u64(o, "timeout_s", (v->timeout_us + 999999) / 1000000);
	put_true(o, "cancel_requested", j->cancel_requested && runs);
	put_true(o, "pause_requested", j->pause_requested);
	put_true(o, "timed_out", j->timed_out && runs);
	put_true(o, "slot_released", j->slot_released && runs);
	put_true(o, "resume_requested", j->resume_requested && runs);
	put_true(o, "keeper_silent", v->silent);
	json_put(o, "progress", j->progress ? progress_json(j->progress) : NULL);
	json_put(o, "usage", usage_json(&j->now));
	json_put(o, "meta", meta_json(j));
	put_plan(o, j);
}

json_t *job_json(const struct api *a, const struct peer *p, const struct job_view *v, bool alone)
{
	json_t *o = json_object();
	bool owns = access_owns(a, p, v->job);

	put_public(o, v);
	if (owns)
		put_private(o, v);
	if (owns && alone)
		put_alone(a, o, v);
	return o;
}

void reply_job(const struct api *a, struct call *c, uint64_t id, json_t *more)
{
	struct job_view v;
	enum engine_result r = engine_get(a->o.engine, id, &v);

	if (r != ENGINE_OK) {
		json_decref(more);
		error_of_get(c, id, r);
		return;
	}
	json_t *reply = json_object();
	json_put(reply, "job", job_json(a, call_peer(c), &v, false));
	job_view_fini(&v);
	json_object_update(reply, more);
	json_decref(more);
	call_reply(c, reply);
}

size_t job_json_bytes(const struct job *j)
{
	return job_bytes(j) + 1000;
}

json_t *entry_json(const struct journal_entry *e)
{
	json_t *o = json_object();

	json_put(o, "number", json_integer((json_int_t)e->number));
	json_put(o, "at_us", json_integer((json_int_t)e->at_us));
	put_u64(o, "id", e->job);
	put_u64(o, "attempt", e->attempt);
	json_put(o, "verb", json_text(e->verb));
	json_put(o, "from", json_text(job_state_name(e->from)));
	json_put(o, "to", json_text(job_state_name(e->to)));
	json_put(o, "reason", json_text(job_reason_name(e->reason)));
	json_put(o, "result", json_text(e->result));
	if (e->has_actor) {
		json_put(o, "uid", json_integer(e->uid));
		json_put(o, "user", json_text(e->user));
		json_put(o, "pid", json_integer(e->pid));
		json_put(o, "process", json_text(e->process));
	}
	put_status(o, e->has_status, e->status);
	json_put(o, "detail", json_text(e->detail));
	return o;
}
