/* SPDX-License-Identifier: ISC */
/*
 * Templates that were made at run time: a row each, under its name. Whether one makes sense is
 * not looked at here.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>

#include "jobd/store/record.h"
#include "lib/template.h"

void store_template_put(struct store *s, const struct template *t)
{
	buf_clear(&s->row);
	record_template_encode(&s->row, t);
	if (s->row.failed) {
		turn_fail(s, ENOMEM, "template");
		return;
	}
	table_put(s, TABLE_TEMPLATES, t->name, strlen(t->name), s->row.data, s->row.len);
}

void store_template_delete(struct store *s, const char *name)
{
	table_delete(s, TABLE_TEMPLATES, name, strlen(name));
}

struct load {
	store_template_fn *fn;
	void *ctx;
};

static int load_row(struct store *s, const DBT *k, const DBT *d, void *ctx)
{
	const struct load *l = ctx;
	struct template t;
	int ret = record_template_decode(d->data, d->size, &t);

	if (ret == 0 && !key_is(k, t.name)) {
		template_fini(&t);
		ret = -EBADMSG;
	}
	if (ret == -EBADMSG) {
		table_set_name_aside(s, TABLE_TEMPLATES, "template", k, d);
		return s->err;
	}
	if (ret)
		return ret;
	bool more = l->fn(l->ctx, &t);
	template_fini(&t);
	return more ? 0 : 1;
}

int store_templates_load(struct store *s, store_template_fn *fn, void *ctx)
{
	return table_walk(s, TABLE_TEMPLATES, NULL, 0, 0, load_row, &(struct load){ fn, ctx });
}
