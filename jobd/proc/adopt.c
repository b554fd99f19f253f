/* SPDX-License-Identifier: ISC */
/*
 * Taking up a job that a former jobd started, and reaching again a keeper whose
 * connection broke. In this order, since each rules out the one before it:
 *
 *	another boot		no keeper can live: the exit file, else lost
 *	the keeper listens	it tells all
 *	nobody listens		it is dead, so it writes no more: its exit file
 *	no socket at all	the same, unless a process is there that is the keeper
 *	the command lives	the room looks after it (orphan.c)
 *	nothing			lost; who survives is named, and ended
 *
 * A keeper that is there and does not answer is said to be silent; nobody waits
 * for it. What can go wrong with a socket for want of memory or descriptors is
 * tried again.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/crash.h"
#include "lib/log.h"
#include "lib/procfs.h"
#include "lib/status.h"

#define RETRY_FIRST_MS 10
#define RETRY_LAST_MS  1000
#define EXIT_FILE_MAX  (64 * 1024)

static void connect_keeper(struct keeper *k);

static bool is_other_boot(const struct keeper *k)
{
	return k->boot_id && strcmp(k->boot_id, k->p->o.boot_id) != 0;
}

bool adopt_is_child(pid_t pid, uint64_t start)
{
	return pid > 0 && status_wait(pid, true, NULL, NULL) >= 0 && tree_start_time(pid) == start;
}

static uint64_t unanswered_ms(struct keeper *k)
{
	uint64_t now = clock_mono_us();
	if (!k->unanswered_since_us)
		k->unanswered_since_us = now;
	return (now - k->unanswered_since_us) / 1000;
}

static void on_silent(struct keeper *k)
{
	keeper_report_silent(k, true);
}

static void try_later(struct keeper *k)
{
	uint64_t ms = RETRY_LAST_MS;
	if (k->tries < 7)
		ms = RETRY_FIRST_MS << k->tries++;
	if (unanswered_ms(k) > SILENT_AFTER_MS)
		keeper_report_silent(k, true);
	keeper_after(k, ms, connect_keeper);
}

static bool is_peer_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    (peer.uid == geteuid() || peer.uid == 0);
}

/* A connected descriptor, or -errno. */
static int dial(const struct keeper *k)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char name[KEEPER_NAME_MAX];
	keeper_name(k, name);
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%s", k->p->keepers_fd, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int rc = connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : 0;
	if (rc == 0 && !is_peer_trusted(fd))
		rc = -EPERM;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/*
 * A socket's file may have been removed under a keeper that lives, and its job
 * goes on: it can't be reached, but it will write how the job ended. A zombie
 * writes no more, whoever's child it is.
 */
static bool is_keeper_alive(const struct keeper *k)
{
	struct procfs_stat st;
	return k->keeper_pid > 0 && procfs_look(k->keeper_pid, &st) == 0 &&
	    st.start == k->keeper_start && st.state != 'Z' && st.state != 'X';
}

/* Of a child SIGCHLD tells, and tells more: until then it may still write. */
static bool is_keeper_dead(const struct keeper *k, int error)
{
	if (k->child)
		return false;
	return error == -ECONNREFUSED || (error == -ENOENT && !is_keeper_alive(k));
}

static void connect_keeper(struct keeper *k)
{
	int fd = dial(k);
	if (fd >= 0 && conn_open(k, fd, LINK_GREETING) < 0) {
		close(fd);
		fd = -ENOMEM;
	}
	if (fd >= 0) {
		crash_point("adopt-connected");
		conn_send_hello(k);
		uint64_t waited = unanswered_ms(k);
		if (!k->silent)
			keeper_after(k, waited < SILENT_AFTER_MS ? SILENT_AFTER_MS - waited : 0, on_silent);
		return;
	}
	if (is_keeper_dead(k, fd)) {
		keeper_gone(k, -1);
		return;
	}
	if (fd == -EPERM)
		keeper_log(LOG_ERR, k, "keeper-refused", "its socket is another user's");
	try_later(k);
}

void adopt_begin(struct keeper *k)
{
	crash_point("adopt-begun");
	if (is_other_boot(k)) {
		keeper_set_pid(k, 0, 0); /* these numbers are somebody else's by now */
		k->dead = true;
		adopt_without_keeper(k, "the host restarted");
		return;
	}
	/* Opened before anything can end: the kernel tells the status to who held one. */
	k->pidfd = pidinfo_open(k->pid, k->pid_start);
	k->ran = pidinfo_has_run(k->pid, k->pid_start) > 0;
	connect_keeper(k);
}

void adopt_reconnect(struct keeper *k)
{
	try_later(k);
}

void adopt_greeted(struct keeper *k)
{
	k->unanswered_since_us = 0;
	keeper_after(k, SILENT_AFTER_MS, on_silent);
	keeper_report_silent(k, false);
}

static bool read_file(int dir, const char *name, struct buf *b)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	int rc = buf_read(b, fd, EXIT_FILE_MAX);
	close(fd);
	return rc == 0;
}

bool adopt_take_exit_file(struct keeper *k)
{
	char name[KEEPER_NAME_MAX];
	struct buf b = BUF_INIT;
	struct keeper_end e = { 0 };
	keeper_name(k, name);
	bool well = read_file(k->p->exits_fd, name, &b);
	if (well) {
		struct tlv_reader r = { b.data, b.len, false };
		well = keeper_end_get(&r, &e) && e.id == k->id && e.attempt == k->attempt &&
		    e.nonce == k->nonce;
		if (!well)
			keeper_log(LOG_ERR, k, "bad-exit-file", name);
	}
	buf_fini(&b);
	if (!well) {
		keeper_end_fini(&e);
		return false;
	}
	if (e.kind == KEEPER_END_SPAWN && !e.step)
		e.step = strdup("start");
	keeper_end_fini(&k->end);
	k->end = e;
	k->has_end = true;
	return true;
}

static bool is_command_there(struct keeper *k)
{
	if (k->pid <= 0)
		return false;
	if (k->pidfd < 0 && !adopt_is_child(k->pid, k->pid_start))
		k->pidfd = pidinfo_open(k->pid, k->pid_start);
	return k->pidfd >= 0 || adopt_is_child(k->pid, k->pid_start);
}

/* What is left of its tree is ended first, as its keeper would have done. */
static void lose(struct keeper *k)
{
	char *who = is_other_boot(k) ? NULL : survivors_text(k);
	if (who)
		orphan_begin(k, who);
	else
		keeper_report_lost(
		    k, is_other_boot(k) ? "the host restarted" : "the keeper and the command are gone",
		    is_other_boot(k) || k->cgroup);
}

void adopt_without_keeper(struct keeper *k, const char *how)
{
	k->dead = true;
	if (adopt_take_exit_file(k) && k->end.empty) {
		crash_point("exitfile-read");
		keeper_report_end(k);
		return;
	}
	keeper_log(LOG_ERR, k, "keeper-died", how);
	if (!is_other_boot(k) && (k->has_end || is_command_there(k)))
		orphan_begin(k, NULL);
	else
		lose(k);
}
