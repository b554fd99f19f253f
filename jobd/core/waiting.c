/* SPDX-License-Identifier: ISC */
/* See waiting.h. A user without a job that waits has no record. */
#include "config.h"

#include "jobd/core/waiting.h"

#include <stdlib.h>

struct waiting_user {
	struct waiting_user *next;
	uint32_t uid;
	size_t count;
};

/* The link to the user's record, or to where one would be. */
static struct waiting_user **find(struct waiting *w, uint32_t uid)
{
	struct waiting_user **at = &w->buckets[uid % WAITING_BUCKETS];

	while (*at && (*at)->uid != uid)
		at = &(*at)->next;
	return at;
}

void waiting_fini(struct waiting *w)
{
	for (size_t i = 0; i < WAITING_BUCKETS; i++) {
		for (struct waiting_user *u = w->buckets[i], *next; u; u = next) {
			next = u->next;
			free(u);
		}
		w->buckets[i] = NULL;
	}
}

bool waiting_add(struct waiting *w, uint32_t uid)
{
	struct waiting_user **at = find(w, uid);

	if (!*at) {
		*at = calloc(1, sizeof **at);
		if (!*at)
			return false;
		(*at)->uid = uid;
	}
	(*at)->count++;
	return true;
}

void waiting_drop(struct waiting *w, uint32_t uid)
{
	struct waiting_user **at = find(w, uid), *u = *at;

	if (!u || --u->count > 0)
		return;
	*at = u->next;
	free(u);
}

size_t waiting_count(const struct waiting *w, uint32_t uid)
{
	const struct waiting_user *u = w->buckets[uid % WAITING_BUCKETS];

	while (u && u->uid != uid)
		u = u->next;
	return u ? u->count : 0;
}
