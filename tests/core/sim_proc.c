/* SPDX-License-Identifier: ISC */
/* See sim_proc.h: the room, and what its keepers tell. */
#include "config.h"

#include "sim_proc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "sim_keeper.h"
#include "sim_model.h"

#define MOST 512
struct proc {
	struct keeper v[MOST];
	size_t n;
	uint64_t nonces, begun[MOST];
	size_t nbegun;
	unsigned starts;
};

struct proc *sim_proc_new(void)
{
	struct proc *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	return p;
}

void sim_proc_free(struct proc *p)
{
	free(p);
}

/* The one that answers for the job; an acknowledged one does not any more. */
static struct keeper *find(const struct proc *p, uint64_t id)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].id == id && !p->v[i].acknowledged)
			return (struct keeper *)(uintptr_t)&p->v[i];
	return NULL;
}

static struct keeper *get(const struct proc *p, uint64_t id, const char *what)
{
	struct keeper *k = find(p, id);

	if (!k)
		sim_fail("%s: job %llu has no keeper", what, (unsigned long long)id);
	return k;
}

static void forget(struct proc *p, struct keeper *k)
{
	*k = p->v[--p->n];
}

int proc_start(struct proc *p, const struct job *j, uint32_t attempt, char *const *env,
    uint64_t grace_ms, uint64_t *nonce)
{
	(void)env;
	(void)grace_ms;
	if (find(p, j->id))
		sim_fail("job %llu is started, and has a keeper", (unsigned long long)j->id);
	if (world()->lost && sim_chance(1))
		return -ENOMEM;
	if (p->n == MOST || p->nbegun == MOST)
		sim_fail("there are %u keepers", MOST);
	struct keeper *k = &p->v[p->n++];
	*nonce = ++p->nonces;
	*k = (struct keeper){.id = j->id, .attempt = attempt, .nonce = *nonce};
	keeper_throw(k);
	p->begun[p->nbegun++] = j->id;
	p->starts++;
	sim_add(" [start %llu.%u]", (unsigned long long)j->id, attempt);
	return 0;
}

bool proc_is_ready(const struct proc *p, uint64_t id, struct proc_ready *r)
{
	const struct keeper *k = find(p, id);

	*r = (struct proc_ready){.keeper_pid = 100, .pid = 200};
	return k && k->phase == GATE;
}

void proc_release(struct proc *p, uint64_t id)
{
	struct keeper *k = get(p, id, "release");

	if (k->phase != GATE)
		sim_fail("job %llu is let go, and is not at the gate", (unsigned long long)id);
	k->release = true;
}

void proc_abandon(struct proc *p, uint64_t id)
{
	struct keeper *k = get(p, id, "abandon");

	if (k->phase > GATE || k->release || k->released)
		sim_fail("job %llu is taken back, and was let go", (unsigned long long)id);
	for (size_t i = 0; i < p->nbegun; i++)
		if (p->begun[i] == id)
			p->begun[i] = p->begun[--p->nbegun];
	forget(p, k);
	sim_add(" [back %llu]", (unsigned long long)id);
}

void proc_order(struct proc *p, uint64_t id, enum keeper_level level, uint64_t grace_ms)
{
	struct keeper *k = get(p, id, "order");

	if (level != LEVEL_END && (k->level == LEVEL_END || k->wanted == LEVEL_END))
		sim_fail("job %llu is being ended, and that is taken back", (unsigned long long)id);
	k->wanted = level;
	k->grace_ms = grace_ms;
}

void proc_signal(struct proc *p, uint64_t id, int sig, bool all)
{
	(void)sig;
	(void)all;
	get(p, id, "signal");
}

void proc_acknowledge(struct proc *p, uint64_t id)
{
	struct keeper *k = find(p, id);

	if (k)
		k->acknowledged = true;
}

int proc_adopt(struct proc *p, const struct job *j, enum keeper_level level, uint64_t grace_ms)
{
	struct keeper *k = find(p, j->id);

	if ((j->cancel_requested || j->timed_out) && level != LEVEL_END)
		sim_fail("job %llu is being ended, and the next jobd forgets it",
		    (unsigned long long)j->id);
	if (k && (k->nonce != j->now.nonce || k->attempt != j->now.number))
		k = NULL;
	if (!k) { /* how it ended can't be known */
		if (p->n == MOST)
			sim_fail("there are %u keepers", MOST);
		k = &p->v[p->n++];
		*k = (struct keeper){.id = j->id,
		    .nonce = j->now.nonce,
		    .attempt = j->now.number,
		    .phase = OVER,
		    .lost = true,
		    .gone = true};
		k->end.kind = KEEPER_END_EXITED;
	}
	k->adopted = true;
	k->silent = false;
	k->grace_ms = grace_ms;
	if (k->phase == OVER)
		k->at_us = world()->mono + 1000;
	else if (!k->released) {
		k->phase = OVER;
		k->lost = false;
		k->end.kind = KEEPER_END_NEVER_RAN;
		k->at_us = world()->mono + 1000;
	} else
		keeper_obey(k, level);
	return 0;
}

void proc_adopted_all(struct proc *p)
{
	for (size_t i = p->n; i > 0; i--)
		if (!p->v[i - 1].adopted)
			forget(p, &p->v[i - 1]);
}

void proc_flush(struct proc *p)
{
	for (size_t i = p->n; i > 0; i--) {
		struct keeper *k = &p->v[i - 1];
		if (k->acknowledged) {
			forget(p, k);
			continue;
		}
		if (k->release) {
			k->release = false;
			k->released = true;
			k->phase = RUNS;
			k->end_at = k->at_us = world()->mono + k->left_us;
			if (k->vanishes)
				k->at_us = world()->mono + 1;
		}
		if (k->wanted)
			keeper_obey(k, k->wanted);
		k->wanted = 0;
	}
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

void proc_log_remove(const struct proc *p, uint64_t id, uint32_t attempt)
{
	(void)p;
	(void)id;
	(void)attempt;
}

/* What a keeper tells is a fact for the model, before it is told. */
static struct op *fact(const struct keeper *k, enum fact what)
{
	struct op *op = model_op(OP_FACT);

	op->id = k->id;
	op->fact = what;
	return op;
}

static void tell_unstarted(struct proc *p, struct keeper *k)
{
	struct keeper was = *k;
	struct op *op = fact(k, FACT_UNSTARTED);

	op->error = k->vanishes ? -ETIMEDOUT : k->unstarted;
	sim_step("keeper %llu: unstarted (%s)", (unsigned long long)was.id, strerror(-op->error));
	int error = op->error;
	forget(p, k);
	engine_proc_events()->unstarted(world()->engine, was.id, error, "no keeper");
}

static void tell_end(struct keeper *k)
{
	uint64_t id = k->id;
	struct keeper_end end = k->end;
	struct op *op = fact(k, k->lost ? FACT_LOST : FACT_ENDED);

	op->end = end;
	op->gone = k->gone;
	k->phase = OVER;
	k->at_us = UINT64_MAX;
	if (k->lost) {
		sim_step("keeper %llu: lost%s", (unsigned long long)id, k->gone ? " and gone" : "");
		engine_proc_events()->lost(world()->engine, id, "its keeper is gone", k->gone);
		return;
	}
	sim_step("keeper %llu: ended, kind %d status %d%s", (unsigned long long)id, end.kind,
	    end.status, end.shutdown ? " shutdown" : "");
	engine_proc_events()->ended(world()->engine, id, &end);
}

static void get_ready(struct keeper *k)
{
	struct proc_ready r = {.keeper_pid = 100, .pid = 200, .pid_start = 1, .keeper_start = 2};

	if (k->spawn_fails) {
		bool exec = sim_chance(70);
		k->end = (struct keeper_end){.id = k->id,
		    .attempt = k->attempt,
		    .kind = KEEPER_END_SPAWN,
		    .step = (char *)(uintptr_t)(exec ? "exec true" : "fork"),
		    .error = exec ? ENOENT : EAGAIN};
		k->lost = false;
		tell_end(k);
		return;
	}
	k->phase = GATE;
	k->at_us = UINT64_MAX;
	sim_step("keeper %llu: ready", (unsigned long long)k->id);
	engine_proc_events()->ready(world()->engine, k->id, &r);
}

static void stop(struct keeper *k)
{
	uint64_t id = k->id;

	if (k->phase == RUNS && k->unstoppable) {
		k->unstoppable = sim_chance(50);
		k->level = LEVEL_RUN;
		k->at_us = k->end_at;
		sim_step("keeper %llu: unstoppable", (unsigned long long)id);
		engine_proc_events()->unstoppable(world()->engine, id, 4711);
		return;
	}
	if (k->phase == RUNS)
		k->left_us = k->end_at > world()->mono ? k->end_at - world()->mono : 1;
	k->phase = STOPPED;
	k->at_us = UINT64_MAX;
	sim_step("keeper %llu: stopped", (unsigned long long)id);
	engine_proc_events()->stopped(world()->engine, id);
}

static void fire(struct proc *p, struct keeper *k)
{
	if (k->phase == PREPARES && k->unstarted)
		tell_unstarted(p, k);
	else if (k->phase == PREPARES)
		get_ready(k);
	else if (k->vanishes && k->phase == RUNS)
		tell_unstarted(p, k);
	else if (k->level == LEVEL_STOP && k->phase != OVER &&
		 (k->phase == STOPPED || k->at_us < k->end_at))
		stop(k);
	else
		tell_end(k);
}

/* When all is calm nobody is silent for ever. */
static bool speaks(const struct keeper *k)
{
	return !k->acknowledged && (!k->silent || world()->lost == 0);
}

uint64_t sim_proc_next(const struct proc *p)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < p->n; i++)
		if (speaks(&p->v[i]) && p->v[i].at_us < next)
			next = p->v[i].at_us;
	return next;
}

void sim_proc_run(struct proc *p)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < p->n && !again; i++) {
			struct keeper *k = &p->v[i];
			if (!speaks(k) || k->at_us > world()->mono)
				continue;
			again = true;
			fire(p, k);
		}
	}
}

void sim_proc_crashed(struct proc *p)
{
	for (size_t i = p->n; i > 0; i--) {
		struct keeper *k = &p->v[i - 1];
		k->acknowledged = k->release = k->adopted = false;
		k->wanted = 0;
		if (k->phase == OVER)
			k->at_us = UINT64_MAX;
		else if (k->released && world()->lost && sim_chance(3)) {
			k->phase = OVER; /* it died with its jobd */
			k->lost = true;
		}
	}
	p->nbegun = p->starts = 0;
}

void sim_proc_reboot(struct proc *p)
{
	p->n = 0;
}

/* Somebody continues it, or kills it; or it can't be stopped again. */
static void disturb_stopped(struct keeper *k)
{
	const struct proc_events *ev = engine_proc_events();

	if (sim_chance(30)) {
		k->end.status = sim_chance(50) ? SIGKILL : 0;
		tell_end(k);
	} else if (sim_chance(30)) {
		k->phase = RUNS;
		k->level = LEVEL_RUN;
		k->end_at = k->at_us = world()->mono + k->left_us;
		sim_step("keeper %llu: can't be stopped again", (unsigned long long)k->id);
		ev->unstoppable(world()->engine, k->id, 4711);
	} else {
		sim_step("keeper %llu: recontinued", (unsigned long long)k->id);
		ev->recontinued(world()->engine, k->id, 4711);
	}
}

void sim_proc_disturb(struct proc *p)
{
	struct keeper *k = p->n ? &p->v[sim_random(p->n)] : NULL;
	const struct proc_events *ev = engine_proc_events();
	uint64_t id = k ? k->id : 0;

	if (!k || k->acknowledged || k->phase == PREPARES || k->phase == GATE || k->phase == OVER)
		return;
	if (k->phase == STOPPED && !k->silent && k->level == LEVEL_STOP && sim_chance(70)) {
		disturb_stopped(k);
	} else if (sim_chance(50)) {
		k->silent = !k->silent;
		sim_step("keeper %llu: %s", (unsigned long long)id,
		    k->silent ? "silent" : "answers again");
		ev->silent(world()->engine, id, k->silent);
	} else {
		sim_step("keeper %llu: orphaned", (unsigned long long)id);
		ev->orphaned(world()->engine, id);
	}
}

size_t sim_proc_begun(const struct proc *p, const uint64_t **ids)
{
	*ids = p->begun;
	return p->nbegun;
}

unsigned sim_proc_starts(const struct proc *p)
{
	return p->starts;
}

void sim_proc_turn_over(struct proc *p)
{
	p->nbegun = p->starts = 0;
}

bool sim_proc_has(const struct proc *p, uint64_t id)
{
	return find(p, id) != NULL;
}

bool sim_proc_prepares(const struct proc *p, uint64_t id)
{
	const struct keeper *k = find(p, id);

	return k && k->phase <= GATE && !k->release;
}
