/* SPDX-License-Identifier: ISC */
/*
 * Streams that outlive the daemon: when the connection ends, another is made for up to
 * PATIENCE_MS, and the call repeated from where the stream had come to.
 * jobd sends something at least every 30 s; one that is silent for
 * longer than SILENCE_MS is as good as gone.
 */
#include "config.h"

#include "jobctl/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobctl/screen.h"
#include "lib/clock.h"

#define PATIENCE_MS 60000
#define SILENCE_MS  90000
#define RETRY_MS    200
#define SAY_MS	    2000 /* a shorter absence is not worth a word */

void stream_init(struct stream *s, struct client *c, const struct stream_call *call, bool known)
{
	*s = (struct stream){ .client = c, .call = *call };
	if (known)
		s->lost_at_us = clock_mono_us();
}

void stream_fini(struct stream *s)
{
	varlink_client_close(s->conn);
	s->conn = NULL;
}

int stream_fd(const struct stream *s)
{
	return s->conn ? varlink_client_fd(s->conn) : -1;
}

static bool elapsed(uint64_t since_us, unsigned ms)
{
	return clock_mono_us() - since_us >= ms * UINT64_C(1000);
}

/* The connection broke. It counts as lost from the first time that nothing was heard on it. */
static enum stream_result lose(struct stream *s)
{
	stream_fini(s);
	if (!s->lost_at_us)
		s->lost_at_us = clock_mono_us();
	if (!elapsed(s->lost_at_us, PATIENCE_MS))
		return STREAM_NOTHING;
	complain("jobd at %s does not answer", s->client->path);
	return STREAM_LOST;
}

/* Connects and calls. 0 or -errno. */
static int begin(struct stream *s)
{
	json_t *params = s->call.params(s->call.ctx);
	int rc = params ? varlink_client_open(s->client->path, &s->conn) : -ENOMEM;
	if (rc != 0) {
		json_decref(params);
		return rc;
	}
	rc = varlink_client_send(s->conn, s->call.method, params, true);
	if (rc != 0)
		stream_fini(s);
	s->heard_at_us = clock_mono_us();
	return rc;
}

/* Sees to it that there is a connection. Returns REPLY when so, NOTHING while not, or LOST. */
static enum stream_result connected(struct stream *s, int timeout_ms)
{
	if (s->conn)
		return STREAM_REPLY;
	if (s->tried_at_us && !elapsed(s->tried_at_us, RETRY_MS)) {
		struct timespec t = { 0, (timeout_ms < RETRY_MS ? timeout_ms : RETRY_MS) * 1000000L };
		nanosleep(&t, NULL);
		return STREAM_NOTHING;
	}
	int rc = begin(s);
	s->tried_at_us = clock_mono_us();
	if (rc == 0)
		return STREAM_REPLY;
	if (s->lost_at_us && !elapsed(s->lost_at_us, PATIENCE_MS)) {
		if (!s->said && elapsed(s->lost_at_us, SAY_MS)) {
			complain("lost jobd at %s; waiting up to %d s for it to come back",
			    s->client->path, PATIENCE_MS / 1000);
			s->said = true;
		}
		return STREAM_NOTHING;
	}
	client_unreachable(s->client, -rc);
	return STREAM_LOST;
}

enum stream_result stream_next(struct stream *s, int timeout_ms, struct answer *a)
{
	const char *error = NULL;
	bool continues = false;

	*a = (struct answer){ 0 };
	enum stream_result r = connected(s, timeout_ms);
	if (r != STREAM_REPLY)
		return r;
	int rc = varlink_client_receive(s->conn, timeout_ms, &a->params, &error, &continues);
	if (rc == -EAGAIN && !elapsed(s->heard_at_us, SILENCE_MS))
		return STREAM_NOTHING;
	if (client_unreadable(s->client, rc))
		return STREAM_LOST;
	if (rc != 0)
		return lose(s);
	s->heard_at_us = clock_mono_us();
	s->lost_at_us = 0;
	s->said = false;
	if (!error)
		return continues ? STREAM_REPLY : STREAM_LAST;
	a->method = s->call.method;
	a->error = strdup(error);
	return a->error ? STREAM_ERROR : STREAM_LOST;
}
