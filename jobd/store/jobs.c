/* SPDX-License-Identifier: ISC */
/*
 * Jobs' rows: live ones and ended ones in tables of their own, so that start-up
 * reads what lives and nothing else. A job is in one of the two; a put moves it
 * where its state says, and keeps index and counters in step.
 *
 * A row that can't be read is set aside, as it is, and the others go on.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>

#include "jobd/store/record.h"

enum place { NOT_THERE, LIVE, ENDED };

/* A new job costs no look: its id is above all that were put. */
static enum place find_place(struct store *s, const uint8_t key[8], uint64_t id)
{
	if (id > s->newest_job)
		return NOT_THERE;
	if (table_has(s, TABLE_LIVE, key, 8))
		return LIVE;
	return table_has(s, TABLE_ENDED, key, 8) ? ENDED : NOT_THERE;
}

static void count(struct store *s, enum job_state state, int by)
{
	if (by > 0 || s->counts[state] > 0)
		s->counts[state] += (uint64_t)by;
	s->meta_dirty = true;
}

static void set_ended_aside(struct store *s, uint64_t id, const DBT *row)
{
	table_set_aside(s, TABLE_ENDED, id, row->data, row->size);
	enum job_state state = index_forget_state(s, id);
	if (state)
		count(s, state, -1);
}

int job_read_ended(struct store *s, uint64_t id, struct job *j)
{
	uint8_t key[8];
	DBT d;

	job_init(j);
	put_be64(key, id);
	int ret = table_get(s, TABLE_ENDED, key, sizeof(key), &d);
	if (ret)
		return ret;
	ret = record_job_decode(d.data, d.size, j);
	if (ret == 0 && (j->id != id || !job_has_ended(j->state))) {
		job_fini(j);
		ret = -EBADMSG;
	}
	if (ret != -EBADMSG)
		return ret;
	set_ended_aside(s, id, &d);
	return s->err ? s->err : -ENOENT;
}

/* Takes an ended job's entries out of index and counters, by what its row says. */
static void forget_ended(struct store *s, uint64_t id)
{
	struct job old;
	int ret = job_read_ended(s, id, &old);

	if (ret == 0) {
		index_delete(s, &old);
		count(s, old.state, -1);
		job_fini(&old);
	} else if (ret != -ENOENT) {
		turn_fail(s, -ret, "ended job");
	}
}

static void note_new(struct store *s, const struct job *j)
{
	if (j->id > s->newest_job)
		s->newest_job = j->id;
	if (j->id >= s->next_id) {
		s->next_id = j->id + 1;
		s->meta_dirty = true;
	}
	day_note(s, DAY_JOBS, j->submitted_at_us, j->id);
}

void store_job_put(struct store *s, const struct job *j)
{
	uint8_t key[8];
	bool ended = job_has_ended(j->state);

	put_be64(key, j->id);
	enum place was = find_place(s, key, j->id);
	if (was == NOT_THERE)
		note_new(s, j);
	else if (was == ENDED)
		forget_ended(s, j->id);
	if (was == LIVE && ended)
		table_delete(s, TABLE_LIVE, key, sizeof(key));
	else if (was == ENDED && !ended)
		table_delete(s, TABLE_ENDED, key, sizeof(key));
	buf_clear(&s->row);
	record_job_encode(&s->row, j);
	if (s->row.failed) {
		turn_fail(s, ENOMEM, "job");
		return;
	}
	table_put(s, ended ? TABLE_ENDED : TABLE_LIVE, key, sizeof(key), s->row.data, s->row.len);
	if (ended) {
		index_put(s, j);
		count(s, j->state, 1);
	}
}

int store_job_get(struct store *s, uint64_t id, struct job *j)
{
	uint8_t key[8];
	DBT d;
	int ret = job_read_ended(s, id, j);

	if (ret != -ENOENT)
		return ret;
	put_be64(key, id);
	ret = table_get(s, TABLE_LIVE, key, sizeof(key), &d);
	return ret ? ret : record_job_decode(d.data, d.size, j);
}

enum job_state store_job_outcome(struct store *s, uint64_t id)
{
	uint8_t key[8];
	DBT d;

	put_be64(key, id);
	if (table_get_head(s, TABLE_ENDED, key, sizeof(key), RECORD_JOB_HEAD, &d))
		return 0;
	enum job_state state = record_job_state(d.data, d.size, id);
	if (job_has_ended(state))
		return state;
	/* Looked at as a whole it is set aside. */
	struct job j;
	if (job_read_ended(s, id, &j))
		return 0;
	state = j.state;
	job_fini(&j);
	return state;
}

/* What a job has in other tables. */
static void forget_belongings(struct store *s, const struct job *j)
{
	store_environment_drop(s, store_environment_of(j));
	after_forget(s, j->id);
}

void store_job_delete(struct store *s, const struct job *j)
{
	uint8_t key[8];

	put_be64(key, j->id);
	forget_ended(s, j->id);
	table_delete(s, TABLE_ENDED, key, sizeof(key));
	forget_belongings(s, j);
}

void store_job_drop(struct store *s, const struct job *j)
{
	uint8_t key[8];

	put_be64(key, j->id);
	table_delete(s, TABLE_LIVE, key, sizeof(key));
	forget_belongings(s, j);
}

/* Hands one live row over. 0, 1 to stop, -errno. */
static int load_row(struct store *s, const DBT *k, const DBT *d, store_job_fn *fn, void *ctx)
{
	struct job j;
	uint64_t id = k->size == 8 ? get_be64(k->data) : 0;
	int ret = record_job_decode(d->data, d->size, &j);

	if (ret == 0 && (j.id != id || job_has_ended(j.state))) {
		job_fini(&j);
		ret = -EBADMSG;
	}
	if (ret == 0)
		return fn(ctx, &j) ? 0 : 1;
	if (ret != -EBADMSG)
		return ret;
	table_set_aside(s, TABLE_LIVE, id, d->data, d->size);
	return s->err;
}

int store_load(struct store *s, store_job_fn *fn, void *ctx)
{
	DBT k, d;
	DBC *c;
	int ret = table_cursor(s, TABLE_LIVE, &c);

	if (ret)
		return ret;
	memset(&k, 0, sizeof(k));
	memset(&d, 0, sizeof(d));
	while (ret == 0) {
		ret = table_move(s, c, &k, &d, DB_NEXT);
		if (ret == 0)
			ret = load_row(s, &k, &d, fn, ctx);
	}
	c->close(c);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	return store_commit(s);
}
