/* SPDX-License-Identifier: ISC */
/* What one user may: connections too many are refused, calls too many wait, and none is lost. */
#include "config.h"

#include "tests/server/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "unit.h"

static void start(struct room *r, unsigned connections, unsigned calls)
{
	room_prepare(r);
	room_keep_log(r);
	r->options.limits = (struct server_limits){connections, calls};
	room_open(r);
}

static void delete_of(struct room *r, int fd, int id)
{
	char text[100];

	snprintf(text, sizeof(text),
	    "{'method':'org.jobd.Job.Delete','parameters':{'id':%d},'oneway':true}", id);
	client_say(r, fd, text);
}

static unsigned turned_away;

static void on_turned_away(void *ctx, uid_t uid, pid_t pid, const char *limit)
{
	(void)ctx;
	ck_assert_uint_eq(uid, getuid());
	ck_assert_int_eq(pid, getpid());
	ck_assert_str_eq(limit, "user_connections");
	turned_away++;
}

static bool everybody(void *ctx, uid_t uid)
{
	(void)ctx;
	ck_assert_uint_eq(uid, getuid());
	return true;
}

START_TEST(a_connection_too_many_is_refused_with_the_limit_its_value_and_the_count)
{
	struct room r;
	int fd[5];

	room_prepare(&r);
	room_keep_log(&r);
	r.options.limits.user_connections = 3;
	r.options.turned_away = on_turned_away;
	room_open(&r);
	for (int i = 0; i < 4; i++) {
		fd[i] = client_open(&r);
		room_settle(&r);
	}
	client_hears(&r, fd[3],
	    "{'error':'org.jobd.Job.LimitReached','parameters':{'limit':'user_connections','value':3,"
	    "'count':3,'message':'this user has 3 connections, and user_connections allows one user 3'}}");
	ck_assert_str_eq(client_hear(&r, fd[3]), "");
	close(fd[3]);
	ck_assert_uint_eq(turned_away, 1);
	ck_assert_uint_eq(server_limit_met(r.server, SERVER_LIMIT_USER_CONNECTIONS), 1);
	ck_assert_uint_eq(server_limit_met(r.server, SERVER_LIMIT_CONNECTIONS), 0);
	/* Those who are in notice nothing; a place that becomes free can be had. */
	client_say(&r, fd[0], ECHO("x"));
	client_hears(&r, fd[0], ECHOED("x"));
	close(fd[0]);
	room_until(&r, server_connections(r.server) == 2);
	fd[3] = client_open(&r);
	client_say(&r, fd[3], ECHO("x"));
	client_hears(&r, fd[3], ECHOED("x"));
	/* Another limit lets others in, and sends nobody away. */
	server_set_limits(r.server, &(struct server_limits){4, 0});
	fd[0] = client_open(&r);
	client_say(&r, fd[0], ECHO("x"));
	client_hears(&r, fd[0], ECHOED("x"));
	server_set_limits(r.server, &(struct server_limits){1, 0});
	for (int i = 0; i < 4; i++) {
		client_say(&r, fd[i], ECHO("x"));
		client_hears(&r, fd[i], ECHOED("x"));
		close(fd[i]);
	}
	room_stop(&r);
}
END_TEST

START_TEST(who_is_exempt_is_bound_by_neither)
{
	struct room r;
	int fd[10];
	uint64_t begun_us;

	room_prepare(&r);
	r.options.limits = (struct server_limits){1, 1};
	r.options.exempt = everybody;
	room_open(&r);
	begun_us = clock_mono_us();
	for (int i = 0; i < 10; i++) {
		fd[i] = client_open(&r);
		for (int k = 0; k < 5; k++) {
			client_say(&r, fd[i], ECHO("x"));
			client_hears(&r, fd[i], ECHOED("x"));
		}
	}
	ck_assert_uint_lt(clock_mono_us() - begun_us, 10000000 * unit_slowness()); /* and not 49 s */
	ck_assert_uint_eq(server_limit_met(r.server, SERVER_LIMIT_USER_CALLS), 0);
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	room_stop(&r);
}
END_TEST

START_TEST(calls_too_many_wait_and_each_is_answered)
{
	struct room r;
	uint64_t begun_us = clock_mono_us(), took_us;
	int fd;

	start(&r, 0, 200);
	fd = client_open(&r);
	for (int i = 0; i < 260; i++)
		client_say(&r, fd, ECHO("x"));
	for (int i = 0; i < 260; i++)
		client_hears(&r, fd, ECHOED("x"));
	took_us = clock_mono_us() - begun_us;
	ck_assert_uint_ge(took_us, 250000); /* 200 at once, 60 at 200 a second */
	ck_assert_uint_gt(server_limit_met(r.server, SERVER_LIMIT_USER_CALLS), 0);
	ck_assert_uint_eq(r.log_lines, 1);
	close(fd);
	room_stop(&r);
}
END_TEST

/* More of them than there is room for calls, each time that some are let go. */
START_TEST(the_connections_of_a_user_share_what_he_may)
{
	struct room r;
	int fd[30];
	uint64_t begun_us = clock_mono_us();

	start(&r, 0, 400);
	for (int i = 0; i < 30; i++)
		fd[i] = client_open(&r);
	for (int k = 0; k < 20; k++)
		for (int i = 0; i < 30; i++)
			delete_of(&r, fd[i], i);
	room_until(&r, r.deleted >= 500);
	ck_assert_uint_ge(clock_mono_us() - begun_us, 200000);
	for (int i = 0; i < 30; i++)
		ck_assert_uint_ge(r.deleted_by[i], 5); /* none has had the others' share */
	room_until(&r, r.deleted == 600);
	for (int i = 0; i < 30; i++)
		close(fd[i]);
	room_stop(&r);
}
END_TEST

START_TEST(who_leaves_while_his_calls_wait_has_them_carried_out)
{
	struct room r;
	int fd;

	start(&r, 0, 10);
	fd = client_open(&r);
	for (int i = 0; i < 30; i++)
		delete_of(&r, fd, 1);
	close(fd);
	room_until(&r, r.deleted >= 10);
	room_settle(&r);
	ck_assert_uint_lt(r.deleted, 30);
	ck_assert_uint_eq(server_connections(r.server), 1);
	room_until(&r, server_connections(r.server) == 0);
	ck_assert_uint_eq(r.deleted, 30);
	room_stop(&r);
}
END_TEST

START_TEST(to_connect_anew_gains_nothing)
{
	struct room r;
	uint64_t begun_us;
	int fd;

	start(&r, 0, 10);
	for (int i = 0; i < 30; i++) {
		fd = client_open(&r);
		client_say(&r, fd, ECHO("x"));
		client_hears(&r, fd, ECHOED("x"));
		close(fd);
		room_until(&r, server_connections(r.server) == 0);
	}
	ck_assert_uint_gt(server_limit_met(r.server, SERVER_LIMIT_USER_CALLS), 0);
	/* The record goes when the share is whole again. */
	begun_us = clock_mono_us();
	room_until(&r, clock_mono_us() - begun_us > 1200000);
	fd = client_open(&r);
	for (int i = 0; i < 10; i++)
		client_say(&r, fd, ECHO("x"));
	uint64_t met = server_limit_met(r.server, SERVER_LIMIT_USER_CALLS);
	for (int i = 0; i < 10; i++)
		client_hears(&r, fd, ECHOED("x"));
	ck_assert_uint_eq(server_limit_met(r.server, SERVER_LIMIT_USER_CALLS), met);
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(those_who_wait_go_on_when_the_limit_is_lifted)
{
	struct room r;
	int fd[3];

	start(&r, 0, 1);
	for (int i = 0; i < 3; i++) {
		fd[i] = client_open(&r);
		client_say(&r, fd[i], ECHO("x"));
		client_say(&r, fd[i], ECHO("x"));
	}
	client_hears(&r, fd[0], ECHOED("x"));
	room_settle(&r);
	for (int i = 0; i < 3; i++)
		ck_assert(client_silent(fd[i]));
	server_set_limits(r.server, &(struct server_limits){0, 0});
	room_settle(&r);
	client_hears(&r, fd[0], ECHOED("x"));
	for (int i = 1; i < 3; i++) {
		client_hears(&r, fd[i], ECHOED("x"));
		client_hears(&r, fd[i], ECHOED("x"));
	}
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	room_stop(&r);
}
END_TEST

UNIT_MAIN("quota", a_connection_too_many_is_refused_with_the_limit_its_value_and_the_count,
    who_is_exempt_is_bound_by_neither, calls_too_many_wait_and_each_is_answered,
    the_connections_of_a_user_share_what_he_may,
    who_leaves_while_his_calls_wait_has_them_carried_out, to_connect_anew_gains_nothing,
    those_who_wait_go_on_when_the_limit_is_lifted)
