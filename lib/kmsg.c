/* SPDX-License-Identifier: ISC */
/*
 * Messages between jobd and its keepers: framing, and the record of an end,
 * which is the same in a message and in an exit file.
 */
#include "config.h"

#include "lib/kmsg.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define HEADER 6 /* length, type */

size_t kmsg_begin(struct buf *out, enum kmsg_type type)
{
	size_t mark = out->len;
	uint8_t header[HEADER] = { 0, 0, 0, 0, type & 0xff, (unsigned)type >> 8 };
	buf_put(out, header, sizeof(header));
	return mark;
}

void kmsg_end(struct buf *out, size_t mark)
{
	if (out->failed || out->len < mark + HEADER) {
		out->failed = true;
		return;
	}
	size_t len = out->len - mark - HEADER;
	if (len > KMSG_MAX) {
		/* The peer would drop the connection over it: do not even send it. */
		out->failed = true;
		return;
	}
	for (int i = 0; i < 4; i++)
		out->data[mark + (size_t)i] = (uint8_t)(len >> (8 * i));
}

int kmsg_parse(const struct buf *in, struct kmsg *m)
{
	if (in->len < HEADER)
		return 0;
	uint32_t len = 0;
	for (int i = 0; i < 4; i++)
		len |= (uint32_t)in->data[i] << (8 * i);
	if (len > KMSG_MAX)
		return -1;
	if (in->len - HEADER < len)
		return 0;
	m->type = (enum kmsg_type)(in->data[4] | in->data[5] << 8);
	m->payload = (struct tlv_reader){ in->data + HEADER, len, false };
	m->size = HEADER + (size_t)len;
	return 1;
}

void keeper_end_put(struct buf *b, const struct keeper_end *e)
{
	tlv_put_u64(b, KTAG_VERSION, KMSG_VERSION);
	tlv_put_u64(b, KTAG_ID, e->id);
	tlv_put_u64(b, KTAG_ATTEMPT, e->attempt);
	tlv_put_u64(b, KTAG_NONCE, e->nonce);
	tlv_put_u64(b, KTAG_KIND, e->kind);
	tlv_put_u64(b, KTAG_STATUS, (unsigned)e->status);
	tlv_put_u64(b, KTAG_EMPTY, e->empty);
	tlv_put_str(b, KTAG_STEP, e->step);
	tlv_put_u64(b, KTAG_ERRNO, (unsigned)e->error);
	tlv_put_u64(b, KTAG_SHUTDOWN, e->shutdown);
	tlv_put_u64(b, KTAG_CPU_US, e->cpu_us);
	tlv_put_u64(b, KTAG_MAX_RSS_KB, e->max_rss_kb);
	tlv_put_u64(b, KTAG_IN_BLOCKS, e->in_blocks);
	tlv_put_u64(b, KTAG_OUT_BLOCKS, e->out_blocks);
	tlv_put_u64(b, KTAG_ENDED_AT_US, e->ended_at_us);
	tlv_put_str(b, KTAG_BOOT_ID, e->boot_id);
	if (e->silent)
		tlv_put_u64(b, KTAG_SILENT, 1);
}

static bool set_str(char **to, const struct tlv *f)
{
	free(*to);
	*to = tlv_str(f);
	return *to != NULL;
}

/* False when the value can't be what the tag means, or there is no memory. */
static bool end_field(struct keeper_end *e, const struct tlv *f)
{
	uint64_t v = tlv_u64(f);
	switch ((int)f->tag) {
	case KTAG_ID:
		e->id = v;
		return true;
	case KTAG_ATTEMPT:
		e->attempt = (uint32_t)v;
		return v <= UINT32_MAX;
	case KTAG_NONCE:
		e->nonce = v;
		return true;
	case KTAG_KIND:
		e->kind = (enum keeper_end_kind)v;
		return v >= KEEPER_END_EXITED && v <= KEEPER_END_NEVER_RAN;
	case KTAG_STATUS:
		e->status = (int)v;
		return v <= INT_MAX;
	case KTAG_EMPTY:
		e->empty = v != 0;
		return true;
	case KTAG_STEP:
		return set_str(&e->step, f);
	case KTAG_ERRNO:
		e->error = (int)v;
		return v <= INT_MAX;
	case KTAG_SHUTDOWN:
		e->shutdown = v != 0;
		return true;
	case KTAG_CPU_US:
		e->cpu_us = v;
		return true;
	case KTAG_MAX_RSS_KB:
		e->max_rss_kb = v;
		return true;
	case KTAG_IN_BLOCKS:
		e->in_blocks = v;
		return true;
	case KTAG_OUT_BLOCKS:
		e->out_blocks = v;
		return true;
	case KTAG_ENDED_AT_US:
		e->ended_at_us = v;
		return true;
	case KTAG_BOOT_ID:
		return set_str(&e->boot_id, f);
	case KTAG_SILENT:
		e->silent = v != 0;
		return true;
	default:
		return true;
	}
}

bool keeper_end_get(struct tlv_reader *r, struct keeper_end *e)
{
	*e = (struct keeper_end){ 0 };
	struct tlv f;
	bool well = true;
	while (well && tlv_next(r, &f))
		well = end_field(e, &f);
	/* Without its kind an end says nothing: a file cut at a field's edge looks like that. */
	if (well && !r->bad && e->kind != 0)
		return true;
	keeper_end_fini(e);
	return false;
}

void keeper_end_count(struct keeper_end *e, const struct rusage *ru)
{
	e->cpu_us += (uint64_t)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000 +
		     (uint64_t)(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec);
	if ((uint64_t)ru->ru_maxrss > e->max_rss_kb)
		e->max_rss_kb = (uint64_t)ru->ru_maxrss;
	e->in_blocks += (uint64_t)ru->ru_inblock;
	e->out_blocks += (uint64_t)ru->ru_oublock;
}

void keeper_end_fini(struct keeper_end *e)
{
	free(e->step);
	free(e->boot_id);
	*e = (struct keeper_end){ 0 };
}
