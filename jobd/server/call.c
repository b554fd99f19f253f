/* SPDX-License-Identifier: ISC */
/*
 * A call, from its dispatch to its last answer.
 *
 * There is at most one a connection: the next is not begun before this one is
 * answered, so answers stand in the order of the calls by themselves. The answer to
 * a oneway call is dropped here, so that no handler need know.
 */
#include "config.h"

#include "jobd/server/room.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/sanitized.h"

const struct peer *call_peer(const struct call *c)
{
	return &c->conn->peer;
}

const json_t *call_params(const struct call *c)
{
	return c->params;
}

bool call_wants_more(const struct call *c)
{
	return c->more;
}

/* In builds that are made for tests, what is said is held against what was promised. */
#if defined(JOBD_COVERAGE) || SANITIZED_ADDRESS
static void promise_check(
    const char *what, const struct varlink_field *fields, const json_t *params)
{
	const char *culprit = varlink_check(fields, params);

	if (culprit != NULL)
		fprintf(stderr, "%s: what is sent has another \"%s\" than its interface says\n",
		    what, culprit);
	assert(culprit == NULL);
}
#else
static void promise_check(
    const char *what, const struct varlink_field *fields, const json_t *params)
{
	(void)what;
	(void)fields;
	(void)params;
}
#endif

/* Sends one message of the call; params is stolen. */
static void say(struct call *c, const char *error, json_t *params, bool continues)
{
	json_t *m;

	if (params == NULL)
		params = json_object();
	if (c->oneway || c->conn->hup) {
		json_decref(params);
		return;
	}
	m = json_object();
	if ((error != NULL && json_object_set_new(m, "error", json_string(error)) < 0) ||
	    json_object_set(m, "parameters", params) < 0 ||
	    (continues && json_object_set_new(m, "continues", json_true()) < 0))
		connection_hangup(c->conn); /* no memory: silence would shift the answers */
	else
		connection_put(c->conn, m);
	json_decref(m);
	json_decref(params);
}

/* The connection may go on; not from here, since the handler has not returned. */
static void end(struct call *c)
{
	struct connection *conn = c->conn;

	conn->call = NULL;
	if (conn->stalled || conn->eof)
		server_due(conn);
	call_free(c);
}

void call_reply(struct call *c, json_t *params)
{
	if (c->method != NULL && params != NULL)
		promise_check(c->method->name, c->method->out, params);
	say(c, NULL, params, false);
	end(c);
}

void call_continue(struct call *c, json_t *params)
{
	assert(c->more);
	promise_check(c->method->name, c->method->out, params);
	say(c, NULL, params, true);
}

void call_error(struct call *c, const char *name, json_t *params)
{
	const struct varlink_error *e = varlink_error_find(name);

	assert(e != NULL);
	if (params != NULL)
		promise_check(name, e->fields, params);
	say(c, name, params, false);
	end(c);
}

void call_refuse(struct call *c, const char *error, const char *name, const char *value)
{
	json_t *params = json_object();

	json_object_set_new(params, name, json_string(value));
	call_error(c, error, params);
}

void call_again(struct call *c)
{
	c->again = true;
}

void call_on_close(struct call *c, void (*fn)(void *arg), void *arg)
{
	c->on_close = fn;
	c->close_arg = arg;
}

size_t call_backlog(const struct call *c)
{
	return c->conn->hup ? SIZE_MAX : connection_backlog(c->conn);
}

void call_on_drain(struct call *c, void (*fn)(void *arg), void *arg)
{
	c->on_drain = fn;
	c->drain_arg = arg;
}

void call_on_handover(struct call *c, json_t *(*fn)(void *arg), void *arg)
{
	c->on_handover = fn;
	c->handover_arg = arg;
}

const json_t *call_progress(const struct call *c)
{
	return c->progress;
}

void call_drop(struct call *c)
{
	c->conn->call = NULL;
	if (c->on_close != NULL)
		c->on_close(c->close_arg);
	call_free(c);
}

void call_free(struct call *c)
{
	json_decref(c->message);
	json_decref(c->params);
	json_decref(c->progress);
	free(c);
}
