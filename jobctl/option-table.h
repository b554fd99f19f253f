/* SPDX-License-Identifier: ISC */
/* The table of options, for options.c alone. */
#ifndef JOBCTL_OPTION_TABLE_H
#define JOBCTL_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind { FLAG, TEXT, LIST, RULE }; /* a rule goes to the rules as NAME=VALUE */

struct option_row {
	const char *name;
	char letter;
	const char *value; /* what it is called in the help; NULL: a flag */
	unsigned groups;
	enum option_kind kind;
	size_t field;
	const char *help;
};

/* The option of that name (len bytes), or letter, that verbs of these groups take; NULL: none. */
const struct option_row *option_find(const char *name, size_t len, unsigned groups);
const struct option_row *option_find_letter(char letter, unsigned groups);

/* Says that there is none of that name, and which of these groups was probably meant. Returns false. */
bool option_unknown(const char *word, size_t len, unsigned groups);

#endif
