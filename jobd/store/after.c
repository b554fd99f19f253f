/* SPDX-License-Identifier: ISC */
/*
 * Which job waits for which.
 *
 *	after    job, other → on, outcome     one byte each
 *	before   other, job → nothing
 *
 *	job 300 waits for 12 to complete, which has not ended:
 *	00 00 00 00 00 00 01 2c 00 00 00 00 00 00 00 0c → 01 00
 *
 * The second is the first by its other end, and promises nothing: what a pair means is looked up in
 * the first. So an outcome is one row a pair, and not two.
 *
 * Both rows of a pair are the waiting job's, and go with it. Those of jobs that wait for one that is
 * deleted stay: they tell what it was.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>

#include "lib/log.h"

#define KEY_SIZE 16

static void pair_key(uint8_t key[KEY_SIZE], uint64_t first, uint64_t second)
{
	put_be64(key, first);
	put_be64(key + 8, second);
}

void store_after_put(struct store *s, uint64_t job, const struct job_after *a)
{
	const uint8_t value[] = { (uint8_t)a->on, (uint8_t)a->outcome };
	uint8_t key[KEY_SIZE];

	pair_key(key, job, a->id);
	table_put(s, TABLE_AFTER, key, sizeof(key), value, sizeof(value));
	pair_key(key, a->id, job);
	table_add(s, TABLE_BEFORE, key, sizeof(key), NULL, 0);
}

void store_after_delete(struct store *s, uint64_t job, uint64_t other)
{
	uint8_t key[KEY_SIZE];

	pair_key(key, job, other);
	table_delete(s, TABLE_AFTER, key, sizeof(key));
	pair_key(key, other, job);
	table_delete(s, TABLE_BEFORE, key, sizeof(key));
}

/* A row that can't be understood must not let its job start too soon: it asks for the most. */
static void read_value(const DBT *d, uint64_t job, struct job_after *a)
{
	const uint8_t *value = d->data;

	a->on = AFTER_OK;
	a->outcome = 0;
	if (d->size >= 2 && after_on_name(value[0]) && (!value[1] || job_has_ended(value[1]))) {
		a->on = value[0];
		a->outcome = value[1];
		return;
	}
	log_event(LOG_ERR, "store-error", "error", "how job %llu waits can't be read: taken as \"ok\"",
	    (unsigned long long)job);
}

struct each {
	store_after_fn *fn;
	void *ctx;
};

static int visit_after(struct store *s, const DBT *k, const DBT *d, void *ctx)
{
	const struct each *e = ctx;
	struct job_after a = { 0 };

	(void)s;
	if (k->size != KEY_SIZE)
		return 0;
	a.id = get_be64((const uint8_t *)k->data + 8);
	read_value(d, get_be64(k->data), &a);
	return e->fn(e->ctx, &a) ? 0 : 1;
}

int store_after_each(struct store *s, uint64_t job, uint64_t from, store_after_fn *fn, void *ctx)
{
	uint8_t key[KEY_SIZE];

	pair_key(key, job, from);
	return table_walk(s, TABLE_AFTER, key, sizeof(key), 8, visit_after, &(struct each){ fn, ctx });
}

static int visit_before(struct store *s, const DBT *k, const DBT *d, void *ctx)
{
	const struct each *e = ctx;
	struct job_after a = { 0 };
	uint8_t key[KEY_SIZE];
	DBT row;

	(void)d;
	if (k->size != KEY_SIZE)
		return 0;
	a.id = get_be64((const uint8_t *)k->data + 8);
	pair_key(key, a.id, get_be64(k->data));
	int ret = table_get(s, TABLE_AFTER, key, sizeof(key), &row);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	read_value(&row, a.id, &a);
	return e->fn(e->ctx, &a) ? 0 : 1;
}

int store_before_each(struct store *s, uint64_t job, uint64_t from, store_after_fn *fn, void *ctx)
{
	uint8_t key[KEY_SIZE];

	pair_key(key, job, from);
	return table_walk(s, TABLE_BEFORE, key, sizeof(key), 8, visit_before,
	    &(struct each){ fn, ctx });
}

static int forget_pair(struct store *s, const DBT *k, const DBT *d, void *ctx)
{
	(void)d;
	(void)ctx;
	if (k->size == KEY_SIZE)
		store_after_delete(s, get_be64(k->data), get_be64((const uint8_t *)k->data + 8));
	return s->err;
}

void after_forget(struct store *s, uint64_t job)
{
	uint8_t key[KEY_SIZE];

	pair_key(key, job, 0);
	table_walk(s, TABLE_AFTER, key, sizeof(key), 8, forget_pair, NULL);
}
