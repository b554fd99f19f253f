/* SPDX-License-Identifier: ISC */
/*
 * Keepers at rest, between two jobs: to be born costs a keeper more than all it
 * does for a short job. One whose job was acknowledged, with the word that it may
 * stay, rests from then on, though it may still have to let go of that job; who
 * starts a job takes the one that came last.
 *
 * At rest are at most so many, for a second or so: as many as the jobs that
 * follow each other need, and none in a quiet hour. Only keepers that this
 * jobd bore and never lost sight of: after an upgrade no old one serves on. To
 * close its connection is all it takes to send one away, so that none outlives jobd.
 *
 * A keeper may die here as anywhere, or leave since something of its job is left.
 * The end of its connection tells, or SIGCHLD, or the start that finds it dead and
 * takes another; what it left behind is swept.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"

#define REST_MAX 16
#define REST_US	 1000000

struct resting {
	struct proc *p;
	struct resting *next; /* that came before it */
	int fd;
	pid_t pid;
	uint64_t since_us;
	struct event *readable;
};

/* Takes one out of the list, and with it from the loop. The descriptor is the caller's. */
static int take_out(struct resting **at, pid_t *pid)
{
	struct resting *r = *at;
	int fd = r->fd;
	*at = r->next;
	*pid = r->pid;
	r->p->nresting--;
	event_free(r->readable);
	free(r);
	return fd;
}

static void send_away(struct resting **at)
{
	pid_t pid;
	close(take_out(at, &pid));
}

/* It has nothing to say but that it is gone. */
static void on_word(int fd, short what, void *arg)
{
	(void)what;
	struct proc *p = arg;
	for (struct resting **at = &p->resting; *at; at = &(*at)->next)
		if ((*at)->fd == fd) {
			send_away(at);
			proc_sweep_later(p);
			return;
		}
}

static void wait_for_oldest(struct proc *p)
{
	const struct resting *r = p->resting;
	if (!r)
		return;
	while (r->next)
		r = r->next;
	uint64_t now = clock_mono_us(), due = r->since_us + REST_US;
	uint64_t us = due > now ? due - now : 0;
	struct timeval tv = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };
	evtimer_add(p->rest, &tv);
}

void rest_end(struct proc *p)
{
	uint64_t now = clock_mono_us();
	struct resting **at = &p->resting;
	while (*at && now - (*at)->since_us < REST_US)
		at = &(*at)->next;
	while (*at)
		send_away(at);
	wait_for_oldest(p);
}

void rest_close(struct proc *p)
{
	while (p->resting)
		send_away(&p->resting);
}

void rest_reaped(struct proc *p, pid_t pid)
{
	for (struct resting **at = &p->resting; *at; at = &(*at)->next)
		if ((*at)->pid == pid) {
			send_away(at);
			proc_sweep_later(p);
			return;
		}
}

bool rest_is_wanted(const struct keeper *k)
{
	return k->child && !k->dead && k->link == LINK_UP && !k->exit_file_possible &&
	    k->end.kind == KEEPER_END_EXITED && !k->end.shutdown && k->p->nresting < REST_MAX;
}

/* Its connection and its process, and the record knows of neither any more. */
static struct resting *hand_over(struct keeper *k)
{
	struct resting *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	*r = (struct resting){ .p = k->p, .fd = k->fd, .pid = k->keeper_pid };
	r->readable = event_new(k->p->o.base, k->fd, EV_READ | EV_PERSIST, on_word, k->p);
	if (!r->readable || event_add(r->readable, NULL) < 0) {
		if (r->readable)
			event_free(r->readable);
		free(r);
		return NULL;
	}
	k->fd = -1;
	return r;
}

void rest_begin(struct keeper *k)
{
	struct proc *p = k->p;
	bool fit = p->nresting < REST_MAX && k->child && !k->in.len && !k->out.len;
	struct resting *r = fit ? hand_over(k) : NULL;
	if (!r) {
		conn_close(k); /* it leaves, and SIGCHLD tells */
		return;
	}
	roster_remove(k, ROSTER_KEEPER);
	k->keeper_pid = 0;
	/* Its files are its own to remove. */
	keeper_free(k);
	r->since_us = clock_mono_us();
	r->next = p->resting;
	p->resting = r;
	if (p->nresting++ == 0)
		wait_for_oldest(p);
}

int rest_wake(struct proc *p, struct buf *start, pid_t *pid)
{
	while (p->resting) {
		int fd = take_out(&p->resting, pid);
		ssize_t n = send(fd, start->data, start->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			buf_drop(start, (size_t)n);
			return fd;
		}
		close(fd);
	}
	return -1;
}
