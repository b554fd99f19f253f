/* SPDX-License-Identifier: ISC */
/*
 * Another jobd takes up what the one before it left: keepers that live, that died with it or while
 * nobody was there, and that say nothing.
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobd/proc/internal.h"
#include "proc/room.h"

#include "unit.h"

/* As a jobd that replaces itself: its children stay its own. */
static void reopen(struct room *r)
{
	room_close(r);
	room_open(r);
}

START_TEST(a_running_job_is_adopted_and_obeys)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, UNTIL_GO(":"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(r, r->told[1].stopped);
	reopen(r);
	room_adopt(r, 1, LEVEL_STOP);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].stopped);
	proc_order(r->proc, 1, LEVEL_RUN, 0);
	ROOM_WAIT(r, r->told[1].running);
	ck_assert(room_has(r, "run/notify/1.1"));
	proc_order(r->proc, 1, LEVEL_END, 5000);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGTERM);
	room_finish(r, 1);
}
END_TEST

START_TEST(what_ended_while_no_jobd_was_there_is_read_from_its_exit_file)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, UNTIL_GO("exit 11"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_close(r);
	room_touch(r, "go");
	room_wait_exit_file(r, 1);
	room_take_up(r, 1, LEVEL_RUN);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(r->told[1].end.kind, KEEPER_END_EXITED);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 11);
	room_finish(r, 1);
}
END_TEST

START_TEST(a_start_that_was_recorded_and_never_released_is_known_to_have_run_nothing)
{
	struct room *r = room_new();
	room_begin(r);
	room_start(r, 1, "touch $D/ran");
	ROOM_WAIT(r, r->told[1].ready);
	reopen(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(r->told[1].end.kind, KEEPER_END_NEVER_RAN);
	ck_assert(!room_has(r, "ran"));
	room_finish(r, 1);
}
END_TEST

START_TEST(a_keeper_killed_while_no_jobd_was_there_leaves_its_status_with_the_command)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, UNTIL_GO("exit 12"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_close(r);
	room_kill_keeper(r, 1);
	room_take_up(r, 1, LEVEL_RUN);
	ROOM_WAIT(r, r->told[1].orphaned && r->told[1].running);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 12);
	room_finish(r, 1);
}
END_TEST

START_TEST(a_zombie_that_was_held_is_found_again_by_the_next_jobd)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, UNTIL_GO("exit 13"));
	ROOM_WAIT(r, room_pid(r, "pid"));
	room_orphan(r, 1);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	r->told[1].ended = 0;
	reopen(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 13);
	room_finish(r, 1);
}
END_TEST

START_TEST(another_jobs_keeper_is_adopted_and_lets_go)
{
	struct room *r = room_new();
	room_init(r);
	room_run_and_be_killed(r, 1, UNTIL_GO("exit 14"));
	room_take_up(r, 1, LEVEL_RUN);
	ROOM_WAIT(r, r->told[1].running);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 14);
	room_finish(r, 1);
}
END_TEST

START_TEST(an_adopted_keeper_that_is_killed_never_leads_to_a_guessed_status)
{
	struct room *r = room_new();
	room_init(r);
	room_run_and_be_killed(r, 1, UNTIL_GO("exit 15"));
	room_take_up(r, 1, LEVEL_RUN);
	ROOM_WAIT(r, r->told[1].running);
	room_orphan(r, 1);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended || r->told[1].lost);
	/* True where the kernel tells (Linux 6.15), lost elsewhere. */
	if (r->told[1].ended)
		ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 15);
	room_finish(r, 1);
}
END_TEST

START_TEST(a_keeper_whose_socket_was_removed_is_silent_and_its_word_is_waited_for)
{
	char name[KEEPER_NAME_MAX + 16];
	struct room *r = room_new();
	room_init(r);
	room_run_and_be_killed(r, 1, UNTIL_GO("exit 19"));
	const struct job_attempt *a = &r->told[1].attempt;
	snprintf(name, sizeof name, "run/keepers/" KEEPER_NAME_FMT, (uint64_t)1, a->number, a->nonce);
	ck_assert_int_eq(unlink(room_path(r, name)), 0);
	room_take_up(r, 1, LEVEL_RUN);
	ROOM_WAIT(r, r->told[1].silent);
	ck_assert_uint_eq(r->told[1].orphaned + r->told[1].lost + r->told[1].ended, 0);
	room_touch(r, "go");
	ROOM_WAIT(r, r->told[1].ended || r->told[1].lost);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 19);
	room_finish(r, 1);
}
END_TEST

START_TEST(an_orphan_the_kernel_does_not_tell_of_is_looked_up_on_disk_before_it_is_lost)
{
	char name[KEEPER_NAME_MAX + 16];
	struct room *r = room_new();
	room_init(r);
	room_run_and_be_killed(r, 1, UNTIL_GO("exit 20"));
	room_take_up(r, 1, LEVEL_RUN);
	ROOM_WAIT(r, r->told[1].running);
	room_orphan(r, 1);
	/* As a kernel that has no answer; and a keeper's last word. */
	struct keeper *k = roster_find(r->proc, ROSTER_ID, 1);
	close(k->pidfd);
	k->pidfd = -1;
	struct buf b = BUF_INIT;
	struct keeper_end e = { .id = 1, .attempt = 1, .nonce = k->nonce, .kind = KEEPER_END_EXITED,
		.status = 20 << 8, .empty = true };
	keeper_end_put(&b, &e);
	snprintf(name, sizeof name, "state/exits/" KEEPER_NAME_FMT, k->id, k->attempt, k->nonce);
	FILE *f = fopen(room_path(r, name), "w");
	ck_assert_uint_eq(fwrite(b.data, 1, b.len, f), b.len);
	fclose(f);
	buf_fini(&b);
	room_touch(r, "go");
	while (process_state(k->pid) && process_state(k->pid) != 'Z')
		usleep(1000);
	orphan_step(k);
	ck_assert_uint_eq(r->told[1].lost, 0);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 20);
	room_leave(r, 1);
	room_fini(r);
}
END_TEST

START_TEST(an_adopted_job_whose_keeper_died_is_paused_and_ended)
{
	struct room *r = room_new();
	room_init(r);
	room_run_and_be_killed(r, 1, UNTIL_GO("exit 15"));
	room_take_up(r, 1, LEVEL_RUN);
	ROOM_WAIT(r, r->told[1].running);
	room_orphan(r, 1);
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(r, r->told[1].stopped);
	ck_assert(process_is_still(r->told[1].attempt.pid));
	proc_order(r->proc, 1, LEVEL_END, 0);
	ROOM_WAIT(r, r->told[1].ended || r->told[1].lost);
	if (r->told[1].ended)
		ck_assert_int_eq(WTERMSIG(r->told[1].end.status), SIGKILL);
	room_finish(r, 1);
}
END_TEST

START_TEST(a_keeper_that_does_not_answer_is_silent_and_nobody_waits_for_it)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, "sleep 300");
	room_close(r);
	kill(r->told[1].attempt.keeper_pid, SIGSTOP);
	room_take_up(r, 1, LEVEL_RUN);
	room_run(r, 2, "exit 0");
	ROOM_WAIT(r, r->told[2].ended);
	ROOM_WAIT(r, r->told[1].silent);
	proc_order(r->proc, 1, LEVEL_STOP, 0);
	room_turn(r);
	kill(r->told[1].attempt.keeper_pid, SIGCONT);
	ROOM_WAIT(r, !r->told[1].silent && r->told[1].stopped);
	proc_order(r->proc, 1, LEVEL_END, 0);
	ROOM_WAIT(r, r->told[1].ended);
	proc_acknowledge(r->proc, 2);
	room_finish(r, 1);
}
END_TEST

START_TEST(an_acknowledgement_reaches_a_keeper_that_was_lost_sight_of)
{
	struct room *r = room_new();
	room_begin(r);
	room_run(r, 1, "exit 18");
	ROOM_WAIT(r, r->told[1].ended);
	r->told[1].ended = 0;
	reopen(r);
	room_adopt(r, 1, LEVEL_RUN);
	proc_adopted_all(r->proc);
	ROOM_WAIT(r, r->told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r->told[1].end.status), 18);
	room_finish(r, 1);
}
END_TEST

UNIT_MAIN("adopt", a_running_job_is_adopted_and_obeys,
    what_ended_while_no_jobd_was_there_is_read_from_its_exit_file,
    a_start_that_was_recorded_and_never_released_is_known_to_have_run_nothing,
    a_keeper_killed_while_no_jobd_was_there_leaves_its_status_with_the_command,
    a_zombie_that_was_held_is_found_again_by_the_next_jobd,
    another_jobs_keeper_is_adopted_and_lets_go,
    an_adopted_keeper_that_is_killed_never_leads_to_a_guessed_status,
    a_keeper_whose_socket_was_removed_is_silent_and_its_word_is_waited_for,
    an_orphan_the_kernel_does_not_tell_of_is_looked_up_on_disk_before_it_is_lost,
    an_adopted_job_whose_keeper_died_is_paused_and_ended,
    a_keeper_that_does_not_answer_is_silent_and_nobody_waits_for_it,
    an_acknowledgement_reaches_a_keeper_that_was_lost_sight_of)
