/* SPDX-License-Identifier: ISC */
/*
 * Keepers between two jobs: one that rests takes the next job, one that died or left meanwhile is
 * missed by nobody, and no more of them rest than are needed.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobd/proc/internal.h"
#include "proc/room.h"

#include "unit.h"

static struct room r;

/* One job after the other, and which keeper each had. */
static pid_t live_through(uint64_t id, const char *script, int status)
{
	room_run(&r, id, script);
	ROOM_WAIT(&r, r.told[id].ended);
	ck_assert_int_eq(r.told[id].end.status, status);
	proc_acknowledge(r.proc, id);
	return r.told[id].attempt.keeper_pid;
}

static bool nobody_speaks_of(uint64_t id)
{
	const struct told *t = &r.told[id];
	return t->ready == 1 && t->ended == 1 && !(t->unstarted + t->orphaned + t->lost + t->silent);
}

START_TEST(jobs_that_follow_each_other_share_a_keeper_that_leaves_when_there_are_no_more)
{
	room_begin(&r);
	unsigned before = open_descriptors();
	pid_t keeper = live_through(1, "echo one; exit 3", 3 << 8);
	for (uint64_t id = 2; id <= 20; id++) {
		ROOM_WAIT(&r, r.proc->resting);
		ROOM_WAIT(&r, room_files(&r, "run/keepers") + room_files(&r, "run/notify") == 0);
		ck_assert_int_eq(live_through(id, "echo two", 0), keeper);
	}
	ck_assert_str_eq(room_log_text(&r, 1), "one\n");
	ck_assert_str_eq(room_log_text(&r, 20), "two\n");
	ROOM_WAIT(&r, r.proc->resting);
	/* A second later there is nothing left of it, and nobody was told anything. */
	ROOM_WAIT(&r, children() == 0);
	ck_assert(!r.proc->resting && !r.proc->nresting);
	ck_assert_uint_eq(open_descriptors(), before);
	for (uint64_t id = 1; id <= 20; id++)
		ck_assert(nobody_speaks_of(id));
	room_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_is_gone_before_it_has_read_of_a_job_puts_nobody_off)
{
	room_begin(&r);
	pid_t first = live_through(1, "exit 0", 0);
	ROOM_WAIT(&r, r.proc->resting);
	kill(first, SIGSTOP);
	room_start(&r, 2, "exit 0");
	ck_assert(!r.proc->resting); /* it was the one that was taken */
	kill(first, SIGKILL);
	ROOM_WAIT(&r, r.told[2].unstarted);
	ck_assert_int_eq(r.told[2].error, -ESTALE);
	ck_assert_int_ne(live_through(2, "exit 0", 0), first);
	room_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_dies_at_rest_is_missed_by_nobody)
{
	room_begin(&r);
	for (uint64_t id = 1; id < 10; id += 3) {
		pid_t first = live_through(id, "exit 0", 0);
		ROOM_WAIT(&r, r.proc->resting);
		kill(first, SIGKILL);
		if (id == 1) /* heard of by the loop … */
			ROOM_WAIT(&r, !r.proc->resting);
		while (id == 4 && process_state(first) != 'Z') /* … or found by the next start */
			usleep(1000);
		/* … or by neither: what its socket took is lost, and nothing was run. */
		room_start(&r, id + 1, "exit 4");
		ROOM_WAIT(&r, r.told[id + 1].ready || r.told[id + 1].unstarted);
		ck_assert(id == 7 || r.told[id + 1].ready);
		if (r.told[id + 1].unstarted) {
			ck_assert_int_eq(r.told[id + 1].error, -ESTALE);
			room_start(&r, id + 1, "exit 4");
			ROOM_WAIT(&r, r.told[id + 1].ready);
		}
		proc_release(r.proc, id + 1);
		ROOM_WAIT(&r, r.told[id + 1].ended);
		ck_assert_int_eq(WEXITSTATUS(r.told[id + 1].end.status), 4);
		ck_assert_int_ne(r.told[id + 1].attempt.keeper_pid, first);
		ck_assert(nobody_speaks_of(id));
		room_leave(&r, id + 1);
	}
	ROOM_WAIT(&r, children() == 0);
	room_fini(&r);
}
END_TEST

START_TEST(no_more_keepers_rest_than_are_needed)
{
	room_begin(&r);
	for (uint64_t id = 1; id <= 30; id++)
		room_start(&r, id, "exit 0");
	for (uint64_t id = 1; id <= 30; id++) {
		ROOM_WAIT(&r, r.told[id].ready);
		proc_release(r.proc, id);
	}
	for (uint64_t id = 1; id <= 30; id++) {
		ROOM_WAIT(&r, r.told[id].ended);
		proc_acknowledge(r.proc, id);
	}
	ROOM_WAIT(&r, r.proc->nresting == 16 && children() == 16);
	/* A jobd that ends takes them with it. */
	room_close(&r);
	room_open(&r);
	proc_adopted_all(r.proc);
	ROOM_WAIT(&r, children() == 0);
	room_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_was_told_to_end_or_lost_sight_of_takes_no_other_job)
{
	room_begin(&r);
	room_run(&r, 1, "trap 'exit 0' TERM; touch $D/set; while :; do sleep 0.01; done");
	ROOM_WAIT(&r, room_has(&r, "set"));
	kill(r.told[1].attempt.keeper_pid, SIGTERM);
	ROOM_WAIT(&r, r.told[1].ended);
	ck_assert(r.told[1].end.shutdown);
	proc_acknowledge(r.proc, 1);
	room_run(&r, 2, "until test -e $D/go; do sleep 0.01; done");
	room_close(&r);
	room_open(&r);
	room_adopt(&r, 2, LEVEL_RUN);
	proc_adopted_all(r.proc);
	room_touch(&r, "go");
	ROOM_WAIT(&r, r.told[2].ended);
	proc_acknowledge(r.proc, 2);
	ROOM_WAIT(&r, !process_state(r.told[1].attempt.keeper_pid));
	while (process_state(r.told[2].attempt.keeper_pid)) {
		room_turn(&r);
		ck_assert(!r.proc->resting);
	}
	room_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_leaves_late_does_not_take_the_next_starts_log_along)
{
	room_begin(&r);
	room_start(&r, 1, "echo the first");
	ROOM_WAIT(&r, r.told[1].ready);
	pid_t late = r.told[1].attempt.keeper_pid;
	kill(late, SIGSTOP);
	proc_abandon(r.proc, 1);
	ck_assert_int_ne(live_through(1, "echo the second", 0), late);
	ROOM_WAIT(&r, children() == 1);
	kill(late, SIGCONT);
	ROOM_WAIT(&r, children() == 0 && !r.proc->all);
	ck_assert_str_eq(room_log_text(&r, 1), "the second\n");
	proc_log_remove(r.proc, 1, 1);
	ck_assert_int_eq(proc_log_open(r.proc, 1, 1), -ENOENT);
	room_fini(&r);
}
END_TEST

UNIT_MAIN("rest", jobs_that_follow_each_other_share_a_keeper_that_leaves_when_there_are_no_more,
    a_keeper_that_is_gone_before_it_has_read_of_a_job_puts_nobody_off,
    a_keeper_that_dies_at_rest_is_missed_by_nobody, no_more_keepers_rest_than_are_needed,
    a_keeper_that_was_told_to_end_or_lost_sight_of_takes_no_other_job,
    a_keeper_that_leaves_late_does_not_take_the_next_starts_log_along)
