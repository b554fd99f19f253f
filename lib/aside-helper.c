/* SPDX-License-Identifier: ISC */
/*
 * The helper process of aside.h: one thread receives, and one a lane works while the lane has
 * something to do.
 *
 * A descriptor is closed only when the sender's own copy is: else the last close could be the
 * sender's. Invariant: the receiving thread closes nothing that was passed, and removes nothing, so
 * that it always receives.
 *
 * What can go wrong: a deed hangs. Then its lane stands still, and the sender, who sees how much is
 * pending, sends no more to it than sockets that are not empty. The files' directory does not
 * arrive: the process ends, and the sender starts another. A thread can't be had: it is tried again
 * in a second. The sender dies: the files are removed, and the process ends, whatever hangs; a lingering close does not
 * linger in a process that ends.
 */
#include "config.h"

#include "lib/aside-helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STACK	 (256u << 10)
#define RETRY_MS 1000

struct deed {
	struct deed *next;
	uint64_t number;
	int dir;
	char name[64];
	size_t n;
	int fds[];
};

struct helper;

struct lane {
	struct helper *h;
	struct deed *first, **last;
	bool busy; /* has a thread */
};

struct helper {
	pthread_mutex_t lock;
	pthread_cond_t idle; /* the files are removed */
	struct lane lanes[ASIDE_LANES + 1];
	struct aside_page *page;
	const struct aside_deeds *deeds;
	pid_t parent;
	int fd, dir;
	bool wanting; /* a lane has something to do and no thread */
};

static void await_release(const struct helper *h, uint64_t number)
{
	const struct timespec moment = { .tv_nsec = 100000 };
	while (atomic_load(&h->page->released) < number && getppid() == h->parent)
		nanosleep(&moment, NULL);
}

static void do_deed(struct lane *l, const struct deed *d)
{
	struct helper *h = l->h;
	size_t lane = (size_t)(l - h->lanes);
	if (lane == ASIDE_FILES) {
		h->deeds->remove(d->dir, d->name);
		atomic_fetch_sub(&h->page->pending[lane], 1);
		return;
	}
	await_release(h, d->number);
	for (size_t i = 0; i < d->n; i++) {
		h->deeds->close(d->fds[i]);
		atomic_fetch_sub(&h->page->pending[lane], 1);
	}
}

static void *work(void *arg)
{
	struct lane *l = arg;
	struct helper *h = l->h;
	pthread_mutex_lock(&h->lock);
	for (struct deed *d; (d = l->first);) {
		l->first = d->next;
		if (!l->first)
			l->last = &l->first;
		pthread_mutex_unlock(&h->lock);
		do_deed(l, d);
		free(d);
		pthread_mutex_lock(&h->lock);
	}
	l->busy = false;
	pthread_cond_signal(&h->idle);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* Gives a lane its thread, with the lock held. */
static void set_to_work(struct lane *l)
{
	pthread_attr_t attr;
	pthread_t thread;
	if (l->busy || !l->first)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	l->busy = pthread_create(&thread, &attr, work, l) == 0;
	if (!l->busy)
		l->h->wanting = true;
	pthread_attr_destroy(&attr);
}

static void put(struct helper *h, uint32_t lane, struct deed *d)
{
	struct lane *l = &h->lanes[lane];
	pthread_mutex_lock(&h->lock);
	d->next = NULL;
	*l->last = d;
	l->last = &d->next;
	set_to_work(l);
	pthread_mutex_unlock(&h->lock);
}

static void try_again(struct helper *h)
{
	pthread_mutex_lock(&h->lock);
	h->wanting = false;
	for (size_t i = 0; i <= ASIDE_LANES; i++)
		set_to_work(&h->lanes[i]);
	pthread_mutex_unlock(&h->lock);
}

static struct deed *make_deed(struct helper *h, const struct aside_message *m, const int *fds, size_t n)
{
	struct deed *d;
	while (!(d = malloc(sizeof(*d) + n * sizeof(*fds)))) {
		const struct timespec moment = { .tv_nsec = 100000000 };
		nanosleep(&moment, NULL);
	}
	d->number = m->number;
	if (m->lane == ASIDE_FILES && n > 0) {
		h->dir = fds[0];
		n = 0;
	}
	d->dir = h->dir;
	memcpy(d->name, m->name, sizeof(d->name));
	d->n = n;
	if (n > 0)
		memcpy(d->fds, fds, n * sizeof(*fds));
	return d;
}

/* False at the end. */
static bool receive(struct helper *h)
{
	struct aside_message text;
	union {
		char bytes[CMSG_SPACE(ASIDE_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &text, sizeof(text) };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	ssize_t got = recvmsg(h->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN;
	if (got != sizeof(text) || text.lane > ASIDE_LANES)
		return false;
	int fds[ASIDE_FDS];
	size_t n = 0;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	}
	if (text.lane == ASIDE_FILES && n < text.count)
		return false;
	/* Where the limit of open files was reached, the kernel has closed the rest. */
	if (n < text.count)
		atomic_fetch_sub(&h->page->pending[text.lane], text.count - (uint32_t)n);
	put(h, text.lane, make_deed(h, &text, fds, n));
	atomic_store(&h->page->taken, text.number);
	return true;
}

/* Nothing of the parent's is held: neither its locks, nor its clients, nor where it stands. */
static void settle_in(struct helper *h, int fd)
{
	prctl(PR_SET_NAME, "jobd-aside");
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++)
		if (fd != i)
			dup2(null, i);
	h->fd = STDERR_FILENO + 1;
	if (fd != h->fd)
		dup2(fd, h->fd);
	close_range((unsigned)h->fd + 1, ~0u, 0);
	(void)!chdir("/");
}

_Noreturn void aside_help(int fd, struct aside_page *page, const struct aside_deeds *deeds, pid_t parent)
{
	static struct helper h;
	h = (struct helper){ .page = page, .deeds = deeds, .parent = parent, .dir = -1 };
	pthread_mutex_init(&h.lock, NULL);
	pthread_cond_init(&h.idle, NULL);
	for (size_t i = 0; i <= ASIDE_LANES; i++)
		h.lanes[i] = (struct lane){ .h = &h, .last = &h.lanes[i].first };
	settle_in(&h, fd);
	struct pollfd p = { .fd = h.fd, .events = POLLIN };
	for (bool goes_on = true; goes_on;) {
		if (poll(&p, 1, h.wanting ? RETRY_MS : -1) > 0)
			goes_on = receive(&h);
		if (h.wanting)
			try_again(&h);
	}
	pthread_mutex_lock(&h.lock);
	while (h.lanes[ASIDE_FILES].busy)
		pthread_cond_wait(&h.idle, &h.lock);
	_exit(0);
}
