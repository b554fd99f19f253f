/* SPDX-License-Identifier: ISC */
/*
 * Templates in two layers: what the configuration declares, and what was made at run time, which
 * comes first and is in the store. What a template is is lib/template.h's; here they are only
 * kept.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/internal.h"

/* Few, and by name. */
struct layer {
	struct template *v;
	size_t n;
};

struct templates {
	struct layer declared, runtime;
};

static void layer_fini(struct layer *y)
{
	for (size_t i = 0; i < y->n; i++)
		template_fini(&y->v[i]);
	free(y->v);
	*y = (struct layer){ 0 };
}

static size_t place(const struct layer *y, const char *name, bool *there)
{
	size_t i = 0;

	while (i < y->n && strcmp(y->v[i].name, name) < 0)
		i++;
	*there = i < y->n && strcmp(y->v[i].name, name) == 0;
	return i;
}

static const struct template *find(const struct layer *y, const char *name)
{
	bool there;
	size_t i = place(y, name, &there);

	return there ? &y->v[i] : NULL;
}

static bool put(struct layer *y, const struct template *t)
{
	struct template copy;
	bool there;
	size_t i = place(y, t->name, &there);

	if (template_copy(&copy, t))
		return false;
	if (there) {
		template_fini(&y->v[i]);
		y->v[i] = copy;
		return true;
	}
	struct template *v = realloc(y->v, (y->n + 1) * sizeof *v);
	if (!v) {
		template_fini(&copy);
		return false;
	}
	y->v = v;
	memmove(&v[i + 1], &v[i], (y->n - i) * sizeof *v);
	v[i] = copy;
	y->n++;
	return true;
}

static bool take_out(struct layer *y, const char *name)
{
	bool there;
	size_t i = place(y, name, &there);

	if (!there)
		return false;
	template_fini(&y->v[i]);
	memmove(&y->v[i], &y->v[i + 1], (y->n - i - 1) * sizeof y->v[0]);
	y->n--;
	return true;
}

static struct templates *make(struct engine *e)
{
	if (!e->templates)
		e->templates = calloc(1, sizeof *e->templates);
	return e->templates;
}

void templates_free(struct templates *t)
{
	if (!t)
		return;
	layer_fini(&t->declared);
	layer_fini(&t->runtime);
	free(t);
}

static bool load_one(void *ctx, const struct template *t)
{
	struct engine *e = ctx;

	if (!put(&e->templates->runtime, t))
		e->out_of_memory = true;
	return !e->out_of_memory;
}

int templates_load(struct engine *e)
{
	return make(e) ? store_templates_load(e->store, load_one, e) : -ENOMEM;
}

int engine_declare_templates(struct engine *e, const struct template *t, size_t n)
{
	if (!make(e))
		return -ENOMEM;
	layer_fini(&e->templates->declared);
	for (size_t i = 0; i < n; i++)
		if (!put(&e->templates->declared, &t[i]))
			return -ENOMEM;
	return 0;
}

const struct template *engine_template_get(const struct engine *e, const char *name, bool *runtime)
{
	const struct template *t = e->templates ? find(&e->templates->runtime, name) : NULL;

	if (runtime)
		*runtime = t != NULL;
	return t || !e->templates ? t : find(&e->templates->declared, name);
}

/* Both layers are by name: they are woven together. */
void engine_template_each(const struct engine *e, engine_template_fn *fn, void *ctx)
{
	const struct templates *t = e->templates;
	size_t d = 0, r = 0;

	while (t && (d < t->declared.n || r < t->runtime.n)) {
		int order = d == t->declared.n ? 1 : r == t->runtime.n ? -1 :
		    strcmp(t->declared.v[d].name, t->runtime.v[r].name);
		if (order < 0)
			fn(ctx, &t->declared.v[d], false);
		else
			fn(ctx, &t->runtime.v[r], true);
		d += order <= 0;
		r += order >= 0;
	}
}

enum engine_result engine_template_set(
    struct engine *e, const struct actor *who, struct template *t)
{
	free(t->by);
	t->by = strdup(who->user);
	t->by_uid = who->uid;
	if (!t->by || !make(e) || !put(&e->templates->runtime, t))
		return ENGINE_FAILED;
	store_template_put(e->store, t);
	engine_note(e, who, "template-set", "ok", t->name);
	return ENGINE_OK;
}

enum engine_result engine_template_delete(
    struct engine *e, const struct actor *who, const char *name)
{
	if (!engine_template_get(e, name, NULL))
		return ENGINE_NOT_FOUND;
	if (!take_out(&e->templates->runtime, name))
		return ENGINE_WRONG_STATE;
	store_template_delete(e->store, name);
	engine_note(e, who, "template-delete", "ok", name);
	return ENGINE_OK;
}
