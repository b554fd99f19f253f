/* SPDX-License-Identifier: ISC */
/*
 * Whether the users and groups that a configuration names are there. For `jobd -t` alone: this asks
 * the name service and waits for it, which a daemon's loop may not.
 */
#include "config.h"

#include "jobd/sys/settings.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "lib/strv.h"

/* 0: it is there; -ENOENT: it is not; -errno: nobody can tell. */
static int look_up(const struct config_name *n)
{
	errno = 0;
	if (n->group ? getgrnam(n->name) != NULL : getpwnam(n->name) != NULL)
		return 0;
	/* What they leave behind for "there is none" differs by name service; see getpwnam(3). */
	int err = errno;
	return err == 0 || err == ESRCH || err == EBADF || err == EPERM ? -ENOENT : -err;
}

void config_check_names(const struct config *c, char ***messages)
{
	for (size_t i = 0; i < c->nnames; i++) {
		const struct config_name *n = &c->names[i];
		const char *kind = n->group ? "group" : "user";
		char *line;
		int rc = look_up(n);
		int len = 0;
		if (rc == -ENOENT)
			len = asprintf(&line, "%s:%d: there is no %s \"%s\"; as long as that is so it "
					      "gives nobody any right", c->source, n->line, kind, n->name);
		else if (rc < 0)
			len = asprintf(&line, "%s:%d: whether there is a %s \"%s\" can't be told: %s",
			    c->source, n->line, kind, n->name, strerror(-rc));
		if (len <= 0)
			continue;
		strv_add(messages, line);
		free(line);
	}
}
