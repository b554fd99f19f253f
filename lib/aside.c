/* SPDX-License-Identifier: ISC */
/*
 * See aside.h. Descriptors go to the helper by SCM_RIGHTS, and are closed here at once, which is
 * never the last close: the helper (aside-helper.c) waits for it.
 *
 * Bounds: so many descriptors wait for one owner (and those few users whose lane is the same), and
 * so many in all; so many messages are on their way. Beyond, what has descriptors is not received,
 * and what has none is, so that nobody suffers from what others pass. A socket that is closed with
 * descriptors in it goes to the helper as it is, beyond the bound of its lane: no more are to be
 * accepted where it is beyond the bound of all (aside_has_room), which leaves the helper enough
 * numbers for those that are open by then. Root, and our own user, are trusted: they have a lane of
 * their own, without a bound.
 *
 * A helper that was killed is started anew, at the next need; what it had not removed stays.
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
	int fd, dir; /* of the helper, or -1; the directory that it has */
	uid_t self;
	void (*lost)(void *ctx);
	void *ctx;
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

static struct aside_page *make_page(void)
{
	void *page = mmap(NULL, sizeof(struct aside_page), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED ? NULL : page;
}

/* Starts one in the place of the present one, if there is any. 0 or -errno. */
static int start(struct aside *a)
{
	pid_t parent = getpid();
	int fds[2], error;
	struct aside_page *page = make_page();
	if (!page)
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
	munmap(a->page, sizeof(*a->page));
	if (a->fd >= 0)
		close(a->fd);
	atomic_store(&page->taken, a->number);
	a->page = page;
	a->fd = fds[0];
	a->dir = -1;
	if (a->lost)
		a->lost(a->ctx);
	return 0;
}

int aside_open(const struct aside_deeds *deeds, struct aside **out)
{
	struct rlimit rl;
	struct aside *a = calloc(1, sizeof(*a));
	*out = NULL;
	if (!a || !(a->page = make_page())) {
		free(a);
		return -ENOMEM;
	}
	a->deeds = deeds ? *deeds : (struct aside_deeds){ close_now, remove_now };
	a->fd = -1;
	a->self = geteuid();
	a->lane_max = LANE_MAX;
	a->total_max = LANE_MAX * ASIDE_LANES;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur / 4 < a->total_max)
		a->total_max = (uint32_t)rl.rlim_cur / 4;
	if (a->total_max / LANES_FULL < a->lane_max)
		a->lane_max = a->total_max / LANES_FULL;
	*out = a;
	return start(a);
}

void aside_on_loss(struct aside *a, void (*lost)(void *ctx), void *ctx)
{
	if (!a)
		return;
	a->lost = lost;
	a->ctx = ctx;
}

void aside_free(struct aside *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
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
	for (int tries = 0; tries < 2; tries++) {
		if (tries > 0 && (rc = start(a)) < 0)
			break;
		bool tell_dir = text->lane == ASIDE_FILES && a->dir != dir;
		text->count = tell_dir ? 1 : (uint32_t)n;
		atomic_fetch_add(&a->page->pending[text->lane], weight);
		rc = tell_dir ? send_once(a, text, &dir, 1) : send_once(a, text, fds, n);
		if (rc == 0) {
			a->number++;
			a->dir = tell_dir ? dir : a->dir;
			break;
		}
		atomic_fetch_sub(&a->page->pending[text->lane], weight);
		if (rc != -EPIPE && rc != -ECONNRESET && rc != -ENOTCONN && rc != -EBADF)
			break;
	}
	return rc;
}

static uint64_t on_way(const struct aside *a)
{
	return a->number - atomic_load(&a->page->taken);
}

static uint32_t lane_of(const struct aside *a, uid_t owner)
{
	if (!a || owner == 0 || owner == a->self)
		return ASIDE_TRUSTED;
	return 1 + owner % (ASIDE_LANES - 1);
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

bool aside_has_room(struct aside *a)
{
	uint32_t total = 0;
	if (!a)
		return true;
	for (size_t i = 0; i < ASIDE_LANES; i++)
		total += atomic_load(&a->page->pending[i]);
	return (total < a->total_max && on_way(a) < ON_WAY_MAX) || revive(a);
}

/* Whether descriptors of this user may be received. */
static bool takes(struct aside *a, uid_t owner)
{
	uint32_t lane = lane_of(a, owner);
	if (lane == ASIDE_TRUSTED)
		return true;
	return (atomic_load(&a->page->pending[lane]) < a->lane_max || revive(a)) && aside_has_room(a);
}

static void close_aside(struct aside *a, uid_t owner, const int *fds, size_t n)
{
	struct aside_message text = { .lane = lane_of(a, owner) };
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

/* How much comes next, as recv(2) would have it, which it leaves there. Descriptors: ETOOMANYREFS. */
static ssize_t peek(int fd, void *to, size_t size)
{
	struct iovec iov = { to, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_PEEK);
	if (n < 0 || !(m.msg_flags & MSG_CTRUNC))
		return n;
	errno = ETOOMANYREFS;
	return -1;
}

ssize_t aside_receive(struct aside *a, uid_t owner, int fd, void *to, size_t size, int *flags)
{
	union control control;
	int fds[ASIDE_FDS];
	if (!takes(a, owner)) {
		ssize_t next = peek(fd, to, size);
		if (next < 0 && errno == ETOOMANYREFS) {
			say(a, owner, "too many wait to be closed: no more are received");
			errno = ETOOMANYREFS;
		}
		if (next < 0)
			return next;
		size = (size_t)next; /* and not what may have come behind it */
	}
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
static bool drain(struct aside *a, uid_t owner, int fd, int type)
{
	char chunk[CHUNK];
	for (int i = 0; i < CHUNKS_MAX; i++) {
		ssize_t got = aside_receive(a, owner, fd, chunk, sizeof(chunk), NULL);
		if (got < 0 && (errno == EAGAIN || errno == ETOOMANYREFS))
			return errno == EAGAIN;
		if (got == 0 && type == SOCK_STREAM)
			return true;
	}
	return false;
}

/* Where an urgent byte is not in line the kernel drops it, and closes what came along with it. */
static void keep_in_line(int fd)
{
	const int yes = 1;
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof(yes));
}

void aside_discard(struct aside *a, uid_t owner, int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	keep_in_line(fd); /* one that was never received from */
	/* A stream's other end sees that it has ended, also where the close has to wait. */
	int how = type == SOCK_STREAM ? SHUT_RDWR : SHUT_RD;
	if (!a || (shutdown(fd, how) == 0 && drain(a, owner, fd, type)))
		close(fd);
	else
		close_aside(a, owner, &fd, 1);
}

bool aside_refuse(int fd)
{
	keep_in_line(fd);
#ifdef SO_PASSRIGHTS
	int no = 0;
	return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no)) == 0;
#else
	(void)fd;
	return false;
#endif
}
