/* SPDX-License-Identifier: ISC */
/*
 * The turn's transaction, and the tables through it.
 *
 * Reads open the turn too: in a private environment, reading outside the open
 * transaction a page that it wrote panics, so there is no outside. A turn that
 * only read ends without touching the disk. Locks of what was merely read are
 * given back at once, or a walk through history would hold a lock a page.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>

#include "lib/clock.h"
#include "lib/log.h"

/* Opens the turn unless it is open. False when an error sticks. */
static bool begin(struct store *s)
{
	if (s->err)
		return false;
	if (s->txn)
		return true;
	int ret = s->env->txn_begin(s->env, NULL, &s->txn, 0);
	if (ret) {
		s->txn = NULL;
		turn_fail(s, ret, "begin");
		return false;
	}
	return true;
}

void turn_fail(struct store *s, int ret, const char *what)
{
	if (s->err)
		return;
	s->err = env_error(s, ret);
	const char *more = "";
	if (ret == DB_RUNRECOVERY)
		more = "; if this comes again after a restart the store is damaged: " STORE_PUT_BACK;
	else if (ret == ENOMEM && s->err == -ENOSPC)
		more = ", since the disk is full";
	log_event(LOG_CRIT, "store-failed", "error", "%s: %s%s", what, db_strerror(ret), more);
}

/*
 * Of a read. What is not there is an answer; anything else sticks, for a panic ends all that
 * follows, and the turn that had to look is not to be committed as if it had seen nothing.
 */
static int read_result(struct store *s, int ret)
{
	if (ret && ret != DB_NOTFOUND && ret != DB_KEYEMPTY)
		turn_fail(s, ret, "read");
	return env_error(s, ret);
}

static DBT dbt(const void *data, size_t len)
{
	DBT d;

	memset(&d, 0, sizeof(d));
	/* Berkeley DB does not write to what it is given as key or data. */
	memcpy(&d.data, &data, sizeof(data));
	d.size = (uint32_t)len;
	return d;
}

void table_put(struct store *s, enum table t, const void *key, size_t klen, const void *data,
    size_t len)
{
	if (!begin(s))
		return;
	DBT k = dbt(key, klen), d = dbt(data, len);
	s->dirty = true;
	int ret = s->db[t]->put(s->db[t], s->txn, &k, &d, 0);
	if (ret)
		turn_fail(s, ret, "put");
}

bool table_add(struct store *s, enum table t, const void *key, size_t klen, const void *data,
    size_t len)
{
	if (!begin(s))
		return false;
	DBT k = dbt(key, klen), d = dbt(data, len);
	int ret = s->db[t]->put(s->db[t], s->txn, &k, &d, DB_NOOVERWRITE);
	if (ret == 0)
		s->dirty = true;
	else if (ret != DB_KEYEXIST)
		turn_fail(s, ret, "put");
	return ret == 0;
}

bool table_delete(struct store *s, enum table t, const void *key, size_t klen)
{
	if (!begin(s))
		return false;
	DBT k = dbt(key, klen);
	int ret = s->db[t]->del(s->db[t], s->txn, &k, 0);
	if (ret == 0)
		s->dirty = true;
	else if (ret != DB_NOTFOUND)
		turn_fail(s, ret, "delete");
	return ret == 0;
}

int table_get(struct store *s, enum table t, const void *key, size_t klen, DBT *out)
{
	if (!begin(s))
		return s->err;
	DBT k = dbt(key, klen);
	*out = dbt(NULL, 0);
	return read_result(s, s->db[t]->get(s->db[t], s->txn, &k, out, DB_READ_COMMITTED));
}

int table_get_head(struct store *s, enum table t, const void *key, size_t klen, size_t most,
    DBT *out)
{
	if (!begin(s))
		return s->err;
	DBT k = dbt(key, klen);
	*out = dbt(NULL, 0);
	out->flags = DB_DBT_PARTIAL;
	out->dlen = (uint32_t)most;
	return read_result(s, s->db[t]->get(s->db[t], s->txn, &k, out, DB_READ_COMMITTED));
}

bool table_has(struct store *s, enum table t, const void *key, size_t klen)
{
	if (!begin(s))
		return false;
	DBT k = dbt(key, klen);
	return read_result(s, s->db[t]->exists(s->db[t], s->txn, &k, DB_READ_COMMITTED)) == 0;
}

int table_cursor(struct store *s, enum table t, DBC **out)
{
	*out = NULL;
	if (!begin(s))
		return s->err;
	return read_result(s, s->db[t]->cursor(s->db[t], s->txn, out, DB_READ_COMMITTED));
}

int table_move(struct store *s, DBC *c, DBT *key, DBT *data, uint32_t how)
{
	return read_result(s, c->get(c, key, data, how));
}

int table_walk(struct store *s, enum table t, const uint8_t *from, size_t len, size_t common,
    table_fn *fn, void *ctx)
{
	DBC *c;
	DBT k = dbt(from, len), d = dbt(NULL, 0);
	int ret = table_cursor(s, t, &c);

	if (ret)
		return ret;
	ret = table_move(s, c, &k, &d, from ? DB_SET_RANGE : DB_FIRST);
	while (ret == 0 && k.size >= common && (!common || memcmp(k.data, from, common) == 0)) {
		ret = fn(s, &k, &d, ctx);
		if (ret == 0)
			ret = table_move(s, c, &k, &d, DB_NEXT);
	}
	c->close(c);
	return ret == 1 || ret == -ENOENT ? 0 : ret;
}

bool key_is(const DBT *k, const char *name)
{
	return k->size == strlen(name) && memcmp(k->data, name, k->size) == 0;
}

int table_last(struct store *s, enum table t, uint64_t *n)
{
	DBC *c;
	DBT k = dbt(NULL, 0), d = dbt(NULL, 0);
	int ret = table_cursor(s, t, &c);

	if (ret)
		return ret;
	ret = table_move(s, c, &k, &d, DB_LAST);
	if (ret == 0)
		*n = k.size == 8 ? get_be64(k.data) : 0;
	c->close(c);
	return ret;
}

static void set_aside(struct store *s, enum table t, const void *key, size_t klen,
    const void *data, size_t len)
{
	const uint8_t kind = (uint8_t)t;

	buf_clear(&s->key);
	buf_put(&s->key, &kind, 1);
	buf_put(&s->key, key, klen);
	if (s->key.failed) {
		turn_fail(s, ENOMEM, "set aside");
		return;
	}
	table_put(s, TABLE_ASIDE, s->key.data, s->key.len, data, len);
	table_delete(s, t, key, klen);
}

void table_set_aside(struct store *s, enum table t, uint64_t id, const void *data, size_t len)
{
	uint8_t key[8];

	log_event(LOG_ERR, "row-set-aside", "job", "%llu", (unsigned long long)id);
	put_be64(key, id);
	set_aside(s, t, key, sizeof(key), data, len);
}

void table_set_name_aside(struct store *s, enum table t, const char *what, const DBT *k,
    const DBT *d)
{
	log_event(LOG_ERR, "row-set-aside", what, "%.*s", (int)k->size, (const char *)k->data);
	set_aside(s, t, k->data, k->size, d->data, d->size);
}

static int end_reading(struct store *s)
{
	DB_TXN *txn = s->txn;

	s->txn = NULL;
	int ret = txn ? txn->commit(txn, 0) : 0;
	if (ret)
		turn_fail(s, ret, "end of a turn");
	return s->err;
}

int store_commit(struct store *s)
{
	if (s->err)
		return s->err;
	if (!store_is_dirty(s))
		return end_reading(s);
	days_flush(s);
	meta_flush(s);
	if (s->err)
		return s->err;
	DB_TXN *txn = s->txn;
	s->txn = NULL;
	int ret = txn->commit(txn, 0);
	if (ret) {
		turn_fail(s, ret, "commit");
		return s->err;
	}
	s->dirty = false;
	mark_write(s);
	if (s->dirty_since_us == 0)
		s->dirty_since_us = clock_mono_us();
	store_bound_log(s);
	return 0;
}

bool store_is_dirty(const struct store *s)
{
	return s->dirty || s->meta_dirty;
}
