/* SPDX-License-Identifier: ISC */
/*
 * What the files of this room share, and nobody else includes.
 *
 * Who calls whom: socket accepts, connection reads and writes, dispatch turns a
 * message into a call and hands it to its handler, call takes the answer back to
 * the connection, server holds them together; handover takes all of it over an exec.
 *
 * Two rules keep it simple:
 * - Handlers and their callbacks are called from within the loop only, never
 *   from server_flush: what a flush finds out (a client that left, a backlog that
 *   went) becomes *due*, and is seen to in the next turn.
 * - A connection is freed only by its own work or flush, never by another's.
 */
#ifndef SERVER_ROOM_H
#define SERVER_ROOM_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "jobd/server/server.h"
#include "lib/buf.h"

#define CALLS_PER_TURN	 100u		 /* from one connection */
#define BYTES_PER_TURN	 (256u << 10)	 /* of calls, from one connection */
#define BACKLOG_MAX	 (1u << 20)	 /* answers not read: nothing more is begun */
#define PENDING_MAX	 VARLINK_MESSAGE_MAX /* calls not begun: nothing more is read */
#define READ_CHUNK	 (64u << 10)
#define HELD_MAX	 (64u << 20)	     /* bytes in and out, for all connections of one user */
#define USER_BUCKETS	 64u
#define ROOT_EXTRA	 16		     /* places beyond the last, for root */
#define TURN_US		 20000u		     /* in which calls are begun: what is left is due */

struct connection;
struct user;

/* A line that may come often: said at once, then counted, and the count said later. */
struct tally {
	struct event timer;
	const char *what;
	int priority;
	unsigned more;
};

struct call {
	struct connection *conn;
	const struct varlink_method *method;
	json_t *message; /* its whole envelope */
	json_t *params;	 /* its parameters, or an empty object */
	json_t *progress; /* how far it had come in a former self, or NULL */
	bool more, oneway;
	bool again; /* waits for a name */
	void (*on_close)(void *arg);
	void *close_arg;
	void (*on_drain)(void *arg);
	void *drain_arg;
	json_t *(*on_handover)(void *arg);
	void *handover_arg;
};

struct connection {
	struct server *server;
	TAILQ_ENTRY(connection) link;
	TAILQ_ENTRY(connection) due_link;   /* where due */
	TAILQ_ENTRY(connection) dirty_link; /* where dirty */
	int fd;
	struct event read_ev, write_ev;

	struct buf in;
	size_t in_at, scanned; /* what is done with; how far there is no NUL after it */
	struct buf out;
	size_t out_at, released; /* what is sent; what may be sent, since it is committed */

	struct call *call; /* the one that was begun and not answered */
	json_t *message, *progress; /* the same, of a former self, until server_resume; or NULL */
	uint64_t turn;	   /* that of the two below */
	unsigned turn_calls;
	size_t turn_bytes;

	struct user *owner;		     /* quota.c's record */
	TAILQ_ENTRY(connection) wait_link;   /* where throttled */

	struct peer peer;
	char *user;
	char process[32];
	gid_t *groups;

	bool due;     /* has something to do in the next turn */
	bool dirty;   /* has answers for the next flush */
	bool reading; /* read_ev is added */
	bool named;   /* the user's name is known */
	bool retry;   /* a call that waits for a name is to be tried again */
	bool stalled; /* there may be calls in `in` that could not be begun yet */
	bool over;    /* the backlog went over CALL_BACKLOG */
	bool eof;     /* nothing more comes in */
	bool hup;     /* nobody reads any more */
	bool throttled; /* the user's calls are too many: waits in quota.c */
	bool let_go;  /* waited, and may begin one */
	bool muted;   /* sends descriptors, of which too many wait to be closed: read again in a moment */
	bool ending;  /* broke the protocol: ends when it has been told */
};

TAILQ_HEAD(connections, connection);
LIST_HEAD(users, user);

struct server {
	struct server_options o;
	char *path;
	int listen_fd, reserve_fd;
	bool takes_none; /* the kernel lets no descriptors in, where a client connects */
	dev_t dev; /* the socket's, as it was made */
	ino_t ino;
	uid_t nobody; /* the uid that stands for any that has no number here */
	struct event accept_ev, unmute_ev;
	struct event due_ev;   /* a zero timer: the loop does not sleep */
	struct event watch_ev; /* looks after clients that are not read from */
	struct connections all, due, dirty;
	size_t count, due_count;
	uint64_t turn;
	uint64_t begun_turn, begun_us; /* the last turn that began a call, and when */
	struct users users[USER_BUCKETS];
	uint64_t limits_met[SERVER_LIMITS];
	struct tally refusals, offences, delays;
	char scratch[READ_CHUNK];
};

/* tally.c */
/* what names the event in the log, at that priority. base and what are borrowed until tally_fini. */
void tally_init(struct tally *t, struct event_base *base, int priority, const char *what);
/* What was counted and not said yet is not said any more. */
void tally_fini(struct tally *t);
/* It happened once more: logged, or counted. uid (uid_t)-1 and pid 0: not known. why is borrowed. */
void tally_add(struct tally *t, uid_t uid, pid_t pid, const char *why);

/* socket.c */
/* Takes over o.listen_fd where it listens at s->path, else binds anew, and accepts from the loop's
 * next turn on. 0, or -errno and *why (the caller's), and there is nothing to close. */
int socket_open(struct server *s, char **why);
/* Accepts no more. keep: the path and listen_fd stay as they are, for the next self; else the path
 * is removed, if it is ours still, and listen_fd closed. */
void socket_close(struct server *s, bool keep);

/* peer.c: fills in c->peer but for the user's name. 0 or -errno; -EPERM for nobody's uid. */
int peer_read(struct connection *c);

/* quota.c: one user's share. */

/* Why somebody is not let in. */
struct quota_refusal {
	enum server_limit limit;
	size_t value, count;
	bool of_one_user; /* else of all */
};

/* Whether another connection of this peer is let in; else *r says why not. */
bool quota_admits(struct server *s, const struct ucred *u, struct quota_refusal *r);
/* Counts the new connection as its user's. 0, or -1 without memory. */
int quota_join(struct connection *c);
/* Takes it out again, when it ends; may free c->owner. */
void quota_leave(struct connection *c);
/* Whether another call may be begun now; else the connection waits, and becomes due. */
bool quota_may_call(struct connection *c);
/* One was begun. */
void quota_call(struct connection *c);
/* When there is no connection left. */
void quota_fini(struct server *s);

/* server.c */
/* connection_work is to be called in the loop's next turn, once however often this is. */
void server_due(struct connection *c);
/* connection_flush is to be called in the next server_flush, likewise. */
void server_dirty(struct connection *c);
/* Looks in a moment whether those have gone that a hang-up would not be noticed of, and reads again
 * from those that are muted. */
void server_watch(struct server *s);
/* Whether so much time went into this turn's calls that the rest has to wait. */
bool server_turn_over(struct server *s);
/* Whether a user's connections hold more than they may. */
bool server_hogged(const struct server *s, uid_t uid);

/* connection.c */
/* Takes the descriptor. 0, or -errno and it is closed. */
int connection_new(struct server *s, int fd);
/* Closes a new connection that is not served, with an error (a whole message, JSON and NUL) that says why. */
void connection_refuse(struct server *s, int fd, uid_t uid, const char *error);
/* Does what can be done now, in the loop; may free c. */
void connection_work(struct connection *c);
/* Releases and sends; may free c. */
void connection_flush(struct connection *c);
/* Takes it out of every list, its user's share too, and closes it: by the helper, which may be
 * later. Its call, if it has one, was dropped before (call_drop). */
void connection_free(struct connection *c);
/* How many bytes the client has not been sent yet, released or not. */
size_t connection_backlog(const struct connection *c);
/* Queues a message. What can not be queued ends the connection. */
void connection_put(struct connection *c, const json_t *message);
/* The peer broke the protocol: it is told which part of the message, and the connection ends. */
void connection_offence(struct connection *c, const char *part, const char *why);
/* Nobody reads any more. */
void connection_hangup(struct connection *c);
/* Whether a hang-up would go unnoticed. */
bool connection_blind(const struct connection *c);
/* Whether the peer has gone, both ways. */
bool connection_gone(const struct connection *c);

/* handover.c: what a former self left, if anything; h may be NULL. The listening socket, or -1. */
int server_take_listener(struct handover *h);
/* The connections, and how often limits were met. Their calls go on in server_resume. */
void server_take_connections(struct server *s, struct handover *h);

/* dispatch.c */
/* Begins a call: its handler is called, or it is refused, or the connection ends, where it is no
 * call. message is stolen, and so is progress, which may be NULL. */
void dispatch(struct connection *c, json_t *message, json_t *progress);
/* Calls the handler of a call once more that waits for a name (again). The call may be gone after. */
void dispatch_again(struct call *c);

/* call.c */
/* The connection ended first: on_close is called, the call is gone. */
void call_drop(struct call *c);
/* Frees it, and no more: nothing is called or answered. Its connection has it no more. */
void call_free(struct call *c);
/* Answers that every dispatcher gives: name: value are its only parameter. */
void call_refuse(struct call *c, const char *error, const char *name, const char *value);

#endif
