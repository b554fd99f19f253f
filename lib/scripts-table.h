/* SPDX-License-Identifier: ISC */
/* The programs that read arguments as code: scripts-table.c has them, scripts.c walks. No others
 * include it. */
#ifndef LIB_SCRIPTS_TABLE_H
#define LIB_SCRIPTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum script_how {
	HOW_SHELL = 1,	 /* options, then a script or the name of one, then data */
	HOW_INTERPRETER, /* options, some with code; without those a script's name; then data */
	HOW_FILTER,	 /* the same; without those the code itself */
	HOW_JOINED,	 /* all that follows is a command line for a shell, or commands */
	HOW_HOST,	 /* options, a host; all that follows is a command line for a shell */
	HOW_WRAPPER,	 /* options, operands, a program and its arguments */
	HOW_RUNUSER,	 /* with -u at first a wrapper, else joined */
	HOW_OPTIONS,	 /* data, but for the values of some options, wherever they stand */
	HOW_WORDS,	 /* data, but for what follows some words, wherever they stand */
	HOW_REMOTE,	 /* paths on another host */
	HOW_EDITOR,	 /* options as above, and files: +command or !command in the place of one is run */
};

/* Lists are words with a space between; short options are letters. NULL is none. */
struct script_row {
	const char *names;
	enum script_how how;
	/* options with code as value; HOW_WORDS: code_long has the words */
	const char *code, *code_long;
	/* options with another value, in the same argument or the next one */
	const char *valued, *valued_long;
	const char *attached; /* letters that take the rest of their argument, and never the next */
	const char *ends;     /* letters after whose value all is data */
	const char *data;     /* letters among valued whose value is data */
	/* of a wrapper: */
	const char *joins, *joins_long; /* options that make all that follows a command line */
	unsigned operands;		/* before the program's name */
	bool assigns;			/* NAME=value may stand before it as well */
};

/* NULL past the last. */
const struct script_row *script_row(size_t at);

#endif
