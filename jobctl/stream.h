/* SPDX-License-Identifier: ISC */
/*
 * A stream: a call with "more", on a connection of its own, which is made anew when it breaks. A
 * daemon that comes back within a minute is a delay, not an end.
 */
#ifndef JOBCTL_STREAM_H
#define JOBCTL_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "jobctl/client.h"

struct stream_call {
	const char *method;
	json_t *(*params)(void *ctx); /* to go on from where it is now; NULL: no memory */
	void *ctx;
};

struct stream {
	struct client *client;
	struct stream_call call;
	struct varlink_client *conn;
	uint64_t lost_at_us, tried_at_us, heard_at_us; /* monotonic; 0: not */
	bool said;				       /* that it is lost */
};

enum stream_result {
	STREAM_NOTHING, /* not yet */
	STREAM_REPLY,
	STREAM_LAST,  /* and the stream is over */
	STREAM_ERROR, /* an error answer: over as well */
	STREAM_LOST,  /* the daemon stayed away; said */
};

/* Connects to nothing yet; c is borrowed for the stream's life. known: the daemon was there a moment
 * ago, so that even the first connection is worth waiting for. */
void stream_init(
    struct stream *s, struct client *c, const struct stream_call *call, bool known);
void stream_fini(struct stream *s);

/* Waits at most timeout_ms. a is filled for REPLY, LAST and ERROR, and then answer_fini is due. */
enum stream_result stream_next(struct stream *s, int timeout_ms, struct answer *a);

/* A descriptor to poll for reading, -1 while there is none. */
int stream_fd(const struct stream *s);

#endif
