/* SPDX-License-Identifier: ISC */
/*
 * The rooms, opened in the order of need and wired together: what must flow up between them flows
 * through the callbacks here.
 *
 * What fails here is fatal, and told to whoever started jobd; but for a full disk under a jobd that
 * starts over, which waits for room.
 */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobd/api/api.h"
#include "jobd/declare.h"
#include "jobd/jobd.h"
#include "jobd/proc/proc.h"
#include "jobd/server/server.h"
#include "jobd/store/store.h"
#include "jobd/sys/daemon.h"
#include "jobd/sys/limits.h"
#include "jobd/sys/logger.h"
#include "jobd/sys/names.h"
#include "jobd/sys/notify.h"
#include "jobd/sys/privilege.h"
#include "jobd/sys/settings.h"
#include "jobd/tuning.h"
#include "lib/aside.h"
#include "lib/clock.h"
#include "lib/disk.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/strv.h"

/* Start-up failed: the reason goes to whoever started jobd, who may start another at once. A person
 * at a terminal is told it in the form of what fails before there is a log. */
static int fail(struct jobd *d, char *why, const char *otherwise)
{
	const char *text = why ? why : otherwise;

	if (d->options.foreground && isatty(STDERR_FILENO))
		fprintf(stderr, "jobd: %s\n", text);
	else
		log_event(LOG_ERR, "start-failed", "error", "%s", text);
	rooms_close(d);
	paths_withdraw(&d->paths);
	if (!d->options.foreground)
		daemon_failed(d->ready_fd, text);
	free(why);
	return 1;
}

/* What is done with the running jobs first, and for how long, is the engine's. */
static void stop(void *ctx, const struct actor *who, enum on_stop how, const char *why)
{
	struct jobd *d = ctx;
	struct engine_stopping s;

	engine_stop(d->engine, who, how, why);
	engine_stopping(d->engine, &s);
	notify_stopping(s.within_ms);
}

static struct api_lost_lines lost_lines(void *ctx)
{
	struct logger_lost l = logger_lost();

	(void)ctx;
	return (struct api_lost_lines){ .all = l.dropped, .unsaid = l.unsaid,
		.ago_us = l.last_us ? clock_mono_us() - l.last_us : UINT64_MAX };
}

static enum api_name told(enum names_result r)
{
	switch (r) {
	case NAMES_KNOWN:
		return API_NAME_KNOWN;
	case NAMES_PENDING:
		return API_NAME_PENDING;
	case NAMES_LATE:
		return API_NAME_LATE;
	case NAMES_UNKNOWN:
		break;
	}
	return API_NAME_UNKNOWN;
}

static enum api_name user_uid(void *ctx, const char *name, uid_t *uid)
{
	struct jobd *d = ctx;

	return told(names_uid(d->names, name, uid));
}

static enum api_name group_gid(void *ctx, const char *name, gid_t *gid)
{
	struct jobd *d = ctx;

	return told(names_gid(d->names, name, gid));
}

static bool user_name(void *ctx, uid_t uid, const char **name)
{
	struct jobd *d = ctx;

	return names_user(d->names, uid, name);
}

static void names_known(void *ctx)
{
	struct jobd *d = ctx;

	if (d->policy.pending) {
		policy_resolve(&d->policy, d->config, d->names);
		if (d->api)
			api_set_policy(d->api, &d->policy.api);
		reload_named(d);
	}
	if (d->server)
		server_resume_names(d->server);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct jobd *d = arg;
	char **messages = NULL;

	(void)what;
	if (sig == SIGHUP) {
		reload(d, NULL, &messages);
		strv_free(messages);
		return;
	}
	/* A second one is from somebody who does not want to wait. */
	stop(d, NULL, engine_stopping(d->engine, NULL) ? ON_STOP_KEEP : 0,
	    sig == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct jobd *d = arg;

	(void)fd;
	(void)what;
	engine_tick(d->engine);
	store_tick(d->store, clock_real_us());
}

/* What is due is done by the turn that ends the pass. */
static void on_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

int rooms_find_keeper(char *out, size_t size, char **why)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	int len = snprintf(out, size, "%s/keeper/jobd-keeper", self);
	if (!slash || len < 0 || (size_t)len >= size || access(out, F_OK) < 0)
		snprintf(out, size, "%s", PKGLIBEXECDIR "/jobd-keeper");
	if (access(out, X_OK) == 0)
		return 0;
	return str_why(why, -errno, "%s: %s; jobd needs it: install both again", out,
	    strerror(errno));
}

/* Signals and the tick: when all rooms are open, since they reach into them. */
static int open_events(struct jobd *d)
{
	static const int numbers[JOBD_SIGNALS] = { SIGHUP, SIGTERM, SIGINT };
	struct timeval second = { 1, 0 };

	for (int i = 0; i < JOBD_SIGNALS; i++) {
		d->signals[i] = evsignal_new(d->base, numbers[i], on_signal, d);
		if (!d->signals[i] || event_add(d->signals[i], NULL))
			return -ENOMEM;
	}
	d->tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
	d->due = event_new(d->base, -1, 0, on_due, d);
	return d->tick && d->due && event_add(d->tick, &second) == 0 ? 0 : -ENOMEM;
}

/* Names first, so that the policy is whole before anybody is served. */
static int open_names(struct jobd *d)
{
	signal(SIGPIPE, SIG_IGN);
	d->base = event_base_new();
	int rc = d->base ? names_open(d->base, names_known, d, NULL, &d->names) : -ENOMEM;
	if (rc)
		return rc;
	policy_resolve(&d->policy, d->config, d->names);
	while (d->policy.waiting)
		event_base_loop(d->base, EVLOOP_ONCE);
	return 0;
}

/* A descriptor that a former self left, or 0. */
static int inherited(struct jobd *d, int fd)
{
	return d->past.record && handover_claim(d->past.record, fd) ? fd : 0;
}

/* The store's lock comes first: who starts a second jobd is told by it which one runs. */
static int take_runtime_lock(struct jobd *d, char **why)
{
	int fd = inherited(d, d->past.runtime_lock);

	d->runtime_lock = fd ? paths_lock_again(&d->paths, fd, why) : paths_lock(&d->paths, why);
	return d->runtime_lock < 0 ? d->runtime_lock : 0;
}

static int open_store(struct jobd *d, char **why)
{
	struct store_options so = {
		.dir = d->paths.state_dir,
		.accept_older = d->options.accept_older,
		.ballast_bytes = d->config->ballast_bytes,
		.low_disk_bytes = d->config->low_disk_bytes,
		.lock_fd = inherited(d, d->past.state_lock),
	};
	int rc = store_open(&so, &d->store, why);
	if (rc)
		return rc;
	d->options.accept_older = false; /* it was for this start */
	struct engine_options eo = {
		.store = d->store,
		.settings = tuning_engine(d->config),
		.state_dir = d->paths.state_dir,
		.boot_id = d->boot_id,
		.real_us = clock_real_us,
		.mono_us = clock_mono_us,
		.free_bytes = disk_free_bytes,
	};
	d->engine = engine_new(&eo);
	rc = d->engine ? declare(d->engine, d->config) : -ENOMEM;
	return rc ? rc : take_runtime_lock(d, why);
}

static int open_proc(struct jobd *d, char **why)
{
	struct proc_options po = {
		.base = d->base,
		.state_dir = d->paths.state_dir,
		.runtime_dir = d->paths.runtime_dir,
		.keeper_path = d->keeper_path,
		.instance = store_instance(d->store),
		.socket_path = d->paths.socket,
		.boot_id = d->boot_id,
		.cgroup = d->config->cgroup,
		.set_identity = geteuid() == 0,
		.nofile_soft = d->restart.nofile_soft,
		.nofile_hard = d->restart.nofile_hard,
		.aside = d->aside,
		.handover = d->past.record,
	};
	int rc = proc_open(&po, engine_proc_events(), d->engine, &d->proc, why);

	return rc ? rc : engine_load(d->engine, d->proc);
}

static int open_server(struct jobd *d, char **why)
{
	struct api_options ao = {
		.base = d->base,
		.engine = d->engine,
		.version = PACKAGE_VERSION,
		.started_at_us = d->started_at_us,
		.user_uid = user_uid,
		.group_gid = group_gid,
		.user_name = user_name,
		.reload = reload,
		.reexec = reexec_begin,
		.stop = stop,
		.lost_lines = lost_lines,
		.ctx = d,
	};
	d->api = api_new(&ao);
	if (!d->api)
		return -ENOMEM;
	reload_api(d);
	if (d->past.record)
		api_take_handover(d->api, d->past.record);

	struct server_options so = {
		.base = d->base,
		.path = d->paths.socket,
		.listen_fd = d->restart.listen_fd,
		.handover = d->past.record,
		.aside = d->aside,
		.mode = geteuid() == 0 ? 0666 : 0600,
		.version = PACKAGE_VERSION,
		.user_name = api_user_name,
		.authorise = api_authorise,
		.refused = api_refused,
		.handlers = api_handlers,
		.ctx = d->api,
		.exempt = api_exempt,
		.turned_away = api_turned_away,
		.max_connections = d->config->max_connections,
		.limits = tuning_server(d->config),
	};
	int rc = server_open(&so, &d->server, why);
	if (rc == 0)
		api_set_server(d->api, d->server);
	return rc;
}

int rooms_open(struct jobd *d)
{
	struct logger_options lo = { .foreground = d->options.foreground,
		.facility = d->config->syslog_facility,
		.lost = d->past.lost };
	char *why = NULL;

	log_set_level(d->config->log_level);
	if (logger_open(&lo))
		return fail(d, NULL, "no thread for the log could be made");
	privilege_shed();
	if (rooms_find_keeper(d->keeper_path, sizeof d->keeper_path, &why))
		return fail(d, why, NULL);
	if (boot_id(d->boot_id))
		return fail(d, NULL, "/proc is not mounted");
	if (!d->restart.is)
		limits_raise_nofile(&d->restart.nofile_soft, &d->restart.nofile_hard);
	/* While jobd is small: it is forked. */
	int error = aside_open(NULL, &d->aside);
	if (error)
		log_event(LOG_WARNING, "no-helper", "error", "%s", strerror(-error));
	d->begun.ballast_bytes = d->config->ballast_bytes;
	d->begun.max_connections = d->config->max_connections;
	d->begun.cgroup = strdup(d->config->cgroup);
	if (!d->begun.cgroup || open_names(d))
		return fail(d, NULL, "no memory");
	int rc = open_store(d, &why);
	if (rc == 0)
		rc = open_proc(d, &why);
	if (rc == 0)
		rc = open_server(d, &why);
	if (rc == 0)
		rc = open_events(d);
	restart_hold_signals(false);
	if (rc == -ENOSPC && d->restart.is)
		free(why);
	else if (rc)
		return fail(d, why, strerror(-rc));
	return rc;
}

static void drop_event(struct event *e)
{
	if (e)
		event_free(e);
}

void rooms_close(struct jobd *d)
{
	reexec_free(d->reexec);
	proc_close(d->proc);
	store_close(d->store);
	if (d->runtime_lock >= 0)
		close(d->runtime_lock);
	server_close(d->server, false);
	api_free(d->api);
	engine_free(d->engine);
	policy_fini(&d->policy);
	strv_free(d->warnings);
	free(d->begun.cgroup);
	names_close(d->names);
	aside_free(d->aside);
	for (int i = 0; i < JOBD_SIGNALS; i++)
		drop_event(d->signals[i]);
	drop_event(d->tick);
	drop_event(d->due);
	if (d->base)
		event_base_free(d->base);
	logger_close(LOGGER_LAST_MS);
}
