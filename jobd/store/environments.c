/* SPDX-License-Identifier: ISC */
/*
 * Environments, under numbers, and how many jobs have each.
 *
 *	environments       number → NAME=value, one field each
 *	environment_uses   number → how many have it; no row: one
 *
 * Nearly every environment is one job's, and that one costs no second row. An environment that
 * nobody has is not there: a job without one costs none at all.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/strv.h"
#include "lib/tlv.h"

#define TAG_VARIABLE 1

/* How many have it, given that it is there. */
static uint64_t uses(struct store *s, const uint8_t key[8])
{
	DBT d;
	int ret = table_get(s, TABLE_ENVIRONMENT_USES, key, 8, &d);

	return ret == 0 && d.size == 8 ? get_be64(d.data) : 1;
}

static void set_uses(struct store *s, const uint8_t key[8], uint64_t n)
{
	uint8_t value[8];

	put_be64(value, n);
	if (n > 1)
		table_put(s, TABLE_ENVIRONMENT_USES, key, 8, value, sizeof(value));
	else
		table_delete(s, TABLE_ENVIRONMENT_USES, key, 8);
}

void store_environment_put(struct store *s, uint64_t number, char *const *env)
{
	uint8_t key[8];

	put_be64(key, number);
	buf_clear(&s->row);
	tlv_put_strv(&s->row, TAG_VARIABLE, env);
	if (s->row.failed) {
		turn_fail(s, ENOMEM, "environment");
		return;
	}
	if (table_add(s, TABLE_ENVIRONMENTS, key, sizeof(key), s->row.data, s->row.len))
		return;
	set_uses(s, key, uses(s, key) + 1);
	table_put(s, TABLE_ENVIRONMENTS, key, sizeof(key), s->row.data, s->row.len);
}

void store_environment_share(struct store *s, uint64_t number, uint64_t more)
{
	uint8_t key[8];

	put_be64(key, number);
	if (more && table_has(s, TABLE_ENVIRONMENTS, key, sizeof(key)))
		set_uses(s, key, uses(s, key) + more);
}

void store_environment_drop(struct store *s, uint64_t number)
{
	uint8_t key[8];

	put_be64(key, number);
	uint64_t n = uses(s, key);
	if (n > 1)
		set_uses(s, key, n - 1);
	else
		table_delete(s, TABLE_ENVIRONMENTS, key, sizeof(key));
}

int store_environment_get(struct store *s, uint64_t number, char ***env)
{
	uint8_t key[8];
	DBT d;
	struct tlv t;
	size_t n = 0;

	put_be64(key, number);
	int ret = table_get(s, TABLE_ENVIRONMENTS, key, sizeof(key), &d);
	if (ret)
		return ret;
	char **v = calloc(1, sizeof(*v));
	struct tlv_reader r = { d.data, d.size, false };
	bool ok = v != NULL;
	while (ok && tlv_next(&r, &t))
		ok = t.tag != TAG_VARIABLE || tlv_strv(&t, &v, &n);
	if (!ok || r.bad) {
		strv_free(v);
		return ok ? -EBADMSG : -ENOMEM;
	}
	*env = v;
	return 0;
}

uint64_t store_environment_of(const struct job *j)
{
	return j->environment ? j->environment : j->id;
}
