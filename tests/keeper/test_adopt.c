/* SPDX-License-Identifier: ISC */
/*
 * How a later jobd takes a keeper up, and what keeps it from that: nothing but another nonce and
 * another user. Strangers, nonsense and an older connection do not.
 */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/keeper/look.h"
#include "tests/keeper/rig.h"
#include "tests/unit/unit.h"

START_TEST(a_later_jobd_adopts_by_the_nonce_and_by_nothing_else)
{
	struct rig r;
	struct said hello, s;
	rig_init(&r);
	pid_t pid = rig_run(&r, "echo x >ran; " WAIT_FOR_GO "exit 2");
	rig_wait_file(&r, "ran");
	rig_hang_up(&r);
	ck_assert(!rig_adopt(&r, r.nonce + 1, &hello, &s));
	ck_assert(rig_adopt(&r, r.nonce, &hello, &s));
	ck_assert_uint_eq(hello.nonce, r.nonce);
	ck_assert_int_eq(hello.keeper_pid, r.keeper);
	ck_assert_int_eq(hello.pid, pid);
	ck_assert_uint_gt(hello.pid_start, 0);
	ck_assert_uint_eq(s.level, LEVEL_RUN);
	rig_make_file(&r, "go");
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.status, 2 << 8);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(an_order_that_comes_with_the_adoption_is_heard)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "sleep 60; exit 1");
	rig_adopt_to_end(&r, &s);
	ck_assert_uint_eq(s.nonce, r.nonce);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, SIGKILL);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_paused_job_is_still_paused_when_it_is_adopted)
{
	struct rig r;
	struct said hello, s;
	rig_init(&r);
	pid_t pid = rig_run(&r, "echo x >ran; " WAIT_FOR_GO "exit 2");
	rig_wait_file(&r, "ran");
	rig_desire(&r, LEVEL_STOP, 0);
	rig_hear(&r, KMSG_STATE, &s);
	rig_hang_up(&r);
	nap(50);
	ck_assert(strchr("TD", state_of(pid)));
	ck_assert(rig_adopt(&r, r.nonce, &hello, &s));
	ck_assert_uint_eq(s.level, LEVEL_STOP);
	ck_assert_uint_eq(s.seq, r.seq);
	rig_desire(&r, LEVEL_STOP, 0);
	rig_hear(&r, KMSG_STATE, &s);
	ck_assert_uint_eq(s.level, LEVEL_STOP);
	rig_make_file(&r, "go");
	rig_desire(&r, LEVEL_RUN, 0);
	rig_hear(&r, KMSG_STATE, &s);
	ck_assert_uint_eq(s.level, LEVEL_RUN);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 2 << 8);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_newer_connection_replaces_the_older_one)
{
	struct rig r;
	struct said hello, s;
	char c;
	rig_init(&r);
	rig_run(&r, "echo x >ran; " WAIT_FOR_GO "exit 2");
	rig_wait_file(&r, "ran");
	int old = r.fd;
	r.fd = -1;
	ck_assert(rig_adopt(&r, r.nonce, &hello, &s));
	ck_assert_int_eq(recv(old, &c, 1, 0), 0);
	close(old);
	rig_make_file(&r, "go");
	rig_hear_end(&r, &s);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

static int stranger(const struct rig *r)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_lt(
	    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/keepers/%s", r->dir, r->name),
	    sizeof(sa.sun_path));
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

START_TEST(silent_and_babbling_strangers_keep_nobody_out)
{
	struct rig r;
	struct said hello, s;
	int fds[20];
	char noise[4096];
	rig_init(&r);
	rig_run(&r, "echo x >ran; " WAIT_FOR_GO "exit 2");
	rig_wait_file(&r, "ran");
	rig_hang_up(&r);
	memset(noise, 0x7f, sizeof(noise));
	for (int i = 0; i < 20; i++) {
		fds[i] = stranger(&r);
		if (i % 2)
			ck_assert_int_gt(
			    send(fds[i], noise, i == 1 ? sizeof(noise) : 3, MSG_NOSIGNAL), 0);
	}
	ck_assert(rig_adopt(&r, r.nonce, &hello, &s));
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	rig_make_file(&r, "go");
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 2 << 8);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(another_user_is_not_talked_to_even_with_the_nonce)
{
	struct rig r;
	struct said hello, s;
	if (geteuid() != 0)
		return; /* needs two users */
	rig_init(&r);
	char command[256];
	rig_run(&r, "echo x >ran; " WAIT_FOR_GO "exit 2");
	rig_wait_file(&r, "ran");
	snprintf(command, sizeof(command), "chmod 0777 %s/keepers %s/keepers/*", r.dir, r.dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(seteuid(65533), 0);
	ck_assert(!rig_adopt(&r, r.nonce, &hello, &s));
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert(rig_adopt(&r, r.nonce, &hello, &s));
	rig_fini(&r);
}
END_TEST

START_TEST(nonsense_from_jobd_ends_the_connection_and_not_the_job)
{
	struct rig r;
	struct said hello, s;
	char noise[64];
	rig_init(&r);
	rig_run(&r, "echo x >ran; " WAIT_FOR_GO "exit 2");
	rig_wait_file(&r, "ran");
	memset(noise, 0xff, sizeof(noise));
	ck_assert_int_eq(send(r.fd, noise, sizeof(noise), MSG_NOSIGNAL), sizeof(noise));
	ck_assert(rig_is_spoken_to(&r, PATIENCE_MS));
	ck_assert_int_le(recv(r.fd, noise, 1, 0), 0);
	ck_assert(rig_adopt(&r, r.nonce, &hello, &s));
	rig_say(&r, (enum kmsg_type)77); /* what a later jobd might say is passed over */
	rig_say(&r, KMSG_START);
	rig_say(&r, KMSG_GATE);
	rig_say(&r, KMSG_ACK);
	rig_make_file(&r, "go");
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 2 << 8);
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

UNIT_MAIN("keeper: adopt", a_later_jobd_adopts_by_the_nonce_and_by_nothing_else,
    an_order_that_comes_with_the_adoption_is_heard,
    a_paused_job_is_still_paused_when_it_is_adopted, a_newer_connection_replaces_the_older_one,
    silent_and_babbling_strangers_keep_nobody_out,
    another_user_is_not_talked_to_even_with_the_nonce,
    nonsense_from_jobd_ends_the_connection_and_not_the_job)
