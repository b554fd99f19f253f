/* SPDX-License-Identifier: ISC */
/* Strings that are made; see str.h. */
#include "config.h"

#include "lib/str.h"

#include <stdarg.h>
#include <stdio.h>

char *str_vprintf(const char *fmt, va_list ap)
{
	char *s;

	return vasprintf(&s, fmt, ap) < 0 ? NULL : s;
}

char *str_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = str_vprintf(fmt, ap);
	va_end(ap);
	return s;
}

int str_why(char **why, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*why = str_vprintf(fmt, ap);
	va_end(ap);
	return rc;
}
