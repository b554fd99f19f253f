/* SPDX-License-Identifier: ISC */
/*
 * Placeholders in text. How they are written, and no more: where they may stand is
 * template-check.c's, what comes in their places template-expand.c's.
 */
#include "config.h"

#include "lib/placeholder.h"

#include <errno.h>
#include <string.h>

#include "lib/template.h"
#include "lib/utf8.h"

int placeholder_refuse(char **why, char *text)
{
	if (!text)
		return -ENOMEM;
	utf8_mend(text);
	*why = text;
	return -EINVAL;
}

bool placeholder_good_name(const char *s, size_t len)
{
	char name[80];

	if (len >= sizeof(name))
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	return template_good_name(name);
}

enum placeholder_piece placeholder_next(const char **at, const char **s, size_t *len)
{
	const char *p = *at;
	size_t n = strcspn(p, "{}");

	*s = p;
	*len = n;
	if (n > 0) {
		*at += n;
		return PLACEHOLDER_TEXT;
	}
	if (!*p)
		return PLACEHOLDER_END;
	if (p[0] == p[1]) {
		*len = 1;
		*at += 2;
		return PLACEHOLDER_TEXT;
	}
	n = strcspn(p + 1, "{}");
	*s = p + 1;
	*len = n;
	if (*p != '{' || p[n + 1] != '}' || !placeholder_good_name(p + 1, n))
		return PLACEHOLDER_BAD;
	*at += n + 2;
	return PLACEHOLDER_HOLE;
}

/* Whether the text begins with {NAME}. */
static bool begins_with_hole(const char *text)
{
	const char *s;
	size_t len;

	return placeholder_next(&text, &s, &len) == PLACEHOLDER_HOLE;
}

int placeholder_parameter(char *const *parameters, const char *name, size_t len)
{
	for (int i = 0; parameters && parameters[i]; i++)
		if (strcspn(parameters[i], "=") == len && strncmp(parameters[i], name, len) == 0)
			return i;
	return -1;
}

const char *placeholder_default(const char *parameter)
{
	const char *equals = strchr(parameter, '=');

	return equals ? equals + 1 : NULL;
}

bool placeholder_after_dashes(char *const *command, size_t at)
{
	size_t k = at;

	while (k > 1 && begins_with_hole(command[k - 1]))
		k--;
	return k > 1 && strcmp(command[k - 1], "--") == 0;
}
