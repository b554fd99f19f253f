/* SPDX-License-Identifier: ISC */
/* A keeper that stays for another job: it takes one, and nothing of the last one is met there. */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/keeper/look.h"
#include "tests/keeper/rig.h"
#include "tests/unit/unit.h"

/* The next job of a keeper that stayed. */
static void next_job(struct rig *r, const char *script, const char *log)
{
	struct said s;
	char sh[] = "/bin/sh", c[] = "-c", *text = strdup(script), *argv[] = { sh, c, text, NULL };
	rig_start(r, &(struct job_spec){ .argv = argv, .log = log });
	free(text);
	rig_hear(r, KMSG_READY, &s);
	ck_assert_int_eq(s.keeper_pid, r->keeper);
	rig_say(r, KMSG_GATE);
}

START_TEST(a_keeper_that_is_asked_to_stay_takes_another_job)
{
	struct rig r;
	struct said s;
	struct keeper_end e;
	rig_init(&r);
	rig_run(&r, "sleep 60 & echo one; exit 1");
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 1 << 8);
	rig_ack_stay(&r);
	next_job(&r, "kill -KILL $$", "log2");
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, SIGKILL);
	ck_assert_uint_eq(s.end.attempt, RIG_ATTEMPT + 1);
	ck_assert_uint_eq(s.end.nonce, r.nonce);
	ck_assert_uint_lt(s.end.cpu_us, 1000000);
	rig_ack_stay(&r);
	/* Nothing of an earlier job's orders holds: this one can be paused, cancelled, lost. */
	next_job(&r, "echo x >ran; sleep 60; exit 3", "log3");
	rig_wait_file(&r, "ran");
	rig_desire(&r, LEVEL_STOP, 0);
	rig_hear(&r, KMSG_STATE, &s);
	ck_assert_uint_eq(s.level, LEVEL_STOP);
	rig_desire(&r, LEVEL_END, 0);
	rig_hear(&r, KMSG_STATE, &s);
	ck_assert_uint_eq(s.level, LEVEL_END);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, SIGKILL);
	rig_ack_stay(&r);
	next_job(&r, "exit 4", "log4");
	rig_hang_up(&r);
	rig_wait_gone(&r);
	ck_assert(rig_exit_file(&r, &e));
	ck_assert_int_eq(e.status, 4 << 8);
	ck_assert_uint_eq(e.attempt, RIG_ATTEMPT + 3);
	keeper_end_fini(&e);
	rig_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_stayed_can_fail_a_start_and_leaves_when_nobody_wants_it)
{
	struct rig r;
	struct said s;
	char nosuch[] = "nosuchprog", *argv[] = { nosuch, NULL };
	rig_init(&r);
	rig_run(&r, "exit 1");
	rig_hear_end(&r, &s);
	rig_ack_stay(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv, .log = "log2", .cwd = "/nosuchdir" });
	rig_hear(&r, KMSG_READY, &s);
	rig_say(&r, KMSG_GATE);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_str_eq(s.end.step, "chdir /nosuchdir");
	keeper_end_fini(&s.end);
	rig_ack_stay(&r);
	next_job(&r, "exit 0", "log3");
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_EXITED);
	ck_assert_ptr_null(s.end.step);
	rig_ack_stay(&r);
	rig_hang_up(&r);
	rig_wait_gone(&r);
	rig_fini(&r);
}
END_TEST

/* All that the kernel says of a keeper which a job could have changed. The caller frees it. */
static char *condition_of(pid_t keeper)
{
	char command[512], *text = NULL;
	size_t size = 0;
	snprintf(command, sizeof(command),
	    "exec 2>/dev/null; cd /proc/%d && "
	    "grep -E '^(Umask|Uid|Gid|Groups|SigBlk|SigIgn|SigCgt|CapEff|Threads)' status; "
	    "cut -d' ' -f18,19,40,41 stat; cat oom_score_adj limits; readlink cwd; "
	    "for f in fd/*; do echo \"$f $(readlink \"$f\")\"; done",
	    (int)keeper);
	FILE *f = popen(command, "r");
	ck_assert_int_gt(getdelim(&text, &size, EOF, f), 0);
	ck_assert_int_eq(pclose(f), 0);
	ck_assert_ptr_nonnull(strstr(text, "Umask:\t0077\n"));
	if (geteuid() == 0) /* nobody else may see these */
		ck_assert_ptr_nonnull(strstr(text, "fd/0 /dev/null\n"));
	return text;
}

START_TEST(a_keeper_is_after_three_jobs_as_it_was_after_one)
{
	struct rig r;
	struct said s;
	char echo[] = "echo", *argv[] = { echo, NULL };
	rig_init(&r);
	rig_run(&r, "echo x");
	rig_hear_end(&r, &s);
	rig_ack_stay(&r);
	char *before = condition_of(r.keeper);
	/* Paused, killed, with others beside it; a start that failed; another user. */
	next_job(&r, "umask 0; sleep 60 & setsid sleep 60 & echo x >ran; sleep 60", "log2");
	rig_wait_file(&r, "ran");
	rig_desire(&r, LEVEL_STOP, 0);
	rig_hear(&r, KMSG_STATE, &s);
	ck_assert_uint_eq(s.level, LEVEL_STOP);
	rig_desire(&r, LEVEL_END, 0);
	rig_hear_end(&r, &s);
	rig_ack_stay(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv, .log = "log3", .cwd = "/nosuchdir" });
	rig_hear(&r, KMSG_READY, &s);
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	keeper_end_fini(&s.end);
	rig_ack_stay(&r);
	rig_start(&r, &(struct job_spec){
			  .argv = argv, .log = "log4", .set_identity = geteuid() == 0, .uid = 1 });
	rig_hear(&r, KMSG_READY, &s);
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_EXITED);
	rig_ack_stay(&r);
	char *after = condition_of(r.keeper);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
	rig_fini(&r);
}
END_TEST

START_TEST(who_wrote_nothing_leaves_no_log)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "exit 0");
	rig_hear_end(&r, &s);
	ck_assert(s.end.silent);
	rig_ack_stay(&r);
	next_job(&r, "echo from the second", "log2");
	rig_hear_end(&r, &s);
	ck_assert(!s.end.silent);
	rig_ack_stay(&r);
	ck_assert(!rig_has(&r, "logs/log")); /* it is the second's now */
	next_job(&r, ": >&2", "log3");
	rig_hear_end(&r, &s);
	ck_assert(s.end.silent);
	rig_ack(&r);
	ck_assert(!rig_has(&r, "logs/log3")); /* it went with the keeper */
	ck_assert(rig_has(&r, "logs/log2"));
	rig_fini(&r);
}
END_TEST

START_TEST(a_log_that_its_user_has_named_elsewhere_serves_no_other_job)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "ln -L /proc/self/fd/1 kept");
	rig_hear_end(&r, &s);
	ck_assert(!s.end.silent);
	rig_ack_stay(&r);
	next_job(&r, "echo secret", "log2");
	rig_hear_end(&r, &s);
	rig_ack_stay(&r);
	ck_assert_int_eq(rig_size(&r, "kept"), 0);
	rig_fini(&r);
}
END_TEST

/* Flags and offset belong to the open file, which is shared with whoever has a copy of it. */
START_TEST(what_a_silent_job_does_to_its_open_file_is_not_met_by_the_next)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "exec perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK) or die;"
		    " seek(STDOUT, 5000000, 0) or die'");
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 0);
	ck_assert(s.end.silent);
	rig_ack_stay(&r);
	next_job(&r, "grep flags /proc/self/fdinfo/1", "log");
	rig_hear_end(&r, &s);
	char *text = rig_log(&r);
	ck_assert_msg(strncmp(text, "flags:\t", 7) == 0, "%s", text);
	unsigned long flags = strtoul(text + 7, NULL, 8);
	ck_assert((flags & O_APPEND) && !(flags & O_NONBLOCK));
	free(text);
	rig_fini(&r);
}
END_TEST

START_TEST(a_lease_on_a_silent_jobs_log_holds_nobody_up)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "exec perl -e 'use Fcntl; fcntl(STDOUT, 1024, F_WRLCK) or die'"); /* F_SETLEASE */
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 0);
	ck_assert(s.end.silent);
	rig_ack_stay(&r);
	uint64_t before = clock_mono_us();
	next_job(&r, "grep flags /proc/self/fdinfo/1", "log2");
	ck_assert_uint_lt(clock_mono_us() - before, 10000000 * unit_slowness()); /* and not 45 s */
	rig_hear_end(&r, &s);
	ck_assert(!rig_has(&r, "logs/log"));
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(what_is_written_to_a_silent_log_from_outside_goes_with_it)
{
	struct rig r;
	struct said s;
	char path[128];
	rig_init(&r);
	rig_run(&r, "exit 0");
	rig_hear_end(&r, &s);
	ck_assert(s.end.silent);
	snprintf(path, sizeof(path), "%s/logs/log", r.dir);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	rig_ack_stay(&r);
	ck_assert_int_eq(write(fd, "late", 4), 4);
	close(fd);
	next_job(&r, "echo mine", "log2");
	rig_hear_end(&r, &s);
	ck_assert(!rig_has(&r, "logs/log"));
	rig_ack(&r);
	ck_assert(rig_has(&r, "logs/log2"));
	rig_fini(&r);
}
END_TEST

/* Somebody holds the first user's log open all the while. */
START_TEST(a_silent_jobs_log_serves_no_other_user)
{
	struct rig r;
	struct said s;
	struct stat st;
	char path[128], echo[] = "echo", *argv[] = { echo, NULL };
	if (geteuid() != 0)
		return;
	rig_init(&r);
	rig_run(&r, "exit 0");
	rig_hear_end(&r, &s);
	rig_ack_stay(&r);
	snprintf(path, sizeof(path), "%s/logs/log", r.dir);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	rig_start(&r, &(struct job_spec){ .argv = argv, .log = "log2", .set_identity = true, .uid = 1 });
	rig_hear(&r, KMSG_READY, &s);
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(write(fd, "forged", 6), 6);
	close(fd);
	rig_ack_stay(&r);
	snprintf(path, sizeof(path), "%s/logs/log2", r.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 1);
	ck_assert_uint_eq(st.st_uid, 1);
	rig_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_hurries_hands_that_to_no_job)
{
	struct rig r;
	struct said s;
	const struct sched_param first = { .sched_priority = 1 };
	char sh[] = "/bin/sh", c[] = "-c", text[] = "cut -d' ' -f40,41 /proc/self/stat >was",
	     *argv[] = { sh, c, text, NULL }, path[192], was[16] = "";
	rig_init(&r);
	rig_spawn(&r);
	if (sched_setscheduler(r.keeper, SCHED_FIFO, &first) < 0) {
		rig_fini(&r);
		return; /* as for a keeper itself: only root may */
	}
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 0);
	snprintf(path, sizeof(path), "%s/work/was", r.dir);
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(was, sizeof(was), f));
	fclose(f);
	ck_assert_str_eq(was, "0 0\n");
	rig_ack(&r);
	rig_fini(&r);
}
END_TEST

static void shows_in_ps(pid_t keeper, const char *want)
{
	char path[64], text[128] = "";
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)keeper);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	ck_assert_int_gt(n, (ssize_t)strlen("jobd-keeper") + 1);
	const char *title = text + strlen("jobd-keeper") + 1;
	ck_assert_uint_eq(strlen(title), strlen(RIG_TITLE));
	ck_assert_uint_eq(strspn(title + strlen(want), " "), strlen(RIG_TITLE) - strlen(want));
	ck_assert_msg(strncmp(title, want, strlen(want)) == 0, "%s, not %s", title, want);
}

START_TEST(the_title_of_a_keeper_tells_its_job)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "exit 0");
	shows_in_ps(r.keeper, "7.2");
	rig_hear_end(&r, &s);
	shows_in_ps(r.keeper, "7.2");
	rig_ack_stay(&r);
	shows_in_ps(r.keeper, "idle");
	next_job(&r, "exit 0", "log2");
	shows_in_ps(r.keeper, "7.3");
	rig_hear_end(&r, &s);
	rig_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_the_host_told_to_end_takes_no_other_job)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_run(&r, "trap 'exit 5' TERM; echo x >ran; while :; do sleep 0.02; done");
	rig_wait_file(&r, "ran");
	kill(r.keeper, SIGTERM);
	rig_hear_end(&r, &s);
	ck_assert(s.end.shutdown);
	rig_say_stay(&r);
	rig_wait_gone(&r);
	rig_fini(&r);
}
END_TEST

UNIT_MAIN("keeper: stay", a_keeper_that_is_asked_to_stay_takes_another_job,
    a_keeper_that_stayed_can_fail_a_start_and_leaves_when_nobody_wants_it,
    a_keeper_is_after_three_jobs_as_it_was_after_one, who_wrote_nothing_leaves_no_log,
    a_log_that_its_user_has_named_elsewhere_serves_no_other_job,
    what_a_silent_job_does_to_its_open_file_is_not_met_by_the_next,
    a_lease_on_a_silent_jobs_log_holds_nobody_up,
    what_is_written_to_a_silent_log_from_outside_goes_with_it,
    a_silent_jobs_log_serves_no_other_user, a_keeper_that_hurries_hands_that_to_no_job,
    the_title_of_a_keeper_tells_its_job, a_keeper_that_the_host_told_to_end_takes_no_other_job)
