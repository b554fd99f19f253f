/* SPDX-License-Identifier: ISC */
/*
 * Stores of older jobds are taken over, those of newer ones left alone.
 */
#include "config.h"

#include "jobd/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fixture.h"
#include "lib/tlv.h"

START_TEST(a_newer_schema_is_refused_and_untouched)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);

	fixture_put(s, 1, JOB_QUEUED);
	fixture_commit(s);
	store_close(s);
	fixture_shell("echo %d > %s/schema; cp -rp %s %s.before", STORE_SCHEMA + 1, dir, dir, dir);
	ck_assert_int_eq(fixture_refuses(dir, "newer"), -EPROTO);
	fixture_shell("diff -r %s/store %s.before/store", dir, dir);
	fixture_shell("cd %s && test -z \"$(find store schema journal.high -newer lock)\"", dir);
}
END_TEST

START_TEST(a_schema_number_that_is_none_is_damage_and_no_newer_jobd)
{
	static const char *const damaged[] = { "", "0", "1 1", "x", "\\0001", "-1" };
	const char *dir = fixture_dir(), *why;
	char advice[32];
	struct store *s;

	snprintf(advice, sizeof(advice), "write %d there", STORE_SCHEMA);
	store_close(fixture_open(dir));
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		fixture_shell("printf -- '%s\\n' > %s/schema", damaged[i], dir);
		ck_assert_int_eq(fixture_try(dir, false, &s, &why), -EBADMSG);
		ck_assert_ptr_null(strstr(why, "was written by a newer"));
		ck_assert_ptr_nonnull(strstr(why, "schema is damaged"));
		ck_assert_ptr_nonnull(strstr(why, advice));
	}
	fixture_shell("echo %d > %s/schema", STORE_SCHEMA, dir);
	store_close(fixture_open(dir));
}
END_TEST

static const enum table tables_since_2[] = { TABLE_ENVIRONMENT_USES, TABLE_QUEUES, TABLE_TEMPLATES,
	TABLE_AFTER, TABLE_BEFORE, TABLE_BATCHES, TABLE_LOGS };
static const char *const names_since_2[] = { "environment_uses", "queues", "templates", "after",
	"before", "batches", "logs" };

static void put_schema(struct store *s, uint64_t schema)
{
	struct buf b = BUF_INIT;

	tlv_put_u64(&b, 1, schema);
	table_put(s, TABLE_META, "schema", strlen("schema"), b.data, b.len);
	buf_fini(&b);
}

static uint64_t schema_inside(struct store *s)
{
	struct tlv t;
	DBT d;

	ck_assert_int_eq(table_get(s, TABLE_META, "schema", strlen("schema"), &d), 0);
	struct tlv_reader r = { d.data, d.size, false };
	ck_assert(tlv_next(&r, &t));
	return tlv_u64(&t);
}

/* A store as a jobd of schema 1 leaves it, with a job that waits, one that ended, an environment. */
static const char *store_of_schema_1(void)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char *env[] = { (char[]){ "A=1" }, NULL };

	fixture_put(s, store_next_id(s), JOB_QUEUED);
	fixture_put(s, store_next_id(s), JOB_FAILED);
	store_environment_put(s, 1, env);
	fixture_entry(s, 1, "submit");
	put_schema(s, 1);
	fixture_commit(s);
	for (size_t i = 0; i < sizeof(tables_since_2) / sizeof(tables_since_2[0]); i++) {
		DB *db = s->db[tables_since_2[i]];
		s->db[tables_since_2[i]] = NULL;
		ck_assert_int_eq(db->close(db, 0), 0);
		ck_assert_int_eq(s->env->dbremove(s->env, NULL, STORE_FILE, names_since_2[i],
				     DB_AUTO_COMMIT), 0);
	}
	store_close(s);
	fixture_shell("echo 1 > %s/schema", dir);
	return dir;
}

static void expect_taken_over(const char *dir)
{
	struct store *s = fixture_open(dir);
	struct job j;
	char **env;

	fixture_shell("test \"$(cat %s/schema)\" = %d", dir, STORE_SCHEMA);
	ck_assert_uint_eq(schema_inside(s), STORE_SCHEMA);
	ck_assert_int_eq(store_job_get(s, 1, &j), 0);
	ck_assert_int_eq(j.state, JOB_QUEUED);
	ck_assert_uint_eq(store_environment_of(&j), 1);
	ck_assert(!j.has_after);
	job_fini(&j);
	ck_assert_int_eq(store_job_get(s, 2, &j), 0);
	store_job_delete(s, &j);
	job_fini(&j);
	ck_assert_int_eq(store_environment_get(s, 1, &env), 0);
	free(env[0]);
	free(env);
	ck_assert_uint_eq(store_next_id(s), 3);
	store_after_put(s, 3, &(struct job_after){ .id = 1, .on = AFTER_OK });
	store_queue_put(s, &(struct store_queue){ .name = "import" });
	s = fixture_reopen(s, dir);
	ck_assert_uint_eq(fixture_rows(s, TABLE_BEFORE), 1);
	ck_assert_uint_eq(fixture_rows(s, TABLE_QUEUES), 1);
	store_close(s);
}

START_TEST(a_store_of_schema_1_is_taken_over_with_all_that_is_in_it)
{
	expect_taken_over(store_of_schema_1());
}
END_TEST

START_TEST(a_take_over_that_was_broken_off_is_ended_by_the_next_start)
{
	const char *dir = store_of_schema_1();

	fixture_shell("echo %d > %s/schema", STORE_SCHEMA, dir); /* the file is written, the row is not */
	expect_taken_over(dir);
	fixture_shell("echo 1 > %s/schema", dir); /* a file that was put back from before */
	store_close(fixture_open(dir));
	fixture_shell("test \"$(cat %s/schema)\" = %d", dir, STORE_SCHEMA);
}
END_TEST

START_TEST(a_store_that_is_refused_is_not_marked_as_taken_over)
{
	const char *dir = store_of_schema_1();

	/* Older than it has been. */
	fixture_shell("cp -rp %s/store %s/copy", dir, dir);
	struct store *s = fixture_open(dir);
	for (int i = 0; i < 10; i++)
		fixture_entry(s, 1, "hold");
	fixture_commit(s);
	store_close(s);
	fixture_shell("cd %s && rm -r store && mv copy store && echo 1 > schema", dir);
	ck_assert_int_eq(fixture_refuses(dir, "put back"), -ESTALE);
	fixture_shell("test \"$(cat %s/schema)\" = 1", dir);
	ck_assert_int_eq(fixture_try(dir, true, &s, NULL), 0);
	store_close(s);
	fixture_shell("test \"$(cat %s/schema)\" = %d", dir, STORE_SCHEMA);
}
END_TEST

START_TEST(a_take_over_that_can_not_be_written_down_is_refused_and_says_where)
{
	const char *dir = store_of_schema_1();

	fixture_shell("mkdir %s/schema.new", dir);
	ck_assert_int_eq(fixture_refuses(dir, "/schema.new: "), -EISDIR);
	fixture_shell("test \"$(cat %s/schema)\" = 1 && rmdir %s/schema.new", dir, dir);
	expect_taken_over(dir);
}
END_TEST

STORE_MAIN("schema", a_newer_schema_is_refused_and_untouched,
    a_schema_number_that_is_none_is_damage_and_no_newer_jobd,
    a_store_of_schema_1_is_taken_over_with_all_that_is_in_it,
    a_take_over_that_was_broken_off_is_ended_by_the_next_start,
    a_store_that_is_refused_is_not_marked_as_taken_over,
    a_take_over_that_can_not_be_written_down_is_refused_and_says_where)
