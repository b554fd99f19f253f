/* SPDX-License-Identifier: ISC */
/* Jobs as lines: a table for people, JSON for programs. */
#ifndef JOBCTL_LISTING_H
#define JOBCTL_LISTING_H

#include <jansson.h>
#include <stdbool.h>

#include "jobctl/screen.h"
#include "jobctl/table.h"

struct listing {
	const struct screen *screen;
	bool json;
	struct table table;
	struct table_column *columns;
	size_t ncolumns;
};

/* wide: all columns. False when there is no memory. */
bool listing_init(struct listing *l, const struct screen *s, bool json, bool wide);
/* Takes a page of jobs, and shows them once they are many. False when they could not be written. */
bool listing_show(struct listing *l, json_t *jobs);
/* Shows what was held back; of an empty list, the heading. */
bool listing_end(struct listing *l);
void listing_fini(struct listing *l);

/* Whether there is a column of that name ("-elapsed" and "elapsed" are one). */
bool listing_has(const char *key);
/* Appends the names of all columns. */
void listing_keys(struct buf *out);

/*
 * Puts the jobs in order; with a "-" before the column's name, backwards. What has no value
 * comes last.
 */
void listing_sort(json_t *jobs, const char *key);

/* One JSON object, a line; at a terminal in ASCII, so that nothing in it can work on that. */
bool listing_json(const struct screen *s, const json_t *object);

#endif
