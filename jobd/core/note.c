/* SPDX-License-Identifier: ISC */
/*
 * What the journal has besides steps: what was done to the daemon or a queue, and what was
 * refused. Refusals of one kind are one entry a minute, which says how many there were before it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "jobd/core/internal.h"

void engine_note(struct engine *e, const struct actor *who, const char *verb, const char *result,
    const char *detail)
{
	static const struct job nothing;
	struct step s = { .who = who, .detail = detail };
	struct journal_entry entry = engine_entry(e, &nothing, &s, 0);

	entry.verb = verb;
	entry.result = result;
	entry.owner = who ? who->uid : 0;
	engine_journal(e, NULL, &entry);
}

/* A refusal, for the journal. Those that have the same key are one, for a minute. */
struct refused {
	const char *verb, *error, *key;
	const char *limit; /* that was met, or NULL */
};

static void refused(struct engine *e, const struct actor *who, const struct job *j,
    const struct refused *r)
{
	uint64_t before = 0;
	char detail[100];

	/* The clock may be near 0 after boot: a kept time of 0 must not look recent. */
	if (!refusals_admit(&e->refusals, who->uid, r->key, e->mono_us() + REFUSALS_US, &before))
		return;
	int n = snprintf(detail, sizeof detail, "%s", r->limit ? r->limit : "");
	if (before)
		snprintf(detail + n, sizeof detail - (size_t)n, "%s%llu more before it", n ? "; " : "",
		    (unsigned long long)before);

	struct step s = { .who = who, .detail = *detail ? detail : NULL };
	struct journal_entry entry = engine_entry(e, j, &s, j->state);
	entry.verb = r->verb;
	entry.result = r->error;
	engine_journal(e, j->queue ? j : NULL, &entry);
}

void engine_limited(
    struct engine *e, const struct actor *who, const char *verb, const char *limit)
{
	struct job nothing = { .uid = who->uid };
	char key[48];

	snprintf(key, sizeof key, "%s:%s", verb, limit);
	refused(e, who, &nothing, &(struct refused){ verb, "LimitReached", key, limit });
}

void engine_refused_job(struct engine *e, const struct actor *who, const char *verb,
    const struct job *j, const char *error)
{
	refused(e, who, j, &(struct refused){ verb, error, verb, NULL });
}

void engine_refused(
    struct engine *e, const struct actor *who, const char *verb, uint64_t id, const char *error)
{
	struct job nothing = { .id = id, .uid = who->uid };
	struct job_view v;

	if (id && engine_get(e, id, &v) == ENGINE_OK) {
		engine_refused_job(e, who, verb, v.job, error);
		job_view_fini(&v);
		return;
	}
	engine_refused_job(e, who, verb, &nothing, error);
}
