/* SPDX-License-Identifier: ISC */
/*
 * Another configuration, put in force while jobd runs. One that has mistakes never replaces one
 * that had none.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "jobd/api/api.h"
#include "jobd/core/queues.h"
#include "jobd/declare.h"
#include "jobd/jobd.h"
#include "jobd/sys/logger.h"
#include "jobd/sys/names.h"
#include "jobd/sys/notify.h"
#include "jobd/sys/settings.h"
#include "jobd/tuning.h"
#include "lib/log.h"
#include "lib/strv.h"

void reload_api(struct jobd *d)
{
	struct api_limits l = tuning_api(d->config);

	api_set_policy(d->api, &d->policy.api);
	api_set_limits(d->api, &l);
}

/* For the log, and for who asked. text is the caller's. */
static void warn(struct jobd *d, const char *text)
{
	log_event(LOG_WARNING, "config", "detail", "%s", text);
	if (!strv_has(d->warnings, text)) /* of a reload that waits still */
		strv_add(&d->warnings, text);
}

static void warn_of_restart(struct jobd *d, bool differs, const char *setting)
{
	char text[120];

	if (!differs)
		return;
	snprintf(text, sizeof text, "%s needs a restart, or jobctl daemon-reexec, to be taken up",
	    setting);
	warn(d, text);
}

/* Settings that are taken up at the start alone. */
static void compare(struct jobd *d, const struct config *next)
{
	bool moves = strcmp(d->begun.cgroup, next->cgroup) != 0;
	char **unusable = NULL;

	warn_of_restart(d, d->begun.ballast_bytes != next->ballast_bytes, "ballast");
	warn_of_restart(d, moves, "cgroup");
	warn_of_restart(d, d->begun.max_connections != next->max_connections, "max_connections");
	if (moves)
		config_check_cgroup(next, &unusable);
	for (size_t i = 0; unusable && unusable[i]; i++)
		warn(d, unusable[i]);
	strv_free(unusable);
}

static void warn_of_retired(void *ctx, const struct queue_view *v)
{
	char text[200];

	if (v->declared)
		return;
	snprintf(text, sizeof text, QUEUE_RETIRED, v->name);
	warn(ctx, text);
}

static void apply(struct jobd *d, struct config *next)
{
	struct engine_settings s = tuning_engine(next);
	struct server_limits l = tuning_server(next);

	compare(d, next);
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
	d->reloading = d->policy.waiting;
}

/* What is to be told of the last reload; the caller's. */
static char **take_warnings(struct jobd *d)
{
	engine_queue_each(d->engine, warn_of_retired, d);
	char **warnings = d->warnings;

	d->warnings = NULL;
	policy_warnings(&d->policy, d->config, &warnings);
	return warnings;
}

/* Whoever waits for an earlier reload is told of the last one. The warnings; the caller's. */
static char **tell(struct jobd *d)
{
	char **warnings = take_warnings(d);

	api_reloaded(d->api, warnings);
	return warnings;
}

void reload_named(struct jobd *d)
{
	if (!d->reloading || d->policy.waiting)
		return;
	d->reloading = false;
	strv_free(tell(d));
}

int reload(void *ctx, const struct actor *who, char ***messages)
{
	struct jobd *d = ctx;
	struct config *next;

	notify_reloading();
	int rc = config_load(d->paths.config, d->paths.config_given, &next, messages);
	if (rc == 0) {
		apply(d, next);
	} else {
		for (size_t i = 0; *messages && (*messages)[i]; i++)
			log_event(LOG_ERR, "config", "error", "%s", (*messages)[i]);
	}
	engine_note(d->engine, who, "reload", rc ? "BadConfiguration" : "ok", who ? NULL : "SIGHUP");
	notify_ready();
	if (rc == 0 && !d->reloading)
		*messages = tell(d);
	return rc == 0 && d->reloading ? 1 : rc;
}
