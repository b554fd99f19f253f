/* SPDX-License-Identifier: ISC */
/*
 * Whose a process is, once its keeper is gone: the attempt's cgroup says so, and
 * where there is none JOBD_INVOCATION in its environment. A process that has
 * cleared its environment and left its parents can't be told.
 *
 * A host has many processes, and an orphan is searched for again and again: so
 * only those are read that can be of the job, by their user and by when they were
 * born, and none twice. (A process that executes keeps its number and may get
 * another environment; but one that was not of the attempt does not get into it so.)
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/procfs.h"
#include "lib/str.h"

#define ENVIRON_MAX (4u << 20)
#define NAMED_MAX   20 /* pids in a text for a person */

/* The process keeps nobody waiting by it: what lies in pages of a file, of a FUSE perhaps, the kernel
 * does not read for others (since 4.17). */
static bool read_environ(pid_t pid, struct buf *b)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	buf_put(b, "", 1); /* so that every variable has a NUL before it */
	buf_read(b, fd, ENVIRON_MAX); /* what came before an error, or fits, is looked at */
	close(fd);
	return !b->failed;
}

struct process {
	pid_t pid; /* 0: none */
	uint64_t start;
};

struct survivors_search {
	const struct keeper *k;
	bool children_only;
	int proc;
	char variable[200];
	size_t len;
	struct process *others; /* that were read: by pid, open addressing */
	size_t nothers, slots;	/* a power of two, or 0 */
};

struct survivors_search *survivors_new(const struct keeper *k, bool children_only)
{
	struct survivors_search *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->k = k;
	s->children_only = children_only;
	s->proc = procfs_open();
	/* With the NUL before it and the one after it: no value that only contains it. */
	size_t prefix = strlen("_JOBD_INVOCATION=");
	memcpy(s->variable, "\0JOBD_INVOCATION=", prefix);
	keeper_invocation(k, s->variable + prefix, sizeof s->variable - prefix);
	s->len = prefix + strlen(s->variable + prefix) + 1;
	if (s->proc >= 0)
		return s;
	free(s);
	return NULL;
}

void survivors_free(struct survivors_search *s)
{
	if (!s)
		return;
	close(s->proc);
	free(s->others);
	free(s);
}

/* Where a process stands, or would stand. There is always room for one more. */
static struct process *find_other(const struct survivors_search *s, pid_t pid)
{
	size_t i = (size_t)pid & (s->slots - 1);
	while (s->others[i].pid && s->others[i].pid != pid)
		i = (i + 1) & (s->slots - 1);
	return &s->others[i];
}

/* Without memory it is only looked at again. */
static bool make_room(struct survivors_search *s)
{
	if (s->slots && s->nothers < s->slots / 2)
		return true;
	struct process *old = s->others;
	size_t nold = s->slots, n = nold ? nold * 2 : 256;
	struct process *v = calloc(n, sizeof *v);
	if (!v)
		return false;
	s->others = v;
	s->slots = n;
	for (size_t i = 0; i < nold; i++)
		if (old[i].pid)
			*find_other(s, old[i].pid) = old[i];
	free(old);
	return true;
}

static void remember(struct survivors_search *s, pid_t pid, uint64_t start)
{
	if (!make_room(s))
		return;
	struct process *p = find_other(s, pid);
	s->nothers += !p->pid;
	*p = (struct process){ pid, start };
}

/* Who runs as root may become anybody, and by a set-uid program anybody may become root. */
static bool may_be_of(const struct survivors_search *s, pid_t pid)
{
	char name[16];
	struct stat st;
	uid_t uid = s->k->uid;
	if (pid == getpid() || roster_find(s->k->p, ROSTER_KEEPER, (uint64_t)pid))
		return false;
	snprintf(name, sizeof name, "%d", (int)pid);
	return fstatat(s->proc, name, &st, 0) == 0 &&
	    (uid == 0 || st.st_uid == uid || (s->k->p->o.set_identity && st.st_uid == 0));
}

static bool is_of(struct survivors_search *s, pid_t pid)
{
	struct procfs_stat st;
	if (!may_be_of(s, pid) || procfs_stat(s->proc, pid, 0, &st) < 0 || st.start < s->k->pid_start)
		return false;
	if (s->slots) {
		const struct process *p = find_other(s, pid);
		if (p->pid && p->start == st.start)
			return false;
	}
	struct buf b = BUF_INIT;
	bool was_read = read_environ(pid, &b);
	bool found = was_read && memmem(b.data, b.len, s->variable, s->len);
	/* None at all is what one that executes, or is a zombie, shows for a moment. */
	if (was_read && !found && b.len > 1)
		remember(s, pid, st.start);
	buf_fini(&b);
	return found;
}

void survivors_each(struct survivors_search *s, void (*fn)(void *ctx, pid_t pid), void *ctx)
{
	if (!s)
		return;
	struct pidlist pids = PIDLIST_INIT;
	if (s->children_only)
		procfs_own_children(&pids);
	else
		(void)procfs_processes(s->proc, &pids);
	for (size_t i = 0; i < pids.n; i++)
		if (is_of(s, pids.v[i]))
			fn(ctx, pids.v[i]);
	free(pids.v);
}

struct names {
	struct buf text;
	size_t n;
};

static void add_name(void *ctx, pid_t pid)
{
	struct names *names = ctx;
	if (names->n++ < NAMED_MAX)
		buf_printf(&names->text, " %d", (int)pid);
}

static bool names_from_cgroup(struct names *names, const char *cgroup)
{
	char path[4096];
	struct pidlist pids = PIDLIST_INIT;
	if (snprintf(path, sizeof path, "%s/cgroup.procs", cgroup) >= (int)sizeof path)
		return false;
	bool was_read = procfs_numbers(AT_FDCWD, path, &pids) == 0;
	for (size_t i = 0; was_read && i < pids.n; i++)
		add_name(names, pids.v[i]);
	free(pids.v);
	return was_read;
}

char *survivors_text(const struct keeper *k)
{
	struct names names = { BUF_INIT, 0 };
	char *text = NULL;
	if (!k->cgroup || !names_from_cgroup(&names, k->cgroup)) {
		struct survivors_search *s = survivors_new(k, false);
		survivors_each(s, add_name, &names);
		survivors_free(s);
	}
	const char *numbers = buf_text(&names.text);
	if (names.n && !names.text.failed)
		text = str_printf("pids%s%s survived", numbers, names.n > NAMED_MAX ? " and more" : "");
	buf_fini(&names.text);
	return text;
}
