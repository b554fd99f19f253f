/* SPDX-License-Identifier: ISC */
/* org.jobd.Job.List, Get and Why, org.jobd.Monitor.Audit: pages and single records. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "lib/varlink_handlers.h"

void api_job_get(void *ctx, struct call *c)
{
	struct api *a = ctx;
	/* As it was said: the number that is answered for a negative one is that. */
	uint64_t id = (uint64_t)json_integer_value(json_object_get(call_params(c), "id"));
	struct job_view v;
	enum engine_result r = engine_get(a->o.engine, id, &v);

	if (r != ENGINE_OK) {
		error_of_get(c, id, r);
		return;
	}
	json_t *reply = json_object();
	json_put(reply, "job", job_json(a, call_peer(c), &v, true));
	job_view_fini(&v);
	call_reply(c, reply);
}

void api_job_why(void *ctx, struct call *c)
{
	struct api *a = ctx;
	uint64_t id = param_u64(c, "id", 0);
	struct why w;
	enum engine_result r = engine_why(a->o.engine, id, &w);
	json_t *reply, *ids;

	if (r != ENGINE_OK) {
		error_of_get(c, id, r);
		return;
	}
	reply = json_object();
	json_put(reply, "state", json_string(job_state_name(w.state)));
	json_put(reply, "reason", json_text(job_reason_name(w.reason)));
	json_put(reply, "message", json_text(w.message));
	json_put(reply, "queue", json_text(w.queue));
	if (w.has_before)
		json_put(reply, "before", json_integer((json_int_t)w.before));
	json_put(reply, "limit", json_text(w.limit));
	if (w.until_us)
		json_put(reply, "until_us", json_integer((json_int_t)w.until_us));
	if (w.nids) {
		ids = json_array();
		for (size_t i = 0; i < w.nids; i++)
			json_array_append_new(ids, json_integer((json_int_t)w.ids[i]));
		json_put(reply, "ids", ids);
	}
	call_reply(c, reply);
}

/* A filter, and what it borrows from. */
struct selection {
	struct job_filter f;
	uint64_t *ids;
	const char **queues, **projects, **users;
	struct job_meta *meta;
	char digits[16];
	const char *own_names[3];
};

static void selection_fini(struct selection *s)
{
	free(s->ids);
	free(s->queues);
	free(s->projects);
	free(s->users);
	free(s->meta);
}

/* One more of a list; NULL: none. */
static void add_word(char *list, size_t size, const char *word)
{
	size_t n = strlen(list);

	if (word)
		snprintf(list + n, size - n, "%s%s", n ? ", " : "", word);
}

static void refuse_state(struct call *c, const char *name)
{
	char known[100] = "";

	for (int s = 1; s < JOB_STATES; s++)
		add_word(known, sizeof known, job_state_name((enum job_state)s));
	error_invalid(c, "states", "\"%.40s\" is none of %s", name, known);
}

/* The bits of the states that are named; false when one is no state (the call is answered). */
static bool take_states(struct call *c, unsigned *states)
{
	const json_t *array = json_object_get(call_params(c), "states");

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));
		enum job_state s = job_state_parse(name);
		if (!s) {
			refuse_state(c, name);
			return false;
		}
		*states |= 1u << s;
	}
	return true;
}

static void refuse_reason(struct call *c, const char *name)
{
	char known[250] = "";

	for (int r = 1; r < JOB_REASONS; r++)
		add_word(known, sizeof known, job_reason_name((enum job_reason)r));
	error_invalid(c, "reasons", "\"%.40s\" is none of %s", name, known);
}

/* The same of reasons. */
static bool take_reasons(struct call *c, uint32_t *reasons)
{
	const json_t *array = json_object_get(call_params(c), "reasons");

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));
		enum job_reason r = job_reason_parse(name);
		if (!r) {
			refuse_reason(c, name);
			return false;
		}
		*reasons |= UINT32_C(1) << r;
	}
	return true;
}

static bool take_batch(struct call *c, uint64_t *batch)
{
	const json_t *v = json_object_get(call_params(c), "batch");

	if (json_is_integer(v) && json_integer_value(v) < 1) {
		error_invalid(c, "batch", "it is what SubmitMany returned");
		return false;
	}
	*batch = param_u64(c, "batch", 0);
	return true;
}

static void take_meta(const struct call *c, struct selection *s, bool *no_memory)
{
	json_t *meta = json_object_get(call_params(c), "meta");
	size_t n = json_object_size(meta);

	if (n == 0)
		return;
	s->meta = calloc(n, sizeof *s->meta);
	if (!s->meta) {
		*no_memory = true;
		return;
	}
	for (void *at = json_object_iter(meta); at; at = json_object_iter_next(meta, at)) {
		struct job_meta *m = &s->meta[s->f.nmeta++];
		m->key = (char *)(uintptr_t)json_object_iter_key(at);
		m->value = (char *)(uintptr_t)json_string_value(json_object_iter_value(at));
	}
	s->f.meta = s->meta;
}

/* False: the call is answered. */
static bool take_selection(struct call *c, struct selection *s)
{
	bool no_memory = false;

	if (!param_filter_fits(c) || !take_states(c, &s->f.states) || !take_reasons(c, &s->f.reasons) ||
	    !take_batch(c, &s->f.batch))
		return false;
	s->f.ids = s->ids = param_ids(c, &s->f.nids, &no_memory);
	s->f.queues = s->queues = param_strv(c, "queues", &no_memory);
	s->f.projects = s->projects = param_strv(c, "projects", &no_memory);
	s->f.users = s->users = param_strv(c, "users", &no_memory);
	s->f.name_glob = param_str(c, "name");
	s->f.since_us = param_u64(c, "since_us", 0);
	s->f.until_us = param_u64(c, "until_us", 0);
	s->f.search = param_str(c, "search");
	take_meta(c, s, &no_memory);
	if (no_memory)
		error_failed(c, 0, "no memory");
	return !no_memory;
}

/* A page is short where its jobs are long: common clients refuse messages over 16 MiB, and jobd
 * does not hold megabytes for each that asks. */
#define PAGE_BYTES (1u << 20)

struct page {
	const struct api *a;
	const struct peer *p;
	json_t *rows;
	size_t limit;
	size_t bytes; /* so far */
};

/* Whether a filter asks for what only its owner may see of a job. */
static bool asks_private(const struct job_filter *f)
{
	return f->projects || f->name_glob || f->nmeta || f->search || f->batch;
}

/*
 * Such a filter must not tell it: where the caller may see no others', only the caller's own are
 * looked at. Their user is the caller's name, or number where the name service was late.
 */
static void limit_selection(const struct api *a, const struct peer *p, struct selection *s)
{
	if (!asks_private(&s->f) || access_is_admin(a, p))
		return;
	snprintf(s->digits, sizeof s->digits, "%lu", (unsigned long)p->uid);
	s->own_names[0] = p->user;
	s->own_names[1] = s->digits;
	s->f.own_names = s->own_names;
	s->f.limit_uid = true;
	s->f.uid = p->uid;
}

static bool list_one(void *ctx, const struct job_view *v)
{
	struct page *page = ctx;

	json_array_append_new(page->rows, job_json(page->a, page->p, v, false));
	page->bytes += job_json_bytes(v->job);
	return json_array_size(page->rows) < page->limit && page->bytes < PAGE_BYTES;
}

static bool is_empty(const struct call *c, const char *name)
{
	const json_t *v = json_object_get(call_params(c), name);

	return json_is_array(v) && json_array_size(v) == 0;
}

void api_job_list(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct selection s = { 0 };
	uint64_t limit, before;

	if (!page_params(c, &limit, &before))
		return;
	if (!take_selection(c, &s))
		goto out;
	if (is_empty(c, "states") || is_empty(c, "reasons")) {
		call_reply(c, json_pack("{s:[]}", "jobs")); /* of no state: none, not all */
		goto out;
	}
	limit_selection(a, call_peer(c), &s);
	struct page page = { .a = a, .p = call_peer(c), .rows = json_array(),
		.limit = limit };
	int more = engine_list(a->o.engine, &s.f, &before, PAGE_BUDGET, list_one, &page);
	json_t *reply = json_object();
	json_put(reply, "jobs", page.rows);
	page_cursor(reply, more, before);
	if (more < 0) {
		json_decref(reply);
		error_failed(c, 0, "the store can't be read");
		goto out;
	}
	call_reply(c, reply);
out:
	selection_fini(&s);
}

static bool audit_one(void *ctx, const struct journal_entry *e)
{
	struct page *page = ctx;

	json_array_append_new(page->rows, entry_json(e));
	return json_array_size(page->rows) < page->limit;
}

void api_monitor_audit(void *ctx, struct call *c)
{
	struct api *a = ctx;
	const struct peer *p = call_peer(c);
	struct journal_filter f = { 0 };
	bool no_memory = false;
	uint64_t limit, before;

	if (!page_params(c, &limit, &before) || !param_filter_fits(c))
		return;
	uint64_t *ids = param_ids(c, &f.njobs, &no_memory);
	const char **users = param_strv(c, "users", &no_memory);
	const char **verbs = param_strv(c, "verbs", &no_memory);
	f.jobs = ids;
	f.users = users;
	f.verbs = verbs;
	f.since_us = param_u64(c, "since_us", 0);
	f.until_us = param_u64(c, "until_us", 0);
	f.control = param_bool(c, "control");
	f.limit_uid = !access_is_admin(a, p);
	f.uid = p->uid;

	struct page page = { .a = a, .p = p, .rows = json_array(), .limit = limit };
	int more = no_memory ? -1
	    : engine_audit(a->o.engine, &f, &before, PAGE_BUDGET, audit_one, &page);
	json_t *reply = json_object();
	json_put(reply, "entries", page.rows);
	page_cursor(reply, more, before);
	if (more < 0) {
		json_decref(reply);
		error_failed(c, 0, "the journal can't be read");
	} else {
		call_reply(c, reply);
	}
	free(ids);
	free(users);
	free(verbs);
}
