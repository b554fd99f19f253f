/* SPDX-License-Identifier: ISC */
/* See nothing.h. What core asks of store and proc, and no more than it needs to go on. */
#include "config.h"

#include "bench/nothing.h"

#include <errno.h>
#include <stdlib.h>

#include "jobd/proc/proc.h"
#include "jobd/store/store.h"

#define MANY 200000

static struct {
	uint64_t next_id, journal;
	uint64_t started[MANY]; /* and not yet told */
	size_t first, last;
	uint64_t running[MANY];
	size_t nrunning;
} here;

uint64_t nothing_started(void)
{
	if (here.first == here.last)
		return 0;
	uint64_t id = here.started[here.first++ % MANY];
	here.running[here.nrunning++] = id;
	return id;
}

static void over(uint64_t id)
{
	for (size_t i = 0; i < here.nrunning; i++)
		if (here.running[i] == id)
			here.running[i--] = here.running[--here.nrunning];
}

uint64_t nothing_any_running(unsigned (*any)(unsigned n))
{
	return here.running[any((unsigned)here.nrunning)];
}

uint64_t nothing_free(const char *dir)
{
	(void)dir;
	return UINT64_C(1) << 40;
}

void nothing_forget(void)
{
	here.first = here.last = here.nrunning = 0;
	here.next_id = here.journal = 0;
}

int proc_start(struct proc *p, const struct job *j, uint32_t attempt, char *const *env,
    uint64_t grace_ms, uint64_t *nonce)
{
	(void)p;
	(void)attempt;
	(void)env;
	(void)grace_ms;
	*nonce = 1;
	here.started[here.last++ % MANY] = j->id;
	return 0;
}

bool proc_is_ready(const struct proc *p, uint64_t id, struct proc_ready *r)
{
	(void)p;
	(void)id;
	*r = (struct proc_ready){ .keeper_pid = 100, .pid = 101 };
	return true;
}

void proc_abandon(struct proc *p, uint64_t id)
{
	(void)p;
	over(id);
}

void proc_acknowledge(struct proc *p, uint64_t id)
{
	(void)p;
	over(id);
}

int proc_adopt(struct proc *p, const struct job *j, enum keeper_level level, uint64_t grace_ms)
{
	(void)p;
	(void)j;
	(void)level;
	(void)grace_ms;
	return -ENOSYS;
}

const char *proc_tree_kind(const struct proc *p)
{
	(void)p;
	return "walk";
}

int proc_log_open(const struct proc *p, uint64_t id, uint32_t attempt)
{
	(void)p;
	(void)id;
	(void)attempt;
	return -ENOENT;
}

uint64_t store_next_id(struct store *s)
{
	(void)s;
	return ++here.next_id;
}

uint64_t store_environment_of(const struct job *j)
{
	return j->environment ? j->environment : j->id;
}

int store_environment_get(struct store *s, uint64_t number, char ***env)
{
	(void)s;
	(void)number;
	*env = NULL;
	return -ENOENT;
}

int store_job_get(struct store *s, uint64_t id, struct job *j)
{
	(void)s;
	job_init(j);
	j->id = id;
	j->state = id && id <= here.next_id ? JOB_COMPLETED : 0;
	return j->state ? 0 : -ENOENT;
}

uint64_t store_journal_put(struct store *s, const struct journal_entry *e)
{
	(void)s;
	(void)e;
	return ++here.journal;
}

uint64_t store_journal_last(const struct store *s)
{
	(void)s;
	return here.journal;
}

const char *store_instance(const struct store *s)
{
	(void)s;
	return "nothing";
}

/* The rest takes what it is given, and gives nothing. */
#define TAKES(name, ...)                                                                           \
	void name(__VA_ARGS__)                                                                     \
	{                                                                                          \
	}
#define GIVES(type, name, ...)                                                                     \
	type name(__VA_ARGS__)                                                                     \
	{                                                                                          \
		return 0;                                                                          \
	}
#pragma GCC diagnostic ignored "-Wunused-parameter"

TAKES(proc_release, struct proc *p, uint64_t id)
TAKES(proc_order, struct proc *p, uint64_t id, enum keeper_level level, uint64_t grace_ms)
TAKES(proc_signal, struct proc *p, uint64_t id, int sig, bool all)
TAKES(proc_adopted_all, struct proc *p)
TAKES(proc_log_remove, const struct proc *p, uint64_t id, uint32_t attempt)

TAKES(store_job_put, struct store *s, const struct job *j)
TAKES(store_job_delete, struct store *s, const struct job *j)
TAKES(store_job_drop, struct store *s, const struct job *j)
TAKES(store_environment_put, struct store *s, uint64_t number, char *const *env)
TAKES(store_environment_share, struct store *s, uint64_t number, uint64_t more)
TAKES(store_environment_drop, struct store *s, uint64_t number)
TAKES(store_after_put, struct store *s, uint64_t job, const struct job_after *a)
TAKES(store_after_delete, struct store *s, uint64_t job, uint64_t other)
TAKES(store_queue_put, struct store *s, const struct store_queue *q)
TAKES(store_queue_delete, struct store *s, const char *name)
TAKES(store_template_put, struct store *s, const struct template *t)
TAKES(store_template_delete, struct store *s, const char *name)
TAKES(store_batch_open, struct store *s, uint64_t batch)
TAKES(store_batch_seal, struct store *s, uint64_t batch)
TAKES(store_log_doom, struct store *s, uint64_t id, uint32_t attempt)
TAKES(store_log_forget, struct store *s, uint64_t id, uint32_t attempt)
TAKES(store_token_put, struct store *s, uint32_t uid, const char *token, uint64_t id, uint64_t us)
TAKES(store_ended_counts, struct store *s, uint64_t counts[JOB_STATES])

GIVES(enum job_state, store_job_outcome, struct store *s, uint64_t id)
GIVES(int, store_load, struct store *s, store_job_fn *fn, void *ctx)
GIVES(int, store_after_each, struct store *s, uint64_t job, uint64_t from, store_after_fn *fn, void *c)
GIVES(int, store_before_each, struct store *s, uint64_t job, uint64_t from, store_after_fn *fn, void *c)
GIVES(int, store_queues_load, struct store *s, store_queue_fn *fn, void *ctx)
GIVES(int, store_templates_load, struct store *s, store_template_fn *fn, void *ctx)
GIVES(int, store_batches_load, struct store *s, store_batch_fn *fn, void *ctx)
GIVES(int, store_logs_load, struct store *s, store_log_fn *fn, void *ctx)
GIVES(uint64_t, store_token_get, struct store *s, uint32_t uid, const char *token)
GIVES(int, store_ended_page, struct store *s, const struct job_filter *f, uint64_t *before,
    size_t budget, store_page_fn *fn, void *ctx)
GIVES(int, store_journal_page, struct store *s, const struct journal_filter *f, uint64_t *before,
    size_t budget, store_entry_fn *fn, void *ctx)
GIVES(int, store_commit, struct store *s)
