/* SPDX-License-Identifier: ISC */
/*
 * The store as a whole: opening, closing, housekeeping.
 *
 * Opening goes from what changes nothing to what does: whose directory, whose
 * lock, whose schema, is it the store that was here; then recovery; then
 * whether all is there. Whatever is refused before recovery is untouched. A store of an older
 * schema is taken over last.
 *
 * The files of the room: files.c and mark.c beside Berkeley DB, env.c and
 * turn.c around it, record.c (with shape.c) for rows as bytes; meta, days, tokens, journal,
 * jobs, index, environments, after, queues, templates, batches and logs a table or two each; walk.c
 * and page.c read pages through the indexes.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/str.h"

/* Of log, at a commit. Recovery takes 7 ms a megabyte; with submissions at full speed a checkpoint stops the
 * loop for 7 ms at 1 MB and 12 at 4 MB, and left to the second's end for 80 where they have many links. */
#define CHECKPOINT_KBYTES 4096
#define CHECKPOINT_US	  1000000 /* after the first commit that was not written out: at a tick */
#define RETRY_US	  5000000 /* after a checkpoint that failed */
#define BALLAST_US	  60000000

static struct store *new_store(void)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s)
		s->dir_fd = s->lock_fd = s->mark_fd = -1;
	return s;
}

static void free_store(struct store *s)
{
	env_close(s);
	files_close(s);
	buf_fini(&s->row);
	buf_fini(&s->key);
	free(s);
}

static int behind(const struct store *s, const struct mark *m, char **why)
{
	return str_why(why, -ESTALE,
	    "%s ends at journal entry %" PRIu64 ", but had come to %" PRIu64
	    ": it is damaged, or a copy from before; " STORE_PUT_BACK, s->home, s->journal_last, m->journal);
}

static int gone(const struct store *s, const struct mark *m, char **why)
{
	return str_why(why, -ESTALE,
	    "%s is not there, but had come to journal entry %" PRIu64 "; " STORE_PUT_BACK, s->home, m->journal);
}

/* All that is known before Berkeley DB touches anything. */
static int open_files(struct store *s, const struct store_options *o, struct mark *mark, char **why)
{
	struct files_found found = { 0 };
	int ret = files_open(s, o->dir, why);

	if (ret == 0)
		ret = files_lock(s, o->lock_fd, why);
	if (ret == 0)
		ret = files_check(s, &found, why);
	s->old_schema = found.old_schema;
	if (ret == 0)
		ret = mark_open(s, mark, o->accept_older, why);
	if (ret == 0 && found.fresh && mark->journal > 0 && !o->accept_older)
		ret = gone(s, mark, why);
	return ret ? ret : files_make(s, &found, why);
}

/* Compares the store with its mark, and takes from the mark what must not go back. */
static int check_mark(struct store *s, const struct store_options *o, const struct mark *mark,
    char **why)
{
	if (s->journal_last < mark->journal) {
		if (!o->accept_older)
			return behind(s, mark, why);
		s->missing = mark->journal - s->journal_last;
	}
	/* Its first turn may have been its last; else somebody has removed it. */
	if (mark->next_id == 0 && s->journal_last > 0 && !o->accept_older)
		log_event(LOG_WARNING, "store-error", "error", "%s/journal.high was missing: nothing shows whether "
			  "the store is whole", s->dir);
	/* Ids that were given after the copy was made are on logs and in people's notes. */
	if (s->next_id < mark->next_id) {
		s->next_id = mark->next_id;
		s->meta_dirty = true;
	}
	int ret = store_commit(s);
	if (ret == 0)
		ret = mark_reset(s);
	return ret ? str_why(why, ret, "%s: %s", s->dir, strerror(-ret)) : 0;
}

/*
 * Marks an older jobd's store as ours, once all is known to be well and before anything goes in
 * that an older one would misread. Its rows are read as they are. The file is first: it is what
 * refuses an older jobd before that one has touched anything.
 */
static int take_over(struct store *s, char **why)
{
	int ret = files_write_schema(s, why);

	if (ret)
		return ret;
	meta_write_schema(s);
	ret = store_commit(s);
	if (ret)
		return str_why(why, ret, "%s: %s", s->home, strerror(-ret));
	s->old_schema = false;
	log_event(LOG_NOTICE, "store-upgraded", "detail",
	    "an older jobd's store was taken over; only this version and newer ones open it now");
	return 0;
}

static int open_store(struct store *s, const struct store_options *o, char **why)
{
	struct mark mark;
	int ret = open_files(s, o, &mark, why);

	if (ret == 0)
		ret = env_open(s, why);
	if (ret == 0)
		ret = meta_load(s, why);
	if (ret)
		return ret;
	s->newest_job = s->next_id - 1;
	ret = table_last(s, TABLE_JOURNAL, &s->journal_last);
	if (ret && ret != -ENOENT)
		return str_why(why, ret, "%s: the journal can't be read (%s); the store is damaged: "
		    STORE_PUT_BACK, s->home, strerror(-ret));
	ret = check_mark(s, o, &mark, why);
	if (ret == 0 && s->old_schema)
		ret = take_over(s, why);
	if (ret == 0)
		files_ballast(s, true);
	return ret;
}

int store_check(const char *dir, char **why)
{
	struct store *s = new_store();
	struct files_found found;

	*why = NULL;
	if (!s)
		return 0;
	int ret = files_open(s, dir, why);
	if (ret == 0)
		ret = files_check(s, &found, why);
	if (ret != -EPROTO && ret != -EPERM) {
		free(*why);
		*why = NULL;
		ret = 0;
	}
	free_store(s);
	return ret;
}

int store_lock_fd(const struct store *s)
{
	return s->lock_fd;
}

int store_open(const struct store_options *o, struct store **out, char **why)
{
	struct store *s = new_store();

	*out = NULL;
	*why = NULL;
	if (!s)
		return str_why(why, -ENOMEM, "no memory");
	s->ballast_bytes = o->ballast_bytes;
	s->low_disk_bytes = o->low_disk_bytes;
	int ret = open_store(s, o, why);
	if (ret) {
		if (s->txn)
			s->txn->abort(s->txn);
		free_store(s);
		return ret;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->err) {
		/* Berkeley DB would flush its log, whose outcome nobody knows, or stumble
		 * over what failed: it is left, and its memory, to the process's end. */
		files_close(s);
		return;
	}
	if (s->txn)
		s->txn->abort(s->txn);
	int ret = env_checkpoint(s, 0);
	if (ret)
		log_event(LOG_WARNING, "store-error", "error", "last checkpoint: %s", strerror(-ret));
	mark_sync(s);
	free_store(s);
}

const char *store_instance(const struct store *s)
{
	return s->instance;
}

uint64_t store_missing(const struct store *s)
{
	return s->missing;
}

/*
 * A disk that is full is no reason to leave: the log holds everything, and the
 * pages go out when there is room. Any other failure is, since later checkpoints
 * could succeed without what this one did not write.
 */
static void checkpoint(struct store *s, uint64_t now, bool due)
{
	int ret = env_checkpoint(s, due ? 0 : CHECKPOINT_KBYTES);

	if (ret == -ENOSPC) {
		log_event(LOG_ERR, "store-error", "error", "checkpoint: %s", strerror(-ret));
		s->not_before_us = now + RETRY_US;
		return;
	}
	if (ret) {
		turn_fail(s, -ret, "checkpoint");
		return;
	}
	if (due) {
		mark_sync(s);
		s->dirty_since_us = 0;
	}
}

void store_bound_log(struct store *s)
{
	uint64_t now = clock_mono_us();

	if (now >= s->not_before_us)
		checkpoint(s, now, false);
}

void store_tick(struct store *s, uint64_t now_us)
{
	uint64_t now = clock_mono_us();

	if (s->err || store_is_dirty(s))
		return;
	if (now >= s->ballast_at_us) {
		files_ballast(s, true);
		s->ballast_at_us = now + BALLAST_US;
	}
	tokens_expire(s, now_us);
	if (store_commit(s) == 0 && s->dirty_since_us && now >= s->not_before_us &&
	    now - s->dirty_since_us >= CHECKPOINT_US)
		checkpoint(s, now, true);
}
