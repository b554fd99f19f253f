/* SPDX-License-Identifier: ISC */
/* What a client that keeps to the protocol sees. */
#include "config.h"

#include "tests/server/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#define WAIT	  "{'method':'org.jobd.Job.Wait','parameters':{'ids':[1]}}"

START_TEST(a_call_is_answered)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	client_say(&r, fd, ECHO("one"));
	client_hears(&r, fd, ECHOED("one"));
	client_say(&r, fd, "{'method':'org.jobd.Job.Get','parameters':{'id':7}}");
	client_hears(&r, fd, "{'error':'org.jobd.Job.NotFound','parameters':{'id':7}}");
	ck_assert_uint_eq(server_connections(r.server), 1);
	close(fd);
	room_until(&r, server_connections(r.server) == 0);
	room_stop(&r);
}
END_TEST

START_TEST(nothing_is_answered_before_the_flush)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	client_say(&r, fd, ECHO("one"));
	while (r.calls == 0)
		event_base_loop(r.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	for (int i = 0; i < 10; i++)
		event_base_loop(r.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	ck_assert(client_silent(fd));
	server_flush(r.server);
	ck_assert(!client_silent(fd));
	close(fd);
	room_stop(&r);
}
END_TEST

static const struct {
	const char *call, *answer;
} answers[] = {
    {"{'method':'org.jobd.Job.Nothing'}", "{'error':'org.varlink.service.MethodNotFound','"
					  "parameters':{'method':'org.jobd.Job.Nothing'}}"},
    {"{'method':'org.nobody.Get'}", "{'error':'org.varlink.service.InterfaceNotFound','parameters':"
				    "{'interface':'org.nobody'}}"},
    {"{'method':'Get'}",
	"{'error':'org.varlink.service.MethodNotFound','parameters':{'method':'Get'}}"},
    {"{'method':''}", "{'error':'org.varlink.service.MethodNotFound','parameters':{'method':''}}"},
    {"{'method':'org.jobd.Job.Get'}",
	"{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'id'}}"},
    {"{'method':'org.jobd.Job.Get','parameters':{}}",
	"{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'id'}}"},
    {"{'method':'org.jobd.Job.Get','parameters':{'id':'7'}}",
	"{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'id'}}"},
    {"{'method':'org.jobd.Job.Get','parameters':{'id':7,'ID':7}}",
	"{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'ID'}}"},
    {"{'method':'org.jobd.Job.Submit','parameters':{'command':['a\\u0000']}}",
	"{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'command'}}"},
    {"{'method':'org.jobd.Daemon.Stop'}",
	"{'error':'org.varlink.service.PermissionDenied','parameters':{}}"},
    {"{'method':'org.jobd.Daemon.Stop','parameters':{'now':true}}",
	"{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'now'}}"},
    {"{'method':'org.jobd.Daemon.Reload','upgrade':true}",
	"{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'upgrade'}}"},
    /* What is absent may be null, and what Varlink does not define is a vendor's. */
    {"{'method':'org.jobd.Daemon.Reload','parameters':null,'more':null,'oneway':false}",
	"{'parameters':{}}"},
    {"{'method':'org.jobd.Daemon.Reload','org.example':{'trace':1}}", "{'parameters':{}}"},
    /* A method that does not stream gives one answer, and does not continue. */
    {"{'method':'org.jobd.Daemon.Reload','more':true}", "{'parameters':{}}"},
};

START_TEST(an_error_is_the_one_that_varlink_names)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	client_say(&r, fd, answers[_i].call);
	client_hears(&r, fd, answers[_i].answer);
	ck_assert_uint_eq(r.refused, strstr(answers[_i].answer, "Denied") != NULL);
	client_say(&r, fd, ECHO("still here"));
	client_hears(&r, fd, ECHOED("still here"));
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(pipelined_calls_are_answered_in_their_order)
{
	struct room r;
	char text[64], want[64];
	int fd;

	room_start(&r);
	fd = client_open(&r);
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text),
		    i % 2 ? "{'method':'org.jobd.Job.Get','parameters':{'id':%d}}"
			  : "{'method':'x%d'}",
		    i);
		client_say(&r, fd, text);
	}
	for (int i = 0; i < 500; i++) {
		const char *heard = client_hear(&r, fd);

		snprintf(want, sizeof(want), i % 2 ? "{\"id\":%d}" : "\"x%d\"", i);
		ck_assert_msg(strstr(heard, want) != NULL, "%d: %s", i, heard);
	}
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_call_that_waits_holds_back_what_was_sent_after_it)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	client_say(&r, fd, ECHO("one"));
	client_say(&r, fd, WAIT);
	client_say(&r, fd, WAIT);
	client_say(&r, fd, ECHO("two"));
	client_hears(&r, fd, ECHOED("one"));
	room_settle(&r);
	ck_assert_uint_eq(r.nwaiting, 1);
	ck_assert(client_silent(fd));
	call_reply(r.waiting[0], json_pack("{s:[]}", "jobs"));
	client_hears(&r, fd, "{'parameters':{'jobs':[]}}");
	room_until(&r, r.nwaiting == 2);
	room_settle(&r);
	ck_assert(client_silent(fd));
	call_error(r.waiting[1], "org.jobd.Job.NotFound", json_pack("{s:i}", "id", 1));
	client_hears(&r, fd, "{'error':'org.jobd.Job.NotFound','parameters':{'id':1}}");
	client_hears(&r, fd, ECHOED("two"));
	close(fd);
	room_until(&r, server_connections(r.server) == 0);
	ck_assert_uint_eq(r.closed, 0);
	room_stop(&r);
}
END_TEST

START_TEST(a_call_that_waits_delays_no_other_client)
{
	struct room r;
	int a, b;

	room_start(&r);
	a = client_open(&r);
	b = client_open(&r);
	client_say(&r, a, WAIT);
	room_until(&r, r.nwaiting == 1);
	client_say(&r, b, ECHO("b"));
	client_hears(&r, b, ECHOED("b"));
	ck_assert(client_silent(a));
	close(a);
	close(b);
	room_stop(&r);
	ck_assert_uint_eq(r.closed, 1);
}
END_TEST

START_TEST(a_stream_continues_until_its_last_answer)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	client_say(&r, fd, "{'method':'org.jobd.Job.Wait','parameters':{'ids':[1]},'more':true}");
	client_say(&r, fd, ECHO("after"));
	room_until(&r, r.nwaiting == 1);
	ck_assert(call_wants_more(r.waiting[0]));
	for (int i = 0; i < 3; i++) {
		call_continue(r.waiting[0], json_pack("{s:[]}", "jobs"));
		client_hears(&r, fd, "{'parameters':{'jobs':[]},'continues':true}");
	}
	call_reply(r.waiting[0], json_pack("{s:[]}", "jobs"));
	client_hears(&r, fd, "{'parameters':{'jobs':[]}}");
	client_hears(&r, fd, ECHOED("after"));
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_oneway_call_is_carried_out_and_not_answered)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	client_say(&r, fd, "{'method':'org.jobd.Job.Delete','parameters':{'id':3},'oneway':true}");
	client_say(&r, fd, "{'method':'org.jobd.Job.Get','parameters':{'id':3},'oneway':true}");
	client_say(&r, fd, "{'method':'org.jobd.Nothing','oneway':true}");
	client_say(&r, fd, "{'method':'org.jobd.Job.Get','oneway':true}");
	client_say(&r, fd, "{'method':'org.jobd.Daemon.Stop','oneway':true}");
	client_say(&r, fd, "{'method':'org.jobd.Job.Wait','parameters':{'ids':[]},'oneway':true}");
	client_say(&r, fd, ECHO("next"));
	room_until(&r, r.nwaiting == 1);
	call_reply(r.waiting[0], json_pack("{s:[]}", "jobs"));
	client_hears(&r, fd, ECHOED("next"));
	ck_assert_uint_eq(r.deleted, 1);
	ck_assert_int_eq(r.last_deleted, 3);
	ck_assert_uint_eq(r.refused, 1);
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_client_that_half_closes_gets_every_answer)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	client_say(&r, fd, ECHO("one"));
	client_say(&r, fd, WAIT);
	client_say(&r, fd, ECHO("two"));
	shutdown(fd, SHUT_WR);
	client_hears(&r, fd, ECHOED("one"));
	room_settle(&r);
	ck_assert_uint_eq(server_connections(r.server), 1);
	call_reply(r.waiting[0], json_pack("{s:[]}", "jobs"));
	client_hears(&r, fd, "{'parameters':{'jobs':[]}}");
	client_hears(&r, fd, ECHOED("two"));
	client_hears(&r, fd, "");
	room_until(&r, server_connections(r.server) == 0);
	ck_assert_uint_eq(r.closed, 0);
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(what_a_client_sent_before_it_left_is_carried_out)
{
	struct room r;
	char text[128];
	int fd;

	room_start(&r);
	fd = client_open(&r);
	for (int i = 1; i <= 450; i++) {
		snprintf(text, sizeof(text),
		    "{'method':'org.jobd.Job.Delete','parameters':{'id':%d}%s}", i,
		    i % 2 ? ",'oneway':true" : "");
		client_say(&r, fd, text);
	}
	close(fd);
	room_until(&r, server_connections(r.server) == 0);
	ck_assert_uint_eq(r.deleted, 450);
	ck_assert_int_eq(r.last_deleted, 450);
	room_stop(&r);
}
END_TEST

START_TEST(a_call_that_waits_is_told_when_its_client_leaves)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	client_say(&r, fd, WAIT);
	client_say(&r, fd, "{'method':'org.jobd.Job.Delete','parameters':{'id':1}}");
	room_until(&r, r.nwaiting == 1);
	close(fd);
	room_until(&r, r.closed == 1);
	room_until(&r, server_connections(r.server) == 0);
	ck_assert_uint_eq(r.deleted, 0);
	room_stop(&r);
}
END_TEST

START_TEST(clients_that_half_closed_and_then_leave_are_noticed_without_a_word_to_them)
{
	struct room r;
	int a, b;

	room_start(&r);
	a = client_open(&r);
	b = client_open(&r);
	client_say(&r, a, WAIT);
	client_say(&r, b, WAIT);
	shutdown(a, SHUT_WR);
	shutdown(b, SHUT_WR);
	room_until(&r, r.nwaiting == 2);
	room_settle(&r);
	ck_assert_uint_eq(r.closed, 0);
	close(a);
	room_until(&r, r.closed == 1);
	close(b); /* and it is looked after them again */
	room_until(&r, r.closed == 2);
	room_until(&r, server_connections(r.server) == 0);
	room_stop(&r);
}
END_TEST

START_TEST(an_answer_taken_back_from_a_client_that_left_harms_nobody)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	client_say(&r, fd, WAIT);
	room_until(&r, r.nwaiting == 1);
	close(fd);
	/* The answer comes in the same turn, before anyone could notice. */
	call_reply(r.waiting[0], json_pack("{s:[]}", "jobs"));
	room_until(&r, server_connections(r.server) == 0);
	ck_assert_uint_eq(r.closed, 0);
	room_stop(&r);
}
END_TEST

START_TEST(calls_wait_for_their_users_name)
{
	struct room r;
	int fd;

	room_prepare(&r);
	r.names_late = true;
	room_open(&r);
	fd = client_open(&r);
	client_say(&r, fd, ECHO("one"));
	client_say(&r, fd, ECHO("two"));
	room_settle(&r);
	ck_assert_uint_eq(r.calls, 0);
	server_resume_names(r.server); /* another's name came */
	room_settle(&r);
	ck_assert_uint_eq(r.calls, 0);
	r.names_late = false;
	server_resume_names(r.server);
	client_hears(&r, fd, ECHOED("one"));
	client_hears(&r, fd, ECHOED("two"));
	close(fd);
	fd = client_open(&r);
	r.names_late = true;
	room_until(&r, server_connections(r.server) == 1);
	close(fd);
	room_until(&r, server_connections(r.server) == 0);
	room_stop(&r);
}
END_TEST

START_TEST(a_handler_that_needs_a_name_is_called_again)
{
	struct room r;
	int fd;

	room_start(&r);
	r.again = true;
	fd = client_open(&r);
	client_say(&r, fd, "{'method':'org.jobd.Daemon.Reload'}");
	client_say(&r, fd, ECHO("after"));
	room_until(&r, r.calls == 1);
	room_settle(&r);
	ck_assert_uint_eq(r.calls, 1);
	server_resume_names(r.server);
	room_until(&r, r.calls == 2); /* and it asks for another */
	room_settle(&r);
	ck_assert_uint_eq(r.calls, 2);
	r.again = false;
	server_resume_names(r.server);
	client_hears(&r, fd, "{'parameters':{}}");
	client_hears(&r, fd, ECHOED("after"));
	ck_assert_uint_eq(r.calls, 4);
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(the_loop_does_not_sleep_on_calls_that_a_turn_left_over)
{
	struct room r;
	int fd;

	room_start(&r);
	fd = client_open(&r);
	room_until(&r, server_connections(r.server) == 1);
	for (int i = 0; i < 250; i++)
		client_say(
		    &r, fd, "{'method':'org.jobd.Job.Delete','parameters':{'id':1},'oneway':true}");
	r.turns = 0;
	while (r.deleted < 250) { /* a loop that sleeps is ended by check's time limit */
		unsigned before = r.deleted;

		event_base_loop(r.base, EVLOOP_ONCE);
		server_flush(r.server);
		ck_assert_uint_le(r.deleted - before, 100);
		r.turns++;
	}
	ck_assert_uint_ge(r.turns, 3);
	close(fd);
	room_stop(&r);
}
END_TEST

UNIT_MAIN_LOOPS("calls", UNIT_LOOPS(UNIT_ROWS(an_error_is_the_one_that_varlink_names,
    answers)), a_call_is_answered, nothing_is_answered_before_the_flush,
    pipelined_calls_are_answered_in_their_order,
    a_call_that_waits_holds_back_what_was_sent_after_it, a_call_that_waits_delays_no_other_client,
    a_stream_continues_until_its_last_answer, a_oneway_call_is_carried_out_and_not_answered,
    a_client_that_half_closes_gets_every_answer, what_a_client_sent_before_it_left_is_carried_out,
    a_call_that_waits_is_told_when_its_client_leaves,
    clients_that_half_closed_and_then_leave_are_noticed_without_a_word_to_them,
    an_answer_taken_back_from_a_client_that_left_harms_nobody, calls_wait_for_their_users_name,
    a_handler_that_needs_a_name_is_called_again,
    the_loop_does_not_sleep_on_calls_that_a_turn_left_over)
