/* SPDX-License-Identifier: ISC */
/*
 * Batches that are not sealed: a row each, under its number, for as long as jobs of it may have
 * been put and must not count. Which jobs those are stands in their rows.
 */
#include "config.h"

#include "jobd/store/internal.h"

void store_batch_open(struct store *s, uint64_t batch)
{
	uint8_t key[8];

	put_be64(key, batch);
	table_put(s, TABLE_BATCHES, key, sizeof(key), NULL, 0);
}

void store_batch_seal(struct store *s, uint64_t batch)
{
	uint8_t key[8];

	put_be64(key, batch);
	table_delete(s, TABLE_BATCHES, key, sizeof(key));
}

struct load {
	store_batch_fn *fn;
	void *ctx;
};

static int load_row(struct store *s, const DBT *k, const DBT *d, void *ctx)
{
	const struct load *l = ctx;

	(void)s;
	(void)d;
	return k->size != 8 || l->fn(l->ctx, get_be64(k->data)) ? 0 : 1;
}

int store_batches_load(struct store *s, store_batch_fn *fn, void *ctx)
{
	return table_walk(s, TABLE_BATCHES, NULL, 0, 0, load_row, &(struct load){ fn, ctx });
}
