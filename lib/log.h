/* SPDX-License-Identifier: ISC */
/*
 * Log lines. Libc only. A line is text or key=value pairs, at most 1 kB, with everything
 * outside 0x20 to 0x7e escaped as \xNN, so that nothing a job or a client
 * names can forge or break a line. Where lines go is the program's choice.
 *
 *	struct log_line l = LOG_LINE_INIT;
 *	log_u64(&l, "job", 42);
 *	log_str(&l, "user", "ann smith");        user="ann smith"
 *	log_emit(LOG_NOTICE, &l);
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h> /* LOG_ERR and its like */

#define LOG_LINE_MAX 1024

struct log_line {
	char text[LOG_LINE_MAX]; /* NUL-terminated; what does not fit is cut, and ends in "..." */
	size_t len;
	bool cut; /* no more goes in */
};

#define LOG_LINE_INIT { { 0 }, 0, false }

/*
 * Appends key=value. A value that is empty or holds a space, quote, equals sign or
 * backslash is put in double quotes, with quotes and backslashes escaped by a
 * backslash. NULL appends nothing.
 */
void log_str(struct log_line *l, const char *key, const char *value);
void log_u64(struct log_line *l, const char *key, uint64_t value);
void log_i64(struct log_line *l, const char *key, int64_t value);

/* Sends the line to the sink, if its priority (LOG_ERR, …) passes the level. */
void log_emit(int priority, const struct log_line *l);

/* A line of text: escaped as above, as printf makes it. */
void log_text(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Where lines go: a function that must not block. Until set, standard error. */
typedef void log_sink(void *ctx, int priority, const char *text, size_t len);
void log_set_sink(log_sink *sink, void *ctx);

/* Lines less urgent than this are dropped (LOG_INFO until set). */
void log_set_level(int priority);

#endif
