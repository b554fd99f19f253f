/* SPDX-License-Identifier: ISC */
/* See queue.h. Plain data; nothing here touches a job. */
#include "config.h"

#include "jobd/core/queue.h"

#include <stdlib.h>
#include <string.h>

#include "lib/strv.h"

#define MINUTE_US UINT64_C(60000000)

const char *queue_state_name(enum queue_state s)
{
	static const char *const names[] = { "open", "paused", "draining" };

	return names[s];
}

const char *rule_origin_name(enum rule_origin o)
{
	static const char *const names[] = { "default", "config", "runtime", "job", "attempt" };

	return names[o];
}

/* The first place whose name is not before this one. */
static size_t place(const struct queue_set *s, const char *name)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(s->v[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct queue *queue_find(const struct queue_set *s, const char *name)
{
	size_t at = place(s, name);

	return at < s->n && strcmp(s->v[at]->name, name) == 0 ? s->v[at] : NULL;
}

static void queue_free(struct queue *q)
{
	order_queue_fini(&q->order);
	rules_fini(&q->rules);
	strv_free(q->config);
	strv_free(q->runtime);
	free(q->by);
	free(q->name);
	free(q);
}

static struct queue *queue_new(const char *name)
{
	struct queue *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	order_queue_init(&q->order);
	rules_init(&q->rules);
	q->name = strdup(name);
	if (q->name)
		return q;
	free(q);
	return NULL;
}

struct queue *queue_make(struct queue_set *s, const char *name)
{
	struct queue *q = queue_find(s, name);

	if (q)
		return q;
	struct queue **v = realloc(s->v, (s->n + 1) * sizeof *v);
	if (!v)
		return NULL;
	s->v = v;
	q = queue_new(name);
	if (!q)
		return NULL;
	size_t at = place(s, name);
	memmove(&v[at + 1], &v[at], (s->n - at) * sizeof *v);
	v[at] = q;
	s->n++;
	return q;
}

void queue_remove(struct queue_set *s, struct queue *q)
{
	size_t at = place(s, q->name);

	memmove(&s->v[at], &s->v[at + 1], (s->n - at - 1) * sizeof s->v[0]);
	s->n--;
	queue_free(q);
}

void queue_set_fini(struct queue_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		queue_free(s->v[i]);
	free(s->v);
	*s = (struct queue_set){ 0 };
}

bool queue_is_used(const struct queue *q)
{
	size_t n = q->staged;

	for (size_t i = 0; i < JOB_STATES; i++)
		n += q->counts[i];
	return n || q->runtime || q->state != QUEUE_OPEN;
}

bool queue_resolve(struct queue *q)
{
	struct rules r;

	rules_init(&r);
	if (rules_apply(&r, q->config) || rules_apply(&r, q->runtime)) {
		rules_fini(&r);
		return false;
	}
	rules_fini(&q->rules);
	q->rules = r;
	return true;
}

enum rule_origin queue_origin(const struct queue *q, enum rule which)
{
	if (rules_given(q->runtime, which))
		return ORIGIN_RUNTIME;
	return rules_given(q->config, which) ? ORIGIN_CONFIG : ORIGIN_DEFAULT;
}

void queue_note_end(struct queue *q, uint64_t mono_us)
{
	uint64_t minute = mono_us / MINUTE_US, from = q->ended.minute + 1;

	/* The minutes between saw none. */
	if (from + QUEUE_MINUTES <= minute)
		from = minute - QUEUE_MINUTES + 1;
	for (; from <= minute; from++)
		q->ended.n[from % QUEUE_MINUTES] = 0;
	q->ended.minute = minute;
	q->ended.n[minute % QUEUE_MINUTES]++;
}

uint64_t queue_ended(const struct queue *q, uint64_t mono_us)
{
	uint64_t minute = mono_us / MINUTE_US, sum = 0;

	for (uint64_t i = 0; i < QUEUE_MINUTES && i <= q->ended.minute; i++)
		if (q->ended.minute - i + QUEUE_MINUTES > minute)
			sum += q->ended.n[(q->ended.minute - i) % QUEUE_MINUTES];
	return sum;
}
