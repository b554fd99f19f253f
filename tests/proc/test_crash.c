/* SPDX-License-Identifier: ISC */
/*
 * jobd is killed at each of the room's points, and another takes up what it
 * left. Core's part is played by shared memory: what a callback wrote there before
 * the kill is what would have been on disk.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/crash.h"
#include "proc/room.h"
#include "unit.h"

#define SCRIPT "echo >>$D/ran; echo $$ >$D/pid; until test -e $D/go; do sleep 0.01; done; exit 21"

static struct room *r;

/* Runs part in a process of its own, which the point has to kill. */
static void die_at(const char *point, void (*part)(void))
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		setenv("JOBD_CRASH_AT", point, 1);
		ck_assert(crash_init());
		room_open(r);
		part();
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s was not reached", point);
	r->proc = NULL;
}

static void make_room(void)
{
	r = room_new();
	room_init(r);
}

/* A whole life: run, paused, resumed, ended, acknowledged. */
static void live(void)
{
	proc_adopted_all(r->proc);
	room_run(r, 1, SCRIPT);
	ROOM_WAIT(r, room_pid(r, "pid"));
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(r, r->told[1].stopped);
	proc_order(r->proc, 1, LEVEL_RUN, 0);
	ROOM_WAIT(r, r->told[1].running);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	room_leave(r, 1);
}

static void be_cancelled(void)
{
	proc_adopted_all(r->proc);
	room_run(r, 1, SCRIPT);
	ROOM_WAIT(r, room_pid(r, "pid"));
	proc_order(r->proc, 1, LEVEL_END, 5000);
	ROOM_WAIT(r, r->told[1].ended);
}

static void run_and_stay(void)
{
	proc_adopted_all(r->proc);
	room_run(r, 1, SCRIPT);
	ROOM_WAIT(r, room_pid(r, "pid"));
	kill(getpid(), SIGKILL);
}

static void adopt(void)
{
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].running || r->told[1].ended || r->told[1].lost);
}

/* How often the command ran: a line each time. */
static unsigned runs(void)
{
	unsigned n = 0;
	FILE *f = fopen(room_path(r, "ran"), "r");
	for (int c; f && (c = fgetc(f)) != EOF;)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static void clear(void)
{
	room_leave(r, 1);
	ROOM_WAIT(r, children() == 0);
	ck_assert_uint_eq(room_files(r, "run/keepers"), 0);
	ck_assert_uint_eq(room_files(r, "run/notify"), 0);
	ck_assert_uint_eq(room_files(r, "state/exits"), 0);
	room_fini(r);
}

static void expect_true_end(void)
{
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_uint_eq(r->told[1].lost, 0);
	if (r->told[1].end.kind == KEEPER_END_NEVER_RAN) {
		ck_assert_uint_eq(runs(), 0);
		return;
	}
	ck_assert_int_eq(r->told[1].end.status, 21 << 8);
	ck_assert_uint_eq(runs(), 1);
}

START_TEST(a_start_that_was_not_recorded_runs_nothing)
{
	const char *const points[] = { "spawned", "ready-received" };
	for (int i = 0; i < 2; i++) {
		make_room();
		die_at(points[i], live);
		ck_assert_uint_eq(r->told[1].ready, 0);
		room_open(r);
		proc_adopted_all(r->proc);
		/* Its keeper is leaving, and the sweep that comes later would take what it leaves. */
		for (int n = 0; n < 10; n++)
			room_turn(r);
		ck_assert_uint_eq(runs(), 0);
		room_fini(r);
	}
}
END_TEST

START_TEST(wherever_jobd_is_killed_the_job_runs_once_and_its_end_is_known)
{
	const char *const points[] = { "gate-opened", "pause-ordered", "stopped-received", "end-received",
		"end-acknowledged" };
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		make_room();
		die_at(points[i], live);
		ck_assert_uint_eq(r->told[1].ready, 1);
		bool was_acknowledged = strcmp(points[i], "end-acknowledged") == 0;
		r->told[1].ended = was_acknowledged;
		room_open(r);
		if (!was_acknowledged)
			room_adopt(r, 1, LEVEL_RUN);
		proc_adopted_all(r->proc);
		room_touch(r, "go");
		expect_true_end();
		clear();
	}
}
END_TEST

START_TEST(a_pause_that_was_ordered_before_the_kill_is_in_force_after_it)
{
	make_room();
	die_at("pause-ordered", live);
	room_take_up(r, 1, LEVEL_STOP);
	ROOM_WAIT(r, r->told[1].stopped);
	ck_assert(process_is_still(r->told[1].attempt.pid));
	proc_order(r->proc, 1, LEVEL_RUN, 0);
	room_touch(r, "go");
	expect_true_end();
	clear();
}
END_TEST

START_TEST(a_cancel_that_was_ordered_before_the_kill_is_carried_out)
{
	make_room();
	die_at("cancel-ordered", be_cancelled);
	room_take_up(r, 1, LEVEL_END);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGTERM);
	clear();
}
END_TEST

START_TEST(an_adoption_that_is_cut_short_is_made_again)
{
	const char *const points[] = { "adopt-begun", "adopt-connected", "adopt-done" };
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		make_room();
		die_at("end-committed", run_and_stay); /* a point that is not this room's */
		die_at(points[i], adopt);
		room_open(r);
		adopt();
		room_touch(r, "go");
		expect_true_end();
		clear();
	}
}
END_TEST

START_TEST(an_exit_file_stays_until_it_was_acknowledged)
{
	char name[KEEPER_NAME_MAX + 16];
	make_room();
	die_at("end-committed", run_and_stay);
	room_touch(r, "go");
	const struct job_attempt *a = &r->told[1].attempt;
	snprintf(name, sizeof name, "state/exits/" KEEPER_NAME_FMT, (uint64_t)1, a->number, a->nonce);
	for (int i = 0; !room_has(r, name); i++) {
		ck_assert_int_lt(i, 1000);
		usleep(10000);
	}
	while (process_state(a->keeper_pid))
		usleep(1000);
	die_at("exitfile-read", adopt);
	ck_assert(room_has(r, name));
	room_open(r);
	adopt();
	expect_true_end();
	clear();
}
END_TEST

START_TEST(keepers_are_killed_at_random_and_no_status_is_ever_guessed)
{
	const char *given = getenv("JOBD_TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();
	printf("# JOBD_TEST_SEED=%u\n", seed);
	fflush(stdout);
	srandom(seed);
	make_room();
	room_open(r);
	proc_adopted_all(r->proc);
	for (uint64_t id = 1; id <= 40; id++) {
		char script[128];
		snprintf(script, sizeof script, "echo >>$D/ran.%" PRIu64 "; sleep 0.01; exit %" PRIu64, id, id);
		room_start(r, id, script);
		ROOM_WAIT(r, r->told[id].ready);
		proc_release(r->proc, id);
		proc_flush(r->proc);
		usleep((useconds_t)random() % 20000);
		kill(r->told[id].attempt.keeper_pid, SIGKILL);
	}
	for (uint64_t id = 1; id <= 40; id++) {
		char name[32];
		snprintf(name, sizeof name, "ran.%" PRIu64, id);
		ROOM_WAIT(r, r->told[id].ended);
		if (r->told[id].end.kind == KEEPER_END_NEVER_RAN)
			ck_assert(!room_has(r, name));
		else
			ck_assert_int_eq(r->told[id].end.status, (int)id << 8);
		proc_acknowledge(r->proc, id);
	}
	ROOM_WAIT(r, children() == 0);
	ck_assert_uint_eq(room_files(r, "run/keepers") + room_files(r, "run/notify"), 0);
	room_fini(r);
}
END_TEST

UNIT_MAIN("crash", a_start_that_was_not_recorded_runs_nothing,
    wherever_jobd_is_killed_the_job_runs_once_and_its_end_is_known,
    a_pause_that_was_ordered_before_the_kill_is_in_force_after_it,
    a_cancel_that_was_ordered_before_the_kill_is_carried_out,
    an_adoption_that_is_cut_short_is_made_again, an_exit_file_stays_until_it_was_acknowledged,
    keepers_are_killed_at_random_and_no_status_is_ever_guessed)
