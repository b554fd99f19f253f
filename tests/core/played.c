/* SPDX-License-Identifier: ISC */
/* See world.h: what people and keepers do, in the words of the tests. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/world.h"
#include "lib/strv.h"

void draft_of(const struct spec *s, struct job *draft)
{
	job_init(draft);
	draft->uid = s->uid ? s->uid : ann.uid;
	draft->user = strdup(s->uid ? "other" : "ann");
	draft->command = calloc(2, sizeof *draft->command);
	draft->command[0] = strdup("true");
	if (s->bytes) {
		char *text = calloc(1, s->bytes + 1);
		memset(text, 'x', s->bytes);
		ck_assert_int_eq(strv_add(&draft->command, text), 0);
		free(text);
	}
	draft->name = s->name ? strdup(s->name) : NULL;
	draft->queue = s->queue ? strdup(s->queue) : NULL;
	draft->unique = s->unique ? strdup(s->unique) : NULL;
	draft->priority = s->priority;
	draft->drop_unmet = s->drop_unmet;
	draft->not_before_us = s->not_before_us;
	draft->deadline_us = s->deadline_us;
	for (size_t i = 0; s->rules[i]; i++)
		ck_assert_int_eq(strv_add(&draft->rules, s->rules[i]), 0);
}

static struct submission submission_of(struct spec *s, struct job *draft)
{
	static char variable[] = "A=1";
	static char *env[] = { variable, NULL };

	draft_of(s, draft);
	return (struct submission){
		.draft = draft,
		.env = s->bare ? NULL : env,
		.token = s->token,
		.hold = s->hold,
		.return_existing = s->return_existing,
		.after = s->after,
		.nafter = s->nafter,
	};
}

enum engine_result try_submit(const struct spec *s, uint64_t *id)
{
	struct job draft;
	struct spec copy = *s;
	struct submission u = submission_of(&copy, &draft);

	return engine_submit(engine, &ann, &u, id);
}

uint64_t submit_spec(struct spec s)
{
	uint64_t id;

	enum engine_result r = try_submit(&s, &id);
	ck_assert(r == ENGINE_OK || r == ENGINE_ALREADY);
	return id;
}

uint64_t submit(void)
{
	return submit_spec((struct spec){ 0 });
}

uint64_t submit_with(const char *token, bool hold, uint8_t priority)
{
	return submit_spec((struct spec){ .token = token, .hold = hold, .priority = priority });
}

uint64_t submit_after(uint64_t other, enum after_on on)
{
	return submit_spec((struct spec){ .after = { { other, on, 0 } }, .nafter = 1 });
}

uint64_t stage(uint64_t *batch, struct spec s)
{
	struct job draft;
	struct submission u = submission_of(&s, &draft);
	uint64_t id;

	ck_assert_int_eq(engine_batch_add(engine, &ann, batch, &u, &id), ENGINE_OK);
	return id;
}

void ended(uint64_t id, int status)
{
	struct keeper_end e = { .id = id, .kind = KEEPER_END_EXITED, .status = status, .empty = true,
		.cpu_us = 5 };

	engine_proc_events()->ended(engine, id, &e);
}

void exits(uint64_t id, int code)
{
	ended(id, code << 8);
	turns();
}

void stopped(uint64_t id)
{
	engine_proc_events()->stopped(engine, id);
}

void lost(uint64_t id, bool gone)
{
	engine_proc_events()->lost(engine, id, "its keeper is gone", gone);
	turns();
}

void shut_down(uint64_t id)
{
	struct keeper_end e = { .id = id, .kind = KEEPER_END_EXITED, .status = SIGTERM, .empty = true,
		.shutdown = true };

	engine_proc_events()->ended(engine, id, &e);
	turns();
}

uint64_t running(void)
{
	return running_spec((struct spec){ 0 });
}

uint64_t running_spec(struct spec s)
{
	uint64_t id = submit_spec(s);

	run(id);
	return id;
}

void run(uint64_t id)
{
	turn();
	ready(id);
	turn();
	ck_assert_msg(runs(id), "job %" PRIu64 " does not run", id);
	heard();
}

enum job_state state_of(uint64_t id)
{
	struct job_view v;

	if (engine_get(engine, id, &v) != ENGINE_OK)
		return 0;
	enum job_state s = v.job->state;
	job_view_fini(&v);
	return s;
}

enum job_reason reason_of(uint64_t id)
{
	struct job_view v;

	ck_assert_int_eq(engine_get(engine, id, &v), ENGINE_OK);
	enum job_reason r = v.reason;
	job_view_fini(&v);
	return r;
}

uint32_t attempts_of(uint64_t id)
{
	struct job_view v;

	ck_assert_int_eq(engine_get(engine, id, &v), ENGINE_OK);
	uint32_t n = job_last_attempt(v.job);
	job_view_fini(&v);
	return n;
}

/* Its numbers; the strings are gone with the view. */
struct job_attempt attempt_of(uint64_t id, uint32_t number)
{
	struct job_attempt copy = { 0 };
	struct job_view v;

	ck_assert_int_eq(engine_get(engine, id, &v), ENGINE_OK);
	const struct job_attempt *a = job_attempt_find(v.job, number);
	if (a)
		copy = *a;
	copy.boot_id = copy.cgroup = copy.error = NULL;
	job_view_fini(&v);
	return copy;
}

const char *why(uint64_t id)
{
	static struct why w;

	ck_assert_int_eq(engine_why(engine, id, &w), ENGINE_OK);
	return w.message;
}

struct control_result ask(uint64_t id, struct control c)
{
	return engine_control(engine, &ann, id, &c);
}

enum engine_result ask_event(uint64_t id, enum job_event event)
{
	return ask(id, (struct control){ .event = event, .priority = 1 }).result;
}

void note_answer(void *arg, enum engine_result r, uint64_t id, pid_t culprit)
{
	struct answer *a = arg;

	(void)id;
	(void)culprit;
	a->calls++;
	a->r = r;
}

void pause_job(uint64_t id, bool release_slot)
{
	struct answer a = { 0, 0 };

	ck_assert_int_eq(ask(id, (struct control){ .event = EVENT_PAUSE, .done = note_answer, .arg = &a,
				     .release_slot = release_slot })
			     .result,
	    ENGINE_PENDING);
	stopped(id);
	turn();
	ck_assert_int_eq(a.r, ENGINE_OK);
	ck_assert_int_eq(state_of(id), JOB_PAUSED);
}

enum engine_result queue_set(const char *name, const char *value)
{
	char *values[] = { (char *)(uintptr_t)value, NULL };

	return engine_queue_set(engine, &root, name, values);
}

struct queue_view queue_of(const char *name)
{
	struct queue_view v;

	engine_queues_look(engine);
	ck_assert_int_eq(engine_queue_get(engine, name, &v), ENGINE_OK);
	return v;
}
