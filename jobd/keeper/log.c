/* SPDX-License-Identifier: ISC */
/*
 * The job's log: a file that the command writes itself, in a directory that
 * only jobd's user can have put things into.
 *
 * A start may turn out to be none, or that of a jobd that has died: until the
 * gate opens the file has a name that is this start's alone, and only then the
 * attempt's.
 *
 * Whoever wrote nothing leaves no log, and jobd is told so with the end: from
 * then on it does not touch the name. The file of a silent job serves the
 * keeper's next one, if that is the same user's, and goes when the keeper does:
 * to make a file is among the dearest things that a short job asks for. It is
 * never handed to another user, whose processes might still hold it open.
 */
#include "config.h"

#include "jobd/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/str.h"

#define MODE 0600

static void let_go(struct job_log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->name);
	*l = (struct job_log){ .fd = -1, .due = l->due };
}

/* Whether it is a file like a new one: nobody has written to it, nor made anything else of it. */
static bool is_blank(int fd, struct statx *st)
{
	const uint64_t odd = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;
	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, st) == 0 && st->stx_size == 0 &&
	       st->stx_nlink == 1 && (st->stx_mode & 07777) == MODE && !(st->stx_attributes & odd);
}

bool log_is_blank(const struct job_log *l)
{
	struct statx st;
	return l->fd >= 0 && is_blank(l->fd, &st);
}

/*
 * Opens the last job's once more: flags, offset and locks belong to the open file, which
 * that job's processes had, and are no business of the next one. False where it won't do.
 * Without blocking, since a lease (fcntl(2)) that was taken on it would hold the open up for 45 s.
 */
static bool reopen(struct keeper *k)
{
	struct job_log *l = &k->log;
	const struct start *s = &k->start;
	const int flags = O_WRONLY | O_NOFOLLOW | O_APPEND | O_NOCTTY | O_CLOEXEC;
	struct statx was, st;
	if (!is_blank(l->fd, &was) ||
	    (s->set_identity && (was.stx_uid != s->uid || was.stx_gid != k->identity.gid)))
		return false;
	int fd = openat(KEEPER_FD_LOGS, l->name, flags | O_NONBLOCK);
	bool fit = fd >= 0 && is_blank(fd, &st) && was.stx_ino == st.stx_ino &&
	    fcntl(fd, F_SETFL, O_APPEND) == 0;
	if (!fit) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(l->fd);
	l->fd = fd;
	l->kept = false;
	return true;
}

static int make(struct keeper *k)
{
	struct job_log *l = &k->log;
	const struct start *s = &k->start;
	l->name = str_printf(KEEPER_NEW_LOG_FMT, s->id, s->attempt, s->nonce);
	if (!l->name)
		return start_failed(k, ENOMEM, "log %s", s->log);
	l->fd = openat(KEEPER_FD_LOGS, l->name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_NOCTTY | O_CLOEXEC, MODE);
	if (l->fd < 0)
		return start_failed(k, errno, "log %s", s->log);
	if (!s->set_identity || fchown(l->fd, s->uid, k->identity.gid) == 0)
		return 0;
	start_failed(k, errno, "owner of log %s", s->log);
	log_drop(l);
	return -1;
}

int log_prepare(struct keeper *k)
{
	struct job_log *l = &k->log;
	if (l->fd >= 0 && !reopen(k))
		log_drop(l);
	if (l->fd < 0 && make(k) < 0)
		return -1;
	l->due = k->start.log;
	k->start.log = NULL;
	return 0;
}

int log_entitle(struct keeper *k)
{
	struct job_log *l = &k->log;
	if (renameat(KEEPER_FD_LOGS, l->name, KEEPER_FD_LOGS, l->due) < 0)
		return start_failed(k, errno, "log %s", l->due);
	free(l->name);
	l->name = l->due;
	l->due = NULL;
	return 0;
}

void log_settle(struct keeper *k)
{
	struct job_log *l = &k->log;
	free(l->due);
	l->due = NULL;
	l->kept = l->fd >= 0 && k->end.silent;
	if (!l->kept || k->end.kind != KEEPER_END_EXITED)
		log_drop(l);
}

void log_drop(struct job_log *l)
{
	/* What was told to be silent is nobody's, whatever somebody has written to it since. */
	if (l->kept || log_is_blank(l))
		unlinkat(KEEPER_FD_LOGS, l->name, 0);
	let_go(l);
}
