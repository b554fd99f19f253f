/* SPDX-License-Identifier: ISC */
/*
 * Job numbers. A range is written out: IDS_MAX bounds the memory, and a list of numbers is
 * what the protocol takes.
 */
#include "config.h"

#include "jobctl/ids.h"

#include <stdlib.h>

#include "lib/array.h"

static enum ids_result put(struct ids *ids, uint64_t number, bool named)
{
	if (ids->n == IDS_MAX)
		return IDS_TOO_MANY;
	struct id *v = array_room(ids->v, ids->n, &ids->cap, sizeof *v);
	if (!v)
		return IDS_NO_MEMORY;
	ids->v = v;
	ids->v[ids->n++] = (struct id){ number, named };
	return IDS_OK;
}

/* A job number: digits, 1 to what a signed 64-bit number holds. */
static bool take_number(const char **s, uint64_t *out)
{
	uint64_t v = 0;
	const char *p = *s;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (v > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (p == *s || v == 0)
		return false;
	*s = p;
	*out = v;
	return true;
}

enum ids_result ids_add(struct ids *ids, const char *word)
{
	for (const char *p = word;; p++) {
		uint64_t first, last;
		if (!take_number(&p, &first))
			return IDS_NOT_A_NUMBER;
		last = first;
		bool range = *p == '-';
		if (range) {
			p++;
			if (!take_number(&p, &last))
				return IDS_NOT_A_NUMBER;
			if (last < first)
				return IDS_BACKWARDS;
			if (last - first >= IDS_MAX)
				return IDS_TOO_MANY;
		}
		if (*p && *p != ',')
			return IDS_NOT_A_NUMBER;
		for (uint64_t i = first; i <= last; i++) {
			enum ids_result r = put(ids, i, !range);
			if (r != IDS_OK)
				return r;
		}
		if (!*p)
			return IDS_OK;
	}
}

struct placed {
	struct id id;
	size_t place;
};

static int by_number(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	if (x->id.number != y->id.number)
		return x->id.number < y->id.number ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static int by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	return x->place < y->place ? -1 : x->place > y->place;
}

void ids_unique(struct ids *ids)
{
	struct placed *p = ids->n > 1 ? malloc(ids->n * sizeof *p) : NULL;
	size_t n = 0;

	if (!p)
		return; /* a number given twice is then done twice: harmless */
	for (size_t i = 0; i < ids->n; i++)
		p[i] = (struct placed){ ids->v[i], i };
	qsort(p, ids->n, sizeof *p, by_number);
	for (size_t i = 0; i < ids->n; i++) {
		if (n && p[n - 1].id.number == p[i].id.number)
			p[n - 1].id.named |= p[i].id.named;
		else
			p[n++] = p[i];
	}
	qsort(p, n, sizeof *p, by_place);
	for (size_t i = 0; i < n; i++)
		ids->v[i] = p[i].id;
	ids->n = n;
	free(p);
}

void ids_fini(struct ids *ids)
{
	free(ids->v);
	*ids = (struct ids){ 0 };
}
