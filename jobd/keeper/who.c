/* SPDX-License-Identifier: ISC */
/*
 * Who the job runs as: name, home, shell, groups. A name service may hang or
 * fail; here that harms nobody but this job. It also costs as much as all the
 * rest of a short job's start, so jobd keeps the answer for a moment and hands
 * it to the next keeper (KTAG_WHO): a record that jobd does not read.
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

/* In the record, which is of our making and for our reading. */
enum { WHO_UID = 1, WHO_USER, WHO_HOME, WHO_SHELL, WHO_GID, WHO_GROUP };

void who_fini(struct identity *id)
{
	free(id->user);
	free(id->home);
	free(id->shell);
	free(id->groups);
	*id = (struct identity){ 0 };
}

static bool add_group(struct identity *id, gid_t group)
{
	if (id->ngroups == id->groups_cap) {
		size_t cap = id->groups_cap ? id->groups_cap * 4 : 32;
		gid_t *groups = realloc(id->groups, cap * sizeof(*groups));
		if (!groups)
			return false;
		id->groups = groups;
		id->groups_cap = cap;
	}
	id->groups[id->ngroups++] = group;
	return true;
}

static bool read_field(struct identity *id, const struct tlv *f, uint64_t *uid)
{
	char **to = NULL;
	if (f->tag == WHO_UID)
		*uid = tlv_u64(f);
	else if (f->tag == WHO_GID)
		id->gid = (gid_t)tlv_u64(f);
	else if (f->tag == WHO_GROUP)
		return add_group(id, (gid_t)tlv_u64(f));
	else if (f->tag == WHO_USER)
		to = &id->user;
	else if (f->tag == WHO_HOME)
		to = &id->home;
	else if (f->tag == WHO_SHELL)
		to = &id->shell;
	if (!to)
		return true;
	free(*to);
	*to = tlv_str(f);
	return *to != NULL;
}

/* Takes what START brought along, if it is whole and this user's. */
static bool recall(struct keeper *k)
{
	const struct buf *who = &k->start.who;
	struct tlv_reader r = { who->data, who->len, false };
	struct identity *id = &k->identity;
	struct tlv f;
	uint64_t uid = UINT64_MAX;
	bool fit = true;
	while (fit && tlv_next(&r, &f))
		fit = read_field(id, &f, &uid);
	if (fit && !r.bad && uid == k->start.uid && id->user && id->home && id->shell &&
	    id->ngroups)
		return true;
	who_fini(id);
	return false;
}

static void remember(struct keeper *k)
{
	const struct identity *id = &k->identity;
	struct buf *b = &k->found;
	tlv_put_u64(b, WHO_UID, k->start.uid);
	tlv_put_str(b, WHO_USER, id->user);
	tlv_put_str(b, WHO_HOME, id->home);
	tlv_put_str(b, WHO_SHELL, id->shell);
	tlv_put_u64(b, WHO_GID, id->gid);
	for (size_t i = 0; i < id->ngroups; i++)
		tlv_put_u64(b, WHO_GROUP, id->groups[i]);
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
		id->groups_cap = (size_t)n;
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
	if (!is_needed(s) || recall(k))
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
	if (!s->set_identity)
		return 0;
	if (find_groups(k) < 0)
		return -1;
	remember(k);
	return 0;
}
