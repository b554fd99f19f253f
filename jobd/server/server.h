/* SPDX-License-Identifier: ISC */
/*
 * The socket, its connections and the dispatcher: parse, find, check the
 * parameters, authorise, call the handler. What is answered waits until
 * server_flush, which comes after the commit.
 *
 * A client that is slow, silent, broken or hostile costs the others nothing:
 * messages are capped at 1 MiB, a connection whose answers are not read is not
 * read from, a turn takes a bounded number of calls from each.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/varlink.h"

struct aside;
struct event_base;
struct handover;
struct server;
struct call;

/* Who calls: what the kernel says, and the name for it. */
struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	const gid_t *groups; /* supplementary */
	size_t ngroups;
	const char *user;    /* its name; the number in digits where there is none */
	const char *process; /* the program, as the kernel names it; "" where unknown */
};

/*
 * A method's handler. It answers with call_reply or call_error, now or later; or it
 * asks for a name that is not known yet and returns after call_again.
 */
typedef void server_handler(void *ctx, struct call *c);

/* What one user may; 0: no limit. */
struct server_limits {
	unsigned user_connections;	/* at once */
	unsigned user_calls_per_second; /* those beyond wait */
};

enum server_limit {
	SERVER_LIMIT_CONNECTIONS,
	SERVER_LIMIT_USER_CONNECTIONS,
	SERVER_LIMIT_USER_CALLS,
	SERVER_LIMITS,
};

struct server_options {
	struct event_base *base;
	const char *path; /* of the socket */
	int listen_fd;	  /* a listening socket handed on by a former self, or -1 */
	/* What a former self handed on by server_handover, or NULL. Borrowed for server_open. */
	struct handover *handover;
	struct aside *aside; /* borrowed; NULL: what may sleep is done at once */
	mode_t mode;	  /* of the socket: who may connect */
	const char *version;
	/* The name of a uid, asked for once a connection: fills *name (borrowed until the loop's
	 * next turn) and returns true; or returns false, and server_resume_names is called when it
	 * is known. */
	bool (*user_name)(void *ctx, uid_t uid, const char **name);
	/*
	 * Whether the peer may call the method with these parameters. Returns NULL when
	 * so, else the error's name; *error_params (may stay NULL) is the server's. Called after the
	 * parameters were checked.
	 */
	const char *(*authorise)(void *ctx, const struct peer *p, const struct varlink_method *m,
	    const json_t *params, json_t **error_params);
	/* A call that was refused, for the journal. */
	void (*refused)(void *ctx, const struct peer *p, const struct varlink_method *m,
	    const json_t *params, const char *error);
	/* Whether the limits of one user do not bind this one. NULL: they bind everybody. */
	bool (*exempt)(void *ctx, uid_t uid);
	/* A connection that was not let in, by this limit, for the journal. May be NULL. */
	void (*turned_away)(void *ctx, uid_t uid, pid_t pid, const char *limit);
	/* The handlers, in the order of varlink_methods (generated). */
	server_handler *const *handlers;
	void *ctx; /* for the callbacks and handlers */
	unsigned max_connections; /* 0: 1000 */
	struct server_limits limits;
};

/* Binds (or takes over) the socket and begins to accept. 0, or -errno and *why. */
int server_open(const struct server_options *o, struct server **out, char **why);
/*
 * Stops accepting; connections end at once, calls that wait get their on_close. The path is removed
 * and the listening descriptor closed, unless keep: then both stay, for the next self. Not from
 * within a handler or a callback of the room.
 */
void server_close(struct server *s, bool keep);
/* The listening descriptor, to be handed on over an exec. */
int server_listen_fd(const struct server *s);
/*
 * Puts the room into a record, to be taken up by a next self: the listening socket, and every
 * connection with its bytes and the call that is under way. To be called right after server_flush. Changes
 * nothing: where the next self can't be executed, this one goes on.
 */
void server_handover(struct server *s, struct handover *h);
/*
 * Goes on with the calls that a former self had begun: their handlers are called, here. Call it
 * once, when all rooms are open, before the first turn of the loop.
 */
void server_resume(struct server *s);
/* Some user names became known: calls that waited for them go on, in the loop's next turn. */
void server_resume_names(struct server *s);
/*
 * Sends the answers that waited for the commit, and ends the turn: call it once after each pass of
 * the loop. Calls no handler and no callback.
 */
void server_flush(struct server *s);
/* Other limits from now on. Who has more connections than they allow keeps them. */
void server_set_limits(struct server *s, const struct server_limits *limits);
/* The limit's name, as the configuration has it. */
const char *server_limit_name(enum server_limit limit);
/* How often it was met: connections that were refused, or a connection's calls that had to wait. */
uint64_t server_limit_met(const struct server *s, enum server_limit limit);
/* How many connections there are. */
size_t server_connections(const struct server *s);

/* The call: valid until its last reply or error, or until on_close was called. */
const struct peer *call_peer(const struct call *c);
const json_t *call_params(const struct call *c);
bool call_wants_more(const struct call *c);

/* Answers and ends the call. params is stolen; NULL is {}. Answers to oneway calls are dropped. */
void call_reply(struct call *c, json_t *params);
/* Sends one of several; only where call_wants_more. params is stolen. */
void call_continue(struct call *c, json_t *params);
/* Answers with an error and ends the call. name is the whole name; params is stolen. */
void call_error(struct call *c, const char *name, json_t *params);
/* The handler is to be called once more, after server_resume_names. */
void call_again(struct call *c);
/*
 * For a call that is answered later: fn is called once if the client goes or the server is closed
 * first; the call is gone after it. Never called from within server_flush. Setting it again
 * replaces it; NULL takes it back.
 */
void call_on_close(struct call *c, void (*fn)(void *arg), void *arg);
/*
 * For a stream: how many bytes wait to be read by the client; SIZE_MAX when it has gone, and
 * on_close is about to say so. A handler that sees
 * more than CALL_BACKLOG holds back, and goes on when fn is called: each time that what waits has
 * fallen to CALL_BACKLOG or less after it was more; from within the loop, so that it may answer.
 */
#define CALL_BACKLOG (256u << 10)
size_t call_backlog(const struct call *c);
void call_on_drain(struct call *c, void (*fn)(void *arg), void *arg);
/*
 * For a call that is answered later, and must not begin from its beginning when jobd executes itself: fn
 * says how far it has come, as a new JSON object for call_progress; or NULL, and it begins anew, as any
 * call does that has no such fn. What was sent so far has arrived, or will.
 */
void call_on_handover(struct call *c, json_t *(*fn)(void *arg), void *arg);
/* What fn said in a former self, for the handler that goes on with it; NULL: a call that is new. */
const json_t *call_progress(const struct call *c);

#endif
