/* SPDX-License-Identifier: ISC */
/*
 * org.jobd.Daemon.Reload. Who asks for it is answered when the names in the configuration are
 * looked up, or the name service takes too long, since the answer says which there are not. Several
 * may wait.
 */
#include "config.h"

#include <stdlib.h>

#include "jobd/api/common.h"
#include "lib/strv.h"
#include "lib/varlink_handlers.h"

struct reload_wait {
	struct reload_wait *next;
	struct api *a;
	struct call *c;
};

/* The client left, or jobd executes itself: then the call begins anew. */
static void gone(void *arg)
{
	struct reload_wait *w = arg, **at = &w->a->reloads;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	free(w);
}

static json_t *texts_json(const char *key, char *const *texts)
{
	json_t *list = json_array(), *params = json_object();

	for (size_t i = 0; texts && texts[i]; i++)
		json_array_append_new(list, json_text(texts[i]));
	json_put(params, key, list);
	return params;
}

static void answer(struct call *c, char *const *warnings)
{
	call_reply(c, warnings ? texts_json("warnings", warnings) : NULL);
}

void api_reloaded(struct api *a, char *const *warnings)
{
	struct reload_wait *w;

	while ((w = a->reloads) != NULL) {
		a->reloads = w->next;
		answer(w->c, warnings);
		free(w);
	}
}

void api_daemon_reload(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct actor who = call_actor(c);
	struct reload_wait *w = malloc(sizeof *w);
	char **messages = NULL;
	int rc = a->o.reload(a->o.ctx, &who, &messages);

	if (rc == 1 && w) {
		*w = (struct reload_wait){ a->reloads, a, c };
		a->reloads = w;
		call_on_close(c, gone, w);
		return;
	}
	free(w);
	if (rc >= 0)
		answer(c, messages);
	else
		call_error(c, "org.jobd.Daemon.BadConfiguration", texts_json("messages", messages));
	strv_free(messages);
}
