/* SPDX-License-Identifier: ISC */
/*
 * See aside.h. Descriptors go to the helper by SCM_RIGHTS, and are closed here at once, which is
 * never the last close: the helper (aside-helper.c) waits for it.
 *
 * Bounds: so many descriptors wait for one owner (and those few users whose lane is the same), and so
 * many in all; so many messages are on their way. A helper that was killed is started anew; what it had not removed stays.
 *
 * What can go wrong: the helper can't be reached, or the kernel lets no more descriptors be on their
 * way. Then they are closed here, whatever that costs: it is logged.
 */
#include "config.h"

#include "lib/aside.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/aside-helper.h"
#include "lib/clock.h"
#include "lib/log.h"

#define LANE_MAX     512u /* descriptors that wait to be closed in one lane */
#define LANES_FULL   8u	  /* so many full ones there may be at least, where few may be open */
#define FILES_MAX    65536u
#define ON_WAY_FILES 128u /* messages not received, beyond which no file is handed over */
#define ON_WAY_MAX   192u /* and nothing else: the socket takes some two hundred */
#define CHUNK	     (16u << 10)
#define CHUNKS_MAX   512
#define SAY_US	     (60 * 1000000ull)

#if !defined SO_PASSRIGHTS && !defined __hppa__ && !defined __sparc__
#define SO_PASSRIGHTS 83 /* Linux 6.16, and not yet in every libc */
#endif

struct aside {
	struct aside_deeds deeds;
	struct aside_page *page;
	uint64_t number; /* of the last message that was sent */
	uint32_t lane_max, total_max;
	int fd, dir; /* dir: the helper has this one */
	uint64_t said_us;
	unsigned unsaid;
};

union control {
	char bytes[CMSG_SPACE(ASIDE_FDS * sizeof(int))];
	struct cmsghdr head;
};

static void close_now(int fd)
{
	close(fd);
}

static void remove_now(int dir, const char *name)
{
	unlinkat(dir, name, 0);
}

/* ---- the helper ---- */

/* Starts one in the place of the present one, if there is any. 0 or -errno. */
static int start(struct aside *a)
{
	pid_t parent = getpid();
	int fds[2], error;
	struct aside_page *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		error = errno;
		munmap(page, sizeof(*page));
		return -error;
	}
	/* The parent's handlers are not to run in the child, which blocks signals for good. */
	sigset_t all, was;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	pid_t pid = fork();
	if (pid == 0)
		aside_help(fds[1], page, &a->deeds, parent);
	error = errno;
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		munmap(page, sizeof(*page));
		return -error;
	}
	if (a->page)
		munmap(a->page, sizeof(*a->page));
	if (a->fd >= 0)
		close(a->fd);
	atomic_store(&page->taken, a->number);
	a->page = page;
	a->fd = fds[0];
	a->dir = -1;
	return 0;
}

int aside_open(const struct aside_deeds *deeds, struct aside **out)
{
	struct rlimit rl;
	struct aside *a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->deeds = deeds ? *deeds : (struct aside_deeds){ close_now, remove_now };
	a->fd = -1;
	a->lane_max = LANE_MAX;
	a->total_max = LANE_MAX * ASIDE_LANES;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur / 2 < a->total_max)
		a->total_max = (uint32_t)rl.rlim_cur / 2;
	if (a->total_max / LANES_FULL < a->lane_max)
		a->lane_max = a->total_max / LANES_FULL;
	int rc = start(a);
	if (rc < 0) {
		free(a);
		return rc;
	}
	*out = a;
	return 0;
}

void aside_free(struct aside *a)
{
	if (!a)
		return;
	close(a->fd);
	munmap(a->page, sizeof(*a->page));
	free(a);
}

/* ---- to the helper ---- */

static int send_once(struct aside *a, const struct aside_message *text, const int *fds, size_t n)
{
	union control control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)text, sizeof(*text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (n > 0) {
		control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(n * sizeof(*fds)) };
		memcpy(CMSG_DATA(&control.head), fds, n * sizeof(*fds));
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(n * sizeof(*fds));
	}
	ssize_t sent;
	do
		sent = sendmsg(a->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* Counts it as pending, too. dir is for the files' lane alone. 0 or -errno. */
static int hand_over(struct aside *a, struct aside_message *text, const int *fds, size_t n, int dir)
{
	uint32_t weight = text->lane == ASIDE_FILES ? 1 : (uint32_t)n;
	int rc = -EPIPE;
	text->number = a->number + 1;
	text->count = (uint32_t)n;
	for (int tries = 0; tries < 2; tries++) {
		if (tries > 0 && (rc = start(a)) < 0)
			break;
		bool tell_dir = text->lane == ASIDE_FILES && a->dir != dir;
		atomic_fetch_add(&a->page->pending[text->lane], weight);
		rc = tell_dir ? send_once(a, text, &dir, 1) : send_once(a, text, fds, n);
		if (rc == 0) {
			a->number++;
			a->dir = tell_dir ? dir : a->dir;
			break;
		}
		atomic_fetch_sub(&a->page->pending[text->lane], weight);
		if (rc != -EPIPE && rc != -ECONNRESET && rc != -ENOTCONN)
			break;
	}
	return rc;
}

static uint64_t on_way(const struct aside *a)
{
	return a->number - atomic_load(&a->page->taken);
}

/* Whether the helper had died, and with it what was pending; another has taken its place. */
static bool revive(struct aside *a)
{
	char c;
	ssize_t n = recv(a->fd, &c, 1, MSG_DONTWAIT);
	return (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) && start(a) == 0;
}

/* A line a minute; those between are counted. */
static void say(struct aside *a, uid_t owner, const char *detail)
{
	struct log_line l;
	uint64_t now = clock_mono_us();
	a->unsaid++;
	if (a->said_us != 0 && now - a->said_us < SAY_US)
		return;
	log_begin(&l, "descriptors-unclosed");
	log_u64(&l, "uid", owner);
	log_u64(&l, "count", a->unsaid);
	log_str(&l, "detail", detail);
	log_emit(LOG_WARNING, &l);
	a->said_us = now;
	a->unsaid = 0;
}

bool aside_takes(struct aside *a, uid_t owner)
{
	uint32_t total = 0;
	if (!a)
		return true;
	for (size_t i = 0; i < ASIDE_LANES; i++)
		total += atomic_load(&a->page->pending[i]);
	if (atomic_load(&a->page->pending[owner % ASIDE_LANES]) < a->lane_max &&
	    total < a->total_max && on_way(a) < ON_WAY_MAX)
		return true;
	if (revive(a))
		return true;
	say(a, owner, "too many wait to be closed: nothing more is received");
	return false;
}

static void close_aside(struct aside *a, uid_t owner, const int *fds, size_t n)
{
	struct aside_message text = { .lane = owner % ASIDE_LANES };
	if (a && hand_over(a, &text, fds, n, -1) < 0)
		say(a, owner, "the helper can't take them");
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	if (a)
		atomic_store(&a->page->released, a->number);
}

bool aside_remove(struct aside *a, int dir, const char *name)
{
	struct aside_message text = { .lane = ASIDE_FILES };
	if (!a) {
		remove_now(dir, name);
		return true;
	}
	if (strlen(name) >= sizeof(text.name))
		return false;
	if ((on_way(a) >= ON_WAY_FILES || atomic_load(&a->page->pending[ASIDE_FILES]) >= FILES_MAX) && !revive(a))
		return false;
	strcpy(text.name, name);
	return hand_over(a, &text, NULL, 0, dir) == 0;
}

/* ---- sockets ---- */

ssize_t aside_receive(struct aside *a, uid_t owner, int fd, void *to, size_t size, int *flags)
{
	union control control;
	int fds[ASIDE_FDS];
	struct iovec iov = { to, size };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	ssize_t got = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0)
		return got;
	if (flags)
		*flags = m.msg_flags;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		close_aside(a, owner, fds, n);
	}
	return got;
}

/* Whether nothing is left in a socket that takes no more; false where that was not found out. */
static bool drain(struct aside *a, uid_t owner, int fd)
{
	char chunk[CHUNK];
	int type = 0;
	socklen_t len = sizeof(type);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	for (int i = 0; i < CHUNKS_MAX && aside_takes(a, owner); i++) {
		ssize_t got = aside_receive(a, owner, fd, chunk, sizeof(chunk), NULL);
		if ((got < 0 && errno != EINTR) || (got == 0 && type == SOCK_STREAM))
			return true;
	}
	return false;
}

void aside_discard(struct aside *a, uid_t owner, int fd)
{
	if (!a || (shutdown(fd, SHUT_RD) == 0 && drain(a, owner, fd)))
		close(fd);
	else
		close_aside(a, owner, &fd, 1);
}

bool aside_refuse(int fd)
{
#ifdef SO_PASSRIGHTS
	int no = 0;
	return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no)) == 0;
#else
	(void)fd;
	return false;
#endif
}
