/* SPDX-License-Identifier: ISC */
/*
 * The room's door: what core may ask for, and the flush that lets it happen.
 * A call only writes down what is wanted; the flush, after the commit, does
 * it. Starting is the exception: a keeper at a closed gate has run nothing.
 *
 * The room takes SIGCHLD and every child of the process: whoever else starts one
 * gets ECHILD where it waits for it. Until proc_adopted_all nobody is reaped,
 * since an unknown zombie may be the command of a job that is yet to be adopted.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/aside.h"
#include "lib/clock.h"
#include "lib/log.h"

#define LEAVE_MS 10000
#define SWEEP_S	 10 /* keepers that had to write a file have written it */

static void on_sigchld(int sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	reap_children(arg);
}

static void on_more(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reap_children(arg);
}

static void on_sweep(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dirs_sweep(arg);
}

/* What the helper had not removed is found by a sweep. */
static void on_loss(void *arg)
{
	proc_sweep_soon(arg);
}

static void on_rested(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	rest_end(arg);
}

static void on_unmute(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	notify_unmute(arg);
}

void proc_sweep_later(const struct proc *p)
{
	const struct timeval later = { SWEEP_S, 0 };
	if (!evtimer_pending(p->sweep, NULL))
		evtimer_add(p->sweep, &later);
}

void proc_sweep_soon(const struct proc *p)
{
	const struct timeval soon = { 1, 0 };
	evtimer_add(p->sweep, &soon);
}

static void free_options(struct proc_options *o)
{
	const char *strings[] = { o->state_dir, o->runtime_dir, o->keeper_path, o->instance,
		o->socket_path, o->boot_id, o->cgroup };
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		free((void *)(uintptr_t)strings[i]);
}

static bool copy_options(struct proc_options *to, const struct proc_options *o)
{
	*to = *o;
	const char **strings[] = { &to->state_dir, &to->runtime_dir, &to->keeper_path, &to->instance,
		&to->socket_path, &to->boot_id, &to->cgroup };
	bool well = true;
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		*strings[i] = strdup(*strings[i]);
		well = well && *strings[i];
	}
	return well;
}

static int open_events(struct proc *p)
{
	p->sigchld = event_new(p->o.base, SIGCHLD, EV_SIGNAL | EV_PERSIST, on_sigchld, p);
	p->sweep = event_new(p->o.base, -1, 0, on_sweep, p);
	p->rest = event_new(p->o.base, -1, 0, on_rested, p);
	p->more = event_new(p->o.base, -1, 0, on_more, p);
	p->unmute = event_new(p->o.base, -1, 0, on_unmute, p);
	if (!p->sigchld || !p->more || !p->sweep || !p->rest || !p->unmute || event_add(p->sigchld, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int proc_open(const struct proc_options *o, const struct proc_events *ev, void *ctx,
    struct proc **out, char **why)
{
	*why = NULL;
	struct proc *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->binary_fd = p->null_fd = p->keepers_fd = p->notify_fd = p->exits_fd = p->log_fd = -1;
	p->log_bucket = UINT64_MAX;
	p->ev = *ev;
	p->ctx = ctx;
	int rc = copy_options(&p->o, o) ? roster_init(p) : -ENOMEM;
	if (rc == 0)
		rc = dirs_open(p, why);
	/* What a dead keeper leaves behind comes to us, not to init. */
	if (rc == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		rc = -errno;
	if (rc == 0) {
		cgroup_choose(p);
		rc = open_events(p);
	}
	if (rc == 0) {
		rc = inherited_open(p, o->handover);
		p->o.handover = NULL;
	}
	if (rc < 0) {
		proc_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

void proc_close(struct proc *p)
{
	if (!p)
		return;
	aside_on_loss(p->o.aside, NULL, NULL);
	dirs_sweep_cgroups(p); /* while it is known whose they are */
	while (p->all)
		keeper_free(p->all);
	if (p->more)
		event_free(p->more);
	rest_close(p);
	if (p->rest)
		event_free(p->rest);
	if (p->sigchld)
		event_free(p->sigchld);
	if (p->sweep)
		event_free(p->sweep);
	if (p->unmute)
		event_free(p->unmute);
	cgroup_release(p);
	inherited_close(p);
	dirs_close(p);
	roster_fini(p);
	free_options(&p->o);
	free(p);
}

static void on_impossible(struct keeper *k)
{
	keeper_report_unstarted(k, k->start_error, strerror(-k->start_error));
}

int proc_start(struct proc *p, const struct job *j, uint32_t attempt, char *const *env,
    uint64_t grace_ms, uint64_t *nonce)
{
	if (roster_find(p, ROSTER_ID, j->id))
		return -EEXIST;
	if (getrandom(nonce, sizeof *nonce, 0) != sizeof *nonce)
		return -EIO;
	struct keeper *k = keeper_new(p, j->id, attempt, *nonce);
	if (!k)
		return -ENOMEM;
	k->uid = j->uid;
	int rc = dirs_log_prepare(p, k->id);
	if (rc == 0)
		rc = notify_open(k);
	if (rc == 0)
		rc = spawn_keeper(k, j, env, grace_ms);
	if (rc < 0) {
		k->start_error = rc;
		keeper_after(k, 0, on_impossible);
	}
	return 0;
}

bool proc_is_ready(const struct proc *p, uint64_t id, struct proc_ready *r)
{
	const struct keeper *k = roster_find(p, ROSTER_ID, id);
	if (!k || k->phase != PHASE_READY)
		return false;
	*r = keeper_ready(k);
	return true;
}

void proc_release(struct proc *p, uint64_t id)
{
	struct keeper *k = roster_find(p, ROSTER_ID, id);
	if (k && k->phase == PHASE_READY)
		keeper_want(k, DO_GATE);
}

void proc_abandon(struct proc *p, uint64_t id)
{
	struct keeper *k = roster_find(p, ROSTER_ID, id);
	if (!k || (k->phase != PHASE_STARTING && k->phase != PHASE_READY))
		return;
	keeper_abandon(k);
}

void proc_order(struct proc *p, uint64_t id, enum keeper_level level, uint64_t grace_ms)
{
	struct keeper *k = roster_find(p, ROSTER_ID, id);
	if (!k || k->phase == PHASE_OVER)
		return;
	k->asked_level = level;
	k->asked_grace_ms = grace_ms;
	keeper_want(k, DO_DESIRE);
}

void proc_signal(struct proc *p, uint64_t id, int sig, bool all)
{
	struct keeper *k = roster_find(p, ROSTER_ID, id);
	if (!k || k->phase == PHASE_OVER)
		return;
	struct order_signal *s = realloc(k->signals, (k->nsignals + 1) * sizeof *s);
	if (!s)
		return;
	s[k->nsignals++] = (struct order_signal){ sig, all };
	k->signals = s;
	keeper_want(k, 0);
}

void proc_acknowledge(struct proc *p, uint64_t id)
{
	struct keeper *k = roster_find(p, ROSTER_ID, id);
	if (!k)
		return;
	keeper_detach(k);
	keeper_want(k, DO_ACK);
}

int proc_adopt(struct proc *p, const struct job *j, enum keeper_level level, uint64_t grace_ms)
{
	const struct job_attempt *a = &j->now;
	if (roster_find(p, ROSTER_ID, j->id))
		return 0;
	struct keeper *k = keeper_new(p, j->id, a->number, a->nonce);
	if (!k)
		return -ENOMEM;
	k->uid = j->uid;
	k->phase = PHASE_RUNNING;
	k->level = level;
	k->grace_ms = grace_ms;
	k->exit_file_possible = true;
	k->keeper_pid = a->keeper_pid;
	k->keeper_start = a->keeper_start;
	k->cgroup = a->cgroup ? strdup(a->cgroup) : NULL;
	k->boot_id = a->boot_id ? strdup(a->boot_id) : NULL;
	if ((a->cgroup && !k->cgroup) || (a->boot_id && !k->boot_id)) {
		keeper_free(k);
		return -ENOMEM;
	}
	keeper_set_pid(k, a->pid, a->pid_start);
	/* After our own re-execution keepers are our children still. */
	k->child = a->keeper_pid > 0 && adopt_is_child(a->keeper_pid, a->keeper_start);
	if (k->child)
		roster_put(k, ROSTER_KEEPER);
	int rc = notify_open(k);
	if (rc < 0)
		keeper_log(LOG_WARNING, k, "no-notify-socket", strerror(-rc));
	keeper_after(k, 0, adopt_begin);
	return 0;
}

void proc_adopted_all(struct proc *p)
{
	p->adopted = true;
	inherited_close(p);
	aside_on_loss(p->o.aside, on_loss, p);
	dirs_sweep(p);
	proc_sweep_later(p);
	reap_later(p); /* children that ended before we listened */
}

static void on_staying(struct keeper *k)
{
	keeper_log(LOG_WARNING, k, "keeper-stays", "it was told to leave");
}

static void flush_leaving(struct keeper *k)
{
	if (k->due & DO_ABANDON)
		conn_close(k);
	if (k->dead) {
		keeper_forget(k);
		return;
	}
	if (k->due & DO_ACK && k->exit_file_possible) {
		char name[KEEPER_NAME_MAX];
		keeper_name(k, name);
		unlinkat(k->p->exits_fd, name, 0);
	}
	if (k->link == LINK_UP || k->due & DO_ABANDON)
		keeper_after(k, LEAVE_MS, on_staying);
	conn_push(k);
	if (k->stays)
		rest_begin(k);
}

static void flush_orphan(struct keeper *k)
{
	for (size_t i = 0; i < k->nsignals; i++)
		orphan_signal(k, &k->signals[i]);
	k->nsignals = k->nsignals_due = 0;
	if (k->due & DO_DESIRE)
		keeper_after(k, 0, orphan_step); /* callbacks come from the loop */
}

static void flush_one(struct keeper *k)
{
	k->in_wanted = false;
	if (k->wanted & DO_DESIRE) {
		k->level = k->asked_level;
		k->grace_ms = k->asked_grace_ms;
		k->reached = false;
	}
	k->due |= k->wanted;
	k->wanted = 0;
	k->nsignals_due = k->nsignals;
	if (k->due & DO_GATE) {
		/* Where the connection is gone the keeper is leaving, and nothing will run. */
		if (k->link == LINK_UP && k->phase == PHASE_READY)
			k->phase = PHASE_RUNNING;
		else
			k->due &= ~(unsigned)DO_GATE;
	}
	if (k->phase == PHASE_LEAVING)
		flush_leaving(k);
	else if (k->phase == PHASE_ORPHAN)
		flush_orphan(k);
	else
		conn_push(k);
}

void proc_flush(struct proc *p)
{
	while (p->first_wanted) {
		struct keeper *k = p->first_wanted;
		p->first_wanted = k->next_wanted;
		flush_one(k);
	}
}
