/* SPDX-License-Identifier: ISC */
/*
 * The environment of a draft: what the call says, and over it the variables of its template.
 * Strings are borrowed. Jobs of a call that share its environment cost nothing; those whose template
 * adds to it have each their own.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "lib/strv.h"

#define MADE_MAX (8u << 20) /* bytes */
#define SET_MAX  256

static bool good_variable(const char *s)
{
	const char *equals = strchr(s, '=');

	return equals && equals != s;
}

static size_t bytes_of(const char *const *env)
{
	return strv_bytes((char *const *)(uintptr_t)env);
}

/* Whether it is not larger than this caller's may be; else the call is answered. */
static bool check_size(struct drafting *x, const char *const *env)
{
	uint64_t most = x->a->limits.environment_bytes;
	size_t n = bytes_of(env);

	if (most == 0 || n <= most || limits_exempt(x->a, call_peer(x->c)->uid))
		return true;
	error_size(x, API_LIMIT_ENVIRONMENT, n);
	return false;
}

static bool sets(char *const *env, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	for (; env && *env; env++)
		if (strncmp(*env, variable, n) == 0)
			return true;
	return false;
}

/* Both, where they name the same the second's. NULL: no memory. */
static const char **merged(const char *const *base, char *const *over)
{
	size_t n = 0, many = strv_len((char *const *)(uintptr_t)base) + strv_len(over);
	const char **env = calloc(many + 1, sizeof *env);

	for (; env && base && *base; base++)
		if (!sets(over, *base))
			env[n++] = *base;
	for (; env && over && *over; over++)
		env[n++] = *over;
	return env;
}

/* Each job has one of its own that was made so: those of a call are one turn's. */
static bool check_made(struct drafting *x, const char *const *env)
{
	x->made_bytes += bytes_of(env);
	if (x->made_bytes <= MADE_MAX)
		return true;
	draft_wrong(x, "environment", "with their templates' the jobs of a call have more than %u MB of it: "
	    "submit fewer at once", MADE_MAX >> 20);
	return false;
}

/* What the object says itself; stays NULL where it says nothing. */
static bool read_own(struct drafting *x, const char ***env)
{
	/* An edit has one of the two; others know nothing of the second. */
	bool whole = json_is_array(json_object_get(x->o, "environment"));
	const char *name = whole ? "environment" : "set_environment";
	const json_t *array = json_object_get(x->o, name);
	size_t n = json_array_size(array);

	if (!json_is_array(array))
		return true;
	if (!whole && n > SET_MAX) {
		draft_wrong(x, name, "at most %d variables are set at once", SET_MAX);
		return false;
	}
	*env = calloc(n + 1, sizeof **env);
	x->no_memory |= !*env;
	for (size_t i = 0; *env && i < n; i++) {
		(*env)[i] = json_string_value(json_array_get(array, i));
		if (good_variable((*env)[i]))
			continue;
		draft_wrong(x, name, "\"%.60s\" is not NAME=value", (*env)[i]);
		return false;
	}
	return true;
}

bool draft_read_environment(struct drafting *x, struct draft *d)
{
	if (!read_own(x, &d->env))
		return false;
	if (d->made.environment && d->made.environment[0]) {
		const char **both = merged(d->env ? d->env : x->env, d->made.environment);
		free(d->env);
		d->env = both;
		x->no_memory |= !both;
		if (both && !check_made(x, both))
			return false;
	}
	return !d->env || check_size(x, d->env);
}
