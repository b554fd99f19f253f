/* SPDX-License-Identifier: ISC */
/*
 * What a job takes along of where it is submitted: directory, environment, umask. What of it is
 * jobd's own is left out, and so is what can't be sent, which is said.
 */
#include "config.h"

#include "jobctl/surroundings.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobctl/fields.h"
#include "jobctl/words.h"
#include "lib/buf.h"
#include "lib/environment.h"
#include "lib/str.h"
#include "lib/strv.h"
#include "lib/utf8.h"

static bool is_utf8(const char *s)
{
	size_t len = strlen(s);
	return utf8_span(s, len) == len;
}

/* --env NAME takes the caller's value. */
static int add(char ***env, const struct surroundings_environment *e, const char *what)
{
	if (strchr(what, '='))
		return strv_set(env, what);
	const char *value = strv_env(e->env, what);
	if (!value)
		return 0;
	char *entry = str_printf("%s=%s", what, value);
	int rc = entry ? strv_set(env, entry) : -ENOMEM;
	free(entry);
	return rc;
}

char **surroundings_environment(const struct surroundings_environment *e, size_t *dropped)
{
	char **env = calloc(1, sizeof(char *));
	int rc = env ? 0 : -ENOMEM;

	*dropped = 0;
	for (char *const *p = e->env; p && *p && rc == 0 && !e->clean; p++) {
		if (environment_is_own(*p) || !strchr(*p, '='))
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

/* By name or number; NULL for the caller's own. */
static const struct passwd *account(const char *user)
{
	const struct passwd *pw = user ? fields_numbered_user(user) : getpwuid(geteuid());

	return pw || !user ? pw : getpwnam(user);
}

/* Adds what a job must have and has not: the passwd's, and a path. */
static int complete(char ***env, const char *user)
{
	const struct passwd *pw = account(user);
	char home[4096], name[512], logname[512], shell[4096];

	if (pw) {
		snprintf(home, sizeof home, "HOME=%s", pw->pw_dir);
		snprintf(name, sizeof name, "USER=%s", pw->pw_name);
		snprintf(logname, sizeof logname, "LOGNAME=%s", pw->pw_name);
		snprintf(shell, sizeof shell, "SHELL=%s", *pw->pw_shell ? pw->pw_shell : "/bin/sh");
	}
	const char *path = pw && pw->pw_uid == 0 ? ENVIRONMENT_PATH_ROOT : ENVIRONMENT_PATH;
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

/* Names the variables that can't be sent: by their names nobody's secret is told. */
static void say_dropped(const struct surroundings_environment *e)
{
	struct buf names = BUF_INIT;
	for (char *const *p = e->env; p && *p; p++)
		if (!environment_is_own(*p) && strchr(*p, '=') && !is_utf8(*p))
			buf_printf(
			    &names, "%s%.*s", names.len ? ", " : "", (int)strcspn(*p, "="), *p);
	const char *text = buf_text(&names);
	if (!names.failed)
		complain("left out of the environment, since it is no UTF-8: %s", text);
	buf_fini(&names);
}

/* What --env says, checked. */
static enum code check_variables(const struct ctl *c)
{
	const struct options *o = c->o;

	for (char *const *v = o->env; v && *v; v++) {
		if (**v == '=' || !**v)
			return verb_usage(c, "--env: '%s' is not NAME or NAME=VALUE", *v);
		if (environment_is_own(*v) || strcmp(*v, "NOTIFY_SOCKET") == 0)
			return verb_usage(c, "--env: %s is jobd's own", *v);
		if (!is_utf8(*v))
			return verb_wrong(c, "--env: '%s' is no UTF-8", *v);
		if (!strchr(*v, '=') && !getenv(*v) && !o->quiet)
			complain("--env: %s is not set here, so it is not set there", *v);
	}
	return CODE_DONE;
}

/*
 * Whoever runs something as another user does not hand over what stands in their own environment
 * (keys, agents, HOME): as with "su -", only what --env names goes along.
 */
static enum code put_environment(
    const struct ctl *c, enum surroundings extent, const char *user, json_t *p)
{
	const struct options *o = c->o;
	bool set = extent == SURROUNDINGS_SAID && !o->clean_env;
	bool bare = extent == SURROUNDINGS_BARE || set;
	bool clean = o->clean_env || user || bare || extent == SURROUNDINGS_CLEAN;
	struct surroundings_environment e = { environ, o->env, clean };
	size_t dropped;
	enum code code;

	if (extent >= SURROUNDINGS_SAID && !o->env && !o->clean_env)
		return CODE_DONE;
	if ((code = check_variables(c)) != CODE_DONE)
		return code;
	char **env = surroundings_environment(&e, &dropped);
	if (!env || (clean && !bare && complete(&env, user) != 0)) {
		complain("no memory");
		strv_free(env);
		return CODE_SOME;
	}
	if (dropped && !o->quiet)
		say_dropped(&e);
	if (!set || *env)
		json_object_set_new(p, set ? "set_environment" : "environment", fields_strings(env));
	strv_free(env);
	return CODE_DONE;
}

/* Nor the directory, which the other user may be unable to enter: that user's is home. */
static enum code put_directory(
    const struct ctl *c, enum surroundings extent, const char *user, json_t *p)
{
	const char *chdir_to = c->o->chdir;
	char *cwd = NULL, *path = NULL;
	enum code code = CODE_DONE;

	if (!chdir_to && (extent != SURROUNDINGS_ALL || user))
		return CODE_DONE;
	if (chdir_to && !*chdir_to)
		return verb_wrong(c, "--chdir: it is a path, and can't be empty");
	if (chdir_to && strcmp(chdir_to, ".") == 0)
		chdir_to = ""; /* here */
	if (chdir_to && *chdir_to == '/') {
		path = strdup(chdir_to);
	} else if ((cwd = getcwd(NULL, 0)) == NULL) {
		complain("where this runs can't be told (%s): use --chdir", strerror(errno));
		return CODE_USAGE;
	} else if (!chdir_to || !*chdir_to) {
		path = strdup(cwd);
	} else {
		path = str_printf("%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, chdir_to);
	}
	if (!path || json_object_set_new(p, "cwd", json_string(path)) != 0)
		code = verb_wrong(c, "the directory '%s' is no UTF-8", path ? path : "?");
	free(cwd);
	free(path);
	return code;
}

static enum code put_umask(const struct ctl *c, enum surroundings extent, json_t *p)
{
	mode_t mask = umask(0);
	umask(mask);
	if (!c->o->umask && extent != SURROUNDINGS_ALL)
		return CODE_DONE;
	if (c->o->umask) {
		int v = words_umask(c->o->umask);
		if (v < 0)
			return verb_usage(c, "--umask: '%s' is no umask, such as 022", c->o->umask);
		mask = (mode_t)v;
	}
	json_object_set_new(p, "umask", json_integer((json_int_t)mask));
	return CODE_DONE;
}

enum code surroundings_put(
    const struct ctl *c, enum surroundings extent, const char *user, json_t *p)
{
	enum code code;
	if ((code = put_directory(c, extent, user, p)) != CODE_DONE ||
	    (code = put_umask(c, extent, p)) != CODE_DONE)
		return code;
	return put_environment(c, extent, user, p);
}
