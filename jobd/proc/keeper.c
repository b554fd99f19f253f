/* SPDX-License-Identifier: ISC */
/*
 * A keeper's record: made when it is spawned or adopted, named by its job until
 * core has acknowledged the end, kept without a name until its process is gone.
 *
 * Owns the rule of who is told what, once: nothing is reported of a record
 * that core has forgotten, and one end only.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/crash.h"
#include "lib/log.h"
#include "lib/status.h"

static void on_timer(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct keeper *k = arg;
	k->on_timer(k);
}

struct keeper *keeper_new(struct proc *p, uint64_t id, uint32_t attempt, uint64_t nonce)
{
	struct keeper *k = calloc(1, sizeof *k);
	if (!k)
		return NULL;
	/* Here, where its want can still be said: what waits for it would wait for ever. */
	k->timer = event_new(p->o.base, -1, 0, on_timer, k);
	if (!k->timer) {
		free(k);
		return NULL;
	}
	k->p = p;
	k->id = id;
	k->attempt = attempt;
	k->nonce = nonce;
	k->fd = k->notify_fd = k->pidfd = -1;
	k->phase = PHASE_STARTING;
	k->next = p->all;
	if (p->all)
		p->all->prev = k;
	p->all = k;
	roster_put(k, ROSTER_ID);
	return k;
}

static void unlist(struct keeper *k)
{
	if (k->next)
		k->next->prev = k->prev;
	*(k->prev ? &k->prev->next : &k->p->all) = k->next;
	if (!k->in_wanted)
		return;
	struct keeper **at = &k->p->first_wanted;
	while (*at != k)
		at = &(*at)->next_wanted;
	*at = k->next_wanted;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	orphan_free(k);
	conn_close(k);
	notify_close(k);
	unlist(k);
	roster_remove(k, ROSTER_ID);
	if (k->keeper_pid > 0)
		roster_remove(k, ROSTER_KEEPER);
	if (k->pid > 0)
		roster_remove(k, ROSTER_PID);
	event_free(k->timer);
	if (k->pidfd >= 0)
		close(k->pidfd);
	keeper_end_fini(&k->end);
	free(k->signals);
	free(k->cgroup);
	free(k->boot_id);
	free(k);
}

void keeper_detach(struct keeper *k)
{
	roster_remove(k, ROSTER_ID);
	k->phase = PHASE_LEAVING;
	/* At once: the job's next attempt may want the same name before the flush. */
	notify_remove(k);
}

void keeper_abandon(struct keeper *k)
{
	keeper_detach(k);
	k->wanted = 0;
	keeper_want(k, DO_ABANDON);
}

void keeper_want(struct keeper *k, unsigned what)
{
	k->wanted |= what;
	if (k->in_wanted)
		return;
	k->in_wanted = true;
	k->next_wanted = k->p->first_wanted;
	k->p->first_wanted = k;
}

bool keeper_is_awaited(const struct keeper *k)
{
	return !k->reached && !(k->wanted & DO_DESIRE);
}

void keeper_after(struct keeper *k, uint64_t ms, void (*fn)(struct keeper *k))
{
	if (!fn) {
		evtimer_del(k->timer);
		return;
	}
	k->on_timer = fn;
	struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };
	evtimer_add(k->timer, &tv);
}

void keeper_name(const struct keeper *k, char name[KEEPER_NAME_MAX])
{
	snprintf(name, KEEPER_NAME_MAX, KEEPER_NAME_FMT, k->id, k->attempt, k->nonce);
}

void keeper_invocation(const struct keeper *k, char *text, size_t size)
{
	snprintf(text, size, "%s-%" PRIu64 "-%" PRIu32, k->p->o.instance, k->id, k->attempt);
}

void keeper_set_pid(struct keeper *k, pid_t pid, uint64_t start)
{
	if (k->pid > 0)
		roster_remove(k, ROSTER_PID);
	k->ran &= pid == k->pid && start == k->pid_start;
	k->pid = pid;
	k->pid_start = start;
	if (pid > 0)
		roster_put(k, ROSTER_PID);
}

struct proc_ready keeper_ready(const struct keeper *k)
{
	return (struct proc_ready){
		.keeper_pid = k->keeper_pid,
		.pid = k->pid,
		.keeper_start = k->keeper_start,
		.pid_start = k->pid_start,
		.cgroup = k->cgroup,
	};
}

void keeper_log(int priority, const struct keeper *k, const char *event, const char *detail)
{
	struct log_line l;
	log_begin(&l, event);
	log_u64(&l, "job", k->id);
	log_u64(&l, "attempt", k->attempt);
	if (k->keeper_pid > 0)
		log_u64(&l, "keeper", (uint64_t)k->keeper_pid);
	log_str(&l, "detail", detail);
	log_emit(priority, &l);
}

void keeper_report_end(struct keeper *k)
{
	/* What the job said last comes before its end, whatever the order of descriptors. */
	notify_drain(k);
	k->phase = PHASE_OVER;
	k->p->ev.ended(k->p->ctx, k->id, &k->end);
}

void keeper_report_lost(struct keeper *k, const char *text, bool gone)
{
	notify_drain(k);
	k->phase = PHASE_OVER;
	k->p->ev.lost(k->p->ctx, k->id, text, gone);
}

void keeper_report_unstarted(struct keeper *k, int error, const char *text)
{
	keeper_log(LOG_WARNING, k, "unstarted", text);
	/* It may be on record as running: what it wrote stays until core has committed that it is
	 * not. */
	k->dead = true;
	keeper_abandon(k);
	k->p->ev.unstarted(k->p->ctx, k->id, error, text);
}

void keeper_report_unready(struct keeper *k)
{
	const char *text = "its keeper is not ready after 10 s: a name service, or a file system, hangs";
	keeper_log(LOG_WARNING, k, "unready", text);
	keeper_abandon(k);
	k->p->ev.unstarted(k->p->ctx, k->id, -ETIMEDOUT, text);
}

void keeper_report_silent(struct keeper *k, bool is)
{
	if (k->silent == is || k->phase == PHASE_LEAVING)
		return;
	k->silent = is;
	keeper_log(LOG_WARNING, k, is ? "keeper-silent" : "keeper-answers", NULL);
	k->p->ev.silent(k->p->ctx, k->id, is);
}

static void describe_death(char *text, size_t size, int wait_status)
{
	struct status s = status_decode(wait_status);
	if (s.signal)
		snprintf(text, size, "the keeper was ended by SIG%s", status_signal_name(s.signal));
	else
		snprintf(text, size, "the keeper ended with code %d", s.code);
}

void keeper_gone(struct keeper *k, int wait_status)
{
	/* What it sent before it died counts, an end above all. */
	if (k->fd >= 0)
		(void)conn_read(k);
	conn_close(k);
	keeper_after(k, 0, NULL);
	k->dead = true;
	k->inherited = k->phase != PHASE_LEAVING || !(k->due & DO_ACK);
	char text[128] = "the keeper is gone";
	if (wait_status >= 0)
		describe_death(text, sizeof text, wait_status);
	switch (k->phase) {
	case PHASE_STARTING:
	case PHASE_READY:
		/* One that had rested may have left before it read of this job: another takes it
		 * at once. */
		keeper_report_unstarted(k, k->woken && k->phase == PHASE_STARTING ? -ESTALE : -ECHILD, text);
		break;
	case PHASE_RUNNING:
		adopt_without_keeper(k, text);
		break;
	case PHASE_LEAVING:
		if (!k->in_wanted)
			keeper_forget(k);
		break;
	case PHASE_ORPHAN:
	case PHASE_OVER:
		break;
	}
}

/* A zombie that was held until core had its status on disk. */
static void let_command_go(const struct keeper *k)
{
	if (k->pid <= 0 || tree_start_time(k->pid) != k->pid_start)
		return;
	(void)status_wait(k->pid, false, NULL, NULL);
}

void keeper_forget(struct keeper *k)
{
	char name[KEEPER_NAME_MAX];
	keeper_name(k, name);
	unlinkat(k->p->keepers_fd, name, 0);
	unlinkat(k->p->exits_fd, name, 0);
	notify_remove(k);
	if (k->inherited) {
		dirs_log_forget(k); /* of one that was killed at its gate */
		let_command_go(k);
		/* One that died early has not said which its cgroup is, or left a child in it. */
		if (!k->cgroup || (rmdir(k->cgroup) < 0 && errno != ENOENT))
			proc_sweep_later(k->p);
	}
	keeper_free(k);
}
