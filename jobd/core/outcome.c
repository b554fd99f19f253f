/* SPDX-License-Identifier: ISC */
/* See outcome.h: decided here, and nowhere else. */
#include "config.h"

#include "jobd/core/outcome.h"

#include <errno.h>
#include <string.h>

#include "lib/status.h"

/* The machine had no room for one more process: nobody's failure, and it passes. Nothing has run. */
static bool had_no_room(const struct keeper_end *end)
{
	bool is_exec = end->step && strncmp(end->step, "exec ", 5) == 0;

	return end->kind == KEEPER_END_SPAWN && !is_exec
	    && (end->error == EAGAIN || end->error == ENOMEM || end->error == ENFILE
		|| end->error == EMFILE);
}

struct attempt_outcome attempt_outcome(bool cancel_requested, const struct keeper_end *end)
{
	struct status st = status_decode(end->status);

	if (end->kind == KEEPER_END_NEVER_RAN || had_no_room(end))
		return (struct attempt_outcome){ cancel_requested ? EVENT_CANCELLED : EVENT_NEVER_RAN,
			REASON_NONE };
	if (cancel_requested)
		return (struct attempt_outcome){ EVENT_CANCELLED, REASON_NONE };
	if (end->kind == KEEPER_END_SPAWN)
		return (struct attempt_outcome){ EVENT_FAILED, REASON_SPAWN };
	if (st.code == 0)
		return (struct attempt_outcome){ EVENT_COMPLETED, REASON_NONE };
	if (end->shutdown)
		return (struct attempt_outcome){ EVENT_FAILED, REASON_SHUTDOWN };
	return (struct attempt_outcome){ EVENT_FAILED, st.signal ? REASON_SIGNAL : REASON_EXIT };
}
