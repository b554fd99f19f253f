/* SPDX-License-Identifier: ISC */
/*
 * What stands unquoted and has a meaning of its own there, or none. libconfuse drops a * and a +
 * from a word without saying so, and says of the others only that they are unexpected. Here each
 * such value is told, with its line, and put in quotes: so it is read as it was meant, and whatever
 * else is wrong in the file can be told too.
 */
#include "config.h"

#include "jobd/sys/settings-read.h"

#include <string.h>

#include "jobd/sys/settings-scan.h"

#define SHOWN_MAX 80 /* bytes of a value that a message repeats */

struct words {
	struct scan s;
	struct notes *notes;
	struct buf *out;
	char *copied; /* up to here the text is in out */
	bool value;   /* what comes next is one, or opens a list */
	bool list;    /* so is all that comes next */
};

/* Tokens of a value with nothing between them. */
struct run {
	char *at, *end;
	int line;
	char odd;   /* what should not stand in it; NUL: nothing */
	bool equal; /* an = is in it */
};

static bool is(const struct token *t, char c)
{
	return t->type == TOKEN_SPECIAL && *t->at == c;
}

static struct token peek(const struct words *w)
{
	struct scan ahead = w->s;
	return scan_token(&ahead);
}

/* Behind the brace that closes the one before at, as in {date}; NULL: there is none without blanks. */
static char *past_braces(struct scan s, const char *at)
{
	for (;;) {
		struct token t = scan_token(&s);
		if (t.type == TOKEN_END || t.at != at || is(&t, '{'))
			return NULL;
		at = s.p;
		if (is(&t, '}'))
			return s.p;
	}
}

static char odd_in_word(const struct token *t)
{
	for (size_t i = 0; i < t->len; i++) {
		if (t->at[i] == '*' || t->at[i] == '#')
			return t->at[i];
		bool whole = i == 0 && memchr(t->at, '}', t->len) == t->at + t->len - 1;
		if (t->at[i] == '$' && i + 1 < t->len && t->at[i + 1] == '{' && !whole)
			return '$';
	}
	return '\0';
}

/* Takes one more token into the run. False: it does not belong to it. */
static bool grow(struct words *w, struct run *r, const struct token *t)
{
	char odd = '\0';
	char *past = NULL;
	if (t->type == TOKEN_END || t->at != r->end || is(t, ',') || is(t, '}'))
		return false;
	struct scan ahead = w->s;
	scan_token(&ahead);
	if (is(t, '{') && !(past = past_braces(ahead, ahead.p)))
		return false;
	if (t->type == TOKEN_WORD)
		odd = odd_in_word(t);
	else if (t->type == TOKEN_SPECIAL)
		odd = *t->at;
	if (r->at != t->at && !odd)
		odd = '"'; /* only a string can stand next to a word, or to a string */
	while (past && ahead.p < past)
		scan_token(&ahead);
	r->odd = r->odd ? r->odd : odd;
	r->equal = r->equal || is(t, '=');
	w->s = ahead;
	r->end = w->s.p;
	return true;
}

static void copy_to(struct words *w, char *end)
{
	buf_put(w->out, w->copied, (size_t)(end - w->copied));
	w->copied = end;
}

static void put_quoted(struct buf *to, const struct run *r)
{
	buf_puts(to, "\"");
	for (const char *p = r->at; p < r->end; p++) {
		if (*p == '"' || *p == '\\')
			buf_puts(to, "\\");
		buf_put(to, p, 1);
	}
	buf_puts(to, "\"");
}

static void tell(struct words *w, const struct run *r)
{
	copy_to(w, r->at);
	size_t from = w->out->len;
	put_quoted(w->out, r);
	w->copied = r->end;
	size_t len = w->out->len - from;
	const char odd[] = { r->odd, r->odd == '$' ? '{' : '\0', '\0' };
	if (w->out->failed)
		w->notes->no_memory = true;
	else if (r->odd == '"')
		notes_add(w->notes, r->line,
		    "the quotes stand around all of a value; one that belongs to it has a backslash before it");
	else if (len > SHOWN_MAX || memchr(r->at, '\n', (size_t)(r->end - r->at)))
		notes_add(w->notes, r->line, "a value with %s in it stands in quotes", odd);
	else
		notes_add(w->notes, r->line, "a value with %s in it stands in quotes, %.*s%s", odd,
		    (int)len, (const char *)w->out->data + from,
		    r->odd == '#' ? "; a comment begins after a blank" : "");
}

/* In the place of a value. */
static void take_value(struct words *w)
{
	struct words before = *w;
	struct token t = peek(w);
	struct run r = { .at = t.at, .end = t.at, .line = t.line };
	if (is(&t, '{') && !w->list) {
		w->list = true;
	} else if (is(&t, '=')) {
		w->list = false; /* it was not closed; libconfuse objects to it */
		w->value = true;
	} else if (grow(w, &r, &t)) {
		do
			t = peek(w);
		while (grow(w, &r, &t));
		w->value = false;
		if (r.equal && w->list && !is(&t, ',') && !is(&t, '}')) {
			*w = before; /* the list was not closed, and this is a setting */
			w->list = false;
			scan_token(&w->s);
		} else if (r.odd) {
			tell(w, &r);
		}
		return;
	} else if (!is(&t, ',')) {
		w->list = false;
	}
	w->value = is(&t, '=');
	scan_token(&w->s);
}

/* Where no value stands: before an =, and around sections. */
static void take_name(struct words *w)
{
	struct token t = scan_token(&w->s);
	char odd = t.type == TOKEN_WORD ? odd_in_word(&t) : '\0';
	if (is(&t, '='))
		w->value = true;
	else if (is(&t, '+') && !(w->s.p < w->s.end && *w->s.p == '='))
		odd = '+';
	if (odd == '+')
		notes_add(w->notes, t.line,
		    "a + stands right before = alone, name += {\"a\"}; in a value it stands in quotes");
	else if (odd && odd != '$')
		notes_add(w->notes, t.line, "a %c has no meaning here; in a value it stands in quotes", odd);
}

void config_words(char *text, struct buf *out, struct notes *notes)
{
	struct words w = { .s = { text, text + strlen(text), 1 }, .notes = notes, .out = out,
		.copied = text };
	while (peek(&w).type != TOKEN_END) {
		if (w.value || w.list)
			take_value(&w);
		else
			take_name(&w);
	}
	copy_to(&w, w.s.end);
	buf_put(out, "", 1);
	notes->no_memory = notes->no_memory || out->failed;
}
