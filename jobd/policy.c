/* SPDX-License-Identifier: ISC */
/*
 * See policy.h. What can go wrong: the name service hangs or fails, at the start or at a reload.
 * Whoever had rights by a name keeps them until it is known what has become of the name;
 * a name that was never known gives none until it is.
 */
#include "config.h"

#include "jobd/policy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/strv.h"

typedef enum names_result lookup_fn(struct names *n, const char *name, unsigned *id);

/* A kind of name in the configuration. uid_t and gid_t are both unsigned int on Linux. */
struct source {
	const char *setting;
	bool group;
	lookup_fn *lookup;
};

static const struct source admin_group = { "admin_group", true, names_gid };
static const struct source submit_users = { "submit_users", false, names_uid };
static const struct source submit_groups = { "submit_groups", true, names_gid };

struct policy_name {
	bool group;
	char *name;
	bool known;
	unsigned id;
	enum names_result told; /* what the log has of it; NAMES_KNOWN: nothing */
};

static struct policy_name *find(struct policy_name *names, size_t n, bool group, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].group == group && strcmp(names[i].name, name) == 0)
			return &names[i];
	return NULL;
}

static void free_names(struct policy_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i].name);
	free(names);
}

/* What was known of a name goes along, and nothing of names that the configuration dropped. */
static struct policy_name *add(struct policy *p, const struct policy *old, const struct source *s,
    const char *name)
{
	struct policy_name *have = find(p->names, p->nnames, s->group, name);
	if (have)
		return have;
	struct policy_name *grown = realloc(p->names, (p->nnames + 1) * sizeof *grown);
	if (!grown)
		return NULL;
	p->names = grown;
	have = &grown[p->nnames];
	*have = (struct policy_name){ .group = s->group, .told = NAMES_KNOWN };
	const struct policy_name *was = find(old->names, old->nnames, s->group, name);
	if (was)
		*have = *was;
	have->name = strdup(name);
	if (!have->name)
		return NULL;
	p->nnames++;
	return have;
}

static void tell(struct policy_name *pn, const struct source *s, enum names_result r)
{
	if (r == NAMES_PENDING || r == pn->told)
		return;
	pn->told = r;
	const char *kind = s->group ? "group" : "user";
	if (r == NAMES_UNKNOWN)
		log_event(LOG_WARNING, "config", "error", "%s: there is no %s '%s'", s->setting, kind,
		    pn->name);
	else if (r == NAMES_LATE)
		log_event(LOG_WARNING, "config", "error", "%s: the name service does not tell who "
		    "%s '%s' is; %s", s->setting, kind, pn->name,
		    pn->known ? "what was known of it holds" : "it gives no rights until then");
}

/* Whether *id is set: the name's, as far as it is known. */
static bool resolve_one(struct policy *p, const struct policy *old, const struct source *s,
    const char *name, struct names *n, unsigned *id)
{
	struct policy_name *pn = add(p, old, s, name);
	unsigned found = 0;

	if (!pn)
		return false;
	enum names_result r = s->lookup(n, name, &found);
	p->waiting |= r == NAMES_PENDING;
	p->pending |= r == NAMES_PENDING || r == NAMES_LATE;
	tell(pn, s, r);
	if (r == NAMES_KNOWN || r == NAMES_UNKNOWN) {
		pn->known = r == NAMES_KNOWN;
		pn->id = found;
	}
	*id = pn->id;
	return pn->known;
}

/* The ids of the names that are known, in a new array. */
static unsigned *resolve(struct policy *p, const struct policy *old, const struct source *s,
    char *const *names, struct names *n, size_t *count)
{
	unsigned *ids = calloc(strv_len(names) + 1, sizeof *ids), id;

	*count = 0;
	for (size_t i = 0; ids && names && names[i]; i++)
		if (resolve_one(p, old, s, names[i], n, &id))
			ids[(*count)++] = id;
	return ids;
}

void policy_resolve(struct policy *p, const struct config *c, struct names *n)
{
	struct policy old = *p;

	*p = (struct policy){ 0 };
	p->api.self = geteuid();
	p->api.anyone_submits = strv_len(c->submit_users) + strv_len(c->submit_groups) == 0;
	if (c->admin_group)
		p->api.has_admin_gid =
		    resolve_one(p, &old, &admin_group, c->admin_group, n, &p->api.admin_gid);
	p->api.submit_uids = resolve(p, &old, &submit_users, c->submit_users, n, &p->api.nsubmit_uids);
	p->api.submit_gids =
	    resolve(p, &old, &submit_groups, c->submit_groups, n, &p->api.nsubmit_gids);
	policy_fini(&old);
}

void policy_fini(struct policy *p)
{
	free((void *)(uintptr_t)p->api.submit_uids);
	free((void *)(uintptr_t)p->api.submit_gids);
	free_names(p->names, p->nnames);
	*p = (struct policy){ 0 };
}
