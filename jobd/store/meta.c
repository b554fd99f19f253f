/* SPDX-License-Identifier: ISC */
/*
 * What the store knows of itself, each a record of lib/tlv.h:
 *
 *	schema    1: its number
 *	instance  1: 16 hexadecimal digits
 *	state     1: the next job id, 10 + state: how many ended jobs are in it
 *
 * "state" is written once a turn, with the turn. So an id that was given and not
 * committed may be given again after a crash; but then nothing of that turn was
 * answered or begun, and nobody can have seen it.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "lib/str.h"
#include "lib/tlv.h"

#define TAG_VALUE 1
#define TAG_COUNT 10

static int read_value(struct store *s, const char *name, struct tlv *out)
{
	DBT d;
	int ret = table_get(s, TABLE_META, name, strlen(name), &d);

	if (ret)
		return ret;
	struct tlv_reader r = { d.data, d.size, false };
	return tlv_next(&r, out) && out->tag == TAG_VALUE ? 0 : -EBADMSG;
}

static void write_row(struct store *s, const char *name)
{
	if (s->row.failed)
		turn_fail(s, ENOMEM, "meta");
	table_put(s, TABLE_META, name, strlen(name), s->row.data, s->row.len);
}

void meta_write_schema(struct store *s)
{
	buf_clear(&s->row);
	tlv_put_u64(&s->row, TAG_VALUE, STORE_SCHEMA);
	write_row(s, "schema");
}

static int make(struct store *s)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(s->instance, sizeof(s->instance), "%016" PRIx64, random);
	meta_write_schema(s);
	buf_clear(&s->row);
	tlv_put_str(&s->row, TAG_VALUE, s->instance);
	write_row(s, "instance");
	s->next_id = 1;
	s->meta_dirty = true;
	return store_commit(s);
}

static int load_state(struct store *s)
{
	DBT d;
	struct tlv t;
	int ret = table_get(s, TABLE_META, "state", strlen("state"), &d);

	if (ret)
		return ret;
	struct tlv_reader r = { d.data, d.size, false };
	while (tlv_next(&r, &t)) {
		if (t.tag == TAG_VALUE)
			s->next_id = tlv_u64(&t);
		else if (t.tag >= TAG_COUNT && t.tag < TAG_COUNT + JOB_STATES)
			s->counts[t.tag - TAG_COUNT] = tlv_u64(&t);
	}
	return r.bad || s->next_id == 0 ? -EBADMSG : 0;
}

int meta_load(struct store *s, char **why)
{
	struct tlv t;
	int ret = read_value(s, "schema", &t);

	if (ret == -ENOENT) {
		ret = make(s);
		return ret ? str_why(why, ret, "%s: %s", s->home, strerror(-ret)) : 0;
	}
	if (ret == 0 && tlv_u64(&t) > STORE_SCHEMA)
		return str_why(why, -EPROTO,
		    "%s was written by a newer jobd (schema %" PRIu64 "; this one knows up to %d)",
		    s->home, tlv_u64(&t), STORE_SCHEMA);
	if (ret == 0 && tlv_u64(&t) < STORE_SCHEMA)
		s->old_schema = true;
	if (ret == 0)
		ret = read_value(s, "instance", &t);
	if (ret == 0 && t.len != sizeof(s->instance) - 1)
		ret = -EBADMSG;
	if (ret == 0) {
		memcpy(s->instance, t.data, t.len);
		ret = load_state(s);
	}
	if (ret)
		return str_why(why, ret, "%s: the table meta can't be read (%s); the store is damaged: "
		    STORE_PUT_BACK, s->home, strerror(-ret));
	return 0;
}

void meta_flush(struct store *s)
{
	if (!s->meta_dirty)
		return;
	buf_clear(&s->row);
	tlv_put_u64(&s->row, TAG_VALUE, s->next_id);
	for (uint32_t i = 0; i < JOB_STATES; i++)
		if (s->counts[i])
			tlv_put_u64(&s->row, TAG_COUNT + i, s->counts[i]);
	write_row(s, "state");
	s->meta_dirty = false;
}

uint64_t store_next_id(struct store *s)
{
	s->meta_dirty = true;
	return s->next_id++;
}

void store_ended_counts(struct store *s, uint64_t counts[JOB_STATES])
{
	memcpy(counts, s->counts, sizeof(s->counts));
}
