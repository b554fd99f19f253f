/* SPDX-License-Identifier: ISC */
/*
 * The journal: entries by number, and which numbers are a job's. Numbers are
 * given here, one after the other without gaps, and are part of the turn.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>

#include "jobd/store/record.h"

uint64_t store_journal_put(struct store *s, const struct journal_entry *e)
{
	struct journal_entry numbered = *e;
	uint8_t key[8], job_key[16];

	numbered.number = ++s->journal_last;
	buf_clear(&s->row);
	record_entry_encode(&s->row, &numbered);
	if (s->row.failed) {
		turn_fail(s, ENOMEM, "journal");
		return numbered.number;
	}
	put_be64(key, numbered.number);
	table_put(s, TABLE_JOURNAL, key, sizeof(key), s->row.data, s->row.len);
	if (e->job) {
		put_be64(job_key, e->job);
		put_be64(job_key + 8, ~numbered.number);
		table_put(s, TABLE_JOURNAL_JOB, job_key, sizeof(job_key), NULL, 0);
	}
	day_note(s, DAY_ENTRIES, e->at_us, numbered.number);
	return numbered.number;
}

uint64_t store_journal_last(const struct store *s)
{
	return s->journal_last;
}
