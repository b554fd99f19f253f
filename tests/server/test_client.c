/* SPDX-License-Identifier: ISC */
/* The blocking client: against the real room in another process, and against daemons that
 * misbehave. */
#include "config.h"

#include "tests/server/room.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define DESCRIBE "org.varlink.service.GetInterfaceDescription"

static char dir[] = "/tmp/jobd-client.XXXXXX";
static char path[64];
static pid_t daemon_pid;

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
}

static void end(void)
{
	if (daemon_pid > 0) {
		kill(daemon_pid, SIGKILL);
		waitpid(daemon_pid, NULL, 0);
	}
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* ---- daemons ---- */

static bool user_name(void *ctx, uid_t uid, const char **name)
{
	(void)ctx;
	(void)uid;
	*name = "ann";
	return true;
}

static const char *authorise(void *ctx, const struct peer *p, const struct varlink_method *m,
    const json_t *params, json_t **error_params)
{
	(void)ctx;
	(void)p;
	(void)m;
	(void)params;
	(void)error_params;
	return NULL;
}

static void handler(void *ctx, struct call *c)
{
	const char *text = json_string_value(json_object_get(call_params(c), "interface"));

	(void)ctx;
	if (text == NULL) { /* Job.Wait: a stream of three, or Job.Get */
		if (!call_wants_more(c)) {
			call_error(c, "org.jobd.Job.NotFound", json_pack("{s:i}", "id", 5));
			return;
		}
		call_continue(c, json_pack("{s:[]}", "jobs"));
		call_continue(c, json_pack("{s:[]}", "jobs"));
		call_reply(c, json_pack("{s:[]}", "jobs"));
	} else if (strcmp(text, "never") != 0) {
		call_reply(c, json_pack("{s:s}", "description", text));
	}
}

/* The real room, in a process of its own. */
static void real_daemon(void)
{
	static server_handler *handlers[64];
	struct server_options o = {.path = path,
	    .listen_fd = -1,
	    .mode = 0600,
	    .version = "0",
	    .user_name = user_name,
	    .authorise = authorise,
	    .handlers = handlers};
	struct server *s;
	char *why = NULL;

	begin();
	for (size_t i = 0; i < varlink_methods_count; i++)
		handlers[i] = handler;
	daemon_pid = fork();
	if (daemon_pid > 0)
		return;
	o.base = event_base_new();
	if (server_open(&o, &s, &why) < 0)
		_exit(1);
	for (;;) {
		event_base_loop(o.base, EVLOOP_ONCE);
		server_flush(s);
	}
}

/* A daemon that hears one call, says these bytes and goes; or, with silent, stays. */
static void false_daemon(const char *bytes, size_t len, bool silent)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	begin();
	strcpy(a.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		int c = accept(fd, NULL, NULL);
		char b[1024];

		while (read(c, b, sizeof(b)) == sizeof(b))
			;
		if (write(c, bytes, len) != (ssize_t)len)
			_exit(1);
		if (silent)
			pause();
		_exit(0);
	}
	close(fd);
}

static struct varlink_client *client(void)
{
	struct varlink_client *c = NULL;
	int r = -1;

	for (int i = 0; i < 5000 && r != 0; i++) {
		r = varlink_client_open(path, &c);
		if (r != 0)
			usleep(1000);
	}
	ck_assert_int_eq(r, 0);
	return c;
}

static int hear(struct varlink_client *c, json_t **params, const char **error, bool *continues)
{
	return varlink_client_receive(c, 10000, params, error, continues);
}

/* ---- with a daemon that is well ---- */

START_TEST(calls_are_answered_one_at_a_time_and_in_order)
{
	struct varlink_client *c;
	const char *error;
	bool more;
	json_t *p;

	real_daemon();
	c = client();
	for (int i = 0; i < 100; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		ck_assert_int_eq(
		    varlink_client_send(c, DESCRIBE, json_pack("{s:s}", "interface", text), false), 0);
		if (i % 3 == 0) {
			ck_assert_int_eq(varlink_client_send(c, "org.jobd.Job.Get",
					     json_pack("{s:i}", "id", i), false),
			    0);
		}
		ck_assert_int_eq(hear(c, &p, &error, &more), 0);
		ck_assert(error == NULL && !more);
		ck_assert_str_eq(json_string_value(json_object_get(p, "description")), text);
		json_decref(p);
		if (i % 3 == 0) {
			ck_assert_int_eq(hear(c, &p, &error, &more), 0);
			ck_assert_str_eq(error, "org.jobd.Job.NotFound");
			ck_assert_int_eq(json_integer_value(json_object_get(p, "id")), 5);
			json_decref(p);
		}
	}
	varlink_client_close(c);
	end();
}
END_TEST

START_TEST(a_stream_says_what_continues)
{
	struct varlink_client *c;
	const char *error;
	bool more;
	json_t *p;

	real_daemon();
	c = client();
	ck_assert_int_eq(
	    varlink_client_send(c, "org.jobd.Job.Wait", json_pack("{s:[i]}", "ids", 1), true), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(hear(c, &p, &error, &more), 0);
		ck_assert(error == NULL && more == (i < 2));
		json_decref(p);
	}
	varlink_client_close(c);
	end();
}
END_TEST

/* 40 MB each way, all of it sent before anything is received: neither side can hold that. */
START_TEST(much_in_both_directions_does_not_deadlock)
{
	struct varlink_client *c;
	const char *error;
	char *text = malloc(200001);
	bool more;
	json_t *p;

	real_daemon();
	c = client();
	memset(text, 'x', 200000);
	text[200000] = '\0';
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(
		    varlink_client_send(c, DESCRIBE, json_pack("{s:s}", "interface", text), false), 0);
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(hear(c, &p, &error, &more), 0);
		ck_assert_ptr_null(error);
		ck_assert_uint_eq(json_string_length(json_object_get(p, "description")), 200000);
		json_decref(p);
	}
	free(text);
	varlink_client_close(c);
	end();
}
END_TEST

START_TEST(patience_ends_and_the_answer_may_still_come)
{
	struct varlink_client *c;
	const char *error;
	bool more;
	json_t *p;

	real_daemon();
	c = client();
	ck_assert_int_eq(varlink_client_receive(c, 0, &p, &error, &more), -EAGAIN);
	varlink_client_send(c, DESCRIBE, json_pack("{s:s}", "interface", "never"), false);
	ck_assert_int_eq(varlink_client_receive(c, 30, &p, &error, &more), -EAGAIN);
	ck_assert_int_eq(varlink_client_receive(c, 0, &p, &error, &more), -EAGAIN);
	kill(daemon_pid, SIGKILL);
	ck_assert_int_eq(varlink_client_receive(c, -1, &p, &error, &more), -ECONNRESET);
	varlink_client_close(c);
	end();
}
END_TEST

/* ---- with others ---- */

START_TEST(no_daemon_is_an_error_at_once)
{
	struct varlink_client *c = NULL;
	char much[200];

	begin();
	ck_assert_int_eq(varlink_client_open(path, &c), -ENOENT);
	memset(much, 'x', sizeof(much));
	much[sizeof(much) - 1] = '\0';
	ck_assert_int_eq(varlink_client_open(much, &c), -ENAMETOOLONG);
	ck_assert_ptr_null(c);
	end();
}
END_TEST

START_TEST(what_a_daemon_said_before_it_went_is_heard)
{
	static const char bytes[] = "{\"parameters\":{\"a\":1}}\0{}";
	struct varlink_client *c;
	const char *error;
	bool more;
	json_t *p;

	false_daemon(bytes, sizeof(bytes), false);
	c = client();
	varlink_client_send(c, DESCRIBE, NULL, false);
	ck_assert_int_eq(hear(c, &p, &error, &more), 0);
	waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
	json_decref(p);
	varlink_client_send(c, DESCRIBE, NULL, false);
	ck_assert_int_eq(hear(c, &p, &error, &more), 0); /* no parameters: an empty object */
	ck_assert_uint_eq(json_object_size(p), 0);
	json_decref(p);
	ck_assert_int_eq(hear(c, &p, &error, &more), -ECONNRESET);
	ck_assert_int_eq(hear(c, &p, &error, &more), -ECONNRESET);
	ck_assert_int_lt(varlink_client_send(c, DESCRIBE, NULL, false), 0);
	varlink_client_close(c);
	end();
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	int error;
} nonsense[] = {
#define BYTES(s, e)             \
	{                       \
		s, sizeof(s), e \
	}
    BYTES("", -EPROTO), BYTES("hello", -EPROTO), BYTES("[]", -EPROTO),
    BYTES("{\"parameters\":1}", -EPROTO), BYTES("{\"error\":1}", -EPROTO),
    BYTES("{\"continues\":\"yes\"}", -EPROTO), BYTES("{\"a\":1,\"a\":1}", -EPROTO),
    {"{\"parameters\":{}}", 17, -ECONNRESET}, /* broken off */
};

START_TEST(nonsense_ends_the_conversation)
{
	struct varlink_client *c;
	const char *error;
	bool more;
	json_t *p;

	false_daemon(nonsense[_i].bytes, nonsense[_i].len, nonsense[_i].error == -EPROTO);
	c = client();
	varlink_client_send(c, DESCRIBE, NULL, false);
	ck_assert_int_eq(hear(c, &p, &error, &more), nonsense[_i].error);
	ck_assert_int_eq(hear(c, &p, &error, &more), nonsense[_i].error);
	varlink_client_close(c);
	end();
}
END_TEST

UNIT_MAIN_LOOPS("client", UNIT_LOOPS(UNIT_ROWS(nonsense_ends_the_conversation, nonsense)),
    calls_are_answered_one_at_a_time_and_in_order, a_stream_says_what_continues,
    much_in_both_directions_does_not_deadlock, patience_ends_and_the_answer_may_still_come,
    no_daemon_is_an_error_at_once, what_a_daemon_said_before_it_went_is_heard)
