/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/keeper/rig.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/strv.h"
#include "lib/tree.h"
#include "tests/keeper/look.h"

#define FLOOR 20 /* above the numbers a keeper is born with */

void nap(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static void make_dir(const struct rig *r, const char *name, mode_t mode)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	ck_assert_int_eq(mkdir(path, mode), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void name_attempt(struct rig *r, uint32_t attempt)
{
	r->attempt = attempt;
	r->nonce = 0x1122334455667788 + attempt;
	snprintf(r->name, sizeof(r->name), KEEPER_NAME_FMT, (uint64_t)RIG_ID, attempt, r->nonce);
}

void rig_init(struct rig *r)
{
	*r = (struct rig){ .fd = -1, .in = BUF_INIT };
	snprintf(r->dir, sizeof(r->dir), "/tmp/test_keeper.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	ck_assert_int_eq(chmod(r->dir, 0755), 0);
	make_dir(r, "keepers", 0700);
	make_dir(r, "logs", 0700);
	make_dir(r, "exits", 0700);
	make_dir(r, "work", 0777);
	name_attempt(r, RIG_ATTEMPT);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static int open_dir(const struct rig *r, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FLOOR);
	ck_assert_int_ge(high, FLOOR);
	close(fd);
	return high;
}

static const char *keeper_path(char *path, size_t size)
{
	const char *build = getenv("top_builddir");
	snprintf(path, size, "%s/jobd/keeper/jobd-keeper", build ? build : "..");
	return path;
}

void rig_spawn(struct rig *r)
{
	int sv[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char path[4096], name[] = "jobd-keeper", title[] = RIG_TITLE, *argv[] = { name, title, NULL };
	int dirs[] = { open_dir(r, "keepers"), open_dir(r, "logs"), open_dir(r, "exits") };
	posix_spawn_file_actions_t a;
	posix_spawnattr_t attr;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	int theirs = fcntl(sv[1], F_DUPFD_CLOEXEC, FLOOR);
	posix_spawn_file_actions_init(&a);
	posix_spawnattr_init(&attr);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_adddup2(&a, null, fd);
	posix_spawn_file_actions_adddup2(&a, theirs, KEEPER_FD_SOCKET);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&a, dirs[i], KEEPER_FD_LISTEN + i);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	ck_assert_int_eq(
	    posix_spawn(&r->keeper, keeper_path(path, sizeof(path)), &a, &attr, argv, environ), 0);
	posix_spawn_file_actions_destroy(&a);
	posix_spawnattr_destroy(&attr);
	for (int i = 0; i < 3; i++)
		close(dirs[i]);
	close(null);
	close(sv[1]);
	close(theirs);
	r->fd = sv[0];
}

/* False when the keeper has hung up. */
static bool try_send(struct rig *r, struct buf *b)
{
	bool sent = true;
	for (size_t done = 0; sent && done < b->len;) {
		ssize_t n = send(r->fd, b->data + done, b->len - done, MSG_NOSIGNAL);
		sent = n > 0;
		done += sent ? (size_t)n : 0;
	}
	buf_fini(b);
	return sent;
}

static void send_buf(struct rig *r, struct buf *b)
{
	ck_assert_msg(try_send(r, b), "the keeper hung up");
}

char **words(const char *a, const char *b, const char *c)
{
	char **v = NULL;
	strv_add(&v, a);
	if (b)
		strv_add(&v, b);
	if (c)
		strv_add(&v, c);
	return v;
}

void rig_start(struct rig *r, const struct job_spec *j)
{
	char home[] = "HOME=/", user[] = "USER=x", logname[] = "LOGNAME=x",
	     shell[] = "SHELL=/bin/sh", path[] = "PATH=/usr/bin:/bin";
	char *plain[] = { home, user, logname, shell, path, NULL }, work[80];
	snprintf(work, sizeof(work), "%s/work", r->dir);
	struct buf b = BUF_INIT;
	size_t mark = kmsg_begin(&b, KMSG_START);
	tlv_put_u64(&b, KTAG_VERSION, KMSG_VERSION);
	tlv_put_u64(&b, KTAG_ID, RIG_ID);
	tlv_put_u64(&b, KTAG_ATTEMPT, r->attempt);
	tlv_put_u64(&b, KTAG_NONCE, r->nonce);
	tlv_put_strv(&b, KTAG_ARG, j->argv);
	tlv_put_strv(&b, KTAG_ENV, j->env ? j->env : plain);
	if (!j->no_cwd)
		tlv_put_str(&b, KTAG_CWD, j->cwd ? j->cwd : work);
	tlv_put_u64(&b, KTAG_UID, j->set_identity ? j->uid : geteuid());
	tlv_put_u64(&b, KTAG_SET_IDENTITY, j->set_identity);
	tlv_put_u64(&b, KTAG_UMASK, 027);
	tlv_put_str(&b, KTAG_LOG, j->log ? j->log : "log");
	tlv_put_str(&b, KTAG_CGROUP_BASE, j->cgroup);
	tlv_put_u64(&b, KTAG_NOFILE_SOFT, 123);
	tlv_put_u64(&b, KTAG_NOFILE_HARD, 234);
	tlv_put_u64(&b, KTAG_GRACE_MS, j->grace_ms ? j->grace_ms : 10000);
	tlv_put_str(&b, KTAG_INVOCATION, j->invocation);
	kmsg_end(&b, mark);
	ck_assert(!b.failed);
	send_buf(r, &b);
}

pid_t rig_run(struct rig *r, const char *script)
{
	struct said s;
	char sh[] = "/bin/sh", c[] = "-c", *text = strdup(script), *argv[] = { sh, c, text, NULL };
	rig_spawn(r);
	rig_start(r, &(struct job_spec){ .argv = argv });
	free(text);
	rig_hear(r, KMSG_READY, &s);
	rig_say(r, KMSG_GATE);
	return s.pid;
}

void rig_say(struct rig *r, enum kmsg_type type)
{
	struct buf b = BUF_INIT;
	kmsg_end(&b, kmsg_begin(&b, type));
	send_buf(r, &b);
}

static void put_desire(struct rig *r, struct buf *b, enum keeper_level level, uint64_t grace_ms)
{
	size_t mark = kmsg_begin(b, KMSG_DESIRE);
	tlv_put_u64(b, KTAG_SEQ, ++r->seq);
	tlv_put_u64(b, KTAG_LEVEL, level);
	if (level == LEVEL_END)
		tlv_put_u64(b, KTAG_GRACE_MS, grace_ms);
	kmsg_end(b, mark);
}

void rig_desire(struct rig *r, enum keeper_level level, uint64_t grace_ms)
{
	struct buf b = BUF_INIT;
	put_desire(r, &b, level, grace_ms);
	send_buf(r, &b);
}

/* A keeper that still has a job is told to end it, and to write down that it did. */
static void end_politely(struct rig *r)
{
	struct buf b = BUF_INIT;
	if (r->fd < 0 || r->keeper <= 0 || waitpid(r->keeper, NULL, WNOHANG) != 0)
		return;
	put_desire(r, &b, LEVEL_END, 0);
	try_send(r, &b);
	rig_hang_up(r);
	for (int i = 0; i < PATIENCE_MS / 10 && waitpid(r->keeper, NULL, WNOHANG) == 0; i++)
		nap(1);
}

void rig_fini(struct rig *r)
{
	char command[128];
	pid_t culprit;
	end_politely(r);
	struct tree *t = tree_new(getpid(), NULL);
	for (int i = 0; i < PATIENCE_MS && tree_kill_step(t, &culprit) != TREE_DONE; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		nap(1);
	}
	tree_free(t);
	rig_hang_up(r);
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	ck_assert_int_eq(system(command), 0);
}

void rig_signal(struct rig *r, int sig, bool all)
{
	struct buf b = BUF_INIT;
	size_t mark = kmsg_begin(&b, KMSG_SIGNAL);
	tlv_put_u64(&b, KTAG_SIGNAL, (uint64_t)sig);
	tlv_put_u64(&b, KTAG_ALL, all);
	kmsg_end(&b, mark);
	send_buf(r, &b);
}

static void take_apart(const struct kmsg *m, struct said *s)
{
	struct tlv_reader in = m->payload;
	struct tlv f;
	keeper_end_fini(&s->end);
	*s = (struct said){ .type = m->type };
	if (m->type == KMSG_END) {
		ck_assert(keeper_end_get(&in, &s->end));
		return;
	}
	while (tlv_next(&in, &f)) {
		uint64_t v = tlv_u64(&f);
		switch ((int)f.tag) {
		case KTAG_NONCE:
			s->nonce = v;
			break;
		case KTAG_KEEPER_PID:
			s->keeper_pid = (pid_t)v;
			break;
		case KTAG_KEEPER_START:
			s->keeper_start = v;
			break;
		case KTAG_PID:
			s->pid = (pid_t)v;
			break;
		case KTAG_PID_START:
			s->pid_start = v;
			break;
		case KTAG_CGROUP:
			s->has_cgroup = true;
			break;
		case KTAG_SEQ:
			s->seq = v;
			break;
		case KTAG_LEVEL:
			s->level = v;
			break;
		case KTAG_CULPRIT:
			s->culprit = (pid_t)v;
			break;
		case KTAG_RECONTINUED:
			s->recontinued = (pid_t)v;
			break;
		default:
			break;
		}
	}
	ck_assert(!in.bad);
}

/* One message, of any type. False when the keeper hung up. */
static bool hear(struct rig *r, struct said *s)
{
	struct kmsg m;
	int rc;
	while ((rc = kmsg_parse(&r->in, &m)) == 0) {
		struct pollfd p = { .fd = r->fd, .events = POLLIN };
		ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "the keeper says nothing");
		ssize_t n = recv(r->fd, buf_reserve(&r->in, 4096), 4096, 0);
		if (n <= 0)
			return false;
		r->in.len += (size_t)n;
	}
	ck_assert_int_eq(rc, 1);
	take_apart(&m, s);
	buf_drop(&r->in, m.size);
	return true;
}

void rig_hear(struct rig *r, enum kmsg_type type, struct said *s)
{
	memset(s, 0, sizeof(*s));
	ck_assert_msg(hear(r, s), "the keeper hung up");
	ck_assert_msg(s->type == type, "message %d, not %d: %s", s->type, type,
	    s->end.step ? s->end.step : "");
}

bool rig_is_spoken_to(struct rig *r, int ms)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	return r->in.len > 0 || poll(&p, 1, ms) == 1;
}

void rig_hear_end(struct rig *r, struct said *s)
{
	memset(s, 0, sizeof(*s));
	do {
		ck_assert_msg(hear(r, s), "the keeper hung up");
	} while (s->type != KMSG_END || !s->end.empty);
}

void rig_wait_gone(struct rig *r)
{
	int status = 0;
	for (int i = 0; i < PATIENCE_MS; i++, nap(1))
		if (waitpid(r->keeper, &status, WNOHANG) == r->keeper) {
			ck_assert_int_eq(status, 0);
			ck_assert(!rig_has(r, r->name));
			return;
		}
	ck_abort_msg("the keeper does not leave");
}

void rig_say_stay(struct rig *r)
{
	struct buf b = BUF_INIT;
	size_t mark = kmsg_begin(&b, KMSG_ACK);
	tlv_put_u64(&b, KTAG_STAY, 1);
	kmsg_end(&b, mark);
	send_buf(r, &b);
}

/* Whether ps(1) shows it with this title. */
static bool is_titled(pid_t keeper, const char *title)
{
	char path[64], text[128] = "";
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)keeper);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	size_t at = strlen(text) + 1;
	return n > 0 && (size_t)n > at && strncmp(text + at, title, strlen(title)) == 0;
}

void rig_ack_stay(struct rig *r)
{
	rig_say_stay(r);
	/* It says nothing: when it has let go of the job, its title tells. */
	for (int i = 0; i < PATIENCE_MS && !is_titled(r->keeper, "idle"); i++)
		nap(1);
	ck_assert(is_titled(r->keeper, "idle"));
	ck_assert(!rig_has(r, r->name));
	name_attempt(r, r->attempt + 1);
	r->seq = 0;
}

void rig_ack(struct rig *r)
{
	rig_say(r, KMSG_ACK);
	rig_wait_gone(r);
}

static int connect_to_keeper(const struct rig *r)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	ck_assert_int_lt(
	    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/keepers/%s", r->dir, r->name),
	    sizeof(sa.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void put_hello(struct buf *b, uint64_t nonce)
{
	size_t mark = kmsg_begin(b, KMSG_HELLO);
	tlv_put_u64(b, KTAG_VERSION, KMSG_VERSION);
	tlv_put_u64(b, KTAG_NONCE, nonce);
	kmsg_end(b, mark);
}

void rig_adopt_to_end(struct rig *r, struct said *hello)
{
	struct buf b = BUF_INIT;
	rig_hang_up(r);
	r->fd = connect_to_keeper(r);
	ck_assert_int_ge(r->fd, 0);
	put_hello(&b, r->nonce);
	put_desire(r, &b, LEVEL_END, 0);
	send_buf(r, &b);
	rig_hear(r, KMSG_HELLO, hello);
}

bool rig_adopt(struct rig *r, uint64_t nonce, struct said *hello, struct said *state)
{
	struct rig other = *r;
	other.fd = connect_to_keeper(r);
	other.in = (struct buf)BUF_INIT;
	if (other.fd < 0)
		return false;
	struct buf b = BUF_INIT;
	put_hello(&b, nonce);
	memset(hello, 0, sizeof(*hello));
	if (!try_send(&other, &b) || !hear(&other, hello)) {
		close(other.fd);
		buf_fini(&other.in);
		return false;
	}
	ck_assert_int_eq(hello->type, KMSG_HELLO);
	rig_hang_up(r);
	*r = other;
	rig_hear(r, KMSG_STATE, state);
	return true;
}

void rig_hang_up(struct rig *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	buf_fini(&r->in);
}
