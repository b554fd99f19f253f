/* SPDX-License-Identifier: ISC */
/*
 * What trivial jobs and small appends cost without jobd:
 *
 * A bare loop: posix_spawn (a vfork and an exec), four at a time.
 *
 * A loop over keepers: it plays jobd's end of the keeper's contract and nothing
 * else. Real keepers, born as jobd bears them and told the same in START; the
 * gate is opened as soon as one is ready, the end acknowledged as soon as it is
 * told, and a keeper that was told to stay takes the next job, as with jobd. No
 * store, no clients, no notify sockets, no decisions.
 *
 * An append and an fdatasync.
 */
#include "config.h"

#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/kmsg.h"

#define SLOTS	 4
#define KEEPERS	 16 /* at work, at rest and on their way between the two */
#define FD_FLOOR 16 /* above a keeper's own numbers */
#define NOFILE	 1024

double loop_bare(size_t n)
{
	char name[] = "true", *argv[] = { name, NULL };
	/* As much of an environment as jobd gives to a job. */
	char *env[] = { (char[]){ "HOME=/root" }, (char[]){ "USER=root" },
		(char[]){ "LOGNAME=root" }, (char[]){ "SHELL=/bin/sh" },
		(char[]){ "PATH=/usr/local/bin:/usr/bin:/bin" }, NULL };
	size_t started = 0, ended = 0;
	uint64_t start = clock_mono_us();
	int status;
	pid_t pid;

	while (ended < n) {
		for (; started < n && started - ended < SLOTS; started++)
			if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env))
				bench_die("posix_spawn: %s", strerror(errno));
		if (waitpid(-1, &status, 0) < 0 || status)
			bench_die("/bin/true fails");
		ended++;
	}
	return (double)n * 1e6 / (double)(clock_mono_us() - start);
}

enum doing {
	ABSENT,
	AT_WORK,
	AT_REST,
};

struct keeper {
	enum doing doing;
	pid_t pid;
	int fd;
	struct buf in;
};

struct loop {
	const struct bench *b;
	const char *cgroup;
	int null, listen, logs, exits; /* descriptors a keeper is born with */
	struct keeper keepers[KEEPERS];
	uint64_t first, id;
	size_t started, ended;
};

static int open_high(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FD_FLOOR);

	if (high < 0)
		bench_die("%s: %s", path, strerror(errno));
	close(fd);
	return high;
}

static int open_dir(const char *below, const char *name)
{
	char *path = bench_mkdir(below, name);
	int fd = open_high(path, O_RDONLY | O_DIRECTORY);

	free(path);
	return fd;
}

static void put_start(struct buf *out, const struct loop *l)
{
	char text[96];
	size_t mark = kmsg_begin(out, KMSG_START);

	tlv_put_u64(out, KTAG_VERSION, KMSG_VERSION);
	tlv_put_u64(out, KTAG_ID, l->id);
	tlv_put_u64(out, KTAG_ATTEMPT, 1);
	tlv_put_u64(out, KTAG_NONCE, l->id * 0x9e3779b97f4a7c15ull);
	tlv_put_str(out, KTAG_ARG, "/bin/true");
	snprintf(text, sizeof text, "JOBD_INVOCATION=0123456789abcdef-%" PRIu64 "-1", l->id);
	tlv_put_str(out, KTAG_ENV, text);
	snprintf(text, sizeof text, "JOBD_ID=%" PRIu64, l->id);
	tlv_put_str(out, KTAG_ENV, text);
	tlv_put_str(out, KTAG_ENV, "JOBD_ATTEMPT=1");
	tlv_put_str(out, KTAG_ENV, "JOBD_QUEUE=default");
	snprintf(text, sizeof text, "JOBD_SOCKET=%s/jobs/jobd.sock", l->b->run);
	tlv_put_str(out, KTAG_ENV, text);
	snprintf(text, sizeof text, "NOTIFY_SOCKET=%s/jobs/notify/%" PRIu64 ".1", l->b->run,
	    l->id);
	tlv_put_str(out, KTAG_ENV, text);
	snprintf(text, sizeof text, "0123456789abcdef-%" PRIu64 "-1", l->id);
	tlv_put_str(out, KTAG_INVOCATION, text);
	tlv_put_u64(out, KTAG_UID, geteuid());
	tlv_put_u64(out, KTAG_SET_IDENTITY, geteuid() == 0);
	tlv_put_u64(out, KTAG_UMASK, 022);
	snprintf(text, sizeof text, "%" PRIu64 "/%" PRIu64 ".1.log", l->id / 1000, l->id);
	tlv_put_str(out, KTAG_LOG, text);
	tlv_put_str(out, KTAG_CGROUP_BASE, l->cgroup);
	tlv_put_u64(out, KTAG_NOFILE_SOFT, NOFILE);
	tlv_put_u64(out, KTAG_NOFILE_HARD, NOFILE);
	tlv_put_u64(out, KTAG_GRACE_MS, 4000);
	kmsg_end(out, mark);
}

static pid_t spawn_keeper(const struct loop *l, int sock)
{
	const int moves[][2] = { { l->null, 0 }, { l->null, 1 }, { l->null, 2 },
		{ sock, KEEPER_FD_SOCKET }, { l->listen, KEEPER_FD_LISTEN },
		{ l->logs, KEEPER_FD_LOGS }, { l->exits, KEEPER_FD_EXITS } };
	char name[] = "jobd-keeper", job[32], who[32], *argv[] = { name, who, NULL }, *env[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all, none;
	pid_t pid;

	snprintf(job, sizeof job, "%" PRIu64 ".1", l->id);
	snprintf(who, sizeof who, "%-24s", job); /* room for the jobs that may follow, as with jobd */
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
		posix_spawn_file_actions_adddup2(&actions, moves[i][0], moves[i][1]);
	int rc = posix_spawn(&pid, l->b->keeper, &actions, &attr, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (rc)
		bench_die("%s: %s", l->b->keeper, strerror(rc));
	return pid;
}

static void say(int fd, struct buf *out)
{
	if (out->failed || send(fd, out->data, out->len, MSG_NOSIGNAL) != (ssize_t)out->len)
		bench_die("a keeper does not listen: %s", strerror(errno));
	buf_fini(out);
}

static void open_gate(int fd)
{
	struct buf out = BUF_INIT;

	kmsg_end(&out, kmsg_begin(&out, KMSG_GATE));
	say(fd, &out);
}

static void acknowledge(struct keeper *k)
{
	struct buf out = BUF_INIT;
	size_t mark = kmsg_begin(&out, KMSG_ACK);

	tlv_put_u64(&out, KTAG_STAY, 1);
	kmsg_end(&out, mark);
	say(k->fd, &out);
	k->doing = AT_REST;
}

static void be_born(const struct loop *l, struct keeper *k)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		bench_die("socketpair: %s", strerror(errno));
	int high = fcntl(sv[1], F_DUPFD_CLOEXEC, FD_FLOOR);
	close(sv[1]);
	k->pid = spawn_keeper(l, high);
	close(high);
	k->fd = sv[0];
}

static struct keeper *find(struct loop *l, enum doing doing)
{
	for (size_t i = 0; i < KEEPERS; i++)
		if (l->keepers[i].doing == doing)
			return &l->keepers[i];
	return NULL;
}

/* False where every place is taken. */
static bool start(struct loop *l)
{
	struct keeper *resting = find(l, AT_REST), *k = resting ? resting : find(l, ABSENT);
	struct buf out = BUF_INIT;
	char bucket[24];

	if (!k)
		return false;
	if (++l->id % 1000 == 0 || l->id == l->first) {
		snprintf(bucket, sizeof bucket, "%" PRIu64, l->id / 1000);
		mkdirat(l->logs, bucket, 0700);
	}
	if (!resting)
		be_born(l, k);
	k->doing = AT_WORK;
	l->started++;
	put_start(&out, l);
	say(k->fd, &out);
	return true;
}

/* Whether the message is the last there is to be heard. */
static bool is_last(struct kmsg *m)
{
	struct keeper_end e;

	if (m->type != KMSG_END)
		return false;
	if (!keeper_end_get(&m->payload, &e) || e.kind != KEEPER_END_EXITED || e.status)
		bench_die("a keeper could not run /bin/true: %s: %s", e.step ? e.step : "it failed",
		    strerror(e.error));
	bool empty = e.empty;
	keeper_end_fini(&e);
	return empty;
}

static void understand(struct loop *l, struct keeper *k, struct kmsg *m)
{
	if (m->type == KMSG_READY) {
		open_gate(k->fd);
	} else if (is_last(m)) {
		acknowledge(k);
		l->ended++;
	}
}

static void hear(struct loop *l, struct keeper *k)
{
	struct kmsg m;
	void *room = buf_reserve(&k->in, 4096);
	ssize_t n = room ? recv(k->fd, room, 4096, MSG_DONTWAIT) : -1;

	if (n <= 0 && k->doing == AT_WORK)
		bench_die("a keeper left without a word");
	if (n <= 0) {
		close(k->fd);
		k->doing = ABSENT;
		return;
	}
	k->in.len += (size_t)n;
	while (kmsg_parse(&k->in, &m) > 0) {
		understand(l, k, &m);
		buf_drop(&k->in, m.size);
	}
}

static void run_keepers(struct loop *l, size_t n)
{
	struct pollfd p[KEEPERS];
	int status;

	while (l->ended < n) {
		while (l->started < n && l->started - l->ended < SLOTS && start(l))
			;
		for (size_t i = 0; i < KEEPERS; i++)
			p[i] = (struct pollfd){ l->keepers[i].doing ? l->keepers[i].fd : -1,
				.events = POLLIN };
		if (poll(p, KEEPERS, 60000) <= 0)
			bench_die("no keeper says anything");
		for (size_t i = 0; i < KEEPERS; i++)
			if (p[i].revents)
				hear(l, &l->keepers[i]);
		while (waitpid(-1, &status, WNOHANG | __WALL) > 0)
			;
	}
}

double loop_keepers(const struct bench *b, const char *cgroup, size_t n)
{
	static uint64_t id; /* logs of an earlier run may be in the way otherwise */
	struct loop l = { .b = b, .cgroup = cgroup, .first = id + 1, .id = id };

	l.null = open_high("/dev/null", O_RDWR);
	l.listen = open_dir(b->run, "loop-keepers");
	l.logs = open_dir(b->dir, "loop-logs");
	l.exits = open_dir(b->dir, "loop-exits");
	uint64_t begin = clock_mono_us();
	run_keepers(&l, n);
	double rate = (double)n * 1e6 / (double)(clock_mono_us() - begin);
	id = l.id + 1000 - l.id % 1000;
	for (size_t i = 0; i < KEEPERS; i++) {
		if (l.keepers[i].doing) {
			close(l.keepers[i].fd);
			waitpid(l.keepers[i].pid, NULL, 0); /* what it used is told with its end */
		}
		buf_fini(&l.keepers[i].in);
	}
	close(l.null);
	close(l.listen);
	close(l.logs);
	close(l.exits);
	return rate;
}

void loop_appends(const struct bench *b, size_t len, size_t n, struct series *s)
{
	char *path = NULL, *bytes = calloc(1, len);

	if (!bytes || asprintf(&path, "%s/appended", b->dir) < 0)
		bench_die("no memory");
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	for (size_t i = 0; i < n; i++) {
		uint64_t begin = clock_mono_us();
		if (write(fd, bytes, len) != (ssize_t)len || fdatasync(fd) < 0)
			bench_die("%s: %s", path, strerror(errno));
		series_add(s, (double)(clock_mono_us() - begin));
	}
	close(fd);
	free(path);
	free(bytes);
}
