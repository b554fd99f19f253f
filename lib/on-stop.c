/* SPDX-License-Identifier: ISC */
/* See on-stop.h. */
#include "config.h"

#include "lib/on-stop.h"

#include <string.h>

static const char *const names[] = {
	[ON_STOP_KEEP] = "keep",
	[ON_STOP_PAUSE] = "pause",
	[ON_STOP_CANCEL] = "cancel",
};
#define NAMES (sizeof names / sizeof names[0])

const char *on_stop_name(enum on_stop how)
{
	return how > 0 && how < NAMES ? names[how] : NULL;
}

enum on_stop on_stop_parse(const char *name)
{
	for (unsigned i = ON_STOP_KEEP; i < NAMES; i++)
		if (strcmp(names[i], name) == 0)
			return (enum on_stop)i;
	return 0;
}
