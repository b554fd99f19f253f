/* SPDX-License-Identifier: ISC */
/*
 * Rows under a heading. On a terminal the columns are made to fit, in a pipe nothing is
 * ever cut: there a cell that is very long stands over the next columns, and the other
 * rows stay as they are. Rows are held until table_flush, which settles the widths.
 */
#ifndef JOBCTL_TABLE_H
#define JOBCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "jobctl/screen.h"

struct table_column {
	const char *title;
	bool right;    /* numbers */
	unsigned give; /* which gives way first when it is too wide: 1, 2, …; 0: never */
	int least;     /* and down to what width */
	unsigned drop; /* which is left out first where even that does not fit: 1, 2, …; 0: none */
};

struct table_cell {
	char *text;  /* escaped */
	char *brief; /* instead, where its column is narrower than the text; may be NULL */
	enum colour colour;
};

struct table {
	const struct screen *screen;
	const struct table_column *columns;
	size_t ncolumns;
	int *widths;
	struct table_cell *cells; /* a row after the other */
	size_t ncells, cap;
	bool headed; /* the heading has been printed */
	bool failed;
};

/* columns is borrowed. False when there is no memory. */
bool table_init(
    struct table *t, const struct screen *s, const struct table_column *columns, size_t n);

/* The next cell of the row; text from outside, an empty one shows as "-". */
void table_cell(struct table *t, const char *text, enum colour c);

/* What the cell that was just put shows instead where it gets too little room; our own text. */
void table_cell_brief(struct table *t, const char *text);

/* Prints what rows there are, the heading before the first ones. False when that failed. */
bool table_flush(struct table *t);

void table_fini(struct table *t);

/*
 * Leaves out columns (their widths become TABLE_DROPPED) until the others could be narrowed to
 * total, or there is none left that may go.
 */
#define TABLE_DROPPED (-1)
void table_drop(const struct table_column *columns, int *widths, size_t n, int total);

/*
 * Narrows widths, of which the columns need one more between each two, to total at
 * most. It may not succeed: columns have a least width.
 */
void table_fit(const struct table_column *columns, int *widths, size_t n, int total);

#endif
