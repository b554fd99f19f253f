/* SPDX-License-Identifier: ISC */
/*
 * org.jobd.Daemon.Reexec. Who asks for it is answered by the program that took over, since only
 * that one knows that it did; or by this one, where it came to nothing. Several may wait for the
 * same.
 */
#include "config.h"

#include <stdlib.h>

#include "jobd/api/common.h"
#include "lib/varlink_handlers.h"

struct reexec_wait {
	struct reexec_wait *next;
	struct api *a;
	struct call *c;
};

/* For call_on_handover. */
static json_t *handed_over(void *arg)
{
	const struct reexec_wait *w = arg;

	return json_pack("{s:s}", "from", w->a->o.version);
}

/* The client left. What it asked for goes on. */
static void gone(void *arg)
{
	struct reexec_wait *w = arg, **at = &w->a->reexecs;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	free(w);
}

static void refuse(struct call *c, char *const *messages)
{
	json_t *list = json_array(), *params = json_object();

	for (size_t i = 0; messages && messages[i]; i++)
		json_array_append_new(list, json_text(messages[i]));
	json_put(params, "messages", list);
	call_error(c, "org.jobd.Daemon.ReexecRefused", params);
}

void api_reexec_refused(struct api *a, char *const *messages)
{
	struct reexec_wait *w;

	while ((w = a->reexecs) != NULL) {
		a->reexecs = w->next;
		refuse(w->c, messages);
		free(w);
	}
}

void api_daemon_reexec(void *ctx, struct call *c)
{
	static char no_memory[] = "no memory";
	struct api *a = ctx;
	struct actor who = call_actor(c);
	const json_t *progress = call_progress(c);
	struct reexec_wait *w = progress ? NULL : malloc(sizeof *w);

	if (progress) {
		const char *from = json_string_value(json_object_get(progress, "from"));
		call_reply(c, json_pack("{s:s, s:s}", "from", from ? from : "", "version", a->o.version));
	} else if (!w || !a->o.reexec(a->o.ctx, &who)) {
		refuse(c, (char *[]){ no_memory, NULL });
		free(w);
	} else {
		*w = (struct reexec_wait){ a->reexecs, a, c };
		a->reexecs = w;
		call_on_close(c, gone, w);
		call_on_handover(c, handed_over, w);
	}
}
