/* SPDX-License-Identifier: ISC */
/*
 * Log lines. Sink and level are the process's: set once at start (the level
 * again at a reload) and read by the one thread that logs.
 *
 * A piece (a character, or an escape) goes in whole or not at all, so a line that is cut
 * never ends in half an escape. Room for the three dots is kept back from the start.
 */
#include "config.h"

#include "lib/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void to_stderr(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)priority;
	char line[LOG_LINE_MAX + 1];
	memcpy(line, text, len);
	line[len] = '\n';
	/* One write, so that lines do not mix. If it fails there is nobody to tell. */
	ssize_t n = write(STDERR_FILENO, line, len + 1);
	(void)n;
}

static log_sink *the_sink = to_stderr;
static void *sink_ctx;
static int the_level = LOG_INFO;

void log_set_sink(log_sink *sink, void *ctx)
{
	the_sink = sink ? sink : to_stderr;
	sink_ctx = ctx;
}

void log_set_level(int priority)
{
	the_level = priority;
}

#define DOTS "..."

static void piece(struct log_line *l, const char *p, size_t len)
{
	if (l->cut)
		return;
	if (l->len + len > LOG_LINE_MAX - sizeof(DOTS)) {
		memcpy(l->text + l->len, DOTS, sizeof(DOTS));
		l->len += sizeof(DOTS) - 1;
		l->cut = true;
		return;
	}
	memcpy(l->text + l->len, p, len);
	l->len += len;
	l->text[l->len] = '\0';
}

/* Puts a character, escaped where it is not plain; where quoted, quotes and backslashes too. */
static void character(struct log_line *l, unsigned char c, bool quoted)
{
	char out[5];
	if (c < 0x20 || c > 0x7e) {
		snprintf(out, sizeof(out), "\\x%02x", c);
		piece(l, out, 4);
	} else if (quoted && (c == '"' || c == '\\')) {
		out[0] = '\\';
		out[1] = (char)c;
		piece(l, out, 2);
	} else {
		out[0] = (char)c;
		piece(l, out, 1);
	}
}

void log_str(struct log_line *l, const char *key, const char *value)
{
	if (!value)
		return;
	if (l->len)
		piece(l, " ", 1);
	piece(l, key, strlen(key));
	piece(l, "=", 1);
	bool quoted = *value == '\0' || strpbrk(value, " \"=\\") != NULL;
	if (quoted)
		piece(l, "\"", 1);
	for (const char *p = value; *p && !l->cut; p++)
		character(l, (unsigned char)*p, quoted);
	if (quoted)
		piece(l, "\"", 1);
}

void log_u64(struct log_line *l, const char *key, uint64_t value)
{
	char digits[24];
	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	log_str(l, key, digits);
}

void log_i64(struct log_line *l, const char *key, int64_t value)
{
	char digits[24];
	snprintf(digits, sizeof(digits), "%" PRId64, value);
	log_str(l, key, digits);
}

static bool passes(int priority)
{
	return LOG_PRI(priority) <= the_level;
}

void log_emit(int priority, const struct log_line *l)
{
	if (passes(priority))
		the_sink(sink_ctx, priority, l->text, l->len);
}

void log_text(int priority, const char *fmt, ...)
{
	if (!passes(priority))
		return;
	char text[LOG_LINE_MAX * 2];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	struct log_line l = LOG_LINE_INIT;
	for (const char *p = text; *p && !l.cut; p++)
		character(&l, (unsigned char)*p, false);
	log_emit(priority, &l);
}
