/* SPDX-License-Identifier: ISC */
/*
 * A store in memory: the rows that the real one would have, as bytes, and what a turn has put is
 * taken back when it was not committed. Only what the engine calls is here.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/store/record.h"
#include "jobd/store/store.h"
#include "lib/strv.h"
#include "lib/template.h"
#include "sim.h"
#include "sim_journal.h"
#include "sim_map.h"
#include "sim_store.h"

const char *const sim_store_kind = "a store in memory";
const bool sim_store_is_quick = true;
const uint64_t sim_store_steps = 520000;
const unsigned sim_store_lives = 16;

enum table { LIVE, ENDED, AFTER, BEFORE, QUEUES, BATCHES, TOKENS, ENVS, USES, LOGS, META, TABLES };
enum meta { META_NEXT_ID, META_COUNTS };

/* A row as it was before the turn. */
struct undo {
	enum table table;
	struct map_key key;
	bool was;
	void *data;
	size_t len;
};

struct store {
	struct map tables[TABLES];
	struct undo *undo;
	size_t nundo, undo_cap;
	struct sim_journal journal;
	struct buf row;
	enum commit_fault fault;
};

static struct map_key key(uint64_t a, uint64_t b)
{
	return (struct map_key){a, b};
}

static struct map_key name_key(const char *name)
{
	unsigned char text[16] = {0};
	struct map_key k = {0, 0};

	memcpy(text, name, strnlen(name, 15));
	for (int i = 0; i < 8; i++) {
		k.a = k.a << 8 | text[i];
		k.b = k.b << 8 | text[8 + i];
	}
	return k;
}

static struct undo *remember(struct store *s, enum table t, struct map_key k)
{
	if (s->nundo == s->undo_cap) {
		s->undo_cap = s->undo_cap ? s->undo_cap * 2 : 64;
		s->undo = realloc(s->undo, s->undo_cap * sizeof *s->undo);
		if (!s->undo)
			abort();
	}
	struct undo *u = &s->undo[s->nundo++];
	*u = (struct undo){.table = t, .key = k};
	return u;
}

static void put(struct store *s, enum table t, struct map_key k, const void *data, size_t len)
{
	size_t n = s->tables[t].n;
	struct map_row *r = map_make(&s->tables[t], k);
	struct undo *u = remember(s, t, k);

	u->was = s->tables[t].n == n;
	u->data = r->data;
	u->len = r->len;
	r->data = malloc(len ? len : 1);
	if (!r->data)
		abort();
	memcpy(r->data, len ? data : "", len);
	r->len = len;
}

static void drop(struct store *s, enum table t, struct map_key k)
{
	struct map_row *r = map_find(&s->tables[t], k);

	if (!r)
		return;
	struct undo *u = remember(s, t, k);
	u->was = true;
	u->data = r->data;
	u->len = r->len;
	map_remove(&s->tables[t], k);
}

static void put_number(struct store *s, enum table t, struct map_key k, uint64_t v)
{
	put(s, t, k, &v, sizeof v);
}

static uint64_t number(const struct store *s, enum table t, struct map_key k, uint64_t none)
{
	const struct map_row *r = map_find(&s->tables[t], k);
	uint64_t v = none;

	if (r)
		memcpy(&v, r->data, sizeof v);
	return v;
}

static void forget_turn(struct store *s)
{
	for (size_t i = 0; i < s->nundo; i++)
		free(s->undo[i].data);
	s->nundo = 0;
}

static void take_back_turn(struct store *s)
{
	while (s->nundo) {
		struct undo *u = &s->undo[--s->nundo];
		struct map_row *r = u->was ? map_make(&s->tables[u->table], u->key)
					   : map_find(&s->tables[u->table], u->key);
		if (!r)
			continue;
		free(r->data);
		r->data = u->data;
		r->len = u->len;
		if (!u->was)
			map_remove(&s->tables[u->table], u->key);
	}
	s->journal.last = s->journal.committed;
}

struct store *sim_store_new(void)
{
	struct store *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	return s;
}

struct store *sim_store_again(struct store *s)
{
	take_back_turn(s);
	return s;
}

void sim_store_end(struct store *s)
{
	forget_turn(s);
	for (int i = 0; i < TABLES; i++)
		map_fini(&s->tables[i]);
	sim_journal_fini(&s->journal);
	buf_fini(&s->row);
	free(s->undo);
	free(s);
}

bool sim_store_fail(struct store *s, enum commit_fault how)
{
	s->fault = how;
	return true;
}

int store_commit(struct store *s)
{
	enum commit_fault fault = s->fault;

	s->fault = COMMIT_WELL;
	if (fault == COMMIT_LOST)
		return -EIO;
	forget_turn(s);
	s->journal.committed = s->journal.last;
	return fault == COMMIT_KEPT ? -EIO : 0;
}

static void count(struct store *s, enum job_state state, uint64_t by)
{
	put_number(
	    s, META, key(META_COUNTS, state), number(s, META, key(META_COUNTS, state), 0) + by);
}

static int read_job(const struct store *s, enum table t, uint64_t id, struct job *j)
{
	const struct map_row *r = map_find(&s->tables[t], key(id, 0));

	job_init(j);
	return r ? record_job_decode(r->data, r->len, j) : -ENOENT;
}

static void forget_ended(struct store *s, uint64_t id)
{
	struct job old;

	if (read_job(s, ENDED, id, &old))
		return;
	count(s, old.state, (uint64_t)-1);
	job_fini(&old);
	drop(s, ENDED, key(id, 0));
}

void store_job_put(struct store *s, const struct job *j)
{
	bool ended = job_has_ended(j->state);

	forget_ended(s, j->id);
	if (ended)
		drop(s, LIVE, key(j->id, 0));
	buf_clear(&s->row);
	record_job_encode(&s->row, j);
	put(s, ended ? ENDED : LIVE, key(j->id, 0), s->row.data, s->row.len);
	if (ended)
		count(s, j->state, 1);
}

int store_job_get(struct store *s, uint64_t id, struct job *j)
{
	int rc = read_job(s, ENDED, id, j);

	return rc == -ENOENT ? read_job(s, LIVE, id, j) : rc;
}

enum job_state store_job_outcome(struct store *s, uint64_t id)
{
	const struct map_row *r = map_find(&s->tables[ENDED], key(id, 0));

	return r ? record_job_state(r->data, r->len, id) : 0;
}

static void forget_belongings(struct store *s, const struct job *j)
{
	const struct map_row *r;

	store_environment_drop(s, store_environment_of(j));
	while ((r = map_from(&s->tables[AFTER], key(j->id, 0))) && r->key.a == j->id)
		store_after_delete(s, j->id, r->key.b);
}

void store_job_delete(struct store *s, const struct job *j)
{
	forget_ended(s, j->id);
	forget_belongings(s, j);
}

void store_job_drop(struct store *s, const struct job *j)
{
	drop(s, LIVE, key(j->id, 0));
	forget_belongings(s, j);
}

int store_load(struct store *s, store_job_fn *fn, void *ctx)
{
	const struct map_row *r;
	struct job j;

	for (uint64_t at = 0; (r = map_from(&s->tables[LIVE], key(at, 0))); at = r->key.a + 1) {
		int rc = record_job_decode(r->data, r->len, &j);
		if (rc)
			return rc;
		if (!fn(ctx, &j))
			break;
	}
	return 0;
}

uint64_t store_next_id(struct store *s)
{
	uint64_t id = number(s, META, key(META_NEXT_ID, 0), 1);

	put_number(s, META, key(META_NEXT_ID, 0), id + 1);
	return id;
}

void store_environment_put(struct store *s, uint64_t n, char *const *env)
{
	bool is = map_find(&s->tables[ENVS], key(n, 0)) != NULL;

	put(s, ENVS, key(n, 0), env[0], strlen(env[0]) + 1);
	put_number(s, USES, key(n, 0), is ? number(s, USES, key(n, 0), 1) + 1 : 1);
}

void store_environment_share(struct store *s, uint64_t n, uint64_t more)
{
	if (map_find(&s->tables[ENVS], key(n, 0)))
		put_number(s, USES, key(n, 0), number(s, USES, key(n, 0), 1) + more);
}

void store_environment_drop(struct store *s, uint64_t n)
{
	uint64_t uses = number(s, USES, key(n, 0), 1);

	if (uses > 1) {
		put_number(s, USES, key(n, 0), uses - 1);
		return;
	}
	drop(s, USES, key(n, 0));
	drop(s, ENVS, key(n, 0));
}

int store_environment_get(struct store *s, uint64_t n, char ***env)
{
	const struct map_row *r = map_find(&s->tables[ENVS], key(n, 0));

	return r ? strv_add(env, r->data) : -ENOENT;
}

uint64_t store_environment_of(const struct job *j)
{
	return j->environment ? j->environment : j->id;
}

void store_after_put(struct store *s, uint64_t job, const struct job_after *a)
{
	const uint8_t value[] = {(uint8_t)a->on, (uint8_t)a->outcome};

	put(s, AFTER, key(job, a->id), value, sizeof value);
	put(s, BEFORE, key(a->id, job), NULL, 0);
}

void store_after_delete(struct store *s, uint64_t job, uint64_t other)
{
	drop(s, AFTER, key(job, other));
	drop(s, BEFORE, key(other, job));
}

int store_after_each(struct store *s, uint64_t job, uint64_t from, store_after_fn *fn, void *ctx)
{
	const struct map_row *r;

	while ((r = map_from(&s->tables[AFTER], key(job, from))) && r->key.a == job) {
		const uint8_t *value = r->data;
		const struct job_after a = {r->key.b, value[0], value[1]};
		from = a.id + 1;
		if (!fn(ctx, &a))
			break;
	}
	return 0;
}

int store_before_each(struct store *s, uint64_t job, uint64_t from, store_after_fn *fn, void *ctx)
{
	const struct map_row *r, *pair;

	while ((r = map_from(&s->tables[BEFORE], key(job, from))) && r->key.a == job) {
		struct job_after a = {.id = r->key.b};
		from = a.id + 1;
		pair = map_find(&s->tables[AFTER], key(a.id, job));
		a.on = ((const uint8_t *)pair->data)[0];
		a.outcome = ((const uint8_t *)pair->data)[1];
		if (!fn(ctx, &a))
			break;
	}
	return 0;
}

void store_queue_put(struct store *s, const struct store_queue *q)
{
	buf_clear(&s->row);
	record_queue_encode(&s->row, q);
	put(s, QUEUES, name_key(q->name), s->row.data, s->row.len);
}

void store_queue_delete(struct store *s, const char *name)
{
	drop(s, QUEUES, name_key(name));
}

int store_queues_load(struct store *s, store_queue_fn *fn, void *ctx)
{
	struct queue_row q;
	bool on = true;

	for (const struct map_row *r = map_from(&s->tables[QUEUES], key(0, 0)); r && on;
	     r = map_from(&s->tables[QUEUES], key(r->key.a, r->key.b + 1))) {
		int rc = record_queue_decode(r->data, r->len, &q);
		if (rc)
			return rc;
		const struct store_queue sq = {
		    q.name, q.rules, q.state, q.by, q.since_us, q.declared};
		on = fn(ctx, &sq);
		queue_row_fini(&q);
	}
	return 0;
}

void store_template_put(struct store *s, const struct template *t)
{
	(void)s;
	sim_fail("nobody made template %s", t->name);
}

void store_template_delete(struct store *s, const char *name)
{
	(void)s;
	sim_fail("nobody deleted template %s", name);
}

int store_templates_load(struct store *s, store_template_fn *fn, void *ctx)
{
	(void)s;
	(void)fn;
	(void)ctx;
	return 0;
}

void store_batch_open(struct store *s, uint64_t batch)
{
	put(s, BATCHES, key(batch, 0), NULL, 0);
}

void store_batch_seal(struct store *s, uint64_t batch)
{
	drop(s, BATCHES, key(batch, 0));
}

int store_batches_load(struct store *s, store_batch_fn *fn, void *ctx)
{
	const struct map_row *r;

	for (uint64_t at = 0; (r = map_from(&s->tables[BATCHES], key(at, 0))); at = r->key.a + 1)
		if (!fn(ctx, r->key.a))
			break;
	return 0;
}

void store_log_doom(struct store *s, uint64_t id, uint32_t attempt)
{
	put(s, LOGS, key(id, attempt), NULL, 0);
}

void store_log_forget(struct store *s, uint64_t id, uint32_t attempt)
{
	drop(s, LOGS, key(id, attempt));
}

int store_logs_load(struct store *s, store_log_fn *fn, void *ctx)
{
	const struct map_row *r;
	struct map_key at = {0, 0};

	for (; (r = map_from(&s->tables[LOGS], at)); at = key(r->key.a, r->key.b + 1))
		if (!fn(ctx, r->key.a, (uint32_t)r->key.b))
			break;
	return 0;
}

/* The simulation's tokens are numbers. */
uint64_t store_token_get(struct store *s, uint32_t uid, const char *token)
{
	return number(s, TOKENS, key(uid, strtoull(token, NULL, 10)), 0);
}

void store_token_put(struct store *s, uint32_t uid, const char *token, uint64_t id, uint64_t now_us)
{
	(void)now_us;
	put_number(s, TOKENS, key(uid, strtoull(token, NULL, 10)), id);
}

uint64_t store_journal_put(struct store *s, const struct journal_entry *e)
{
	return sim_journal_put(&s->journal, e);
}

uint64_t store_journal_last(const struct store *s)
{
	return s->journal.last;
}

int store_journal_page(struct store *s, const struct journal_filter *f, uint64_t *before,
    size_t budget, store_entry_fn *fn, void *ctx)
{
	(void)f;
	(void)budget;
	return sim_journal_page(&s->journal, before, fn, ctx);
}

int store_ended_page(struct store *s, const struct job_filter *f, uint64_t *before, size_t budget,
    store_page_fn *fn, void *ctx)
{
	const struct map_row *r;
	struct job j;

	while ((r = map_below(&s->tables[ENDED], key(*before, 0)))) {
		if (budget-- == 0)
			return 1;
		*before = r->key.a;
		if (record_job_decode(r->data, r->len, &j))
			return -EBADMSG;
		bool on = !job_filter_match(f, &j) || fn(ctx, &j);
		job_fini(&j);
		if (!on)
			return 1;
	}
	return 0;
}

void store_ended_counts(struct store *s, uint64_t counts[JOB_STATES])
{
	for (int i = 0; i < JOB_STATES; i++)
		counts[i] = number(s, META, key(META_COUNTS, (uint64_t)i), 0);
}

const char *store_instance(const struct store *s)
{
	(void)s;
	return "0123456789abcdef";
}
