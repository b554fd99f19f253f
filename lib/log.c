/* SPDX-License-Identifier: ISC */
/*
 * Log lines. Sink and level are the process's: set once at start (the level
 * again at a reload) and read by the one thread that logs.
 *
 * A piece (a character, or an escape) goes in whole or not at all, so a value that is cut
 * never ends in half an escape. Room for what tells of the cut is kept back from the start.
 */
#include "config.h"

#include "lib/log.h"

#include <assert.h>
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
/* What no value may pass: room for " ...", or for the dots and the quote of one that is cut. */
#define LINE_END (LOG_LINE_MAX - 1 - 4)

static bool piece(struct log_line *l, const char *p, size_t len, size_t end)
{
	if (l->len + len > end)
		return false;
	memcpy(l->text + l->len, p, len);
	l->len += len;
	l->text[l->len] = '\0';
	return true;
}

/* Puts a character, escaped where it is not plain; where quoted, quotes and backslashes too. */
static bool character(struct log_line *l, unsigned char c, bool quoted, size_t end)
{
	char out[5] = { '\\', (char)c };

	if (c < 0x20 || c > 0x7e) {
		snprintf(out, sizeof(out), "\\x%02x", c);
		return piece(l, out, 4, end);
	}
	if (quoted && (c == '"' || c == '\\'))
		return piece(l, out, 2, end);
	return piece(l, out + 1, 1, end);
}

/* Dots that are cut off by nothing: room was kept. */
static void mark(struct log_line *l, const char *text)
{
	piece(l, text, strlen(text), LOG_LINE_MAX - 1);
}

static void value_put(struct log_line *l, const char *value, bool quoted)
{
	size_t end = l->len + LOG_VALUE_MAX;
	const char *p = value;

	if (end > LINE_END)
		end = LINE_END;
	while (*p && character(l, (unsigned char)*p, quoted, end))
		p++;
	if (*p) {
		mark(l, DOTS);
		l->cut = end == LINE_END;
	}
	if (quoted)
		mark(l, "\"");
}

void log_begin(struct log_line *l, const char *event)
{
	l->text[0] = '\0';
	l->len = 0;
	l->cut = false;
	log_str(l, "event", event);
}

void log_str(struct log_line *l, const char *key, const char *value)
{
	if (!value || l->cut)
		return;
	bool quoted = *value == '\0' || strpbrk(value, " \"=\\") != NULL;
	char head[64];
	int n = snprintf(head, sizeof(head), "%s%s=%s", l->len ? " " : "", key, quoted ? "\"" : "");
	/* A key with nothing of its value would say nothing. */
	if (l->len + (size_t)n + sizeof("\\x00") > LINE_END) {
		mark(l, " " DOTS);
		l->cut = true;
		return;
	}
	piece(l, head, (size_t)n, LINE_END);
	value_put(l, value, quoted);
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
	assert(strncmp(l->text, "event=", 6) == 0);
	if (passes(priority))
		the_sink(sink_ctx, priority, l->text, l->len);
}

void log_event(int priority, const char *event, const char *key, const char *fmt, ...)
{
	if (!passes(priority))
		return;
	char text[LOG_LINE_MAX];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	struct log_line l;
	log_begin(&l, event);
	log_str(&l, key, text);
	log_emit(priority, &l);
}
