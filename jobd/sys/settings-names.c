/* SPDX-License-Identifier: ISC */
/*
 * Whether what a configuration names is there: users, groups, a cgroup. None of it is a mistake,
 * since it may come to be.
 */
#include "config.h"

#include "jobd/sys/settings.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/str.h"
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

char *config_no_name(const struct config *c, const struct config_name *n)
{
	return str_printf("%s:%d: there is no %s \"%s\"; as long as that is so it gives nobody any "
		       "right", c->source, n->line, n->group ? "group" : "user", n->name);
}

void config_check_names(const struct config *c, char ***messages)
{
	for (size_t i = 0; i < c->nnames; i++) {
		const struct config_name *n = &c->names[i];
		int rc = look_up(n);
		char *line = rc == -ENOENT ? config_no_name(c, n) :
		    rc < 0 ? str_printf("%s:%d: whether there is a %s \"%s\" can't be told: %s", c->source,
				 n->line, n->group ? "group" : "user", n->name, strerror(-rc)) :
			     NULL;
		if (line)
			strv_add(messages, line);
		free(line);
	}
}

void config_check_cgroup(const struct config *c, char ***messages)
{
	char *procs = *c->cgroup == '/' ? str_printf("%s/cgroup.procs", c->cgroup) : NULL;
	char *line = NULL;
	if (procs && access(procs, W_OK) < 0) {
		int err = errno;
		bool is_other = err == ENOENT && access(c->cgroup, F_OK) == 0;
		line = str_printf("%s: cgroup \"%s\" can't be used: %s; the trees of jobs are walked",
		    c->source, c->cgroup, is_other ? "it is no cgroup (v2)" : strerror(err));
	}
	if (line)
		strv_add(messages, line);
	free(line);
	free(procs);
}
