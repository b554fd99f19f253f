/* SPDX-License-Identifier: ISC */
/*
 * The conversation with jobd (lib/kmsg.h). What is said goes into the
 * connection's buffer and is written at once as far as it can be; without a
 * connection nothing is said: who adopts the keeper is told where things stand.
 */
#include "config.h"

#include "jobd/keeper/keeper.h"

#include <signal.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/crash.h"
#include "lib/status.h"

#define GRACE_MAX_MS (24 * 3600 * 1000u) /* a day, as much as kill_grace may be */

static void put_processes(struct keeper *k, struct buf *b)
{
	tlv_put_u64(b, KTAG_KEEPER_PID, (uint64_t)getpid());
	tlv_put_u64(b, KTAG_KEEPER_START, k->self_start);
	tlv_put_u64(b, KTAG_PID, (uint64_t)k->pid);
	tlv_put_u64(b, KTAG_PID_START, k->pid_start);
	tlv_put_str(b, KTAG_CGROUP, k->cgroup);
}

void talk_ready(struct keeper *k)
{
	struct buf *b = &k->jobd.out;
	if (!k->self_start)
		k->self_start = tree_start_time(getpid());
	k->pid_start = tree_start_time(k->pid);
	size_t mark = kmsg_begin(b, KMSG_READY);
	put_processes(k, b);
	kmsg_end(b, mark);
	conn_write(&k->jobd);
	crash_point("keeper-ready");
}

void talk_state(struct keeper *k, pid_t culprit, pid_t recontinued)
{
	struct buf *b = &k->jobd.out;
	if (k->jobd.fd < 0)
		return;
	size_t mark = kmsg_begin(b, KMSG_STATE);
	tlv_put_u64(b, KTAG_SEQ, k->seq);
	tlv_put_u64(b, KTAG_LEVEL, k->reached);
	if (culprit)
		tlv_put_u64(b, KTAG_CULPRIT, (uint64_t)culprit);
	if (recontinued)
		tlv_put_u64(b, KTAG_RECONTINUED, (uint64_t)recontinued);
	kmsg_end(b, mark);
	conn_write(&k->jobd);
}

void talk_end(struct keeper *k)
{
	struct buf *b = &k->jobd.out;
	if (k->jobd.fd < 0)
		return;
	size_t mark = kmsg_begin(b, KMSG_END);
	keeper_end_put(b, &k->end);
	kmsg_end(b, mark);
	conn_write(&k->jobd);
	crash_point("keeper-reported");
}

void talk_hello(struct keeper *k)
{
	struct buf *b = &k->jobd.out;
	size_t mark = kmsg_begin(b, KMSG_HELLO);
	tlv_put_u64(b, KTAG_VERSION, KMSG_VERSION);
	tlv_put_u64(b, KTAG_ID, k->start.id);
	tlv_put_u64(b, KTAG_ATTEMPT, k->start.attempt);
	tlv_put_u64(b, KTAG_NONCE, k->start.nonce);
	put_processes(k, b);
	kmsg_end(b, mark);
	k->failed_seq = NO_SEQ; /* another jobd, other orders */
	talk_state(k, 0, 0);
	crash_point("keeper-adopted");
	if (k->dead)
		talk_end(k);
}

static void understand_start(struct keeper *k, struct tlv_reader *r)
{
	if (k->phase != PHASE_WAITING)
		return;
	bool fit = start_read(k, r) && start_prepare(k) == 0;
	start_fini(&k->start);
	if (fit)
		k->phase = PHASE_SETUP;
	else
		control(k, EVENT_UNFIT);
}

/* An order that was given before tells where things stand, and changes nothing. */
static void understand_desire(struct keeper *k, struct tlv_reader *r)
{
	static const enum event events[] = {
		[LEVEL_RUN] = EVENT_RUN,
		[LEVEL_STOP] = EVENT_STOP,
		[LEVEL_END] = EVENT_END,
	};
	uint64_t seq = 0, level = 0, grace_ms = k->start.grace_ms;
	struct tlv f;
	while (tlv_next(r, &f)) {
		if (f.tag == KTAG_SEQ)
			seq = tlv_u64(&f);
		else if (f.tag == KTAG_LEVEL)
			level = tlv_u64(&f);
		else if (f.tag == KTAG_GRACE_MS)
			grace_ms = tlv_u64(&f);
	}
	if (level < LEVEL_RUN || level > LEVEL_END)
		return;
	k->seq = seq;
	if (level == LEVEL_END) {
		/* A later end may be sooner, never later. */
		uint64_t deadline =
		    clock_mono_us() + (grace_ms > GRACE_MAX_MS ? GRACE_MAX_MS : grace_ms) * 1000;
		if (k->level != LEVEL_END || deadline < k->deadline_us)
			k->deadline_us = deadline;
	}
	if (k->level != LEVEL_END)
		k->level = (enum keeper_level)level;
	control(k, events[level]);
}

/* What stops and continues is the keeper's alone: STATE could not be believed otherwise. */
static void understand_signal(struct keeper *k, struct tlv_reader *r)
{
	uint64_t sig = 0;
	bool all = false;
	struct tlv f;
	while (tlv_next(r, &f)) {
		if (f.tag == KTAG_SIGNAL)
			sig = tlv_u64(&f);
		else if (f.tag == KTAG_ALL)
			all = tlv_u64(&f) != 0;
	}
	if (sig < 1 || sig > (uint64_t)SIGRTMAX || status_signal_stops((int)sig) ||
	    k->phase < PHASE_RUNNING || k->phase > PHASE_ENDING)
		return;
	if (all)
		tree_signal(k->tree, (int)sig);
	else if (!k->dead)
		kill(k->pid, (int)sig); /* not reaped, so the number is still its own */
}

static bool says_stay(struct tlv_reader *r)
{
	struct tlv f;
	bool stay = false;
	while (tlv_next(r, &f))
		if (f.tag == KTAG_STAY)
			stay = tlv_u64(&f) != 0;
	return stay;
}

bool talk_listen(struct keeper *k)
{
	struct kmsg m;
	int rc;
	while ((rc = kmsg_parse(&k->jobd.in, &m)) > 0) {
		switch (m.type) {
		case KMSG_START:
			understand_start(k, &m.payload);
			break;
		case KMSG_GATE:
			control(k, EVENT_GATE);
			break;
		case KMSG_DESIRE:
			understand_desire(k, &m.payload);
			break;
		case KMSG_SIGNAL:
			understand_signal(k, &m.payload);
			break;
		case KMSG_ACK:
			control(k, says_stay(&m.payload) ? EVENT_STAY : EVENT_ACK);
			break;
		case KMSG_HELLO:
		case KMSG_READY:
		case KMSG_STATE:
		case KMSG_END:
		default: /* a later jobd may say more than is known here */
			break;
		}
		buf_drop(&k->jobd.in, m.size);
	}
	if (!k->jobd.in.len)
		buf_fini(&k->jobd.in); /* START may have been large, and the wait is long */
	return rc == 0;
}
