/* SPDX-License-Identifier: ISC */
/* What the verbs' handlers share. */
#include "config.h"

#include "jobctl/verb.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/text.h"
#include "lib/str.h"

__attribute__((format(printf, 2, 0))) static void say_wrong(
    const struct ctl *c, const char *fmt, va_list ap)
{
	char *text = str_vprintf(fmt, ap);
	complain("%s: %s", c->verb->name, text ? text : "that is not understood");
	free(text);
}

int verb_wrong(const struct ctl *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say_wrong(c, fmt, ap);
	va_end(ap);
	return CODE_USAGE;
}

int verb_usage(const struct ctl *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say_wrong(c, fmt, ap);
	va_end(ap);
	complain("usage: jobctl %s %s (more: jobctl %s --help)", c->verb->name, c->verb->synopsis,
	    c->verb->name);
	return CODE_USAGE;
}

int verb_failure(const struct verb *v, const struct options *o, int code)
{
	bool job_codes = v && ((v->flags & VERB_JOB_CODES) ||
				  (o->wait && (v->flags & VERB_COMMAND)));
	return job_codes ? CODE_OWN : code;
}

void verb_say(const struct ctl *c, const char *fmt, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;

	if (c->o->quiet)
		return;
	va_start(ap, fmt);
	char *text = str_vprintf(fmt, ap);
	va_end(ap);
	if (!text)
		return;
	text_escape(&line, text, c->out.utf8);
	buf_puts(&line, "\n");
	screen_write(&c->out, &line);
	buf_fini(&line);
	free(text);
}

enum code verb_meta(const struct ctl *c, json_t *object)
{
	for (char *const *m = c->o->meta; m && *m; m++) {
		size_t len = strcspn(*m, "=");
		if (len == 0 || !(*m)[len])
			return verb_usage(c, "--meta: '%s' is not KEY=VALUE", *m);
		char *key = strndup(*m, len);
		int rc = key ? json_object_set_new(object, key, json_string(*m + len + 1)) : -1;
		free(key);
		if (rc != 0)
			return verb_wrong(c, "--meta: '%s' is no UTF-8", *m);
	}
	return CODE_DONE;
}

bool verb_number(const struct ctl *c, const char *what, const char *text, long long least,
    long long most, long long *out)
{
	char *end;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	/* strtoll also takes spaces and a plus sign before it. */
	if (errno == 0 && end != text && *end == '\0' && v >= least && v <= most &&
	    (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'))) {
		*out = v;
		return true;
	}
	if (most == INT64_MAX)
		verb_usage(c, "%s: '%s' is no number from %lld", what, text, least);
	else
		verb_usage(c, "%s: '%s' is no number from %lld to %lld", what, text, least, most);
	return false;
}
