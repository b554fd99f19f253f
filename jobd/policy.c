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
#include "lib/str.h"
#include "lib/strv.h"

struct policy_name {
	bool group;
	char *name;
	bool known;
	unsigned id;
	enum names_result found; /* when it was last asked for */
	enum names_result told;	 /* what the log has of it; NAMES_KNOWN: nothing */
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
static struct policy_name *add(struct policy *p, const struct policy *old, bool group,
    const char *name)
{
	struct policy_name *have = find(p->names, p->nnames, group, name);
	if (have)
		return have;
	struct policy_name *grown = realloc(p->names, (p->nnames + 1) * sizeof *grown);
	if (!grown)
		return NULL;
	p->names = grown;
	have = &grown[p->nnames];
	*have = (struct policy_name){ .group = group, .told = NAMES_KNOWN };
	const struct policy_name *was = find(old->names, old->nnames, group, name);
	if (was)
		*have = *was;
	have->name = strdup(name);
	if (!have->name)
		return NULL;
	p->nnames++;
	return have;
}

/* What is wrong with it, the caller's; NULL: nothing, or no memory. */
static char *complaint(const struct policy_name *pn, const struct config *c,
    const struct config_name *n)
{
	if (pn->found == NAMES_UNKNOWN)
		return config_no_name(c, n);
	if (pn->found == NAMES_LATE)
		return str_printf("%s:%d: the name service does not tell who %s \"%s\" is; %s",
		    c->source, n->line, n->group ? "group" : "user", n->name,
		    pn->known ? "what was known of it holds" : "it gives no rights until then");
	return NULL;
}

static void tell(struct policy_name *pn, const struct config *c, const struct config_name *n)
{
	if (pn->found == NAMES_PENDING || pn->found == pn->told)
		return;
	pn->told = pn->found;
	char *text = complaint(pn, c, n);
	if (text)
		log_event(LOG_WARNING, "config", "error", "%s", text);
	free(text);
}

/* The name, with its id as far as that is known; NULL: no memory. */
static const struct policy_name *resolve_one(struct policy *p, const struct policy *old, bool group,
    const char *name, struct names *n)
{
	struct policy_name *pn = add(p, old, group, name);
	unsigned id = 0;

	if (!pn)
		return NULL;
	/* uid_t and gid_t are both unsigned int on Linux. */
	pn->found = group ? names_gid(n, name, &id) : names_uid(n, name, &id);
	p->waiting |= pn->found == NAMES_PENDING;
	p->pending |= pn->found == NAMES_PENDING || pn->found == NAMES_LATE;
	if (pn->found == NAMES_KNOWN || pn->found == NAMES_UNKNOWN) {
		pn->known = pn->found == NAMES_KNOWN;
		pn->id = id;
	}
	return pn;
}

/* The ids of the names that are known, in a new array. */
static unsigned *resolve(struct policy *p, const struct policy *old, bool group, char *const *names,
    struct names *n, size_t *count)
{
	unsigned *ids = calloc(strv_len(names) + 1, sizeof *ids);

	*count = 0;
	for (size_t i = 0; ids && names && names[i]; i++) {
		const struct policy_name *pn = resolve_one(p, old, group, names[i], n);
		if (pn && pn->known)
			ids[(*count)++] = pn->id;
	}
	return ids;
}

/* Those that the file names, also for its queues, whose rights are looked up at each submission. */
static void resolve_all(struct policy *p, const struct policy *old, const struct config *c,
    struct names *n)
{
	for (size_t i = 0; i < c->nnames; i++) {
		const struct config_name *cn = &c->names[i];
		struct policy_name *pn = find(p->names, p->nnames, cn->group, cn->name);
		if (!pn && resolve_one(p, old, cn->group, cn->name, n))
			pn = find(p->names, p->nnames, cn->group, cn->name);
		if (pn)
			tell(pn, c, cn);
	}
}

void policy_resolve(struct policy *p, const struct config *c, struct names *n)
{
	struct policy old = *p;

	*p = (struct policy){ 0 };
	p->api.self = geteuid();
	p->api.anyone_submits = strv_len(c->submit_users) + strv_len(c->submit_groups) == 0;
	if (c->admin_group) {
		const struct policy_name *pn = resolve_one(p, &old, true, c->admin_group, n);
		p->api.has_admin_gid = pn && pn->known;
		p->api.admin_gid = pn ? pn->id : 0;
	}
	p->api.submit_uids = resolve(p, &old, false, c->submit_users, n, &p->api.nsubmit_uids);
	p->api.submit_gids = resolve(p, &old, true, c->submit_groups, n, &p->api.nsubmit_gids);
	resolve_all(p, &old, c, n);
	policy_fini(&old);
}

/* Whether the file names it before there. */
static bool is_named_before(const struct config *c, size_t at)
{
	const struct config_name *n = &c->names[at];

	for (const struct config_name *other = c->names; other < n; other++)
		if (other->group == n->group && strcmp(other->name, n->name) == 0)
			return true;
	return false;
}

void policy_warnings(const struct policy *p, const struct config *c, char ***warnings)
{
	for (size_t i = 0; i < c->nnames; i++) {
		const struct config_name *n = &c->names[i];
		const struct policy_name *pn = find(p->names, p->nnames, n->group, n->name);
		char *text = pn && !is_named_before(c, i) ? complaint(pn, c, n) : NULL;
		if (text)
			strv_add(warnings, text);
		free(text);
	}
}

void policy_fini(struct policy *p)
{
	free((void *)(uintptr_t)p->api.submit_uids);
	free((void *)(uintptr_t)p->api.submit_gids);
	free_names(p->names, p->nnames);
	*p = (struct policy){ 0 };
}
