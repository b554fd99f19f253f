/* SPDX-License-Identifier: ISC */
/*
 * What a plan names and only jobd has: queues, templates, jobs. They are asked for once, and all that
 * is wrong is told; jobd itself ends at the first. Whether the caller may submit to a queue, whether a
 * key is taken and what limits allow is left to jobd.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/plan.h"
#include "jobctl/select.h"
#include "lib/nearest.h"
#include "lib/str.h"
#include "lib/strv.h"
#include "lib/template.h"

#define IDS_MOST 1000 /* in one call: the protocol's */

/* Whether any line has the field. */
static bool any_has(const struct plan *p, const char *field)
{
	for (size_t i = 0; i < p->n; i++)
		if (job_text(p->jobs[i].job, field))
			return true;
	return false;
}

/* The one of that name; NULL, and that is a mistake. */
static const json_t *find(struct plan *p, unsigned long line, const char *kind, const char *name,
    const json_t *things, size_t *missing)
{
	struct nearest near = NEAREST(name);
	size_t i;
	json_t *one;

	json_array_foreach(things, i, one) {
		const char *have = job_text_or(one, "name", "");
		/* A queue that is gone is listed as long as there are jobs of it. */
		if (json_is_false(json_object_get(one, "declared")))
			continue;
		if (strcmp(have, name) == 0)
			return one;
		nearest_try(&near, have);
	}
	if (near.name)
		plan_mistake(p, line, "there is no %s '%s': did you mean '%s'?", kind, name, near.name);
	else
		plan_mistake(p, line, "there is no %s '%s' (jobctl %s list)", kind, name, kind);
	(*missing)++;
	return NULL;
}

static enum code check_queues(struct ctl *c, struct plan *p, size_t *missing)
{
	json_t *reply;

	if (!any_has(p, "queue"))
		return CODE_DONE;
	enum code code = client_ask(
	    &c->client, "list the queues", "org.jobd.Queue.List", json_object(), &reply);
	for (size_t i = 0; i < p->n && code == CODE_DONE; i++) {
		const char *name = job_text(p->jobs[i].job, "queue");
		if (name)
			find(p, p->jobs[i].line, "queue", name, json_object_get(reply, "queues"), missing);
	}
	json_decref(reply);
	return code;
}

static bool put(struct template *t, const char *field, const char *value)
{
	const char *takes;
	return template_set(t, field, value, &takes) == 0;
}

/* What decides about parameters: where they stand, and which there are. */
static bool read_template(struct template *t, const json_t *json)
{
	static const char *const lists[] = { "command", "parameters", "environment" };
	static const char *const texts[] = { "job_name", "project", "cwd" };
	size_t k;
	json_t *one;

	t->name = strdup(job_text_or(json, "name", ""));
	bool good = t->name != NULL;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		json_array_foreach(json_object_get(json, lists[i]), k, one) {
			good = good && json_is_string(one) && put(t, lists[i], json_string_value(one));
		}
	}
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *text = job_text(json, texts[i]);
		good = good && (!text || put(t, texts[i], text));
	}
	return good;
}

/* Whether something was found wrong with the line's parameters, which then were put aside. */
static bool were_wrong(const struct plan *p, unsigned long line)
{
	for (size_t i = 0; i < p->nmistakes; i++)
		if (p->mistakes[i].line == line && strncmp(p->mistakes[i].text, "parameters:", 11) == 0)
			return true;
	return false;
}

/* Whether the parameters are what the template takes, as jobd would see it. */
static void check_parameters(struct plan *p, const struct plan_job *j, const json_t *json)
{
	struct template t, made;
	char **given = NULL, *why = NULL;
	const char *name;
	json_t *value;

	template_init(&t);
	template_init(&made);
	json_object_foreach(json_object_get(j->job, "parameters"), name, value) {
		char *one = str_printf("%s=%s", name, json_string_value(value));
		if (!one || strv_add(&given, one) != 0)
			p->failed = true;
		free(one);
	}
	if (!p->failed && read_template(&t, json) && template_expand(&t, given, &made, &why) == -EINVAL)
		plan_mistake(p, j->line, "parameters: %s", why ? why : "are not what the template takes");
	free(why);
	strv_free(given);
	template_fini(&made);
	template_fini(&t);
}

static enum code check_templates(struct ctl *c, struct plan *p, size_t *missing)
{
	json_t *reply;

	if (!any_has(p, "template"))
		return CODE_DONE;
	enum code code = client_ask(
	    &c->client, "list the templates", "org.jobd.Template.List", json_object(), &reply);
	for (size_t i = 0; i < p->n && code == CODE_DONE; i++) {
		const char *name = job_text(p->jobs[i].job, "template");
		const json_t *t = name ? find(p, p->jobs[i].line, "template", name,
				     json_object_get(reply, "templates"), missing) : NULL;
		if (t && !were_wrong(p, p->jobs[i].line))
			check_parameters(p, &p->jobs[i], t);
	}
	json_decref(reply);
	return code;
}

static const char *key_of(int64_t id, char key[24])
{
	snprintf(key, 24, "%" PRId64, id);
	return key;
}

static int64_t take_found(void *ctx, json_t *jobs, const char *cursor)
{
	json_t *found = ctx, *job;
	size_t i;
	char key[24];

	(void)cursor;
	json_array_foreach(jobs, i, job) {
		json_object_set_new(found, key_of(job_int(job, "id", 0), key), json_true());
	}
	return INT64_MAX;
}

/* The numbers that lines wait for, by themselves. */
static json_t *numbers(const struct plan *p)
{
	json_t *all = json_object();
	char key[24];

	for (size_t i = 0; i < p->n; i++) {
		const struct plan_job *j = &p->jobs[i];
		for (size_t k = 0; k < j->nafter; k++)
			if (!j->after[k].in_plan)
				json_object_set_new(all, key_of(j->after[k].id, key),
				    json_integer((json_int_t)j->after[k].id));
	}
	return all;
}

/* Those of them that are there. */
static enum code find_jobs(struct ctl *c, json_t *asked, json_t *found)
{
	size_t n = json_object_size(asked), i = 0;
	json_t *ids = json_array(), *value;
	enum code code = CODE_DONE;
	const char *key;

	json_object_foreach(asked, key, value) {
		json_array_append(ids, value);
		if (++i < n && json_array_size(ids) < IDS_MOST)
			continue;
		if (code == CODE_DONE)
			code = select_pages(c, &(struct select_walk){
				.filter = json_pack("{s:o}", "ids", json_copy(ids)),
				.wanted = INT64_MAX, .page = take_found, .ctx = found });
		json_array_clear(ids);
	}
	json_decref(ids);
	return code;
}

static enum code check_jobs(struct ctl *c, struct plan *p, size_t *missing)
{
	json_t *asked = numbers(p), *found = json_object();
	enum code code = find_jobs(c, asked, found);
	char key[24];

	for (size_t i = 0; i < p->n && code == CODE_DONE; i++) {
		const struct plan_job *j = &p->jobs[i];
		for (size_t k = 0; k < j->nafter; k++) {
			if (j->after[k].in_plan || json_object_get(found, key_of(j->after[k].id, key)))
				continue;
			plan_mistake(p, j->line, "after: there is no job %s", key);
			(*missing)++;
		}
	}
	json_decref(asked);
	json_decref(found);
	return code;
}

enum code plan_check_known(struct ctl *c, struct plan *p, size_t *missing)
{
	enum code code;

	*missing = 0;
	if ((code = check_queues(c, p, missing)) != CODE_DONE ||
	    (code = check_templates(c, p, missing)) != CODE_DONE)
		return code;
	return check_jobs(c, p, missing);
}
