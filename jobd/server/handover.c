/* SPDX-License-Identifier: ISC */
/*
 * The room as it goes over an exec of jobd, and comes back: the listening socket, each
 * connection with what was received and not begun, what was released and not sent, and the call that is
 * under way.
 *
 * A call goes along as its message, and with what its handler says of how far it has come; then
 * it is dispatched once more, which checks and authorises it anew. Who the peer is, is asked of the
 * kernel anew; only names for it are taken over: they are for people, and the process may be
 * gone.
 *
 * Records of lib/tlv.h, in lib/handover.h's HANDOVER_SERVER:
 *
 *	1  the listening socket
 *	2  a connection (repeated):
 *	   1 its descriptor   2 received, not begun   3 released, not sent   4 is ending
 *	   5 uid   6 the user's name   7 the process's   8 the call's message   9 how far it has come
 *	3  a limit (repeated): 1 its name   2 how often it was met
 */
#include "config.h"

#include "jobd/server/room.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/handover.h"
#include "lib/log.h"

enum { TAG_LISTEN = 1, TAG_CONNECTION, TAG_LIMIT };
enum { TAG_FD = 1, TAG_IN, TAG_OUT, TAG_ENDING, TAG_UID, TAG_USER, TAG_PROCESS, TAG_CALL, TAG_PROGRESS };

/* ---- going ---- */

static void put_json(struct buf *b, uint32_t tag, json_t *value)
{
	char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);

	if (text == NULL)
		b->failed = true;
	else
		tlv_put_bytes(b, tag, text, strlen(text));
	free(text);
}

static void put_call(struct buf *b, struct call *c)
{
	put_json(b, TAG_CALL, c->message);
	if (c->on_handover == NULL)
		return;
	json_t *progress = c->on_handover(c->handover_arg);
	if (progress != NULL)
		put_json(b, TAG_PROGRESS, progress);
	json_decref(progress);
}

static void put_connection(struct buf *b, struct connection *c)
{
	tlv_put_u64(b, TAG_FD, (uint64_t)c->fd);
	if (c->in.len > c->in_at)
		tlv_put_bytes(b, TAG_IN, c->in.data + c->in_at, c->in.len - c->in_at);
	if (c->released > c->out_at)
		tlv_put_bytes(b, TAG_OUT, c->out.data + c->out_at, c->released - c->out_at);
	if (c->ending)
		tlv_put_u64(b, TAG_ENDING, 1);
	tlv_put_u64(b, TAG_UID, c->peer.uid);
	tlv_put_str(b, TAG_USER, c->user);
	tlv_put_str(b, TAG_PROCESS, c->process);
	if (c->call != NULL)
		put_call(b, c->call);
}

void server_handover(struct server *s, struct handover *h)
{
	struct buf all = BUF_INIT, one = BUF_INIT;
	struct connection *c;

	handover_fd(h, s->listen_fd);
	tlv_put_u64(&all, TAG_LISTEN, (uint64_t)s->listen_fd);
	TAILQ_FOREACH(c, &s->all, link) {
		buf_clear(&one);
		put_connection(&one, c);
		handover_fd(h, c->fd);
		if (one.failed)
			all.failed = true;
		tlv_put_bytes(&all, TAG_CONNECTION, one.data, one.len);
	}
	for (int i = 0; i < SERVER_LIMITS; i++)
		handover_count_put(&all, TAG_LIMIT, server_limit_name((enum server_limit)i), s->limits_met[i]);
	handover_put(h, HANDOVER_SERVER, &all);
	buf_fini(&one);
	buf_fini(&all);
}

/* ---- coming ---- */

int server_take_listener(struct handover *h)
{
	struct tlv section, f;
	int fd = -1;

	if (h == NULL || !handover_get(h, HANDOVER_SERVER, &section))
		return -1;
	struct tlv_reader r = {section.data, section.len, false};
	while (tlv_next(&r, &f))
		if (f.tag == TAG_LISTEN)
			fd = (int)tlv_u64(&f);
	return handover_claim(h, fd) ? fd : -1;
}

static bool take_json(const struct tlv *f, json_t **out)
{
	json_error_t e;

	json_decref(*out);
	*out = json_loadb((const char *)f->data, f->len, JSON_ALLOW_NUL, &e);
	return *out != NULL;
}

/* False where it can't go on as it was: half a connection would shift the answers. */
static bool read_connection(struct connection *c, struct tlv_reader *r, uid_t *uid)
{
	struct tlv f;
	bool well = true;

	while (tlv_next(r, &f)) {
		if (f.tag == TAG_IN)
			buf_put(&c->in, f.data, f.len);
		else if (f.tag == TAG_OUT)
			buf_put(&c->out, f.data, f.len);
		else if (f.tag == TAG_ENDING)
			c->ending = tlv_u64(&f) != 0;
		else if (f.tag == TAG_UID)
			*uid = (uid_t)tlv_u64(&f);
		else if (f.tag == TAG_USER && c->user == NULL)
			c->user = tlv_str(&f);
		else if (f.tag == TAG_PROCESS)
			snprintf(c->process, sizeof(c->process), "%.*s", (int)f.len,
			    (const char *)f.data);
		else if (f.tag == TAG_CALL)
			well = take_json(&f, &c->message) && well;
		else if (f.tag == TAG_PROGRESS)
			well = take_json(&f, &c->progress) && well;
	}
	return well && !r->bad && !c->in.failed && !c->out.failed;
}

static int find_fd(struct tlv_reader r)
{
	struct tlv f;
	int fd = -1;

	while (tlv_next(&r, &f))
		if (f.tag == TAG_FD)
			fd = (int)tlv_u64(&f);
	return fd;
}

static void adopt(struct server *s, struct handover *h, const struct tlv *f)
{
	struct tlv_reader r = {f->data, f->len, false};
	uid_t uid = (uid_t)-1;
	int fd = find_fd(r);

	if (!handover_claim(h, fd) || connection_new(s, fd) < 0)
		return;
	struct connection *c = TAILQ_LAST(&s->all, connections);
	free(c->user);
	c->user = NULL;
	bool well = read_connection(c, &r, &uid);
	if (uid != c->peer.uid) {
		free(c->user);
		c->user = NULL;
	}
	c->named = c->user != NULL;
	c->peer.user = c->user;
	c->released = c->out.len;
	c->over = connection_backlog(c) > CALL_BACKLOG;
	c->stalled = c->in.len > 0;
	server_dirty(c);
	server_due(c);
	if (!well)
		connection_hangup(c);
}

void server_take_connections(struct server *s, struct handover *h)
{
	struct tlv section, f;

	if (h == NULL || !handover_get(h, HANDOVER_SERVER, &section))
		return;
	struct tlv_reader r = {section.data, section.len, false};
	while (tlv_next(&r, &f)) {
		if (f.tag == TAG_CONNECTION)
			adopt(s, h, &f);
		else if (f.tag == TAG_LIMIT)
			for (int i = 0; i < SERVER_LIMITS; i++)
				handover_count_get(&f, server_limit_name((enum server_limit)i), &s->limits_met[i]);
	}
}

void server_resume(struct server *s)
{
	struct connection *c;

	TAILQ_FOREACH(c, &s->all, link) {
		json_t *message = c->message, *progress = c->progress;

		c->message = c->progress = NULL;
		if (message != NULL && c->named && !c->hup)
			dispatch(c, message, progress);
		else {
			if (message != NULL)
				connection_hangup(c); /* not to be told what came of it */
			json_decref(message);
			json_decref(progress);
		}
	}
}
