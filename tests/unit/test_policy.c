/* SPDX-License-Identifier: ISC */
/* Whom the names of the configuration give rights, while the name service answers, hangs and fails. */
#include "config.h"

#include "jobd/policy.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/strv.h"
#include "unit.h"

static struct event_base *base;
static struct names *names;
static struct policy policy;
static struct config config;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held: groups hang */
static atomic_int fails;				 /* so many lookups of groups */
static unsigned warned;
static struct config_name config_names[8];
static char source[] = "jobd.conf";
static char ghost[] = "ghost", group3[] = "group3", group4[] = "group4", group5[] = "group5",
	    group6[] = "group6", group7[] = "group7";

static int fake_user(uid_t uid, char **name)
{
	(void)uid;
	(void)name;
	return -ENOENT;
}

static int fake_uid(const char *user, uid_t *uid)
{
	return sscanf(user, "user%u", uid) == 1 ? 0 : -ENOENT;
}

static int fake_gid(const char *group, gid_t *gid)
{
	if (fails > 0) {
		fails--;
		return -EIO;
	}
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return sscanf(group, "group%u", gid) == 1 ? 0 : -ENOENT;
}

static void name(char *name, bool group)
{
	size_t n = config.nnames++;
	config_names[n] = (struct config_name){ name, group, (int)n + 1 };
	config.names = config_names;
	config.source = source;
}

/* What the reader of the file puts beside the settings: each name, with a line. */
static void list_names(void)
{
	config.nnames = 0;
	if (config.admin_group)
		name(config.admin_group, true);
	for (char **v = config.submit_users; v && *v; v++)
		name(*v, false);
	for (char **v = config.submit_groups; v && *v; v++)
		name(*v, true);
}

/* As the daemon does. */
static void known(void *ctx)
{
	(void)ctx;
	if (policy.pending)
		policy_resolve(&policy, &config, names);
}

static void count_warnings(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)len;
	if (priority == LOG_WARNING && strncmp(text, "event=config ", 13) == 0)
		warned++;
}

static void start(void)
{
	static const struct names_lookup fake = { fake_user, fake_uid, fake_gid };
	log_set_sink(count_warnings, NULL);
	base = event_base_new();
	ck_assert_int_eq(names_open(base, known, NULL, &fake, &names), 0);
	list_names();
	policy_resolve(&policy, &config, names);
}

static void reload(void)
{
	names_flush(names);
	list_names();
	policy_resolve(&policy, &config, names);
}

/* Turns the loop while the condition holds. */
#define TURN_WHILE(condition)                                                                      \
	do {                                                                                       \
		uint64_t until = clock_mono_us() + 20000000 * unit_slowness();                     \
		while (condition) {                                                                \
			ck_assert_msg(clock_mono_us() < until, "still " #condition);               \
			event_base_loop(base, EVLOOP_ONCE);                                        \
		}                                                                                  \
	} while (0)

static void finish(void)
{
	policy_fini(&policy);
	names_close(names);
	event_base_free(base);
}

START_TEST(names_become_the_numbers_that_are_compared)
{
	char user7[] = "user7", eve[] = "eve", user8[] = "user8";
	char *users[] = { user7, eve, user8, NULL }, *groups[] = { group3, NULL };
	config = (struct config){ .admin_group = group4, .submit_users = users,
		.submit_groups = groups };
	start();
	ck_assert(policy.pending && policy.waiting);
	ck_assert_uint_eq(policy.api.nsubmit_uids, 0);
	TURN_WHILE(policy.waiting);
	ck_assert(!policy.pending);
	ck_assert(!policy.api.anyone_submits);
	ck_assert(policy.api.has_admin_gid);
	ck_assert_uint_eq(policy.api.admin_gid, 4);
	ck_assert_uint_eq(policy.api.nsubmit_uids, 2);
	ck_assert_uint_eq(policy.api.submit_uids[0], 7);
	ck_assert_uint_eq(policy.api.submit_uids[1], 8);
	ck_assert_uint_eq(policy.api.nsubmit_gids, 1);
	ck_assert_uint_eq(policy.api.submit_gids[0], 3);
	/* That there is no eve is said once, whatever else is resolved. */
	ck_assert_uint_eq(warned, 1);
	reload();
	TURN_WHILE(policy.pending);
	ck_assert_uint_eq(warned, 1);
	finish();
}
END_TEST

START_TEST(nobody_named_is_everybody_and_a_name_of_nobody_is_nobody)
{
	config = (struct config){ 0 };
	start();
	ck_assert(policy.api.anyone_submits && !policy.pending && !policy.api.has_admin_gid);
	char *nobody[] = { ghost, NULL };
	config.submit_users = nobody;
	config.admin_group = ghost;
	reload();
	TURN_WHILE(policy.pending);
	ck_assert(!policy.api.anyone_submits && !policy.api.has_admin_gid);
	ck_assert_uint_eq(policy.api.nsubmit_uids, 0);
	ck_assert_uint_eq(warned, 2); /* the user and the group */
	finish();
}
END_TEST

START_TEST(a_start_waits_two_seconds_for_a_name_that_counts_when_it_comes)
{
	config = (struct config){ .admin_group = group4 };
	pthread_mutex_lock(&gate);
	uint64_t began = clock_mono_us();
	start();
	TURN_WHILE(policy.waiting);
	ck_assert_uint_ge(clock_mono_us() - began, 2000000);
	ck_assert(policy.pending && !policy.api.has_admin_gid);
	ck_assert_uint_eq(warned, 1);
	pthread_mutex_unlock(&gate);
	TURN_WHILE(policy.pending);
	ck_assert(policy.api.has_admin_gid);
	ck_assert_uint_eq(policy.api.admin_gid, 4);
	ck_assert_uint_eq(warned, 1);
	finish();
}
END_TEST

START_TEST(a_reload_while_the_name_service_hangs_takes_no_rights_from_those_still_named)
{
	char *two[] = { group5, group6, NULL };
	config = (struct config){ .admin_group = group4, .submit_groups = two };
	start();
	TURN_WHILE(policy.pending);
	pthread_mutex_lock(&gate);
	two[0] = group7; /* 5 is dropped, and 7 is new */
	reload();
	for (int i = 0; i < 2; i++) {
		/* While it is asked for, and when it is late. */
		ck_assert(policy.pending);
		ck_assert(policy.waiting == (i == 0));
		ck_assert(policy.api.has_admin_gid);
		ck_assert_uint_eq(policy.api.admin_gid, 4);
		ck_assert_uint_eq(policy.api.nsubmit_gids, 1);
		ck_assert_uint_eq(policy.api.submit_gids[0], 6);
		TURN_WHILE(policy.waiting);
	}
	pthread_mutex_unlock(&gate);
	TURN_WHILE(policy.pending);
	ck_assert_uint_eq(policy.api.nsubmit_gids, 2);
	ck_assert_uint_eq(policy.api.submit_gids[0], 7);
	/* What is gone is gone when the name service says so. */
	config.admin_group = ghost;
	reload();
	TURN_WHILE(policy.pending);
	ck_assert(!policy.api.has_admin_gid);
	finish();
}
END_TEST

START_TEST(a_name_service_that_fails_is_asked_until_it_tells)
{
	config = (struct config){ .admin_group = group4 };
	fails = 1;
	start();
	TURN_WHILE(policy.waiting);
	ck_assert(policy.pending && !policy.api.has_admin_gid);
	TURN_WHILE(policy.pending);
	ck_assert(policy.api.has_admin_gid);
	ck_assert_uint_eq(warned, 1);
	finish();
}
END_TEST

static void has_warnings(const char *first, const char *second)
{
	char **warnings = NULL;
	policy_warnings(&policy, &config, &warnings);
	ck_assert_uint_eq(strv_len(warnings), !!first + !!second);
	if (first)
		ck_assert_ptr_nonnull(strstr(warnings[0], first));
	if (second)
		ck_assert_ptr_nonnull(strstr(warnings[1], second));
	strv_free(warnings);
}

START_TEST(what_is_wrong_with_names_can_be_asked_for_as_long_as_it_is_so)
{
	char *users[] = { ghost, NULL }, *groups[] = { group3, ghost, NULL };
	config = (struct config){ .admin_group = ghost, .submit_users = users, .submit_groups = groups };
	start();
	TURN_WHILE(policy.waiting);
	/* The group once, though it is named twice. */
	has_warnings("jobd.conf:1: there is no group \"ghost\"", "jobd.conf:2: there is no user \"ghost\"");
	reload();
	TURN_WHILE(policy.waiting);
	ck_assert_uint_eq(warned, 2);
	has_warnings("group", "user");
	pthread_mutex_lock(&gate);
	config.admin_group = group4;
	config.submit_users = NULL;
	groups[1] = NULL;
	reload();
	TURN_WHILE(policy.waiting);
	has_warnings("jobd.conf:1: the name service does not tell who group \"group4\" is; it gives no rights",
	    "jobd.conf:2: the name service does not tell who group \"group3\" is; what was known of it holds");
	pthread_mutex_unlock(&gate);
	TURN_WHILE(policy.pending);
	has_warnings(NULL, NULL);
	finish();
}
END_TEST

UNIT_MAIN("policy", names_become_the_numbers_that_are_compared,
    nobody_named_is_everybody_and_a_name_of_nobody_is_nobody,
    a_start_waits_two_seconds_for_a_name_that_counts_when_it_comes,
    a_reload_while_the_name_service_hangs_takes_no_rights_from_those_still_named,
    a_name_service_that_fails_is_asked_until_it_tells,
    what_is_wrong_with_names_can_be_asked_for_as_long_as_it_is_so)
