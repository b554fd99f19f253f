/* SPDX-License-Identifier: ISC */
/*
 * jobd: the rooms, wired together, and the loop.
 *
 * One turn of the loop is one transaction: events are handled and change jobs
 * in memory, core starts what may start and commits, and only then do orders go to
 * keepers and answers to clients.
 *
 * Crash-only: when a commit fails jobd starts over (restart.h).
 *
 * Fatal at start: mistakes in the configuration, directories that are not
 * ours, a store that is locked, newer or older than it was, a socket that can't
 * be bound. Everything later is logged and survived.
 */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobd/api/api.h"
#include "jobd/core/engine.h"
#include "jobd/options.h"
#include "jobd/policy.h"
#include "jobd/restart.h"
#include "jobd/proc/proc.h"
#include "jobd/server/server.h"
#include "jobd/store/store.h"
#include "jobd/sys/settings.h"
#include "jobd/sys/daemon.h"
#include "jobd/sys/limits.h"
#include "jobd/sys/logger.h"
#include "jobd/sys/names.h"
#include "jobd/sys/paths.h"
#include "jobd/sys/privilege.h"
#include "jobd/tuning.h"
#include "lib/boot.h"
#include "lib/clock.h"
#include "lib/crash.h"
#include "lib/disk.h"
#include "lib/log.h"
#include "lib/strv.h"

#define SIGNALS 3

struct jobd {
	char **argv;
	struct options options;
	struct restart restart;
	struct paths paths;
	struct config *config;
	struct policy policy;
	char boot_id[BOOT_ID_SIZE];
	char keeper_path[PATH_MAX];
	int ready_fd; /* of daemon_begin */
	int runtime_lock;
	struct event_base *base;
	struct event *signals[SIGNALS], *tick;
	struct names *names;
	struct store *store;
	struct engine *engine;
	struct proc *proc;
	struct api *api;
	struct server *server;
};

static void say_messages(char **messages)
{
	for (size_t i = 0; messages && messages[i]; i++)
		fprintf(stderr, "jobd: %s\n", messages[i]);
}

/* Before there is any room: the reason goes to the terminal. */
static int refuse(char *why)
{
	fprintf(stderr, "jobd: %s\n", why ? why : "no memory");
	free(why);
	return 1;
}

/* Start-up failed: the reason goes to whoever started jobd. */
static int fail(struct jobd *d, char *why, const char *otherwise)
{
	const char *text = why ? why : otherwise;

	log_text(LOG_ERR, "event=start-failed error=\"%s\"", text);
	if (!d->options.foreground)
		daemon_failed(d->ready_fd, text);
	paths_withdraw(&d->paths);
	free(why);
	return 1;
}

static void tune_api(struct jobd *d)
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
		log_text(LOG_WARNING, "event=reloaded detail=\"ballast, cgroup and max_connections need a "
				      "restart\"");
}

static int reload(void *ctx, const struct actor *who, char ***messages)
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
		names_flush(d->names);
		policy_resolve(&d->policy, next, d->names);
		tune_api(d);
		server_set_limits(d->server, &l);
		log_text(LOG_NOTICE, "event=reloaded");
	} else {
		log_text(LOG_ERR, "event=reload-refused error=\"the configuration in force stays\"");
		for (size_t i = 0; *messages && (*messages)[i]; i++)
			log_text(LOG_ERR, "event=config error=\"%s\"", (*messages)[i]);
	}
	engine_note(d->engine, who, "reload", rc ? "BadConfiguration" : "ok", who ? NULL : "SIGHUP");
	notify_ready(NULL);
	return rc;
}

/* What is done with the running jobs first, and for how long, is the engine's. */
static void stop(void *ctx, const struct actor *who, enum on_stop how, const char *why)
{
	struct jobd *d = ctx;
	struct engine_stopping s;

	engine_stop(d->engine, who, how, why);
	engine_stopping(d->engine, &s);
	notify_stopping(NULL, s.within_ms);
}

static uint64_t dropped_lines(void *ctx)
{
	(void)ctx;
	return logger_dropped();
}

static enum api_name user_uid(void *ctx, const char *name, uid_t *uid)
{
	struct jobd *d = ctx;

	switch (names_uid(d->names, name, uid)) {
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

/* From the build tree, the keeper that was built with this jobd; else the installed one. */
static void find_keeper(char *out, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (n > 0) {
		self[n] = 0;
		slash = strrchr(self, '/');
		if (slash) {
			*slash = 0;
			int len = snprintf(out, size, "%s/keeper/jobd-keeper", self);
			if (len > 0 && (size_t)len < size && access(out, X_OK) == 0)
				return;
		}
	}
	snprintf(out, size, "%s", PKGLIBEXECDIR "/jobd-keeper");
}

/* Signals and the tick: when all rooms are open, since they reach into them. */
static int open_events(struct jobd *d)
{
	static const int numbers[SIGNALS] = { SIGHUP, SIGTERM, SIGINT };
	struct timeval second = { 1, 0 };

	for (int i = 0; i < SIGNALS; i++) {
		d->signals[i] = evsignal_new(d->base, numbers[i], on_signal, d);
		if (!d->signals[i] || event_add(d->signals[i], NULL))
			return -ENOMEM;
	}
	d->tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
	return d->tick && event_add(d->tick, &second) == 0 ? 0 : -ENOMEM;
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

static int open_store(struct jobd *d, char **why)
{
	struct store_options so = {
		.dir = d->paths.state_dir,
		.accept_older = d->options.accept_older,
		.ballast_bytes = d->config->ballast_bytes,
		.low_disk_bytes = d->config->low_disk_bytes,
	};
	int rc = store_open(&so, &d->store, why);
	if (rc)
		return rc;
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
	if (!d->engine)
		return -ENOMEM;
	/* The store's lock comes first: who starts a second jobd is told by it which one runs. */
	d->runtime_lock = paths_lock(&d->paths, why);
	return d->runtime_lock < 0 ? d->runtime_lock : 0;
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
		.started_at_us = clock_real_us(),
		.user_uid = user_uid,
		.user_name = user_name,
		.reload = reload,
		.stop = stop,
		.dropped_lines = dropped_lines,
		.ctx = d,
	};
	d->api = api_new(&ao);
	if (!d->api)
		return -ENOMEM;
	tune_api(d);

	struct server_options so = {
		.base = d->base,
		.path = d->paths.socket,
		.listen_fd = d->restart.listen_fd,
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

/* Opens the rooms in the order of need. 0, or the exit status. */
static int open_rooms(struct jobd *d)
{
	struct logger_options lo = { .foreground = d->options.foreground,
		.facility = d->config->syslog_facility };
	char *why = NULL;

	log_set_level(d->config->log_level);
	if (logger_open(&lo))
		return fail(d, NULL, "no thread for the log could be made");
	privilege_shed();
	find_keeper(d->keeper_path, sizeof d->keeper_path);
	if (boot_id(d->boot_id))
		return fail(d, NULL, "/proc is not mounted");
	if (!d->restart.is)
		limits_raise_nofile(&d->restart.nofile_soft, &d->restart.nofile_hard);
	if (open_names(d))
		return fail(d, NULL, "no memory");
	int rc = open_store(d, &why);
	if (rc == 0)
		rc = open_proc(d, &why);
	if (rc == 0)
		rc = open_server(d, &why);
	if (rc == 0)
		rc = open_events(d);
	if (rc == -ENOSPC && d->restart.is)
		return 0; /* the caller starts over */
	return rc ? fail(d, why, strerror(-rc)) : 0;
}

/* Turns until it has stopped. 0, or -errno of the commit that failed. */
static int run(struct jobd *d)
{
	while (!engine_may_leave(d->engine)) {
		/* One pass: without EVLOOP_ONCE the loop goes on while the server has calls left over. */
		int wait = engine_wants_turn(d->engine) ? EVLOOP_NONBLOCK : 0;
		event_base_loop(d->base, EVLOOP_ONCE | wait);
		int rc = engine_turn(d->engine);
		if (rc)
			return rc;
		proc_flush(d->proc);
		server_flush(d->server);
	}
	return 0;
}

/* Connections end last: who waits for that may start another jobd at once, and finds nothing locked. */
static void close_rooms(struct jobd *d)
{
	proc_close(d->proc);
	store_close(d->store);
	close(d->runtime_lock);
	server_close(d->server, false);
	api_free(d->api);
	engine_free(d->engine);
	policy_fini(&d->policy);
	names_close(d->names);
	for (int i = 0; i < SIGNALS; i++)
		event_free(d->signals[i]);
	event_free(d->tick);
	event_base_free(d->base);
	logger_close(2000);
}

static void note_start(struct jobd *d)
{
	char text[100];

	engine_note(d->engine, NULL, "daemon-start", "ok",
	    d->restart.is ? "after a failed commit" : PACKAGE_VERSION);
	if (!store_missing(d->store))
		return;
	snprintf(text, sizeof text, "an older store was accepted: %llu entries are missing before this one",
	    (unsigned long long)store_missing(d->store));
	engine_note(d->engine, NULL, "store-accepted", "ok", text);
}

/* Nothing of the turn that failed is answered. Returns the exit status, where it returns. */
static int start_over(struct jobd *d, int rc)
{
	if (d->engine && engine_stopping(d->engine, NULL)) { /* the next start recovers as well */
		log_text(LOG_CRIT, "event=stopped error=\"%s\"", strerror(-rc));
		logger_close(2000);
		return 1;
	}
	if (d->server)
		d->restart.listen_fd = server_listen_fd(d->server);
	restart_now(&d->restart, rc, d->argv);
	return 1;
}

static int serve(struct jobd *d)
{
	int rc = open_rooms(d);

	if (rc)
		return rc;
	if (!d->server)
		return start_over(d, -ENOSPC);
	note_start(d);
	engine_resume_stopped(d->engine);
	rc = engine_turn(d->engine);
	if (rc == 0) {
		proc_flush(d->proc);
		log_text(LOG_NOTICE, "event=started version=" PACKAGE_VERSION " pid=%ld socket=\"%s\"",
		    (long)getpid(), d->paths.socket);
		notify_ready(NULL);
		daemon_ready(d->ready_fd);
		d->ready_fd = -1;
		rc = run(d);
	}
	if (rc)
		return start_over(d, rc);
	log_text(LOG_NOTICE, "event=stopped pid=%ld", (long)getpid());
	close_rooms(d);
	return 0;
}

/* -t: what the configuration says. */
static int test(struct jobd *d)
{
	char **warnings = NULL;

	printf("%s: %s\n", d->paths.config, d->config->source ? "good" : "not there; the defaults hold");
	printf("state in %s, sockets in %s, listening at %s\n", d->paths.state_dir, d->paths.runtime_dir,
	    d->paths.socket);
	config_check_names(d->config, &warnings);
	say_messages(warnings);
	strv_free(warnings);
	config_print(d->config, stdout);
	return 0;
}

/* Everything between the command line and the end. */
static int start(struct jobd *d)
{
	char **messages = NULL, *why = NULL;

	if (paths_init(&d->paths, &d->options.paths, &why))
		return refuse(why);
	if (config_load(d->paths.config, d->paths.config_given, &d->config, &messages)) {
		say_messages(messages);
		strv_free(messages);
		return 1;
	}
	if (d->options.test)
		return test(d);
	if (paths_prepare(&d->paths, &why))
		return refuse(why);
	if (!d->options.foreground && !d->restart.is) {
		d->ready_fd = daemon_begin();
		if (d->ready_fd < 0) {
			fprintf(stderr, "jobd: can't go to the background: %s\n", strerror(-d->ready_fd));
			return 1;
		}
	}
	return serve(d);
}

int main(int argc, char **argv)
{
	struct jobd d = { .argv = argv, .ready_fd = -1, .restart = { .listen_fd = -1 } };
	int status = options_parse(argc, argv, &d.options);

	if (status >= 0)
		return status;
	if (!crash_init()) {
		fprintf(stderr, "jobd: JOBD_CRASH_AT names no crash point\n");
		return 2;
	}
	d.restart = restart_take();
	notify_take();
	umask(022);
	status = start(&d);
	config_free(d.config);
	paths_fini(&d.paths);
	return status;
}
