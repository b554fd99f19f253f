/* SPDX-License-Identifier: ISC */
/* See sim_draft.h. */
#include "config.h"

#include "sim_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct actor draft_actor(unsigned user)
{
	static const char *const names[USERS] = {"ann", "bob", "cid", "dee"};

	return (struct actor){1000 + user, names[user], 4711, "jobctl"};
}

void draft_throw_rules(int8_t rules[SIM_RULES], unsigned percent, bool of_queues)
{
	for (int r = 0; r < SIM_RULES; r++) {
		bool may = of_queues || rule_is_of_jobs(sim_values[r].rule);
		rules[r] = may && sim_chance(percent) ? (int8_t)sim_random(sim_values[r].n) : -1;
	}
}

char *const *draft_rules(struct rule_text *t, const int8_t rules[SIM_RULES])
{
	size_t n = 0;

	for (int r = 0; r < SIM_RULES; r++) {
		if (rules[r] < 0)
			continue;
		snprintf(t->text[n], sizeof t->text[n], "%s=%s", rule_name(sim_values[r].rule),
		    sim_values[r].text[rules[r]]);
		t->v[n] = t->text[n];
		n++;
	}
	t->v[n] = NULL;
	return t->v;
}

/* Others to wait for, each once: mostly young ones. */
static void throw_after(struct draft *d, uint64_t batch)
{
	static const enum after_on on[] = {AFTER_OK, AFTER_OK, AFTER_FAILED, AFTER_ANY};
	unsigned most = sim_chance(30) ? 1 + (unsigned)sim_random(AFTER_MOST) : 0;
	const struct model *all = model();

	for (unsigned i = 0; i < most && world()->jobs; i++) {
		uint64_t id = all->nlive && sim_chance(80) ? all->live[sim_random(all->nlive)]
							   : 1 + sim_random(world()->jobs);
		const struct mjob *other = model_job(id);
		bool again = !other || (other->staged && other->batch != batch);
		for (unsigned n = 0; n < d->m.nafter; n++)
			again |= d->m.after[n].id == id;
		if (again)
			continue;
		struct pair p = {.id = id, .on = on[sim_random(4)]};
		d->after[d->m.nafter] = (struct job_after){.id = p.id, .on = p.on};
		d->m.after[d->m.nafter++] = p;
	}
}

static void describe(struct draft *d)
{
	const struct mjob *m = &d->m;
	size_t n = (size_t)snprintf(d->text, sizeof d->text, ": user %u, %s, priority %u", m->user,
	    sim_queues[m->queue], m->priority);

	if (m->key)
		n += (size_t)snprintf(d->text + n, sizeof d->text - n, ", unique %u", m->key);
	if (m->not_before)
		n += (size_t)snprintf(d->text + n, sizeof d->text - n, ", not yet");
	if (m->deadline)
		n += (size_t)snprintf(d->text + n, sizeof d->text - n, ", deadline");
	for (unsigned i = 0; i < m->nafter && n < sizeof d->text; i++)
		n += (size_t)snprintf(d->text + n, sizeof d->text - n, ", after %s:%llu",
		    after_on_name(m->after[i].on), (unsigned long long)m->after[i].id);
}

static void copy_to_job(struct draft *d)
{
	struct job *j = &d->job;
	const struct mjob *m = &d->m;
	char key[16];

	job_init(j);
	j->uid = d->who.uid;
	j->user = strdup(d->who.user);
	j->queue = strdup(sim_queues[m->queue]);
	j->command = calloc(2, sizeof *j->command);
	if (!j->user || !j->queue || !j->command || !(j->command[0] = strdup("true")))
		abort();
	j->priority = (uint8_t)m->priority;
	j->not_before_us = m->not_before;
	j->deadline_us = m->deadline;
	j->drop_unmet = m->drop_unmet;
	snprintf(key, sizeof key, "%u", m->key);
	if (m->key && !(j->unique = strdup(key)))
		abort();
	for (int r = 0; r < SIM_RULES; r++)
		if (m->rules[r] >= 0 &&
		    rules_put(&j->rules, sim_values[r].rule, sim_values[r].text[m->rules[r]]))
			abort();
}

void draft_make(struct draft *d, uint64_t batch, unsigned user)
{
	static char variable[] = "A=1", *env[] = {variable, NULL};
	struct mjob *m = &d->m;

	memset(d, 0, sizeof *d);
	d->who = draft_actor(user);
	m->user = user;
	m->queue = (unsigned)sim_random(QUEUES);
	m->batch = batch;
	m->priority = (unsigned)sim_random(11);
	m->key = sim_chance(8) ? 1 + (unsigned)sim_random(5) : 0;
	m->not_before = sim_chance(15) ? world()->real + sim_random(20 * SECOND) : 0;
	m->deadline = sim_chance(10) ? world()->real + sim_random(30 * SECOND) : 0;
	m->drop_unmet = sim_chance(20);
	draft_throw_rules(m->rules, 12, false);
	throw_after(d, batch);
	copy_to_job(d);
	describe(d);
	d->s = (struct submission){
	    .draft = &d->job, .env = env, .after = d->after, .nafter = m->nafter};
}

void draft_edit(struct draft *d)
{
	static const unsigned fields[] = {EDIT_NAME, EDIT_QUEUE, EDIT_ENVIRONMENT, EDIT_RULES,
	    EDIT_NOT_BEFORE, EDIT_DEADLINE, EDIT_AFTER, EDIT_DROP_UNMET};
	static char variable[] = "A=2", *env[] = {variable, NULL};

	d->x =
	    (struct edit){.draft = &d->job, .env = env, .after = d->after, .nafter = d->m.nafter};
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (sim_chance(25))
			d->x.fields |= fields[i];
	for (int r = 0; r < SIM_RULES; r++)
		if (rule_is_of_jobs(sim_values[r].rule) && sim_chance(10))
			d->x.clear_rules |= 1u << sim_values[r].rule;
	if (sim_chance(50) && (d->job.name = strdup("other")) == NULL)
		abort();
}

void draft_free(struct draft *d)
{
	job_fini(&d->job);
}
