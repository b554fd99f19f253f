/* SPDX-License-Identifier: ISC */
/* The journal of the store in memory: the youngest entries, which is as far back as anybody looks.
 */
#ifndef TESTS_SIM_JOURNAL_H
#define TESTS_SIM_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "jobd/core/journal.h"

#define SIM_ENTRIES 1024

struct sim_journal {
	struct journal_entry entries[SIM_ENTRIES]; /* the one with number n is at n % SIM_ENTRIES */
	uint64_t last, committed;
};

uint64_t sim_journal_put(struct sim_journal *j, const struct journal_entry *e);
/* From the last below *before down. 1: fn has stopped it; 0. */
int sim_journal_page(const struct sim_journal *j, uint64_t *before,
    bool (*fn)(void *ctx, const struct journal_entry *e), void *ctx);
void sim_journal_fini(struct sim_journal *j);

#endif
