/* SPDX-License-Identifier: ISC */
/* See sim_map.h. Where memory runs out the test is over. */
#include "config.h"

#include "sim_map.h"

#include <stdlib.h>

static int compare(struct map_key x, struct map_key y)
{
	if (x.a != y.a)
		return x.a < y.a ? -1 : 1;
	return (x.b > y.b) - (x.b < y.b);
}

struct map_row *map_find(const struct map *m, struct map_key k)
{
	struct map_row *r = m->root;
	int c;

	while (r && (c = compare(k, r->key)) != 0)
		r = c < 0 ? r->left : r->right;
	return r;
}

struct map_row *map_from(const struct map *m, struct map_key k)
{
	struct map_row *r = m->root, *found = NULL;

	while (r) {
		if (compare(r->key, k) >= 0) {
			found = r;
			r = r->left;
		} else {
			r = r->right;
		}
	}
	return found;
}

struct map_row *map_below(const struct map *m, struct map_key k)
{
	struct map_row *r = m->root, *found = NULL;

	while (r) {
		if (compare(r->key, k) < 0) {
			found = r;
			r = r->right;
		} else {
			r = r->left;
		}
	}
	return found;
}

/* Divides a tree into what is below k and what is not. */
static void split(struct map_row *r, struct map_key k, struct map_row **low, struct map_row **high)
{
	while (r) {
		if (compare(r->key, k) < 0) {
			*low = r;
			low = &r->right;
			r = r->right;
		} else {
			*high = r;
			high = &r->left;
			r = r->left;
		}
	}
	*low = *high = NULL;
}

static struct map_row *join(struct map_row *low, struct map_row *high)
{
	struct map_row *root, **at = &root;

	while (low && high) {
		if (low->weight > high->weight) {
			*at = low;
			at = &low->right;
			low = low->right;
		} else {
			*at = high;
			at = &high->left;
			high = high->left;
		}
	}
	*at = low ? low : high;
	return root;
}

struct map_row *map_make(struct map *m, struct map_key k)
{
	struct map_row *r = map_find(m, k), **at = &m->root;

	if (r)
		return r;
	r = calloc(1, sizeof *r);
	if (!r)
		abort();
	m->weights = m->weights * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	r->key = k;
	r->weight = m->weights >> 16;
	while (*at && (*at)->weight > r->weight)
		at = compare(k, (*at)->key) < 0 ? &(*at)->left : &(*at)->right;
	split(*at, k, &r->left, &r->right);
	*at = r;
	m->n++;
	return r;
}

void map_remove(struct map *m, struct map_key k)
{
	struct map_row **at = &m->root, *r;
	int c;

	while (*at && (c = compare(k, (*at)->key)) != 0)
		at = c < 0 ? &(*at)->left : &(*at)->right;
	r = *at;
	if (!r)
		return;
	*at = join(r->left, r->right);
	free(r);
	m->n--;
}

void map_fini(struct map *m)
{
	while (m->root) {
		struct map_row *r = m->root;
		m->root = join(r->left, r->right);
		free(r->data);
		free(r);
	}
	m->n = 0;
}
