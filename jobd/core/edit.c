/* SPDX-License-Identifier: ISC */
/*
 * Edits of a job that waits. All of it is checked before any of it is done; a
 * start that is being prepared is taken back first, so that nobody runs half of an edit.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/strv.h"
#include "lib/utf8.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(char *const *a, char *const *b)
{
	size_t n = strv_len(a);

	if (n != strv_len(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static bool same_meta(const struct job *a, const struct job *b)
{
	if (a->nmeta != b->nmeta)
		return false;
	for (size_t i = 0; i < a->nmeta; i++)
		if (strcmp(a->meta[i].key, b->meta[i].key) != 0
		    || strcmp(a->meta[i].value, b->meta[i].value) != 0)
			return false;
	return true;
}

/* Whether the rules would come out other than they are. */
static bool same_rules(const struct job *j, const struct edit *x)
{
	for (int r = 0; r < RULES; r++) {
		const char *set = rules_given(x->draft->rules, (enum rule)r);
		const char *is = rules_given(j->rules, (enum rule)r);
		if (set ? !same_text(set, is) : x->clear_rules & 1u << r && is)
			return false;
	}
	return true;
}

/* The fields of the edit that are not as they were. An environment and what a job waits for are
 * not compared. */
static unsigned differing(const struct job *j, const struct edit *x)
{
	const struct job *to = x->draft;
	const struct {
		unsigned field;
		bool same;
	} looks[] = {
		{ EDIT_COMMAND, same_list(j->command, to->command) },
		{ EDIT_NAME, same_text(j->name, to->name) },
		{ EDIT_QUEUE, same_text(j->queue, to->queue) },
		{ EDIT_PROJECT, same_text(j->project, to->project) },
		{ EDIT_META, same_meta(j, to) },
		{ EDIT_CWD, same_text(j->cwd, to->cwd) },
		{ EDIT_UMASK, j->umask == to->umask },
		{ EDIT_RULES, same_rules(j, x) },
		{ EDIT_NOT_BEFORE, j->not_before_us == to->not_before_us &&
				       !(to->not_before_us && j->retry_at_us) },
		{ EDIT_DEADLINE, j->deadline_us == to->deadline_us },
		{ EDIT_DROP_UNMET, j->drop_unmet == to->drop_unmet },
		{ EDIT_AFTER, x->nafter == 0 && !j->has_after },
	};
	unsigned fields = x->fields;

	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
		if (looks[i].same)
			fields &= ~looks[i].field;
	return fields;
}

/* Whether it may wait for all of these: they are there, and none waits for it. */
static enum engine_result check_after(
    struct engine *e, struct live *l, const struct edit *x, uint64_t *other)
{
	if (depend_find_waiting(e, l))
		return ENGINE_FAILED;
	for (size_t i = 0; i < x->nafter; i++) {
		const struct live *o = live_find(&e->live, x->after[i].id);
		*other = x->after[i].id;
		if (o && depend_was_found(e, o))
			return ENGINE_CYCLE;
		if (!depend_look(e, 0, &x->after[i]))
			return ENGINE_NO_JOB;
	}
	return ENGINE_OK;
}

static void swap_text(char **a, char **b)
{
	char *t = *a;

	*a = *b;
	*b = t;
}

static void swap_list(char ***a, char ***b)
{
	char **t = *a;

	*a = *b;
	*b = t;
}

/* What is replaced goes to the draft, which its owner frees. */
static void swap_plain(struct job *j, struct job *to, unsigned fields)
{
	if (fields & EDIT_COMMAND)
		swap_list(&j->command, &to->command);
	if (fields & EDIT_NAME)
		swap_text(&j->name, &to->name);
	if (fields & EDIT_PROJECT)
		swap_text(&j->project, &to->project);
	if (fields & EDIT_CWD)
		swap_text(&j->cwd, &to->cwd);
	if (fields & EDIT_UMASK)
		j->umask = to->umask;
	if (fields & EDIT_NOT_BEFORE)
		j->not_before_us = to->not_before_us;
	if (fields & EDIT_NOT_BEFORE && to->not_before_us)
		j->retry_at_us = 0; /* that time stands instead */
	if (fields & EDIT_DEADLINE)
		j->deadline_us = to->deadline_us;
	if (fields & EDIT_DROP_UNMET)
		j->drop_unmet = to->drop_unmet;
	if (fields & EDIT_META) {
		struct job_meta *meta = j->meta;
		size_t n = j->nmeta;
		j->meta = to->meta;
		j->nmeta = to->nmeta;
		to->meta = meta;
		to->nmeta = n;
	}
}

/* Whether it may be so large; one that becomes no larger may. */
static enum engine_result check_size(const struct engine *e, const struct actor *who,
    const struct live *l, const struct edit *x, unsigned fields)
{
	struct job to = l->job, from = *x->draft; /* on loan: nothing is freed */
	uint64_t most = e->settings.command_bytes;

	swap_plain(&to, &from, fields);
	size_t n = job_bytes(&to) + (fields & EDIT_RULES ? strv_bytes(x->draft->rules) : 0);
	if (n <= l->bytes)
		return ENGINE_OK;
	if (most && n > most && engine_binds(e, who))
		return ENGINE_OVER_COMMAND;
	return engine_over_bytes(e, who, to.uid, n - l->bytes) ? ENGINE_OVER_BYTES : ENGINE_OK;
}

/* What it would change to, as far as it changes anything. */
static enum engine_result check(struct engine *e, const struct actor *who, struct live *l,
    const struct edit *x, unsigned fields, uint64_t *other)
{
	if (fields & EDIT_QUEUE) {
		const struct queue *q = x->draft->queue ? queue_find(&e->queues, x->draft->queue) : NULL;
		if (!q || !q->declared)
			return ENGINE_NO_QUEUE;
	}
	enum engine_result r = check_size(e, who, l, x, fields);
	if (r != ENGINE_OK || !(fields & EDIT_AFTER))
		return r;
	if (engine_over_links(e, who, l->job.uid, x->nafter))
		return ENGINE_OVER_LINKS;
	return check_after(e, l, x, other);
}

static void change_rules(struct engine *e, struct job *j, const struct edit *x)
{
	for (int r = 0; r < RULES; r++) {
		const char *set = rules_given(x->draft->rules, (enum rule)r);
		if (!set && !(x->clear_rules & 1u << r))
			continue;
		if (rules_put(&j->rules, (enum rule)r, set))
			e->out_of_memory = true;
	}
}

static void change_queue(struct engine *e, struct live *l, struct job *to)
{
	struct queue *was = l->queue, *q = queue_find(&e->queues, to->queue);

	waiting_leave(e, l);
	engine_count(e, l, l->job.state, 0);
	swap_text(&l->job.queue, &to->queue);
	l->queue = q;
	engine_count(e, l, 0, l->job.state);
	queues_review(e, was);
}

/* The environment that it has, with those variables set; *env is the caller's. */
static enum engine_result set_variables(struct engine *e, const struct actor *who,
    const struct job *j, char *const *set, char ***env)
{
	uint64_t most = e->settings.environment_bytes;
	int rc = store_environment_get(e->store, store_environment_of(j), env);

	if (rc == -ENOENT)
		rc = 0;
	for (; rc == 0 && set && *set; set++)
		rc = strv_set(env, *set);
	if (rc)
		return ENGINE_FAILED;
	if (most && engine_binds(e, who) && strv_bytes(*env) > most)
		return ENGINE_OVER_ENVIRONMENT;
	return ENGINE_OK;
}

/* One that is shared is left to the others. */
static void change_environment(struct engine *e, struct job *j, char *const *env)
{
	submit_flush(e); /* who shares it since this turn is one of the others */
	store_environment_drop(e->store, store_environment_of(j));
	j->environment = store_next_id(e->store);
	if (env && env[0])
		store_environment_put(e->store, j->environment, env);
}

struct pairs {
	struct store *store;
	uint64_t job;
};

static bool drop_pair(void *ctx, const struct job_after *a)
{
	const struct pairs *p = ctx;

	store_after_delete(p->store, p->job, a->id);
	return true;
}

static void change_after(struct engine *e, struct live *l, const struct edit *x)
{
	struct pairs p = { e->store, l->job.id };
	bool waited = l->unmet > 0;

	store_after_each(e->store, l->job.id, 0, drop_pair, &p);
	for (size_t i = 0; i < x->nafter; i++) {
		struct job_after a = { .id = x->after[i].id, .on = x->after[i].on };
		store_after_put(e->store, l->job.id, &a);
	}
	l->job.has_after = x->nafter > 0;
	depend_await(e, l, x->after, x->nafter);
	if (waited && !l->unmet)
		l->job.eligible_at_us = e->real_us();
}

static void change(
    struct engine *e, struct live *l, const struct edit *x, unsigned fields, char *const *env)
{
	starts_abandon(e, l);
	l->start_again_us = 0;
	l->failed_starts = 0;
	swap_plain(&l->job, x->draft, fields);
	if (fields & EDIT_RULES)
		change_rules(e, &l->job, x);
	if (fields & EDIT_QUEUE)
		change_queue(e, l, x->draft);
	if (fields & (EDIT_ENVIRONMENT | EDIT_SET_ENVIRONMENT))
		change_environment(e, &l->job, env);
	if (fields & EDIT_AFTER)
		change_after(e, l, x);
	order_count_drop(&e->order, l->job.uid, ORDER_BYTES, l->bytes);
	l->bytes = job_bytes(&l->job);
	if (!order_count_add(&e->order, l->job.uid, ORDER_BYTES, l->bytes))
		e->out_of_memory = true;
}

/* "=export (was import)" */
static size_t put_values(char *out, size_t size, const char *is, const char *was)
{
	return (size_t)snprintf(out, size, "=%s (was %s)", is ? is : "-", was ? was : "-");
}

/* What the journal says: of what is short what it is and was, of the rest its name. */
static void describe(const struct job *j, const struct job *to, unsigned fields, char *out, size_t size)
{
	const struct {
		unsigned field;
		const char *name, *is, *was;
	} rows[] = {
		{ EDIT_COMMAND, "command", to->command ? to->command[0] : NULL, j->command[0] },
		{ EDIT_NAME, "name", to->name, j->name },
		{ EDIT_QUEUE, "queue", to->queue, j->queue },
		{ EDIT_PROJECT, "project", to->project, j->project },
		{ EDIT_META, "meta", NULL, NULL },
		{ EDIT_CWD, "cwd", to->cwd, j->cwd },
		{ EDIT_ENVIRONMENT, "environment", NULL, NULL },
		{ EDIT_UMASK, "umask", NULL, NULL },
		{ EDIT_RULES, "rules", NULL, NULL },
		{ EDIT_NOT_BEFORE, "not_before", NULL, NULL },
		{ EDIT_DEADLINE, "deadline", NULL, NULL },
		{ EDIT_AFTER, "after", NULL, NULL },
		{ EDIT_DROP_UNMET, "drop_unmet", NULL, NULL },
		{ EDIT_SET_ENVIRONMENT, "environment", NULL, NULL },
	};
	size_t n = 0;

	*out = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && n < size; i++) {
		if (!(fields & rows[i].field))
			continue;
		n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", rows[i].name);
		if (n < size && (rows[i].is || rows[i].was))
			n += put_values(out + n, size - n, rows[i].is, rows[i].was);
	}
	utf8_mend(out); /* it may be cut inside a character */
}

static enum engine_result refuse(struct engine *e, const struct actor *who, const struct job *j,
    const char *hint, struct control_result *r)
{
	engine_refused_job(e, who, "edit", j, "WrongState");
	r->state = j->state;
	r->hint = hint;
	return ENGINE_WRONG_STATE;
}

/* The attempts that it may have when it has been edited. */
static uint32_t attempts_then(const struct engine *e, const struct live *l, const struct edit *x, unsigned fields)
{
	const char *given = rules_given(x->draft->rules, RULE_ATTEMPTS);
	const struct queue *q = fields & EDIT_QUEUE ? queue_find(&e->queues, x->draft->queue) : NULL;
	struct rules r = (q ? q : l->queue)->rules;

	if (!given && !(x->clear_rules & 1u << RULE_ATTEMPTS))
		given = rules_given(l->job.rules, RULE_ATTEMPTS);
	r.submit_users = r.submit_groups = NULL;
	if (given && rule_set(&r, RULE_ATTEMPTS, given))
		return UINT32_MAX; /* it is refused elsewhere */
	return r.attempts > l->job.attempts ? r.attempts : l->job.attempts;
}

/* Another attempt would follow, and be more than it may have: nothing could come of that but its end. */
static bool leaves_no_attempt(const struct engine *e, const struct live *l, const struct edit *x, unsigned fields)
{
	uint32_t last = job_last_attempt(&l->job);

	return (fields & (EDIT_RULES | EDIT_QUEUE)) && last && last < engine_attempts(l) &&
	    last >= attempts_then(e, l, x, fields);
}

static enum engine_result edit_live(struct engine *e, const struct actor *who, struct live *l,
    struct edit *x, struct control_result *r, uint64_t *other)
{
	char text[300], **made = NULL;
	struct step s = { .event = EVENT_EDIT, .who = who, .detail = text };

	if (!state_find(l->job.state, EVENT_EDIT))
		return refuse(e, who, &l->job, state_hint(l->job.state, EVENT_EDIT), r);
	unsigned fields = differing(&l->job, x);
	if (!fields)
		return ENGINE_ALREADY;
	if (leaves_no_attempt(e, l, x, fields))
		return refuse(e, who, &l->job, "it has had as many attempts; to end it, cancel it", r);
	bool sets = (fields & EDIT_SET_ENVIRONMENT) && !(fields & EDIT_ENVIRONMENT);
	enum engine_result result = check(e, who, l, x, fields, other);
	if (result == ENGINE_OK && sets)
		result = set_variables(e, who, &l->job, x->env, &made);
	if (result == ENGINE_OK) {
		describe(&l->job, x->draft, fields, text, sizeof text);
		change(e, l, x, fields, sets ? made : x->env);
		engine_step(e, l, &s);
	}
	strv_free(made);
	return result;
}

enum engine_result engine_edit(struct engine *e, const struct actor *who, uint64_t id, struct edit *x,
    struct control_result *r, uint64_t *other)
{
	struct live *l = live_find(&e->live, id);
	enum engine_result result;
	struct job j;

	if (l) {
		result = edit_live(e, who, l, x, r, other);
	} else {
		int rc = query_ended(e, id, &j);
		result = rc == -ENOENT ? ENGINE_NOT_FOUND : ENGINE_FAILED;
		if (rc == 0) {
			result = refuse(e, who, &j, state_hint(j.state, EVENT_EDIT), r);
			job_fini(&j);
		}
	}
	job_fini(x->draft);
	return result;
}
