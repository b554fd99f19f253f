/* SPDX-License-Identifier: ISC */
/* org.jobd.Job.Submit: what a person chooses, checked, made into a draft for core. */
#include "config.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "lib/strv.h"
#include "lib/varlink_handlers.h"

#define LABEL_MAX 255 /* bytes of a name, a project, a token, a meta value's key */
#define META_MAX  64

/* Copies a label; false when it is too long or empty (the call is answered). */
static bool take_label(struct call *c, const char *parameter, char **out)
{
	const char *s = param_str(c, parameter);

	if (!s)
		return true;
	if (!*s || strlen(s) > LABEL_MAX) {
		error_invalid(c, parameter, "it has 1 to %d bytes", LABEL_MAX);
		return false;
	}
	*out = strdup(s);
	return true;
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

static bool take_command(struct call *c, struct job *draft)
{
	const json_t *command = json_object_get(call_params(c), "command");
	const char *program = json_string_value(json_array_get(command, 0));

	if (!program || !*program) {
		error_invalid(c, "command", "it needs at least the name of a program");
		return false;
	}
	draft->command = copy_strings(command);
	return true;
}

static bool good_variable(const char *s)
{
	const char *equals = strchr(s, '=');

	return equals && equals != s;
}

/* Whether the environment is not larger than this caller's may be; else the call is answered. */
static bool check_environment_size(struct api *a, struct call *c, const json_t *array)
{
	struct limit_met m = { .limit = API_LIMIT_ENVIRONMENT, .verb = "submit",
		.value = a->limits.environment_bytes };
	char text[120];

	for (size_t i = 0; i < json_array_size(array); i++)
		m.count += json_string_length(json_array_get(array, i)) + 1;
	if (m.value == 0 || m.count <= m.value || limits_exempt(a, call_peer(c)->uid))
		return true;
	snprintf(text, sizeof text, "the environment has %llu bytes, and max_environment allows %llu",
	    (unsigned long long)m.count, (unsigned long long)m.value);
	m.message = text;
	error_limit(a, c, &m);
	return false;
}

static bool take_environment(struct api *a, struct call *c, char ***env)
{
	const json_t *array = json_object_get(call_params(c), "environment");

	if (!check_environment_size(a, c, array))
		return false;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_array_get(array, i));
		if (good_variable(s))
			continue;
		error_invalid(c, "environment", "\"%.60s\" is not NAME=value", s);
		return false;
	}
	if (array)
		*env = copy_strings(array);
	return true;
}

static bool good_key(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (!isalnum((unsigned char)s[n]) && !strchr("_.-", s[n]))
			return false;
	return n > 0 && n <= LABEL_MAX;
}

static bool take_meta(struct call *c, struct job *draft)
{
	const json_t *meta = json_object_get(call_params(c), "meta");
	const char *key;
	const json_t *value;
	size_t n = json_object_size(meta);

	if (n == 0)
		return true;
	if (n > META_MAX) {
		error_invalid(c, "meta", "a job has at most %d of them", META_MAX);
		return false;
	}
	draft->meta = calloc(n, sizeof *draft->meta);
	if (!draft->meta)
		return true;
	void *at = json_object_iter((json_t *)(uintptr_t)meta);
	for (; at; at = json_object_iter_next((json_t *)(uintptr_t)meta, at)) {
		key = json_object_iter_key(at);
		value = json_object_iter_value(at);
		if (!good_key(key)) {
			error_invalid(c, "meta", "\"%.60s\": a key has letters, digits, _ . and -", key);
			return false;
		}
		struct job_meta *m = &draft->meta[draft->nmeta++];
		m->key = strdup(key);
		m->value = strdup(json_string_value(value));
	}
	return true;
}

static bool take_numbers(struct call *c, struct job *draft)
{
	uint64_t priority = param_u64(c, "priority", JOB_PRIORITY_DEFAULT);
	uint64_t mask = param_u64(c, "umask", 022);
	const json_t *given = json_object_get(call_params(c), "priority");

	if (priority < 1 || priority > JOB_PRIORITY_MAX || json_integer_value(given) < 0) {
		error_invalid(c, "priority", "it is 1 (first) to %d (last)", JOB_PRIORITY_MAX);
		return false;
	}
	if (mask > 0777) {
		error_invalid(c, "umask", "it is 0 to 511 (0777)");
		return false;
	}
	draft->priority = (uint8_t)priority;
	draft->umask = (int)mask;
	return true;
}

static bool take_place(struct call *c, struct job *draft)
{
	const char *queue = param_str(c, "queue");
	const char *cwd = param_str(c, "cwd");

	if (queue && strcmp(queue, "default") != 0) {
		error_invalid(c, "queue", "there is no queue \"%.60s\"; there is: default", queue);
		return false;
	}
	if (cwd && (*cwd != '/' || strlen(cwd) >= PATH_MAX)) {
		error_invalid(c, "cwd", "\"%.60s\" is not an absolute path", cwd);
		return false;
	}
	draft->queue = strdup("default");
	draft->cwd = cwd ? strdup(cwd) : NULL;
	return take_label(c, "name", &draft->name) && take_label(c, "project", &draft->project);
}

/* Whom it runs as. False: the call was answered, or will be called again. */
static bool take_user(const struct api *a, struct call *c, struct job *draft)
{
	const struct peer *p = call_peer(c);
	const char *user = param_str(c, "user");
	uid_t uid = p->uid;

	if (user && strcmp(user, p->user) != 0) {
		if (p->uid != 0) {
			struct actor who = call_actor(c);
			engine_refused(a->o.engine, &who, "submit", 0, "PermissionDenied");
			call_error(c, "org.varlink.service.PermissionDenied", NULL);
			return false;
		}
		switch (a->o.user_uid(a->o.ctx, user, &uid)) {
		case API_NAME_PENDING:
			call_again(c);
			return false;
		case API_NAME_UNKNOWN:
			error_invalid(c, "user", "there is no user \"%.60s\"", user);
			return false;
		case API_NAME_LATE:
			error_failed(c, 0, "the name service does not answer: nobody knows who that user is");
			return false;
		case API_NAME_KNOWN:
			break;
		}
		if (a->policy.self != 0 && uid != a->policy.self) {
			error_invalid(c, "user", "this jobd is not root's: it runs jobs as its own user");
			return false;
		}
	}
	const char *name = user ? user : p->user;
	if (a->policy.self != 0 && uid != a->policy.self) {
		/* root, at an ordinary user's jobd: the job is that user's */
		uid = a->policy.self;
		if (!a->o.user_name(a->o.ctx, uid, &name)) {
			call_again(c);
			return false;
		}
	}
	draft->uid = uid;
	draft->user = strdup(name);
	return true;
}

static bool take_draft(struct api *a, struct call *c, struct job *draft, char ***env)
{
	const char *token = param_str(c, "token");

	if (token && (!*token || strlen(token) > LABEL_MAX)) {
		error_invalid(c, "token", "it has 1 to %d bytes", LABEL_MAX);
		return false;
	}
	return take_user(a, c, draft) && take_command(c, draft) && take_numbers(c, draft)
	    && take_place(c, draft) && take_meta(c, draft) && take_environment(a, c, env);
}

/* Whether every string that was copied is there. */
static bool complete(const struct call *c, const struct job *j, char *const *env)
{
	for (size_t i = 0; i < j->nmeta; i++)
		if (!j->meta[i].key || !j->meta[i].value)
			return false;
	return j->user && j->command && j->queue && (j->cwd || !param_str(c, "cwd"))
	    && (j->name || !param_str(c, "name")) && (j->project || !param_str(c, "project"))
	    && (env || !json_is_array(json_object_get(call_params(c), "environment")));
}

static void answer(const struct api *a, struct call *c, uint64_t id)
{
	struct job_view v;

	if (engine_get(a->o.engine, id, &v) != ENGINE_OK) {
		error_not_found(c, id);
		return;
	}
	json_t *reply = json_object();
	json_put(reply, "job", job_json(a, call_peer(c), &v, false));
	job_view_fini(&v);
	call_reply(c, reply);
}

static void refuse_low_disk(const struct api *a, struct call *c)
{
	struct engine_health h;

	engine_health(a->o.engine, &h);
	call_error(c, "org.jobd.Job.LowDisk",
	    json_pack("{s:I, s:I}", "free_mb", (json_int_t)(h.free_bytes >> 20), "needed_mb",
		(json_int_t)(h.low_disk_bytes >> 20)));
}

void api_job_submit(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct actor who = call_actor(c);
	struct job draft;
	char **env = NULL;
	uint64_t id = 0;

	job_init(&draft);
	if (!take_draft(a, c, &draft, &env))
		goto out;
	if (!complete(c, &draft, env)) {
		error_failed(c, 0, "no memory");
		goto out;
	}
	uid_t owner = draft.uid;
	switch (engine_submit(a->o.engine, &who, &draft, env, param_str(c, "token"),
	    param_bool(c, "hold"), &id)) {
	case ENGINE_OK:
	case ENGINE_ALREADY:
		answer(a, c, id);
		break;
	case ENGINE_OVER_QUOTA:
		error_queued_jobs(a, c, "submit", owner);
		break;
	case ENGINE_LOW_DISK:
		refuse_low_disk(a, c);
		break;
	case ENGINE_PENDING:
	case ENGINE_NOT_FOUND:
	case ENGINE_WRONG_STATE:
	case ENGINE_UNSTOPPABLE:
	case ENGINE_FAILED:
		error_failed(c, 0, "the job could not be taken");
		break;
	}
out:
	job_fini(&draft);
	strv_free(env);
}
