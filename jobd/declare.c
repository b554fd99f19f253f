/* SPDX-License-Identifier: ISC */
/*
 * See declare.h. The configuration's values were checked when it was read; what makes no sense
 * here all the same is passed over.
 */
#include "config.h"

#include "jobd/declare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/queues.h"
#include "lib/template.h"

static int declare_queues(struct engine *e, const struct config *c)
{
	struct queue_declaration *q = calloc(c->nqueues + 1, sizeof *q);

	for (size_t i = 0; q && i < c->nqueues; i++)
		q[i] = (struct queue_declaration){ c->queues[i].name, c->queues[i].values };
	int rc = q ? engine_declare_queues(e, q, c->nqueues) : -ENOMEM;
	free(q);
	return rc;
}

/* A field as the section has it, FIELD=value. */
static int set_field(struct template *t, const char *text)
{
	const char *equals = strchr(text, '='), *takes;
	char *field = equals ? strndup(text, (size_t)(equals - text)) : NULL;

	if (!equals)
		return 0;
	int rc = field ? template_set(t, field, equals + 1, &takes) : -ENOMEM;
	free(field);
	return rc == -ENOMEM ? rc : 0;
}

static int read_template(struct template *t, const struct config_section *s)
{
	t->name = strdup(s->name);
	int rc = t->name ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && s->values && s->values[i]; i++)
		rc = set_field(t, s->values[i]);
	return rc;
}

static int declare_templates(struct engine *e, const struct config *c)
{
	struct template *t = calloc(c->ntemplates + 1, sizeof *t);
	int rc = t ? 0 : -ENOMEM;

	for (size_t i = 0; t && i < c->ntemplates; i++)
		template_init(&t[i]);
	for (size_t i = 0; rc == 0 && i < c->ntemplates; i++)
		rc = read_template(&t[i], &c->templates[i]);
	if (rc == 0)
		rc = engine_declare_templates(e, t, c->ntemplates);
	for (size_t i = 0; t && i < c->ntemplates; i++)
		template_fini(&t[i]);
	free(t);
	return rc;
}

int declare(struct engine *e, const struct config *c)
{
	int rc = declare_queues(e, c);

	return rc ? rc : declare_templates(e, c);
}
