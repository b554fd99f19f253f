/* SPDX-License-Identifier: ISC */
/* See sim_journal.h. */
#include "config.h"

#include "sim_journal.h"

#include <string.h>

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

uint64_t sim_journal_put(struct sim_journal *j, const struct journal_entry *e)
{
	uint64_t n = ++j->last;
	struct journal_entry *to = &j->entries[n % SIM_ENTRIES];

	journal_entry_fini(to);
	*to = *e;
	to->number = n;
	to->verb = copy(e->verb);
	to->result = copy(e->result);
	to->user = copy(e->user);
	to->process = copy(e->process);
	to->detail = copy(e->detail);
	return n;
}

int sim_journal_page(const struct sim_journal *j, uint64_t *before,
    bool (*fn)(void *ctx, const struct journal_entry *e), void *ctx)
{
	uint64_t n = *before > j->last ? j->last : *before - 1;

	for (; n && j->entries[n % SIM_ENTRIES].number == n; n--) {
		*before = n;
		if (!fn(ctx, &j->entries[n % SIM_ENTRIES]))
			return 1;
	}
	return 0;
}

void sim_journal_fini(struct sim_journal *j)
{
	for (int i = 0; i < SIM_ENTRIES; i++)
		journal_entry_fini(&j->entries[i]);
}
