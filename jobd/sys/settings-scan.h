/* SPDX-License-Identifier: ISC */
/* A configuration file as tokens, one after the other. */
#ifndef SYS_SETTINGS_SCAN_H
#define SYS_SETTINGS_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* How far a text is read that config_blank has been over. Starts with line 1. */
struct scan {
	char *p, *end;
	int line;
};

enum token_type { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_SPECIAL };

struct token {
	enum token_type type;
	char *at;
	size_t len;
	int line;
};

/* The next one. */
struct token scan_token(struct scan *s);

#endif
