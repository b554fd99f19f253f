/* SPDX-License-Identifier: ISC */
/*
 * The real server room over a real socket, with handlers of the test's own, in
 * one process: the test is the loop and the clients in turn, so that each step
 * is where it says.
 *
 *	GetInterfaceDescription(interface)   answers with the text it was given
 *	Job.Output(id, offset)               answers with offset bytes; with more, see streams, which
 *	                                     go on over room_exec; all else begins anew
 *	Job.Wait                             is answered when the test says so
 *	Job.Get(id)                          is Job.NotFound
 *	Job.Delete(id)                       is counted, and takes as long as is said
 *	Daemon.Reload                        waits for a name, then answers
 *	Daemon.Stop                          nobody may
 */
#ifndef TESTS_SERVER_ROOM_H
#define TESTS_SERVER_ROOM_H

#include <check.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "jobd/server/server.h"
#include "lib/log.h"
#include "tests/unit/unit.h"

#define WAITING_MAX 32

/* A call that is answered at once with a text, and that answer. */
#define ECHO(x)                                                                                 \
	"{'method':'org.varlink.service.GetInterfaceDescription','parameters':{'interface':'" x \
	"'}}"
#define ECHOED(x) "{'parameters':{'description':'" x "'}}"

struct room {
	char dir[64], path[96];
	struct event_base *base;
	struct server *server;
	struct server_options options;
	bool names_late; /* user_name does not know it yet */
	uid_t uid;	 /* that clients are to have, where it is not our own */
	bool again;	 /* Reload asks for a name */
	unsigned calls;	 /* handlers called */
	unsigned deleted, refused, closed, drained;
	int64_t last_deleted;
	unsigned deleted_by[64]; /* of the ids below */
	unsigned burn_us;	 /* how long a Delete takes */
	struct call *waiting[WAITING_MAX];
	size_t nwaiting;
	unsigned turns;
	unsigned log_lines; /* what was logged since room_keep_log */
	int log_worst;	    /* the gravest priority */
	char log_last[LOG_LINE_MAX];
};

/* Opens it in a directory of its own; options may be changed in between. */
void room_prepare(struct room *r);
void room_open(struct room *r);
void room_start(struct room *r); /* both */
void room_stop(struct room *r);
/* What is logged from now on is kept in the room, and not said. */
void room_keep_log(struct room *r);
/* All three; returns the room. */
struct room *room_begin(struct room *r);

/*
 * Hands the room over to itself, as if jobd had executed itself: the server is another one, with the
 * same descriptors.
 */
void room_exec(struct room *r);
/* One turn of the loop: what is there is read, decided and sent; never waits. */
void room_turn(struct room *r);
/* Some turns, for what should not happen any more. */
void room_settle(struct room *r);

/* Turns until the condition holds, for 20 s at most. */
#define room_until(r, condition)                                                                   \
	do {                                                                                       \
		unsigned tries_ = 0;                                                               \
		while (!(condition)) {                                                             \
			ck_assert_msg(tries_++ < 20000 * unit_slowness(), "never: %s", #condition); \
			room_pause(r);                                                             \
		}                                                                                  \
	} while (0)
void room_pause(struct room *r); /* a turn, and a millisecond */

/* Clients: non-blocking sockets. */
int client_open(struct room *r);
/* As much of it as goes; returns how much went. */
size_t client_write(int fd, const void *data, size_t len);
/* All of a text, each ' in it a ", and its NUL; with turns where it does not go at once. */
void client_say(struct room *r, int fd, const char *text);
/* The next message, with turns until it is there. "" at the end of the connection. Borrowed. */
const char *client_hear(struct room *r, int fd);
/* Whether there is nothing to be read. */
bool client_silent(int fd);

#define client_hears(r, fd, expected)                                                              \
	do {                                                                                       \
		const char *heard_ = client_hear(r, fd);                                           \
		ck_assert_msg(text_same(heard_, expected), "heard %s, not %s", heard_, expected);  \
	} while (0)
/* Whether they are the same, each ' in expected a ". */
bool text_same(const char *heard, const char *expected);

#endif
