/* SPDX-License-Identifier: ISC */
/*
 * Calls to the daemon, one by one or many on their way together. A connection that breaks is made
 * again (jobd may be restarting), where repeating the call can do no harm. Streams are stream.h's,
 * and what an error answer means is fault.h's.
 */
#ifndef JOBCTL_CLIENT_H
#define JOBCTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobctl/code.h"
#include "lib/varlink.h"

#define CLIENT_ANEW 3 /* how often a bulk that goes in turn begins anew */

struct client {
	char *path; /* of the socket */
	struct varlink_client *conn; /* NULL: not connected */
	int timeout_ms;		     /* for an answer; a minute unless it is set */
	bool said_slow;		     /* that one does not come soon */
};

/* option is --socket's value, or NULL. Connects to nothing yet. False: no memory. */
bool client_init(struct client *c, const char *option);
void client_fini(struct client *c);

/* What came back. */
struct answer {
	json_t *params; /* never NULL in an answer that was had */
	char *error;	/* the error's whole name; NULL: it went well */
	const char *method; /* that was called */
	bool repeated;	/* the call may have been carried out once before */
};
void answer_fini(struct answer *a);

/*
 * One call. params is stolen. repeat: it may be sent again when the connection
 * breaks before the answer. CODE_DONE when there is an answer (an error one too), else
 * CODE_UNREACHABLE, or CODE_SOME for an answer that makes no sense; and the reason has been said.
 */
enum code client_call(
    struct client *c, const char *method, json_t *params, bool repeat, struct answer *a);

/*
 * The same for where an error answer is the end, too: it is said (what is as for
 * fault_say), and its code returned. *reply is the caller's, NULL unless CODE_DONE.
 */
enum code client_ask(
    struct client *c, const char *what, const char *method, json_t *params, json_t **reply);

/* Whether the caller may change the daemon in any case: as root, or as the user that it runs as. A
 * member of the admin group may as well, but who that is only the daemon knows. */
bool client_is_master(const struct client *c);

/* Says that the daemon can't be reached, why (an errno), and what to do. */
void client_unreachable(const struct client *c, int error);

/*
 * Whether rc (0 or -errno) says that a reply came and can't be taken: it is too long, or none
 * of the protocol's, or there is no memory for it. Then that was said.
 */
bool client_unreadable(const struct client *c, int rc);

/* Many calls of one method, on their way together. */
struct bulk {
	const char *method;
	size_t n;
	bool repeat;
	bool in_turn; /* each is made of what came before: one at a time, and anew from the first,
			 at most CLIENT_ANEW times after some had been answered */
	const bool *stop; /* not NULL: looked at after each answer; set: no more calls */
	json_t *(*params)(void *ctx, size_t i); /* of call i; may be asked for again; NULL: no memory */
	void (*done)(void *ctx, size_t i, const struct answer *a); /* in order */
	void *ctx;
};
enum code client_bulk(struct client *c, const struct bulk *b);

#endif
