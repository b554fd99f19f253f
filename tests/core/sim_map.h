/* SPDX-License-Identifier: ISC */
/* Rows in the order of their keys, for the store that the simulation plays: a treap. */
#ifndef TESTS_SIM_MAP_H
#define TESTS_SIM_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_key {
	uint64_t a, b;
};

struct map_row {
	struct map_key key;
	void *data;
	size_t len;
	uint64_t weight;
	struct map_row *left, *right;
};

struct map {
	struct map_row *root;
	uint64_t weights;
	size_t n;
};

/* The row with this key, or NULL. */
struct map_row *map_find(const struct map *m, struct map_key k);
/* The first whose key is not below this one, or NULL. */
struct map_row *map_from(const struct map *m, struct map_key k);
/* The last whose key is below this one, or NULL. */
struct map_row *map_below(const struct map *m, struct map_key k);
/* The row with this key, made if there is none. */
struct map_row *map_make(struct map *m, struct map_key k);
/* Takes it out; its data is the caller's. */
void map_remove(struct map *m, struct map_key k);
void map_fini(struct map *m);

#endif
