/* SPDX-License-Identifier: ISC */
/*
 * The words of a configuration file: its comments, blanked; its quotes, checked; its text, cut into
 * tokens. It follows libconfuse's rules of where a comment, a string and a word begin and end, but
 * for what libconfuse drops without a word: that is part of the word it stands in, and found there
 * (settings-words.c).
 */
#include "config.h"

#include "jobd/sys/settings-scan.h"

#include <string.h>

#include "jobd/sys/settings-read.h"

#define BLANKS	" \t\r\n"
#define SPECIAL "={}()+,"

static bool at(const struct scan *s, const char *what)
{
	size_t n = strlen(what);
	return (size_t)(s->end - s->p) >= n && memcmp(s->p, what, n) == 0;
}

static void step(struct scan *s, bool blank)
{
	if (*s->p == '\n')
		s->line++;
	else if (blank)
		*s->p = ' ';
	s->p++;
}

/* ${NAME} goes through as it is, even with a quote in it. */
static bool variable(struct scan *s)
{
	if (!at(s, "${"))
		return false;
	char *close = memchr(s->p, '}', (size_t)(s->end - s->p));
	while (close && s->p <= close)
		step(s, false);
	return close != NULL;
}

static const char *string(struct scan *s, int *line)
{
	char quote = *s->p;
	*line = s->line;
	for (step(s, false); s->p < s->end; step(s, false)) {
		if (*s->p == quote) {
			step(s, false);
			return NULL;
		}
		if (quote == '"' && variable(s)) {
			s->p--; /* the brace, which the loop steps over */
			continue;
		}
		if (*s->p == '\\' && s->end - s->p > 1)
			step(s, false); /* with the loop's, both of them */
	}
	return quote == '"' ? "the quote (\") that opens here is never closed; close it"
			    : "the quote (') that opens here is never closed; close it";
}

static const char *comment(struct scan *s, int *line)
{
	*line = s->line;
	if (!at(s, "/*")) {
		while (s->p < s->end && *s->p != '\n')
			step(s, true);
		return NULL;
	}
	step(s, true);
	step(s, true);
	while (s->p < s->end && !at(s, "*/"))
		step(s, true);
	if (s->p == s->end)
		return "the comment (/*) that opens here is never closed; close it with */";
	step(s, true);
	step(s, true);
	return NULL;
}

/* Whether a word goes on on both sides of this character: it is no comment's beginning then. */
static bool inside(const struct scan *s, bool in_word)
{
	return in_word && s->end - s->p > 1 && !strchr(BLANKS, s->p[1]);
}

const char *config_blank(char *text, size_t len, int *line)
{
	struct scan s = { text, text + len, 1 };
	const char *wrong = NULL;
	bool in_word = false; /* a comment begins between words only: paths have slashes */
	while (s.p < s.end && !wrong) {
		char c = *s.p;
		if (c == '\0') {
			*line = s.line;
			return "a NUL byte; this is no text file";
		}
		if ((c == '#' && !inside(&s, in_word)) ||
		    (!in_word && (at(&s, "//") || at(&s, "/*")))) {
			wrong = comment(&s, line);
			in_word = false;
		} else if (c == '"' || c == '\'') {
			wrong = string(&s, line);
			in_word = false;
		} else if (variable(&s)) {
			in_word = true;
		} else {
			in_word = strchr(BLANKS SPECIAL, c) == NULL;
			step(&s, false);
		}
	}
	return wrong;
}

static bool step_in_word(struct scan *s)
{
	if (s->p == s->end)
		return false;
	if (variable(s))
		return true;
	if (strchr(BLANKS SPECIAL "\"'", *s->p))
		return false;
	step(s, false);
	return true;
}

struct token scan_token(struct scan *s)
{
	while (s->p < s->end && strchr(BLANKS, *s->p))
		step(s, false);
	struct token t = { .at = s->p, .line = s->line };
	int line;
	if (s->p == s->end)
		return t;
	if (*s->p == '"' || *s->p == '\'') {
		t.type = TOKEN_STRING;
		string(s, &line);
	} else if (step_in_word(s)) {
		t.type = TOKEN_WORD;
		while (step_in_word(s))
			;
	} else {
		t.type = TOKEN_SPECIAL;
		step(s, false);
	}
	t.len = (size_t)(s->p - t.at);
	return t;
}
