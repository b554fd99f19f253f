/* SPDX-License-Identifier: ISC */
/*
 * Names of users and groups, as text. It asks no name service: a name may come to be
 * later, and who has to know now looks it up.
 */
#include "config.h"

#include "lib/account.h"

#include <string.h>

bool account_good_name(const char *s)
{
	if (!*s || *s == '-' || strlen(s) > 256)
		return false;
	bool digits = true;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c <= ' ' || c == 0x7f || strchr(":/,", c))
			return false;
		digits = digits && c >= '0' && c <= '9';
	}
	return !digits;
}
