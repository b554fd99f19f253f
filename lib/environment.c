/* SPDX-License-Identifier: ISC */
/* See environment.h. */
#include "config.h"

#include "lib/environment.h"

#include <string.h>

bool environment_is_own(const char *entry)
{
	return strncmp(entry, "JOBD_", 5) == 0 || strncmp(entry, "NOTIFY_SOCKET=", 14) == 0;
}
