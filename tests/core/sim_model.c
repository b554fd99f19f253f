/* SPDX-License-Identifier: ISC */
/* See sim_model.h: the plain part, and what is asked for. What comes of it is sim_entry.c's. */
#include "config.h"

#include "sim_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/store/store.h"
#include "sim_peek.h"

const struct sim_values sim_values[SIM_RULES] = {
    [SIM_MAX] = {RULE_MAX_RUNNING, 5, 0, {"0", "1", "2", "3", "5"}, {0, 1, 2, 3, 5}},
    [SIM_PRIORITY] = {RULE_PRIORITY, 3, 5, {"1", "5", "10"}, {1, 5, 10}},
    [SIM_TIMEOUT] = {RULE_TIMEOUT, 4, 0, {"0", "3s", "8s", "20s"},
	{0, 3 * SECOND, 8 * SECOND, 20 * SECOND}},
    [SIM_WARN] = {RULE_WARN, 3, 0, {"none", "USR1@1s", "USR1@5s"}, {0, SECOND, 5 * SECOND}},
    [SIM_ATTEMPTS] = {RULE_ATTEMPTS, 3, 1, {"1", "2", "3"}, {1, 2, 3}},
    [SIM_BACKOFF] = {RULE_BACKOFF, 3, 10 * SECOND, {"0", "1s", "4s"}, {0, SECOND, 4 * SECOND}},
    [SIM_BACKOFF_MAX] = {RULE_BACKOFF_MAX, 2, 600 * SECOND, {"0", "6s"}, {0, 6 * SECOND}},
    [SIM_JITTER] = {RULE_BACKOFF_JITTER, 2, 10, {"0", "10"}, {0, 10}},
    [SIM_RETRY_NOT] = {RULE_RETRY_NOT, 2, 0, {"none", "3"}, {0, 3}},
    [SIM_RECOVERY] = {RULE_RECOVERY, 3, RECOVERY_RETRY, {"retry", "fail", "hold"},
	{RECOVERY_RETRY, RECOVERY_FAIL, RECOVERY_HOLD}},
};

const char *const sim_queues[QUEUES] = {QUEUE_DEFAULT, "import", "mail", "night", "rare"};

static struct model the;

struct model *model(void)
{
	return &the;
}

void model_init(void)
{
	the = (struct model){0};
	for (unsigned q = 0; q < QUEUES; q++) {
		memset(the.queues[q].config, -1, SIM_RULES);
		memset(the.queues[q].runtime, -1, SIM_RULES);
	}
	the.queues[0].declared = true;
}

void model_fini(void)
{
	for (size_t i = 0; i < the.cap; i++)
		free(the.jobs[i]);
	free(the.jobs);
	free(the.live);
	free(the.ops);
	free(the.entries);
	the = (struct model){0};
}

struct op *model_op(enum op_kind kind)
{
	if (the.nops == the.ops_cap) {
		the.ops_cap = the.ops_cap ? the.ops_cap * 2 : 64;
		the.ops = realloc(the.ops, the.ops_cap * sizeof *the.ops);
		if (!the.ops)
			abort();
	}
	struct op *op = &the.ops[the.nops++];
	memset(op, 0, sizeof *op);
	op->kind = kind;
	op->at = store_journal_last(world()->store);
	return op;
}

void model_cancel_op(struct op *op)
{
	if (op != &the.ops[the.nops - 1])
		sim_fail("the simulation: an operation is taken back that is not the last");
	the.nops--;
}

struct mjob *model_job(uint64_t id)
{
	return id < the.cap && the.jobs[id] && the.jobs[id]->state ? the.jobs[id] : NULL;
}

bool model_is_live(const struct mjob *m)
{
	return m && m->state && !job_has_ended(m->state);
}

uint64_t model_queue_rule(unsigned queue, enum sim_rule r)
{
	const struct mqueue *q = &the.queues[queue];
	int given = q->runtime[r] >= 0 ? q->runtime[r] : q->config[r];

	return given >= 0 ? sim_values[r].value[given] : sim_values[r].none;
}

uint64_t model_rule(const struct mjob *m, enum sim_rule r)
{
	return m->rules[r] >= 0 ? sim_values[r].value[m->rules[r]] : model_queue_rule(m->queue, r);
}

void model_allow(struct mjob *m)
{
	uint64_t limit = model_rule(m, SIM_TIMEOUT);

	if (!limit)
		limit = UINT64_MAX;
	if (limit > m->limit)
		m->limit = limit;
}

static void allow_all(void)
{
	for (size_t i = 0; i < the.nlive; i++) {
		struct mjob *m = the.jobs[the.live[i]];
		if (m->state == JOB_RUNNING || m->state == JOB_PAUSED)
			model_allow(m);
	}
}

uint64_t model_rank(const struct mjob *m)
{
	if (the.settings.ageing_us == 0)
		return (uint64_t)m->priority << 56 | m->eligible;
	return m->eligible + m->priority * the.settings.ageing_us;
}

bool model_is_met(const struct mjob *m)
{
	for (unsigned i = 0; i < m->nafter; i++)
		if (!m->after[i].known || !(m->after[i].met || m->after[i].passed || m->drop_unmet))
			return false;
	return true;
}

bool model_may_be_doomed(const struct mjob *m)
{
	for (unsigned i = 0; i < m->nafter; i++)
		if (m->after[i].unsure)
			return true;
	return model_is_doomed(m);
}

bool model_is_doomed(const struct mjob *m)
{
	for (unsigned i = 0; i < m->nafter && !m->drop_unmet; i++)
		if (m->after[i].known && !m->after[i].met && !m->after[i].passed)
			return true;
	return false;
}

uint64_t model_ran(const struct mjob *m)
{
	return m->ran + (m->since ? world()->mono - m->since : 0);
}

uint64_t model_warning(const struct mjob *m)
{
	uint64_t limit = m->limit, before = model_rule(m, SIM_WARN);

	return limit > before + SECOND ? limit - before : SECOND;
}

static void add_live(struct mjob *m)
{
	if (the.nlive == the.live_cap) {
		the.live_cap = the.live_cap ? the.live_cap * 2 : 64;
		the.live = realloc(the.live, the.live_cap * sizeof *the.live);
		if (!the.live)
			abort();
	}
	m->live_at = the.nlive;
	the.live[the.nlive++] = m->id;
}

static void remove_live(struct mjob *m)
{
	uint64_t last = the.live[--the.nlive];

	the.live[m->live_at] = last;
	the.jobs[last]->live_at = m->live_at;
}

/* How a job it waits for has ended, as far as that counts. */
static void learn(struct pair *p, enum job_state ended)
{
	p->known = true;
	p->met = ended ? after_is_met(p->on, ended) : p->on == AFTER_ANY;
}

/* The pair is new: what is there is looked at once. */
static void look_up(struct pair *p)
{
	const struct mjob *other = model_job(p->id);

	p->known = p->met = p->passed = p->unsure = false;
	if (!model_is_live(other))
		learn(p, other ? other->state : 0);
}

void model_end(struct mjob *m, enum job_state to, enum job_reason reason)
{
	uint64_t attempts = model_rule(m, SIM_ATTEMPTS);

	m->state = to;
	m->reason = reason;
	m->since = 0;
	m->pausing = m->released = m->resume_later = m->queue_paused = m->stop_paused = false;
	if (m->allowed < attempts)
		m->allowed = (unsigned)attempts;
	the.ended[to]++;
	remove_live(m);
	for (size_t i = 0; i < the.nlive; i++) {
		struct mjob *l = the.jobs[the.live[i]];
		for (unsigned n = 0; n < l->nafter; n++)
			if (l->after[n].id == m->id && !l->after[n].known)
				learn(&l->after[n], to);
	}
}

/* It waits for those that are tried again as well, and for nothing else. */
void model_revive(struct mjob *m)
{
	the.ended[m->state]--;
	m->state = JOB_QUEUED;
	add_live(m);
	m->cancel = m->timed_out = m->warned = m->pausing = m->survivors = m->ripe = false;
	m->attempt = 0;
	m->retry_at = m->retry_low = m->retry_high = m->again = 0;
	m->fails = m->doomed_turns = 0;
	m->starting = m->slot = false;
	m->allowed = m->last + 1;
	if (m->deadline <= world()->real) /* it is retried all the same */
		m->deadline = 0;
	for (unsigned i = 0; i < m->nafter; i++) {
		struct pair *p = &m->after[i];
		if (p->known && p->met) {
			/* It may have failed of another pair before this one was on record: then it waits anew. */
			if (model_is_live(model_job(p->id)) && peek_awaits(world()->engine, m->id, p->id))
				p->known = p->met = false;
			continue;
		}
		if (!p->known || model_is_live(model_job(p->id)))
			look_up(p);
		p->passed = p->known && !p->met;
	}
}

/* Its start did not work out: 250 ms, and twice that each time, up to 256 times. */
void model_put_off(struct mjob *m)
{
	m->again = world()->mono + (UINT64_C(250000) << (m->fails < 8 ? m->fails : 8));
	m->fails++;
}

void model_gone(struct mjob *m)
{
	if (model_is_live(m))
		remove_live(m);
	else
		the.ended[m->state]--;
	m->state = 0;
}

void model_remove_batch(uint64_t batch)
{
	for (size_t i = the.nlive; i > 0; i--) {
		struct mjob *m = the.jobs[the.live[i - 1]];
		if (m->staged && m->batch == batch)
			model_gone(m);
	}
}

static void take_submission(const struct op *op)
{
	if (op->id >= the.cap) {
		size_t cap = op->id * 2 + 64;
		the.jobs = realloc(the.jobs, cap * sizeof(struct mjob *));
		if (!the.jobs)
			abort();
		memset(&the.jobs[the.cap], 0, (cap - the.cap) * sizeof(struct mjob *));
		the.cap = cap;
	}
	if (!the.jobs[op->id] && !(the.jobs[op->id] = malloc(sizeof(struct mjob))))
		abort();
	struct mjob *m = the.jobs[op->id];
	*m = op->job;
	m->id = op->id;
	for (size_t i = 0; i < the.nlive; i++) {
		const struct mjob *l = the.jobs[the.live[i]];
		if (m->key && l->user == m->user && l->key == m->key)
			sim_fail("jobs %llu and %llu have the same unique key",
			    (unsigned long long)l->id, (unsigned long long)m->id);
	}
	for (unsigned i = 0; i < m->nafter; i++)
		look_up(&m->after[i]);
	if (!m->priority)
		m->priority = (unsigned)model_queue_rule(m->queue, SIM_PRIORITY);
	m->state = JOB_QUEUED;
	add_live(m);
	world()->jobs++;
}

/* What was dropped stays so; of what ended just now nobody knows whether it was. */
static void keep_dropped(struct mjob *m)
{
	for (unsigned i = 0; i < m->nafter && !m->drop_unmet; i++) {
		struct pair *p = &m->after[i];
		if (p->known && !p->met && !p->passed)
			p->passed = p->unsure = true;
	}
}

static void take_edit(const struct op *op)
{
	struct mjob *m = model_job(op->id);
	const struct mjob *to = &op->job;

	if (!m)
		sim_fail("job %llu is edited, and is not there", (unsigned long long)op->id);
	m->fails = 0;
	m->again = 0;
	if (op->fields & EDIT_QUEUE)
		m->queue = to->queue;
	if (op->fields & EDIT_NOT_BEFORE)
		m->not_before = to->not_before;
	if (op->fields & EDIT_NOT_BEFORE && to->not_before)
		m->retry_at = m->retry_low = m->retry_high = 0;
	if (op->fields & EDIT_DEADLINE)
		m->deadline = to->deadline;
	if (op->fields & EDIT_DROP_UNMET && m->drop_unmet != to->drop_unmet) {
		m->drop_unmet = to->drop_unmet;
		keep_dropped(m);
	}
	m->ripe &= !(op->fields & EDIT_NOT_BEFORE);
	for (int r = 0; op->fields & EDIT_RULES && r < SIM_RULES; r++) {
		if (to->rules[r] >= 0)
			m->rules[r] = to->rules[r];
		else if (op->clear & 1u << sim_values[r].rule)
			m->rules[r] = -1;
	}
	if (!(op->fields & EDIT_AFTER))
		return;
	m->nafter = to->nafter;
	m->doomed_turns = 0;
	for (unsigned i = 0; i < m->nafter; i++) {
		m->after[i] = to->after[i];
		look_up(&m->after[i]);
	}
}

static void take_seal(uint64_t batch)
{
	for (size_t n = 0; n < the.nlive; n++) {
		struct mjob *m = the.jobs[the.live[n]];
		if (!m->staged || m->batch != batch)
			continue;
		m->staged = false;
		m->turn = world()->turns;
		for (unsigned i = 0; i < m->nafter; i++)
			if (m->after[i].known && !m->after[i].met)
				look_up(&m->after[i]);
	}
}

static void note_limit(unsigned queue)
{
	struct mqueue *q = &the.queues[queue];
	uint64_t most = model_queue_rule(queue, SIM_MAX);

	if (!most || most > q->most)
		q->most = most ? most : UINT64_MAX;
	q->was_open |= q->state == QUEUE_OPEN;
	q->was_let_on |= q->state != QUEUE_PAUSED;
}

static void note_limits(void)
{
	uint64_t user_most = the.settings.user_max_running;

	if (the.settings.max_running > the.most)
		the.most = the.settings.max_running;
	if (!user_most || user_most > the.user_most)
		the.user_most = user_most ? user_most : UINT64_MAX;
	for (unsigned q = 0; q < QUEUES; q++)
		note_limit(q);
}

void model_declare(const struct op *op)
{
	for (unsigned q = 0; q < QUEUES; q++) {
		the.queues[q].declared = op->declared[q] || q == 0;
		if (the.queues[q].declared) /* else it goes on as it was */
			memcpy(the.queues[q].config, op->rules[q], SIM_RULES);
	}
	allow_all();
}

/* The one that the entries which follow may come from. */
static const struct op *current;

static void take_op(const struct op *op)
{
	current = op;
	switch (op->kind) {
	case OP_SUBMIT:
		take_submission(op);
		break;
	case OP_EDIT:
		take_edit(op);
		break;
	case OP_CONTROL:
		break;
	case OP_SEAL:
		take_seal(op->id);
		break;
	case OP_DROP:
		model_remove_batch(op->id);
		break;
	case OP_QUEUE_RULES:
		for (int r = 0; r < SIM_RULES; r++)
			if (op->rules[0][r] != -2)
				the.queues[op->queue].runtime[r] = op->rules[0][r];
		allow_all();
		break;
	case OP_QUEUE_TURN:
		the.queues[op->queue].state = op->turn;
		break;
	case OP_DECLARE:
		model_declare(op);
		break;
	case OP_CONFIGURE:
		the.settings = op->settings;
		break;
	case OP_FACT:
		model_fact(op);
	}
	note_limits();
}

const struct op *model_current(void)
{
	return current;
}

static bool collect(void *ctx, const struct journal_entry *e)
{
	const uint64_t *last = ctx;

	if (e->number <= *last)
		return false;
	if (the.nentries == the.entries_cap) {
		the.entries_cap = the.entries_cap ? the.entries_cap * 2 : 64;
		the.entries = realloc(the.entries, the.entries_cap * sizeof *the.entries);
		if (!the.entries)
			abort();
	}
	struct seen *s = &the.entries[the.nentries++];
	s->e = *e;
	snprintf(s->verb, sizeof s->verb, "%s", e->verb);
	snprintf(s->result, sizeof s->result, "%s", e->result);
	snprintf(s->detail, sizeof s->detail, "%s", e->detail ? e->detail : "");
	return true;
}

static void begin_turn(void)
{
	the.most = the.user_most = 0;
	the.forced = 0;
	memset(the.forced_of_queue, 0, sizeof the.forced_of_queue);
	memset(the.forced_of_user, 0, sizeof the.forced_of_user);
	for (unsigned q = 0; q < QUEUES; q++) {
		the.queues[q].most = 0;
		the.queues[q].was_open = the.queues[q].was_let_on = false;
	}
	for (size_t i = 0; i < the.nlive; i++)
		the.jobs[the.live[i]]->took = TOOK_TURN;
	note_limits();
}

void model_commit(void)
{
	const struct journal_filter all = {0};
	uint64_t before = UINT64_MAX;
	size_t op = 0;

	begin_turn();
	the.nentries = 0;
	if (store_journal_last(world()->store) > the.journal &&
	    store_journal_page(world()->store, &all, &before, 100000, collect, &the.journal) < 0)
		sim_fail("the journal can't be read");
	for (size_t i = the.nentries; i > 0; i--) {
		struct seen *s = &the.entries[i - 1];
		for (; op < the.nops && the.ops[op].at < s->e.number; op++)
			take_op(&the.ops[op]);
		if (s->e.number != ++the.journal)
			sim_fail("the journal's next entry has number %llu",
			    (unsigned long long)s->e.number);
		s->e.verb = s->verb;
		s->e.result = s->result;
		s->e.detail = s->detail;
		model_entry(&s->e);
	}
	for (; op < the.nops; op++)
		take_op(&the.ops[op]);
	the.nops = 0;
	current = NULL;
	for (size_t i = 0; i < the.nlive; i++)
		if (the.jobs[the.live[i]]->expect)
			sim_fail("job %llu: a keeper told of its end, and it is not %s",
			    (unsigned long long)the.live[i], the.jobs[the.live[i]]->expect);
}

void model_forget_turn(void)
{
	the.nops = 0;
}
