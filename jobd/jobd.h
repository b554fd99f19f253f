/* SPDX-License-Identifier: ISC */
/*
 * The daemon as a whole, and what the files beside main.c do for it: rooms.c opens and closes the
 * rooms, reload.c puts another configuration in force, reexec.c another program in charge. Nobody
 * else includes this.
 */
#ifndef JOBD_JOBD_H
#define JOBD_JOBD_H

#include <limits.h>
#include <stdbool.h>

#include "jobd/core/engine.h"
#include "jobd/options.h"
#include "jobd/policy.h"
#include "jobd/reexec.h"
#include "jobd/restart.h"
#include "jobd/sys/paths.h"
#include "lib/boot.h"

struct api;
struct aside;
struct config;
struct event;
struct event_base;
struct names;
struct proc;
struct server;
struct store;

#define JOBD_SIGNALS 3

struct jobd {
	char *program; /* where a next self is to be found */
	struct options options;
	struct restart restart;
	struct reexec_past past;
	struct reexec *reexec; /* NULL until it is asked for */
	uint64_t started_at_us; /* by this process, in whatever program */
	struct paths paths;
	struct config *config;
	struct {
		uint64_t ballast_bytes;
		char *cgroup;
		unsigned max_connections;
	} begun; /* what is in force of those settings that are taken up at the start alone */
	struct policy policy;
	char **warnings; /* of the last reload, that nobody was told of yet */
	bool reloading; /* it waits for names, and is told of then */
	char boot_id[BOOT_ID_SIZE];
	char keeper_path[PATH_MAX];
	int ready_fd; /* of daemon_begin */
	int runtime_lock; /* < 0: not held */
	struct event_base *base;
	struct event *signals[JOBD_SIGNALS], *tick, *due;
	struct names *names;
	struct aside *aside;
	struct store *store;
	struct engine *engine;
	struct proc *proc;
	struct api *api;
	struct server *server;
};

/* rooms.c */
/*
 * Opens the rooms in the order of need. 0. Or the exit status, above 0: why was said, and what had
 * been opened is closed. Or -ENOSPC: a full disk keeps one that starts over from opening them all,
 * and the caller starts over again.
 */
int rooms_open(struct jobd *d);
/*
 * Where the keeper is: from the build tree the one that was built with this jobd, else the installed one.
 * 0, or -errno and *why (the caller's) where it is not there or can't be executed.
 */
int rooms_find_keeper(char *out, size_t size, char **why);
/*
 * Closes the rooms that are open. Connections end last: who waits for that may start another jobd
 * at once, and finds nothing locked.
 */
void rooms_close(struct jobd *d);

/* reload.c */
/* Reads the configuration again; api_options.reload, with the daemon as the context. who may be
 * NULL: SIGHUP. */
int reload(void *ctx, const struct actor *who, char ***messages);
/* Names became known: a reload that waited for them is told of. */
void reload_named(struct jobd *d);
/* What the configuration is to the api, put in force. */
void reload_api(struct jobd *d);

#endif
