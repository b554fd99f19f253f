/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/sys/names.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "unit.h"

static struct event_base *base;
static struct names *names;
static int told;
static atomic_int asked;
static atomic_bool saw_open_signals, broken;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held: lookups of 1000 and more hang */

static void known(void *ctx)
{
	ck_assert_ptr_eq(ctx, &told);
	told++;
}

static int fake_user(uid_t uid, char **name)
{
	asked++;
	sigset_t blocked;
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGCHLD))
		saw_open_signals = true;
	if (uid >= 1000) {
		pthread_mutex_lock(&gate);
		pthread_mutex_unlock(&gate);
	}
	if (uid == 404)
		return -ENOENT;
	if (uid == 500)
		return -EIO;
	return asprintf(name, "user%u", (unsigned)uid) < 0 ? -ENOMEM : 0;
}

static int fake_uid(const char *user, uid_t *uid)
{
	asked++;
	return sscanf(user, "user%u", uid) == 1 ? 0 : -ENOENT;
}

static int fake_gid(const char *group, gid_t *gid)
{
	asked++;
	if (strcmp(group, "stuck") == 0) {
		pthread_mutex_lock(&gate);
		pthread_mutex_unlock(&gate);
		*gid = 77;
		return 0;
	}
	if (broken)
		return -EIO;
	return sscanf(group, "group%u", gid) == 1 ? 0 : -ENOENT;
}

static void open_fake(void)
{
	static const struct names_lookup fake = { fake_user, fake_uid, fake_gid };
	base = event_base_new();
	ck_assert_int_eq(names_open(base, known, &told, &fake, &names), 0);
}

static void close_fake(void)
{
	names_close(names);
	event_base_free(base);
	ck_assert(!saw_open_signals);
}

/* Turns the loop until known was called again. */
static void wait_for_news(void)
{
	int before = told;
	uint64_t until = clock_mono_us() + 20000000 * unit_slowness();
	while (told == before) {
		ck_assert_msg(clock_mono_us() < until, "no news");
		event_base_loop(base, EVLOOP_ONCE);
	}
}

static const char *name_of(uid_t uid)
{
	const char *name;
	while (!names_user(names, uid, &name))
		wait_for_news();
	return name;
}

START_TEST(a_name_is_asked_for_once_and_then_known)
{
	open_fake();
	const char *name;
	ck_assert(!names_user(names, 7, &name));
	ck_assert(!names_user(names, 7, &name));
	wait_for_news();
	ck_assert(names_user(names, 7, &name));
	ck_assert_str_eq(name, "user7");
	ck_assert_int_eq(asked, 1);
	names_flush(names);
	ck_assert(!names_user(names, 7, &name));
	close_fake();
}
END_TEST

START_TEST(a_uid_without_a_name_goes_by_its_digits)
{
	open_fake();
	ck_assert_str_eq(name_of(404), "404");
	ck_assert_str_eq(name_of(500), "500");
	close_fake();
}
END_TEST

START_TEST(ids_are_found_by_name)
{
	open_fake();
	uid_t uid = 0;
	gid_t gid = 0;
	ck_assert_int_eq(names_uid(names, "user12", &uid), NAMES_PENDING);
	wait_for_news();
	ck_assert_int_eq(names_uid(names, "user12", &uid), NAMES_KNOWN);
	ck_assert_uint_eq(uid, 12);
	ck_assert_int_eq(names_gid(names, "user12", &gid), NAMES_PENDING);
	wait_for_news();
	ck_assert_int_eq(names_gid(names, "user12", &gid), NAMES_UNKNOWN);
	ck_assert_int_eq(names_gid(names, "group0", &gid), NAMES_PENDING);
	wait_for_news();
	gid = 5;
	ck_assert_int_eq(names_gid(names, "group0", &gid), NAMES_KNOWN);
	ck_assert_uint_eq(gid, 0);
	ck_assert_int_eq(names_uid(names, "", &uid), NAMES_PENDING);
	wait_for_news();
	ck_assert_int_eq(names_uid(names, "", &uid), NAMES_UNKNOWN);
	close_fake();
}
END_TEST

START_TEST(lookups_that_hang_are_given_up_after_two_seconds_and_hold_up_nobody)
{
	open_fake();
	pthread_mutex_lock(&gate);
	const char *name;
	gid_t gid;
	uint64_t began = clock_mono_us();
	ck_assert(!names_user(names, 1000, &name));
	ck_assert(!names_user(names, 1001, &name));
	ck_assert_int_eq(names_gid(names, "stuck", &gid), NAMES_PENDING);
	/* Three hang: a fourth still answers, and fast. */
	ck_assert_str_eq(name_of(8), "user8");
	ck_assert_uint_lt(clock_mono_us() - began, 1800000 * unit_slowness());
	ck_assert_str_eq(name_of(1000), "1000");
	ck_assert_uint_ge(clock_mono_us() - began, 2000000);
	ck_assert_str_eq(name_of(1001), "1001");
	while (names_gid(names, "stuck", &gid) == NAMES_PENDING)
		wait_for_news();
	/* Late is not the same as "there is none", also not after a reload. */
	ck_assert_int_eq(names_gid(names, "stuck", &gid), NAMES_LATE);
	names_flush(names);
	ck_assert_int_eq(names_gid(names, "stuck", &gid), NAMES_LATE);
	/* When it does answer, the answer counts, and it is told that there is one. */
	pthread_mutex_unlock(&gate);
	while (strcmp(name_of(1000), "user1000") != 0)
		wait_for_news();
	while (names_gid(names, "stuck", &gid) == NAMES_LATE)
		wait_for_news();
	ck_assert_int_eq(names_gid(names, "stuck", &gid), NAMES_KNOWN);
	ck_assert_uint_eq(gid, 77);
	close_fake();
}
END_TEST

START_TEST(a_name_service_that_fails_is_late_and_asked_again)
{
	open_fake();
	broken = true;
	gid_t gid;
	ck_assert_int_eq(names_gid(names, "group9", &gid), NAMES_PENDING);
	wait_for_news();
	ck_assert_int_eq(names_gid(names, "group9", &gid), NAMES_LATE);
	ck_assert_int_eq(asked, 1);
	broken = false;
	/* No answer is under way: the news is that one may ask again. */
	wait_for_news();
	ck_assert_int_eq(names_gid(names, "group9", &gid), NAMES_PENDING);
	wait_for_news();
	ck_assert_int_eq(names_gid(names, "group9", &gid), NAMES_KNOWN);
	ck_assert_uint_eq(gid, 9);
	close_fake();
}
END_TEST

START_TEST(closing_does_not_wait_for_a_lookup_that_hangs)
{
	open_fake();
	pthread_mutex_lock(&gate);
	const char *name;
	for (uid_t uid = 1000; uid < 1010; uid++)
		ck_assert(!names_user(names, uid, &name));
	while (asked < 4)
		usleep(1000);
	uint64_t began = clock_mono_us();
	close_fake();
	ck_assert_uint_lt(clock_mono_us() - began, 5000000 * unit_slowness());
	/* Those that come back find nobody, and clear up: a sanitizer would tell. */
	pthread_mutex_unlock(&gate);
	usleep(50000);
	ck_assert_int_eq(asked, 4);
}
END_TEST

START_TEST(what_is_cached_is_bounded_and_a_name_lives_for_a_turn)
{
	open_fake();
	for (uid_t uid = 0; uid < 400; uid++) {
		const char *name = name_of(uid);
		if (uid != 404)
			ck_assert_int_eq(strncmp(name, "user", 4), 0);
	}
	const char *held = name_of(1);
	/* Two thousand more names push it out; what was handed out is still readable in this turn. */
	for (uid_t uid = 1000; uid < 3000; uid++) {
		const char *name;
		names_user(names, uid, &name);
	}
	ck_assert_str_eq(held, "user1");
	/* More than there is room for: those go by their digits, at once. */
	const char *name;
	ck_assert(names_user(names, 2999, &name));
	ck_assert_str_eq(name, "2999");
	close_fake();
}
END_TEST

START_TEST(the_system_s_own_names_are_found)
{
	base = event_base_new();
	ck_assert_int_eq(names_open(base, known, &told, NULL, &names), 0);
	ck_assert_str_eq(name_of(0), "root");
	uid_t uid = 1;
	gid_t gid = 1;
	while (names_uid(names, "root", &uid) == NAMES_PENDING ||
	    names_gid(names, "root", &gid) == NAMES_PENDING)
		wait_for_news();
	ck_assert_int_eq(names_uid(names, "root", &uid), NAMES_KNOWN);
	ck_assert_uint_eq(uid, 0);
	ck_assert_int_eq(names_gid(names, "root", &gid), NAMES_KNOWN);
	ck_assert_uint_eq(gid, 0);
	ck_assert_str_eq(name_of(4000000000u), "4000000000");
	while (names_uid(names, "no such user", &uid) == NAMES_PENDING)
		wait_for_news();
	ck_assert_int_eq(names_uid(names, "no such user", &uid), NAMES_UNKNOWN);
	close_fake();
}
END_TEST

UNIT_MAIN("names", a_name_is_asked_for_once_and_then_known,
    a_uid_without_a_name_goes_by_its_digits, ids_are_found_by_name,
    lookups_that_hang_are_given_up_after_two_seconds_and_hold_up_nobody,
    a_name_service_that_fails_is_late_and_asked_again,
    closing_does_not_wait_for_a_lookup_that_hangs, what_is_cached_is_bounded_and_a_name_lives_for_a_turn, the_system_s_own_names_are_found)
