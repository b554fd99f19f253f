/* SPDX-License-Identifier: ISC */
/*
 * Clients that send more than there is time for: how turns are shared between them and those who want
 * little. Nobody is delayed by more than the others' turns, and nobody is passed over.
 */
#include "config.h"

#include "tests/server/room.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#define DELETE "{'method':'org.jobd.Job.Delete','parameters':{'id':1},'oneway':true}"

/* A write of as many calls as the socket takes; the rest of one that was cut comes next time. */
static void flood(int fd)
{
	static char calls[64 << 10];
	static size_t len, at;

	if (len == 0) {
		while (len + sizeof(DELETE) <= sizeof(calls)) {
			memcpy(calls + len, DELETE, sizeof(DELETE));
			for (char *p = calls + len; *p != '\0'; p++)
				if (*p == '\'')
					*p = '"';
			len += sizeof(DELETE);
		}
	}
	for (;;) {
		size_t n = client_write(fd, calls + at, len - at);

		if (n == 0)
			return;
		at = (at + n) % len;
	}
}

START_TEST(a_flood_delays_nobody_else)
{
	struct room r;
	int a, b;

	a = client_open(room_begin(&r));
	b = client_open(&r);
	for (int i = 0; i < 20; i++) {
		unsigned before;

		flood(a);
		room_turn(&r);
		flood(a);
		client_say(&r, b, ECHO("b"));
		before = r.deleted;
		while (client_silent(b))
			room_turn(&r);
		/* What a may have in one turn, what it had coming when b came, and as much for a turn cut short. */
		ck_assert_uint_le(r.deleted - before, 400);
		client_hears(&r, b, ECHOED("b"));
	}
	ck_assert_uint_ge(r.deleted, 20 * 100);
	close(a);
	close(b);
	room_stop(&r);
}
END_TEST

/* Fifty clients with a hundred calls each, of 0.2 ms: a second's work, and no turn of a second. */
START_TEST(many_floods_share_the_turns_between_them)
{
	struct room r;
	char text[128];
	int fd[50];

	room_begin(&r)->burn_us = 200;
	for (int i = 0; i < 50; i++)
		fd[i] = client_open(&r);
	room_until(&r, server_connections(r.server) == 50);
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text),
		    "{'method':'org.jobd.Job.Delete','parameters':{'id':%d},'oneway':true}", i);
		for (int n = 0; n < 100; n++)
			client_say(&r, fd[i], text);
	}
	ck_assert_uint_eq(r.deleted, 0);
	while (r.deleted < 5000) {
		unsigned before = r.deleted;

		room_turn(&r);
		ck_assert_uint_ge(r.deleted, before + 1);
		ck_assert_uint_le(r.deleted, before + 101); /* 20 ms, and the one that ended them */
	}
	for (int i = 0; i < 50; i++) {
		ck_assert_uint_eq(r.deleted_by[i], 100);
		close(fd[i]);
	}
	room_stop(&r);
}
END_TEST

START_TEST(who_comes_while_many_flood_has_a_turn_soon)
{
	struct room r;
	int fd[10], late;

	room_begin(&r)->burn_us = 200;
	for (int i = 0; i < 10; i++) {
		fd[i] = client_open(&r);
		room_turn(&r);
	}
	late = client_open(&r);
	room_turn(&r);
	for (int i = 0; i < 10; i++)
		for (int n = 0; n < 500; n++)
			client_say(&r, fd[i], DELETE);
	room_turn(&r);
	client_say(&r, late, ECHO("late"));
	while (client_silent(late))
		room_turn(&r);
	ck_assert_uint_lt(r.deleted, 2500); /* each of the others once or twice, not all that they have */
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	close(late);
	room_stop(&r);
}
END_TEST

/* What a turn left over comes before what arrives later, however much arrives. */
START_TEST(who_waits_is_not_overtaken_for_ever)
{
	struct room r;
	int fd[10], early;

	room_begin(&r)->burn_us = 200;
	early = client_open(&r);
	for (int i = 0; i < 10; i++)
		fd[i] = client_open(&r);
	room_until(&r, server_connections(r.server) == 11);
	for (int n = 0; n < 150; n++)
		client_say(&r, early,
		    "{'method':'org.jobd.Job.Delete','parameters':{'id':2},'oneway':true}");
	while (r.deleted_by[2] < 150) {
		for (int i = 0; i < 10; i++)
			for (int n = 0; n < 30; n++)
				client_say(&r, fd[i], DELETE);
		room_turn(&r);
		/* Two rounds of what each may have in one turn. How many turns that is, the machine says. */
		ck_assert_uint_le(r.deleted, 11 * 300);
	}
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	close(early);
	room_stop(&r);
}
END_TEST

UNIT_MAIN("floods", a_flood_delays_nobody_else, many_floods_share_the_turns_between_them,
    who_comes_while_many_flood_has_a_turn_soon, who_waits_is_not_overtaken_for_ever)
