/* SPDX-License-Identifier: ISC */
/*
 * Varlink, as https://varlink.org specifies it: JSON objects, each ended by a
 * NUL, over a stream socket. Framing, the tables made from the interface files
 * (varlink_tables.c, by varlink-gen.awk), the check of parameters against them,
 * and a blocking client.
 */
#ifndef LIB_VARLINK_H
#define LIB_VARLINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

#define VARLINK_MESSAGE_MAX (1u << 20)	/* what the daemon takes */
#define VARLINK_REPLY_MAX   (16u << 20) /* what a client takes */

enum varlink_kind {
	VARLINK_BOOL = 1,
	VARLINK_INT,
	VARLINK_STRING,
	VARLINK_OBJECT, /* any JSON object */
	VARLINK_STRUCT, /* a named type: fields */
};

/* A field of a method's parameters, a reply, an error or a type. */
struct varlink_field {
	const char *name; /* NULL ends an array of fields */
	enum varlink_kind kind;
	bool nullable, array, map;
	const struct varlink_field *fields; /* of a named type */
};

struct varlink_method {
	const char *name;   /* whole: org.jobd.Job.Submit */
	const char *access; /* from its "Access:" line: any, submit, owner, admin, root */
	const struct varlink_field *in, *out;
};

struct varlink_error {
	const char *name;
	const struct varlink_field *fields;
};

struct varlink_interface {
	const char *name;
	const char *text; /* the whole file */
};

/* The tables; each ends with a row whose name is NULL. Made by the build. */
extern const struct varlink_interface varlink_interfaces[];
extern const struct varlink_method varlink_methods[];
extern const struct varlink_error varlink_errors[];
/* How many methods there are, and their indexes in the order of their names. */
extern const size_t varlink_methods_count;
extern const unsigned short varlink_methods_by_name[];

/* The method's index in varlink_methods, or -1. */
int varlink_method_find(const char *name);
/* Whether there is an interface of that name. */
bool varlink_interface_known(const char *name);
/* The error of that name, or NULL. */
const struct varlink_error *varlink_error_find(const char *name);

/*
 * Checks an object against fields: each field that is not nullable is there,
 * every one there is known and of its type, strings hold no U+0000. null
 * stands for absent. Returns NULL when well, else the name of the culprit
 * (borrowed from either).
 */
const char *varlink_check(const struct varlink_field *fields, const json_t *object);

/*
 * Of an object that varlink_check refuses, the culprit with the way to it: "priority",
 * "jobs[17].priority", "template.rules". path gets at most size bytes with the NUL.
 */
void varlink_where(const struct varlink_field *fields, const json_t *object, char *path, size_t size);

/*
 * Appends the message and its NUL to out. Returns 0, or -ENOMEM: then out is marked failed and
 * holds what it held before.
 */
int varlink_put(struct buf *out, const json_t *message);

#define VARLINK_WHY_MAX 160

/*
 * Takes the first whole message from in. Returns 1 and *message (the caller's),
 * 0 when more bytes are needed, -EPROTO when what stands there is no JSON object or has
 * duplicate names, -EMSGSIZE over max (what is wrong goes to why, VARLINK_WHY_MAX bytes; it may
 * quote the message). The bytes taken, the wrong ones too, are *taken; the caller drops them. The
 * search for the NUL does not begin anew each time: *scanned, 0 at first, remembers how far it came
 * (reset to 0 when a message is taken).
 */
int varlink_take(const struct buf *in, size_t max, size_t *scanned, size_t *taken,
    json_t **message, char *why);

/* A client: one connection, blocking. */
struct varlink_client;

/* Connects. 0 or -errno. */
int varlink_client_open(const char *path, struct varlink_client **out);
/* Ends the connection. NULL is fine. */
void varlink_client_close(struct varlink_client *c);
/* Its descriptor, to poll for reading; the client's. */
int varlink_client_fd(const struct varlink_client *c);

/* Queues a call; parameters are stolen. more asks for a stream. 0 or -errno. Sent by
 * varlink_client_receive, or at once when much is queued. */
int varlink_client_send(struct varlink_client *c, const char *method, json_t *params, bool more);

/*
 * The next reply, in the order of the calls. timeout_ms < 0 waits for ever;
 * -EAGAIN when it passes, -ECONNRESET when the daemon went, -EPROTO for nonsense,
 * -EMSGSIZE for a reply over VARLINK_REPLY_MAX.
 * On 0: *params is the caller's (never NULL), *error is NULL or the error's
 * name (borrowed from *params' owner until the next call), *continues as sent.
 */
int varlink_client_receive(struct varlink_client *c, int timeout_ms, json_t **params,
    const char **error, bool *continues);

#endif
