/* SPDX-License-Identifier: ISC */
/* Strings that are made. Libc only. */
#ifndef LIB_STR_H
#define LIB_STR_H

#include <stdarg.h>

/* A new string, as printf(3) (vprintf(3)) would print it; the caller's. NULL when there is no memory. */
char *str_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *str_vprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* The same for *why, which tells a person what failed; the caller's. Returns rc. */
int str_why(char **why, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
