/* SPDX-License-Identifier: ISC */
/*
 * From a message to a handler: parse, find, check the parameters, authorise. A
 * handler never sees a call that is malformed, unknown, invalid or forbidden.
 *
 * A message that is no call ends its connection, after an error that says
 * which part was wrong, since nothing shows what such a peer takes the answers
 * for. Of the envelope's names, "upgrade" is refused (nothing here is anything but
 * Varlink), and those that Varlink does not define are passed over, since it
 * leaves them to vendors.
 */
#include "config.h"

#include "jobd/server/room.h"

#include <stdlib.h>
#include <string.h>

#define NO_INTERFACE  "org.varlink.service.InterfaceNotFound"
#define NO_METHOD     "org.varlink.service.MethodNotFound"
#define BAD_PARAMETER "org.varlink.service.InvalidParameter"

/* A boolean of the envelope. False when it is something else. */
static bool flag_read(const json_t *message, const char *name, bool *out)
{
	const json_t *v = json_object_get(message, name);

	*out = json_is_true(v);
	return v == NULL || json_is_null(v) || json_is_boolean(v);
}

/*
 * Fills in the call from its message. Returns NULL, or the part of the envelope
 * that is wrong. *method is the method's name, *upgrade whether another protocol
 * is asked for.
 */
static const char *envelope_read(struct call *c, const char **method, bool *upgrade)
{
	const json_t *name = json_object_get(c->message, "method");
	json_t *params = json_object_get(c->message, "parameters");

	*method = json_string_value(name);
	if (*method == NULL || strlen(*method) != json_string_length(name))
		return "method";
	if (params == NULL || json_is_null(params))
		c->params = json_object();
	else
		c->params = json_incref(params);
	if (!json_is_object(c->params))
		return "parameters";
	if (!flag_read(c->message, "more", &c->more))
		return "more";
	if (!flag_read(c->message, "oneway", &c->oneway) || (c->oneway && c->more))
		return "oneway";
	if (!flag_read(c->message, "upgrade", upgrade))
		return "upgrade";
	return NULL;
}

/* What Varlink does not define is not kept with the call: in memory it can be eighty times what it was. */
static void envelope_trim(json_t *message)
{
	static const char *const kept[] = { "method", "parameters", "more", "oneway" };
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(message, next, name, value) {
		bool keep = false;
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			keep |= strcmp(name, kept[i]) == 0;
		if (!keep)
			json_object_del(message, name);
	}
}

static void refuse_unknown(struct call *c, const char *method)
{
	const char *dot = strrchr(method, '.');
	char *interface = dot == NULL ? NULL : strndup(method, (size_t)(dot - method));

	if (interface == NULL || varlink_interface_known(interface))
		call_refuse(c, NO_METHOD, "method", method);
	else
		call_refuse(c, NO_INTERFACE, "interface", interface);
	free(interface);
}

static void handle(struct call *c, int at)
{
	const struct server_options *o = &c->conn->server->o;
	const char *error;
	json_t *error_params = NULL;
	char wrong[200];

	c->method = &varlink_methods[at];
	if (varlink_check(c->method->in, c->params) != NULL) {
		varlink_where(c->method->in, c->params, wrong, sizeof(wrong));
		call_refuse(c, BAD_PARAMETER, "parameter", wrong);
		return;
	}
	error = o->authorise(o->ctx, &c->conn->peer, c->method, c->params, &error_params);
	if (error != NULL) {
		o->refused(o->ctx, &c->conn->peer, c->method, c->params, error);
		call_error(c, error, error_params);
		return;
	}
	o->handlers[at](o->ctx, c);
}

void dispatch(struct connection *conn, json_t *message, json_t *progress)
{
	struct call *c = calloc(1, sizeof(*c));
	const char *wrong, *method;
	bool upgrade;
	int at;

	if (c == NULL) {
		json_decref(message);
		json_decref(progress);
		connection_hangup(conn);
		return;
	}
	c->conn = conn;
	c->message = message;
	c->progress = progress;
	wrong = envelope_read(c, &method, &upgrade);
	if (wrong != NULL) {
		call_free(c);
		connection_offence(conn, wrong, "no call");
		return;
	}
	envelope_trim(message);
	conn->call = c;
	at = varlink_method_find(method);
	if (upgrade)
		call_refuse(c, BAD_PARAMETER, "parameter", "upgrade");
	else if (at < 0)
		refuse_unknown(c, method);
	else
		handle(c, at);
}

void dispatch_again(struct call *c)
{
	const struct server_options *o = &c->conn->server->o;

	c->again = false;
	o->handlers[c->method - varlink_methods](o->ctx, c);
}
