/* SPDX-License-Identifier: ISC */
/*
 * Finding a keeper's record by job, by the keeper's pid or by the command's.
 * Three hash tables with chains through the records themselves: putting one in
 * can't fail, since a table that can't grow only gets slower.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SLOTS 64 /* a power of two */

static uint64_t key_of(const struct keeper *k, enum roster_kind kind)
{
	if (kind == ROSTER_ID)
		return k->id;
	return (uint64_t)(kind == ROSTER_KEEPER ? k->keeper_pid : k->pid);
}

/* Ids and pids are near-sequential: spreading by the golden ratio is enough. */
static size_t slot_of(const struct roster *t, uint64_t key)
{
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (t->nslots - 1);
}

int roster_init(struct proc *p)
{
	for (int kind = 0; kind < ROSTER_KINDS; kind++) {
		struct roster *t = &p->rosters[kind];
		t->slots = calloc(FIRST_SLOTS, sizeof(struct keeper *));
		if (!t->slots)
			return -ENOMEM;
		t->nslots = FIRST_SLOTS;
	}
	return 0;
}

void roster_fini(struct proc *p)
{
	for (int kind = 0; kind < ROSTER_KINDS; kind++)
		free(p->rosters[kind].slots);
}

static void grow(struct roster *t, enum roster_kind kind)
{
	struct roster bigger = { calloc(t->nslots * 2, sizeof(struct keeper *)), t->nslots * 2, t->used };
	if (!bigger.slots)
		return;
	for (size_t i = 0; i < t->nslots; i++) {
		struct keeper *next;
		for (struct keeper *k = t->slots[i]; k; k = next) {
			next = k->chain[kind];
			struct keeper **head = &bigger.slots[slot_of(&bigger, key_of(k, kind))];
			k->chain[kind] = *head;
			*head = k;
		}
	}
	free(t->slots);
	*t = bigger;
}

void roster_put(struct keeper *k, enum roster_kind kind)
{
	struct roster *t = &k->p->rosters[kind];
	if (t->used >= t->nslots)
		grow(t, kind);
	struct keeper **head = &t->slots[slot_of(t, key_of(k, kind))];
	k->chain[kind] = *head;
	*head = k;
	t->used++;
}

void roster_remove(struct keeper *k, enum roster_kind kind)
{
	struct roster *t = &k->p->rosters[kind];
	struct keeper **at = &t->slots[slot_of(t, key_of(k, kind))];
	while (*at && *at != k)
		at = &(*at)->chain[kind];
	if (!*at)
		return;
	*at = k->chain[kind];
	k->chain[kind] = NULL;
	t->used--;
}

struct keeper *roster_find(const struct proc *p, enum roster_kind kind, uint64_t key)
{
	const struct roster *t = &p->rosters[kind];
	struct keeper *k = t->slots[slot_of(t, key)];
	while (k && key_of(k, kind) != key)
		k = k->chain[kind];
	return k;
}
