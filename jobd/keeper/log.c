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

#define MODE 0600

static void let_go(struct job_log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->name);
	l->fd = -1;
	l->name = NULL;
}

bool log_is_blank(const struct job_log *l)
{
	struct stat st;
	return l->fd >= 0 && fstat(l->fd, &st) == 0 && st.st_size == 0 && st.st_nlink == 1 &&
	       (st.st_mode & 07777) == MODE;
}

static bool is_owned(const struct keeper *k)
{
	struct stat st;
	if (!k->start.set_identity)
		return true;
	return fstat(k->log.fd, &st) == 0 && st.st_uid == k->start.uid && st.st_gid == k->identity.gid;
}

static int make(struct keeper *k)
{
	struct job_log *l = &k->log;
	const struct start *s = &k->start;
	if (asprintf(&l->name, KEEPER_NEW_LOG_FMT, s->id, s->attempt, s->nonce) < 0) {
		l->name = NULL;
		return start_failed(k, ENOMEM, "log %s", s->log);
	}
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
	if (l->fd >= 0 && !(log_is_blank(l) && is_owned(k)))
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
	/* What was told to be silent has to stay so. */
	if (!k->end.silent || k->end.kind != KEEPER_END_EXITED)
		log_drop(l);
}

void log_drop(struct job_log *l)
{
	if (log_is_blank(l))
		unlinkat(KEEPER_FD_LOGS, l->name, 0);
	let_go(l);
}
