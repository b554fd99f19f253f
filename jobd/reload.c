/* SPDX-License-Identifier: ISC */
/*
 * Another configuration, put in force while jobd runs. One that has mistakes never replaces one
 * that had none.
 */
#include "config.h"

#include <string.h>

#include "jobd/api/api.h"
#include "jobd/declare.h"
#include "jobd/jobd.h"
#include "jobd/sys/logger.h"
#include "jobd/sys/names.h"
#include "jobd/sys/notify.h"
#include "jobd/sys/settings.h"
#include "jobd/tuning.h"
#include "lib/log.h"

void reload_api(struct jobd *d)
{
	struct api_limits l = tuning_api(d->config);

	api_set_policy(d->api, &d->policy.api);
	api_set_limits(d->api, &l);
}

/* Settings that are taken up at the start alone. */
static void warn_of_restart(const struct config *old, const struct config *next)
{
	if (old->ballast_bytes != next->ballast_bytes || strcmp(old->cgroup, next->cgroup) != 0
	    || old->max_connections != next->max_connections)
		log_event(LOG_WARNING, "config", "detail", "ballast, cgroup and max_connections need a restart");
}

int reload(void *ctx, const struct actor *who, char ***messages)
{
	struct jobd *d = ctx;
	struct config *next;

	notify_reloading();
	int rc = config_load(d->paths.config, d->paths.config_given, &next, messages);
	if (rc == 0) {
		struct engine_settings s = tuning_engine(next);
		struct server_limits l = tuning_server(next);
		warn_of_restart(d->config, next);
		config_free(d->config);
		d->config = next;
		log_set_level(next->log_level);
		logger_set_facility(next->syslog_facility);
		engine_configure(d->engine, &s);
		if (declare(d->engine, next))
			log_event(LOG_ERR, "config", "error", "no memory for the queues and templates it declares");
		names_flush(d->names);
		policy_resolve(&d->policy, next, d->names);
		reload_api(d);
		server_set_limits(d->server, &l);
	} else {
		for (size_t i = 0; *messages && (*messages)[i]; i++)
			log_event(LOG_ERR, "config", "error", "%s", (*messages)[i]);
	}
	engine_note(d->engine, who, "reload", rc ? "BadConfiguration" : "ok", who ? NULL : "SIGHUP");
	notify_ready();
	return rc;
}
