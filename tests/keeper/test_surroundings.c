/* SPDX-License-Identifier: ISC */
/*
 * What a command finds when a keeper has started it: its output, its environment, its directory, its
 * descriptors and signals, whose process it is, its cgroup.
 */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sanitized.h"
#include "lib/strv.h"
#include "tests/keeper/look.h"
#include "tests/keeper/rig.h"
#include "tests/unit/unit.h"

/* Runs argv to its end and gives what it wrote; the caller frees it. */
static char *output_of(struct rig *r, const struct job_spec *j)
{
	struct said s;
	rig_spawn(r);
	rig_start(r, j);
	rig_hear(r, KMSG_READY, &s);
	rig_say(r, KMSG_GATE);
	rig_hear_end(r, &s);
	ck_assert_msg(s.end.kind == KEEPER_END_EXITED, "%s: %s", s.end.step, strerror(s.end.error));
	keeper_end_fini(&s.end);
	char *text = rig_log(r);
	rig_ack(r);
	return text;
}

START_TEST(both_outputs_go_to_the_log_in_order_and_input_is_empty)
{
	struct rig r;
	struct stat st;
	char path[192];
	rig_init(&r);
	/* What a start that never ran left is replaced. */
	snprintf(path, sizeof(path), "%s/logs/log", r.dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(write(fd, "old", 3), 3);
	close(fd);
	char **argv = words("/bin/sh", "-c", "echo one; echo two >&2; cat; echo three");
	char *text = output_of(&r, &(struct job_spec){ .argv = argv });
	ck_assert_str_eq(text, "one\ntwo\nthree\n");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	free(text);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_link_in_place_of_the_log_is_not_followed)
{
	struct rig r;
	char path[192];
	rig_init(&r);
	snprintf(path, sizeof(path), "%s/logs/log", r.dir);
	ck_assert_int_eq(symlink("/etc/hostname-that-is-not-there", path), 0);
	char **argv = words("echo", "x", NULL);
	char *text = output_of(&r, &(struct job_spec){ .argv = argv });
	ck_assert_str_eq(text, "x\n");
	free(text);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(the_environment_is_what_was_sent_and_whose_it_is)
{
	struct rig r;
	char a[] = "A=1", empty[] = "EMPTY=", path[] = "PATH=/bin:/usr/bin", home[] = "HOME=/h",
	     user[] = "USER=u", logname[] = "LOGNAME=l", shell[] = "SHELL=/s";
	char *env[] = { a, empty, path, home, user, logname, shell, NULL };
	char **argv = words("/usr/bin/env", NULL, NULL);
	setenv("SECRET_OF_THE_DAEMON", "1", 1);
	rig_init(&r);
	char *text = output_of(
	    &r, &(struct job_spec){ .argv = argv, .env = env, .invocation = "host:7.2" });
	ck_assert_str_eq(text,
	    "A=1\nEMPTY=\nPATH=/bin:/usr/bin\nHOME=/h\nUSER=u\nLOGNAME=l\nSHELL=/s\n"
	    "JOBD_INVOCATION=host:7.2\n");
	free(text);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(what_login_would_set_is_added_where_it_is_missing)
{
	struct rig r;
	char a[] = "A=1", shell[] = "SHELL=/mine", *env[] = { a, shell, NULL }, want[1024];
	char **argv = words("/usr/bin/env", NULL, NULL);
	const struct passwd *pw = getpwuid(geteuid());
	rig_init(&r);
	if (pw)
		snprintf(want, sizeof(want),
		    "A=1\nSHELL=/mine\nHOME=%s\nUSER=%s\nLOGNAME=%s\nPATH=%s\n", pw->pw_dir,
		    pw->pw_name, pw->pw_name,
		    geteuid() == 0 ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
				   : "/usr/local/bin:/usr/bin:/bin");
	else
		snprintf(
		    want, sizeof(want), "A=1\nSHELL=/mine\nPATH=/usr/local/bin:/usr/bin:/bin\n");
	char *text = output_of(&r, &(struct job_spec){ .argv = argv, .env = env });
	ck_assert_str_eq(text, want);
	free(text);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(without_a_directory_it_starts_at_home)
{
	struct rig r;
	const struct passwd *pw = getpwuid(geteuid());
	char want[1024], **argv = words("/bin/pwd", "-P", NULL);
	rig_init(&r);
	ck_assert_int_lt(snprintf(want, sizeof(want), "%s\n", pw ? pw->pw_dir : "/"), 1024);
	char *text = output_of(&r, &(struct job_spec){ .argv = argv, .no_cwd = true });
	ck_assert_str_eq(text, want);
	free(text);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(the_program_is_looked_for_along_the_jobs_own_path)
{
	struct rig r;
	char file[192], path[192];
	rig_init(&r);
	snprintf(file, sizeof(file), "%s/work/mine", r.dir);
	FILE *f = fopen(file, "w");
	fputs("#!/bin/sh\necho found\n", f);
	fchmod(fileno(f), 0755);
	fclose(f);
	snprintf(path, sizeof(path), "PATH=%s/work", r.dir);
	char *env[] = { path, NULL }, **argv = words("mine", NULL, NULL);
	char *text = output_of(&r, &(struct job_spec){ .argv = argv, .env = env });
	ck_assert_str_eq(text, "found\n");
	free(text);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(descriptors_signals_mask_limits_and_session_are_clean)
{
	struct rig r;
	struct sigaction ign = { .sa_handler = SIG_IGN };
	sigset_t set;
	/* As an awkward starter would have left them. */
	sigaction(SIGUSR1, &ign, NULL);
	sigaction(SIGRTMIN + 3, &ign, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	rig_init(&r);
	char **argv = words("/bin/sh", "-c",
	    "ls /proc/self/fd | tr '\\n' ' '; echo; readlink /proc/self/fd/0; grep -E "
	    "'Sig(Blk|Ign)' "
	    "/proc/self/status; umask; ulimit -Sn; ulimit -Hn; set -- $(cat /proc/$$/stat); "
	    "[ $6 = $$ ] && echo session");
	char *text = output_of(&r, &(struct job_spec){ .argv = argv });
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* 3 is ls itself, reading the directory. */
	ck_assert_str_eq(text,
	    "0 1 2 3 "
	    "\n/dev/null\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0027\n123\n234\n"
	    "session\n");
	free(text);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(neither_the_keeper_nor_a_process_at_the_gate_can_be_looked_into)
{
	struct rig r;
	struct said s;
	struct stat st;
	char path[64], **argv = words("sleep", "60", NULL);
	rig_init(&r);
	rig_spawn(&r);
	rig_start(
	    &r, &(struct job_spec){
		    .argv = argv, .set_identity = geteuid() == 0, .uid = geteuid() == 0 ? 1 : 0 });
	rig_hear(&r, KMSG_READY, &s);
	/* The kernel gives what is not dumpable to root. */
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)s.pid);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
#if !SANITIZED_ADDRESS /* the keeper is dumpable then */
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)r.keeper);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
#endif
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(as_root_a_job_runs_as_its_user_and_nobody_else)
{
	struct rig r;
	struct stat st;
	char path[192], want[256];
	const struct passwd *pw = getpwnam("daemon");
	if (geteuid() != 0 || !pw)
		return; /* only root can be somebody else */
	rig_init(&r);
	char **argv = words("/bin/sh", "-c",
	    "grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status; touch mine; echo $HOME $USER");
	char path_var[] = "PATH=/bin:/usr/bin", *env[] = { path_var, NULL };
	unsigned uid = pw->pw_uid, gid = pw->pw_gid;
	gid_t groups[64];
	int n = 64;
	ck_assert_int_ge(getgrouplist("daemon", pw->pw_gid, groups, &n), 1);
	ck_assert_int_eq(n, 1);
	snprintf(want, sizeof(want),
	    "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nGroups:\t%u "
	    "\nCapEff:\t0000000000000000\n%s "
	    "daemon\n",
	    uid, uid, uid, uid, gid, gid, gid, gid, gid, pw->pw_dir);
	char *text = output_of(
	    &r, &(struct job_spec){ .argv = argv, .env = env, .set_identity = true, .uid = uid });
	ck_assert_str_eq(text, want);
	snprintf(path, sizeof(path), "%s/work/mine", r.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, uid);
	snprintf(path, sizeof(path), "%s/logs/log", r.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, uid);
	free(text);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(as_root_roots_own_job_has_roots_groups)
{
	struct rig r;
	char path_var[] = "PATH=/bin:/usr/bin", *env[] = { path_var, NULL };
	if (geteuid() != 0)
		return; /* only root can be somebody else */
	gid_t odd = 4242;
	ck_assert_int_eq(setgroups(1, &odd), 0);
	rig_init(&r);
	char **argv =
	    words("/bin/sh", "-c", "grep -E '^(Uid|Groups)' /proc/self/status; echo $USER");
	char *text = output_of(
	    &r, &(struct job_spec){ .argv = argv, .env = env, .set_identity = true, .uid = 0 });
	ck_assert_ptr_nonnull(strstr(text, "Uid:\t0\t0\t0\t0\n"));
	ck_assert_ptr_null(strstr(text, "4242"));
	ck_assert_ptr_nonnull(strstr(text, "\nroot\n"));
	free(text);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_job_in_a_cgroup_says_so_and_leaves_none_behind)
{
	struct rig r;
	struct said s;
	char base[128], dir[256];
	rig_init(&r);
	snprintf(base, sizeof(base), "/sys/fs/cgroup/unified/test-%d", (int)getpid());
	bool can = mkdir(base, 0755) == 0;
	if (!can) {
		snprintf(base, sizeof(base), "/sys/fs/cgroup/test-%d", (int)getpid());
		can = mkdir(base, 0755) == 0;
	}
	char **argv = words("/bin/sh", "-c", "setsid sleep 60 & exit 3");
	rig_spawn(&r);
	rig_start(&r, &(struct job_spec){ .argv = argv, .cgroup = base });
	rig_hear(&r, KMSG_READY, &s);
	ck_assert_int_eq(s.has_cgroup, can); /* where there is none, the job runs all the same */
	rig_say(&r, KMSG_GATE);
	rig_hear_end(&r, &s);
	ck_assert_int_eq(s.end.status, 3 << 8);
	rig_ack(&r);
	snprintf(dir, sizeof(dir), "%s/%s", base, r.name);
	ck_assert_int_lt(access(dir, F_OK), 0);
	if (can)
		ck_assert_int_eq(rmdir(base), 0);
	strv_free(argv);
	rig_fini(&r);
}
END_TEST

START_TEST(a_long_command_line_and_environment_arrive_whole)
{
	struct rig r;
	char *big = malloc(100001), **env = NULL, want[64];
	memset(big, 'x', 100000);
	big[100000] = '\0';
	memcpy(big, "BIG=", 4);
	strv_add(&env, big);
	strv_add(&env, "PATH=/bin:/usr/bin");
	char **argv = words("/bin/sh", "-c", "echo ${#BIG} ${#0}");
	strv_add(&argv, big);
	rig_init(&r);
	char *text = output_of(&r, &(struct job_spec){ .argv = argv, .env = env });
	snprintf(want, sizeof(want), "%d %d\n", 100000 - 4, 100000);
	ck_assert_str_eq(text, want);
	free(text);
	free(big);
	strv_free(argv);
	strv_free(env);
	rig_fini(&r);
}
END_TEST

UNIT_MAIN("keeper: surroundings", both_outputs_go_to_the_log_in_order_and_input_is_empty,
    a_link_in_place_of_the_log_is_not_followed, the_environment_is_what_was_sent_and_whose_it_is,
    what_login_would_set_is_added_where_it_is_missing, without_a_directory_it_starts_at_home,
    the_program_is_looked_for_along_the_jobs_own_path,
    descriptors_signals_mask_limits_and_session_are_clean,
    neither_the_keeper_nor_a_process_at_the_gate_can_be_looked_into,
    as_root_a_job_runs_as_its_user_and_nobody_else, as_root_roots_own_job_has_roots_groups,
    a_job_in_a_cgroup_says_so_and_leaves_none_behind,
    a_long_command_line_and_environment_arrive_whole)
