/* SPDX-License-Identifier: ISC */
/*
 * What was set of queues at run time: a row a queue, under its name. What the configuration file
 * says of it is not known here.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>

#include "jobd/store/record.h"

void store_queue_put(struct store *s, const struct store_queue *q)
{
	buf_clear(&s->row);
	record_queue_encode(&s->row, q);
	if (s->row.failed) {
		turn_fail(s, ENOMEM, "queue");
		return;
	}
	table_put(s, TABLE_QUEUES, q->name, strlen(q->name), s->row.data, s->row.len);
}

void store_queue_delete(struct store *s, const char *name)
{
	table_delete(s, TABLE_QUEUES, name, strlen(name));
}

struct load {
	store_queue_fn *fn;
	void *ctx;
};

static int load_row(struct store *s, const DBT *k, const DBT *d, void *ctx)
{
	const struct load *l = ctx;
	struct queue_row row;
	int ret = record_queue_decode(d->data, d->size, &row);

	if (ret == 0 && !key_is(k, row.name)) {
		queue_row_fini(&row);
		ret = -EBADMSG;
	}
	if (ret == -EBADMSG) {
		table_set_name_aside(s, TABLE_QUEUES, "queue", k, d);
		return s->err;
	}
	if (ret)
		return ret;
	const struct store_queue q = { row.name, row.rules, row.state, row.by, row.since_us,
		row.declared };
	bool more = l->fn(l->ctx, &q);
	queue_row_fini(&row);
	return more ? 0 : 1;
}

int store_queues_load(struct store *s, store_queue_fn *fn, void *ctx)
{
	return table_walk(s, TABLE_QUEUES, NULL, 0, 0, load_row, &(struct load){ fn, ctx });
}
