/* SPDX-License-Identifier: ISC */
/* Priorities as people write them: 1 (first) to 10 (last), or high, normal, low. Libc only. */
#ifndef LIB_PRIORITY_H
#define LIB_PRIORITY_H

#define PRIORITY_MIN	 1
#define PRIORITY_MAX	 10
#define PRIORITY_DEFAULT 5

/* For messages: what a priority is. */
#define PRIORITY_RANGE "1 (first) to 10 (last)"
/* For printf, with the word that is none. */
#define PRIORITY_WRONG "'%s' is no priority: " PRIORITY_RANGE ", high, normal or low"

/* The number that the text names, PRIORITY_MIN to PRIORITY_MAX; capitals make no difference, nor do
 * zeros before a number. 0: it names none. */
int priority_parse(const char *text);

#endif
