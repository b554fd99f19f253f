/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/store/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "lib/strv.h"
#include "lib/tlv.h"

static char ann[] = "ann", def[] = "default", true_[] = "true", submit[] = "submit", ok[] = "ok";
static char *command[] = { true_, NULL };

/* A job that owns nothing: not to be job_fini'ed. */
static struct job small_job(void)
{
	struct job j;

	job_init(&j);
	j.id = 300;
	j.state = JOB_QUEUED;
	j.priority = 5;
	j.uid = 1000;
	j.user = ann;
	j.queue = def;
	j.command = command;
	return j;
}

static void expect_bytes(const struct buf *b, const uint8_t *bytes, size_t n)
{
	ck_assert(!b->failed);
	ck_assert_uint_eq(b->len, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(b->data[i] == bytes[i], "byte %zu is %02x, not %02x", i, b->data[i],
		    bytes[i]);
}

START_TEST(a_small_job_is_these_bytes)
{
	const uint8_t golden[] = { 0x01, 0x02, 0x2c, 0x01, 0x02, 0x01, 0x01, 0x04, 0x01, 0x05, 0x05,
		0x02, 0xe8, 0x03, 0x06, 0x03, 'a', 'n', 'n', 0x09, 0x07, 'd', 'e', 'f', 'a', 'u',
		'l', 't', 0x0b, 0x04, 't', 'r', 'u', 'e' };
	struct job j = small_job();
	struct buf b = BUF_INIT;

	record_job_encode(&b, &j);
	expect_bytes(&b, golden, sizeof(golden));
	buf_fini(&b);
}
END_TEST

START_TEST(a_job_with_everything_is_these_bytes)
{
	const uint8_t golden[] = {
		0x01, 0x01, 0x07,			/* id */
		0x02, 0x01, 0x06,			/* failed */
		0x03, 0x01, 0x14,			/* exit */
		0x04, 0x01, 0x02,			/* priority */
		0x05, 0x04, 0xfe, 0xff, 0xff, 0xff,	/* uid, above 2^31 */
		0x06, 0x03, 'a', 'n', 'n',		/* user */
		0x07, 0x01, 0x05,			/* submitter */
		0x08, 0x01, 'n',			/* name */
		0x09, 0x07, 'd', 'e', 'f', 'a', 'u', 'l', 't', /* queue */
		0x0a, 0x00,				/* project "", which is not NULL */
		0x0b, 0x04, 't', 'r', 'u', 'e',		/* command */
		0x0b, 0x00,				/* its argument, empty */
		0x0c, 0x01, '/',			/* cwd */
		0x0d, 0x01, 0x24,			/* umask 022, zigzag */
		0x0e, 0x06, 0x01, 0x01, 'k', 0x02, 0x01, 'v', /* meta */
		0x0f, 0x01, 0x01,			/* cancel requested */
		0x10, 0x01, 0x01,			/* pause requested */
		0x11, 0x01, 0x03,			/* attempts */
		0x12, 0x02, 0x00, 0x01,			/* submitted */
		0x13, 0x02, 0x01, 0x01,			/* eligible */
		0x14, 0x02, 0x02, 0x01,			/* paused */
		0x15, 0x4a,				/* the present attempt */
		0x01, 0x01, 0x02, 0x02, 0x01, 0x06, 0x03, 0x01, 0x14, 0x04, 0x01, 0x09,
		0x05, 0x01, 0x14, 0x06, 0x01, 0x16, 0x07, 0x01, 0x0c, 0x08, 0x01, 0x0d,
		0x09, 0x01, 'b', 0x0a, 0x01, 'c', 0x0b, 0x01, 0x0e, 0x0c, 0x01, 0x0f,
		0x0d, 0x01, 0x10, 0x0e, 0x02, 0x00, 0x02, 0x0f, 0x01, 0x01, 0x10, 0x01, 'e',
		0x11, 0x01, 0x11, 0x12, 0x01, 0x12, 0x13, 0x01, 0x13, 0x14, 0x02, 0x14, 0x01,
		0x15, 0x01, 0x01, 0x16, 0x01, 0x05, 0x17, 0x01, 0x06, 0x18, 0x01, 0x07,
		0x18, 0x01, 0x01,			/* paused by a stop */
	};
	static char n[] = "n", empty[] = "", cwd[] = "/", k[] = "k", v[] = "v", b_[] = "b",
		    c[] = "c", e[] = "e";
	char *argv[] = { true_, empty, NULL };
	struct job_meta meta[] = { { k, v } };
	struct job j = small_job();
	struct buf b = BUF_INIT;

	j.id = 7;
	j.state = JOB_FAILED;
	j.reason = REASON_EXIT;
	j.priority = 2;
	j.uid = 4294967294u;
	j.submitter_uid = 5;
	j.name = n;
	j.project = empty;
	j.command = argv;
	j.cwd = cwd;
	j.umask = 022;
	j.meta = meta;
	j.nmeta = 1;
	j.cancel_requested = j.pause_requested = j.stop_paused = true;
	j.attempts = 3;
	j.submitted_at_us = 256;
	j.eligible_at_us = 257;
	j.paused_at_us = 258;
	j.now = (struct job_attempt){ 2, JOB_FAILED, REASON_EXIT, 9, 10, 11, 12, 13, b_, c, 14, 15,
		16, 5, 6, 256, true, e, { 17, 18, 19, 276 }, true, 7 };
	record_job_encode(&b, &j);
	expect_bytes(&b, golden, sizeof(golden));
	buf_fini(&b);
}
END_TEST

START_TEST(what_a_job_waits_for_and_its_rules_are_these_bytes)
{
	const uint8_t golden[] = {
		0x19, 0x09, 't', 'i', 'm', 'e', 'o', 'u', 't', '=', '9', /* rules */
		0x19, 0x0a, 'a', 't', 't', 'e', 'm', 'p', 't', 's', '=', '2',
		0x1a, 0x01, 'u',	/* unique */
		0x1b, 0x01, 't',	/* template */
		0x1c, 0x01, 0x01,	/* batch */
		0x1d, 0x02, 0x00, 0x01, /* environment */
		0x1e, 0x01, 0x03,	/* not before */
		0x1f, 0x01, 0x04,	/* deadline */
		0x20, 0x01, 0x05,	/* retry at */
		0x21, 0x01, 0x01,	/* paused by its queue's pause */
		0x22, 0x01, 0x01,	/* its slot was released */
		0x23, 0x01, 0x01,	/* resume requested */
		0x24, 0x01, 0x01,	/* timed out */
		0x25, 0x01, 0x01,	/* warned */
		0x26, 0x01, 0x01,	/* has waited for others */
		0x27, 0x01, 0x01,	/* drop where that can't come true */
	};
	static char u[] = "u", t[] = "t", timeout[] = "timeout=9", attempts[] = "attempts=2";
	char *rules[] = { timeout, attempts, NULL };
	struct job j = small_job();
	struct buf b = BUF_INIT;

	j.rules = rules;
	j.unique = u;
	j.template = t;
	j.batch = 1;
	j.environment = 256;
	j.not_before_us = 3;
	j.deadline_us = 4;
	j.retry_at_us = 5;
	j.queue_paused = j.slot_released = j.resume_requested = j.timed_out = true;
	j.warned = j.has_after = j.drop_unmet = true;
	record_job_encode(&b, &j);
	ck_assert_uint_gt(b.len, 34);
	buf_drop(&b, 34); /* the small job */
	expect_bytes(&b, golden, sizeof(golden));
	buf_fini(&b);
}
END_TEST

START_TEST(history_and_progress_are_these_bytes)
{
	const uint8_t golden[] = {
		0x16, 0x06, 0x01, 0x01, 0x01, 0x02, 0x01, 0x07, /* attempt 1, cancelled */
		0x16, 0x00,					/* an attempt of which nothing is known */
		0x17, 0x1f,					/* progress */
		0x01, 0x00,					/* 0 %, which is not "not reported" */
		0x02, 0x01, 0x06, 0x03, 0x01, 0x08, 0x04, 0x01, 0x0a, 0x05, 0x01, 0x0c,
		0x06, 0x01, 's', 0x07, 0x01, 'i', 0x08, 0x01, 't',
		0x09, 0x06, 0x01, 0x01, 'a', 0x02, 0x01, 0x03,	/* count a: 3 */
	};
	static char st[] = "s", it[] = "i", te[] = "t", a[] = "a";
	struct job_attempt history[] = { { .number = 1, .state = JOB_CANCELLED }, { 0 } };
	struct job_count counts[] = { { a, 3 } };
	struct job j = small_job();
	struct buf b = BUF_INIT;

	j.history = history;
	j.nhistory = 2;
	struct job_progress progress = { 0, 3, 4, 5, 6, st, it, te, counts, 1 };
	j.progress = &progress;
	record_job_encode(&b, &j);
	ck_assert_uint_gt(b.len, 34);
	buf_drop(&b, 34); /* the small job */
	expect_bytes(&b, golden, sizeof(golden));
	buf_fini(&b);
}
END_TEST

START_TEST(a_journal_entry_is_these_bytes)
{
	const uint8_t golden[] = { 0x01, 0x01, 0x0c, 0x02, 0x02, 0xe8, 0x03, 0x03, 0x01, 0x07, 0x04,
		0x01, 0x01, 0x05, 0x06, 's', 'u', 'b', 'm', 'i', 't', 0x06, 0x01, 0x01, 0x07, 0x01,
		0x03, 0x08, 0x01, 0x14, 0x09, 0x02, 'o', 'k', 0x0a, 0x01, 0x01, 0x0c, 0x03, 'a',
		'n', 'n', 0x0d, 0x01, 0x54, 0x0e, 0x04, 't', 'r', 'u', 'e', 0x0f, 0x01, 0x01, 0x10,
		0x01, 0x12, 0x11, 0x07, 'd', 'e', 'f', 'a', 'u', 'l', 't', 0x12, 0x01, 0x05 };
	struct journal_entry e = { 12, 1000, 7, 1, submit, JOB_QUEUED, JOB_RUNNING, REASON_EXIT, ok,
		true, 0, ann, 42, true_, true, 9, def, 5 };
	struct journal_entry read;
	struct buf b = BUF_INIT;

	record_entry_encode(&b, &e);
	expect_bytes(&b, golden, sizeof(golden));
	ck_assert_int_eq(record_entry_decode(b.data, b.len, &read), 0);
	ck_assert_uint_eq(read.job, 7);
	ck_assert_str_eq(read.process, "true");
	ck_assert_int_eq(read.status, 9);
	journal_entry_fini(&read);
	buf_fini(&b);
}
END_TEST

/* Written, read and written again: the same bytes, so every field that is written is read. */
static void expect_round_trip(const struct job *j)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct job read;

	record_job_encode(&once, j);
	ck_assert_int_eq(record_job_decode(once.data, once.len, &read), 0);
	record_job_encode(&twice, &read);
	ck_assert_uint_eq(once.len, twice.len);
	ck_assert_mem_eq(once.data, twice.data, once.len);
	job_fini(&read);
	buf_fini(&once);
	buf_fini(&twice);
}

START_TEST(a_row_that_is_read_is_the_row_that_was_written)
{
	static char big[40000], item[] = "i";
	struct job_attempt history[5];
	struct job_meta meta[] = { { ann, def }, { def, big }, { ok, ann } };
	struct job_count counts[] = { { ann, 0 }, { ok, UINT64_MAX }, { def, 1 } };
	struct job j = small_job();

	memset(big, 'x', sizeof(big) - 1);
	for (size_t i = 0; i < 5; i++)
		history[i] = (struct job_attempt){ .number = (uint32_t)i, .status = -(int)i,
			.nonce = UINT64_MAX - i, .error = i % 2 ? big : NULL };
	j.history = history;
	j.nhistory = 5;
	j.meta = meta;
	j.nmeta = 3;
	struct job_progress progress = { 100, INT64_MAX, 0, -2, 1, NULL, item, big, counts, 3 };
	j.progress = &progress;
	expect_round_trip(&j);
	progress.text = NULL; /* lengths at the edge of one byte and two */
	for (size_t n = 120; n < 140; n++) {
		big[n] = '\0';
		expect_round_trip(&j);
		big[n] = 'x';
	}
	big[16383] = '\0';
	expect_round_trip(&j);
}
END_TEST

START_TEST(a_row_keeps_two_lists_of_strings_apart)
{
	char *words[100], *rules[70];
	struct job j = small_job(), read;
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < 99; i++)
		words[i] = i % 2 ? ann : true_;
	for (size_t i = 0; i < 69; i++)
		rules[i] = i % 3 ? ok : def;
	words[99] = rules[69] = NULL;
	j.command = words;
	j.rules = rules;
	j.unique = ann;
	j.template = def;
	j.batch = UINT64_MAX;
	j.not_before_us = j.deadline_us = 1700000000000000;
	j.warned = true;
	expect_round_trip(&j);
	/* And where the strings of one come in between those of the other. */
	record_job_encode(&b, &j);
	for (size_t i = 0; i < 300; i++)
		tlv_put_str(&b, i % 2 ? 11 : 25, submit);
	ck_assert_int_eq(record_job_decode(b.data, b.len, &read), 0);
	ck_assert_uint_eq(strv_len(read.command), 99 + 150);
	ck_assert_uint_eq(strv_len(read.rules), 69 + 150);
	ck_assert_str_eq(read.command[1], "ann");
	ck_assert_str_eq(read.rules[68], "ok");
	ck_assert_str_eq(read.rules[69], "submit");
	job_fini(&read);
	buf_fini(&b);
}
END_TEST

START_TEST(fields_of_a_newer_version_are_kept)
{
	struct job j = small_job(), read;
	struct buf b = BUF_INIT, again = BUF_INIT;

	record_job_encode(&b, &j);
	tlv_put_str(&b, 900, "from tomorrow");
	tlv_put_u64(&b, 901, 77);
	ck_assert_int_eq(record_job_decode(b.data, b.len, &read), 0);
	record_job_encode(&again, &read);
	ck_assert_uint_eq(b.len, again.len);
	ck_assert_mem_eq(b.data, again.data, b.len);
	job_fini(&read);
	buf_fini(&b);
	buf_fini(&again);
}
END_TEST

static int decode(const struct buf *b)
{
	struct job j;
	int ret = record_job_decode(b->data, b->len, &j);

	job_fini(&j); /* safe after an error too */
	return ret;
}

START_TEST(what_is_no_job_is_refused)
{
	const struct {
		uint32_t tag;
		uint64_t value;
	} bad[] = { { 2, 0 }, { 2, 8 }, { 2, 1ull << 40 }, { 4, 256 }, { 5, 1ull << 32 },
		{ 13, 1ull << 33 } };
	struct job j = small_job();
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_clear(&b);
		record_job_encode(&b, &j);
		ck_assert_int_eq(decode(&b), 0);
		tlv_put_u64(&b, bad[i].tag, bad[i].value);
		ck_assert_int_eq(decode(&b), -EBADMSG);
	}
	buf_clear(&b);
	record_job_encode(&b, &j);
	tlv_put_bytes(&b, 1, "123456789", 9);
	ck_assert_int_eq(decode(&b), -EBADMSG);
	char **must[] = { &j.user, &j.queue };
	for (size_t i = 0; i < 2; i++) {
		char *was = *must[i];
		*must[i] = NULL;
		buf_clear(&b);
		record_job_encode(&b, &j);
		ck_assert_int_eq(decode(&b), -EBADMSG);
		*must[i] = was;
	}
	j.command = NULL;
	buf_clear(&b);
	record_job_encode(&b, &j);
	ck_assert_int_eq(decode(&b), -EBADMSG);
	ck_assert_int_eq(decode(&(struct buf)BUF_INIT), -EBADMSG);
	buf_fini(&b);
}
END_TEST

START_TEST(damaged_rows_are_refused_or_read_and_never_worse)
{
	struct job_meta meta[] = { { ann, def }, { ok, submit } };
	struct job_attempt history[] = { { .number = 1, .error = ann }, { .number = 2 } };
	struct job j = small_job();
	struct buf b = BUF_INIT;
	unsigned refused = 0;

	fixture_seed();
	j.meta = meta;
	j.nmeta = 2;
	j.history = history;
	j.nhistory = 2;
	record_job_encode(&b, &j);
	for (size_t n = 0; n < b.len; n++) {
		struct buf cut = { b.data, n, n, false };
		refused += decode(&cut) == -EBADMSG;
	}
	ck_assert_uint_gt(refused, b.len / 2);
	for (int i = 0; i < 20000; i++) {
		struct buf damaged = BUF_INIT;
		buf_put(&damaged, b.data, b.len);
		for (uint32_t k = 0; k <= fixture_random(3); k++)
			damaged.data[fixture_random((uint32_t)b.len)] = (uint8_t)fixture_random(256);
		int ret = decode(&damaged);
		ck_assert(ret == 0 || ret == -EBADMSG);
		buf_fini(&damaged);
	}
	buf_fini(&b);
}
END_TEST

STORE_MAIN("record", a_small_job_is_these_bytes, a_job_with_everything_is_these_bytes,
    what_a_job_waits_for_and_its_rules_are_these_bytes, history_and_progress_are_these_bytes,
    a_journal_entry_is_these_bytes,
    a_row_that_is_read_is_the_row_that_was_written, a_row_keeps_two_lists_of_strings_apart,
    fields_of_a_newer_version_are_kept,
    what_is_no_job_is_refused, damaged_rows_are_refused_or_read_and_never_worse)
