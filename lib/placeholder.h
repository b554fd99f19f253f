/* SPDX-License-Identifier: ISC */
/* Placeholders in text: what template-check.c and template-expand.c share. No others include it. */
#ifndef LIB_PLACEHOLDER_H
#define LIB_PLACEHOLDER_H

#include <stdbool.h>
#include <stddef.h>

enum placeholder_piece {
	PLACEHOLDER_END,
	PLACEHOLDER_TEXT,
	PLACEHOLDER_HOLE, /* {NAME}; the piece is the name */
	PLACEHOLDER_BAD,  /* a brace that begins none, or ends none; *at stays where it is */
};

/* Takes the next piece from *at; it is len bytes at *s. {{ and }} are text: one brace. */
enum placeholder_piece placeholder_next(const char **at, const char **s, size_t *len);

/* template_good_name of len bytes. */
bool placeholder_good_name(const char *s, size_t len);

/* The place of a name among "NAME" and "NAME=default" (NULL: none), or -1. */
int placeholder_parameter(char *const *parameters, const char *name, size_t len);

/* The default in one of those, or NULL. */
const char *placeholder_default(const char *parameter);

/* Whether what begins with - at this place of the command is no option: see template.h. */
bool placeholder_after_dashes(char *const *command, size_t at);

/*
 * Ends with a mistake: -EINVAL, and *why is the text, which it consumes and makes UTF-8 (it may
 * have been cut within a character). -ENOMEM where text is NULL.
 */
int placeholder_refuse(char **why, char *text);

#endif
