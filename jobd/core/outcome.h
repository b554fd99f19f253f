/* SPDX-License-Identifier: ISC */
/* How the end of an attempt counts. Pure. */
#ifndef CORE_OUTCOME_H
#define CORE_OUTCOME_H

#include "jobd/core/state.h"
#include "lib/kmsg.h"

struct attempt_outcome {
	enum job_event event; /* EVENT_COMPLETED, _FAILED, _CANCELLED or _NEVER_RAN */
	enum job_reason reason;
};

/*
 * What an end means. A start for which the machine had no room (EAGAIN, ENOMEM, no
 * descriptors) has never run, and is tried again. Under a cancel every end is "cancelled", whatever code the
 * command left with; an unsuccessful end after the keeper was told to leave by
 * somebody else is "shutdown", and not the job's failure.
 */
struct attempt_outcome attempt_outcome(bool cancel_requested, const struct keeper_end *end);

#endif
