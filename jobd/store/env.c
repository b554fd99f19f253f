/* SPDX-License-Identifier: ISC */
/*
 * Berkeley DB's environment, and the handles of the tables.
 *
 * Opened with recovery every time: there is one way to start, and it is the
 * one after a crash. DB_PRIVATE: nobody but this process may look at a live
 * store. Every page has a checksum, since a flipped bit would be served
 * otherwise; one that fails panics the environment, and jobd leaves.
 *
 * All tables are in one file: a checkpoint syncs each file that changed, and a turn
 * touches nearly every table. Against a file each, the store opens in 20 ms instead of
 * 37 and a submission with an environment takes a fifth less; without one it is the same.
 * Pages of 8 kB gained nothing.
 *
 * A disk without room makes Berkeley DB say three lines a page that it can't
 * write, thousands of them: the first ones of a second are logged.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/clock.h"
#include "lib/disk.h"
#include "lib/log.h"
#include "lib/str.h"

#define SAY_MAX		8 /* lines of Berkeley DB a second */
#define CACHE_BYTES	(8u << 20)
#define LOG_FILE_BYTES	(1u << 20) /* what is left behind of them after a checkpoint is small */
#define LOG_BUFFER	(128u << 10) /* most turns in one write; at most a quarter of a file */
#define PAGE_BYTES	4096 /* the file system's block */
/* Pages one turn may change. Their memory is set aside at once: 7 MB, and 25 for 200,000. */
#define LOCKS_MAX 50000

static const char *const table_names[TABLES] = {
	[TABLE_META] = "meta",
	[TABLE_LIVE] = "live",
	[TABLE_ENDED] = "ended",
	[TABLE_INDEX] = "index",
	[TABLE_JOURNAL] = "journal",
	[TABLE_JOURNAL_JOB] = "journal_job",
	[TABLE_ENVIRONMENTS] = "environments",
	[TABLE_ENVIRONMENT_USES] = "environment_uses",
	[TABLE_TOKENS] = "tokens",
	[TABLE_TOKEN_AGES] = "token_ages",
	[TABLE_DAYS] = "days",
	[TABLE_ASIDE] = "aside",
	[TABLE_QUEUES] = "queues",
	[TABLE_TEMPLATES] = "templates",
	[TABLE_AFTER] = "after",
	[TABLE_BEFORE] = "before",
	[TABLE_BATCHES] = "batches",
	[TABLE_LOGS] = "logs",
};

int env_error(const struct store *s, int ret)
{
	/* A quota is a disk to whoever is under it. */
	if (ret == EDQUOT)
		return -ENOSPC;
	/* A cache full of pages that can't be written out has no room for another. */
	if (ret == ENOMEM && (s->no_room || disk_free_bytes_at(s->dir_fd) < CACHE_BYTES))
		return -ENOSPC;
	if (ret >= 0)
		return -ret;
	if (ret == DB_NOTFOUND || ret == DB_KEYEMPTY)
		return -ENOENT;
	return -ENOTRECOVERABLE; /* the panic, and what only our own mistakes give */
}

static void on_error(const DB_ENV *env, const char *prefix, const char *text)
{
	struct store *s = env->app_private;

	(void)prefix;
	uint64_t now = clock_mono_us();
	if (now - s->said_us >= 1000000) {
		s->said_us = now;
		s->said_count = 0;
	}
	/* Which error it was is said in the text alone: the call may well give another. */
	if (strstr(text, strerror(ENOSPC)) || strstr(text, strerror(EDQUOT)))
		s->no_room = true;
	if (s->said[0] == '\0')
		snprintf(s->said, sizeof(s->said), "%s", text);
	if (s->said_count++ < SAY_MAX)
		log_event(LOG_ERR, "store-error", "error", "%s", text);
	else if (s->said_count == SAY_MAX + 1)
		log_event(LOG_ERR, "store-error", "error", "more of the kind follows and is not logged");
}

static void on_message(const DB_ENV *env, const char *text)
{
	(void)env;
	log_event(LOG_DEBUG, "store-note", "detail", "%s", text);
}

static int configure(struct store *s)
{
	DB_ENV *e = s->env;
	int ret;

	e->app_private = s;
	e->set_errcall(e, on_error);
	e->set_msgcall(e, on_message);
	if ((ret = e->set_cachesize(e, 0, CACHE_BYTES, 1)) ||
	    (ret = e->set_lg_max(e, LOG_FILE_BYTES)) || (ret = e->set_lg_bsize(e, LOG_BUFFER)) ||
	    (ret = e->set_lk_max_locks(e, LOCKS_MAX)) ||
	    (ret = e->set_lk_max_objects(e, LOCKS_MAX)) ||
	    /* Nobody to wait for: waiting for a lock would be waiting for oneself. */
	    (ret = e->set_flags(e, DB_TXN_NOWAIT, 1)) ||
	    (ret = e->log_set_config(e, DB_LOG_AUTO_REMOVE, 1)))
		return ret;
	return 0;
}

static int open_environment(struct store *s)
{
	const uint32_t flags = DB_CREATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_LOCK |
	    DB_INIT_MPOOL | DB_RECOVER | DB_PRIVATE;
	int ret = db_env_create(&s->env, 0);

	if (ret == 0)
		ret = configure(s);
	if (ret == 0)
		ret = s->env->open(s->env, s->home, flags, 0600);
	/* A handle whose open failed can only be closed. */
	if (ret && s->env) {
		s->env->close(s->env, 0);
		s->env = NULL;
	}
	return ret;
}

static int open_table(struct store *s, DB_TXN *txn, enum table t)
{
	DB *db;
	int ret = db_create(&db, s->env, 0);

	if (ret)
		return ret;
	s->db[t] = db;
	if ((ret = db->set_flags(db, DB_CHKSUM)) || (ret = db->set_pagesize(db, PAGE_BYTES)))
		return ret;
	return db->open(db, txn, STORE_FILE, table_names[t], DB_BTREE, DB_CREATE, 0600);
}

/* In one transaction: a crash while the store is made leaves it whole or not there. */
static int open_tables(struct store *s)
{
	DB_TXN *txn;
	int ret = s->env->txn_begin(s->env, NULL, &txn, 0);

	if (ret)
		return ret;
	for (unsigned t = 0; t < TABLES && ret == 0; t++)
		ret = open_table(s, txn, t);
	if (ret)
		txn->abort(txn);
	else
		ret = txn->commit(txn, 0);
	return ret;
}

/* Recovery has been tried by then: what Berkeley DB can't open now it never will. */
static const char *advice(int ret)
{
	switch (ret) {
	case DB_RUNRECOVERY:
	case DB_PAGE_NOTFOUND:
	case EINVAL:
		return "; the store is damaged: " STORE_PUT_BACK;
	default:
		return "";
	}
}

int env_open(struct store *s, char **why)
{
	/* Recovery writes: on a disk without room it would fail half-way. */
	if (disk_free_bytes_at(s->dir_fd) < 2 * (uint64_t)CACHE_BYTES)
		files_ballast(s, false);
	int ret = open_environment(s);
	/* It says ENOSPC, or panics of it. Recovery that did not end is begun anew. */
	if (env_error(s, ret) == -ENOSPC || ret == DB_RUNRECOVERY) {
		files_ballast(s, false);
		ret = open_environment(s);
	}
	if (ret == 0)
		ret = open_tables(s);
	if (ret == 0) {
		s->said[0] = '\0';
		s->no_room = false;
		return 0;
	}
	if (ret == DB_RUNRECOVERY && disk_free_bytes_at(s->dir_fd) < PAGE_BYTES)
		ret = ENOSPC;
	return str_why(why, env_error(s, ret), "%s: %s%s%s%s", s->home, db_strerror(ret),
	    s->said[0] ? ": " : "", s->said, advice(ret));
}

int env_checkpoint(struct store *s, uint32_t kbytes)
{
	int ret = s->env->txn_checkpoint(s->env, kbytes, 0, 0);

	if (ret == 0)
		s->no_room = false;
	return env_error(s, ret);
}

void env_close(struct store *s)
{
	if (!s->env)
		return;
	for (unsigned t = 0; t < TABLES; t++)
		if (s->db[t])
			s->db[t]->close(s->db[t], DB_NOSYNC);
	s->env->close(s->env, 0);
}
