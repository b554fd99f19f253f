/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/server/room.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/handover.h"
#include "lib/tlv.h"

/* ---- handlers ---- */

static void h_unexpected(void *ctx, struct call *c)
{
	(void)ctx;
	(void)c;
	ck_abort_msg("a method was called that no test calls");
}

static void h_echo(void *ctx, struct call *c)
{
	struct room *r = ctx;
	const char *text = json_string_value(json_object_get(call_params(c), "interface"));

	r->calls++;
	call_reply(c, json_pack("{s:s}", "description", text));
}

static json_t *output(size_t n)
{
	char *text = malloc(n + 1);
	json_t *o;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', n);
	text[n] = '\0';
	o = json_pack("{s:s,s:i}", "data", text, "offset", 0);
	free(text);
	return o;
}

/* A stream of so many pieces of 64 kB; the last is empty. */
struct stream {
	struct room *room;
	struct call *call;
	json_int_t left;
};

static void pieces_send(struct stream *s)
{
	while (s->left > 0 && call_backlog(s->call) <= CALL_BACKLOG) {
		call_continue(s->call, output(64 << 10));
		s->left--;
	}
	if (s->left > 0)
		return;
	call_reply(s->call, output(0));
	free(s);
}

static void stream_drained(void *arg)
{
	struct stream *s = arg;

	s->room->drained++;
	pieces_send(s);
}

static void stream_gone(void *arg)
{
	struct stream *s = arg;

	s->room->closed++;
	free(s);
}

static json_t *stream_left(void *arg)
{
	const struct stream *s = arg;

	return json_pack("{s:I}", "left", s->left);
}

static void h_output(void *ctx, struct call *c)
{
	struct room *r = ctx;
	json_int_t n = json_integer_value(json_object_get(call_params(c), "offset"));
	struct stream *s;

	r->calls++;
	if (call_progress(c) != NULL)
		n = json_integer_value(json_object_get(call_progress(c), "left"));
	if (!call_wants_more(c)) {
		call_reply(c, output((size_t)n));
		return;
	}
	s = malloc(sizeof(*s));
	ck_assert_ptr_nonnull(s);
	*s = (struct stream){r, c, n};
	call_on_close(c, stream_gone, s);
	call_on_drain(c, stream_drained, s);
	call_on_handover(c, stream_left, s);
	pieces_send(s);
}

static void waiting_gone(void *arg)
{
	struct room *r = arg;

	r->closed++;
}

static void h_wait(void *ctx, struct call *c)
{
	struct room *r = ctx;

	r->calls++;
	ck_assert_uint_lt(r->nwaiting, WAITING_MAX);
	r->waiting[r->nwaiting++] = c;
	call_on_close(c, waiting_gone, r);
}

static void h_get(void *ctx, struct call *c)
{
	struct room *r = ctx;

	r->calls++;
	call_error(c, "org.jobd.Job.NotFound",
	    json_pack("{s:I}", "id", json_integer_value(json_object_get(call_params(c), "id"))));
}

static void h_delete(void *ctx, struct call *c)
{
	struct room *r = ctx;

	r->calls++;
	r->deleted++;
	r->last_deleted = json_integer_value(json_object_get(call_params(c), "id"));
	if (r->last_deleted >= 0 && r->last_deleted < 64)
		r->deleted_by[r->last_deleted]++;
	for (uint64_t end = clock_mono_us() + r->burn_us; r->burn_us > 0 && clock_mono_us() < end;)
		;
	call_reply(c, NULL);
}

static void h_reload(void *ctx, struct call *c)
{
	struct room *r = ctx;

	r->calls++;
	if (r->again)
		call_again(c);
	else
		call_reply(c, NULL);
}

static const struct {
	const char *method;
	server_handler *handler;
} stubs[] = {
    {"org.varlink.service.GetInterfaceDescription", h_echo},
    {"org.jobd.Job.Output", h_output},
    {"org.jobd.Job.Wait", h_wait},
    {"org.jobd.Job.Get", h_get},
    {"org.jobd.Job.Delete", h_delete},
    {"org.jobd.Daemon.Reload", h_reload},
};

/* ---- callbacks ---- */

static bool user_name(void *ctx, uid_t uid, const char **name)
{
	struct room *r = ctx;

	(void)uid;
	*name = "ann";
	return !r->names_late;
}

static const char *authorise(void *ctx, const struct peer *p, const struct varlink_method *m,
    const json_t *params, json_t **error_params)
{
	const struct room *r = ctx;

	(void)error_params;
	ck_assert_uint_eq(p->uid, r->uid ? r->uid : getuid());
	ck_assert_int_eq(p->pid, getpid());
	ck_assert_str_eq(p->user, "ann");
	ck_assert_ptr_null(varlink_check(m->in, params));
	if (strcmp(m->name, "org.jobd.Daemon.Stop") == 0)
		return "org.varlink.service.PermissionDenied";
	return NULL;
}

static void refused(void *ctx, const struct peer *p, const struct varlink_method *m,
    const json_t *params, const char *error)
{
	struct room *r = ctx;

	(void)p;
	(void)params;
	ck_assert_str_eq(m->name, "org.jobd.Daemon.Stop");
	ck_assert_str_eq(error, "org.varlink.service.PermissionDenied");
	r->refused++;
}

/* ---- the room ---- */

void room_prepare(struct room *r)
{
	static server_handler *handlers[64];

	ck_assert_uint_lt(varlink_methods_count, 64);
	for (size_t i = 0; i < varlink_methods_count; i++)
		handlers[i] = h_unexpected;
	for (size_t i = 0; i < sizeof(stubs) / sizeof(stubs[0]); i++)
		handlers[varlink_method_find(stubs[i].method)] = stubs[i].handler;
	*r = (struct room){0};
	strcpy(r->dir, "/tmp/jobd-room.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/sock", r->dir);
	r->base = event_base_new();
	ck_assert_ptr_nonnull(r->base);
	r->options = (struct server_options){
	    .base = r->base,
	    .path = r->path,
	    .listen_fd = -1,
	    .mode = 0600,
	    .version = "0",
	    .user_name = user_name,
	    .authorise = authorise,
	    .refused = refused,
	    .handlers = handlers,
	    .ctx = r,
	};
}

void room_open(struct room *r)
{
	char *why = NULL;
	int e = server_open(&r->options, &r->server, &why);

	ck_assert_msg(e == 0, "%s", why);
}

void room_start(struct room *r)
{
	room_prepare(r);
	room_open(r);
}

static void log_keep(void *ctx, int priority, const char *text, size_t len)
{
	struct room *r = ctx;

	(void)len;
	r->log_lines++;
	if (priority < r->log_worst)
		r->log_worst = priority;
	snprintf(r->log_last, sizeof(r->log_last), "%s", text);
}

void room_keep_log(struct room *r)
{
	r->log_worst = LOG_DEBUG;
	log_set_sink(log_keep, r);
}

struct room *room_begin(struct room *r)
{
	room_prepare(r);
	room_keep_log(r);
	room_open(r);
	return r;
}

void room_stop(struct room *r)
{
	server_close(r->server, false);
	ck_assert_int_eq(access(r->path, F_OK), -1);
	event_base_free(r->base);
	ck_assert_int_eq(rmdir(r->dir), 0);
}

/* The descriptors that a record names. */
static size_t record_fds(int record, int *fds, size_t most)
{
	static uint8_t bytes[64 << 20];
	ssize_t len = pread(record, bytes, sizeof(bytes), 0);
	struct tlv_reader t = {bytes, len < 0 ? 0 : (size_t)len, false};
	struct tlv f;
	size_t n = 0;

	while (tlv_next(&t, &f))
		if (f.tag == 2 && n < most)
			fds[n++] = (int)tlv_u64(&f);
	ck_assert(!t.bad);
	return n;
}

void room_exec(struct room *r)
{
	struct handover *h = handover_new();
	int fds[64], kept[64];

	ck_assert_ptr_nonnull(h);
	server_handover(r->server, h);
	int record = handover_write(h);
	ck_assert_int_ge(record, 0);
	handover_free(h);
	/* What an exec does: all else is gone, and these stay at their numbers. */
	size_t n = record_fds(record, fds, 64);
	for (size_t i = 0; i < n; i++) {
		kept[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 200);
		ck_assert_int_ge(kept[i], 0);
	}
	server_close(r->server, true);
	r->nwaiting = 0;
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(dup2(kept[i], fds[i]), fds[i]);
		close(kept[i]);
	}
	ck_assert_int_eq(handover_read(record, &h), 0);
	r->options.handover = h;
	room_open(r);
	server_resume(r->server);
	handover_free(h);
	r->options.handover = NULL;
	server_flush(r->server);
}

void room_turn(struct room *r)
{
	event_base_loop(r->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	server_flush(r->server);
	r->turns++;
}

void room_settle(struct room *r)
{
	for (int i = 0; i < 20; i++)
		room_turn(r);
}

void room_pause(struct room *r)
{
	room_turn(r);
	poll(NULL, 0, 1);
}

/* ---- clients ---- */

int client_open(struct room *r)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	strcpy(a.sun_path, r->path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

size_t client_write(int fd, const void *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	return n < 0 ? 0 : (size_t)n;
}

void client_say(struct room *r, int fd, const char *text)
{
	size_t len = strlen(text) + 1, at = 0;
	char *s = strdup(text);

	for (char *p = s; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	while ((at += client_write(fd, s + at, len - at)) < len)
		room_turn(r);
	free(s);
}

/* Messages are taken off one by one: what follows stays in the socket. */
const char *client_hear(struct room *r, int fd)
{
	static char *text;
	static size_t size;
	size_t len = 0, step;
	char *end;
	unsigned tries = 0;

	for (;;) {
		ssize_t n;

		if (size - len < (64 << 10))
			text = realloc(text, size += 1 << 20);
		n = recv(fd, text + len, 64 << 10, MSG_PEEK);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return len == 0 ? "" : "(broken off)";
		if (n < 0) {
			ck_assert_int_eq(errno, EAGAIN);
			ck_assert_msg(tries++ < 20000 * unit_slowness(), "nothing is heard");
			room_pause(r);
			continue;
		}
		end = memchr(text + len, '\0', (size_t)n);
		step = end == NULL ? (size_t)n : (size_t)(end - text) - len + 1;
		ck_assert_int_eq(recv(fd, text + len, step, 0), (ssize_t)step);
		len += step;
		if (end != NULL)
			return text;
		room_turn(r);
	}
}

bool client_silent(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

bool text_same(const char *heard, const char *expected)
{
	size_t i;

	for (i = 0; heard[i] != '\0' && expected[i] != '\0'; i++)
		if (heard[i] != (expected[i] == '\'' ? '"' : expected[i]))
			return false;
	return heard[i] == expected[i];
}
