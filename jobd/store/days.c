/* SPDX-License-Identifier: ISC */
/*
 * Which numbers a day saw: of each day (UTC) the first and the last job that was
 * submitted on it, and the same for the journal. So a window of time is a few
 * runs of numbers, and nothing else has to be looked at.
 *
 * A binary search over the rows would do without the table if clocks were only
 * ever right; one that was wrong for a day would hide what is on its other side.
 * Here it makes a run wider, and what is in a run is looked at anyway.
 *
 *	kind 1 (jobs), day 20778, first 301, last 955:
 *	01 00 00 51 2a → 00 00 00 00 00 00 01 2d 00 00 00 00 00 00 03 bb
 *
 * The present day is held in memory and written once a turn. Days are not
 * narrowed when jobs are deleted.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/array.h"

#define DAY_US	 (86400ull * 1000000)
#define KEY_SIZE 5

static void day_key(uint8_t key[KEY_SIZE], enum day_kind kind, uint32_t day)
{
	key[0] = (uint8_t)kind;
	put_be32(key + 1, day);
}

static uint32_t day_of(uint64_t at_us)
{
	uint64_t day = at_us / DAY_US;

	return day < UINT32_MAX ? (uint32_t)day : UINT32_MAX;
}

static void write_day(struct store *s, enum day_kind kind)
{
	struct day *d = &s->days[kind];
	uint8_t key[KEY_SIZE], value[16];

	if (!d->dirty)
		return;
	day_key(key, kind, d->day);
	put_be64(value, d->first);
	put_be64(value + 8, d->last);
	table_put(s, TABLE_DAYS, key, sizeof(key), value, sizeof(value));
	d->dirty = false;
}

static void load_day(struct store *s, enum day_kind kind, uint32_t day)
{
	struct day *d = &s->days[kind];
	uint8_t key[KEY_SIZE];
	DBT v;

	write_day(s, kind);
	*d = (struct day){ .day = day, .first = UINT64_MAX, .last = 0, .known = true };
	day_key(key, kind, day);
	int ret = table_get(s, TABLE_DAYS, key, sizeof(key), &v);
	if (ret == 0 && v.size == 16) {
		d->first = get_be64(v.data);
		d->last = get_be64((const uint8_t *)v.data + 8);
	}
}

void day_note(struct store *s, enum day_kind kind, uint64_t at_us, uint64_t number)
{
	struct day *d = &s->days[kind];
	uint32_t day = day_of(at_us);

	if (!d->known || d->day != day)
		load_day(s, kind, day);
	if (number < d->first) {
		d->first = number;
		d->dirty = true;
	}
	if (number > d->last) {
		d->last = number;
		d->dirty = true;
	}
}

void days_flush(struct store *s)
{
	write_day(s, DAY_JOBS);
	write_day(s, DAY_ENTRIES);
}

static int by_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Joins what overlaps or touches; leaves the highest first. */
static size_t join(struct span *v, size_t n)
{
	size_t out = 0;

	qsort(v, n, sizeof(*v), by_first);
	for (size_t i = 0; i < n; i++) {
		if (out && v[i].first <= v[out - 1].last + 1) {
			if (v[i].last > v[out - 1].last)
				v[out - 1].last = v[i].last;
		} else {
			v[out++] = v[i];
		}
	}
	for (size_t i = 0; i < out / 2; i++) {
		struct span x = v[i];
		v[i] = v[out - 1 - i];
		v[out - 1 - i] = x;
	}
	return out;
}

/* Reads the days from the cursor's place to the last one wanted; *out and *n are NULL and 0 before. */
static int collect(struct store *s, DBC *c, const uint8_t from[KEY_SIZE],
    const uint8_t to[KEY_SIZE], struct span **out, size_t *n)
{
	DBT k, d;
	uint8_t key[KEY_SIZE];
	size_t cap = 0;
	int ret;

	memset(&k, 0, sizeof(k));
	memset(&d, 0, sizeof(d));
	memcpy(key, from, KEY_SIZE);
	k.data = key;
	k.size = KEY_SIZE;
	for (ret = table_move(s, c, &k, &d, DB_SET_RANGE); ret == 0;
	     ret = table_move(s, c, &k, &d, DB_NEXT)) {
		if (k.size != KEY_SIZE || d.size != 16 || memcmp(k.data, to, KEY_SIZE) > 0)
			break;
		struct span *v = array_room(*out, *n, &cap, sizeof(*v));
		if (!v)
			return -ENOMEM;
		*out = v;
		(*out)[(*n)++] = (struct span){ get_be64(d.data),
			get_be64((const uint8_t *)d.data + 8) };
	}
	return ret == -ENOENT ? 0 : ret;
}

int days_spans(struct store *s, enum day_kind kind, uint64_t since_us, uint64_t until_us,
    struct span **out, size_t *n)
{
	uint8_t from[KEY_SIZE], to[KEY_SIZE];
	DBC *c;

	*out = NULL;
	*n = 0;
	days_flush(s);
	day_key(from, kind, day_of(since_us));
	day_key(to, kind, until_us ? day_of(until_us - 1) : UINT32_MAX);
	int ret = table_cursor(s, TABLE_DAYS, &c);
	if (ret)
		return ret;
	ret = collect(s, c, from, to, out, n);
	c->close(c);
	if (ret) {
		free(*out);
		*out = NULL;
		return ret;
	}
	if (*n)
		*n = join(*out, *n);
	return 0;
}
