/* SPDX-License-Identifier: ISC */
/*
 * The walk: who belongs to a tree. A process is added once it has been opened
 * (pidfd) and, after that, seen to be the child of a member that was still
 * there, or in the cgroup: so the descriptor can be of no other. Once a member,
 * it stays one until it is reaped, whoever its parent becomes.
 *
 * A walk is a snapshot of things that move. It says what moved under it
 * (fresh, lost), and the caller walks again until nothing does.
 *
 * When descriptors run out (a fork bomb), members are held by pid and start
 * time, and opened for each signal.
 */
#include "config.h"

#include "lib/treewalk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/array.h"

#define CGROUP_DEPTH 8 /* of cgroups a job made below its own */

static int pidfd_open_(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* 0, or -errno. Signal 0 asks whether it is there. */
static int pidfd_signal(int fd, int sig)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) < 0 ? -errno : 0;
}

/* A leader that ended reads Z while its other threads run. */
static bool is_zombie(const struct procfs_stat *st)
{
	return (st->state == 'Z' || st->state == 'X') && st->threads <= 1;
}

/* ---- the table ---- */

static size_t slot_of(const struct tree *t, pid_t pid)
{
	size_t mask = t->nslots - 1;
	size_t s = ((size_t)pid * 2654435761u) & mask;
	while (t->slots[s] && t->m[t->slots[s] - 1].pid != pid)
		s = (s + 1) & mask;
	return s;
}

static struct member *find(struct tree *t, pid_t pid)
{
	if (!t->nslots)
		return NULL;
	uint32_t i = t->slots[slot_of(t, pid)];
	return i ? &t->m[i - 1] : NULL;
}

static void slots_fill(struct tree *t)
{
	if (t->nslots)
		memset(t->slots, 0, t->nslots * sizeof(*t->slots));
	for (size_t i = 0; i < t->n; i++)
		t->slots[slot_of(t, t->m[i].pid)] = (uint32_t)i + 1;
}

static bool make_room(struct tree *t)
{
	struct member *m = array_room(t->m, t->n, &t->cap, sizeof(*m));
	if (!m)
		return false;
	t->m = m;
	if ((t->n + 1) * 2 > t->nslots) {
		size_t nslots = t->nslots ? t->nslots * 2 : 64;
		uint32_t *slots = realloc(t->slots, nslots * sizeof(*slots));
		if (!slots)
			return false;
		t->slots = slots;
		t->nslots = nslots;
		slots_fill(t);
	}
	return true;
}

/* Takes fd. NULL when there is no memory. */
static struct member *add(struct tree *t, pid_t pid, int fd, uint64_t start, enum member_life life)
{
	if (!make_room(t)) {
		if (fd >= 0)
			close(fd);
		t->lost++;
		return NULL;
	}
	if (fd >= 0 && t->held >= t->most_held) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		t->held++;
	struct member *m = &t->m[t->n++];
	*m = (struct member){ .pid = pid, .fd = fd, .start = start, .life = life };
	t->slots[slot_of(t, pid)] = (uint32_t)t->n;
	return m;
}

/* Keeps the members that keep() wants, in their order. */
static void sift(struct tree *t, bool (*keep)(const struct member *))
{
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct member *m = &t->m[i];
		if (keep(m)) {
			t->m[n++] = *m;
		} else if (m->fd >= 0) {
			close(m->fd);
			t->held--;
		}
	}
	if (n != t->n) {
		t->n = n;
		slots_fill(t);
	}
}

static bool is_there(const struct member *m)
{
	return m->life == MEMBER_ALIVE || m->life == MEMBER_ZOMBIE;
}

static bool is_adopted(const struct member *m)
{
	return m->adopted;
}

void tree_forget(struct tree *t)
{
	sift(t, is_adopted);
}

/* ---- who belongs ---- */

/* Whether the process with this number is (still) the member it was. */
static bool is_still(struct tree *t, const struct member *m)
{
	if (m->fd >= 0)
		return pidfd_signal(m->fd, 0) != -ESRCH;
	struct procfs_stat st;
	return procfs_stat(t->proc, m->pid, 0, &st) == 0 && st.start == m->start;
}

/*
 * Whether a process whose parent is ppid belongs: asked after it was opened
 * and its parent read. A parent that has ended since says nothing: its number
 * may be another's by now.
 */
static bool is_parent(struct tree *t, pid_t ppid)
{
	if (t->root && ppid == t->root)
		return true;
	const struct member *m = find(t, ppid);
	return m && m->life == MEMBER_ALIVE && is_still(t, m);
}

/* A number that was read from a list of children: adds it if it is one. */
static void consider(struct tree *t, pid_t pid)
{
	if (find(t, pid))
		return;
	int fd = pidfd_open_(pid);
	if (fd < 0 && errno == ESRCH) {
		t->lost++;
		return;
	}
	struct procfs_stat st;
	if (procfs_stat(t->proc, pid, 0, &st) < 0 || !is_parent(t, st.ppid)) {
		if (fd >= 0)
			close(fd);
		t->lost++;
		return;
	}
	/* It may have ended just now, and what were its children be elsewhere: that is "lost". */
	bool zombie = is_zombie(&st);
	if (add(t, pid, fd, st.start, zombie ? MEMBER_ZOMBIE : MEMBER_ALIVE))
		*(zombie ? &t->lost : &t->fresh) += 1;
}

/* No descriptor, no memory: then nobody knows who is there. Who has ended has no children. */
static bool says_nothing(int rc)
{
	return rc < 0 && rc != -ENOENT && rc != -ESRCH;
}

static void find_children(struct tree *t, pid_t pid, unsigned threads)
{
	t->pids.n = 0;
	t->tids.n = 0;
	if (threads == 1)
		t->lost += says_nothing(procfs_children(t->proc, pid, pid, &t->pids));
	else
		t->lost += says_nothing(procfs_threads(t->proc, pid, &t->tids));
	for (size_t i = 0; i < t->tids.n; i++)
		t->lost += says_nothing(procfs_children(t->proc, pid, t->tids.v[i], &t->pids));
	for (size_t i = 0; i < t->pids.n; i++)
		consider(t, t->pids.v[i]);
}

/* Appends the processes of a cgroup and of those below it. */
static void cgroup_list(int dir, unsigned depth, struct pidlist *l)
{
	procfs_numbers(dir, "cgroup.procs", l);
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	struct dirent *e;
	while (depth < CGROUP_DEPTH && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		int sub = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			continue;
		cgroup_list(sub, depth + 1, l);
		close(sub);
	}
	closedir(d);
}

/* One whose pidfd was open when the cgroup named its number again, and who is still there. */
static void prove(struct tree *t, pid_t pid)
{
	struct procfs_stat st;
	struct member *m = find(t, pid);
	if (!m || m->life != MEMBER_UNPROVEN || procfs_stat(t->proc, pid, 0, &st) < 0)
		return;
	if (m->fd >= 0 && pidfd_signal(m->fd, 0) == -ESRCH)
		return;
	m->start = st.start;
	m->life = MEMBER_ALIVE;
	t->fresh++;
}

/* Opens who is new in the cgroup, then reads it again: who is in both belongs. */
static void find_in_cgroup(struct tree *t)
{
	bool news = false;
	t->pids.n = 0;
	cgroup_list(t->cgroup, 0, &t->pids);
	for (size_t i = 0; i < t->pids.n; i++) {
		pid_t pid = t->pids.v[i];
		if (pid <= 0 || find(t, pid))
			continue;
		int fd = pidfd_open_(pid);
		if (fd < 0 && errno == ESRCH)
			continue;
		add(t, pid, fd, 0, MEMBER_UNPROVEN);
		news = true;
	}
	if (!news)
		return;
	t->pids.n = 0;
	cgroup_list(t->cgroup, 0, &t->pids);
	for (size_t i = 0; i < t->pids.n; i++)
		prove(t, t->pids.v[i]);
	for (size_t i = 0; i < t->n; i++)
		if (t->m[i].life == MEMBER_UNPROVEN) {
			t->m[i].life = MEMBER_GONE;
			t->lost++;
		}
}

int tree_add(struct tree *t, pid_t pid, uint64_t start)
{
	if (find(t, pid))
		return 0;
	int fd = pidfd_open_(pid);
	if (fd < 0)
		return -errno;
	struct procfs_stat st;
	if (procfs_stat(t->proc, pid, 0, &st) < 0 || (start && st.start != start)) {
		close(fd);
		return -ESRCH;
	}
	struct member *m = add(t, pid, fd, st.start, is_zombie(&st) ? MEMBER_ZOMBIE : MEMBER_ALIVE);
	if (!m)
		return -ENOMEM;
	m->adopted = true;
	return 0;
}

/* ---- the walk ---- */

/*
 * T, t, Z and X do nothing more; a thread in D that has SIGSTOP waiting stops
 * before it is back in its program (the parent of a vfork stays there until
 * its child, which is stopped, has executed).
 */
static bool is_thread_stopped(struct tree *t, pid_t pid, pid_t tid, char state)
{
	t->traced |= state == 't';
	switch (state) {
	case 'T':
	case 't':
	case 'Z':
	case 'X':
		return true;
	case 'D':
		return procfs_stop_pending(t->proc, pid, tid);
	default:
		return false;
	}
}

static bool is_stopped(struct tree *t, pid_t pid, const struct procfs_stat *st)
{
	if (!is_thread_stopped(t, pid, pid, st->state))
		return false;
	if (st->threads <= 1)
		return true;
	t->tids.n = 0;
	if (procfs_threads(t->proc, pid, &t->tids) < 0)
		return false;
	for (size_t i = 0; i < t->tids.n; i++) {
		struct procfs_stat th;
		if (t->tids.v[i] == pid || procfs_stat(t->proc, pid, t->tids.v[i], &th) < 0)
			continue;
		if (!is_thread_stopped(t, pid, t->tids.v[i], th.state))
			return false;
	}
	return true;
}

bool tree_send(struct tree *t, struct member *m, int sig)
{
	int fd = m->fd;
	if (fd < 0) {
		fd = pidfd_open_(m->pid);
		if (fd < 0)
			return false;
		if (!is_still(t, m)) {
			close(fd);
			return false;
		}
	}
	int rc = pidfd_signal(fd, sig);
	if (fd != m->fd)
		close(fd);
	if (rc == -EPERM)
		t->denied = m->pid;
	if (rc == -ESRCH) {
		m->life = MEMBER_GONE; /* whoever /proc shows under its number is another */
		t->lost++;
	}
	return rc == 0;
}

/*
 * Reads where a member stands. False when it has ended. A number that is
 * another's by now hid that other from this walk: it may be one of ours. (A
 * crowd that leaves few numbers free has them recycled at once.)
 */
static bool look_at(struct tree *t, struct member *m, struct procfs_stat *st)
{
	enum member_life life = MEMBER_ALIVE;
	bool recycled = false;
	if (procfs_stat(t->proc, m->pid, 0, st) < 0)
		life = MEMBER_GONE;
	else if (is_zombie(st) && st->start == m->start)
		life = MEMBER_ZOMBIE;
	else
		recycled = st->start != m->start || m->life == MEMBER_ZOMBIE;
	if (recycled)
		life = MEMBER_GONE;
	t->lost += recycled || (life != MEMBER_ALIVE && m->life == MEMBER_ALIVE);
	m->life = life;
	if (life != MEMBER_ALIVE)
		return false;
	t->alive++;
	m->ppid = st->ppid;
	return true;
}

static void look_stopped(struct tree *t, struct member *m, const struct procfs_stat *st)
{
	t->traced = false;
	m->stopped = is_stopped(t, m->pid, st);
	if (m->stopped)
		return;
	m->held = false;
	t->running++;
	t->runner = m->pid;
}

static void visit(struct tree *t, struct member *m, enum deed deed)
{
	struct procfs_stat st;
	if (!look_at(t, m, &st))
		return;
	if (deed == DEED_LOOK || deed == DEED_STOP)
		look_stopped(t, m, &st);
	if (deed == DEED_STOP && (!m->stopped || (t->traced && !m->held))) {
		/* Who is stopped by a tracer would go on with it: SIGSTOP waits for that, or for SIGCONT. */
		m->held = t->traced;
		tree_send(t, m, SIGSTOP);
	}
	if (deed == DEED_KILL)
		tree_send(t, m, SIGKILL);
	find_children(t, m->pid, st.threads); /* m may have moved */
}

static void begin(struct tree *t)
{
	t->alive = t->fresh = t->lost = t->running = 0;
	t->runner = t->denied = 0;
}

void tree_walk(struct tree *t, enum deed deed)
{
	begin(t);
	if (t->root)
		find_children(t, t->root, 1);
	if (t->cgroup >= 0)
		find_in_cgroup(t);
	for (size_t i = 0; i < t->n; i++) /* grows under way */
		if (is_there(&t->m[i]))
			visit(t, &t->m[i], deed);
	sift(t, is_there);
}

void tree_look(struct tree *t)
{
	struct procfs_stat st;
	begin(t);
	for (size_t i = 0; i < t->n; i++)
		if (is_there(&t->m[i]) && look_at(t, &t->m[i], &st))
			look_stopped(t, &t->m[i], &st);
	sift(t, is_there);
}
