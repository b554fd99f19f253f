/* SPDX-License-Identifier: ISC */
/* How the end of an attempt counts, and what follows it. Pure. */
#ifndef CORE_OUTCOME_H
#define CORE_OUTCOME_H

#include "jobd/core/state.h"
#include "lib/kmsg.h"
#include "lib/rules.h"

struct attempt_outcome {
	enum job_event event; /* EVENT_COMPLETED, _FAILED, _CANCELLED or _NEVER_RAN */
	enum job_reason reason;
};

/*
 * What an end means. A start for which the machine had no room (EAGAIN, ENOMEM, no descriptors)
 * has never run, and is tried again. Under a cancel every end is "cancelled", whatever code the
 * command left with; under a timeout it is that, whatever the code; an unsuccessful end after the
 * keeper was told to leave by somebody else is "shutdown", and not the job's failure.
 */
struct attempt_outcome attempt_outcome(
    bool cancel_requested, bool timed_out, const struct keeper_end *end);

/*
 * The wait status that counts. A command that was not started has the code a shell would give:
 * 127 not found, 126 otherwise.
 */
int attempt_status(const struct keeper_end *end);

/* A failed attempt, as far as it matters for what follows. */
struct attempt_failure {
	uint32_t number;  /* of the attempt */
	uint32_t allowed; /* attempts in all */
	enum job_reason reason;
	int code;	  /* as a shell would give it; of a timeout 124 */
	bool gone;	  /* nothing of it can still be running */
};

/*
 * What follows: EVENT_FAILED (nothing), EVENT_AGAIN, or EVENT_SET_ASIDE. A failure of the
 * command's is followed by another attempt where there are attempts left and its code is one to
 * retry. What was lost, or ended by the shutdown of the host, is not the command's failure: for
 * those the rule `recovery` says what follows, and there is never another attempt while something
 * of the last one may be running.
 */
enum job_event attempt_next(const struct rules *r, const struct attempt_failure *f);

/*
 * How long to wait before another attempt, in microseconds: backoff, doubled for each one before
 * until backoff_max, and longer or shorter by up to the jitter as random (any number) says. Not
 * after what was no failure of the command's.
 */
uint64_t attempt_backoff_us(const struct rules *r, const struct attempt_failure *f, uint64_t random);

/* The longest that can be. */
uint64_t attempt_backoff_most_us(const struct rules *r);

#endif
