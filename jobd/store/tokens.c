/* SPDX-License-Identifier: ISC */
/*
 * Which job a user's token made, for seven days.
 *
 *	tokens      uid, token → id, time
 *	token_ages  time, uid, token → nothing
 *
 * The second is in the order in which tokens grow too old, so that dropping
 * them looks at nothing that is still wanted; it is only ever appended to.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>

#include "lib/clock.h"

#define KEPT_US	 (7 * 86400ull * 1000000)
#define SLICE_US 2000 /* of a tick */

static void token_key(struct buf *b, uint32_t uid, const char *token)
{
	uint8_t u[4];

	put_be32(u, uid);
	buf_put(b, u, sizeof(u));
	buf_puts(b, token);
}

uint64_t store_token_get(struct store *s, uint32_t uid, const char *token)
{
	DBT d;

	buf_clear(&s->key);
	token_key(&s->key, uid, token);
	if (s->key.failed) {
		/* "Not there" would make a second job of what can't be looked up. */
		turn_fail(s, ENOMEM, "token");
		return 0;
	}
	int ret = table_get(s, TABLE_TOKENS, s->key.data, s->key.len, &d);
	return ret == 0 && d.size == 16 ? get_be64(d.data) : 0;
}

void store_token_put(struct store *s, uint32_t uid, const char *token, uint64_t id,
    uint64_t now_us)
{
	uint8_t value[16], age[8];

	put_be64(value, id);
	put_be64(value + 8, now_us);
	put_be64(age, now_us);
	buf_clear(&s->key);
	buf_put(&s->key, age, sizeof(age));
	token_key(&s->key, uid, token);
	if (s->key.failed) {
		turn_fail(s, ENOMEM, "token");
		return;
	}
	table_put(s, TABLE_TOKEN_AGES, s->key.data, s->key.len, NULL, 0);
	table_put(s, TABLE_TOKENS, s->key.data + 8, s->key.len - 8, value, sizeof(value));
}

/* The token itself goes unless it was put again since. */
static void expire_one(struct store *s, DBC *c, const DBT *age)
{
	const uint8_t *key = age->data;
	DBT d;
	int ret = table_get(s, TABLE_TOKENS, key + 8, age->size - 8, &d);

	if (ret == 0 && d.size == 16 && memcmp((const uint8_t *)d.data + 8, key, 8) == 0)
		table_delete(s, TABLE_TOKENS, key + 8, age->size - 8);
	ret = c->del(c, 0);
	if (ret)
		turn_fail(s, ret, "token");
	s->dirty = true;
}

void tokens_expire(struct store *s, uint64_t now_us)
{
	uint64_t start = clock_mono_us();
	DBT k, d;
	DBC *c;

	if (now_us < KEPT_US || table_cursor(s, TABLE_TOKEN_AGES, &c))
		return;
	memset(&k, 0, sizeof(k));
	memset(&d, 0, sizeof(d));
	while (!s->err && clock_mono_us() - start < SLICE_US &&
	    table_move(s, c, &k, &d, DB_NEXT) == 0) {
		if (k.size < 12 || get_be64(k.data) > now_us - KEPT_US)
			break;
		expire_one(s, c, &k);
	}
	c->close(c);
}
