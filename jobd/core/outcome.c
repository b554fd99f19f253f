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

struct attempt_outcome attempt_outcome(
    bool cancel_requested, bool timed_out, const struct keeper_end *end)
{
	struct status st = status_decode(end->status);

	if (end->kind == KEEPER_END_NEVER_RAN || had_no_room(end))
		return (struct attempt_outcome){ cancel_requested ? EVENT_CANCELLED : EVENT_NEVER_RAN,
			REASON_NONE };
	if (cancel_requested)
		return (struct attempt_outcome){ EVENT_CANCELLED, REASON_NONE };
	if (end->kind == KEEPER_END_SPAWN)
		return (struct attempt_outcome){ EVENT_FAILED, REASON_SPAWN };
	if (timed_out)
		return (struct attempt_outcome){ EVENT_FAILED, REASON_TIMEOUT };
	if (st.code == 0)
		return (struct attempt_outcome){ EVENT_COMPLETED, REASON_NONE };
	if (end->shutdown)
		return (struct attempt_outcome){ EVENT_FAILED, REASON_SHUTDOWN };
	return (struct attempt_outcome){ EVENT_FAILED, st.signal ? REASON_SIGNAL : REASON_EXIT };
}

int attempt_status(const struct keeper_end *end)
{
	if (end->kind != KEEPER_END_SPAWN)
		return end->status;
	return (strncmp(end->step, "exec ", 5) == 0 && end->error == ENOENT ? 127 : 126) << 8;
}

static bool is_commands_own(enum job_reason r)
{
	return r != REASON_LOST && r != REASON_SHUTDOWN;
}

enum job_event attempt_next(const struct rules *r, const struct attempt_failure *f)
{
	bool left = f->number < f->allowed;

	if (is_commands_own(f->reason))
		return left && rule_codes_have(&r->retry_on, f->code)
			&& !rule_codes_have(&r->retry_not, f->code) ?
		    EVENT_AGAIN :
		    EVENT_FAILED;
	if (r->recovery == RECOVERY_HOLD)
		return EVENT_SET_ASIDE;
	if (r->recovery == RECOVERY_FAIL || !left)
		return EVENT_FAILED;
	return f->gone ? EVENT_AGAIN : EVENT_SET_ASIDE;
}

uint64_t attempt_backoff_us(const struct rules *r, const struct attempt_failure *f, uint64_t random)
{
	uint64_t wait = r->backoff_us, most = r->backoff_max_us > wait ? r->backoff_max_us : wait;

	if (!is_commands_own(f->reason))
		return 0;
	for (uint32_t n = 1; n < f->number && wait < most; n++)
		wait = wait > most / 2 ? most : wait * 2;
	uint64_t sway = wait / 100 * r->backoff_jitter;
	return sway ? wait - sway + random % (2 * sway + 1) : wait;
}

uint64_t attempt_backoff_most_us(const struct rules *r)
{
	uint64_t most = r->backoff_max_us > r->backoff_us ? r->backoff_max_us : r->backoff_us;

	return most + most / 100 * r->backoff_jitter;
}
