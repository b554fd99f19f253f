/* SPDX-License-Identifier: ISC */
/* New jobs. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/utf8.h"

/* What it was is asked long after the job is deleted: its name and the start of its command. */
static void describe(const struct job *j, char *out, size_t size)
{
	size_t n = 0;

	if (j->name)
		n = (size_t)snprintf(out, size, "%s: ", j->name);
	for (size_t i = 0; j->command && j->command[i] && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", i ? " " : "", j->command[i]);
}

static void journal_submit(struct engine *e, const struct actor *who, const struct job *j)
{
	char text[200] = "";

	struct journal_entry entry = {
		.at_us = j->submitted_at_us,
		.job = j->id,
		.verb = (char *)(uintptr_t)"submit",
		.to = j->state,
		.result = (char *)(uintptr_t)"ok",
		.has_actor = true,
		.uid = who->uid,
		.user = (char *)(uintptr_t)who->user,
		.pid = who->pid,
		.process = (char *)(uintptr_t)who->process,
		.owner = j->uid,
		.detail = text,
	};

	describe(j, text, sizeof text);
	utf8_mend(text); /* it may be cut inside a character */

	engine_journal(e, j, &entry);
}

enum engine_result engine_submit(struct engine *e, const struct actor *who, struct job *draft,
    char *const *env, const char *token, bool hold, uint64_t *id)
{
	if (token && (*id = store_token_get(e->store, who->uid, token)) != 0) {
		job_fini(draft);
		return ENGINE_ALREADY;
	}
	if (engine_over_quota(e, who, draft->uid)) {
		job_fini(draft);
		return ENGINE_OVER_QUOTA;
	}
	if (e->disk_free < e->settings.low_disk_bytes) {
		job_fini(draft);
		return ENGINE_LOW_DISK;
	}

	draft->id = store_next_id(e->store);
	draft->state = hold ? JOB_HELD : JOB_QUEUED;
	draft->submitter_uid = who->uid;
	draft->submitted_at_us = draft->eligible_at_us = e->real_us();
	if (!draft->priority)
		draft->priority = JOB_PRIORITY_DEFAULT;
	if (!draft->attempts)
		draft->attempts = 1;
	if (!draft->queue)
		draft->queue = strdup("default");

	struct live *l = draft->queue ? live_add(&e->live, draft) : NULL;
	if (!l) {
		job_fini(draft);
		return ENGINE_FAILED;
	}
	*id = l->job.id;
	engine_count(e, &l->job, 0, l->job.state);
	if (env && env[0])
		store_environment_put(e->store, *id, env);
	if (token)
		store_token_put(e->store, who->uid, token, *id, l->job.submitted_at_us);
	if (!hold)
		engine_enqueue(e, l);
	journal_submit(e, who, &l->job);
	engine_touch(e, l);
	return ENGINE_OK;
}
