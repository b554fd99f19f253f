/* SPDX-License-Identifier: ISC */
/*
 * A job as a person describes it, in the parameters of Submit and Edit and in the elements of
 * SubmitMany: checked, and made into a draft for core. What the object says itself comes before
 * what its template says, and that before what the call says for all.
 *
 * The dispatcher has checked the types. What is wrong besides is answered with Invalid, which
 * names the parameter, of one of several jobs with its place: "jobs[17].queue".
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "jobd/core/queues.h"
#include "lib/bounds.h"
#include "lib/priority.h"
#include "lib/str.h"
#include "lib/strv.h"

#define PARAMETERS_MAX 1000

void drafting_init(struct drafting *x, struct api *a, struct call *c, const char *verb)
{
	*x = (struct drafting){ .a = a, .c = c, .verb = verb, .o = call_params(c), .umask = 022 };
}

void draft_init(struct draft *d)
{
	*d = (struct draft){ 0 };
	job_init(&d->job);
	template_init(&d->made);
}

void draft_fini(struct draft *d)
{
	job_fini(&d->job);
	template_fini(&d->made);
	free(d->env);
	free(d->after);
	free(d->items);
	*d = (struct draft){ 0 };
}

const char *draft_place(struct drafting *x, const char *parameter)
{
	if (!x->many)
		return parameter;
	snprintf(x->place, sizeof x->place, "jobs[%zu].%.120s", x->item, parameter);
	return x->place;
}

void draft_wrong(struct drafting *x, const char *parameter, const char *fmt, ...)
{
	char message[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	error_invalid(x->c, draft_place(x, parameter), "%s", message);
}

static const char *text(const struct drafting *x, const char *name)
{
	return json_string_value(json_object_get(x->o, name));
}

static void put(struct drafting *x, char **to, const char *s)
{
	free(*to);
	*to = strdup(s);
	x->no_memory |= !*to;
}

static bool good_label(struct drafting *x, const char *parameter, const char *s)
{
	size_t n = strnlen(s, LABEL_MAX + 1);

	if (n > 0 && n <= LABEL_MAX)
		return true;
	draft_wrong(x, parameter, "it has 1 to %d bytes", LABEL_MAX);
	return false;
}

static bool read_label(struct drafting *x, const char *parameter, const char *otherwise, char **to)
{
	const char *s = text(x, parameter);

	if (!s)
		s = otherwise;
	if (!s)
		return true;
	if (!good_label(x, parameter, s))
		return false;
	put(x, to, s);
	return true;
}

bool draft_token(struct drafting *x, const char **token)
{
	*token = text(x, "token");
	return !*token || good_label(x, "token", *token);
}

static char **copy_strings(const json_t *array)
{
	size_t n = json_array_size(array);
	char **v = calloc(n + 1, sizeof *v);

	for (size_t i = 0; v && i < n; i++) {
		v[i] = strdup(json_string_value(json_array_get(array, i)));
		if (!v[i]) {
			strv_free(v);
			return NULL;
		}
	}
	return v;
}

static bool read_command(struct drafting *x, struct draft *d)
{
	const json_t *given = json_object_get(x->o, "command");
	const char *program = json_string_value(json_array_get(given, 0));

	if (!json_is_array(given)) {
		if (!d->made.command && !x->id) {
			draft_wrong(x, "command", "without a template it is needed");
			return false;
		}
		d->job.command = strv_copy(d->made.command);
		x->no_memory |= d->made.command && !d->job.command;
		return true;
	}
	if (!program || !*program) {
		draft_wrong(x, "command", "it needs at least the name of a program");
		return false;
	}
	d->job.command = copy_strings(given);
	x->no_memory |= !d->job.command;
	return true;
}

/*
 * All that it is to have, the caller's: meta, or what the job that is edited has, with set_meta over it.
 * *name is which of them.
 */
static json_t *meta_given(struct drafting *x, const char **name)
{
	json_t *set = json_object_get(x->o, "set_meta"), *all = json_object();
	struct job_view v;

	*name = json_object_size(set) ? "set_meta" : "meta";
	if (json_object_size(set) && engine_get(x->a->o.engine, x->id, &v) == ENGINE_OK) {
		for (size_t i = 0; i < v.job->nmeta; i++)
			if (json_object_set_new(all, v.job->meta[i].key, json_text(v.job->meta[i].value)))
				x->no_memory = true;
		job_view_fini(&v);
	}
	set = json_object_get(x->o, *name);
	if (!all || (json_is_object(set) && json_object_update(all, set) < 0))
		x->no_memory = true;
	return all;
}

static bool take_meta(struct drafting *x, json_t *meta, const char *name, struct job *job)
{
	size_t n = json_object_size(meta);

	if (n == 0)
		return true;
	if (n > META_MAX) {
		draft_wrong(x, name, "a job has at most %d of them", META_MAX);
		return false;
	}
	job->meta = calloc(n, sizeof *job->meta);
	x->no_memory |= !job->meta;
	for (void *at = json_object_iter(meta); job->meta && at; at = json_object_iter_next(meta, at)) {
		const char *key = json_object_iter_key(at);
		if (!bounds_meta_key(key)) {
			draft_wrong(x, name, "\"%.60s\": a key has letters, digits, _ . and -", key);
			return false;
		}
		struct job_meta *m = &job->meta[job->nmeta++];
		put(x, &m->key, key);
		put(x, &m->value, json_string_value(json_object_iter_value(at)));
	}
	return true;
}

static bool read_meta(struct drafting *x, struct job *job)
{
	const char *name;
	json_t *meta = meta_given(x, &name);
	bool good = take_meta(x, meta, name, job);

	json_decref(meta);
	return good;
}

/* A number within bounds; *to stays where it is not given. */
static bool read_int(
    struct drafting *x, const char *name, int least, int most, const char *takes, int *to)
{
	const json_t *v = json_object_get(x->o, name);

	if (!json_is_integer(v))
		return true;
	if (json_integer_value(v) < least || json_integer_value(v) > most) {
		draft_wrong(x, name, "%s", takes);
		return false;
	}
	*to = (int)json_integer_value(v);
	return true;
}

static bool read_umask(struct drafting *x, int *to)
{
	return read_int(x, "umask", 0, 0777, "it is 0 to 511 (0777)", to);
}

static bool read_numbers(struct drafting *x, struct draft *d)
{
	int priority = d->made.priority; /* 0: its queue's */

	d->job.umask = d->made.umask >= 0 ? d->made.umask : x->umask;
	if (!read_int(x, "priority", PRIORITY_MIN, PRIORITY_MAX, "it is " PRIORITY_RANGE,
		&priority))
		return false;
	d->job.priority = (uint8_t)priority;
	d->job.drop_unmet = json_is_true(json_object_get(x->o, "drop_unmet"));
	return read_umask(x, &d->job.umask);
}

static bool good_cwd(struct drafting *x, const char *cwd)
{
	if (*cwd == '/' && strlen(cwd) < PATH_MAX)
		return true;
	draft_wrong(x, "cwd", "\"%.60s\" is not an absolute path", cwd);
	return false;
}

static bool read_cwd(struct drafting *x, struct draft *d)
{
	const char *cwd = text(x, "cwd");

	if (!cwd)
		cwd = d->made.cwd;
	if (!cwd && x->cwd) { /* it was looked at */
		put(x, &d->job.cwd, x->cwd);
		return true;
	}
	if (!cwd)
		return true;
	if (!good_cwd(x, cwd))
		return false;
	put(x, &d->job.cwd, cwd);
	return true;
}

bool draft_read_common(struct drafting *x)
{
	struct draft d;

	draft_init(&d);
	x->cwd = text(x, "cwd");
	bool good = (!x->cwd || good_cwd(x, x->cwd)) && read_umask(x, &x->umask)
	    && draft_read_environment(x, &d);
	if (good) {
		x->env = d.env;
		d.env = NULL;
	}
	draft_fini(&d);
	return good;
}

static bool wrong_rule(struct drafting *x, const char *name, const char *value)
{
	char parameter[100], names[200];
	int which = rule_find(name);

	snprintf(parameter, sizeof parameter, "rules.%.60s", name);
	if (which >= 0 && rule_is_of_jobs((enum rule)which)) {
		draft_wrong(x, parameter, "\"%.60s\" is not %s", value, rule_takes((enum rule)which));
		return false;
	}
	rule_names(true, names, sizeof names);
	draft_wrong(x, parameter, "a job has no such rule; there are %s", names);
	return false;
}

static bool read_rules(struct drafting *x, struct draft *d)
{
	json_t *rules = json_object_get(x->o, "rules");

	d->job.rules = strv_copy(d->made.rules);
	x->no_memory |= d->made.rules && !d->job.rules;
	for (void *at = json_object_iter(rules); at; at = json_object_iter_next(rules, at)) {
		const char *name = json_object_iter_key(at);
		const char *value = json_string_value(json_object_iter_value(at));
		int which = rule_find(name);
		if (which < 0 || !rule_is_of_jobs((enum rule)which))
			return wrong_rule(x, name, value);
		int rc = rules_put(&d->job.rules, (enum rule)which, value);
		if (rc == -EINVAL)
			return wrong_rule(x, name, value);
		x->no_memory |= rc != 0;
	}
	return true;
}

/* The parameters as NAME=value each; NULL: answered. */
static char **read_parameters(struct drafting *x)
{
	json_t *map = json_object_get(x->o, "parameters");
	size_t n = json_object_size(map), i = 0;

	if (n > PARAMETERS_MAX) {
		draft_wrong(x, "parameters", "a template has at most %d parameters", PARAMETERS_MAX);
		return NULL;
	}
	char **given = calloc(n + 1, sizeof *given);
	for (void *at = json_object_iter(map); given && at; at = json_object_iter_next(map, at)) {
		const char *name = json_object_iter_key(at);
		if (strchr(name, '=')) {
			draft_wrong(x, "parameters", "\"%.60s\" is no parameter's name", name);
			strv_free(given);
			return NULL;
		}
		given[i] = str_printf("%s=%s", name, json_string_value(json_object_iter_value(at)));
		x->no_memory |= !given[i++];
	}
	if (given && !x->no_memory)
		return given;
	strv_free(given);
	error_failed(x->c, x->id, "no memory");
	return NULL;
}

/* A member of admin_group can make a template, or stand one before root's, and is not to say what root
 * runs. False: answered. */
static bool may_take(struct drafting *x, const struct template *t, bool runtime)
{
	struct actor who = call_actor(x->c);
	json_t *params;
	char message[250];

	if (who.uid != 0 || x->a->policy.self != 0 || !runtime || t->by_uid == 0)
		return true;
	snprintf(message, sizeof message,
	    "%.100s made the template %s; root takes those of root and of the configuration",
	    t->by ? t->by : "it is not known who", t->name);
	params = json_pack("{s:s}", "name", t->name);
	json_put(params, "message", json_text(message));
	json_put(params, "parameter", json_text(draft_place(x, "template")));
	engine_refused(x->a->o.engine, &who, x->verb, x->id, "NotAllowed");
	call_error(x->c, "org.jobd.Template.NotAllowed", params);
	return false;
}

static bool read_template(struct drafting *x, struct draft *d)
{
	bool runtime;
	const char *name = text(x, "template");
	char *why = NULL;

	if (!name) {
		if (json_object_size(json_object_get(x->o, "parameters")) == 0)
			return true;
		draft_wrong(x, "parameters", "parameters are a template's, and no template is named");
		return false;
	}
	const struct template *t = engine_template_get(x->a->o.engine, name, &runtime);
	if (!t) {
		error_no_template(x->a, x->c, name, draft_place(x, "template"));
		return false;
	}
	if (!may_take(x, t, runtime))
		return false;
	char **given = read_parameters(x);
	if (!given)
		return false;
	int rc = template_expand(t, given, &d->made, &why);
	strv_free(given);
	if (rc == 0)
		put(x, &d->job.template, name);
	else if (rc == -EINVAL)
		draft_wrong(x, "parameters", "%s", why ? why : "they are not what the template takes");
	else
		error_failed(x->c, x->id, "no memory");
	free(why);
	return rc == 0;
}

/* Whether the texts of a new job are not more than this caller's may be; else the call is answered.
 * Of an edit core asks, since it knows the rest of the job. */
static bool check_size(struct drafting *x, const struct job *job)
{
	uint64_t most = x->a->limits.command_bytes;
	size_t n = job_bytes(job);

	if (x->id || most == 0 || n <= most || limits_exempt(x->a, call_peer(x->c)->uid))
		return true;
	error_size(x, API_LIMIT_COMMAND, n);
	return false;
}

bool draft_read(struct drafting *x, struct draft *d)
{
	struct job *job = &d->job;
	const struct template *made = &d->made;
	bool good = read_template(x, d) && read_command(x, d) && read_numbers(x, d)
	    && draft_read_queue(x, made->queue, job) && read_cwd(x, d)
	    && read_label(x, "name", made->job_name, &job->name)
	    && read_label(x, "project", made->project, &job->project)
	    && read_label(x, "unique", NULL, &job->unique) && read_meta(x, job) && read_rules(x, d)
	    && draft_read_times(x, job) && draft_read_after(x, d) && draft_read_environment(x, d);

	if (good && x->no_memory) {
		error_failed(x->c, x->id, "no memory");
		return false;
	}
	return good && check_size(x, job);
}
