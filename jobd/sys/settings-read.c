/* SPDX-License-Identifier: ISC */
/*
 * How a configuration file is read, so that every mistake is told at once, each
 * with its line. libconfuse stops at its first error; hence:
 *
 * - every setting is declared a string, and checked here, in a validator that
 *   never objects but takes notes;
 * - a setting it does not know is noted, and the file read once more with that
 *   name declared, until there is no new one;
 * - comments are blanked and quotes checked before. libconfuse 3.3 counts a line
 *   comment as three lines, takes a comment that is never closed for the end of the
 *   file, and tells of a quote that is never closed in the last line.
 *
 * Its scanner is static, and its callbacks get no context: so this file has one
 * reading at a time (`reading`), in one thread.
 */
#include "config.h"

#include "jobd/sys/settings-read.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/strv.h"

#define UNKNOWN_MAX 50 /* after that many it is some other program's file */

struct note {
	int line;
	char *text;
};

/* What a pass has met of a setting. */
struct met {
	int line;	/* of its first value; 0: not met */
	unsigned count; /* of values */
	char *last;	/* value */
};

struct reading {
	struct config *config;
	struct note *notes; /* of this pass */
	size_t nnotes;
	struct met *met;	   /* a row a setting */
	char **unknown;		   /* names that are declared because they were met, */
	struct place {
		int line;
		const struct setting *after; /* whose value stands before it in that line; NULL */
	} unknown_at[UNKNOWN_MAX]; /* and where */
	int last_line;		   /* of the text that has anything in it */
	const struct setting *checked; /* what was read last */
	int read_line;		   /* and where */
	int checked_line;	   /* where a validator last found a mistake */
	bool again;		   /* a name that is new ended this pass */
	bool erred;		   /* libconfuse said something in this pass */
	bool no_memory;
};

static struct reading *reading;

static size_t setting_count(void)
{
	size_t n = 0;
	while (config_settings[n].name)
		n++;
	return n;
}

__attribute__((format(printf, 3, 4))) static void note(struct reading *r, int line,
    const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text;
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	struct note *grown = n < 0 ? NULL : realloc(r->notes, (r->nnotes + 1) * sizeof(*grown));
	if (!grown) {
		if (n >= 0)
			free(text);
		r->no_memory = true;
		return;
	}
	r->notes = grown;
	r->notes[r->nnotes++] = (struct note){ line, text };
}

static void drop_notes(struct reading *r)
{
	for (size_t i = 0; i < r->nnotes; i++)
		free(r->notes[i].text);
	free(r->notes);
	r->notes = NULL;
	r->nnotes = 0;
}

/* How many characters have to be put, taken or changed to make b of a; 64 where they are long. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t la = strlen(a), lb = strlen(b);
	if (la >= 64 || lb >= 64)
		return 64;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best < change ? best : change;
		}
	}
	return row[lb];
}

static void note_unknown(struct reading *r, const struct place *at, const char *name)
{
	const char *nearest = NULL;
	size_t least = 3;
	for (const struct setting *s = config_settings; s->name; s++) {
		size_t d = distance(name, s->name);
		if (d < least) {
			least = d;
			nearest = s->name;
		}
	}
	if (nearest)
		note(r, at->line, "there is no setting \"%s\"; did you mean %s?", name, nearest);
	else if (at->after)
		note(r, at->line, "there is no setting \"%s\", and %s before it takes %s", name,
		    at->after->name, at->after->takes);
	else
		note(r, at->line, "there is no setting \"%s\"; jobd.conf(5) lists them", name);
}

/* Remembers a name that is no setting; the next pass declares it. */
static void add_unknown(struct reading *r, int line, const char *name, size_t len)
{
	size_t n = strv_len(r->unknown);
	if (n == UNKNOWN_MAX)
		return;
	char *copy = strndup(name, len);
	if (!copy || strv_add(&r->unknown, copy) < 0)
		r->no_memory = true;
	else
		r->unknown_at[n] = (struct place){ line, r->read_line == line ? r->checked : NULL };
	free(copy);
	r->again = !r->no_memory;
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
	note(r, line, "%s; a setting reads  name = value, a list  name = {\"a\", \"b\"}", text);
}

static const struct setting *setting_find(const char *name, size_t *index)
{
	for (size_t i = 0; config_settings[i].name; i++) {
		if (strcmp(config_settings[i].name, name) == 0) {
			*index = i;
			return &config_settings[i];
		}
	}
	return NULL;
}

/* Whether this value was told already: libconfuse calls once more at a list's closing brace. */
static bool told_already(struct met *m, unsigned count, const char *value)
{
	return m->last && m->count == count && strcmp(m->last, value) == 0;
}

/* Where a user or group is named, for who checks that there is one. */
static int add_name(struct config *c, const char *name, bool group, int line)
{
	struct config_name *grown = realloc(c->names, (c->nnames + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->names = grown;
	grown[c->nnames] = (struct config_name){ strdup(name), group, line };
	if (!grown[c->nnames].name)
		return -ENOMEM;
	c->nnames++;
	return 0;
}

static void check_value(struct reading *r, int line, const struct setting *s, const char *value)
{
	size_t other;
	int rc = config_set(r->config, s, value);
	if (rc == 0 && (s->kind == SETTING_GROUP || config_is_list(s)))
		rc = add_name(r->config, value, s->kind != SETTING_USERS, line);
	if (rc == -ENOMEM)
		r->no_memory = true;
	if (rc != -EINVAL)
		return;
	r->checked_line = line;
	if (setting_find(value, &other))
		note(r, line, "%s has no value (\"%s\" follows); it takes %s", s->name, value,
		    s->takes);
	else
		note(r, line, "%s can't be \"%s\"; it takes %s", s->name, value, s->takes);
}

/* libconfuse's validator, called after each value: takes notes, and never objects. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	struct reading *r = reading;
	size_t i;
	const struct setting *s = setting_find(cfg_opt_name(opt), &i);
	unsigned count = cfg_opt_size(opt);
	if (!s || count == 0)
		return 0;
	struct met *m = &r->met[i];
	const char *value = cfg_opt_getnstr(opt, count - 1);
	bool list = config_is_list(s);
	r->checked = s;
	r->read_line = cfg->line;
	if (list && told_already(m, count, value))
		return 0;
	if (m->line && count <= m->count)
		note(r, cfg->line, "%s is set already in line %d; leave one of the two%s", s->name,
		    m->line, list ? ", or add to it with +=" : "");
	else
		check_value(r, cfg->line, s, value);
	m->line = m->line ? m->line : cfg->line;
	m->count = count;
	free(m->last);
	m->last = strdup(value);
	return 0;
}

/* The settings, and the names met that are none: as lists, which take a single value too. */
static cfg_opt_t *options(const struct reading *r)
{
	size_t known = setting_count(), unknown = strv_len(r->unknown), n = 0;
	cfg_opt_t *opts = calloc(known + unknown + 1, sizeof(*opts));
	if (!opts)
		return NULL;
	for (size_t i = 0; i < known; i++) {
		const struct setting *s = &config_settings[i];
		cfg_opt_t one = CFG_STR(s->name, NULL, CFGF_NONE);
		cfg_opt_t list = CFG_STR_LIST(s->name, NULL, CFGF_NONE);
		opts[n++] = config_is_list(s) ? list : one;
	}
	for (size_t i = 0; i < unknown; i++)
		opts[n++] = (cfg_opt_t)CFG_STR_LIST(r->unknown[i], NULL, CFGF_NONE);
	opts[n] = (cfg_opt_t)CFG_END();
	return opts;
}

static void begin_pass(struct reading *r)
{
	for (size_t i = 0; config_settings[i].name; i++) {
		free(r->met[i].last);
		r->met[i] = (struct met){ 0 };
	}
	drop_notes(r);
	r->checked_line = r->read_line = 0;
	r->again = r->erred = false;
}

/* One pass over the text. False when libconfuse did not come to its end. */
static bool pass(struct reading *r, const char *text)
{
	begin_pass(r);
	cfg_opt_t *opts = options(r);
	cfg_t *cfg = opts ? cfg_init(opts, CFGF_NONE) : NULL;
	if (!cfg) {
		free(opts);
		r->no_memory = true;
		return false;
	}
	cfg_set_error_function(cfg, on_error);
	for (const struct setting *s = config_settings; s->name; s++)
		cfg_set_validate_func(cfg, s->name, on_value);
	bool well = cfg_parse_buf(cfg, text) == CFG_SUCCESS;
	if (!well && !r->erred)
		note(r, cfg->line, "what stands here can't be read");
	cfg_free(cfg);
	free(opts);
	return well;
}

static int by_line(const void *a, const void *b)
{
	const struct note *x = a, *y = b;
	return (x->line > y->line) - (x->line < y->line);
}

/* The notes as messages, in the order of lines. */
static int tell(struct reading *r, const char *name, char ***messages)
{
	for (size_t i = 0; r->unknown && r->unknown[i]; i++)
		note_unknown(r, &r->unknown_at[i], r->unknown[i]);
	if (r->nnotes)
		qsort(r->notes, r->nnotes, sizeof(*r->notes), by_line);
	for (size_t i = 0; i < r->nnotes && !r->no_memory; i++) {
		char *line;
		if (asprintf(&line, "%s:%d: %s", name, r->notes[i].line, r->notes[i].text) < 0) {
			r->no_memory = true;
			break;
		}
		if (strv_add(messages, line) < 0)
			r->no_memory = true;
		free(line);
	}
	return r->no_memory ? -ENOMEM : r->nnotes ? -EINVAL : 0;
}

/*
 * cfg_init calls setlocale(LC_MESSAGES, ""), and its messages may then be
 * translated, which on_error could not read. jobd speaks one language anyway.
 */
static void one_language(void)
{
	const char *all = getenv("LC_ALL");
	if (!all || strcmp(all, "C") != 0)
		setenv("LC_ALL", "C", 1);
}

/* The last line with anything in it, comments being blanked. */
static int last_line(const char *text, size_t len)
{
	int line = 1, last = 1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			line++;
		else if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			last = line;
	}
	return last;
}

int config_read(const char *name, char *text, size_t len, struct config *c, char ***messages)
{
	struct reading r = { .config = c };
	r.met = calloc(setting_count(), sizeof(*r.met));
	if (!r.met)
		return -ENOMEM;
	one_language();
	int line = 1;
	const char *wrong = config_blank(text, len, &line);
	r.last_line = last_line(text, len);
	reading = &r;
	if (wrong) {
		note(&r, line, "%s", wrong);
	} else {
		do
			pass(&r, text);
		while (r.again && !r.no_memory);
	}
	reading = NULL;
	int rc = tell(&r, name, messages);
	begin_pass(&r);
	free(r.met);
	strv_free(r.unknown);
	return rc;
}
