/* SPDX-License-Identifier: ISC */
/*
 * Text from outside (names, commands, errors) on its way to a person: made
 * harmless, measured in columns, cut to fit. Pure.
 */
#ifndef JOBCTL_TEXT_H
#define JOBCTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

/*
 * Appends s with everything escaped that could change how a terminal shows the rest:
 * control characters (C0, DEL, C1), what turns the direction of writing, line and
 * paragraph separators, invisible marks, bytes that are no UTF-8. "\n", "\t" and
 * "\r" are written so, others as \xNN or \uNNNN. Without utf8 everything past ASCII is escaped too.
 */
void text_escape(struct buf *out, const char *s, bool utf8);

/* How many columns s takes; s has been escaped. */
int text_width(const char *s);

/*
 * Appends s, cut to at most width columns; where something was cut, the last one is an
 * ellipsis ("~" without utf8). s has been escaped. Nothing is padded.
 */
void text_fit(struct buf *out, const char *s, int width, bool utf8);

/*
 * Appends a command line as a person would type it: words that a shell would take apart
 * stand in single quotes. Nothing is escaped.
 */
void text_quote_word(struct buf *out, const char *word);

#endif
