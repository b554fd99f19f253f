/* SPDX-License-Identifier: ISC */
/*
 * The job as plain data: allocation, names, and what a filter means.
 *
 * Knows nothing of queues, disks or processes. Nothing here can fail: where
 * memory is taken is with whoever fills a job in.
 */
#include "config.h"

#include "jobd/core/job.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/filter.h"
#include "lib/strv.h"

static const struct {
	enum job_state state;
	const char *name;
} state_names[] = {
	{ JOB_QUEUED, "queued" },
	{ JOB_HELD, "held" },
	{ JOB_RUNNING, "running" },
	{ JOB_PAUSED, "paused" },
	{ JOB_COMPLETED, "completed" },
	{ JOB_FAILED, "failed" },
	{ JOB_CANCELLED, "cancelled" },
};

static const struct {
	enum job_reason reason;
	const char *name;
} reason_names[] = {
	{ REASON_PRIORITY, "priority" },
	{ REASON_QUEUE_FULL, "queue-full" },
	{ REASON_QUEUE_PAUSED, "queue-paused" },
	{ REASON_DRAINING, "draining" },
	{ REASON_NOT_BEFORE, "not-before" },
	{ REASON_BACKOFF, "backoff" },
	{ REASON_DEPENDENCY, "dependency" },
	{ REASON_USER_LIMIT, "user-limit" },
	{ REASON_LOW_DISK, "low-disk" },
	{ REASON_EXIT, "exit" },
	{ REASON_SIGNAL, "signal" },
	{ REASON_TIMEOUT, "timeout" },
	{ REASON_DEADLINE, "deadline" },
	{ REASON_SPAWN, "spawn" },
	{ REASON_WATCHDOG, "watchdog" },
	{ REASON_OOM, "oom" },
	{ REASON_SHUTDOWN, "shutdown" },
	{ REASON_LOST, "lost" },
};

static const struct {
	enum after_on on;
	const char *name;
} after_names[] = {
	{ AFTER_OK, "ok" },
	{ AFTER_FAILED, "failed" },
	{ AFTER_ANY, "any" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

void job_progress_init(struct job_progress *p)
{
	*p = (struct job_progress){
		.percent = -1, .done = -1, .total = -1, .step = -1, .steps = -1,
	};
}

void job_progress_fini(struct job_progress *p)
{
	for (size_t i = 0; i < p->ncounts; i++)
		free(p->counts[i].name);
	free(p->counts);
	free(p->step_name);
	free(p->item);
	free(p->text);
	job_progress_init(p);
}

struct job_progress *job_progress_new(void)
{
	struct job_progress *p = malloc(sizeof *p);

	if (p)
		job_progress_init(p);
	return p;
}

void job_progress_free(struct job_progress *p)
{
	if (p)
		job_progress_fini(p);
	free(p);
}

void job_attempt_fini(struct job_attempt *a)
{
	free(a->boot_id);
	free(a->cgroup);
	free(a->error);
	*a = (struct job_attempt){ 0 };
}

void job_init(struct job *j)
{
	*j = (struct job){ .unknown = BUF_INIT };
}

void job_fini(struct job *j)
{
	free(j->user);
	free(j->name);
	free(j->queue);
	free(j->project);
	strv_free(j->command);
	free(j->cwd);
	strv_free(j->rules);
	free(j->unique);
	free(j->template);
	for (size_t i = 0; i < j->nmeta; i++) {
		free(j->meta[i].key);
		free(j->meta[i].value);
	}
	free(j->meta);
	job_attempt_fini(&j->now);
	for (size_t i = 0; i < j->nhistory; i++)
		job_attempt_fini(&j->history[i]);
	free(j->history);
	job_progress_free(j->progress);
	buf_fini(&j->unknown);
	job_init(j);
}

/* With what the allocator adds, and the pointer. */
#define TEXT_COST 24
#define WORK_BYTES 4096
#define ATTEMPT_BYTES 500 /* of one that failed, in its row */

static size_t text_bytes(const char *s)
{
	return s ? strlen(s) + TEXT_COST : 0;
}

static size_t list_bytes(char *const *v)
{
	return strv_bytes(v) + strv_len(v) * (TEXT_COST - 1);
}

size_t job_bytes(const struct job *j)
{
	size_t n = text_bytes(j->user) + text_bytes(j->name) + text_bytes(j->queue)
	    + text_bytes(j->project) + text_bytes(j->cwd) + text_bytes(j->unique)
	    + text_bytes(j->template) + list_bytes(j->command) + list_bytes(j->rules);

	for (size_t i = 0; i < j->nmeta; i++)
		n += text_bytes(j->meta[i].key) + text_bytes(j->meta[i].value);
	return n;
}

size_t job_work(const struct job *j, size_t bytes)
{
	return 1 + (bytes + j->nhistory * ATTEMPT_BYTES) / WORK_BYTES;
}

uint32_t job_last_attempt(const struct job *j)
{
	if (j->now.number)
		return j->now.number;
	return j->nhistory ? j->history[j->nhistory - 1].number : 0;
}

const struct job_attempt *job_attempt_find(const struct job *j, uint32_t number)
{
	if (!number)
		return NULL;
	if (j->now.number == number)
		return &j->now;
	for (size_t i = 0; i < j->nhistory; i++)
		if (j->history[i].number == number)
			return &j->history[i];
	return NULL;
}

bool job_has_ended(enum job_state s)
{
	return s > 0 && s < JOB_STATES && JOB_ENDED_STATES >> s & 1;
}

const char *job_state_name(enum job_state s)
{
	for (size_t i = 0; i < COUNT(state_names); i++)
		if (state_names[i].state == s)
			return state_names[i].name;
	return NULL;
}

const char *job_reason_name(enum job_reason r)
{
	for (size_t i = 0; i < COUNT(reason_names); i++)
		if (reason_names[i].reason == r)
			return reason_names[i].name;
	return NULL;
}

enum job_state job_state_parse(const char *name)
{
	for (size_t i = 0; i < COUNT(state_names); i++)
		if (strcmp(state_names[i].name, name) == 0)
			return state_names[i].state;
	return 0;
}

enum job_reason job_reason_parse(const char *name)
{
	for (size_t i = 0; i < COUNT(reason_names); i++)
		if (strcmp(reason_names[i].name, name) == 0)
			return reason_names[i].reason;
	return REASON_NONE;
}

const char *after_on_name(enum after_on on)
{
	for (size_t i = 0; i < COUNT(after_names); i++)
		if (after_names[i].on == on)
			return after_names[i].name;
	return NULL;
}

enum after_on after_on_parse(const char *name)
{
	for (size_t i = 0; i < COUNT(after_names); i++)
		if (strcmp(after_names[i].name, name) == 0)
			return after_names[i].on;
	return 0;
}

bool after_is_met(enum after_on on, enum job_state ended)
{
	switch (on) {
	case AFTER_OK:
		return ended == JOB_COMPLETED;
	case AFTER_FAILED:
		return ended == JOB_FAILED || ended == JOB_CANCELLED;
	case AFTER_ANY:
		return job_has_ended(ended);
	}
	return false;
}

static bool has_meta(const struct job *j, const struct job_meta *want)
{
	for (size_t i = 0; i < j->nmeta; i++)
		if (strcmp(j->meta[i].key, want->key) == 0 &&
		    strcmp(j->meta[i].value, want->value) == 0)
			return true;
	return false;
}

static bool holds(const char *text, const char *needle)
{
	return text && strcasestr(text, needle);
}

static bool text_match(const struct job *j, const char *needle)
{
	if (holds(j->name, needle) || holds(j->project, needle) || holds(j->now.error, needle))
		return true;
	for (char **arg = j->command; arg && *arg; arg++)
		if (holds(*arg, needle))
			return true;
	for (size_t i = 0; i < j->nmeta; i++)
		if (holds(j->meta[i].value, needle))
			return true;
	return false;
}

_Static_assert(JOB_REASONS <= 32, "a reason is a bit of job_filter.reasons");

bool job_filter_has_reason(const struct job_filter *f, enum job_reason r)
{
	return !f->reasons || f->reasons & UINT32_C(1) << r;
}

bool job_filter_match(const struct job_filter *f, const struct job *j)
{
	if (f->limit_uid && j->uid != f->uid)
		return false;
	if (f->nids && !filter_has_id(f->ids, f->nids, j->id))
		return false;
	if (f->states && !(f->states & 1u << j->state))
		return false;
	if (f->batch && f->batch != j->batch)
		return false;
	if (job_has_ended(j->state) && !job_filter_has_reason(f, j->reason))
		return false;
	if (!filter_has_word(f->queues, j->queue) || !filter_has_word(f->projects, j->project) ||
	    !filter_has_word(f->users, j->user))
		return false;
	if (f->since_us && j->submitted_at_us < f->since_us)
		return false;
	if (f->until_us && j->submitted_at_us >= f->until_us)
		return false;
	if (f->name_glob && (!j->name || fnmatch(f->name_glob, j->name, 0) != 0))
		return false;
	for (size_t i = 0; i < f->nmeta; i++)
		if (!has_meta(j, &f->meta[i]))
			return false;
	return !f->search || text_match(j, f->search);
}
