/* SPDX-License-Identifier: ISC */
/*
 * How a part of a configuration file is read, all of a section or all outside of them, so that
 * every mistake is told at once, each with its line. libconfuse stops at its first error; hence:
 *
 * - The sections are found before, and each is read by itself (settings-outline.c).
 * - So is what has to stand in quotes and does not (settings-words.c).
 * - Every setting is declared a string, and checked here, in a validator that never objects but
 *   takes notes.
 * - A setting it does not know is noted, and the file read once more with that name declared, until
 *   there is no new one.
 * - Comments are blanked and quotes checked before. libconfuse 3.3 counts a line comment as three
 *   lines, takes a comment that is never closed for the end of the file, and tells of a quote that
 *   is never closed in the last line.
 *
 * Its scanner is static, and its callbacks get no context: so this file has one reading at a time
 * (`reading`), in one thread.
 */
#include "config.h"

#include "jobd/sys/settings-read.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nearest.h"
#include "lib/strv.h"

#define UNKNOWN_MAX 50 /* after that many it is some other program's file */

/* What a pass has met of a setting. */
struct met {
	int line;	/* of its first value; 0: not met */
	unsigned count; /* of values */
	char *last;	/* value */
};

struct reading {
	struct part *part;
	struct notes notes;	   /* of this pass */
	struct met *met;	   /* a row a field */
	char **unknown;		   /* names that are declared because they were met, */
	struct place {
		int line;
		const struct part_field *after; /* whose value stands before it in that line; NULL */
	} unknown_at[UNKNOWN_MAX]; /* and where */
	int last_line;		   /* of the text that has anything in it */
	const struct part_field *checked; /* what was read last */
	int read_line;		   /* and where */
	int checked_line;	   /* where a validator last found a mistake */
	bool again;		   /* a name that is new ended this pass */
	bool erred;		   /* libconfuse said something in this pass */
};

static struct reading *reading;

static size_t field_count(const struct part *p)
{
	size_t n = 0;
	while (p->fields[n].name)
		n++;
	return n;
}

/* A line of the part's, as the file counts it. */
static int file_line(const struct reading *r, int line)
{
	return r->part->first_line + line - 1;
}

const char *part_nearest(const struct part_field *fields, const char *name)
{
	struct nearest n = NEAREST(name);
	for (; fields->name; fields++)
		nearest_try(&n, fields->name);
	return n.name;
}

static void note_unknown(struct reading *r, const struct place *at, const char *name)
{
	const struct part *p = r->part;
	int line = file_line(r, at->line);
	char *elsewhere = p->elsewhere(p, name);
	const char *nearest = elsewhere ? NULL : part_nearest(p->fields, name);
	if (elsewhere)
		notes_add(&r->notes, line, "%s", elsewhere);
	else if (nearest)
		notes_add(&r->notes, line, "%s \"%s\"; did you mean %s?", p->nobody, name, nearest);
	else if (at->after && at->after->takes)
		notes_add(&r->notes, line, "%s \"%s\", and %s before it takes %s", p->nobody, name,
		    at->after->name, at->after->takes);
	else
		notes_add(&r->notes, line, "%s \"%s\"; jobd.conf(5) lists them", p->nobody, name);
	free(elsewhere);
}

/* Remembers a name that is no setting; the next pass declares it. */
static void add_unknown(struct reading *r, int line, const char *name, size_t len)
{
	size_t n = strv_len(r->unknown);
	if (n == UNKNOWN_MAX)
		return;
	char *copy = strndup(name, len);
	if (!copy || strv_add(&r->unknown, copy) < 0)
		r->notes.no_memory = true;
	else
		r->unknown_at[n] = (struct place){ line, r->read_line == line ? r->checked : NULL };
	free(copy);
	r->again = !r->notes.no_memory;
}

static bool is_unknown(const struct reading *r, const char *name, size_t len)
{
	for (size_t i = 0; r->unknown && r->unknown[i]; i++)
		if (strlen(r->unknown[i]) == len && memcmp(r->unknown[i], name, len) == 0)
			return true;
	return false;
}

/* The name between the quotes of a message of libconfuse's; NULL: none. */
static const char *quoted_name(const char *text, const char *before, size_t *len)
{
	size_t n = strlen(before);
	const char *end = strrchr(text, '\'');
	if (strncmp(text, before, n) != 0 || !end || end < text + n)
		return NULL;
	*len = (size_t)(end - text) - n;
	return text + n;
}

static bool unknown_in_line(const struct reading *r, int line)
{
	for (size_t i = 0; r->unknown && r->unknown[i]; i++)
		if (r->unknown_at[i].line == line)
			return true;
	return false;
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *fmt,
    va_list ap)
{
	struct reading *r = reading;
	char text[512];
	size_t len;
	vsnprintf(text, sizeof(text), fmt, ap);
	r->erred = true;

	const char *name = quoted_name(text, "no such option '", &len);
	if (name && !is_unknown(r, name, len)) {
		add_unknown(r, cfg->line, name, len);
		return;
	}
	/* A section or a call that there is none of: the name itself was already found wrong. */
	name = quoted_name(text, "missing equal sign after option '", &len);
	if (name && is_unknown(r, name, len))
		return;
	/* What follows a mistake in the same line is most likely its consequence. The end of the
	 * text is told of in a line that there is none of. */
	int line = cfg->line < r->last_line ? cfg->line : r->last_line;
	if (line == r->checked_line || (cfg->line >= r->last_line && unknown_in_line(r, line)))
		return;
	if (strcmp(text, "unexpected token ','") == 0)
		notes_add(&r->notes, file_line(r, line),
		    "%s; a value with a comma in it stands in quotes, name = \"1,2\"", text);
	else
		notes_add(&r->notes, file_line(r, line),
		    "%s; a setting reads  name = value, a list  name = {\"a\", \"b\"}", text);
}

static const struct part_field *field_find(const struct part *p, const char *name, size_t *index)
{
	for (size_t i = 0; p->fields[i].name; i++) {
		if (strcmp(p->fields[i].name, name) == 0) {
			*index = i;
			return &p->fields[i];
		}
	}
	return NULL;
}

/* Whether this value was told already: libconfuse calls once more at a list's closing brace. */
static bool told_already(struct met *m, unsigned count, const char *value)
{
	return m->last && m->count == count && strcmp(m->last, value) == 0;
}

static void check_value(struct reading *r, int line, const struct part_field *f, const char *value)
{
	struct part *p = r->part;
	size_t other;
	const char *takes = f->takes;
	int rc = p->set(p, f, value, file_line(r, line), &takes);
	if (rc == -ENOMEM)
		r->notes.no_memory = true;
	if (rc != -EINVAL)
		return;
	r->checked_line = line;
	if (field_find(p, value, &other))
		notes_add(&r->notes, file_line(r, line), "%s has no value (\"%s\" follows); it takes %s",
		    f->name, value, takes);
	else
		notes_add(&r->notes, file_line(r, line), "%s can't be \"%s\"; it takes %s", f->name,
		    value, takes);
}

/* libconfuse's validator, called after each value: takes notes, and never objects. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	struct reading *r = reading;
	size_t i;
	const struct part_field *f = field_find(r->part, cfg_opt_name(opt), &i);
	unsigned count = cfg_opt_size(opt);
	if (!f || count == 0)
		return 0;
	struct met *m = &r->met[i];
	const char *value = cfg_opt_getnstr(opt, count - 1);
	r->checked = f;
	r->read_line = cfg->line;
	if (f->list && told_already(m, count, value))
		return 0;
	if (m->line && count <= m->count)
		notes_add(&r->notes, file_line(r, cfg->line),
		    "%s is set already in line %d; leave one of the two%s", f->name,
		    file_line(r, m->line), f->list ? ", or add to it with +=" : "");
	else
		check_value(r, cfg->line, f, value);
	m->line = m->line ? m->line : cfg->line;
	m->count = count;
	free(m->last);
	m->last = strdup(value);
	return 0;
}

/* The settings, and the names met that are none: as lists, which take a single value too. */
static cfg_opt_t *options(const struct reading *r)
{
	size_t known = field_count(r->part), unknown = strv_len(r->unknown), n = 0;
	cfg_opt_t *opts = calloc(known + unknown + 1, sizeof(*opts));
	if (!opts)
		return NULL;
	for (size_t i = 0; i < known; i++) {
		const struct part_field *f = &r->part->fields[i];
		cfg_opt_t one = CFG_STR(f->name, NULL, CFGF_NONE);
		cfg_opt_t list = CFG_STR_LIST(f->name, NULL, CFGF_NONE);
		opts[n++] = f->list ? list : one;
	}
	for (size_t i = 0; i < unknown; i++)
		opts[n++] = (cfg_opt_t)CFG_STR_LIST(r->unknown[i], NULL, CFGF_NONE);
	opts[n] = (cfg_opt_t)CFG_END();
	return opts;
}

static void begin_pass(struct reading *r)
{
	for (size_t i = 0; r->part->fields[i].name; i++) {
		free(r->met[i].last);
		r->met[i] = (struct met){ 0 };
	}
	notes_fini(&r->notes);
	r->checked_line = r->read_line = 0;
	r->again = r->erred = false;
}

/* One pass over the text. False when libconfuse did not come to its end. */
static bool pass(struct reading *r)
{
	begin_pass(r);
	cfg_opt_t *opts = options(r);
	cfg_t *cfg = opts ? cfg_init(opts, CFGF_NONE) : NULL;
	if (!cfg) {
		free(opts);
		r->notes.no_memory = true;
		return false;
	}
	cfg_set_error_function(cfg, on_error);
	for (const struct part_field *f = r->part->fields; f->name; f++)
		cfg_set_validate_func(cfg, f->name, on_value);
	bool well = cfg_parse_buf(cfg, r->part->text) == CFG_SUCCESS;
	if (!well && !r->erred)
		notes_add(&r->notes, file_line(r, cfg->line), "what stands here can't be read");
	cfg_free(cfg);
	free(opts);
	return well;
}

static const char *past_blanks(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

static int line_of(const char *text, const char *at)
{
	int line = 1;
	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

/* Lists that are set to nothing: libconfuse calls no validator for those. */
static void check_empty(struct reading *r, const struct part_field *f)
{
	const char *text = r->part->text;
	size_t n = strlen(f->name);
	for (const char *at = text; (at = strstr(at, f->name)); at += n) {
		const char *s = past_blanks(at + n);
		if (*s != '=' || *(s = past_blanks(s + 1)) != '{' || *past_blanks(s + 1) != '}')
			continue;
		if (at == text || !strchr("_-.", at[-1]))
			notes_add(&r->notes, file_line(r, line_of(text, at)),
			    "%s has nothing in it; leave it out, or give it %s; {\"root\"} lets in nobody else", f->name,
			    f->takes);
	}
}

/* The last line with anything in it, comments being blanked. */
static int last_line(const char *text)
{
	int line = 1, last = 1;
	for (; *text; text++) {
		if (*text == '\n')
			line++;
		else if (*text != ' ' && *text != '\t' && *text != '\r')
			last = line;
	}
	return last;
}

bool part_read(struct part *p, struct notes *notes)
{
	struct reading r = { .part = p, .last_line = last_line(p->text) };
	r.met = calloc(field_count(p) + 1, sizeof(*r.met));
	if (!r.met) {
		notes->no_memory = true;
		return false;
	}
	bool well;
	reading = &r;
	do {
		if (r.again && p->again)
			p->again(p);
		well = pass(&r);
	} while (r.again && !r.notes.no_memory);
	reading = NULL;
	for (const struct part_field *f = p->fields; f->name; f++)
		if (f->some)
			check_empty(&r, f);
	for (size_t i = 0; r.unknown && r.unknown[i]; i++)
		note_unknown(&r, &r.unknown_at[i], r.unknown[i]);
	notes_move(notes, &r.notes);
	begin_pass(&r);
	free(r.met);
	strv_free(r.unknown);
	return well;
}
