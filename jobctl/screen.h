/* SPDX-License-Identifier: ISC */
/* What stands at the other end of an output: how wide it is, and what it can show. */
#ifndef JOBCTL_SCREEN_H
#define JOBCTL_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/buf.h"

struct screen {
	FILE *file;
	bool terminal; /* a person looks at it */
	bool smart;    /* a terminal that can redraw a line */
	bool colour;
	bool utf8; /* takes more than ASCII */
	int width; /* columns; 0: no limit */
	int height; /* lines; 0: not known */
};

/* Looks at the file, the environment (NO_COLOR, TERM, COLUMNS) and the locale, which is set. */
void screen_init(struct screen *s, FILE *file);

/* A window may have been resized. */
void screen_measure(struct screen *s);

enum colour {
	COLOUR_NONE,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_BLUE,
	COLOUR_MAGENTA,
	COLOUR_CYAN,
	COLOUR_FAINT,
	COLOUR_BOLD,
};

/* Appends text, coloured where the screen shows colours. */
void screen_paint(const struct screen *s, struct buf *out, enum colour c, const char *text);

/* Appends a bar of width columns, percent (0 to 100) of it filled. */
void screen_bar(const struct screen *s, struct buf *out, int percent, int width);

/* Writes what the buffer holds. Returns false when it could not be written. */
bool screen_write(const struct screen *s, struct buf *b);

/* One line to standard error, "jobctl: …", with everything in it made harmless. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
