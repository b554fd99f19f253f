/* SPDX-License-Identifier: ISC */
/*
 * Log lines. Libc only. Every line is key=value pairs, of which the first is event=NAME: what
 * follows a line's start can be matched without anything that a job or a client names coming
 * before it. A line is at most 1 kB, with everything outside 0x20 to 0x7e escaped as \xNN, so
 * that no value can forge or break one. Where lines go is the program's choice.
 *
 *	struct log_line l;
 *	log_begin(&l, "swept");
 *	log_u64(&l, "job", 42);
 *	log_str(&l, "user", "ann smith");        event=swept job=42 user="ann smith"
 *	log_emit(LOG_NOTICE, &l);
 *
 * Events, their keys and the keys' order are an interface: jobd(8) lists them all.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h> /* LOG_ERR and its like */

#define LOG_LINE_MAX  1024
#define LOG_VALUE_MAX 400 /* bytes of a value as it is written: one never takes the others' room */

struct log_line {
	char text[LOG_LINE_MAX]; /* NUL-terminated */
	size_t len;
	bool cut; /* no more goes in */
};

/* Begins a line, whatever was in it. */
void log_begin(struct log_line *l, const char *event);

/*
 * Appends key=value. A value that is empty or holds a space, quote, equals sign or
 * backslash is put in double quotes, with quotes and backslashes escaped by a
 * backslash. One that is too long is cut and ends in three dots, inside its quotes. A pair
 * that finds no room in the line is left out, with all that follow, and the line ends in
 * " ...". NULL appends nothing.
 */
void log_str(struct log_line *l, const char *key, const char *value);
void log_u64(struct log_line *l, const char *key, uint64_t value);
void log_i64(struct log_line *l, const char *key, int64_t value);

/* Sends the line to the sink, if its priority (LOG_ERR, …) passes the level. */
void log_emit(int priority, const struct log_line *l);

/* A whole line: event=EVENT KEY=value, with the value as printf makes it. */
void log_event(int priority, const char *event, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Where lines go: a function that must not block. */
typedef void log_sink(void *ctx, int priority, const char *text, size_t len);
/* Sets where lines go, and what is handed on to there. Until set, it is standard error. */
void log_set_sink(log_sink *sink, void *ctx);

/* Lines less urgent than this are dropped (LOG_INFO until set). */
void log_set_level(int priority);

#endif
