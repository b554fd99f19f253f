/* SPDX-License-Identifier: ISC */
/*
 * Several paused jobs are resumed at once: where there is not room for all, those go on first that
 * would start first.
 */
#include "config.h"

#include <stdlib.h>

#include "jobd/core/internal.h"
#include "lib/array.h"

struct look {
	struct engine *e;
	struct resumption *r;
};

static void collect(void *ctx, struct live *l)
{
	const struct look *k = ctx;
	struct resumption *r = k->r;

	if (!r->which(k->e, l, r->ctx))
		return;
	struct live **v = array_room(r->v, r->n, &r->cap, sizeof(struct live *));
	if (!v) {
		k->e->out_of_memory = true;
		return;
	}
	r->v = v;
	r->v[r->n++] = l;
}

static int by_rank(const void *a, const void *b)
{
	const struct live *x = *(struct live *const *)a, *y = *(struct live *const *)b;

	return order_before(x, y) ? -1 : 1;
}

void resume_collect(struct engine *e, struct resumption *r)
{
	struct look k = { e, r };

	live_each(&e->live, collect, &k);
	for (size_t i = 0; i < r->n; i++)
		waiting_rank(e, r->v[i]);
	if (r->n)
		qsort(r->v, r->n, sizeof(struct live *), by_rank);
}

void resume_all(struct engine *e, struct resumption *r, const struct step *how)
{
	for (size_t i = 0; i < r->n; i++) {
		struct step s = *how;
		s.event = control_resume_event(e, r->v[i], false);
		engine_step(e, r->v[i], &s);
	}
	free(r->v);
	r->v = NULL;
	r->n = r->cap = 0;
}
