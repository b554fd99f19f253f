/* SPDX-License-Identifier: ISC */
/* NULL-terminated arrays of strings. Libc only. */
#ifndef LIB_STRV_H
#define LIB_STRV_H

#include <stdbool.h>
#include <stddef.h>

size_t strv_len(char *const *v);		 /* NULL counts as empty */
size_t strv_bytes(char *const *v);	 /* of the strings, each with its NUL; likewise */
char **strv_copy(char *const *v);		 /* NULL when there is no memory, or v is NULL */
void strv_free(char **v);			 /* the array and its strings; NULL is fine */
/* Appends a copy of s, growing the array with realloc. 0 or -ENOMEM. It counts: not for
 * thousands. */
int strv_add(char ***v, const char *s);
/* Sets NAME=value in an environment, in the place of what it was before. 0 or -ENOMEM. */
int strv_set(char ***env, const char *entry);
/* Whether s is one of them. */
bool strv_has(char *const *v, const char *s);
/* The value of NAME in an environment, or NULL. Borrowed. */
const char *strv_env(char *const *env, const char *name);

#endif
