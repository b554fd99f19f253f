/* SPDX-License-Identifier: ISC */
/* Priorities by name. */
#include "config.h"

#include "jobctl/priority.h"

#include <stddef.h>
#include <string.h>

int priority_parse(const char *word)
{
	static const char *const digits[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10" };
	static const struct {
		const char *name;
		int number;
	} names[] = { { "high", 2 }, { "normal", 5 }, { "low", 8 } };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i].name, word) == 0)
			return names[i].number;
	for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++)
		if (strcmp(digits[i], word) == 0)
			return (int)i + 1;
	return 0;
}
