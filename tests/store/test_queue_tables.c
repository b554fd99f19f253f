/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "jobd/store/record.h"
#include "lib/strv.h"
#include "lib/template.h"

static char name[] = "import", ann[] = "ann", timeout[] = "timeout=2h", attempts[] = "attempts=3";
static char *rules[] = { timeout, attempts, NULL };

static bool is_kept(struct store *s, uint64_t number)
{
	char **env;
	int ret = store_environment_get(s, number, &env);

	ck_assert(ret == 0 || ret == -ENOENT);
	if (ret == 0)
		strv_free(env);
	return ret == 0;
}

START_TEST(an_environment_is_kept_as_long_as_somebody_has_it)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char *env[] = { (char[]){ "A=1" }, NULL };

	store_environment_put(s, 5, env);
	store_environment_put(s, 6, env);
	ck_assert_uint_eq(fixture_rows(s, TABLE_ENVIRONMENT_USES), 0);
	store_environment_share(s, 5, 0);
	store_environment_share(s, 5, 3);
	ck_assert_uint_eq(fixture_rows(s, TABLE_ENVIRONMENT_USES), 1);
	for (int i = 0; i < 3; i++) {
		s = fixture_reopen(s, dir);
		ck_assert(is_kept(s, 5));
		store_environment_drop(s, 5);
	}
	s = fixture_reopen(s, dir);
	ck_assert(is_kept(s, 5));
	ck_assert_uint_eq(fixture_rows(s, TABLE_ENVIRONMENT_USES), 0);
	store_environment_drop(s, 5);
	ck_assert(!is_kept(s, 5));
	store_environment_drop(s, 5); /* one that is not there: nobody else's goes */
	ck_assert(is_kept(s, 6));
	store_environment_share(s, 5, 2); /* nor is anything counted for it */
	ck_assert_uint_eq(fixture_rows(s, TABLE_ENVIRONMENT_USES), 0);
	store_close(s);
}
END_TEST

START_TEST(an_environment_that_is_put_again_is_counted_again)
{
	struct store *s = fixture_open(fixture_dir());
	char *one[] = { (char[]){ "A=1" }, NULL }, *two[] = { (char[]){ "A=2" }, NULL }, **read;

	store_environment_put(s, 5, one);
	store_environment_put(s, 5, two);
	store_environment_drop(s, 5);
	ck_assert_int_eq(store_environment_get(s, 5, &read), 0);
	ck_assert_str_eq(read[0], "A=2");
	strv_free(read);
	store_environment_drop(s, 5);
	ck_assert(!is_kept(s, 5));
	store_close(s);
}
END_TEST

START_TEST(jobs_that_go_give_back_the_environment_they_share)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char *env[] = { (char[]){ "A=1" }, NULL };
	struct job jobs[3];

	for (uint64_t i = 0; i < 3; i++) {
		fixture_job(&jobs[i], i + 1, i == 2 ? JOB_QUEUED : JOB_FAILED);
		jobs[i].environment = i ? 1 : 0; /* that of the first, whose own it is */
		store_job_put(s, &jobs[i]);
		ck_assert_uint_eq(store_environment_of(&jobs[i]), 1);
	}
	store_environment_put(s, 1, env);
	store_environment_share(s, 1, 2);
	fixture_commit(s);
	store_job_delete(s, &jobs[0]);
	ck_assert(is_kept(s, 1));
	store_job_drop(s, &jobs[2]);
	ck_assert(is_kept(s, 1));
	store_job_delete(s, &jobs[1]);
	s = fixture_reopen(s, dir);
	ck_assert(!is_kept(s, 1));
	ck_assert_uint_eq(fixture_rows(s, TABLE_ENVIRONMENT_USES), 0);
	for (size_t i = 0; i < 3; i++)
		job_fini(&jobs[i]);
	store_close(s);
}
END_TEST

struct names {
	char text[10][120];
	size_t n, stop_after;
};

static bool remember_queue(void *ctx, const struct store_queue *q)
{
	struct names *l = ctx;

	snprintf(l->text[l->n++], sizeof(l->text[0]), "%s %s %u %s %u", q->name,
	    q->rules ? q->rules[strv_len(q->rules) - 1] : "-", q->state, q->by ? q->by : "-",
	    (unsigned)q->since_us);
	return l->n != l->stop_after;
}

START_TEST(what_was_set_of_queues_is_there_after_reopening)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	struct names l = { .n = 0 };

	store_queue_put(s, &(struct store_queue){ name, rules, 2, ann, 1234, NULL });
	store_queue_put(s, &(struct store_queue){ "default", NULL, 1, NULL, 0, NULL });
	store_queue_put(s, &(struct store_queue){ "gone", rules, 1, ann, 1, rules });
	store_queue_put(s, &(struct store_queue){ "imports", NULL, 0, ann, 5, NULL });
	store_queue_put(s, &(struct store_queue){ "default", rules, 0, NULL, 0, NULL });
	store_queue_delete(s, "gone");
	store_queue_delete(s, "never");
	s = fixture_reopen(s, dir);
	ck_assert_int_eq(store_queues_load(s, remember_queue, &l), 0);
	ck_assert_uint_eq(l.n, 3);
	ck_assert_str_eq(l.text[0], "default attempts=3 0 - 0");
	ck_assert_str_eq(l.text[1], "import attempts=3 2 ann 1234");
	ck_assert_str_eq(l.text[2], "imports - 0 ann 5");
	l = (struct names){ .stop_after = 2 };
	ck_assert_int_eq(store_queues_load(s, remember_queue, &l), 0);
	ck_assert_uint_eq(l.n, 2);
	ck_assert(!store_is_dirty(s));
	store_close(s);
}
END_TEST

/* A template with everything. Owns nothing. */
static void fill(struct template *t)
{
	static char nightly[] = "nightly", text[] = "the nightly ingest", ingest[] = "ingest",
		    date_[] = "{date}", date[] = "date", depth[] = "depth=3", cwd[] = "/srv",
		    project[] = "alpha", lang[] = "LANG=C";
	static char *command[] = { ingest, date_, NULL }, *parameters[] = { date, depth, NULL },
		    *environment[] = { lang, NULL };

	*t = (struct template){ nightly, text, command, parameters, ingest, name, project, cwd, 3, 022,
		environment, rules, ann, 1001 };
}

static bool remember_template(void *ctx, const struct template *t)
{
	struct names *l = ctx;

	if (t->description)
		snprintf(l->text[l->n++], sizeof(l->text[0]), "%s|%s|%s|%s|%s|%s|%s|%s|%d|%d|%s|%s|%s|%d",
		    t->name, t->description, t->command[1], t->parameters[1], t->job_name, t->queue,
		    t->project, t->cwd, t->priority, t->umask, t->environment[0], t->rules[0],
		    t->by, (int)t->by_uid);
	else
		snprintf(l->text[l->n++], sizeof(l->text[0]), "%s %s %d %d %d", t->name, t->command[0],
		    t->priority, t->umask, (int)t->by_uid);
	return l->n != l->stop_after;
}

START_TEST(templates_are_there_after_reopening)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	struct names l = { .n = 0 };
	struct template t;
	char *argv[] = { (char[]){ "true" }, NULL };

	fill(&t);
	store_template_put(s, &t);
	template_init(&t);
	t.name = ann;
	t.command = argv;
	store_template_put(s, &t);
	t.name = name;
	store_template_put(s, &t);
	store_template_delete(s, "import");
	s = fixture_reopen(s, dir);
	ck_assert_int_eq(store_templates_load(s, remember_template, &l), 0);
	ck_assert_uint_eq(l.n, 2);
	ck_assert_str_eq(l.text[0], "ann true 0 -1 -1");
	ck_assert_str_eq(l.text[1], "nightly|the nightly ingest|{date}|depth=3|ingest|import|alpha|"
				    "/srv|3|18|LANG=C|timeout=2h|ann|1001");
	store_close(s);
}
END_TEST

START_TEST(a_queue_or_a_template_is_these_bytes)
{
	const uint8_t queue[] = { 0x01, 0x06, 'i', 'm', 'p', 'o', 'r', 't', 0x02, 0x0a, 't', 'i', 'm',
		'e', 'o', 'u', 't', '=', '2', 'h', 0x02, 0x0a, 'a', 't', 't', 'e', 'm', 'p', 't', 's',
		'=', '3', 0x03, 0x01, 0x02, 0x04, 0x03, 'a', 'n', 'n', 0x05, 0x02, 0x00, 0x01 };
	const uint8_t template[] = { 0x01, 0x01, 'n', 0x02, 0x01, 'd', 0x03, 0x01, 'c', 0x03, 0x01, 'c',
		0x04, 0x01, 'd', 0x05, 0x01, 'n', 0x06, 0x01, 'd', 0x07, 0x01, 'c', 0x08, 0x01, 'd',
		0x09, 0x01, 0x06, 0x0a, 0x00, 0x0b, 0x01, 'c', 0x0c, 0x01, 'd',
		0x0d, 0x01, 'n', 0x0e, 0x00 };
	char n[] = "n", d[] = "d", c[] = "c", *cc[] = { c, c, NULL }, *dd[] = { d, NULL };
	const struct template t = { n, d, cc, dd, n, d, c, d, 3, 0, cc + 1, dd, n, 0 };
	struct buf b = BUF_INIT;

	record_queue_encode(&b, &(struct store_queue){ name, rules, 2, ann, 256, NULL });
	ck_assert_uint_eq(b.len, sizeof(queue));
	ck_assert_mem_eq(b.data, queue, sizeof(queue));
	buf_clear(&b);
	record_template_encode(&b, &t);
	ck_assert_uint_eq(b.len, sizeof(template));
	ck_assert_mem_eq(b.data, template, sizeof(template));
	buf_fini(&b);
}
END_TEST

START_TEST(a_queue_or_template_that_can_not_be_read_is_set_aside_and_the_others_load)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	struct names l = { .n = 0 };
	struct template t;
	DBT d;

	fill(&t);
	store_template_put(s, &t);
	table_put(s, TABLE_TEMPLATES, "bad", 3, "\x01\x7f", 2);
	store_queue_put(s, &(struct store_queue){ .name = "a" });
	store_queue_put(s, &(struct store_queue){ .name = "c" });
	table_put(s, TABLE_QUEUES, "b", 1, "\x01\x01z", 3); /* says that it is another's */
	s = fixture_reopen(s, dir);
	ck_assert_int_eq(store_queues_load(s, remember_queue, &l), 0);
	ck_assert_uint_eq(l.n, 2);
	ck_assert_str_eq(l.text[1], "c - 0 - 0");
	ck_assert_int_eq(store_templates_load(s, remember_template, &l), 0);
	ck_assert_uint_eq(l.n, 3);
	s = fixture_reopen(s, dir);
	ck_assert_uint_eq(fixture_rows(s, TABLE_QUEUES), 2);
	ck_assert_int_eq(table_get(s, TABLE_ASIDE, (char[]){ TABLE_QUEUES, 'b' }, 2, &d), 0);
	ck_assert_uint_eq(d.size, 3);
	ck_assert_int_eq(table_get(s, TABLE_ASIDE, (char[]){ TABLE_TEMPLATES, 'b', 'a', 'd' }, 4, &d),
	    0);
	store_close(s);
}
END_TEST

static bool add_up(void *ctx, uint64_t batch)
{
	*(uint64_t *)ctx += batch;
	return batch != 300;
}

START_TEST(a_batch_is_known_until_it_is_sealed)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	uint64_t sum = 0;

	for (uint64_t batch = 100; batch <= 400; batch += 100)
		store_batch_open(s, batch);
	store_batch_seal(s, 200);
	s = fixture_reopen(s, dir);
	ck_assert_int_eq(store_batches_load(s, add_up, &sum), 0);
	ck_assert_uint_eq(sum, 400); /* 100 and 300, where it stopped */
	store_batch_seal(s, 300);
	store_batch_seal(s, 100);
	s = fixture_reopen(s, dir);
	sum = 0;
	ck_assert_int_eq(store_batches_load(s, add_up, &sum), 0);
	ck_assert_uint_eq(sum, 400);
	store_close(s);
}
END_TEST

START_TEST(a_turn_that_was_not_committed_leaves_none_of_it)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char *env[] = { (char[]){ "A=1" }, NULL };
	struct template t;
	struct job j;

	store_after_put(s, 2, &(struct job_after){ .id = 1, .on = AFTER_OK });
	store_environment_put(s, 1, env);
	fixture_job(&j, 2, JOB_QUEUED);
	j.environment = 1;
	store_job_put(s, &j);
	fixture_commit(s);
	fill(&t);
	store_template_put(s, &t);
	store_queue_put(s, &(struct store_queue){ .name = name });
	store_batch_open(s, 1);
	store_environment_share(s, 1, 9);
	store_job_drop(s, &j);
	store_after_put(s, 3, &(struct job_after){ .id = 1, .on = AFTER_OK });
	store_close(s);
	s = fixture_open(dir);
	ck_assert_uint_eq(fixture_rows(s, TABLE_LIVE), 1);
	ck_assert_uint_eq(fixture_rows(s, TABLE_AFTER), 1);
	ck_assert_uint_eq(fixture_rows(s, TABLE_BEFORE), 1);
	const enum table empty[] = { TABLE_TEMPLATES, TABLE_QUEUES, TABLE_BATCHES,
		TABLE_ENVIRONMENT_USES };
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		ck_assert_uint_eq(fixture_rows(s, empty[i]), 0);
	ck_assert(is_kept(s, 1));
	job_fini(&j);
	store_close(s);
}
END_TEST

struct logs {
	uint64_t ids[4];
	uint32_t attempts[4];
	size_t n;
};

static bool remember_log(void *ctx, uint64_t id, uint32_t attempt)
{
	struct logs *l = ctx;

	l->ids[l->n] = id;
	l->attempts[l->n++] = attempt;
	return l->n < 4;
}

START_TEST(logs_to_be_removed_are_there_until_they_are_forgotten)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	struct logs l = { .n = 0 };

	store_log_doom(s, 300, 2);
	store_log_doom(s, 300, 256);
	store_log_doom(s, 300, 2);
	store_log_doom(s, 7, 1);
	s = fixture_reopen(s, dir);
	ck_assert_int_eq(store_logs_load(s, remember_log, &l), 0);
	ck_assert_uint_eq(l.n, 3);
	ck_assert(l.ids[0] == 7 && l.attempts[0] == 1);
	ck_assert(l.ids[1] == 300 && l.attempts[1] == 2);
	ck_assert(l.ids[2] == 300 && l.attempts[2] == 256);
	store_log_forget(s, 300, 2);
	store_log_forget(s, 300, 3);
	store_log_forget(s, 7, 1);
	s = fixture_reopen(s, dir);
	ck_assert_uint_eq(fixture_rows(s, TABLE_LOGS), 1);
	store_close(s);
}
END_TEST

STORE_MAIN("queue-tables", an_environment_is_kept_as_long_as_somebody_has_it,
    an_environment_that_is_put_again_is_counted_again,
    jobs_that_go_give_back_the_environment_they_share,
    what_was_set_of_queues_is_there_after_reopening, templates_are_there_after_reopening,
    a_queue_or_a_template_is_these_bytes,
    a_queue_or_template_that_can_not_be_read_is_set_aside_and_the_others_load,
    a_batch_is_known_until_it_is_sealed, logs_to_be_removed_are_there_until_they_are_forgotten,
    a_turn_that_was_not_committed_leaves_none_of_it)
