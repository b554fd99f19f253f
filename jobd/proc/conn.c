/* SPDX-License-Identifier: ISC */
/*
 * The connection to a keeper: messages in, orders out. Nothing here waits; what
 * the socket does not take is kept and goes when it does.
 *
 * An order is sent only when the flush has let it go (due). Over a new
 * connection the desired state is sent again under a new number: repeats do
 * nothing, and the keeper may have missed it. A signal is sent once.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/crash.h"
#include "lib/log.h"

#define READ_STEP 4096
#define READ_TURN (256 * 1024) /* no keeper has the loop for itself */

static void on_end_of_stream(struct keeper *k)
{
	bool was_up = k->link == LINK_UP;
	conn_close(k);
	if (was_up)
		k->tries = 0;
	k->exit_file_possible = true;
	switch (k->phase) {
	case PHASE_STARTING:
	case PHASE_READY:
		break; /* its gate is closed: it leaves by itself, and SIGCHLD tells */
	case PHASE_LEAVING:
		if (k->due & (DO_ACK | DO_ABANDON) && was_up) {
			if (!k->child && !k->in_wanted)
				keeper_forget(k);
			break;
		}
		adopt_reconnect(k);
		break;
	case PHASE_RUNNING:
	case PHASE_OVER:
		adopt_reconnect(k);
		break;
	case PHASE_ORPHAN:
		break;
	}
}

static void on_readable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct keeper *k = arg;
	if (conn_read(k))
		on_end_of_stream(k);
}

static void on_writable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_write(arg);
}

int conn_open(struct keeper *k, int fd, enum link link)
{
	k->readable = event_new(k->p->o.base, fd, EV_READ | EV_PERSIST, on_readable, k);
	if (!k->readable || event_add(k->readable, NULL) < 0) {
		if (k->readable)
			event_free(k->readable);
		k->readable = NULL;
		return -ENOMEM;
	}
	k->fd = fd;
	k->link = link;
	return 0;
}

void conn_close(struct keeper *k)
{
	if (k->readable)
		event_free(k->readable);
	if (k->writable)
		event_free(k->writable);
	k->readable = k->writable = NULL;
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
	k->link = LINK_NONE;
	buf_fini(&k->in);
	buf_fini(&k->out);
}

void conn_write(struct keeper *k)
{
	while (k->fd >= 0 && k->out.len > 0) {
		ssize_t n = send(k->fd, k->out.data, k->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			break; /* the end of the stream will be read, and dealt with there */
		if (n < 0) {
			if (!k->writable)
				k->writable = event_new(k->p->o.base, k->fd, EV_WRITE, on_writable, k);
			if (k->writable)
				event_add(k->writable, NULL);
			return;
		}
		buf_drop(&k->out, (size_t)n);
	}
	/* Thousands of keepers: none keeps memory for what it is not saying. */
	buf_fini(&k->out);
}

void conn_send_hello(struct keeper *k)
{
	size_t mark = kmsg_begin(&k->out, KMSG_HELLO);
	tlv_put_u64(&k->out, KTAG_VERSION, KMSG_VERSION);
	tlv_put_u64(&k->out, KTAG_ID, k->id);
	tlv_put_u64(&k->out, KTAG_ATTEMPT, k->attempt);
	tlv_put_u64(&k->out, KTAG_NONCE, k->nonce);
	kmsg_end(&k->out, mark);
	conn_write(k);
}

static void put_desire(struct keeper *k)
{
	size_t mark = kmsg_begin(&k->out, KMSG_DESIRE);
	tlv_put_u64(&k->out, KTAG_SEQ, ++k->seq);
	tlv_put_u64(&k->out, KTAG_LEVEL, k->level);
	if (k->level == LEVEL_END)
		tlv_put_u64(&k->out, KTAG_GRACE_MS, k->grace_ms);
	kmsg_end(&k->out, mark);
}

static void put_signals(struct keeper *k)
{
	for (size_t i = 0; i < k->nsignals_due; i++) {
		size_t mark = kmsg_begin(&k->out, KMSG_SIGNAL);
		tlv_put_u64(&k->out, KTAG_SIGNAL, (uint64_t)k->signals[i].number);
		tlv_put_u64(&k->out, KTAG_ALL, k->signals[i].all);
		kmsg_end(&k->out, mark);
	}
	k->nsignals -= k->nsignals_due;
	if (k->nsignals)
		memmove(k->signals, k->signals + k->nsignals_due, k->nsignals * sizeof *k->signals);
	k->nsignals_due = 0;
}

static void put_acknowledgement(struct keeper *k)
{
	size_t mark = kmsg_begin(&k->out, KMSG_ACK);
	k->stays = rest_is_wanted(k);
	if (k->stays)
		tlv_put_u64(&k->out, KTAG_STAY, 1);
	kmsg_end(&k->out, mark);
}

static void on_unanswered(struct keeper *k)
{
	keeper_report_silent(k, true);
}

static void after_desire(struct keeper *k)
{
	if (k->level == LEVEL_STOP)
		crash_point("pause-ordered");
	if (k->level == LEVEL_END)
		crash_point("cancel-ordered");
	else
		keeper_after(k, SILENT_AFTER_MS, on_unanswered);
}

void conn_push(struct keeper *k)
{
	if (k->link != LINK_UP)
		return;
	unsigned now = k->due;
	if (now & DO_GATE)
		kmsg_end(&k->out, kmsg_begin(&k->out, KMSG_GATE));
	if (now & DO_DESIRE)
		put_desire(k);
	put_signals(k);
	if (now & DO_ACK)
		put_acknowledgement(k);
	/* The acknowledgement stays due: a keeper that missed it is told again. */
	k->due &= ~(unsigned)(DO_GATE | DO_DESIRE);
	if (!k->out.len)
		return;
	if (k->out.failed) {
		keeper_log(LOG_ERR, k, "no-memory", NULL);
		buf_clear(&k->out);
	}
	conn_write(k);
	if (now & DO_GATE)
		crash_point("gate-opened");
	if (now & DO_DESIRE)
		after_desire(k);
	if (now & DO_ACK)
		crash_point("end-acknowledged");
}

static void set_cgroup(struct keeper *k, const struct tlv *f)
{
	char *path = tlv_str(f);
	if (!path)
		return;
	free(k->cgroup);
	k->cgroup = path;
}

/* READY and HELLO say who is there. True when the nonce is the attempt's. */
static bool take_identity(struct keeper *k, struct tlv_reader *r, uint64_t *seq)
{
	pid_t pid = k->pid;
	uint64_t pid_start = k->pid_start, nonce = 0;
	struct tlv f;
	while (tlv_next(r, &f)) {
		switch ((int)f.tag) {
		case KTAG_NONCE:
			nonce = tlv_u64(&f);
			break;
		case KTAG_KEEPER_START:
			k->keeper_start = tlv_u64(&f);
			break;
		case KTAG_PID:
			pid = (pid_t)tlv_u64(&f);
			break;
		case KTAG_PID_START:
			pid_start = tlv_u64(&f);
			break;
		case KTAG_CGROUP:
			set_cgroup(k, &f);
			break;
		case KTAG_SEQ:
			*seq = tlv_u64(&f);
			break;
		default:
			break;
		}
	}
	if (pid != k->pid || pid_start != k->pid_start)
		keeper_set_pid(k, pid, pid_start);
	return nonce == k->nonce;
}

static bool on_ready(struct keeper *k, struct tlv_reader *r)
{
	uint64_t seq = 0;
	(void)take_identity(k, r, &seq); /* the nonce is HELLO's business */
	if (k->phase != PHASE_STARTING)
		return true;
	if (r->bad || k->pid <= 0)
		return false;
	crash_point("ready-received");
	keeper_after(k, 0, NULL);
	k->phase = PHASE_READY;
	struct proc_ready ready = keeper_ready(k);
	k->p->ev.ready(k->p->ctx, k->id, &ready);
	return true;
}

static bool on_hello(struct keeper *k, struct tlv_reader *r)
{
	uint64_t seq = 0;
	if (k->link != LINK_GREETING)
		return true;
	if (!take_identity(k, r, &seq) || r->bad) {
		keeper_log(LOG_ERR, k, "keeper-refused", "its nonce is another");
		return false;
	}
	if (seq > k->seq)
		k->seq = seq;
	k->link = LINK_GREETED;
	crash_point("adopt-done");
	adopt_greeted(k);
	return true;
}

struct state_report {
	uint64_t seq;
	enum keeper_level level;
	pid_t culprit, recontinued;
};

/* What was stopped, was continued by somebody and can't be stopped once more, is told although its stop was. */
static void tell_core(struct keeper *k, const struct state_report *s)
{
	struct proc *p = k->p;
	bool stale = s->seq != k->seq || (k->due | k->wanted) & DO_DESIRE;
	if (s->recontinued && !s->culprit)
		p->ev.recontinued(p->ctx, k->id, s->recontinued);
	else if (s->culprit && !stale && (!k->reached || k->level == LEVEL_STOP)) {
		k->reached = true;
		p->ev.unstoppable(p->ctx, k->id, s->culprit);
	} else if (!stale && !k->reached && s->level == k->level) {
		k->reached = true;
		if (s->level == LEVEL_STOP) {
			crash_point("stopped-received");
			p->ev.stopped(p->ctx, k->id);
		} else if (s->level == LEVEL_RUN) {
			p->ev.running(p->ctx, k->id);
		}
	}
}

static bool on_state(struct keeper *k, struct tlv_reader *r)
{
	struct state_report s = { 0 };
	struct tlv f;
	while (tlv_next(r, &f)) {
		if (f.tag == KTAG_SEQ)
			s.seq = tlv_u64(&f);
		else if (f.tag == KTAG_LEVEL)
			s.level = (enum keeper_level)tlv_u64(&f);
		else if (f.tag == KTAG_CULPRIT)
			s.culprit = (pid_t)tlv_u64(&f);
		else if (f.tag == KTAG_RECONTINUED)
			s.recontinued = (pid_t)tlv_u64(&f);
	}
	if (r->bad)
		return false;
	if (k->link == LINK_GREETED || s.seq > k->seq) {
		/* An earlier jobd's orders count too: ours must have a higher number. */
		if (s.seq > k->seq)
			k->seq = s.seq;
		k->link = LINK_UP;
		if (k->level)
			k->due |= DO_DESIRE;
		conn_push(k);
		return true;
	}
	if (s.seq == k->seq)
		keeper_after(k, 0, NULL);
	if (k->phase == PHASE_RUNNING)
		tell_core(k, &s);
	return true;
}

static bool on_end(struct keeper *k, struct tlv_reader *r)
{
	struct keeper_end e;
	if (!keeper_end_get(r, &e))
		return false;
	keeper_end_fini(&k->end);
	k->end = e;
	k->has_end = true;
	if (e.kind == KEEPER_END_SPAWN && !k->end.step)
		k->end.step = strdup("start");
	keeper_after(k, 0, NULL);
	if (k->link == LINK_GREETED) {
		k->link = LINK_UP;
		conn_push(k);
	}
	if (!e.empty || k->phase == PHASE_OVER || k->phase == PHASE_LEAVING)
		return true;
	crash_point("end-received");
	keeper_report_end(k);
	return true;
}

/* False when the keeper does not speak as it should. */
static bool handle(struct keeper *k, struct kmsg *m)
{
	if (k->silent && m->type != KMSG_HELLO)
		keeper_report_silent(k, false);
	switch ((int)m->type) {
	case KMSG_READY:
		return on_ready(k, &m->payload);
	case KMSG_HELLO:
		return on_hello(k, &m->payload);
	case KMSG_STATE:
		return on_state(k, &m->payload);
	case KMSG_END:
		return on_end(k, &m->payload);
	default:
		return true; /* a newer keeper's */
	}
}

static bool handle_all(struct keeper *k)
{
	struct kmsg m;
	int rc;
	while (k->fd >= 0 && (rc = kmsg_parse(&k->in, &m)) != 0) {
		if (rc < 0 || !handle(k, &m)) {
			keeper_log(LOG_ERR, k, "keeper-broken", "a message makes no sense");
			return false;
		}
		buf_drop(&k->in, m.size);
	}
	return true;
}

bool conn_read(struct keeper *k)
{
	bool ended = false;
	for (size_t taken = 0; taken < READ_TURN && !ended;) {
		void *to = buf_reserve(&k->in, READ_STEP);
		if (!to)
			return true;
		ssize_t n = recv(k->fd, to, READ_STEP, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			ended = true;
			break;
		}
		k->in.len += (size_t)n;
		taken += (size_t)n;
		if (!handle_all(k))
			return true;
		if (k->fd < 0)
			return false;
		if (n < READ_STEP)
			break;
	}
	if (k->in.len == 0)
		buf_fini(&k->in);
	return ended;
}
