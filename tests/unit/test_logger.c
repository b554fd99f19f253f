/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/sys/logger.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "unit.h"

/* What a writer got; it hangs while the gate is held, and takes nothing while it is away. */
static struct {
	pthread_mutex_t gate, lock;
	bool away;
	size_t count, tries;
	int last_priority;
	char last[256];
} sent = { .gate = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER };

static bool writer(void *ctx, int priority, const char *text)
{
	ck_assert_ptr_eq(ctx, &sent);
	pthread_mutex_lock(&sent.gate);
	pthread_mutex_unlock(&sent.gate);
	pthread_mutex_lock(&sent.lock);
	sent.tries++;
	if (sent.away) {
		pthread_mutex_unlock(&sent.lock);
		return false;
	}
	sent.count++;
	sent.last_priority = priority;
	snprintf(sent.last, sizeof(sent.last), "%s", text);
	pthread_mutex_unlock(&sent.lock);
	return true;
}

static size_t count(void)
{
	pthread_mutex_lock(&sent.lock);
	size_t n = sent.count;
	pthread_mutex_unlock(&sent.lock);
	return n;
}

static void wait_for(size_t n)
{
	uint64_t until = clock_mono_us() + 20000000 * unit_slowness();
	while (count() < n) {
		ck_assert_msg(clock_mono_us() < until, "%zu lines of %zu", count(), n);
		usleep(1000);
	}
}

static void open_logger(void)
{
	struct logger_options o = { .facility = LOG_LOCAL1, .write = writer, .ctx = &sent };
	ck_assert_int_eq(logger_open(&o), 0);
}

START_TEST(lines_arrive_in_order_with_their_priority)
{
	open_logger();
	for (int i = 0; i < 500; i++)
		log_event(LOG_INFO, "line", "n", "%d", i);
	log_event(LOG_ERR, "last", "n", "501");
	logger_close(60000);
	ck_assert_uint_eq(sent.count, 501);
	ck_assert_str_eq(sent.last, "event=last n=501");
	ck_assert_int_eq(sent.last_priority, LOG_LOCAL1 | LOG_ERR);
	ck_assert_uint_eq(logger_lost().dropped, 0);
	ck_assert_int_eq(logger_reopen(), 0);
	log_event(LOG_ERR, "more", "n", "1");
	logger_close(60000);
	ck_assert_str_eq(sent.last, "event=more n=1");
	ck_assert_int_eq(sent.last_priority, LOG_LOCAL1 | LOG_ERR);
}
END_TEST

START_TEST(a_stuck_reader_is_not_waited_for_and_what_was_lost_is_told)
{
	open_logger();
	pthread_mutex_lock(&sent.gate);
	uint64_t began = clock_mono_us();
	for (int i = 0; i < 2000; i++)
		log_event(LOG_INFO, "line", "n", "%d", i);
	ck_assert_uint_lt(clock_mono_us() - began, 5000000 * unit_slowness());
	uint64_t dropped = logger_lost().dropped;
	/* A ring of 1024, and one line in the writer's hands (or not yet). */
	ck_assert_uint_ge(dropped, 2000 - 1025);
	ck_assert_uint_le(dropped, 2000 - 1024);
	ck_assert_uint_eq(logger_lost().unsaid, dropped);
	uint64_t last_us = logger_lost().last_us;
	ck_assert(last_us >= began && last_us <= clock_mono_us());
	pthread_mutex_unlock(&sent.gate);
	wait_for(2000 - dropped + 1);
	char expected[64];
	snprintf(expected, sizeof(expected), "event=log-lines-dropped count=%llu",
	    (unsigned long long)dropped);
	ck_assert_str_eq(sent.last, expected);
	ck_assert_int_eq(sent.last_priority, LOG_LOCAL1 | LOG_WARNING);
	logger_set_facility(LOG_USER);
	log_event(LOG_NOTICE, "flows", "n", "again");
	logger_close(60000);
	ck_assert_str_eq(sent.last, "event=flows n=again");
	ck_assert_int_eq(sent.last_priority, LOG_USER | LOG_NOTICE);
	ck_assert_uint_eq(logger_lost().dropped, dropped);
	ck_assert_uint_eq(logger_lost().unsaid, 0);
	ck_assert_uint_eq(logger_lost().last_us, last_us);
}
END_TEST

START_TEST(what_a_former_self_lost_is_told_and_counted)
{
	struct logger_options o = { .facility = LOG_LOCAL1, .write = writer, .ctx = &sent,
		.lost = { .dropped = 7, .unsaid = 2, .last_us = 1 } };

	ck_assert_int_eq(logger_open(&o), 0);
	log_event(LOG_INFO, "line", "n", "1");
	wait_for(2);
	ck_assert_str_eq(sent.last, "event=log-lines-dropped count=2");
	struct logger_lost l = logger_drain(60000);
	ck_assert_uint_eq(l.dropped, 7);
	ck_assert_uint_eq(l.unsaid, 0);
	ck_assert_uint_eq(l.last_us, 1);
	/* What nobody takes would be lost with this one. */
	pthread_mutex_lock(&sent.gate);
	log_event(LOG_INFO, "line", "n", "2");
	l = logger_drain(0);
	ck_assert_uint_eq(l.dropped, 8);
	ck_assert_uint_eq(l.unsaid, 1);
	ck_assert_uint_gt(l.last_us, 1);
	ck_assert_uint_eq(logger_lost().dropped, 7);
	pthread_mutex_unlock(&sent.gate);
	logger_close(60000);
}
END_TEST

static void go_away(bool away)
{
	pthread_mutex_lock(&sent.lock);
	sent.away = away;
	pthread_mutex_unlock(&sent.lock);
}

static size_t tries(void)
{
	pthread_mutex_lock(&sent.lock);
	size_t n = sent.tries;
	pthread_mutex_unlock(&sent.lock);
	return n;
}

START_TEST(a_reader_that_is_away_for_a_while_misses_nothing)
{
	open_logger();
	go_away(true);
	for (int i = 0; i < 500; i++)
		log_event(LOG_INFO, "line", "n", "%d", i);
	uint64_t until = clock_mono_us() + 20000000 * unit_slowness();
	while (tries() < 2)
		ck_assert_uint_lt(clock_mono_us(), until);
	/* It is tried now and then, not in a loop. */
	ck_assert_uint_lt(tries(), 100);
	go_away(false);
	wait_for(500);
	logger_close(60000);
	ck_assert_str_eq(sent.last, "event=line n=499");
	ck_assert_uint_eq(sent.count, 500);
	ck_assert_uint_eq(logger_lost().dropped, 0);
}
END_TEST

START_TEST(nobody_waits_for_a_reader_that_is_not_there)
{
	open_logger();
	go_away(true);
	for (int i = 0; i < 500; i++)
		log_event(LOG_INFO, "line", "n", "%d", i);
	uint64_t began = clock_mono_us();
	logger_close(60000);
	ck_assert_uint_lt(clock_mono_us() - began, 10000000 * unit_slowness());
	ck_assert_uint_eq(logger_lost().dropped, 500);
}
END_TEST

START_TEST(closing_waits_no_longer_than_it_is_told)
{
	open_logger();
	pthread_mutex_lock(&sent.gate);
	log_event(LOG_INFO, "never", "n", "1");
	uint64_t began = clock_mono_us();
	logger_close(100);
	uint64_t took = clock_mono_us() - began;
	ck_assert_uint_ge(took, 99000);
	ck_assert_uint_lt(took, 10000000 * unit_slowness());
	pthread_mutex_unlock(&sent.gate);
	wait_for(1);
}
END_TEST

START_TEST(in_the_foreground_a_line_says_its_priority_and_a_full_pipe_stops_nobody)
{
	int p[2], was = dup(STDERR_FILENO);
	ck_assert_int_eq(pipe(p), 0);
	unsetenv("JOURNAL_STREAM");
	struct logger_options o = { .foreground = true };
	ck_assert_int_eq(logger_open(&o), 0);
	dup2(p[1], STDERR_FILENO);
	log_event(LOG_WARNING, "careful", "n", "1");
	char got[64] = "";
	ssize_t n = read(p[0], got, sizeof(got) - 1);
	ck_assert_int_gt(n, 0);
	ck_assert_str_eq(got, "warning: event=careful n=1\n");

	char value[390];
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	/* More than a pipe holds: this must come to its end. */
	for (int i = 0; i < 2000; i++)
		log_event(LOG_INFO, "much", "n", "%s", value);
	uint64_t dropped = logger_lost().dropped;
	ck_assert_uint_gt(dropped, 0);

	static char all[1 << 20];
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while (read(p[0], all, sizeof(all)) > 0)
		;
	log_event(LOG_INFO, "flows", "n", "again");
	n = read(p[0], all, sizeof(all) - 1);
	dup2(was, STDERR_FILENO);
	logger_close(0);
	ck_assert_int_gt(n, 0);
	all[n] = '\0';
	char expected[128];
	snprintf(expected, sizeof(expected),
	    "warning: event=log-lines-dropped count=%llu\ninfo: event=flows n=again\n",
	    (unsigned long long)dropped);
	ck_assert_str_eq(all, expected);
}
END_TEST

UNIT_MAIN("logger", lines_arrive_in_order_with_their_priority,
    a_stuck_reader_is_not_waited_for_and_what_was_lost_is_told,
    what_a_former_self_lost_is_told_and_counted,
    a_reader_that_is_away_for_a_while_misses_nothing, nobody_waits_for_a_reader_that_is_not_there,
    closing_waits_no_longer_than_it_is_told,
    in_the_foreground_a_line_says_its_priority_and_a_full_pipe_stops_nobody)
