/* SPDX-License-Identifier: ISC */
/* Rules as they are kept: a vector of NAME=value. What a value may be is rules.c's. */
#include "config.h"

#include "lib/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/str.h"
#include "lib/strv.h"

/* Where the rule's value stands; NULL: nowhere. */
static char **given_at(char **given, enum rule which)
{
	size_t len = strlen(rule_name(which));
	for (; given && *given; given++)
		if (strncmp(*given, rule_name(which), len) == 0 && (*given)[len] == '=')
			return given;
	return NULL;
}

const char *rules_given(char *const *given, enum rule which)
{
	return strv_env(given, rule_name(which));
}

/* Of a vector that gets empty nothing is left. */
static void drop(char ***given, enum rule which)
{
	char **at = given_at(*given, which);
	if (!at)
		return;
	free(*at);
	for (; *at; at++)
		at[0] = at[1];
	if (!**given) {
		free(*given);
		*given = NULL;
	}
}

/* The value in its shortest form, with its name. */
static int make_pair(char **pair, enum rule which, const char *value)
{
	struct rules r;
	rules_init(&r);
	int rc = rule_set(&r, which, value);
	char *text = rc == 0 ? rule_text(&r, which) : NULL;
	*pair = text ? str_printf("%s=%s", rule_name(which), text) : NULL;
	free(text);
	rules_fini(&r);
	return rc < 0 ? rc : *pair ? 0 : -ENOMEM;
}

int rules_put(char ***given, enum rule which, const char *value)
{
	if (!value) {
		drop(given, which);
		return 0;
	}
	char *pair;
	int rc = make_pair(&pair, which, value);
	if (rc < 0)
		return rc;
	char **at = given_at(*given, which);
	if (at) {
		free(*at);
		*at = pair;
		return 0;
	}
	rc = strv_add(given, pair);
	free(pair);
	return rc;
}

int rules_apply(struct rules *r, char *const *given)
{
	for (int i = 0; i < RULES; i++) {
		const char *value = rules_given(given, i);
		if (value && rule_set(r, i, value) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}
