/* SPDX-License-Identifier: ISC */
/*
 * What people ask, at random. What was asked is noted for the model before the engine is asked, and
 * taken back where the engine refuses; whether it may refuse is looked at here.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/state.h"
#include "sim_draft.h"
#include "sim_model.h"
#include "sim_proc.h"

#define LIVE_MOST 40
#define BATCHES	  4
#define PAUSES	  256

static struct {
	struct {
		uint64_t id; /* 0: none */
		unsigned user, n;
	} batches[BATCHES];
	uint64_t pauses[PAUSES]; /* jobs whose pause somebody waits for, each as often as that */
	size_t npauses;
	uint64_t tokens;
	bool declared[QUEUES]; /* what the configuration says */
	int8_t rules[QUEUES][SIM_RULES];
	bool configured;
} the;

static void fill_declaration(struct op *op)
{
	memcpy(op->declared, the.declared, sizeof the.declared);
	memcpy(op->rules, the.rules, sizeof the.rules);
}

/* Tells the engine what the configuration declares. */
static void declare(void)
{
	struct queue_declaration d[QUEUES];
	struct rule_text text[QUEUES];
	size_t n = 0;

	for (unsigned q = 0; q < QUEUES; q++) {
		if (!the.declared[q])
			continue;
		d[n].name = sim_queues[q];
		d[n++].rules = draft_rules(&text[q], the.rules[q]);
	}
	if (engine_declare_queues(world()->engine, d, n))
		abort();
}

void steps_restarted(void)
{
	struct op op = {0};

	if (!the.configured) {
		memset(the.rules, -1, sizeof the.rules);
		memset(the.declared, 1, sizeof the.declared);
		the.configured = true;
	}
	the.npauses = 0;
	memset(the.batches, 0, sizeof the.batches);
	declare();
	fill_declaration(&op);
	model_declare(&op);
}

static void step_declare(void)
{
	struct op *op;

	for (unsigned q = 0; q < QUEUES; q++) {
		the.declared[q] = sim_chance(75);
		draft_throw_rules(the.rules[q], 15, true);
		if (!the.declared[q])
			memset(the.rules[q], -1, SIM_RULES);
	}
	sim_step("the configuration is read again:%s%s%s%s", the.declared[1] ? " import" : "",
	    the.declared[2] ? " mail" : "", the.declared[3] ? " night" : "",
	    the.declared[4] ? " rare" : "");
	op = model_op(OP_DECLARE);
	fill_declaration(op);
	declare();
}

static void configure(const struct engine_settings *s)
{
	struct op *op = model_op(OP_CONFIGURE);

	sim_step("limits: %u, of a user %u; ageing %llu us", s->max_running, s->user_max_running,
	    (unsigned long long)s->ageing_us);
	op->settings = world()->settings = *s;
	engine_configure(world()->engine, s);
}

static void step_configure(void)
{
	static const uint64_t ageing[] = {0, SECOND, 10 * SECOND, 60 * SECOND};
	struct engine_settings s = world()->settings;

	s.max_running = 1 + (unsigned)sim_random(sim_chance(90) ? 6 : 40);
	s.user_max_running = sim_chance(60) ? (unsigned)sim_random(4) : 0;
	if (sim_chance(30))
		s.ageing_us = ageing[sim_random(4)];
	s.kill_grace_ms = 200 + sim_random(3000);
	configure(&s);
}

/* Those that exist; now and then one that does not. */
static uint64_t any_job(void)
{
	const struct model *m = model();

	if (m->nlive && sim_chance(85))
		return m->live[sim_random(m->nlive)];
	return world()->jobs ? 1 + sim_random(world()->jobs + 2) : 1;
}

static unsigned user_of(uint64_t id)
{
	const struct mjob *m = model_job(id);

	return m ? m->user : 0;
}

/* There is such a job, which has not ended, unless this turn has brought its end. */
static void check_exists(uint64_t id, const struct mjob *wanted)
{
	const struct mjob *m = model_job(id);
	struct job_view v;

	if (m && (m->key != wanted->key || m->user != wanted->user))
		sim_fail("job %llu has another key", (unsigned long long)id);
	if (engine_get(world()->engine, id, &v) != ENGINE_OK)
		return; /* of a batch */
	if (job_has_ended(v.job->state))
		sim_fail("job %llu has ended, and its key is not free", (unsigned long long)id);
	job_view_fini(&v);
}

static void step_submit(void)
{
	struct draft d;
	uint64_t id = 0;

	if (model()->nlive >= LIVE_MOST)
		return;
	draft_make(&d, 0, (unsigned)sim_random(USERS));
	d.s.hold = sim_chance(10);
	struct op *op = model_op(OP_SUBMIT);
	enum engine_result r = engine_submit(world()->engine, &d.who, &d.s, &id);
	op->id = id;
	op->job = d.m;
	sim_step("submit: %d, job %llu%s", r, (unsigned long long)id, d.text);
	if (r != ENGINE_OK)
		model_cancel_op(op);
	if (r == ENGINE_FAILED || (r == ENGINE_EXISTS && !d.m.key))
		sim_fail("a submission has result %d", r);
	if (r == ENGINE_EXISTS)
		check_exists(id, &d.m);
	draft_free(&d);
}

static void batch_add(unsigned at)
{
	unsigned user = the.batches[at].id ? the.batches[at].user : (unsigned)sim_random(USERS);
	uint64_t batch = the.batches[at].id, id = 0;
	struct draft d;

	draft_make(&d, batch, user);
	struct op *op = model_op(OP_SUBMIT);
	enum engine_result r = engine_batch_add(world()->engine, &d.who, &batch, &d.s, &id);
	op->id = id;
	op->job = d.m;
	op->job.batch = batch;
	sim_step("batch %llu: add: %d, job %llu%s", (unsigned long long)batch, r,
	    (unsigned long long)id, d.text);
	if (r != ENGINE_OK)
		model_cancel_op(op);
	draft_free(&d);
	if (r == ENGINE_NOT_FOUND)
		the.batches[at].id = 0; /* nothing was added for a minute */
	if (r != ENGINE_OK)
		return;
	the.batches[at].id = batch;
	the.batches[at].user = user;
	the.batches[at].n++;
}

static void batch_end(unsigned at, bool seal)
{
	const struct actor who = draft_actor(the.batches[at].user);
	uint64_t batch = the.batches[at].id;
	struct op *op = model_op(seal ? OP_SEAL : OP_DROP);
	enum engine_result r;
	char token[24];

	op->id = batch;
	snprintf(token, sizeof token, "%llu", (unsigned long long)++the.tokens);
	r = seal ? engine_batch_seal(world()->engine, &who, batch, token)
		 : engine_batch_drop(world()->engine, &who, batch);
	sim_step("batch %llu: %s: %d", (unsigned long long)batch, seal ? "seal" : "drop", r);
	if (r != ENGINE_OK)
		model_cancel_op(op);
	else if (seal && engine_batch_sealed(world()->engine, &who, token) != batch)
		sim_fail("batch %llu is not known by its token", (unsigned long long)batch);
	the.batches[at].id = 0;
	the.batches[at].n = 0;
}

static void step_batch(void)
{
	unsigned at = (unsigned)sim_random(BATCHES);

	if (!the.batches[at].id || (the.batches[at].n < 6 && sim_chance(60))) {
		if (model()->nlive < LIVE_MOST)
			batch_add(at);
	} else if (sim_chance(90)) { /* else nobody may come back to it */
		batch_end(at, sim_chance(70));
	} else {
		the.batches[at].id = 0;
	}
}

static void pause_done(void *arg, enum engine_result r, uint64_t id, pid_t culprit)
{
	size_t i = 0;

	(void)arg;
	(void)culprit;
	while (i < the.npauses && the.pauses[i] != id)
		i++;
	if (i == the.npauses)
		sim_fail("the pause of job %llu is answered, and nobody waits (%d)",
		    (unsigned long long)id, r);
	the.pauses[i] = the.pauses[--the.npauses];
}

void steps_check(void)
{
	for (size_t i = 0; i < the.npauses; i++) {
		const struct mjob *m = model_job(the.pauses[i]);
		if (!m || !m->pausing)
			sim_fail("the pause of job %llu is over, and was not answered",
			    (unsigned long long)the.pauses[i]);
	}
}

/* Whether it was right to say no, or yes. */
static void check_answer(const struct control *c, const struct control_result *r, uint64_t id,
    enum job_state was, bool ending, bool unique)
{
	bool row = state_find(was, c->event) != NULL;
	bool objects = (c->event == EVENT_PAUSE && ending) || (c->event == EVENT_RETRY && unique) ||
		       c->event == EVENT_DELETE; /* others may wait to be told of its end */

	if ((r->result == ENGINE_NOT_FOUND) != (was == 0))
		sim_fail("job %llu is %sfound", (unsigned long long)id, was ? "not " : "");
	if (was && !row && r->result != ENGINE_WRONG_STATE)
		sim_fail("%s of job %llu (%s) has result %d", state_event_name(c->event),
		    (unsigned long long)id, job_state_name(was), r->result);
	if (row && r->result == ENGINE_WRONG_STATE && !objects)
		sim_fail("%s of job %llu (%s) is refused", state_event_name(c->event),
		    (unsigned long long)id, job_state_name(was));
	if (r->result == ENGINE_PENDING && the.npauses < PAUSES)
		the.pauses[the.npauses++] = id;
}

static void ask(uint64_t id, const struct control *c)
{
	const struct actor who = draft_actor(user_of(id));
	struct job_view v;
	enum job_state was = 0;
	bool ending = false, unique = false;

	if (engine_get(world()->engine, id, &v) == ENGINE_OK) {
		was = v.job->state;
		ending = v.job->cancel_requested || v.job->timed_out;
		unique = v.job->unique != NULL;
		job_view_fini(&v);
	}
	struct op *op = model_op(OP_CONTROL);
	op->id = id;
	op->control = *c;
	const struct control_result r = engine_control(world()->engine, &who, id, c);
	sim_step("%s%s%s%s %llu: %d", state_event_name(c->event), c->force ? " --force" : "",
	    c->release_slot ? " --release-slot" : "", c->now ? " --now" : "",
	    (unsigned long long)id, r.result);
	check_answer(c, &r, id, was, ending, unique);
}

static void step_control(void)
{
	static const enum job_event events[] = {EVENT_HOLD, EVENT_RELEASE, EVENT_RELEASE,
	    EVENT_PAUSE, EVENT_PAUSE, EVENT_RESUME, EVENT_RESUME, EVENT_RESUME, EVENT_CANCEL,
	    EVENT_SIGNAL, EVENT_RETRY, EVENT_RETRY, EVENT_DELETE, EVENT_PRIORITY, EVENT_PRIORITY};
	struct control c = {.event = events[sim_random(sizeof events / sizeof events[0])],
	    .priority = 1 + (int)sim_random(10),
	    .signal = SIGUSR1,
	    .now = sim_chance(30),
	    .release_slot = sim_chance(50),
	    .force = sim_chance(15),
	    .done = pause_done};
	uint64_t id = any_job();

	if (c.event != EVENT_RESUME)
		c.force = false;
	if (c.event != EVENT_PAUSE)
		c.release_slot = false;
	if (c.event != EVENT_CANCEL)
		c.now = false;
	if ((c.event == EVENT_RETRY || c.event == EVENT_DELETE) && world()->jobs)
		id = 1 + sim_random(world()->jobs);
	if (c.event == EVENT_RETRY && model()->nlive >= LIVE_MOST)
		return;
	ask(id, &c);
}

static void step_edit(void)
{
	struct control_result cr;
	struct draft d;
	uint64_t id = any_job(), other = 0;

	draft_make(&d, 0, user_of(id));
	draft_edit(&d);
	struct op *op = model_op(OP_EDIT);
	enum engine_result r = engine_edit(world()->engine, &d.who, id, &d.x, &cr, &other);
	op->id = id;
	op->job = d.m;
	op->fields = d.x.fields;
	op->clear = d.x.clear_rules;
	sim_step("edit %llu (%x): %d%s", (unsigned long long)id, d.x.fields, r, d.text);
	if (r != ENGINE_OK)
		model_cancel_op(op);
	if (r == ENGINE_FAILED)
		sim_fail("an edit of job %llu fails", (unsigned long long)id);
	draft_free(&d);
}

static void queue_rules(unsigned q, bool reset)
{
	const struct actor who = draft_actor(0);
	struct op *op = model_op(OP_QUEUE_RULES);
	struct rule_text text;
	unsigned mask = 0;
	enum engine_result r;

	op->queue = q;
	draft_throw_rules(op->rules[0], 20, true);
	char *const *values = draft_rules(&text, op->rules[0]);
	for (int i = 0; i < SIM_RULES; i++) {
		if (op->rules[0][i] >= 0)
			mask |= 1u << sim_values[i].rule;
		op->rules[0][i] = op->rules[0][i] < 0 ? -2 : reset ? -1 : op->rules[0][i];
	}
	r = reset ? engine_queue_reset(world()->engine, &who, sim_queues[q], mask)
		  : engine_queue_set(world()->engine, &who, sim_queues[q], values);
	sim_step("queue %s: %s: %d", sim_queues[q], reset ? "reset" : "set", r);
	for (char *const *v = values; *v; v++)
		sim_add(" %s", *v);
	if (r != ENGINE_OK)
		model_cancel_op(op);
}

static void queue_turn(unsigned q, enum queue_state to)
{
	const struct actor who = draft_actor(0);
	struct op *op = model_op(OP_QUEUE_TURN);
	enum engine_result r;

	op->queue = q;
	op->turn = to;
	r = engine_queue_change(world()->engine, &who, sim_queues[q], to);
	sim_step("queue %s is to be %s: %d", sim_queues[q], queue_state_name(to), r);
	if (r != ENGINE_OK)
		model_cancel_op(op);
}

static void step_queue(void)
{
	unsigned q = (unsigned)sim_random(QUEUES);

	if (sim_chance(50))
		queue_rules(q, sim_chance(40));
	else
		queue_turn(q, sim_chance(60)   ? QUEUE_OPEN
			      : sim_chance(50) ? QUEUE_PAUSED
					       : QUEUE_DRAINING);
}

static void step_disk(void)
{
	world()->free_bytes = sim_chance(85) ? 1 << 20 : 10;
	sim_step("%llu bytes are free", (unsigned long long)world()->free_bytes);
	engine_tick(world()->engine);
}

static bool list_one(void *ctx, const struct job_view *v)
{
	const struct mjob *m = model_job(v->job->id);

	(void)ctx;
	if (m && m->staged && v->job->state == 0)
		sim_fail("job %llu is listed, and has no state", (unsigned long long)v->job->id);
	return true;
}

static void step_look(void)
{
	const struct job_filter all = {0};
	uint64_t before = UINT64_MAX;
	struct why w;

	sim_step("look");
	engine_why(world()->engine, any_job(), &w);
	engine_list(world()->engine, &all, &before, 30, list_one, NULL);
}

void steps_ask(void)
{
	static const struct {
		unsigned weight;
		void (*step)(void);
	} steps[] = {{32, step_submit}, {40, step_control}, {7, step_edit}, {5, step_queue},
	    {2, step_configure}, {1, step_declare}, {8, step_batch}, {1, step_disk},
	    {4, step_look}};
	unsigned sum = 0, dice;
	size_t i = 0;

	for (size_t n = 0; n < sizeof steps / sizeof steps[0]; n++)
		sum += steps[n].weight;
	dice = (unsigned)sim_random(sum);
	for (; dice >= steps[i].weight; i++)
		dice -= steps[i].weight;
	steps[i].step();
}

void steps_random(void)
{
	uint64_t dice = sim_random(1000);

	if (dice < 600)
		steps_ask();
	else if (dice < 700)
		world_turn();
	else if (dice < 960)
		world_advance(sim_random(sim_chance(60)	  ? 100000
					 : sim_chance(80) ? SECOND
							  : 5 * SECOND));
	else if (dice < 990)
		sim_proc_disturb(world()->proc);
	else if (dice < 995)
		world_set_clock();
	else if (dice < 998)
		world_crash();
	else if (sim_chance(30))
		world_stop();
}

void steps_open_all(void)
{
	const struct engine_settings s = {
	    .max_running = 4, .kill_grace_ms = 1000, .ageing_us = 10 * SECOND};
	const struct model *m = model();

	if (world()->settings.max_running != 4 || world()->settings.user_max_running)
		configure(&s);
	for (unsigned q = 0; q < QUEUES; q++) {
		const struct actor who = draft_actor(0);
		if (m->queues[q].state != QUEUE_OPEN)
			queue_turn(q, QUEUE_OPEN);
		(void)who;
	}
	for (unsigned i = 0; i < BATCHES; i++)
		if (the.batches[i].id)
			batch_end(i, true);
	world_turn();
	for (size_t i = 0; i < m->nlive; i++) {
		const struct mjob *j = model_job(m->live[i]);
		if (j->staged)
			continue;
		if (j->state == JOB_HELD)
			ask(j->id, &(struct control){.event = EVENT_RELEASE});
		else if (j->state == JOB_PAUSED && !j->resume_later)
			ask(j->id, &(struct control){.event = EVENT_RESUME});
	}
}
