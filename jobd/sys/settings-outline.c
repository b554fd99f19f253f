/* SPDX-License-Identifier: ISC */
/*
 * The outline of a configuration file: its sections, taken out. It knows nothing of settings.
 *
 * A section is read by itself afterwards, since libconfuse would stop all reading at the first
 * that is not well formed, doesn't tell where an empty one begins, and forgets the first of two
 * with one name.
 */
#include "config.h"

#include "jobd/sys/settings-read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/sys/settings-scan.h"

/* What was met on the way to here. */
struct finder {
	struct scan s;
	struct outline *o;
	struct notes *notes;
	struct token first, second, previous, last; /* words since the last = or brace */
	size_t words;
	bool after_equals; /* the first of them is a value */
	bool in_list;
	char *open_at, *body_at; /* of the section that is open, the outline's last; NULL: none is */
	unsigned surplus;	 /* closing braces that belong to what was told of already */
	bool no_memory;
};

static void put_word(struct finder *f, const struct token *t)
{
	if (f->words == 0)
		f->first = *t;
	else if (f->words == 1)
		f->second = *t;
	f->previous = f->last;
	f->last = *t;
	f->words++;
}

static void forget_words(struct finder *f, bool after_equals)
{
	f->words = 0;
	f->after_equals = after_equals;
}

static bool is_kind(const struct token *t)
{
	return t->type == TOKEN_WORD && config_is_kind(t->at, t->len);
}

static struct outline_section *last_section(struct finder *f)
{
	return &f->o->list[f->o->count - 1];
}

/* Ends the section that is open before this place. */
static void end_section(struct finder *f, char *end)
{
	struct outline_section *section = last_section(f);
	section->body = strndup(f->body_at, (size_t)(end - f->body_at));
	f->no_memory = f->no_memory || !section->body;
	for (char *p = f->open_at; p < end; p++)
		if (*p != '\n')
			*p = ' ';
	f->open_at = NULL;
}

/* From the first of these to the end of the last is its name; no last: it has none. */
static void begin_section(struct finder *f, const struct token *kind, const struct token *name,
    const struct token *last)
{
	if (f->open_at) {
		notes_add(f->notes, kind->line,
		    "the section that begins in line %d is still open here; close it with } before",
		    last_section(f)->line);
		f->surplus++;
		end_section(f, kind->at);
	}
	struct outline_section *grown =
	    realloc(f->o->list, (f->o->count + 1) * sizeof(*grown));
	if (!grown) {
		f->no_memory = true;
		return;
	}
	f->o->list = grown;
	struct outline_section *section = &grown[f->o->count++];
	size_t quotes = name && name->type == TOKEN_STRING && name->at == last->at;
	*section = (struct outline_section){
		.kind = strndup(kind->at, kind->len),
		.name = name ? strndup(name->at + quotes,
			(size_t)(last->at - name->at) + last->len - 2 * quotes) : NULL,
		.line = kind->line,
		.body_line = f->s.line,
	};
	f->no_memory = f->no_memory || !section->kind || (name && !section->name);
	f->open_at = kind->at;
	f->body_at = f->s.p;
}

/* The brace opens a list, or a section with the words before it. */
static void open_brace(struct finder *f)
{
	size_t usable = f->words - (f->after_equals && f->words);
	if (f->after_equals && f->words == 0)
		f->in_list = true;
	else if (f->words > 1 && is_kind(&f->previous))
		begin_section(f, &f->previous, &f->last, &f->last);
	else if (f->words > 0 && is_kind(&f->last))
		begin_section(f, &f->last, NULL, NULL);
	else if (f->words > 2 && !f->after_equals && is_kind(&f->first))
		begin_section(f, &f->first, &f->second, &f->last);
	else if (usable > 1)
		begin_section(f, &f->previous, &f->last, &f->last);
	else if (usable > 0)
		begin_section(f, &f->last, NULL, NULL);
	else
		f->in_list = true; /* of nothing: libconfuse objects to it */
	forget_words(f, false);
}

static void close_brace(struct finder *f, const struct token *t)
{
	if (f->in_list) {
		f->in_list = false;
	} else if (f->open_at) {
		end_section(f, t->at);
		*t->at = ' ';
	} else {
		if (f->surplus)
			f->surplus--;
		else
			notes_add(f->notes, t->line, "unexpected closing brace: no section is open here");
		*t->at = ' ';
	}
	forget_words(f, false);
}

/* Takes one more token. False at the end. */
static bool take(struct finder *f)
{
	struct token t = scan_token(&f->s);
	if (t.type == TOKEN_END)
		return false;
	if (t.type != TOKEN_SPECIAL) {
		put_word(f, &t);
	} else if (*t.at == '{') {
		open_brace(f);
	} else if (*t.at == '}') {
		close_brace(f, &t);
	} else if (*t.at == '=') {
		f->in_list = false; /* it was not closed; libconfuse objects to it */
		forget_words(f, true);
	} else if (*t.at != '+') {
		forget_words(f, false);
	}
	return !f->no_memory;
}

int config_outline(char *text, struct outline *o, struct notes *notes)
{
	*o = (struct outline){ 0 };
	struct finder f = { .s = { text, text + strlen(text), 1 }, .o = o, .notes = notes };
	while (take(&f))
		;
	if (f.open_at && !f.no_memory) {
		end_section(&f, f.s.end);
		notes_add(notes, last_section(&f)->line,
		    "the section that opens here is never closed; close it with }");
		free(last_section(&f)->body);
		last_section(&f)->body = NULL;
	}
	return f.no_memory ? -ENOMEM : 0;
}

void config_outline_free(struct outline *o)
{
	for (size_t i = 0; i < o->count; i++) {
		free(o->list[i].kind);
		free(o->list[i].name);
		free(o->list[i].body);
	}
	free(o->list);
	*o = (struct outline){ 0 };
}
