/* SPDX-License-Identifier: ISC */
/* The table of verbs, and the help printed from it. */
#ifndef JOBCTL_VERBS_H
#define JOBCTL_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "jobctl/verb.h"

/*
 * The verb of this name or alias: "pause"; "queue", "pause". Of a family ("queue") alone it is
 * the first. second may be NULL, and is of no account where first is no family. NULL: there is none.
 */
const struct verb *verbs_find(const char *first, const char *second);

/* Whether the word is that of a family. */
bool verbs_family(const char *word);

/* Each verb of a family, or each verb where it is NULL, by number; NULL after the last. */
const struct verb *verbs_at(const char *family, size_t i);

/* The verb that somebody probably meant, or NULL; with a family, its verb. */
const char *verbs_nearest(const char *word);
const char *verbs_nearest_of(const char *family, const char *word);

void verbs_help(FILE *out);
void verbs_help_one(FILE *out, const struct verb *v);
/* What each verb of the family is for, and all their options. */
void verbs_help_family(FILE *out, const char *family);

#endif
