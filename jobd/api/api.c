/* SPDX-License-Identifier: ISC */
/* The api's life, and the list of handlers in the order of the interface files. */
#include "config.h"

#include "jobd/api/api.h"

#include <stdlib.h>

#include "jobd/api/common.h"
#include "lib/varlink_handlers.h"

server_handler *const api_handlers[] = { VARLINK_HANDLERS };

struct api *api_new(const struct api_options *o)
{
	struct api *a = calloc(1, sizeof *a);

	if (a)
		a->o = *o;
	return a;
}

void api_free(struct api *a)
{
	free(a);
}

void api_set_server(struct api *a, struct server *s)
{
	a->server = s;
}

void api_set_policy(struct api *a, const struct api_policy *p)
{
	a->policy = *p;
}

bool api_user_name(void *ctx, uid_t uid, const char **name)
{
	struct api *a = ctx;

	return a->o.user_name(a->o.ctx, uid, name);
}
