/* SPDX-License-Identifier: ISC */
/* What a client sees when jobd executes itself under its connection: nothing. */
#include "config.h"

#include "tests/server/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define WAIT	  "{'method':'org.jobd.Job.Wait','parameters':{'ids':[1]}}"
#define STREAM(n) "{'method':'org.jobd.Job.Output','parameters':{'id':1,'offset':" n "},'more':true}"
#define PIECES	  64 /* 4 MB: more than a socket holds */

START_TEST(a_connection_stays_and_so_does_the_socket)
{
	struct room r;
	struct stat before, after;

	room_start(&r);
	int idle = client_open(&r), fd = client_open(&r);
	client_say(&r, fd, ECHO("one"));
	client_hears(&r, fd, ECHOED("one"));
	stat(r.path, &before);
	int late = client_open(&r); /* not accepted yet, perhaps */
	client_write(late, "", 0);
	for (int i = 0; i < 5; i++)
		room_exec(&r);
	stat(r.path, &after);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	client_say(&r, fd, ECHO("two"));
	client_hears(&r, fd, ECHOED("two"));
	client_say(&r, late, ECHO("three"));
	client_hears(&r, late, ECHOED("three"));
	client_say(&r, idle, ECHO("four"));
	client_hears(&r, idle, ECHOED("four"));
	ck_assert_uint_eq(server_connections(r.server), 3);
	close(idle);
	close(fd);
	close(late);
	room_until(&r, server_connections(r.server) == 0);
	room_stop(&r);
}
END_TEST

START_TEST(half_a_message_is_kept_at_every_byte)
{
	static const char text[] = "{\"method\":\"org.jobd.Job.Get\",\"parameters\":{\"id\":7}}";
	struct room r;

	room_start(&r);
	int fd = client_open(&r);
	for (size_t i = 0; i < sizeof(text); i++) {
		ck_assert_uint_eq(client_write(fd, text + i, 1), 1);
		room_settle(&r);
		room_exec(&r);
	}
	client_hears(&r, fd, "{'error':'org.jobd.Job.NotFound','parameters':{'id':7}}");
	ck_assert_uint_eq(r.calls, 1);
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_call_that_waits_goes_on_and_what_stands_behind_it_follows)
{
	struct room r;

	room_start(&r);
	int fd = client_open(&r);
	client_say(&r, fd, WAIT);
	client_say(&r, fd, ECHO("next"));
	room_until(&r, r.nwaiting == 1);
	room_exec(&r);
	room_settle(&r);
	ck_assert_uint_eq(r.nwaiting, 1); /* begun anew, once */
	ck_assert_uint_eq(r.calls, 2);
	ck_assert(client_silent(fd));
	ck_assert_ptr_null(call_progress(r.waiting[0]));
	call_reply(r.waiting[0], json_pack("{s:[]}", "jobs"));
	client_hears(&r, fd, "{'parameters':{'jobs':[]}}");
	client_hears(&r, fd, ECHOED("next"));
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_stream_that_is_not_read_goes_on_where_it_was)
{
	struct room r;
	unsigned pieces = 0;

	room_start(&r);
	int fd = client_open(&r);
	client_say(&r, fd, STREAM("64"));
	client_say(&r, fd, ECHO("next"));
	room_settle(&r);
	for (;;) {
		room_exec(&r);
		const char *heard = client_hear(&r, fd);
		if (!strstr(heard, "continues"))
			break;
		/* 64 kB and what is around them: no byte is lost or doubled */
		ck_assert_uint_gt(strlen(heard), 64u << 10);
		ck_assert_uint_lt(strlen(heard), (64u << 10) + 100);
		pieces++;
	}
	ck_assert_uint_eq(pieces, PIECES);
	client_hears(&r, fd, ECHOED("next"));
	ck_assert_uint_gt(r.drained, 0);
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_client_that_left_meanwhile_is_noticed)
{
	struct room r;

	room_start(&r);
	int fd = client_open(&r), half = client_open(&r);
	client_say(&r, fd, WAIT);
	client_say(&r, half, WAIT);
	room_until(&r, r.nwaiting == 2);
	shutdown(half, SHUT_WR);
	room_settle(&r);
	unsigned closed = r.closed;
	close(fd);
	room_exec(&r);
	room_until(&r, server_connections(r.server) == 1);
	ck_assert_uint_eq(r.closed, closed + 2 + 1); /* both by the test's own close, then the one */
	room_settle(&r);
	ck_assert_uint_eq(server_connections(r.server), 1);
	/* The order is that of their connections: the first is gone. */
	call_reply(r.waiting[1], json_pack("{s:[]}", "jobs"));
	client_hears(&r, half, "{'parameters':{'jobs':[]}}");
	client_hears(&r, half, "");
	close(half);
	room_stop(&r);
}
END_TEST

/* What was sent before leaving is carried out. */
START_TEST(what_a_client_sent_before_it_left_is_done)
{
	static const char text[] = "{\"method\":\"org.jobd.Job.Delete\",\"parameters\":{\"id\":5}}";
	struct room r;

	room_start(&r);
	int fd = client_open(&r);
	room_settle(&r);
	for (int i = 0; i < 3; i++)
		client_write(fd, text, sizeof(text));
	close(fd);
	room_exec(&r);
	room_until(&r, server_connections(r.server) == 0);
	ck_assert_uint_eq(r.deleted, 3);
	room_stop(&r);
}
END_TEST

START_TEST(a_call_that_waits_for_a_name_is_tried_again)
{
	struct room r;

	room_start(&r);
	int fd = client_open(&r);
	r.again = true;
	client_say(&r, fd, "{'method':'org.jobd.Daemon.Reload'}");
	room_until(&r, r.calls == 1);
	room_exec(&r);
	ck_assert_uint_eq(r.calls, 2);
	r.again = false;
	server_resume_names(r.server);
	client_hears(&r, fd, "{'parameters':{}}");
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_peer_whose_name_is_not_known_waits_on)
{
	struct room r;

	room_start(&r);
	r.names_late = true;
	int fd = client_open(&r);
	client_say(&r, fd, ECHO("one"));
	room_settle(&r);
	room_exec(&r);
	room_settle(&r);
	ck_assert(client_silent(fd));
	r.names_late = false;
	server_resume_names(r.server);
	client_hears(&r, fd, ECHOED("one"));
	/* One whose name is known is not made to wait. */
	client_say(&r, fd, WAIT);
	room_until(&r, r.nwaiting == 1);
	r.names_late = true;
	room_exec(&r);
	ck_assert_uint_eq(r.nwaiting, 1);
	call_reply(r.waiting[0], json_pack("{s:[]}", "jobs"));
	client_hears(&r, fd, "{'parameters':{'jobs':[]}}");
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(one_that_broke_the_protocol_ends_all_the_same)
{
	struct room r;

	room_start(&r);
	int fd = client_open(&r);
	client_say(&r, fd, STREAM("64"));
	room_settle(&r);
	int bad = client_open(&r);
	client_say(&r, bad, "nonsense");
	room_turn(&r);
	room_exec(&r);
	client_hears(&r, bad,
	    "{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'message'}}");
	client_hears(&r, bad, "");
	close(bad);
	close(fd);
	room_until(&r, server_connections(r.server) == 0);
	room_stop(&r);
}
END_TEST

/* One user's limits: who is in stays in, whose calls wait goes on in order, and what was counted counts. */
START_TEST(limits_go_along)
{
	struct room r;
	int fd[3];

	room_prepare(&r);
	r.options.limits = (struct server_limits){3, 4};
	room_open(&r);
	for (int i = 0; i < 3; i++)
		fd[i] = client_open(&r);
	room_until(&r, server_connections(r.server) == 3);
	int more = client_open(&r);
	client_hear(&r, more);
	close(more);
	for (int i = 0; i < 6; i++)
		client_say(&r, fd[0], ECHO("one"));
	room_until(&r, server_limit_met(r.server, SERVER_LIMIT_USER_CALLS) > 0);
	room_exec(&r);
	for (int i = 0; i < 6; i++)
		client_hears(&r, fd[0], ECHOED("one"));
	ck_assert_uint_eq(server_connections(r.server), 3);
	ck_assert_uint_eq(server_limit_met(r.server, SERVER_LIMIT_USER_CONNECTIONS), 1);
	ck_assert_uint_ge(server_limit_met(r.server, SERVER_LIMIT_USER_CALLS), 1);
	/* The next one is counted with those who were in before. */
	more = client_open(&r);
	ck_assert_ptr_nonnull(strstr(client_hear(&r, more), "user_connections"));
	close(more);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	room_stop(&r);
}
END_TEST

UNIT_MAIN("handover", a_connection_stays_and_so_does_the_socket, half_a_message_is_kept_at_every_byte,
    a_call_that_waits_goes_on_and_what_stands_behind_it_follows,
    a_stream_that_is_not_read_goes_on_where_it_was, a_client_that_left_meanwhile_is_noticed,
    what_a_client_sent_before_it_left_is_done, a_call_that_waits_for_a_name_is_tried_again,
    a_peer_whose_name_is_not_known_waits_on, one_that_broke_the_protocol_ends_all_the_same, limits_go_along)
