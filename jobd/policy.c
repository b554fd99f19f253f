/* SPDX-License-Identifier: ISC */
/* See policy.h. */
#include "config.h"

#include "jobd/policy.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/strv.h"

typedef enum names_result lookup_fn(struct names *n, const char *name, unsigned *id);

/* uid_t and gid_t are both unsigned int on Linux. */
static bool known(struct policy *p, const char *setting, const char *name, enum names_result r)
{
	if (r == NAMES_PENDING)
		p->pending = true;
	if (r == NAMES_UNKNOWN)
		log_text(LOG_WARNING, "event=config setting=%s error=\"there is no '%s'\"", setting, name);
	return r == NAMES_KNOWN;
}

/* The ids of the names that are known, in a new array. */
static unsigned *resolve(struct policy *p, const char *setting, char *const *names, struct names *n,
    lookup_fn *lookup, size_t *count)
{
	unsigned *ids = calloc(strv_len(names) + 1, sizeof *ids), id;

	*count = 0;
	for (size_t i = 0; ids && names && names[i]; i++)
		if (known(p, setting, names[i], lookup(n, names[i], &id)))
			ids[(*count)++] = id;
	return ids;
}

void policy_resolve(struct policy *p, const struct config *c, struct names *n)
{
	policy_fini(p);
	p->api.self = geteuid();
	p->api.anyone_submits = strv_len(c->submit_users) + strv_len(c->submit_groups) == 0;
	if (c->admin_group)
		p->api.has_admin_gid = known(p, "admin_group", c->admin_group,
		    names_gid(n, c->admin_group, &p->api.admin_gid));
	p->api.submit_uids = resolve(
	    p, "submit_users", c->submit_users, n, names_uid, &p->api.nsubmit_uids);
	p->api.submit_gids = resolve(
	    p, "submit_groups", c->submit_groups, n, names_gid, &p->api.nsubmit_gids);
}

void policy_fini(struct policy *p)
{
	free((void *)(uintptr_t)p->api.submit_uids);
	free((void *)(uintptr_t)p->api.submit_gids);
	*p = (struct policy){ 0 };
}
