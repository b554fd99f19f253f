/* SPDX-License-Identifier: ISC */
/* Log lines of a turn: they leave after the commit that made them true. */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include "jobd/core/journal.h"
#include "lib/buf.h"

struct outbox {
	struct buf lines; /* priority, text, NUL; and again */
};

/* The entry as a line; j is its job, or NULL. */
void outbox_add(struct outbox *o, const struct journal_entry *entry, const struct job *j);
/* Sends all of them. */
void outbox_flush(struct outbox *o);
/* Frees it; what was not sent is dropped. */
void outbox_fini(struct outbox *o);

#endif
