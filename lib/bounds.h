/* SPDX-License-Identifier: ISC */
/*
 * How much one job may have of what people give it. These are the protocol's: jobd holds to them,
 * and jobctl tells beforehand. Libc only.
 */
#ifndef LIB_BOUNDS_H
#define LIB_BOUNDS_H

#include <stdbool.h>

#define LABEL_MAX 255  /* bytes of a name, a project, a token, a unique key, a key of meta */
#define META_MAX  64   /* pairs of meta */
#define AFTER_MAX 5000 /* jobs that it waits for */
#define NAMES_MAX 1000 /* queues, projects, users or verbs that a filter names: each is held against every row */

/* Whether the text can be a key of meta: letters, digits, _ . and -, one to LABEL_MAX of them. */
bool bounds_meta_key(const char *text);

#endif
