/* SPDX-License-Identifier: ISC */
/* See rig.h. */
#include "config.h"

#include "api/rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/strv.h"

struct played played;
struct answer answer;
struct peer caller;

struct call {
	json_t *params;
	bool ended;
};

static struct api api;

/* ---- the connection ---- */

const json_t *call_params(const struct call *c)
{
	return c->params;
}

const struct peer *call_peer(const struct call *c)
{
	(void)c;
	return &caller;
}

static void end(struct call *c, const char *error, json_t *params)
{
	ck_assert(!c->ended);
	snprintf(answer.error, sizeof answer.error, "%s",
	    strncmp(error, "org.jobd.", 9) == 0 ? error + 9 : error);
	json_decref(answer.params);
	answer.params = params ? params : json_object();
	json_decref(c->params); /* whoever borrows still is found out */
	c->params = NULL;
	c->ended = true;
}

void call_reply(struct call *c, json_t *params)
{
	end(c, "", params);
}

void call_error(struct call *c, const char *name, json_t *params)
{
	end(c, name, params);
}

void call_again(struct call *c)
{
	ck_assert(!c->ended);
	answer.again = true;
}

const char *server_limit_name(enum server_limit limit)
{
	(void)limit;
	return "";
}

uint64_t server_limit_met(const struct server *s, enum server_limit limit)
{
	(void)s;
	(void)limit;
	return 0;
}

/* ---- the engine ---- */

enum engine_result engine_queue_get(struct engine *e, const char *name, struct queue_view *v)
{
	static struct rules open;

	(void)e;
	rules_init(&open);
	*v = (struct queue_view){ .declared = true, .oldest_us = 5 };
	v->name = strcmp(name, "closed") == 0 ? "closed" : strcmp(name, "gone") == 0 ? "gone" : "default";
	v->declared = strcmp(name, "gone") != 0;
	v->rules = strcmp(name, "closed") == 0 ? &played.closed : &open;
	return strcmp(v->name, name) == 0 ? ENGINE_OK : ENGINE_NOT_FOUND;
}

void engine_queue_each(struct engine *e, engine_queue_fn *fn, void *ctx)
{
	static const char *const names[] = { "closed", "default", "gone" };
	struct queue_view v;

	for (size_t i = 0; i < 3; i++) {
		engine_queue_get(e, names[i], &v);
		fn(ctx, &v);
	}
}

const struct template *engine_template_get(const struct engine *e, const char *name, bool *runtime)
{
	(void)e;
	if (runtime)
		*runtime = played.runtime;
	return played.template && strcmp(played.template->name, name) == 0 ? played.template : NULL;
}

void engine_template_each(const struct engine *e, engine_template_fn *fn, void *ctx)
{
	(void)e;
	if (played.template)
		fn(ctx, played.template, false);
}

enum engine_result engine_template_set(
    struct engine *e, const struct actor *who, struct template *t)
{
	(void)e;
	(void)who;
	played.template_set = true;
	ck_assert_ptr_null(played.template);
	static struct template kept;
	ck_assert_int_eq(template_copy(&kept, t), 0);
	played.template = &kept;
	return ENGINE_OK;
}

enum engine_result engine_template_delete(struct engine *e, const struct actor *who, const char *name)
{
	(void)e;
	(void)who;
	(void)name;
	return ENGINE_NOT_FOUND;
}

void engine_queues_look(struct engine *e)
{
	(void)e;
	played.looks++;
}

enum engine_result engine_queue_set(
    struct engine *e, const struct actor *who, const char *name, char *const *values)
{
	(void)who;
	(void)values;
	struct queue_view v;
	return engine_queue_get(e, name, &v);
}

enum engine_result engine_queue_reset(
    struct engine *e, const struct actor *who, const char *name, unsigned rules)
{
	(void)rules;
	return engine_queue_set(e, who, name, NULL);
}

enum engine_result engine_queue_change(
    struct engine *e, const struct actor *who, const char *name, enum queue_state to)
{
	(void)to;
	return engine_queue_set(e, who, name, NULL);
}

enum engine_result engine_why(struct engine *e, uint64_t id, struct why *w)
{
	(void)e;
	(void)id;
	*w = played.why;
	return played.found;
}

int engine_list(struct engine *e, const struct job_filter *f, uint64_t *before, size_t budget,
    engine_list_fn *fn, void *ctx)
{
	(void)e;
	(void)before;
	(void)budget;
	(void)fn;
	(void)ctx;
	played.filter = *f;
	played.lists++;
	return 0;
}

int engine_audit(struct engine *e, const struct journal_filter *f, uint64_t *before, size_t budget,
    engine_entry_fn *fn, void *ctx)
{
	(void)e;
	(void)f;
	(void)before;
	(void)budget;
	(void)fn;
	(void)ctx;
	return 0;
}

/* Takes the draft over, as core does. */
static void take(struct submission *s, uint64_t id)
{
	struct told *t = &played.told[played.ntold++];

	t->job = *s->draft;
	job_init(s->draft);
	t->job.id = id;
	t->env = strv_copy(s->env);
	t->env_of = s->env_of;
	t->hold = s->hold;
	t->nafter = s->nafter;
	for (size_t i = 0; i < s->nafter && i < 16; i++)
		t->after[i] = s->after[i];
}

enum engine_result engine_submit(
    struct engine *e, const struct actor *who, struct submission *s, uint64_t *id)
{
	(void)e;
	(void)who;
	*id = played.result == ENGINE_OK ? 7 : played.other;
	take(s, *id);
	return played.result;
}

enum engine_result engine_batch_add(struct engine *e, const struct actor *who, uint64_t *batch,
    struct submission *s, uint64_t *id)
{
	(void)e;
	(void)who;
	if (played.result != ENGINE_OK && played.ntold == played.refuse_at) {
		*id = played.other;
		job_fini(s->draft);
		return played.result;
	}
	*id = 101 + played.ntold;
	take(s, *id);
	if (!*batch)
		*batch = *id;
	return ENGINE_OK;
}

uint64_t engine_batch_sealed(struct engine *e, const struct actor *who, const char *token)
{
	(void)e;
	(void)who;
	(void)token;
	return played.sealed;
}

enum engine_result engine_batch_seal(
    struct engine *e, const struct actor *who, uint64_t batch, const char *token)
{
	(void)e;
	(void)who;
	(void)batch;
	(void)token;
	played.was_sealed = true;
	return ENGINE_OK;
}

enum engine_result engine_batch_drop(struct engine *e, const struct actor *who, uint64_t batch)
{
	(void)e;
	(void)who;
	(void)batch;
	played.dropped = true;
	return ENGINE_OK;
}

enum engine_result engine_edit(struct engine *e, const struct actor *who, uint64_t id, struct edit *x,
    struct control_result *r, uint64_t *other)
{
	(void)e;
	(void)who;
	(void)id;
	played.edit = *x;
	take(&(struct submission){ .draft = x->draft, .env = x->env, .after = x->after,
		 .nafter = x->nafter }, id);
	*r = (struct control_result){ played.result, JOB_RUNNING, "it can be paused" };
	*other = played.other;
	return played.result;
}

enum engine_result engine_get(struct engine *e, uint64_t id, struct job_view *v)
{
	(void)e;
	if (played.found != ENGINE_OK)
		return played.found;
	*v = (struct job_view){ .job = &played.job };
	played.job.id = id;
	return ENGINE_OK;
}

void job_view_fini(struct job_view *v)
{
	(void)v;
}

void engine_health(struct engine *e, struct engine_health *h)
{
	(void)e;
	*h = played.health;
}

void engine_refused(
    struct engine *e, const struct actor *who, const char *verb, uint64_t id, const char *error)
{
	(void)e;
	(void)who;
	(void)id;
	snprintf(played.refused, sizeof played.refused, "%s %s", verb, error);
}

void engine_limited(struct engine *e, const struct actor *who, const char *verb, const char *limit)
{
	(void)e;
	(void)who;
	snprintf(played.refused, sizeof played.refused, "%s %s", verb, limit);
}

void engine_batch_forget(struct engine *e, const struct actor *who, const char *token)
{
	(void)e;
	(void)who;
	(void)token;
}

size_t engine_links_most(const struct engine *e)
{
	(void)e;
	return 1000000;
}

size_t engine_job_bytes(const struct engine *e, uint32_t uid)
{
	(void)e;
	return uid;
}

size_t engine_waiting(const struct engine *e, uint32_t uid)
{
	(void)e;
	(void)uid;
	return 9;
}

char *engine_rule(const struct engine *e, const struct job *j, enum rule which, enum rule_origin *origin)
{
	struct rules r;

	(void)e;
	(void)j;
	rules_init(&r);
	*origin = ORIGIN_DEFAULT;
	return rule_text(&r, which);
}

int engine_after_each(struct engine *e, const struct job *j, engine_after_fn *fn, void *ctx)
{
	(void)e;
	(void)j;
	(void)fn;
	(void)ctx;
	return 0;
}

int engine_before_each(struct engine *e, const struct job *j, engine_after_fn *fn, void *ctx)
{
	return engine_after_each(e, j, fn, ctx);
}

/* ---- names ---- */

static enum api_name user_uid(void *ctx, const char *name, uid_t *uid)
{
	(void)ctx;
	*uid = 1001;
	return strcmp(name, "bob") == 0 ? API_NAME_KNOWN : API_NAME_UNKNOWN;
}

static enum api_name group_gid(void *ctx, const char *name, gid_t *gid)
{
	(void)ctx;
	(void)name;
	*gid = played.gid;
	return played.group;
}

static bool user_name(void *ctx, uid_t uid, const char **name)
{
	(void)ctx;
	(void)uid;
	*name = "ann";
	return true;
}

static struct api_lost_lines lost_lines(void *ctx)
{
	(void)ctx;
	return played.lost;
}

/* ---- the test's side ---- */

void rig_init(void)
{
	struct api_options o = { .user_uid = user_uid, .group_gid = group_gid, .user_name = user_name,
		.lost_lines = lost_lines, .version = "1" };

	caller = (struct peer){ .uid = 1000, .gid = 1000, .user = "ann", .process = "test" };
	played = (struct played){ .result = ENGINE_OK, .found = ENGINE_OK,
		.health = { .free_bytes = 1 << 20, .low_disk_bytes = 64 << 20 } };
	rules_init(&played.closed);
	job_init(&played.job);
	played.job.state = JOB_QUEUED;
	played.job.user = strdup("ann");
	played.job.uid = 1000;
	played.job.queue = strdup("default");
	api = (struct api){ .o = o };
	api.policy = (struct api_policy){ 0 };
	api.limits = (struct api_limits){ .environment_bytes = 1000, .command_bytes = 1000,
		.user_queued_jobs = 9, .user_job_bytes = 5000 };
}

static void forget(void)
{
	for (size_t i = 0; i < played.ntold; i++) {
		job_fini(&played.told[i].job);
		strv_free(played.told[i].env);
	}
	played.ntold = 0;
	played.was_sealed = played.dropped = false;
	played.refused[0] = '\0';
}

void rig_fini(void)
{
	forget();
	job_fini(&played.job);
	rules_fini(&played.closed);
	json_decref(answer.params);
	answer = (struct answer){ 0 };
}

void ask(server_handler *handler, const char *params)
{
	struct call c = { 0 };
	char *text = strdup(params);
	json_error_t error;

	forget();
	for (char *s = text; (s = strchr(s, '\''));)
		*s = '"';
	c.params = json_loads(text, 0, &error);
	ck_assert_msg(c.params, "%s: %s", params, error.text);
	free(text);
	answer.again = false;
	api.policy.anyone_submits = !played.nobody_submits;
	handler(&api, &c);
	ck_assert(c.ended != answer.again);
	json_decref(c.params);
}

const char *said(const char *name)
{
	static char digits[32];
	const json_t *v = json_object_get(answer.params, name);

	if (json_is_integer(v)) {
		snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return digits;
	}
	return json_is_string(v) ? json_string_value(v) : "";
}

const struct told *first(void)
{
	ck_assert_uint_ge(played.ntold, 1);
	return &played.told[0];
}

void well(server_handler *handler, const char *params)
{
	ask(handler, params);
	ck_assert_msg(!answer.again && !answer.error[0], "%s: %s %s %s", params, answer.error,
	    said("parameter"), said("message"));
}

void fails(const char *error, const char *parameter, server_handler *handler, const char *params)
{
	ask(handler, params);
	ck_assert_msg(strcmp(answer.error, error) == 0, "%s: \"%s\"", params, answer.error);
	ck_assert_str_eq(said("parameter"), parameter);
}

void tells_gone_from_unread(server_handler *handler, const char *params)
{
	played.found = ENGINE_NOT_FOUND;
	fails("Job.NotFound", "", handler, params);
	played.found = ENGINE_FAILED;
	fails("Job.Failed", "", handler, params);
	ck_assert_str_eq(said("id"), "7");
	ck_assert_str_eq(said("message"), "its record can't be read");
}

void invalid(server_handler *handler, const char *parameter, const char *params)
{
	fails("Job.Invalid", parameter, handler, params);
	ck_assert_str_ne(said("message"), "");
	ck_assert_uint_eq(played.ntold, 0);
}
