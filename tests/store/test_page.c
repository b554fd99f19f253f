/* SPDX-License-Identifier: ISC */
/* Pages against a model: every row held against the filter, one after the other. */
#include "config.h"

#include "jobd/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define JOBS	3000
#define ENTRIES 3000
#define DAY_US	(86400ull * 1000000)
#define START	(20000 * DAY_US)

static const char *const names[] = { "ann", "bob", "carol", "nobody" };
static const char *const queues[] = { "default", "nightly", "defaul", "none" };
/* A value that another begins with, one that is cut in the index, and its like. */
#define LONG                                                                                       \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
	"890123456789012345678901234567890123456789"
static const char *const projects[] = { "a", "ab", LONG "x", LONG "y", "", "none" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct job model[JOBS + 1]; /* by id; id 0: not there */
static struct journal_entry entries[ENTRIES + 1];

static char *pick(const char *const *list, size_t n)
{
	char *s = strdup(list[fixture_random((uint32_t)n)]);

	ck_assert_ptr_nonnull(s);
	return s;
}

/* A clock that goes on, stands still, and is wrong now and then by days. */
static uint64_t submission_time(uint64_t id)
{
	uint64_t at = START + id * (DAY_US / 200);

	if (fixture_random(100) == 0)
		return at - fixture_random(10) * DAY_US;
	return fixture_random(300) == 0 ? at + 100 * DAY_US : at;
}

static void put_random(struct store *s, uint64_t id)
{
	static const enum job_state states[] = { JOB_COMPLETED, JOB_COMPLETED, JOB_COMPLETED,
		JOB_FAILED, JOB_CANCELLED, JOB_QUEUED, JOB_RUNNING };
	struct job *j = &model[id];
	uint64_t submitted = j->id ? j->submitted_at_us : submission_time(id);

	job_fini(j);
	fixture_job(j, id, states[fixture_random(COUNT(states))]);
	free(j->queue);
	free(j->user);
	j->queue = pick(queues, COUNT(queues) - 1);
	j->user = pick(names, COUNT(names) - 1);
	j->project = fixture_random(4) ? pick(projects, COUNT(projects) - 1) : NULL;
	j->submitted_at_us = submitted;
	if (fixture_random(10) == 0)
		j->name = pick(names, COUNT(names));
	store_job_put(s, j);
}

static struct store *fill(const char *dir)
{
	struct store *s = fixture_open(dir);

	for (uint64_t id = 1; id <= JOBS; id++) {
		put_random(s, id);
		if (fixture_random(3) == 0)
			put_random(s, 1 + fixture_random((uint32_t)id));
		uint64_t gone = 1 + fixture_random((uint32_t)id);
		if (fixture_random(10) == 0 && model[gone].id &&
		    job_has_ended(model[gone].state)) {
			store_job_delete(s, &model[gone]);
			uint64_t was = model[gone].submitted_at_us;
			job_fini(&model[gone]);
			model[gone].submitted_at_us = was;
		}
		if (fixture_random(20) == 0)
			fixture_commit(s);
	}
	return s;
}

/* A list of up to three values, maybe the same twice. */
static const char *const *some(const char **out, const char *const *list, size_t n)
{
	uint32_t k = 1 + fixture_random(3);

	for (uint32_t i = 0; i < k; i++)
		out[i] = list[fixture_random((uint32_t)n)];
	out[k] = NULL;
	return out;
}

struct random_filter {
	struct job_filter f;
	const char *queues[4], *projects[4], *users[4];
	uint64_t ids[200];
};

static void make_filter(struct random_filter *r)
{
	struct job_filter *f = &r->f;

	memset(r, 0, sizeof(*r));
	if (fixture_random(2))
		f->states = fixture_random(1u << JOB_STATES);
	if (fixture_random(3) == 0)
		f->queues = some(r->queues, queues, COUNT(queues));
	if (fixture_random(3) == 0)
		f->projects = some(r->projects, projects, COUNT(projects));
	if (fixture_random(3) == 0)
		f->users = some(r->users, names, COUNT(names));
	if (fixture_random(8) == 0)
		f->name_glob = "*o*";
	if (fixture_random(8) == 0)
		f->search = "CAROL";
	if (fixture_random(4) == 0)
		f->since_us = START + fixture_random(JOBS) * (DAY_US / 200);
	if (fixture_random(4) == 0)
		f->until_us = (f->since_us ? f->since_us : START) + fixture_random(10) * DAY_US + 1;
	if (fixture_random(6) == 0) {
		uint64_t id = 0;
		for (f->nids = 0; f->nids < COUNT(r->ids); f->nids++)
			r->ids[f->nids] = id += 1 + fixture_random(20);
		f->ids = r->ids;
	}
}

struct page {
	uint64_t found[JOBS + ENTRIES];
	size_t n, stop_at;
};

static bool take(void *ctx, const struct job *j)
{
	struct page *p = ctx;

	ck_assert_uint_eq(j->submitted_at_us, model[j->id].submitted_at_us);
	p->found[p->n++] = j->id;
	return p->n != p->stop_at;
}

/* Reads all pages, of random size and budget. */
static void read_all(struct store *s, const struct job_filter *f, struct page *p)
{
	uint64_t before = UINT64_MAX;
	int ret = 1;

	p->n = 0;
	while (ret == 1) {
		size_t had = p->n;
		uint64_t was = before;
		p->stop_at = p->n + 1 + fixture_random(60);
		ret = store_ended_page(s, f, &before, fixture_random(200), take, p);
		ck_assert_msg(ret >= 0 && (before < was || ret == 0), "stands at %llu",
		    (unsigned long long)was);
		ck_assert(p->n == had || p->found[p->n - 1] >= before);
	}
}

START_TEST(pages_hold_what_the_filter_says_no_more_and_no_less)
{
	static struct page p;
	static struct random_filter r;
	size_t found = 0;

	fixture_seed();
	struct store *s = fill(fixture_dir());
	for (int round = 0; round < 400; round++) {
		size_t at = 0;
		make_filter(&r);
		read_all(s, &r.f, &p);
		for (uint64_t id = JOBS; id > 0; id--) {
			const struct job *j = &model[id];
			if (!j->id || !job_has_ended(j->state) || !job_filter_match(&r.f, j))
				continue;
			ck_assert_msg(at < p.n && p.found[at] == id,
			    "round %d: job %llu is missing", round, (unsigned long long)id);
			at++;
		}
		ck_assert_uint_eq(at, p.n);
		found += at;
	}
	ck_assert_uint_gt(found, 10000);
	fixture_commit(s);
	store_close(s);
	for (size_t id = 0; id <= JOBS; id++)
		job_fini(&model[id]);
}
END_TEST

START_TEST(counts_are_those_of_the_rows)
{
	uint64_t counts[JOB_STATES], expected[JOB_STATES] = { 0 };
	const char *dir = fixture_dir();

	fixture_seed();
	struct store *s = fill(dir);
	fixture_commit(s);
	store_close(s);
	s = fixture_open(dir);
	for (size_t id = 1; id <= JOBS; id++) {
		if (model[id].id && job_has_ended(model[id].state))
			expected[model[id].state]++;
		job_fini(&model[id]);
	}
	store_ended_counts(s, counts);
	for (size_t i = 0; i < JOB_STATES; i++)
		ck_assert_uint_eq(counts[i], expected[i]);
	store_close(s);
}
END_TEST

static struct store *fill_journal(const char *dir)
{
	static const char *const verbs[] = { "submit", "start", "exit" };
	struct store *s = fixture_open(dir);

	for (uint64_t n = 1; n <= ENTRIES; n++) {
		struct journal_entry *e = &entries[n];
		e->at_us = submission_time(n);
		e->job = fixture_random(50);
		e->verb = pick(verbs, COUNT(verbs));
		e->owner = fixture_random(3);
		e->has_actor = fixture_random(2);
		if (e->has_actor) {
			e->user = pick(names, COUNT(names));
			e->uid = fixture_random(3);
		}
		e->number = store_journal_put(s, e);
		ck_assert_uint_eq(e->number, n);
		if (fixture_random(50) == 0)
			fixture_commit(s);
	}
	return s;
}

static bool take_entry(void *ctx, const struct journal_entry *e)
{
	struct page *p = ctx;

	ck_assert_str_eq(e->verb, entries[e->number].verb);
	p->found[p->n++] = e->number;
	return p->n != p->stop_at;
}

static void make_journal_filter(struct journal_filter *f, uint64_t jobs[40], const char **users)
{
	static const char *const exits[] = { "exit", "submit", NULL };

	*f = (struct journal_filter){ 0 };
	f->control = fixture_random(3) == 0;
	f->limit_uid = fixture_random(3) == 0;
	f->uid = fixture_random(3);
	if (fixture_random(3) == 0)
		f->users = some(users, names, COUNT(names));
	if (fixture_random(3) == 0)
		f->verbs = exits;
	if (fixture_random(3) == 0)
		f->since_us = START + fixture_random(ENTRIES) * (DAY_US / 200);
	if (fixture_random(3) == 0)
		f->until_us = START + fixture_random(ENTRIES) * (DAY_US / 200);
	if (fixture_random(2) == 0) {
		uint64_t id = 0;
		size_t most = fixture_random(2) ? 3 : 40;
		for (; f->njobs < most; f->njobs++)
			jobs[f->njobs] = id += 1 + fixture_random(most == 3 ? 20 : 2);
		f->jobs = jobs;
	}
}

START_TEST(pages_of_the_journal_hold_what_the_filter_says)
{
	static struct page p;
	uint64_t jobs[40];
	const char *users[4];
	struct journal_filter f;
	size_t found = 0;

	fixture_seed();
	struct store *s = fill_journal(fixture_dir());
	for (int round = 0; round < 300; round++) {
		uint64_t before = UINT64_MAX;
		size_t at = 0;
		int ret = 1;
		make_journal_filter(&f, jobs, users);
		for (p.n = 0; ret == 1;) {
			p.stop_at = p.n + 1 + fixture_random(60);
			ret = store_journal_page(s, &f, &before, fixture_random(300), take_entry,
			    &p);
			ck_assert_int_ge(ret, 0);
		}
		for (uint64_t n = ENTRIES; n > 0; n--) {
			if (!journal_filter_match(&f, &entries[n]))
				continue;
			ck_assert_msg(at < p.n && p.found[at] == n,
			    "round %d: entry %llu is missing", round, (unsigned long long)n);
			at++;
		}
		ck_assert_uint_eq(at, p.n);
		found += at;
	}
	ck_assert_uint_gt(found, 10000);
	fixture_commit(s);
	store_close(s);
	for (size_t n = 1; n <= ENTRIES; n++)
		journal_entry_fini(&entries[n]);
}
END_TEST

STORE_MAIN("page", pages_hold_what_the_filter_says_no_more_and_no_less,
    counts_are_those_of_the_rows, pages_of_the_journal_hold_what_the_filter_says)
