/* SPDX-License-Identifier: ISC */
/* See unique.h: a hash table whose chains stay short. */
#include "config.h"

#include "jobd/core/unique.h"

#include <stdlib.h>
#include <string.h>

#include "jobd/core/live.h"

static size_t bucket(const struct unique *u, uint32_t uid, const char *key)
{
	uint64_t h = 14695981039346656037u ^ uid; /* FNV-1a */

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	return h & (u->nbuckets - 1);
}

struct live *unique_find(const struct unique *u, uint32_t uid, const char *key)
{
	struct live *l = u->nbuckets ? u->buckets[bucket(u, uid, key)] : NULL;

	while (l && (l->job.uid != uid || strcmp(l->job.unique, key) != 0))
		l = l->next_unique;
	return l;
}

static void link_in(struct unique *u, struct live *l)
{
	struct live **at = &u->buckets[bucket(u, l->job.uid, l->job.unique)];

	l->next_unique = *at;
	*at = l;
}

static bool grow(struct unique *u)
{
	struct unique next = { .n = u->n, .nbuckets = u->nbuckets ? u->nbuckets * 2 : 64 };

	next.buckets = calloc(next.nbuckets, sizeof(struct live *));
	if (!next.buckets)
		return false;
	for (size_t i = 0; i < u->nbuckets; i++) {
		for (struct live *l = u->buckets[i], *after; l; l = after) {
			after = l->next_unique;
			link_in(&next, l);
		}
	}
	free(u->buckets);
	*u = next;
	return true;
}

bool unique_add(struct unique *u, struct live *l)
{
	if (!l->job.unique)
		return true;
	if (u->n == u->nbuckets && !grow(u))
		return false;
	link_in(u, l);
	u->n++;
	return true;
}

void unique_remove(struct unique *u, struct live *l)
{
	if (!l->job.unique || !u->nbuckets)
		return;
	struct live **at = &u->buckets[bucket(u, l->job.uid, l->job.unique)];
	while (*at && *at != l)
		at = &(*at)->next_unique;
	if (!*at)
		return;
	*at = l->next_unique;
	l->next_unique = NULL;
	u->n--;
}

void unique_fini(struct unique *u)
{
	free(u->buckets);
	*u = (struct unique){ 0 };
}
