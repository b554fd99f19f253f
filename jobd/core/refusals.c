/* SPDX-License-Identifier: ISC */
/* See refusals.h. */
#include "config.h"

#include "jobd/core/refusals.h"

#include <stdio.h>
#include <string.h>

bool refusals_admit(
    struct refusals *r, uint32_t uid, const char *verb, uint64_t now_us, uint64_t *before)
{
	struct refusal *found = NULL;

	for (unsigned i = 0; i < REFUSALS_KEPT && !found; i++)
		if (r->kept[i].uid == uid && !strncmp(r->kept[i].verb, verb, sizeof r->kept[i].verb - 1))
			found = &r->kept[i];
	if (found && now_us - found->since_us < REFUSALS_US) {
		found->suppressed++;
		return false;
	}
	*before = found ? found->suppressed : 0;
	if (!found) {
		found = &r->kept[r->next];
		r->next = (r->next + 1) % REFUSALS_KEPT;
		found->uid = uid;
		snprintf(found->verb, sizeof found->verb, "%s", verb);
	}
	found->since_us = now_us;
	found->suppressed = 0;
	return true;
}
