/* SPDX-License-Identifier: ISC */
/* See heap.h. */
#include "config.h"

#include "jobd/core/heap.h"

#include <stdint.h>
#include <stdlib.h>

#include "lib/array.h"

static void settle(struct heap *h, const struct heap_kind *k, void *member, size_t at)
{
	h->v[at] = member;
	*k->at(member) = at;
}

/* Moves a member from its place up or down to where it belongs. */
static void sift(struct heap *h, const struct heap_kind *k, void *member, size_t at)
{
	while (at > 0 && k->before(member, h->v[(at - 1) / 2])) {
		settle(h, k, h->v[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= h->len)
			break;
		if (child + 1 < h->len && k->before(h->v[child + 1], h->v[child]))
			child++;
		if (!k->before(h->v[child], member))
			break;
		settle(h, k, h->v[child], at);
		at = child;
	}
	settle(h, k, member, at);
}

bool heap_put(struct heap *h, const struct heap_kind *k, void *member)
{
	size_t at = *k->at(member);

	if (at == HEAP_NOWHERE) {
		void **v = array_room(h->v, h->len, &h->cap, sizeof(void *));
		if (!v)
			return false;
		h->v = v;
		at = h->len++;
	}
	sift(h, k, member, at);
	return true;
}

void heap_take(struct heap *h, const struct heap_kind *k, void *member)
{
	size_t at = *k->at(member);

	if (at == HEAP_NOWHERE)
		return;
	*k->at(member) = HEAP_NOWHERE;
	void *last = h->v[--h->len];
	if (last != member)
		sift(h, k, last, at);
}

void *heap_first(const struct heap *h)
{
	return h->len ? h->v[0] : NULL;
}

void heap_fini(struct heap *h)
{
	free(h->v);
	*h = (struct heap){ 0 };
}
