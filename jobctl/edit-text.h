/* SPDX-License-Identifier: ISC */
/* A job as a text that a person edits, and the changes that are read from it. */
#ifndef JOBCTL_EDIT_TEXT_H
#define JOBCTL_EDIT_TEXT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/buf.h"

/* What of a job (as Get gives it) can be edited: times as text, of the rules those of its own. The
 * caller's. */
json_t *edit_text_of(const json_t *job);

/* What stands above it: lines that begin with #, and say what may be changed. */
void edit_text_head(struct buf *out);

/* Reads such a text back; lines that begin with # count, and hold nothing. The caller's. NULL: *error
 * says what is wrong. */
json_t *edit_text_read(FILE *file, json_error_t *error);

/*
 * What was changed between before and after (both as edit_text_of makes them), as parameters of
 * Edit, without id; empty where nothing was. What was taken out is in clear. now_us is what times
 * to come are told from. NULL: a mistake, and *why says which (the caller's; NULL: no memory).
 */
json_t *edit_text_changes(const json_t *before, const json_t *after, uint64_t now_us, char **why);

/*
 * The protocol's name of a field that is to be cleared, from what people call it ("at", "env",
 * "retry-on"). NULL: there is none such; *near is then the nearest, or NULL.
 */
const char *edit_text_field(const char *word, const char **near);

#endif
