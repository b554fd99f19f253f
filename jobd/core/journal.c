/* SPDX-License-Identifier: ISC */
/* A journal entry as plain data: freeing one, and what a filter means. */
#include "config.h"

#include "jobd/core/journal.h"

#include <stdlib.h>
#include <string.h>

void journal_entry_fini(struct journal_entry *e)
{
	free(e->verb);
	free(e->result);
	free(e->user);
	free(e->process);
	free(e->detail);
	*e = (struct journal_entry){ 0 };
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool one_of(const char *const *list, const char *value)
{
	if (!list)
		return true;
	for (; value && *list; list++)
		if (strcmp(*list, value) == 0)
			return true;
	return false;
}

bool journal_filter_match(const struct journal_filter *f, const struct journal_entry *e)
{
	if (f->njobs && !bsearch(&e->job, f->jobs, f->njobs, sizeof(f->jobs[0]), compare_ids))
		return false;
	if (!one_of(f->users, e->user) || !one_of(f->verbs, e->verb))
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
