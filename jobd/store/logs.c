/* SPDX-License-Identifier: ISC */
/*
 * Logs that are to be removed: a row each, under job and attempt (a number of 8 bytes, and one of
 * 4). An older jobd leaves these rows alone, and a newer one makes good of them.
 */
#include "config.h"

#include "jobd/store/internal.h"

#define KEY_SIZE 12

static void log_key(uint8_t key[KEY_SIZE], uint64_t id, uint32_t attempt)
{
	put_be64(key, id);
	put_be32(key + 8, attempt);
}

void store_log_doom(struct store *s, uint64_t id, uint32_t attempt)
{
	uint8_t key[KEY_SIZE];

	log_key(key, id, attempt);
	table_put(s, TABLE_LOGS, key, sizeof(key), NULL, 0);
}

void store_log_forget(struct store *s, uint64_t id, uint32_t attempt)
{
	uint8_t key[KEY_SIZE];

	log_key(key, id, attempt);
	table_delete(s, TABLE_LOGS, key, sizeof(key));
}

struct load {
	store_log_fn *fn;
	void *ctx;
};

static int load_row(struct store *s, const DBT *k, const DBT *d, void *ctx)
{
	const struct load *l = ctx;
	const uint8_t *key = k->data;

	(void)s;
	(void)d;
	return k->size != KEY_SIZE || l->fn(l->ctx, get_be64(key), get_be32(key + 8)) ? 0 : 1;
}

int store_logs_load(struct store *s, store_log_fn *fn, void *ctx)
{
	return table_walk(s, TABLE_LOGS, NULL, 0, 0, load_row, &(struct load){ fn, ctx });
}
