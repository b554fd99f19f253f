/* SPDX-License-Identifier: ISC */
/* Priorities as people write them: 1 to 10, or high, normal, low. */
#ifndef JOBCTL_PRIORITY_H
#define JOBCTL_PRIORITY_H

/* For printf, with the word that is none. */
#define PRIORITY_WRONG "'%s' is no priority: 1 (first) to 10 (last), high, normal or low"

/* The number, or 0 when it is none. */
int priority_parse(const char *word);

#endif
