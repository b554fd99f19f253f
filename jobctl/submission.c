/* SPDX-License-Identifier: ISC */
/*
 * Submissions. What a job needs of its surroundings is collected here, at the
 * moment of submission: directory, environment, umask. Each submission has a token of 128
 * random bits, so that it can be repeated when its answer was lost.
 */
#include "config.h"

#include "jobctl/submission.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobctl/job.h"
#include "jobctl/priority.h"
#include "lib/buf.h"
#include "lib/strv.h"
#include "lib/utf8.h"

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"
#define PATH_ROOT    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENVELOPE     256 /* bytes around the parameters, more than enough */

static bool is_jobd_own(const char *entry)
{
	return strncmp(entry, "JOBD_", 5) == 0 || strncmp(entry, "NOTIFY_SOCKET=", 14) == 0;
}

static bool is_utf8(const char *s)
{
	size_t len = strlen(s);
	return utf8_span(s, len) == len;
}

/* Sets NAME=value, in the place of what it was before. */
static int set(char ***env, const char *entry)
{
	size_t len = strcspn(entry, "=") + 1;
	for (char **e = *env; e && *e; e++) {
		if (strncmp(*e, entry, len) != 0)
			continue;
		char *copy = strdup(entry);
		if (!copy)
			return -ENOMEM;
		free(*e);
		*e = copy;
		return 0;
	}
	return strv_add(env, entry);
}

/* --env NAME takes the caller's value. */
static int add(char ***env, const struct submission_environment *e, const char *what)
{
	char entry[4096];
	if (strchr(what, '='))
		return set(env, what);
	const char *value = strv_env(e->env, what);
	if (!value)
		return 0;
	int n = snprintf(entry, sizeof entry, "%s=%s", what, value);
	if (n >= 0 && (size_t)n < sizeof entry)
		return set(env, entry);
	char *longer = NULL;
	if (asprintf(&longer, "%s=%s", what, value) < 0)
		return -ENOMEM;
	int rc = set(env, longer);
	free(longer);
	return rc;
}

char **submission_environment(const struct submission_environment *e, size_t *dropped)
{
	char **env = calloc(1, sizeof(char *));
	int rc = env ? 0 : -ENOMEM;

	*dropped = 0;
	for (char *const *p = e->env; p && *p && rc == 0 && !e->clean; p++) {
		if (is_jobd_own(*p) || !strchr(*p, '='))
			continue;
		if (is_utf8(*p))
			rc = strv_add(&env, *p);
		else
			(*dropped)++;
	}
	for (char *const *p = e->add; p && *p && rc == 0; p++)
		rc = add(&env, e, *p);
	if (rc == 0)
		return env;
	strv_free(env);
	return NULL;
}

/* Adds what a job must have and has not: the passwd's, and a path. */
static int complete(char ***env, const char *user)
{
	const struct passwd *pw = user ? getpwnam(user) : getpwuid(geteuid());
	char home[4096], name[512], logname[512], shell[4096];

	if (pw) {
		snprintf(home, sizeof home, "HOME=%s", pw->pw_dir);
		snprintf(name, sizeof name, "USER=%s", pw->pw_name);
		snprintf(logname, sizeof logname, "LOGNAME=%s", pw->pw_name);
		snprintf(shell, sizeof shell, "SHELL=%s", *pw->pw_shell ? pw->pw_shell : "/bin/sh");
	}
	const char *path = pw && pw->pw_uid == 0 ? "PATH=" PATH_ROOT : "PATH=" PATH_DEFAULT;
	const char *const entries[] = { path, home, name, logname, shell };
	for (size_t i = 0; i < (pw ? 5u : 1u); i++) {
		size_t len = strcspn(entries[i], "=") + 1;
		bool there = false;
		for (char **e = *env; *e && !there; e++)
			there = strncmp(*e, entries[i], len) == 0;
		if (!there && is_utf8(entries[i]) && strv_add(env, entries[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

static json_t *strings(char *const *v)
{
	json_t *array = json_array();
	for (; v && *v; v++)
		json_array_append_new(array, json_string(*v));
	return array;
}

/* The last value of an option that may be given once. */
static const char *last(char *const *v)
{
	size_t n = strv_len(v);
	return n ? v[n - 1] : NULL;
}

/* Names the variables that can't be sent: by their names nobody's secret is told. */
static void say_dropped(const struct submission_environment *e)
{
	struct buf names = BUF_INIT;
	for (char *const *p = e->env; p && *p; p++)
		if (!is_jobd_own(*p) && strchr(*p, '=') && !is_utf8(*p))
			buf_printf(&names, "%s%.*s", names.len ? ", " : "", (int)strcspn(*p, "="), *p);
	buf_put(&names, "", 1);
	if (!names.failed)
		complain("left out of the environment, since it is no UTF-8: %s",
		    (const char *)names.data);
	buf_fini(&names);
}

/* Whom the job is to run as, where that is somebody else than the caller; else NULL. */
static const char *other_user(const struct options *o)
{
	const char *user = last(o->users);
	const struct passwd *pw = user ? getpwuid(geteuid()) : NULL;
	return pw && strcmp(pw->pw_name, user) == 0 ? NULL : user;
}

/*
 * Whoever runs something as somebody else does not hand over what stands in his own environment
 * (keys, agents, his HOME): as with "su -", only what --env names goes along.
 */
static enum code put_environment(const struct ctl *c, json_t *p)
{
	const struct options *o = c->o;
	const char *user = other_user(o);
	bool clean = o->clean_env || user;
	struct submission_environment e = { environ, o->env, clean };
	size_t dropped;

	for (char *const *v = o->env; v && *v; v++) {
		if (**v == '=' || !**v)
			return verb_usage(c, "--env: '%s' is not NAME or NAME=VALUE", *v);
		if (is_jobd_own(*v) || strcmp(*v, "NOTIFY_SOCKET") == 0)
			return verb_usage(c, "--env: %s is jobd's own", *v);
		if (!is_utf8(*v))
			return verb_wrong(c, "--env: '%s' is no UTF-8", *v);
		if (!strchr(*v, '=') && !getenv(*v) && !o->quiet)
			complain("--env: %s is not set here, so it is not set there", *v);
	}
	char **env = submission_environment(&e, &dropped);
	if (!env || (clean && complete(&env, user) != 0)) {
		complain("no memory");
		strv_free(env);
		return CODE_SOME;
	}
	if (dropped && !o->quiet)
		say_dropped(&e);
	json_object_set_new(p, "environment", strings(env));
	strv_free(env);
	return CODE_DONE;
}

/* Nor does his directory, which may be one that they can't enter: theirs is home. */
static enum code put_directory(const struct ctl *c, json_t *p)
{
	const char *chdir_to = c->o->chdir;
	char *cwd = NULL, *path = NULL;
	enum code code = CODE_DONE;

	if (!chdir_to && other_user(c->o))
		return CODE_DONE;
	if (chdir_to && *chdir_to == '/') {
		path = strdup(chdir_to);
	} else if ((cwd = getcwd(NULL, 0)) == NULL) {
		complain("where this runs can't be told (%s): use --chdir", strerror(errno));
		return CODE_USAGE;
	} else if (!chdir_to) {
		path = strdup(cwd);
	} else if (asprintf(&path, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, chdir_to) < 0) {
		path = NULL;
	}
	if (!path || json_object_set_new(p, "cwd", json_string(path)) != 0)
		code = verb_wrong(c, "the directory '%s' is no UTF-8", path ? path : "?");
	free(cwd);
	free(path);
	return code;
}

static enum code put_umask(const struct ctl *c, json_t *p)
{
	mode_t mask = umask(0);
	umask(mask);
	if (c->o->umask) {
		char *end;
		unsigned long v = strtoul(c->o->umask, &end, 8);
		if (c->o->umask[0] < '0' || c->o->umask[0] > '7' || *end || v > 0777)
			return verb_usage(c, "--umask: '%s' is no umask, such as 022", c->o->umask);
		mask = (mode_t)v;
	}
	json_object_set_new(p, "umask", json_integer((json_int_t)mask));
	return CODE_DONE;
}

static enum code put_command(const struct ctl *c, json_t *p)
{
	char sh[] = "/bin/sh", option[] = "-c";
	char *line = c->o->shell ? strdup(c->o->shell) : NULL;
	char *shell[] = { sh, option, line, NULL };
	char *const *command = line ? shell : c->words;
	enum code code = CODE_DONE;

	if (c->o->shell && c->nwords)
		code = verb_usage(c, "--shell takes the whole line; no words after it");
	else if (!line && !c->nwords)
		code = verb_usage(c, "which command?");
	for (char *const *w = command; code == CODE_DONE && *w; w++)
		if (!is_utf8(*w))
			code = verb_wrong(c, "'%s' is no UTF-8, and can't be sent", *w);
	if (code == CODE_DONE)
		json_object_set_new(p, "command", strings(command));
	free(line);
	return code;
}

static enum code put_text(const struct ctl *c, json_t *p, const char *key, const char *text)
{
	if (text && json_object_set_new(p, key, json_string(text)) != 0)
		return verb_wrong(c, "--%s: '%s' is no UTF-8", key, text);
	return CODE_DONE;
}

static enum code put_rest(const struct ctl *c, json_t *p)
{
	const struct options *o = c->o;
	enum code code;

	if ((code = put_text(c, p, "name", o->name)) != CODE_DONE ||
	    (code = put_text(c, p, "queue", last(o->queues))) != CODE_DONE ||
	    (code = put_text(c, p, "project", last(o->projects))) != CODE_DONE ||
	    (code = put_text(c, p, "user", last(o->users))) != CODE_DONE)
		return code;
	if (o->priority) {
		int priority = priority_parse(o->priority);
		if (!priority)
			return verb_usage(c, PRIORITY_WRONG, o->priority);
		json_object_set_new(p, "priority", json_integer(priority));
	}
	if (o->hold)
		json_object_set_new(p, "hold", json_true());
	if (o->meta) {
		json_t *meta = json_object();
		json_object_set_new(p, "meta", meta);
		return verb_meta(c, meta);
	}
	return CODE_DONE;
}

static enum code put_token(json_t *p)
{
	unsigned char bits[16];
	char token[2 * sizeof bits + 1];

	if (getrandom(bits, sizeof bits, 0) != (ssize_t)sizeof bits) {
		complain("no random numbers: %s", strerror(errno));
		return CODE_SOME;
	}
	for (size_t i = 0; i < sizeof bits; i++)
		snprintf(token + 2 * i, 3, "%02x", bits[i]);
	json_object_set_new(p, "token", json_string(token));
	return CODE_DONE;
}

static enum code check_size(const json_t *p)
{
	size_t size = json_dumpb(p, NULL, 0, JSON_COMPACT);
	if (size + ENVELOPE <= VARLINK_MESSAGE_MAX)
		return CODE_DONE;
	complain("that is too large: %zu kB of command and environment, %u kB can be sent "
		 "(--clean-env leaves the environment out)",
	    size / 1024, VARLINK_MESSAGE_MAX / 1024);
	return CODE_USAGE;
}

static enum code send(struct ctl *c, json_t *p, json_t **reply)
{
	static const char what[] = "submit the job";
	struct answer a = { 0 };
	enum code code = client_call(&c->client, "org.jobd.Job.Submit", p, true, &a);

	if (code == CODE_DONE && a.error) {
		code = fault_code(a.error);
		if (code == CODE_DENIED && other_user(c->o))
			complain("cannot %s: not permitted; only root may submit for another user", what);
		else
			fault_say(what, &a);
	} else if (code == CODE_DONE) {
		*reply = json_incref(a.params);
	}
	answer_fini(&a);
	return code;
}

enum code submission_send(struct ctl *c, json_t **job)
{
	json_t *p = json_object(), *reply = NULL;
	enum code code;

	*job = NULL;
	if ((code = put_command(c, p)) == CODE_DONE && (code = put_rest(c, p)) == CODE_DONE &&
	    (code = put_directory(c, p)) == CODE_DONE && (code = put_umask(c, p)) == CODE_DONE &&
	    (code = put_environment(c, p)) == CODE_DONE && (code = put_token(p)) == CODE_DONE)
		code = check_size(p);
	if (code == CODE_DONE)
		code = send(c, json_incref(p), &reply);
	if (code == CODE_DONE)
		*job = json_incref(json_object_get(reply, "job"));
	json_decref(reply);
	json_decref(p);
	return code;
}
