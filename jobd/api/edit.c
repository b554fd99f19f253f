/* SPDX-License-Identifier: ISC */
/* org.jobd.Job.Edit: what a job that has not started is to be instead. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "jobd/api/common.h"
#include "lib/varlink_handlers.h"

static const struct {
	const char *name;
	enum edit_field field;
	bool clears; /* a job can do without it */
	bool own;    /* the job's user's to say, and no administrator's */
} fields[] = {
	{ "command", EDIT_COMMAND, false, true },
	{ "name", EDIT_NAME, true, true },
	{ "queue", EDIT_QUEUE, false, false },
	{ "project", EDIT_PROJECT, true, true },
	{ "meta", EDIT_META, true, true },
	{ "set_meta", EDIT_META, false, true }, /* the draft has the job's own as well */
	{ "cwd", EDIT_CWD, true, true },
	{ "environment", EDIT_ENVIRONMENT, true, true },
	{ "set_environment", EDIT_SET_ENVIRONMENT, false, true },
	{ "umask", EDIT_UMASK, true, true },
	{ "rules", EDIT_RULES, true, false },
	{ "not_before_us", EDIT_NOT_BEFORE, true, false },
	{ "deadline_us", EDIT_DEADLINE, true, false },
	{ "after", EDIT_AFTER, true, false },
	{ "drop_unmet", EDIT_DROP_UNMET, true, false },
};
#define FIELDS (sizeof fields / sizeof fields[0])

/* What adds, adds nothing where it is empty; what replaces is then empty as well. */
static bool is_given(const struct call *c, const char *name)
{
	const json_t *v = json_object_get(call_params(c), name);
	bool adds = strncmp(name, "set_", 4) == 0;

	return v && !json_is_null(v) && !(adds && json_object_size(v) == 0 && json_array_size(v) == 0);
}

static unsigned given(const struct call *c)
{
	unsigned bits = 0;

	for (size_t i = 0; i < FIELDS; i++)
		if (is_given(c, fields[i].name))
			bits |= fields[i].field;
	return bits;
}

/* One is all of it, the other a part. False: answered. */
static bool check_parts(struct call *c, unsigned set)
{
	const json_t *p = call_params(c);

	if ((set & EDIT_ENVIRONMENT) && (set & EDIT_SET_ENVIRONMENT))
		error_invalid(c, "set_environment", "environment is given as well, which is all of another");
	else if (json_is_object(json_object_get(p, "meta")) && json_object_size(json_object_get(p, "set_meta")))
		error_invalid(c, "set_meta", "meta is given as well, which is all of them");
	else
		return true;
	return false;
}

static unsigned job_rules(void)
{
	unsigned bits = 0;

	for (int i = 0; i < RULES; i++)
		if (rule_is_of_jobs((enum rule)i))
			bits |= 1u << i;
	return bits;
}

/* Whether it can be cleared; then it is in *bits or *rules. */
static bool clear_one(const char *name, unsigned *bits, unsigned *rules)
{
	int which = rule_find(name);

	if (which >= 0 && rule_is_of_jobs((enum rule)which)) {
		*rules |= 1u << which;
		return true;
	}
	for (size_t i = 0; i < FIELDS; i++)
		if (fields[i].clears && strcmp(fields[i].name, name) == 0) {
			*bits |= fields[i].field;
			return true;
		}
	return false;
}

/* What is to be cleared, and is not given as well. False: answered. */
static bool read_clear(struct call *c, const struct draft *d, struct edit *x)
{
	const json_t *names = json_object_get(call_params(c), "clear");
	unsigned set = x->fields;

	if (set & EDIT_SET_ENVIRONMENT)
		set |= EDIT_ENVIRONMENT;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		unsigned bits = 0, rules = 0;
		if (!clear_one(name, &bits, &rules)) {
			error_invalid(c, "clear", "\"%.60s\" is nothing that a job can do without", name);
			return false;
		}
		if ((bits & set) || (rules && rules_given(d->job.rules, (enum rule)rule_find(name)))) {
			error_invalid(c, "clear", "\"%.60s\" is given as well", name);
			return false;
		}
		x->fields |= bits | (rules ? EDIT_RULES : 0);
		x->clear_rules |= bits & EDIT_RULES ? job_rules() : rules;
	}
	return true;
}

/* The times as they will be, the job's own where nothing is said. */
static bool check_times(struct drafting *x, const struct draft *d, unsigned fields_set)
{
	uint64_t from = d->job.not_before_us, until = d->job.deadline_us;
	struct job_view v;

	if (!(fields_set & (EDIT_NOT_BEFORE | EDIT_DEADLINE)))
		return true;
	if (engine_get(x->a->o.engine, x->id, &v) == ENGINE_OK) {
		if (!(fields_set & EDIT_NOT_BEFORE))
			from = v.job->not_before_us;
		if (!(fields_set & EDIT_DEADLINE))
			until = v.job->deadline_us;
		job_view_fini(&v);
	}
	return draft_check_times(x, from, until);
}

static void refuse_own(struct drafting *x, const struct job *j, const char *field)
{
	struct actor who = call_actor(x->c);
	json_t *params = json_pack("{s:I, s:s}", "id", (json_int_t)x->id, "parameter", field);
	char message[200];

	snprintf(message, sizeof message, "what a job runs, and how, only its user (%.100s) and root may change",
	    j->user);
	json_put(params, "message", json_text(message));
	engine_refused(x->a->o.engine, &who, x->verb, x->id, "NotAllowed");
	call_error(x->c, "org.jobd.Job.NotAllowed", params);
}

/* Which of the fields is the job's user's alone: one that is given, else one that is cleared. NULL: none. */
static const char *own_field(const struct call *c, unsigned set)
{
	const char *cleared = NULL;

	for (size_t i = 0; i < FIELDS; i++) {
		if (!fields[i].own || !(fields[i].field & set))
			continue;
		if (is_given(c, fields[i].name))
			return fields[i].name;
		if (!cleared)
			cleared = fields[i].name;
	}
	return cleared;
}

/*
 * An administrator who could say what another's job runs could run anything as anybody; and its user
 * could submit so what may be submitted no more. False: answered, or (again) it begins anew.
 */
static bool check_own(struct drafting *x, const struct edit *e)
{
	const char *field = own_field(x->c, e->fields);
	bool attempts = rules_given(e->draft->rules, RULE_ATTEMPTS) || e->clear_rules & 1u << RULE_ATTEMPTS;
	struct job_view v;

	if (!field) /* more attempts would be as good as a retry */
		return !attempts || draft_check_right(x);
	enum engine_result r = engine_get(x->a->o.engine, x->id, &v);
	if (r != ENGINE_OK) {
		error_of_get(x->c, x->id, r);
		return false;
	}
	bool may = access_is_users(x->a, call_peer(x->c), v.job);
	if (!may)
		refuse_own(x, v.job, field);
	job_view_fini(&v);
	return may && draft_check_right(x);
}

static void edit(struct drafting *x, const struct draft *d, struct edit *e)
{
	struct actor who = call_actor(x->c);
	struct control_result r = { 0 };
	uint64_t other = 0;
	enum engine_result result = engine_edit(x->a->o.engine, &who, x->id, e, &r, &other);

	if (result == ENGINE_OK || result == ENGINE_ALREADY)
		reply_job(x->a, x->c, x->id, json_pack("{s:b}", "changed", result == ENGINE_OK));
	else if (result == ENGINE_WRONG_STATE)
		error_wrong_state(x->c, x->id, r.state, "edit", r.hint);
	else if (result == ENGINE_NOT_FOUND)
		error_not_found(x->c, x->id);
	else
		draft_refused(x, result, d, other, access_owner(x->a, x->id));
}

void api_job_edit(void *ctx, struct call *c)
{
	struct drafting x;
	struct draft d;

	drafting_init(&x, ctx, c, "edit");
	x.id = param_u64(c, "id", 0);
	draft_init(&d);
	struct edit e = { .fields = given(c), .draft = &d.job };
	if (!x.id) {
		error_not_found(c, 0);
	} else if (check_parts(c, e.fields) && draft_read(&x, &d) && read_clear(c, &d, &e)
	    && check_own(&x, &e) && check_times(&x, &d, e.fields)) {
		e.env = (char *const *)(uintptr_t)d.env;
		e.after = d.after;
		e.nafter = d.nafter;
		edit(&x, &d, &e);
	}
	draft_fini(&d);
}
