/* SPDX-License-Identifier: ISC */
/* A journal entry as plain data: freeing one, and what a filter means. */
#include "config.h"

#include "jobd/core/journal.h"

#include <stdlib.h>

#include "jobd/core/filter.h"

static void free_text(const char *text)
{
	free((char *)(uintptr_t)text);
}

void journal_entry_fini(struct journal_entry *e)
{
	free_text(e->verb);
	free_text(e->result);
	free_text(e->user);
	free_text(e->process);
	free_text(e->detail);
	*e = (struct journal_entry){ 0 };
}

bool journal_filter_match(const struct journal_filter *f, const struct journal_entry *e)
{
	if (f->njobs && !filter_has_id(f->jobs, f->njobs, e->job))
		return false;
	if (!filter_has_word(f->users, e->user) || !filter_has_word(f->verbs, e->verb))
		return false;
	if (f->since_us && e->at_us < f->since_us)
		return false;
	if (f->until_us && e->at_us >= f->until_us)
		return false;
	if (f->control && !e->has_actor)
		return false;
	if (f->limit_uid && e->owner != f->uid && !(e->has_actor && e->uid == f->uid))
		return false;
	return true;
}
