/* SPDX-License-Identifier: ISC */
/*
 * What is known of one thing, a line each: "label:  text". Text from outside is made harmless, and
 * what is not known has no line.
 */
#ifndef JOBCTL_SHEET_H
#define JOBCTL_SHEET_H

#include <jansson.h>

#include "jobctl/screen.h"
#include "lib/buf.h"

struct sheet {
	const struct screen *screen;
	int labels;	/* columns that they take, with the colon: 12 unless it is set */
	struct buf out; /* the lines so far; more may be put there, harmless as it is */
};

/* An empty sheet. s is borrowed. */
void sheet_init(struct sheet *p, const struct screen *s);

/* Prints the lines, and frees what the sheet holds. False when they could not be written. */
bool sheet_end(struct sheet *p);

/* A label alone: the rest of the line, and its end, are for the caller to put into out. */
void sheet_label(struct sheet *p, const char *label);

/* A line; nothing where the text is NULL or empty. Under an empty label it belongs to the line
 * before. */
void sheet_line(struct sheet *p, const char *label, const char *text);

/* The same, of a text that is printed, and of one in a buffer, which is freed. */
void sheet_printf(struct sheet *p, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void sheet_buf(struct sheet *p, const char *label, struct buf *text);

/* The same, of a field: a number that is not below 0, a umask, a time. */
void sheet_int(struct sheet *p, const char *label, const json_t *object, const char *key);
void sheet_umask(struct sheet *p, const json_t *object);
void sheet_time(struct sheet *p, const char *label, const json_t *object, const char *key);

#endif
