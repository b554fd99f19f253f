/* SPDX-License-Identifier: ISC */
/*
 * The order of a plan: depth first, in the file's order, so that a line moves only where
 * another waits for it. With a stack of its own: a chain may be as long as the plan.
 */
#include "config.h"

#include <stdlib.h>

#include "jobctl/job.h"
#include "jobctl/plan.h"
#include "lib/buf.h"

#define NAMED_MAX 20 /* of a cycle's jobs, in its message */

enum mark { UNSEEN, OPEN, DONE };

struct walk {
	struct plan *p;
	unsigned char *marks; /* enum mark of each job */
	size_t *stack;	      /* jobs that are open, each waiting for the next */
	size_t *at;	      /* where on it each open job is */
	size_t *next;	      /* which of what the job waits for is to be looked at */
	size_t depth, placed;
};

static void put_name(const struct plan_job *j, struct buf *out)
{
	const char *name = job_text(j->job, "name");
	if (name)
		buf_puts(out, name);
	else
		buf_printf(out, "line %lu", j->line);
}

/* The jobs of the stack from at on wait for one another in a ring. */
static void say_cycle(struct walk *w, size_t at)
{
	struct buf ring = BUF_INIT;
	size_t n = w->depth - at;

	for (size_t i = 0; i < n && i < NAMED_MAX; i++) {
		put_name(&w->p->jobs[w->stack[at + i]], &ring);
		buf_puts(&ring, " -> ");
	}
	if (n > NAMED_MAX)
		buf_printf(&ring, "(%zu more) -> ", n - NAMED_MAX);
	put_name(&w->p->jobs[w->stack[at]], &ring);
	const char *text = buf_text(&ring);
	if (ring.failed)
		w->p->failed = true;
	else
		plan_mistake(w->p, w->p->jobs[w->stack[at]].line,
		    "after: these wait for each other, and none could ever start: %s", text);
	buf_fini(&ring);
}

static void enter(struct walk *w, size_t job)
{
	w->marks[job] = OPEN;
	w->next[job] = 0;
	w->at[job] = w->depth;
	w->stack[w->depth++] = job;
}

/* Places a job, and before it all that it waits for. */
static void visit(struct walk *w, size_t root)
{
	enter(w, root);
	while (w->depth) {
		size_t at = w->stack[w->depth - 1];
		const struct plan_job *j = &w->p->jobs[at];
		if (w->next[at] == j->nafter) {
			w->marks[at] = DONE;
			w->p->order[w->placed++] = at;
			w->depth--;
			continue;
		}
		const struct plan_after *a = &j->after[w->next[at]++];
		if (!a->in_plan || w->marks[a->job] == DONE)
			continue;
		if (w->marks[a->job] == UNSEEN) {
			enter(w, a->job);
			continue;
		}
		say_cycle(w, w->at[a->job]);
	}
}

void plan_settle_order(struct plan *p)
{
	size_t n = p->n ? p->n : 1;
	struct walk w = {
		.p = p,
		.marks = calloc(n, 1),
		.stack = calloc(n, sizeof(size_t)),
		.at = calloc(n, sizeof(size_t)),
		.next = calloc(n, sizeof(size_t)),
	};

	p->order = calloc(n, sizeof(size_t));
	if (!w.marks || !w.stack || !w.at || !w.next || !p->order)
		p->failed = true;
	for (size_t i = 0; i < p->n && !p->failed; i++)
		if (w.marks[i] == UNSEEN)
			visit(&w, i);
	free(w.marks);
	free(w.stack);
	free(w.at);
	free(w.next);
	if (p->nmistakes || p->failed) {
		free(p->order);
		p->order = NULL;
	}
}
