/* SPDX-License-Identifier: ISC */
/* NULL-terminated arrays of strings. */
#include "config.h"

#include "lib/strv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t strv_len(char *const *v)
{
	size_t n = 0;
	while (v && v[n])
		n++;
	return n;
}

size_t strv_bytes(char *const *v)
{
	size_t n = 0;

	for (; v && *v; v++)
		n += strlen(*v) + 1;
	return n;
}

char **strv_copy(char *const *v)
{
	if (!v)
		return NULL;
	size_t n = strv_len(v);
	char **copy = calloc(n + 1, sizeof(*copy));
	if (!copy)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		copy[i] = strdup(v[i]);
		if (!copy[i]) {
			strv_free(copy);
			return NULL;
		}
	}
	return copy;
}

void strv_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

int strv_add(char ***v, const char *s)
{
	size_t n = strv_len(*v);
	char *copy = strdup(s);
	char **grown = copy ? realloc(*v, (n + 2) * sizeof(*grown)) : NULL;
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	grown[n] = copy;
	grown[n + 1] = NULL;
	*v = grown;
	return 0;
}

const char *strv_env(char *const *env, const char *name)
{
	size_t len = strlen(name);
	for (; env && *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

int strv_set(char ***env, const char *entry)
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

bool strv_has(char *const *v, const char *s)
{
	for (; v && *v; v++)
		if (strcmp(*v, s) == 0)
			return true;
	return false;
}
