/* SPDX-License-Identifier: ISC */
/*
 * jobd: from the command line to the end, and the loop. jobd.h says what the files beside do.
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
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobd/jobd.h"
#include "jobd/proc/proc.h"
#include "jobd/server/server.h"
#include "jobd/store/store.h"
#include "jobd/sys/daemon.h"
#include "jobd/sys/logger.h"
#include "jobd/sys/notify.h"
#include "jobd/sys/settings.h"
#include "jobd/trial.h"
#include "lib/clock.h"
#include "lib/crash.h"
#include "lib/log.h"
#include "lib/stdfds.h"
#include "lib/strv.h"

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

/* So that the loop comes back when the engine has something to do by then, to the millisecond. */
static void arm(struct jobd *d)
{
	uint64_t us = engine_next_turn_us(d->engine);
	struct timeval at = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };

	if (us == UINT64_MAX)
		event_del(d->due);
	else
		event_add(d->due, &at);
}

/* Turns until it has stopped. 0, or -errno of the commit that failed. */
static int run(struct jobd *d)
{
	while (!engine_may_leave(d->engine)) {
		/* One pass: without EVLOOP_ONCE the loop goes on while the server has calls left
		 * over. */
		int wait = engine_wants_turn(d->engine) ? EVLOOP_NONBLOCK : 0;
		arm(d);
		event_base_loop(d->base, EVLOOP_ONCE | wait);
		int rc = engine_turn(d->engine);
		if (rc)
			return rc;
		proc_flush(d->proc);
		server_flush(d->server);
		reexec_turn(d);
	}
	return 0;
}

static void note_start(struct jobd *d)
{
	char text[200];

	if (d->past.record)
		snprintf(text, sizeof text, PACKAGE_VERSION ", in the place of %s", d->past.version);
	else
		snprintf(text, sizeof text, "%s", d->restart.is ? "after a failed commit" : PACKAGE_VERSION);
	engine_note(d->engine, NULL, "daemon-start", "ok", text);
	if (!store_missing(d->store))
		return;
	snprintf(text, sizeof text, "an older store was accepted: %llu entries are missing before this one",
	    (unsigned long long)store_missing(d->store));
	engine_note(d->engine, NULL, "store-accepted", "ok", text);
}

/* Nothing of the turn that failed is answered. Returns the exit status, where it returns. */
static int start_over(struct jobd *d, int rc)
{
	char **argv = NULL;

	if (d->engine && engine_stopping(d->engine, NULL)) { /* the next start recovers as well */
		log_event(LOG_CRIT, "daemon-failed", "error", "%s", strerror(-rc));
		logger_close(LOGGER_LAST_MS);
		return 1;
	}
	if (d->server)
		d->restart.listen_fd = server_listen_fd(d->server);
	if (d->past.record)
		handover_again(d->past.record);
	argv = options_again(&d->options, &d->paths, d->program, false);
	if (argv)
		restart_now(&d->restart, rc, argv);
	strv_free(argv);
	logger_close(LOGGER_LAST_MS);
	return 1;
}

static int serve(struct jobd *d)
{
	int rc = rooms_open(d);

	if (rc < 0)
		return start_over(d, rc);
	if (rc)
		return rc;
	note_start(d);
	engine_resume_stopped(d->engine);
	server_resume(d->server);
	reexec_taken(&d->past);
	rc = engine_turn(d->engine);
	if (rc == 0) {
		proc_flush(d->proc);
		server_flush(d->server);
		log_event(LOG_NOTICE, "daemon-ready", "socket", "%s", d->paths.socket);
		notify_ready();
		daemon_ready(d->ready_fd);
		d->ready_fd = -1;
		rc = run(d);
	}
	if (rc)
		return start_over(d, rc);
	log_event(LOG_NOTICE, "daemon-exit", "pid", "%ld", (long)getpid());
	rooms_close(d);
	return 0;
}

/*
 * -t: what the configuration says, and whether this program can do with the directories, the store and
 * the keeper that are there.
 * Names come last, since they may take long.
 */
static int test(struct jobd *d)
{
	char **warnings = NULL, *why = NULL;

	if (paths_check(&d->paths, &why) || store_check(d->paths.state_dir, &why) ||
	    rooms_find_keeper(d->keeper_path, sizeof d->keeper_path, &why))
		return refuse(why);

	printf("%s: %s\n", d->paths.config, d->config->source ? "good" : "not there; the defaults hold");
	printf("state in %s, sockets in %s, listening at %s\n", d->paths.state_dir, d->paths.runtime_dir,
	    d->paths.socket);
	config_print(d->config, stdout);
	printf(TRIAL_VERDICT, PACKAGE_VERSION, HANDOVER_VERSION);
	fflush(stdout);
	config_check_cgroup(d->config, &warnings);
	config_check_names(d->config, &warnings);
	say_messages(warnings);
	strv_free(warnings);
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
	struct jobd d = { .ready_fd = -1, .runtime_lock = -1, .restart = { .listen_fd = -1 } };
	stdfds_open(O_RDWR);
	int status = options_parse(argc, argv, &d.options);

	if (status >= 0)
		return status;
	if (!crash_init()) {
		fprintf(stderr, "jobd: JOBD_CRASH_AT names no crash point\n");
		return 2;
	}
	d.restart = restart_take();
	reexec_take(&d.past, &d.restart);
	d.program = reexec_program(argv[0], d.restart.is);
	if (!d.program) {
		fprintf(stderr, "jobd: no memory\n");
		return 1;
	}
	d.started_at_us = d.past.started_at_us ? d.past.started_at_us : clock_real_us();
	notify_take();
	umask(022);
	status = start(&d);
	reexec_taken(&d.past);
	config_free(d.config);
	paths_fini(&d.paths);
	free(d.program);
	return status;
}
