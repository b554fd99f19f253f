/* SPDX-License-Identifier: ISC */
/* The table of verbs, and the help printed from it. */
#ifndef JOBCTL_VERBS_H
#define JOBCTL_VERBS_H

#include <stdio.h>

#include "jobctl/verb.h"

/* The verb with this name or alias, or NULL. */
const struct verb *verbs_find(const char *word);

/* The verb that somebody probably meant, or NULL. */
const char *verbs_nearest(const char *word);

void verbs_help(FILE *out);
void verbs_help_one(FILE *out, const struct verb *v);

#endif
