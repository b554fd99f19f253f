/* SPDX-License-Identifier: ISC */
/* Names of users and groups, as text. Libc only. */
#ifndef LIB_ACCOUNT_H
#define LIB_ACCOUNT_H

#include <stdbool.h>

/*
 * Whether this can be the name of a user or a group; not whether there is one. No number, nothing
 * with a blank, a comma, a colon or a slash in it, and nothing that begins with -.
 */
bool account_good_name(const char *name);

#endif
