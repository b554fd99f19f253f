/* SPDX-License-Identifier: ISC */
/*
 * The high-water mark: how far the store had come, kept in a file of its own.
 *
 * A damaged log makes Berkeley DB's recovery stop early and call it success; a
 * copy restored from a backup is a shorter history too. Both would be served as
 * if nothing had been after them, and job numbers given a second time. So
 * after each commit the journal's last number and the next job's are written
 * here, and at start a store that is behind them is refused.
 *
 * The file is two slots of fixed-width text, written in turn:
 *
 *	00000000000000001234 00000000000000000056 9ae16a3b\n
 *
 * the journal's number, the next id, and a check over both. A write that was
 * torn leaves the other slot, one commit older. The mark may lag behind the store
 * (the file is synced with checkpoints only); it is never ahead, since a
 * commit is on disk before it is marked.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/str.h"

#define MARK	  "journal.high"
#define SLOTS	  2
#define SLOT_SIZE 512 /* a sector each, so that one write can't damage both */
#define TEXT_SIZE 51  /* 20 + 1 + 20 + 1 + 8 + newline */

/* FNV-1a: it is torn writes that are looked for, not an enemy. */
static uint32_t check(const char *text, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 16777619u;
	return h;
}

static void format(char text[TEXT_SIZE + 1], const struct mark *m)
{
	int n = snprintf(text, TEXT_SIZE + 1, "%020" PRIu64 " %020" PRIu64 " ", m->journal,
	    m->next_id);
	snprintf(text + n, TEXT_SIZE + 1 - (size_t)n, "%08" PRIx32 "\n",
	    check(text, (size_t)n));
}

static bool parse(const char *text, struct mark *m)
{
	char again[TEXT_SIZE + 1];

	if (sscanf(text, "%" SCNu64 " %" SCNu64 " ", &m->journal, &m->next_id) != 2)
		return false;
	format(again, m);
	return strcmp(text, again) == 0;
}

int mark_open(struct store *s, struct mark *m, bool accept_damage, char **why)
{
	struct stat st;
	struct mark found;
	char text[TEXT_SIZE + 1];
	bool any = false;

	*m = (struct mark){ 0 };
	s->mark_fd = openat(s->dir_fd, MARK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* A new file's name is on disk before anything that it is to watch over. */
	if (s->mark_fd < 0 || fstat(s->mark_fd, &st) < 0 ||
	    (st.st_size == 0 && fsync(s->dir_fd) < 0))
		return str_why(why, -errno, "%s/" MARK ": %s", s->dir, strerror(errno));
	for (unsigned i = 0; i < SLOTS; i++) {
		ssize_t n = pread(s->mark_fd, text, TEXT_SIZE, (off_t)i * SLOT_SIZE);
		if (n < 0)
			return str_why(why, -errno, "%s/" MARK ": %s", s->dir, strerror(errno));
		text[n] = '\0';
		if (!parse(text, &found))
			continue;
		if (!any || found.journal > m->journal || found.next_id > m->next_id) {
			*m = found;
			s->mark_slot = (i + 1) % SLOTS;
		}
		any = true;
	}
	if (!any && st.st_size > 0 && !accept_damage)
		return str_why(why, -ESTALE,
		    "%s/" MARK " is damaged, so that nothing shows whether the store is whole; "
		    "to take the store as it is, start once with --accept-older-store",
		    s->dir);
	return 0;
}

static int write_slot(struct store *s)
{
	struct mark m = { .journal = s->journal_last, .next_id = s->next_id };
	char text[TEXT_SIZE + 1];

	format(text, &m);
	if (pwrite(s->mark_fd, text, TEXT_SIZE, (off_t)s->mark_slot * SLOT_SIZE) != TEXT_SIZE)
		return -(errno ? errno : EIO);
	s->mark_slot = (s->mark_slot + 1) % SLOTS;
	s->mark_dirty = true;
	return 0;
}

static void warn(struct store *s, int err)
{
	if (!s->mark_warned)
		log_event(LOG_ERR, "store-error", "error", "%s/" MARK ": %s", s->dir, strerror(-err));
	s->mark_warned = true;
}

void mark_write(struct store *s)
{
	errno = 0;
	int ret = write_slot(s);
	if (ret)
		warn(s, ret);
}

int mark_reset(struct store *s)
{
	errno = 0;
	for (unsigned i = 0; i < SLOTS; i++) {
		int ret = write_slot(s);
		if (ret)
			return ret;
	}
	mark_sync(s);
	return s->mark_dirty ? -EIO : 0;
}

void mark_sync(struct store *s)
{
	if (!s->mark_dirty)
		return;
	if (fdatasync(s->mark_fd) < 0)
		warn(s, -errno);
	else
		s->mark_dirty = false;
}
