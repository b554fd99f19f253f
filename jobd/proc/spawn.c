/* SPDX-License-Identifier: ISC */
/*
 * Giving a job its keeper: one that rests, or a new one. To bring one into the
 * world takes posix_spawn, which costs the same however much memory jobd has,
 * and nothing of jobd's but six descriptors; the START message tells it
 * everything else.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/crash.h"
#include "lib/environment.h"

#define FD_FLOOR 16

/* What a keeper inherits: nothing that could reach the job, and what tests and tools need. */
static bool is_for_keeper(const char *var)
{
	static const char *const names[] = { "JOBD_CRASH_AT=keeper-", "ASAN_OPTIONS=",
		"UBSAN_OPTIONS=", "LSAN_OPTIONS=", "GCOV_PREFIX=", "GCOV_PREFIX_STRIP=" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(var, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* posix_spawn wants pointers to char; nothing is written through them. */
static void keeper_environment(char *env[8])
{
	size_t n = 0;
	for (char **v = environ; v && *v && n < 7; v++)
		if (is_for_keeper(*v))
			env[n++] = *v;
	env[n] = NULL;
}

static int add_actions(const struct proc *p, int socket, posix_spawn_file_actions_t *a)
{
	const struct {
		int from, to;
	} moves[] = {
		{ p->null_fd, 0 },
		{ p->null_fd, 1 },
		{ p->null_fd, 2 },
		{ socket, KEEPER_FD_SOCKET },
		{ p->keepers_fd, KEEPER_FD_LISTEN },
		{ p->log_fd, KEEPER_FD_LOGS },
		{ p->exits_fd, KEEPER_FD_EXITS },
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof moves / sizeof *moves; i++)
		rc = posix_spawn_file_actions_adddup2(a, moves[i].from, moves[i].to);
	return rc;
}

static int spawn(const struct keeper *k, int socket, pid_t *pid)
{
	char path[32], job[40], who[40], program[] = "jobd-keeper", *env[8];
	char *argv[] = { program, who, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all, none;

	snprintf(path, sizeof path, "/proc/self/fd/%d", k->p->binary_fd);
	/* For ps(1); with room for the jobs that may follow, which the keeper writes there itself. */
	snprintf(job, sizeof job, "%" PRIu64 ".%" PRIu32, k->id, k->attempt);
	snprintf(who, sizeof who, "%-24s", job);
	keeper_environment(env);
	sigfillset(&all);
	sigemptyset(&none);
	if (posix_spawnattr_init(&attr) != 0)
		return -ENOMEM;
	if (posix_spawn_file_actions_init(&actions) != 0) {
		posix_spawnattr_destroy(&attr);
		return -ENOMEM;
	}
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	int rc = add_actions(k->p, socket, &actions);
	if (rc == 0)
		rc = posix_spawn(pid, path, &actions, &attr, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

static void put_var(struct buf *b, const char *name, const char *value)
{
	struct buf text = BUF_INIT;
	buf_printf(&text, "%s=%s", name, value);
	if (text.failed)
		b->failed = true;
	else
		tlv_put_bytes(b, KTAG_ENV, text.data, text.len);
	buf_fini(&text);
}

static void put_environment(
    struct buf *b, const struct keeper *k, const struct job *j, char *const *env)
{
	const struct proc_options *o = &k->p->o;
	char number[24], invocation[160];
	struct buf notify = BUF_INIT;
	/* Ours come first: whoever asks whose a process is finds it early. */
	keeper_invocation(k, invocation, sizeof invocation);
	put_var(b, "JOBD_INVOCATION", invocation);
	snprintf(number, sizeof number, "%" PRIu64, k->id);
	put_var(b, "JOBD_ID", number);
	snprintf(number, sizeof number, "%" PRIu32, k->attempt);
	put_var(b, "JOBD_ATTEMPT", number);
	put_var(b, "JOBD_QUEUE", j->queue);
	if (j->name)
		put_var(b, "JOBD_NAME", j->name);
	put_var(b, "JOBD_SOCKET", o->socket_path);
	buf_printf(&notify, "%s/notify/%" PRIu64 ".%" PRIu32, o->runtime_dir, k->id, k->attempt);
	const char *name = buf_text(&notify);
	if (notify.failed)
		b->failed = true;
	else
		put_var(b, "NOTIFY_SOCKET", name);
	buf_fini(&notify);
	for (; env && *env; env++)
		if (!environment_is_own(*env))
			tlv_put_str(b, KTAG_ENV, *env);
	tlv_put_str(b, KTAG_INVOCATION, invocation);
}

static void put_start(struct keeper *k, const struct job *j, char *const *env, uint64_t grace_ms)
{
	const struct proc_options *o = &k->p->o;
	struct buf *b = &k->out;
	char log[64];
	dirs_log_name(k->id, k->attempt, log, sizeof log);
	size_t mark = kmsg_begin(b, KMSG_START);
	tlv_put_u64(b, KTAG_VERSION, KMSG_VERSION);
	tlv_put_u64(b, KTAG_ID, k->id);
	tlv_put_u64(b, KTAG_ATTEMPT, k->attempt);
	tlv_put_u64(b, KTAG_NONCE, k->nonce);
	tlv_put_strv(b, KTAG_ARG, j->command);
	put_environment(b, k, j, env);
	tlv_put_str(b, KTAG_CWD, j->cwd);
	tlv_put_u64(b, KTAG_UID, j->uid);
	tlv_put_u64(b, KTAG_SET_IDENTITY, o->set_identity);
	tlv_put_u64(b, KTAG_UMASK, (uint64_t)j->umask);
	tlv_put_str(b, KTAG_LOG, log);
	tlv_put_str(b, KTAG_CGROUP_BASE, k->p->cgroup_base);
	tlv_put_u64(b, KTAG_NOFILE_SOFT, o->nofile_soft);
	tlv_put_u64(b, KTAG_NOFILE_HARD, o->nofile_hard);
	tlv_put_u64(b, KTAG_GRACE_MS, grace_ms);
	kmsg_end(b, mark);
}

/* Both ends non-blocking and close-on-exec, and out of the way of a keeper's own numbers. */
static int make_pair(int sv[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		return -errno;
	if (sv[1] >= FD_FLOOR)
		return 0;
	int high = fcntl(sv[1], F_DUPFD_CLOEXEC, FD_FLOOR), error = errno;
	close(sv[1]);
	sv[1] = high;
	if (high >= 0)
		return 0;
	close(sv[0]);
	return -error;
}

/* A keeper that was not there before, with a connection to it. 0 or -errno. */
static int bear(struct keeper *k)
{
	int sv[2];
	int rc = make_pair(sv);
	if (rc < 0)
		return rc;
	if ((rc = conn_open(k, sv[0], LINK_UP)) < 0) {
		close(sv[0]);
	} else if ((rc = spawn(k, sv[1], &k->keeper_pid)) < 0) {
		k->keeper_pid = 0;
		conn_close(k);
	}
	close(sv[1]);
	return rc;
}

/* One that rests, and has had as much of START as its socket takes. -ENOENT where there is none. */
static int wake(struct keeper *k)
{
	int fd = rest_wake(k->p, &k->out, &k->keeper_pid);
	if (fd < 0)
		return -ENOENT;
	int rc = conn_open(k, fd, LINK_UP);
	k->woken = rc == 0;
	if (rc == 0)
		return 0;
	close(fd);
	k->keeper_pid = 0;
	return rc;
}

int spawn_keeper(struct keeper *k, const struct job *j, char *const *env, uint64_t grace_ms)
{
	put_start(k, j, env, grace_ms);
	if (k->out.failed)
		return -E2BIG;
	int rc = wake(k);
	if (rc == -ENOENT)
		rc = bear(k);
	if (rc < 0)
		return rc;
	k->child = true;
	roster_put(k, ROSTER_KEEPER);
	crash_point("spawned");
	conn_write(k);
	keeper_after(k, START_LIMIT_MS, keeper_report_unready);
	return 0;
}
