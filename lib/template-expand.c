/* SPDX-License-Identifier: ISC */
/*
 * What comes in the places of a template's placeholders.
 *
 * A template that is not safe is refused when it is made, and once more each time it is used: the
 * rules may have become stricter since it was stored.
 */
#include "config.h"

#include "lib/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/placeholder.h"
#include "lib/str.h"
#include "lib/strv.h"
#include "lib/utf8.h"

/* A template and what was given for it. */
struct filling {
	const struct template *t;
	const char **values; /* of each parameter; NULL: not given */
	char **why;
};

static int refuse_unknown(const struct filling *f, const char *name, size_t len)
{
	struct buf known = BUF_INIT;

	for (size_t i = 0; f->t->parameters && f->t->parameters[i]; i++)
		buf_printf(&known, "%s%.*s", i > 0 ? ", " : "",
		    (int)strcspn(f->t->parameters[i], "="), f->t->parameters[i]);
	const char *all = buf_text(&known);
	char *text = known.failed
			 ? NULL
			 : str_printf("the template %s has no parameter \"%.*s\"; it has: %s",
			       f->t->name, (int)(len < 80 ? len : 80), name, *all ? all : "none");
	buf_fini(&known);
	return placeholder_refuse(f->why, text);
}

/* Takes what was given, and defaults for the rest. */
static int take_values(struct filling *f, char *const *given)
{
	for (; given && *given; given++) {
		size_t len = strcspn(*given, "=");
		if (!(*given)[len])
			return placeholder_refuse(
			    f->why, str_printf("\"%.60s\" is no NAME=value", *given));
		int which = placeholder_parameter(f->t->parameters, *given, len);
		if (which < 0)
			return refuse_unknown(f, *given, len);
		if (f->values[which])
			return placeholder_refuse(f->why,
			    str_printf("the parameter %.*s is given twice", (int)len, *given));
		const char *value = *given + len + 1;
		if (utf8_span(value, strlen(value)) != strlen(value))
			return placeholder_refuse(f->why,
			    str_printf("the parameter %.*s is not UTF-8", (int)len, *given));
		f->values[which] = value;
	}
	for (size_t i = 0; f->t->parameters && f->t->parameters[i]; i++) {
		const char *p = f->t->parameters[i];
		if (!f->values[i])
			f->values[i] = placeholder_default(p);
		if (!f->values[i])
			return placeholder_refuse(f->why,
			    str_printf("the parameter %.*s is missing", (int)strcspn(p, "="), p));
	}
	return 0;
}

/* The parameter that the text begins with: the first one that is not empty. len: of its name. */
static const char *first_hole(const struct filling *f, const char *text, size_t *len)
{
	const char *s, *first = NULL;
	size_t n;

	while (placeholder_next(&text, &s, &n) == PLACEHOLDER_HOLE) {
		first = s;
		*len = n;
		if (*f->values[placeholder_parameter(f->t->parameters, s, n)])
			break;
	}
	return first;
}

/* Puts the values into *text. what: as in check_text. */
static int fill(const struct filling *f, const char *what, char **text)
{
	struct buf b = BUF_INIT;
	const char *at = *text, *s;
	size_t len;

	for (enum placeholder_piece p; (p = placeholder_next(&at, &s, &len)) != PLACEHOLDER_END;) {
		const char *name = p == PLACEHOLDER_HOLE ? s : NULL;
		int name_len = (int)len;
		if (name) {
			s = f->values[placeholder_parameter(f->t->parameters, s, len)];
			len = strlen(s);
		}
		if (len > TEMPLATE_TEXT_MAX - b.len) {
			buf_fini(&b);
			return placeholder_refuse(
			    f->why, str_printf("%s%.*s makes %s longer than %d bytes",
					name ? "the parameter " : "the text", name ? name_len : 0,
					name ? name : "", what, TEMPLATE_TEXT_MAX));
		}
		buf_put(&b, s, len);
	}
	buf_text(&b); /* that it has a NUL */
	if (b.failed) {
		buf_fini(&b);
		return -ENOMEM;
	}
	free(*text);
	*text = (char *)b.data;
	return 0;
}

static int fill_argument(const struct filling *f, size_t at, char **text)
{
	size_t len;
	int rc = fill(f, "an argument", text);

	if (rc < 0 || **text != '-' || placeholder_after_dashes(f->t->command, at))
		return rc;
	const char *name = first_hole(f, f->t->command[at], &len);
	if (!name)
		return 0;
	return placeholder_refuse(f->why,
	    str_printf("with this value of the parameter %.*s an argument begins with -, and the "
		       "program could read it as an option",
		(int)len, name));
}

static int fill_all(const struct filling *f, struct template *out)
{
	int rc = 0;

	for (size_t i = 0; out->command[i] && rc == 0; i++)
		rc = fill_argument(f, i, &out->command[i]);
	for (size_t i = 0; out->environment && out->environment[i] && rc == 0; i++)
		rc = fill(f, "a variable", &out->environment[i]);
	if (rc == 0 && out->job_name)
		rc = fill(f, "job_name", &out->job_name);
	if (rc == 0 && out->project)
		rc = fill(f, "project", &out->project);
	if (rc == 0 && out->cwd)
		rc = fill(f, "cwd", &out->cwd);
	if (rc == 0 && out->cwd && *out->cwd != '/')
		return placeholder_refuse(f->why,
		    str_printf("cwd becomes \"%.60s\", which is no absolute path", out->cwd));
	return rc;
}

int template_expand(const struct template *t, char *const *given, struct template *out, char **why)
{
	struct filling f = { t, calloc(strv_len(t->parameters) + 1, sizeof(*f.values)), why };
	int rc = f.values ? template_check(t, why) : -ENOMEM;

	template_init(out);
	if (rc == 0)
		rc = take_values(&f, given);
	if (rc == 0)
		rc = template_copy(out, t);
	if (rc == 0)
		rc = fill_all(&f, out);
	free(f.values);
	strv_free(out->parameters);
	out->parameters = NULL;
	if (rc < 0)
		template_fini(out);
	return rc;
}
