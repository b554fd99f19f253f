/* SPDX-License-Identifier: ISC */
/*
 * Who the job runs as: name, home, shell, groups. A name service may hang or
 * fail; here that harms nobody but this job.
 *
 * Without the privilege to be somebody else a user that nobody knows is no
 * hindrance; with it, it is.
 */
#include "config.h"

#include "jobd/keeper/keeper.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/strv.h"

#define GROUPS_MAX 65536

void who_fini(struct identity *id)
{
	free(id->user);
	free(id->home);
	free(id->shell);
	free(id->groups);
	*id = (struct identity){ 0 };
}

/* All of the user's groups, as initgroups(3) would set them. */
static int find_groups(struct keeper *k)
{
	struct identity *id = &k->identity;
	for (int n = 32; n <= GROUPS_MAX; n *= 4) {
		gid_t *groups = realloc(id->groups, (size_t)n * sizeof(*groups));
		if (!groups)
			return start_failed(k, ENOMEM, "groups of %s", id->user);
		id->groups = groups;
		int had = n;
		if (getgrouplist(id->user, id->gid, groups, &had) >= 0) {
			id->ngroups = (size_t)had;
			return 0;
		}
	}
	return start_failed(k, EINVAL, "groups of %s", id->user);
}

/* Without the right to become somebody, all that may be missing is what login sets. */
static bool is_needed(const struct start *s)
{
	return s->set_identity || !s->cwd || !strv_env(s->env, "HOME") ||
	       !strv_env(s->env, "USER") || !strv_env(s->env, "LOGNAME") ||
	       !strv_env(s->env, "SHELL");
}

int who_find(struct keeper *k)
{
	struct start *s = &k->start;
	struct identity *id = &k->identity;
	if (!is_needed(s))
		return 0;
	errno = 0;
	const struct passwd *pw = getpwuid(s->set_identity ? s->uid : geteuid());
	int error = errno;
	if (!pw && !s->set_identity)
		return 0;
	if (!pw && error && error != ENOENT && error != ESRCH)
		return start_failed(k, error, "look-up of user %u", (unsigned)s->uid);
	if (!pw)
		return start_failed(k, 0, "user %u is unknown", (unsigned)s->uid);
	id->gid = pw->pw_gid;
	id->user = strdup(pw->pw_name);
	id->home = strdup(pw->pw_dir);
	id->shell = strdup(*pw->pw_shell ? pw->pw_shell : "/bin/sh");
	if (!id->user || !id->home || !id->shell)
		return start_failed(k, ENOMEM, "user %u", (unsigned)s->uid);
	return s->set_identity ? find_groups(k) : 0;
}
