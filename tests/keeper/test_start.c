/* SPDX-License-Identifier: ISC */
/*
 * How a keeper starts a command: set-up, gate, and every way in which that fails. Whatever was not
 * let through the gate is known to have run nothing.
 */
#include "config.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/procfs.h"
#include "lib/strv.h"
#include "tests/keeper/look.h"
#include "tests/keeper/rig.h"
#include "tests/unit/unit.h"

/* How many logs there are, of whatever name. */
static int logs(const struct rig *r)
{
	char path[96];
	int n = 0;
	snprintf(path, sizeof(path), "%s/logs", r->dir);
	DIR *d = opendir(path);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* A job that can't be started says so before READY, and leaves no log. */
static void expect_unfit(const struct job_spec *j, const char *step, int error)
{
	struct rig r;
	struct said s;
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, j);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_SPAWN);
	ck_assert_str_eq(s.end.step, step);
	ck_assert_int_eq(s.end.error, error);
	ck_assert(s.end.empty);
	ck_assert_uint_eq(s.end.id, RIG_ID);
	ck_assert_uint_eq(s.end.attempt, RIG_ATTEMPT);
	keeper_end_fini(&s.end);
	rig_ack(&r);
	ck_assert_int_eq(logs(&r), 0);
	rig_fini(&r);
}

START_TEST(a_command_runs_when_the_gate_is_open_and_its_end_is_told_once)
{
	struct rig r;
	struct said s;
	char **argv = words("true", NULL, NULL);
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	ck_assert_int_eq(s.keeper_pid, r.keeper);
	ck_assert_int_gt(s.pid, 0);
	ck_assert_uint_gt(s.keeper_start, 0);
	ck_assert_uint_ge(s.pid_start, s.keeper_start);
	ck_assert(!s.has_cgroup);
	ck_assert(rig_has(&r, r.name));
	rig_say(&r, KMSG_GATE);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_EXITED);
	ck_assert_int_eq(s.end.status, 0);
	ck_assert(s.end.empty);
	ck_assert(!s.end.shutdown);
	ck_assert_uint_eq(s.end.nonce, r.nonce);
	ck_assert_uint_gt(s.end.ended_at_us, 1000000);
	ck_assert(!rig_is_spoken_to(&r, 50));
	rig_ack(&r);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(nothing_runs_before_the_gate_is_open)
{
	struct rig r;
	struct said s;
	char **argv = words("touch", "ran", NULL);
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	ck_assert(!rig_is_spoken_to(&r, 100));
	ck_assert(!rig_has(&r, "work/ran"));
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	ck_assert(rig_has(&r, "work/ran"));
	rig_ack(&r);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_gate_that_closes_leaves_a_record_that_nothing_was_run)
{
	struct rig r;
	struct said s;
	struct keeper_end e;
	char **argv = words("touch", "ran", NULL);
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	rig_hang_up(&r);
	rig_wait_gone(&r);
	ck_assert(rig_exit_file(&r, &e));
	ck_assert_int_eq(e.kind, KEEPER_END_NEVER_RAN);
	ck_assert_uint_eq(e.nonce, r.nonce);
	ck_assert(!rig_has(&r, "work/ran"));
	ck_assert_int_eq(logs(&r), 0);
	keeper_end_fini(&e);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(an_end_that_is_wanted_before_the_gate_is_an_end_without_a_run)
{
	struct rig r;
	struct said s;
	char **argv = words("touch", "ran", NULL);
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	rig_desire(&r, LEVEL_END, 1000);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_NEVER_RAN);
	ck_assert(s.end.empty);
	ck_assert(!rig_has(&r, "work/ran"));
	rig_ack(&r);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_process_that_is_killed_at_the_gate_never_ran)
{
	struct rig r;
	struct said s;
	char **argv = words("true", NULL, NULL);
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	kill(s.pid, SIGKILL);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_NEVER_RAN);
	ck_assert(s.end.empty);
	rig_say(&r, KMSG_GATE); /* may have been under way */
	ck_assert(!rig_is_spoken_to(&r, 50));
	rig_ack(&r);
	ck_assert_int_eq(logs(&r), 0);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_process_that_is_killed_before_it_sees_the_open_gate_never_ran)
{
	struct rig r;
	struct said s;
	char **argv = words("true", NULL, NULL);
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	kill(s.pid, SIGSTOP);
	wait_state(s.pid, "T");
	rig_say(&r, KMSG_GATE);
	for (int i = 0; i < PATIENCE_MS && !rig_has(&r, "logs/log"); i++)
		nap(1);
	kill(s.pid, SIGKILL);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_NEVER_RAN);
	ck_assert(s.end.empty);
	rig_ack(&r);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

/* The keeper's child, as soon as there is one. */
static pid_t child_of(pid_t keeper)
{
	struct pidlist l = PIDLIST_INIT;
	int proc = procfs_open();
	for (int i = 0; i < PATIENCE_MS * 1000 && l.n == 0; i++)
		procfs_children(proc, keeper, keeper, &l);
	close(proc);
	ck_assert_uint_eq(l.n, 1);
	pid_t pid = l.v[0];
	free(l.v);
	return pid;
}

START_TEST(a_process_that_is_killed_while_it_sets_itself_up_never_ran)
{
	struct rig r;
	struct said s;
	char **argv = words("true", NULL, NULL);
	rig_init(&r);
	/* As far as one can hit that moment. */
	for (int i = 0; i < 10; i++) {
		rig_spawn(&r);
		rig_start(&r, &(struct job_spec){ .argv = argv });
		kill(child_of(r.keeper), SIGKILL);
		rig_hear_end(&r, &s);
		ck_assert_int_eq(s.end.kind, KEEPER_END_NEVER_RAN);
		rig_ack(&r);
		rig_hang_up(&r);
	}
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_named)
{
	struct rig r;
	struct said s;
	char **argv = words("nosuchprog", "x", NULL);
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	rig_say(&r, KMSG_GATE);
	rig_hear(&r, KMSG_END, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_SPAWN);
	ck_assert_str_eq(s.end.step, "exec nosuchprog");
	ck_assert_int_eq(s.end.error, ENOENT);
	ck_assert(s.end.empty);
	keeper_end_fini(&s.end);
	rig_ack(&r);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

/* Behind the gate, as the program is: the job before it may have to make the directory. */
static void expect_no_entry(const struct job_spec *j, int error)
{
	struct rig r;
	struct said s;
	char step[200];
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, j);
	rig_hear(&r, KMSG_READY, &s);
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	snprintf(step, sizeof(step), "chdir %s", j->cwd);
	ck_assert_int_eq(s.end.kind, KEEPER_END_SPAWN);
	ck_assert_str_eq(s.end.step, step);
	ck_assert_int_eq(s.end.error, error);
	keeper_end_fini(&s.end);
	rig_ack(&r);
	rig_fini(&r);
}

START_TEST(a_directory_is_entered_when_the_gate_is_open)
{
	struct rig r;
	struct said s;
	char dir[128];
	char **argv = words("pwd", NULL, NULL);
	rig_init(&r);
	snprintf(dir, sizeof(dir), "%s/made-later", r.dir);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv, .cwd = dir });
	rig_hear(&r, KMSG_READY, &s);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_EXITED);
	ck_assert_int_eq(s.end.status, 0);
	rig_ack(&r);
	rig_fini(&r);
	expect_no_entry(&(struct job_spec){ .argv = argv, .cwd = "/nosuchdir" }, ENOENT);
	strv_free(argv);
}
END_TEST

START_TEST(a_set_up_that_fails_names_its_step)
{
	char **argv = words("true", NULL, NULL);
	expect_unfit(&(struct job_spec){ .argv = argv, .set_identity = true, .uid = 4242424242 },
	    "user 4242424242 is unknown", 0);
	expect_unfit(&(struct job_spec){ .argv = NULL }, "the message that starts it", EBADMSG);
	strv_free(argv);
}
END_TEST

START_TEST(a_socket_that_can_not_be_made_fails_the_start)
{
	struct rig r;
	struct said s;
	char **argv = words("touch", "ran", NULL), path[192];
	rig_init(&r);
	snprintf(path, sizeof(path), "%s/keepers/%s", r.dir, r.name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_SPAWN);
	ck_assert_str_eq(s.end.step, "listening socket");
	ck_assert_int_eq(s.end.error, EADDRINUSE);
	ck_assert(!rig_has(&r, "work/ran"));
	keeper_end_fini(&s.end);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_log_that_can_not_have_its_name_fails_the_start)
{
	struct rig r;
	struct said s;
	char **argv = words("touch", "ran", NULL);
	rig_init(&r);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv, .log = "no/log" });
	rig_hear(&r, KMSG_READY, &s);
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.kind, KEEPER_END_SPAWN);
	ck_assert_str_eq(s.end.step, "log no/log");
	ck_assert_int_eq(s.end.error, ENOENT);
	ck_assert(!rig_has(&r, "work/ran"));
	keeper_end_fini(&s.end);
	rig_ack(&r);
	ck_assert_int_eq(logs(&r), 0);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

/* As when a name service hung, and jobd died and was started again. */
START_TEST(a_late_start_leaves_the_log_of_the_one_that_runs)
{
	struct rig late, r;
	struct said s;
	char **argv = words("echo", "output", NULL);
	rig_init(&late);
	rig_spawn(&late);
	kill(late.keeper, SIGSTOP);
	rig_start(&late, &(struct job_spec){ .argv = argv });
	rig_hang_up(&late);
	r = late;
	r.nonce++;
	snprintf(r.name, sizeof(r.name), KEEPER_NAME_FMT, (uint64_t)RIG_ID, r.attempt, r.nonce);
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv });
	rig_hear(&r, KMSG_READY, &s);
	kill(late.keeper, SIGCONT);
	rig_wait_gone(&late);
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	rig_ack(&r);
	char *text = rig_log(&r);
	ck_assert_str_eq(text, "output\n");
	free(text);
	ck_assert_int_eq(logs(&r), 1);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_directory_the_user_may_not_enter_fails_his_job)
{
	struct rig r;
	char dir[128];
	if (geteuid() != 0)
		return; /* needs two users */
	rig_init(&r);
	snprintf(dir, sizeof(dir), "%s/logs", r.dir);
	char **argv = words("true", NULL, NULL);
	expect_no_entry(&(struct job_spec){ .argv = argv, .set_identity = true, .uid = 1, .cwd = dir },
	    EACCES);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_keeper_that_nobody_talks_to_leaves)
{
	struct rig r;
	rig_init(&r);
	rig_spawn(&r);
	rig_hang_up(&r);
	rig_wait_gone(&r);
	rig_fini(&r);
}
END_TEST

UNIT_MAIN("keeper: start", a_command_runs_when_the_gate_is_open_and_its_end_is_told_once,
    nothing_runs_before_the_gate_is_open, a_gate_that_closes_leaves_a_record_that_nothing_was_run,
    an_end_that_is_wanted_before_the_gate_is_an_end_without_a_run,
    a_process_that_is_killed_at_the_gate_never_ran,
    a_process_that_is_killed_before_it_sees_the_open_gate_never_ran,
    a_process_that_is_killed_while_it_sets_itself_up_never_ran,
    a_program_that_is_not_there_is_named, a_directory_is_entered_when_the_gate_is_open,
    a_set_up_that_fails_names_its_step, a_socket_that_can_not_be_made_fails_the_start,
    a_log_that_can_not_have_its_name_fails_the_start,
    a_late_start_leaves_the_log_of_the_one_that_runs,
    a_directory_the_user_may_not_enter_fails_his_job, a_keeper_that_nobody_talks_to_leaves)
