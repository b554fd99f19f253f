/* SPDX-License-Identifier: ISC */
/*
 * Calls over one connection, answered in their order.
 *
 * Every call of the protocol but Signal can be repeated: what is already so
 * answers well, a submission carries its token, a retry the attempt it means,
 * and the second Delete of a pair finds no job, which its caller knows to read. So a
 * restart of the daemon under a call is a delay, not an error.
 */
#include "config.h"

#include "jobctl/client.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jobctl/fault.h"
#include "jobctl/screen.h"
#include "lib/clock.h"
#include "lib/socketpath.h"

#define CALL_TIMEOUT_MS	 60000
#define SAY_MS		 5000  /* then it is told that one waits */
#define PATIENCE_MS	 10000 /* a call is repeated for that long */
#define RETRY_MS	 100
#define WINDOW		 64 /* calls on their way */

bool client_init(struct client *c, const char *option)
{
	*c = (struct client){ .path = socketpath_find(option), .timeout_ms = CALL_TIMEOUT_MS };
	return c->path != NULL;
}

void client_fini(struct client *c)
{
	varlink_client_close(c->conn);
	free(c->path);
	*c = (struct client){ 0 };
}

bool client_is_master(const struct client *c)
{
	struct stat st;
	return geteuid() == 0 || (stat(c->path, &st) == 0 && st.st_uid == geteuid());
}

void answer_fini(struct answer *a)
{
	json_decref(a->params);
	free(a->error);
	*a = (struct answer){ 0 };
}

void client_unreachable(const struct client *c, int error)
{
	complain("cannot reach jobd at %s: %s", c->path, strerror(error));
	if (error == EACCES || error == EPERM)
		complain("you may not connect to it");
	else if (error == ETIMEDOUT)
		complain("it takes no connections: it hangs, and all its places are waited for "
			 "(ss -xlp names its process)");
	else
		complain("is jobd running? Start it with: jobd "
			 "(--socket or $JOBD_SOCKET name another socket)");
}

bool client_unreadable(const struct client *c, int rc)
{
	if (rc == -ENOMEM)
		complain("no memory");
	else if (rc == -EMSGSIZE)
		complain("the reply of jobd at %s is longer than %u MB: ask for less at once", c->path,
		    VARLINK_REPLY_MAX >> 20);
	else if (rc == -EPROTO)
		complain("what answers at %s does not speak jobd's protocol", c->path);
	else
		return false;
	return true;
}

static void pause_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

static void drop(struct client *c)
{
	varlink_client_close(c->conn);
	c->conn = NULL;
}

static int connect_once(struct client *c)
{
	return c->conn ? 0 : varlink_client_open(c->path, &c->conn);
}

/*
 * Connects again to a daemon that was there a moment ago. until is when to give up: one that takes
 * the connection and ends it, again and again, is not waited for for ever either.
 */
static int connect_again(struct client *c, uint64_t until)
{
	int rc = -ECONNRESET;
	drop(c);
	while (rc != 0 && clock_mono_us() < until) {
		pause_ms(RETRY_MS);
		rc = connect_once(c);
	}
	return rc;
}

static bool is_broken(int rc)
{
	return rc == -ECONNRESET || rc == -EPIPE || rc == -ENOTCONN;
}

static enum code give_up(struct client *c, int rc)
{
	drop(c);
	if (client_unreadable(c, rc))
		return CODE_SOME;
	if (rc == -EAGAIN) {
		complain("jobd at %s did not answer within %d s", c->path, c->timeout_ms / 1000);
		return CODE_UNREACHABLE;
	}
	if (is_broken(rc)) {
		complain("lost the connection to jobd at %s before it answered", c->path);
		return CODE_UNREACHABLE;
	}
	client_unreachable(c, -rc);
	return CODE_UNREACHABLE;
}

static int receive(struct client *c, struct answer *a, bool *continues)
{
	const char *error = NULL;
	int first = c->timeout_ms > SAY_MS ? SAY_MS : c->timeout_ms;
	*a = (struct answer){ 0 };
	int rc = varlink_client_receive(c->conn, first, &a->params, &error, continues);
	if (rc == -EAGAIN && first < c->timeout_ms) {
		if (!c->said_slow)
			complain("jobd at %s has not answered yet; waiting up to %d s more", c->path,
			    (c->timeout_ms - first) / 1000);
		c->said_slow = true;
		rc = varlink_client_receive(c->conn, c->timeout_ms - first, &a->params, &error, continues);
	}
	if (rc == 0 && error && !(a->error = strdup(error))) {
		json_decref(a->params);
		a->params = NULL;
		rc = -ENOMEM;
	}
	return rc;
}

/* How far a bulk has come. */
struct progress {
	size_t sent, answered;
	size_t ever_sent; /* over all connections: what is below it may have been carried out */
};

/* Sends and receives until all is answered or something breaks. */
static int bulk_run(struct client *c, const struct bulk *b, struct progress *p)
{
	size_t window = b->in_turn ? 1 : WINDOW;
	while (p->answered < b->n && !(b->stop && *b->stop)) {
		while (p->sent < b->n && p->sent - p->answered < window) {
			json_t *params = b->params(b->ctx, p->sent);
			if (!params)
				return -ENOMEM;
			int rc = varlink_client_send(c->conn, b->method, params, false);
			if (rc != 0)
				return rc;
			p->sent++;
		}
		struct answer a;
		bool continues = false;
		int rc = receive(c, &a, &continues);
		if (rc != 0)
			return rc;
		a.method = b->method;
		a.repeated = p->answered < p->ever_sent;
		b->done(b->ctx, p->answered++, &a);
		answer_fini(&a);
	}
	return 0;
}

enum code client_bulk(struct client *c, const struct bulk *b)
{
	struct progress p = { 0 };
	uint64_t until = 0;
	unsigned anew = 0;
	int rc = connect_once(c);

	while (rc == 0) {
		size_t before = p.answered;
		rc = bulk_run(c, b, &p);
		if (rc == 0)
			return CODE_DONE;
		if (!is_broken(rc) || !b->repeat)
			break;
		if (p.ever_sent < p.sent)
			p.ever_sent = p.sent;
		bool came_on = p.answered > before;
		if (b->in_turn)
			p.answered = 0;
		p.sent = p.answered;
		if (b->in_turn && came_on && anew++ == CLIENT_ANEW)
			break;
		if (until == 0 || came_on)
			until = clock_mono_us() + PATIENCE_MS * UINT64_C(1000);
		rc = connect_again(c, until);
	}
	enum code code = give_up(c, rc);
	if (p.answered > 0 && !b->in_turn)
		complain("%zu of %zu had been answered", p.answered, b->n);
	return code;
}

/* A call is a bulk of one. */
struct single {
	json_t *params;
	struct answer *answer;
	bool failed; /* no memory for the answer */
};

static json_t *single_params(void *ctx, size_t i)
{
	struct single *s = ctx;
	(void)i;
	return json_incref(s->params);
}

static void single_done(void *ctx, size_t i, const struct answer *a)
{
	struct single *s = ctx;
	(void)i;
	s->answer->params = json_incref(a->params);
	s->answer->error = a->error ? strdup(a->error) : NULL;
	s->failed = a->error && !s->answer->error;
	s->answer->method = a->method;
	s->answer->repeated = a->repeated;
}

enum code client_call(
    struct client *c, const char *method, json_t *params, bool repeat, struct answer *a)
{
	struct single s = { params, a, false };
	struct bulk b = { .method = method, .n = 1, .repeat = repeat, .params = single_params,
		.done = single_done, .ctx = &s };

	*a = (struct answer){ 0 };
	if (!params) {
		complain("no memory");
		return CODE_SOME;
	}
	enum code code = client_bulk(c, &b);
	json_decref(params);
	if (s.failed) {
		complain("no memory");
		code = CODE_SOME;
	}
	return code;
}

enum code client_ask(
    struct client *c, const char *what, const char *method, json_t *params, json_t **reply)
{
	struct answer a = { 0 };
	enum code code = client_call(c, method, params, true, &a);
	*reply = NULL;
	if (code != CODE_DONE)
		return code;
	if (a.error) {
		fault_say(what, &a);
		code = fault_code(a.error);
	} else {
		*reply = json_incref(a.params);
	}
	answer_fini(&a);
	return code;
}
