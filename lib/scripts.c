/* SPDX-License-Identifier: ISC */
/*
 * Which arguments are code: the walks over a command's arguments. Whose options are which is
 * scripts-table.c's.
 *
 * Every walk goes from a program's name to the argument that is asked about, and answers "code" for
 * all that it has not understood on the way there. Nothing is allocated, and nothing can go wrong.
 */
#include "config.h"

#include "lib/scripts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scripts-table.h"
#include "lib/strv.h"

/* A row that holds for the program at this place of the command. */
struct reader {
	const struct script_row *row;
	size_t program;
};

struct scripts {
	char *const *command;
	struct reader *readers;
	size_t nreaders;
};

/* An argument that may be an option. */
struct option {
	bool is;      /* it is one; "-" is none */
	bool last;    /* it is "--" */
	bool known;   /* long: it is in a list; short: yes */
	bool takes;   /* it has a value, at value in the same argument, or (0) the next one */
	bool code;    /* which is code */
	bool data;    /* which is data */
	bool ends;    /* after which all is data */
	bool joins;   /* what follows is a command line */
	size_t value; /* as said; 0 as well where there is none */
};

/* The question, and where a walk stands. */
struct walk {
	const struct script_row *row;
	char *const *command;
	size_t program, at, from;
};

/* Whether the word (len bytes) is in the list; with part also where it is only the beginning of
 * one. */
static bool listed(const char *list, const char *word, size_t len, bool part)
{
	size_t n;

	for (const char *w = list ? list : ""; *w; w += n + (w[n] == ' ')) {
		n = strcspn(w, " ");
		if ((part ? n >= len : n == len) && strncmp(w, word, len) == 0)
			return true;
	}
	return false;
}

static bool has(const char *letters, char c)
{
	return letters && c && strchr(letters, c);
}

/* getopt_long takes the beginning of a long option for the whole. */
static void long_option(const struct script_row *row, const char *arg, struct option *o)
{
	const char *name = arg + 2;
	size_t len = strcspn(name, "=");

	o->code = listed(row->code_long, name, len, true);
	o->joins = listed(row->joins_long, name, len, true);
	o->takes = name[len] || o->code || listed(row->valued_long, name, len, true);
	o->known = o->code || o->joins || o->takes;
	o->value = name[len] ? len + 3 : 0;
}

static void short_options(const struct script_row *row, const char *arg, struct option *o)
{
	o->known = true;
	for (size_t i = 1; arg[i]; i++) {
		o->joins = o->joins || has(row->joins, arg[i]);
		o->code = has(row->code, arg[i]);
		if (o->code || has(row->valued, arg[i]) || has(row->attached, arg[i])) {
			o->takes = arg[i + 1] || !has(row->attached, arg[i]);
			o->value = arg[i + 1] ? i + 1 : 0;
			o->ends = has(row->ends, arg[i]);
			o->data = has(row->data, arg[i]);
			return;
		}
	}
}

static struct option option(const struct script_row *row, const char *arg)
{
	struct option o = { .is = arg[0] == '-' && arg[1] };

	o.last = strcmp(arg, "--") == 0;
	if (o.last || !o.is)
		return o;
	if (arg[1] == '-')
		long_option(row, arg, &o);
	else
		short_options(row, arg, &o);
	return o;
}

/* How many arguments after this one a shell's option takes: more rather than fewer. */
static size_t shell_takes(const struct script_row *row, const char *arg)
{
	size_t n = 0;

	if (strncmp(arg, "--", 2) == 0)
		return option(row, arg).takes && !strchr(arg, '=');
	for (size_t i = 1; arg[0] && arg[i]; i++)
		n += has(row->valued, arg[i]);
	return n;
}

/* Where the script is, or the name of one; at the most one past w->at. *kind: SCRIPT_SHELL or
 * SCRIPT_FILE. */
static size_t find_script(const struct walk *w, enum script_kind *kind)
{
	size_t k = w->program + 1;

	*kind = SCRIPT_FILE;
	for (; k < w->at; k++) {
		const char *arg = w->command[k];
		if (strcmp(arg, "--") == 0)
			return k + 1;
		if (*arg != '-' && *arg != '+')
			break;
		if (*arg == '-' && arg[1] != '-' && strchr(arg, 'c'))
			*kind = SCRIPT_SHELL;
		k += shell_takes(w->row, arg);
	}
	return k;
}

static enum script_kind read_by_shell(const struct walk *w)
{
	enum script_kind kind;
	size_t script = find_script(w, &kind);

	if (w->at <= script)
		return kind;
	/* csh takes the script as the value of -c, and goes on with options. */
	const char *next = w->command[script + 1];
	return kind == SCRIPT_SHELL && *next == '-' && strcmp(next, "--") != 0 ? kind : 0;
}

/*
 * Where a shell's $0 is: a name for messages, which is no program although it is mostly a shell's.
 * 0: nowhere before w->at; or what follows looks as if it were to be run, by "$0" "$@".
 */
static size_t find_zeroth(const struct walk *w)
{
	enum script_kind kind;
	size_t zeroth = find_script(w, &kind) + 1;

	if (kind != SCRIPT_SHELL || zeroth >= w->at)
		return 0;
	const char *next = w->command[zeroth + 1];
	return next && (*next == '-' || *next == '+') && strcmp(next, "--") != 0 ? 0 : zeroth;
}

static enum script_kind read_by_interpreter(const struct walk *w)
{
	bool code = false; /* was given by an option */

	for (size_t k = w->program + 1; k <= w->at; k++) {
		struct option o = option(w->row, w->command[k]);
		if (o.last && k < w->at)
			k++;
		if (!o.is || o.last) {
			if (k < w->at || code)
				return 0;
			return w->row->how == HOW_FILTER ? SCRIPT_CODE : SCRIPT_FILE;
		}
		code = code || o.code;
		bool next = o.takes && o.value == 0;
		/* The value of a long option that isn't known, or the script: who can tell. */
		if (!o.known && w->command[k + 1] && *w->command[k + 1] != '-')
			next = true;
		bool data = o.data && (k < w->at || (o.value > 0 && w->from >= o.value));
		k += next;
		if (k >= w->at)
			return data ? 0 : o.code ? SCRIPT_CODE : SCRIPT_FILE;
		if (o.ends)
			return 0;
	}
	return 0;
}

/*
 * Goes over the options of a program: *k is the first operand then, or past the end. Not 0 where
 * the argument that is asked about is among the options, and code; *done: it is among them, and no
 * code.
 */
static enum script_kind pass_options(const struct walk *w, size_t *k, bool *done)
{
	*done = false;
	for (*k = w->program + 1; *k <= w->at; (*k)++) {
		struct option o = option(w->row, w->command[*k]);
		if (o.last)
			(*k)++;
		if (!o.is || o.last)
			return 0;
		if (o.joins)
			return SCRIPT_JOINED;
		*k += o.takes && o.value == 0;
		if (*k >= w->at) {
			*done = true;
			return o.code ? SCRIPT_CODE : 0;
		}
	}
	return 0;
}

static enum script_kind read_by_host(const struct walk *w)
{
	bool done;
	size_t k;
	enum script_kind kind = pass_options(w, &k, &done);

	return kind || done || w->at <= k ? kind : SCRIPT_JOINED;
}

static enum script_kind read_by_wrapper(const struct walk *w)
{
	bool done;
	size_t k;
	enum script_kind kind = pass_options(w, &k, &done);

	if (kind || done)
		return kind;
	for (; w->row->assigns && k <= w->at; k++) {
		const char *equals = strchr(w->command[k], '=');
		if (!equals)
			break;
		size_t len = (size_t)(equals - w->command[k]);
		if (k == w->at && w->from < len)
			return SCRIPT_PROGRAM;
		if (k == w->at)
			return scripts_loads(w->command[k], len) ? SCRIPT_CODE : 0;
	}
	k += w->row->operands;
	if (k >= w->at)
		return k == w->at ? SCRIPT_PROGRAM : 0;
	/* flock FILE -c COMMAND */
	return w->row->operands > 0 && *w->command[k] == '-' ? SCRIPT_JOINED : 0;
}

static enum script_kind read_by_runuser(const struct walk *w)
{
	const char *first = w->command[w->program + 1];

	if (strncmp(first, "-u", 2) == 0 || strncmp(first, "--user", 6) == 0)
		return read_by_wrapper(w);
	return SCRIPT_JOINED;
}

/* The letter may stand anywhere in the argument: of which options it is the value, nobody asks. */
static enum script_kind read_by_options(const struct walk *w)
{
	for (size_t k = w->program + 1; k <= w->at; k++) {
		const char *arg = w->command[k];
		struct option o = option(w->row, arg);
		if (o.last)
			return 0;
		if (!o.is)
			continue;
		if (arg[1] == '-') {
			if (o.code && w->at == (o.value ? k : k + 1))
				return SCRIPT_CODE;
			continue;
		}
		size_t letter = strcspn(arg + 1, w->row->code ? w->row->code : "") + 1;
		if (k == w->at && letter < w->from)
			return SCRIPT_CODE;
		if (k + 1 == w->at && has(w->row->code, arg[strlen(arg) - 1]))
			return SCRIPT_CODE;
	}
	return 0;
}

static enum script_kind read_by_words(const struct walk *w)
{
	const char *word = w->command[w->at - 1];

	if (w->at - 1 == w->program || !listed(w->row->code_long, word, strlen(word), false))
		return 0;
	return *word == '-' ? SCRIPT_PROGRAM : SCRIPT_CODE;
}

/* Whether one of the options is -s, alone or among flags: no shell at the other end. */
static bool is_secluded(const struct walk *w)
{
	for (size_t k = w->program + 1; w->command[k]; k++) {
		const char *arg = w->command[k];
		if (strcmp(arg, "--") == 0)
			return false;
		if (strcmp(arg, "--protect-args") == 0 || strcmp(arg, "--secluded-args") == 0)
			return true;
		if (*arg == '-' && strchr(arg, 's') &&
		    strspn(arg + 1, "avzrlptgDhqnuxHAXSs") == strlen(arg + 1))
			return true;
	}
	return false;
}

/* What has a / in front of the first : is a local path; host::module and rsync:// are read by no
 * shell. */
static enum script_kind read_remotely(const struct walk *w)
{
	const char *arg = w->command[w->at];
	size_t len = strcspn(arg, ":/");

	if (*arg == '-' || is_secluded(w))
		return 0;
	if (len < w->from && (arg[len] == '/' || arg[len + 1] == ':'))
		return 0;
	return strncmp(arg, "rsync://", 8) == 0 ? 0 : SCRIPT_REMOTE;
}

/* ed !command, vi +command; a text at the beginning of an argument may begin so. */
static enum script_kind read_by_editor(const struct walk *w)
{
	const char *arg = w->command[w->at];

	if (w->from > 0 && (*arg == '+' || *arg == '!'))
		return SCRIPT_JOINED;
	enum script_kind kind = read_by_options(w);
	return kind || w->from > 0 ? kind : SCRIPT_COMMAND;
}

static enum script_kind read_by(const struct walk *w)
{
	switch (w->row->how) {
	case HOW_SHELL:
		return read_by_shell(w);
	case HOW_INTERPRETER:
	case HOW_FILTER:
		return read_by_interpreter(w);
	case HOW_JOINED:
		return SCRIPT_JOINED;
	case HOW_HOST:
		return read_by_host(w);
	case HOW_WRAPPER:
		return read_by_wrapper(w);
	case HOW_RUNUSER:
		return read_by_runuser(w);
	case HOW_OPTIONS:
		return read_by_options(w);
	case HOW_WORDS:
		return read_by_words(w);
	case HOW_REMOTE:
		return read_remotely(w);
	case HOW_EDITOR:
		return read_by_editor(w);
	}
	return SCRIPT_CODE;
}

/* Whether base is one of the names, or one with a version behind it. */
static bool is_named(const char *names, const char *base)
{
	for (const char *w = names; w; w = strchr(w, ' ')) {
		size_t n = 0;
		w += *w == ' ';
		while (w[n] && w[n] == base[n])
			n++;
		if (w[n] && w[n] != ' ')
			continue;
		const char *rest = base + n;
		if (*rest == '-' || *rest == '.')
			rest++;
		if (!base[n] || isdigit((unsigned char)*rest) || strcmp(base + n, "-static") == 0)
			return true;
	}
	return false;
}

static const char *base_name(const char *word)
{
	const char *slash = strrchr(word, '/');

	return slash ? slash + 1 : word;
}

static bool add_reader(struct scripts *s, const struct script_row *row, size_t program)
{
	struct reader *grown = realloc(s->readers, (s->nreaders + 1) * sizeof(*grown));

	if (!grown)
		return false;
	grown[s->nreaders++] = (struct reader){ row, program };
	s->readers = grown;
	return true;
}

struct scripts *scripts_new(char *const *command)
{
	struct scripts *s = calloc(1, sizeof(*s));
	size_t n = strv_len(command), zeroth = 0;
	const struct script_row *row;

	if (!s)
		return NULL;
	s->command = command;
	for (size_t j = 0; j < n; j++) {
		if (j > 0 && j == zeroth)
			continue;
		const char *base = base_name(command[j]);
		for (size_t i = 0; (row = script_row(i)); i++) {
			if (!is_named(row->names, base))
				continue;
			if (!add_reader(s, row, j)) {
				scripts_free(s);
				return NULL;
			}
			if (row->how == HOW_SHELL)
				zeroth = find_zeroth(&(struct walk){ row, command, j, n, 0 });
		}
	}
	return s;
}

void scripts_free(struct scripts *s)
{
	if (!s)
		return;
	free(s->readers);
	free(s);
}

bool scripts_reads(const struct scripts *s, size_t at, size_t from, struct script *out)
{
	if (at == 0) {
		*out = (struct script){ SCRIPT_PROGRAM, base_name(s->command[0]) };
		return true;
	}
	for (size_t i = 0; i < s->nreaders && s->readers[i].program < at; i++) {
		const struct reader *r = &s->readers[i];
		struct walk w = { r->row, s->command, r->program, at, from };
		*out = (struct script){ read_by(&w), base_name(s->command[r->program]) };
		if (out->kind)
			return true;
	}
	return false;
}
