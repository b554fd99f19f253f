/* SPDX-License-Identifier: ISC */
/*
 * The secondary keys of ended jobs, all in one table:
 *
 *	kind  value             0   complement of the id
 *	71    64 65 66 61 75..  00  ff ff ff ff ff ff fe d3     'q' "default", job 300
 *
 * The id is complemented so that the newest job of a value comes first, and a
 * page is a walk forward from one seek. It stands in the key, not in the data:
 * duplicates by the hundred thousand are trees of their own in Berkeley DB.
 *
 * An entry promises nothing: rows are looked at before they are shown. So a value
 * that is cut, or an entry that stays behind, costs time and no more.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>

static size_t make_prefix(uint8_t *key, enum index_kind kind, const void *value, size_t len)
{
	key[0] = (uint8_t)kind;
	memcpy(key + 1, value, len);
	key[1 + len] = 0;
	return len + 2;
}

size_t index_prefix(uint8_t *key, enum index_kind kind, const char *value)
{
	return make_prefix(key, kind, value, strnlen(value, INDEX_VALUE_MAX));
}

size_t index_state_prefix(uint8_t *key, enum job_state state)
{
	uint8_t value = (uint8_t)state;

	return make_prefix(key, INDEX_STATE, &value, 1);
}

static size_t ended_at_prefix(uint8_t *key, uint64_t ended_at_us)
{
	uint8_t value[8];

	put_be64(value, ended_at_us);
	return make_prefix(key, INDEX_ENDED_AT, value, sizeof(value));
}

/* Makes the job's keys one by one: which is 0, 1, … Returns 0 for one the job has not. */
static size_t job_key(uint8_t *key, const struct job *j, unsigned which)
{
	size_t len = 0;

	switch (which) {
	case 0:
		len = index_state_prefix(key, j->state);
		break;
	case 1:
		len = index_prefix(key, INDEX_QUEUE, j->queue);
		break;
	case 2:
		len = j->project ? index_prefix(key, INDEX_PROJECT, j->project) : 0;
		break;
	case 3:
		len = index_prefix(key, INDEX_USER, j->user);
		break;
	case 4:
		len = ended_at_prefix(key, j->now.ended_at_us);
		break;
	default:
		break;
	}
	if (len == 0)
		return 0;
	put_be64(key + len, ~j->id);
	return len + 8;
}

#define KEYS 5

void index_put(struct store *s, const struct job *j)
{
	uint8_t key[INDEX_KEY_MAX];

	for (unsigned i = 0; i < KEYS; i++) {
		size_t len = job_key(key, j, i);
		if (len)
			table_put(s, TABLE_INDEX, key, len, NULL, 0);
	}
}

void index_delete(struct store *s, const struct job *j)
{
	uint8_t key[INDEX_KEY_MAX];

	for (unsigned i = 0; i < KEYS; i++) {
		size_t len = job_key(key, j, i);
		if (len)
			table_delete(s, TABLE_INDEX, key, len);
	}
}

enum job_state index_forget_state(struct store *s, uint64_t id)
{
	uint8_t key[INDEX_KEY_MAX];

	for (unsigned state = 1; state < JOB_STATES; state++) {
		size_t len = index_state_prefix(key, state);
		put_be64(key + len, ~id);
		if (job_has_ended(state) && table_delete(s, TABLE_INDEX, key, len + 8))
			return state;
	}
	return 0;
}
