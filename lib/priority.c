/* SPDX-License-Identifier: ISC */
/* Priorities by number and by name. */
#include "config.h"

#include "lib/priority.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int priority_parse(const char *text)
{
	static const struct {
		const char *name;
		int number;
	} names[] = { { "high", 2 }, { "normal", 5 }, { "low", 8 } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(names[i].name, text) == 0)
			return names[i].number;
	if (text[strspn(text, "0123456789")])
		return 0; /* strtoul(3) takes signs and blanks, too */
	unsigned long number = strtoul(text, NULL, 10);
	return number <= PRIORITY_MAX ? (int)number : 0;
}
