/* SPDX-License-Identifier: ISC */
/*
 * Rows as bytes. One table of fields a record drives both writing and
 * reading, so that the two cannot come apart. A row is a record of lib/tlv.h:
 *
 *	job 300, queued, priority 5, uid 1000, "ann", queue "default", command "true":
 *
 *	01 02 2c 01                       id 300
 *	02 01 01                          state 1 (queued)
 *	04 01 05                          priority
 *	05 02 e8 03                       uid
 *	06 03 61 6e 6e                    user
 *	09 07 64 65 66 61 75 6c 74        queue
 *	0b 04 74 72 75 65                 command, one field an argument
 *
 * A field that holds nothing (0, NULL, no elements; -1 in progress) is left
 * out. A tag keeps its meaning for ever; new ones are added at the end of a
 * table. What a job's row holds under tags that are not known here is kept and
 * written back, so that a daemon of yesterday does not strip what one of
 * tomorrow wrote.
 *
 * Anything read may be damaged: a value out of range, a string that must be
 * there and is not, or bytes that are no record give -EBADMSG.
 */
#include "config.h"

#include "jobd/store/record.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tlv.h"

enum type { U8, U32, U64, I32, I64, BOOL, STR, STRV, ONE, MANY };

struct shape;

struct field {
	uint32_t tag;
	enum type type;
	size_t offset;
	int none;		   /* the number that is left out (I32, I64) */
	bool required;		   /* STR, STRV: not NULL */
	size_t count;		   /* MANY: offset of the size_t that counts them */
	const struct shape *shape; /* ONE, MANY: what each is */
};

struct shape {
	const struct field *fields;
	size_t nfields;
	size_t size;
	size_t unknown; /* offset of the struct buf that keeps unknown fields, or NOWHERE */
};

#define NOWHERE SIZE_MAX

/* Enumerations are read and written as 32 bits, a pid_t as an int. */
static_assert(sizeof(enum job_state) == sizeof(uint32_t), "job_state");
static_assert(sizeof(enum job_reason) == sizeof(uint32_t), "job_reason");
static_assert(sizeof(pid_t) == sizeof(int32_t), "pid_t");
static_assert(sizeof(int) == sizeof(int32_t), "int");

#define SHAPE(name, table, type_)                                                                  \
	static const struct shape name = { table, sizeof(table) / sizeof((table)[0]),              \
		sizeof(type_), NOWHERE }

#define AT(member) .offset = offsetof(struct job_meta, member)
static const struct field meta_fields[] = {
	{ 1, STR, AT(key), .required = true },
	{ 2, STR, AT(value), .required = true },
};
SHAPE(meta_shape, meta_fields, struct job_meta);
#undef AT

#define AT(member) .offset = offsetof(struct job_count, member)
static const struct field count_fields[] = {
	{ 1, STR, AT(name), .required = true },
	{ 2, U64, AT(value) },
};
SHAPE(count_shape, count_fields, struct job_count);
#undef AT

#define AT(member) .offset = offsetof(struct job_progress, member)
static const struct field progress_fields[] = {
	{ 1, I32, AT(percent), .none = -1 },
	{ 2, I64, AT(done), .none = -1 },
	{ 3, I64, AT(total), .none = -1 },
	{ 4, I64, AT(step), .none = -1 },
	{ 5, I64, AT(steps), .none = -1 },
	{ 6, STR, AT(step_name) },
	{ 7, STR, AT(item) },
	{ 8, STR, AT(text) },
	{ 9, MANY, AT(counts), .count = offsetof(struct job_progress, ncounts),
	  .shape = &count_shape },
};
SHAPE(progress_shape, progress_fields, struct job_progress);
#undef AT

#define AT(member) .offset = offsetof(struct job_attempt, member)
static const struct field attempt_fields[] = {
	{ 1, U32, AT(number) },
	{ 2, U32, AT(state) },
	{ 3, U32, AT(reason) },
	{ 4, U64, AT(nonce) },
	{ 5, I32, AT(keeper_pid) },
	{ 6, I32, AT(pid) },
	{ 7, U64, AT(keeper_start) },
	{ 8, U64, AT(pid_start) },
	{ 9, STR, AT(boot_id) },
	{ 10, STR, AT(cgroup) },
	{ 11, U64, AT(started_at_us) },
	{ 12, U64, AT(ended_at_us) },
	{ 13, U64, AT(paused_total_us) },
	{ 14, I32, AT(status) },
	{ 15, BOOL, AT(has_status) },
	{ 16, STR, AT(error) },
	{ 17, U64, AT(usage.cpu_us) },
	{ 18, U64, AT(usage.max_rss_kb) },
	{ 19, U64, AT(usage.in_blocks) },
	{ 20, U64, AT(usage.out_blocks) },
	{ 21, BOOL, AT(silent) },
};
SHAPE(attempt_shape, attempt_fields, struct job_attempt);
#undef AT

#define AT(member) .offset = offsetof(struct job, member)
static const struct field job_fields[] = {
	{ 1, U64, AT(id) },
	{ 2, U32, AT(state) },
	{ 3, U32, AT(reason) },
	{ 4, U8, AT(priority) },
	{ 5, U32, AT(uid) },
	{ 6, STR, AT(user), .required = true },
	{ 7, U32, AT(submitter_uid) },
	{ 8, STR, AT(name) },
	{ 9, STR, AT(queue), .required = true },
	{ 10, STR, AT(project) },
	{ 11, STRV, AT(command), .required = true },
	{ 12, STR, AT(cwd) },
	{ 13, I32, AT(umask) },
	{ 14, MANY, AT(meta), .count = offsetof(struct job, nmeta), .shape = &meta_shape },
	{ 15, BOOL, AT(cancel_requested) },
	{ 16, BOOL, AT(pause_requested) },
	{ 17, U32, AT(attempts) },
	{ 18, U64, AT(submitted_at_us) },
	{ 19, U64, AT(eligible_at_us) },
	{ 20, U64, AT(paused_at_us) },
	{ 21, ONE, AT(now), .shape = &attempt_shape },
	{ 22, MANY, AT(history), .count = offsetof(struct job, nhistory), .shape = &attempt_shape },
	{ 23, ONE, AT(progress), .shape = &progress_shape },
	{ 24, BOOL, AT(stop_paused) },
};
static const struct shape job_shape = { job_fields, sizeof(job_fields) / sizeof(job_fields[0]),
	sizeof(struct job), offsetof(struct job, unknown) };
#undef AT

#define AT(member) .offset = offsetof(struct journal_entry, member)
static const struct field entry_fields[] = {
	{ 1, U64, AT(number) },
	{ 2, U64, AT(at_us) },
	{ 3, U64, AT(job) },
	{ 4, U32, AT(attempt) },
	{ 5, STR, AT(verb) },
	{ 6, U32, AT(from) },
	{ 7, U32, AT(to) },
	{ 8, U32, AT(reason) },
	{ 9, STR, AT(result) },
	{ 10, BOOL, AT(has_actor) },
	{ 11, U32, AT(uid) },
	{ 12, STR, AT(user) },
	{ 13, I32, AT(pid) },
	{ 14, STR, AT(process) },
	{ 15, BOOL, AT(has_status) },
	{ 16, I32, AT(status) },
	{ 17, STR, AT(detail) },
	{ 18, U32, AT(owner) },
};
SHAPE(entry_shape, entry_fields, struct journal_entry);
#undef AT

static void put_record(struct buf *b, const struct shape *sh, const void *base);

/*
 * A record within a record. Its length stands before it and is not known until
 * it is written: one byte is kept for it, and the rest moved where that is not enough.
 */
static void put_nested(struct buf *b, uint32_t tag, const struct shape *sh, const void *base,
    bool even_empty)
{
	size_t before = b->len;
	tlv_put_bytes(b, tag, NULL, 0);
	size_t start = b->len;
	put_record(b, sh, base);
	size_t len = b->len - start;
	if (b->failed)
		return;
	if (len == 0 && !even_empty) {
		b->len = before;
		return;
	}
	size_t extra = 0;
	for (size_t rest = len >> 7; rest; rest >>= 7)
		extra++;
	if (extra) {
		if (!buf_reserve(b, extra))
			return;
		memmove(b->data + start + extra, b->data + start, len);
		b->len += extra;
	}
	uint8_t *at = b->data + start - 1;
	for (; len > 0x7f; len >>= 7)
		*at++ = (uint8_t)(len & 0x7f) | 0x80;
	*at = (uint8_t)len;
}

static void put_many(struct buf *b, const struct field *f, const void *base)
{
	const char *elements;
	size_t n;

	memcpy(&elements, (const char *)base + f->offset, sizeof(elements));
	memcpy(&n, (const char *)base + f->count, sizeof(n));
	for (size_t i = 0; i < n; i++)
		put_nested(b, f->tag, f->shape, elements + i * f->shape->size, true);
}

static void put_unsigned(struct buf *b, uint32_t tag, uint64_t v)
{
	if (v)
		tlv_put_u64(b, tag, v);
}

static void put_signed(struct buf *b, const struct field *f, int64_t v)
{
	if (v != f->none)
		tlv_put_i64(b, f->tag, v);
}

static void put_field(struct buf *b, const struct field *f, const void *base)
{
	const void *at = (const char *)base + f->offset;

	switch (f->type) {
	case U8:
		put_unsigned(b, f->tag, *(const uint8_t *)at);
		break;
	case U32:
		put_unsigned(b, f->tag, *(const uint32_t *)at);
		break;
	case U64:
		put_unsigned(b, f->tag, *(const uint64_t *)at);
		break;
	case BOOL:
		put_unsigned(b, f->tag, *(const bool *)at);
		break;
	case I32:
		put_signed(b, f, *(const int32_t *)at);
		break;
	case I64:
		put_signed(b, f, *(const int64_t *)at);
		break;
	case STR:
		tlv_put_str(b, f->tag, *(char *const *)at);
		break;
	case STRV:
		tlv_put_strv(b, f->tag, *(char **const *)at);
		break;
	case ONE:
		put_nested(b, f->tag, f->shape, at, false);
		break;
	case MANY:
		put_many(b, f, base);
		break;
	}
}

static void put_record(struct buf *b, const struct shape *sh, const void *base)
{
	for (size_t i = 0; i < sh->nfields; i++)
		put_field(b, &sh->fields[i], base);
}

static int get_record(struct tlv_reader r, const struct shape *sh, void *base);

static int get_str(const struct tlv *t, char **at)
{
	char *s = tlv_str(t);

	if (!s)
		return -ENOMEM;
	free(*at); /* given twice: the last counts */
	*at = s;
	return 0;
}

/* Appends an element; the array grows at the powers of two. */
static int get_many(const struct tlv *t, const struct field *f, void *base)
{
	char *elements;
	size_t n, size = f->shape->size;

	memcpy(&elements, (char *)base + f->offset, sizeof(elements));
	memcpy(&n, (char *)base + f->count, sizeof(n));
	if ((n & (n - 1)) == 0) {
		char *grown = realloc(elements, (n ? 2 * n : 1) * size);
		if (!grown)
			return -ENOMEM;
		elements = grown;
		memcpy((char *)base + f->offset, &elements, sizeof(elements));
	}
	memset(elements + n * size, 0, size);
	n++;
	memcpy((char *)base + f->count, &n, sizeof(n));
	return get_record((struct tlv_reader){ t->data, t->len, false }, f->shape,
	    elements + (n - 1) * size);
}

/* *strings counts what the record's one STRV holds: a command may have 100,000 arguments. */
static int get_field(const struct tlv *t, const struct field *f, void *base, size_t *strings)
{
	void *at = (char *)base + f->offset;
	uint64_t u = 0;
	int64_t i = 0;

	if (f->type <= BOOL && t->len > 8)
		return -EBADMSG;
	if (f->type == I32 || f->type == I64)
		i = tlv_i64(t);
	else if (f->type <= BOOL)
		u = tlv_u64(t);

	switch (f->type) {
	case U8:
		*(uint8_t *)at = (uint8_t)u;
		return u <= UINT8_MAX ? 0 : -EBADMSG;
	case U32:
		*(uint32_t *)at = (uint32_t)u;
		return u <= UINT32_MAX ? 0 : -EBADMSG;
	case U64:
		*(uint64_t *)at = u;
		return 0;
	case BOOL:
		*(bool *)at = u != 0;
		return 0;
	case I32:
		*(int32_t *)at = (int32_t)i;
		return i >= INT32_MIN && i <= INT32_MAX ? 0 : -EBADMSG;
	case I64:
		*(int64_t *)at = i;
		return 0;
	case STR:
		return get_str(t, at);
	case STRV:
		return tlv_strv(t, at, strings) ? 0 : -ENOMEM;
	case ONE:
		return get_record((struct tlv_reader){ t->data, t->len, false }, f->shape, at);
	case MANY:
		return get_many(t, f, base);
	}
	return -EBADMSG;
}

/* Fields come in the table's order, so the search begins after the last one found. */
static const struct field *find_field(const struct shape *sh, uint32_t tag, size_t *hint)
{
	for (size_t n = 0; n < sh->nfields; n++) {
		size_t i = (*hint + n) % sh->nfields;
		if (sh->fields[i].tag == tag) {
			*hint = i;
			return &sh->fields[i];
		}
	}
	return NULL;
}

static bool is_complete(const struct shape *sh, const void *base)
{
	for (size_t i = 0; i < sh->nfields; i++) {
		const struct field *f = &sh->fields[i];
		const void *p;

		if (!f->required)
			continue;
		memcpy(&p, (const char *)base + f->offset, sizeof(p));
		if (!p)
			return false;
	}
	return true;
}

static int get_record(struct tlv_reader r, const struct shape *sh, void *base)
{
	struct tlv t;
	size_t hint = 0, strings = 0;

	while (tlv_next(&r, &t)) {
		const struct field *f = find_field(sh, t.tag, &hint);
		int ret = 0;

		if (f) {
			ret = get_field(&t, f, base, &strings);
		} else if (sh->unknown != NOWHERE) {
			struct buf *kept = (void *)((char *)base + sh->unknown);
			tlv_put_bytes(kept, t.tag, t.data, t.len);
			ret = kept->failed ? -ENOMEM : 0;
		}
		if (ret)
			return ret;
	}
	return r.bad || !is_complete(sh, base) ? -EBADMSG : 0;
}

void record_job_encode(struct buf *b, const struct job *j)
{
	put_record(b, &job_shape, j);
	buf_put(b, j->unknown.data, j->unknown.len);
}

void record_entry_encode(struct buf *b, const struct journal_entry *e)
{
	put_record(b, &entry_shape, e);
}

int record_job_decode(const void *data, size_t len, struct job *j)
{
	job_init(j);
	int ret = get_record((struct tlv_reader){ data, len, false }, &job_shape, j);
	if (ret == 0 && !job_state_name(j->state))
		ret = -EBADMSG;
	if (ret)
		job_fini(j);
	return ret;
}

int record_entry_decode(const void *data, size_t len, struct journal_entry *e)
{
	*e = (struct journal_entry){ 0 };
	int ret = get_record((struct tlv_reader){ data, len, false }, &entry_shape, e);
	if (ret)
		journal_entry_fini(e);
	return ret;
}
