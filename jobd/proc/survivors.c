/* SPDX-License-Identifier: ISC */
/*
 * Whose a process is, once its keeper is gone: the attempt's cgroup says so, and
 * where there is none JOBD_INVOCATION in its environment. A process that has
 * cleared its environment and left its parents can't be told.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENVIRON_MAX (4u << 20)
#define NAMED_MAX   20 /* pids in a text for a person */

static bool read_environ(pid_t pid, struct buf *b)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = 0;
	buf_put(b, "", 1); /* so that every variable has a NUL before it */
	do {
		void *to = buf_reserve(b, 16384);
		n = to ? read(fd, to, 16384) : -1;
		if (n > 0)
			b->len += (size_t)n;
	} while (n > 0 && b->len < ENVIRON_MAX);
	close(fd);
	return !b->failed;
}

static bool is_of(pid_t pid, const char *variable, size_t len)
{
	struct buf b = BUF_INIT;
	bool found = read_environ(pid, &b) && memmem(b.data, b.len, variable, len);
	buf_fini(&b);
	return found;
}

static pid_t *all_processes(void)
{
	pid_t *v = NULL;
	size_t n = 0, cap = 0;
	DIR *d = opendir("/proc");
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (n + 1 >= cap) {
			cap = cap ? cap * 2 : 256;
			pid_t *more = realloc(v, cap * sizeof *v);
			if (!more)
				break;
			v = more;
		}
		v[n++] = (pid_t)strtol(e->d_name, NULL, 10);
		v[n] = 0;
	}
	if (d)
		closedir(d);
	return v;
}

void survivors_each(
    const struct keeper *k, bool children_only, void (*fn)(void *ctx, pid_t pid), void *ctx)
{
	char variable[200] = "";
	/* With the NUL before it and the one after it: no value that only contains it. */
	size_t prefix = strlen("_JOBD_INVOCATION=");
	memcpy(variable, "\0JOBD_INVOCATION=", prefix);
	keeper_invocation(k, variable + prefix, sizeof variable - prefix);
	size_t len = prefix + strlen(variable + prefix) + 1;
	pid_t *pids = children_only ? pidinfo_children() : all_processes();
	for (size_t i = 0; pids && pids[i]; i++) {
		if (pids[i] == getpid() || roster_find(k->p, ROSTER_KEEPER, (uint64_t)pids[i]))
			continue;
		if (is_of(pids[i], variable, len))
			fn(ctx, pids[i]);
	}
	free(pids);
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
	int pid;
	if (snprintf(path, sizeof path, "%s/cgroup.procs", cgroup) >= (int)sizeof path)
		return false;
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	while (fscanf(f, "%d", &pid) == 1)
		add_name(names, pid);
	fclose(f);
	return true;
}

char *survivors_text(const struct keeper *k)
{
	struct names names = { BUF_INIT, 0 };
	char *text = NULL;
	if (!k->cgroup || !names_from_cgroup(&names, k->cgroup))
		survivors_each(k, false, add_name, &names);
	if (names.n && !names.text.failed &&
	    asprintf(&text, "pids%.*s%s survived", (int)names.text.len, (char *)names.text.data,
		names.n > NAMED_MAX ? " and more" : "") < 0)
		text = NULL;
	buf_fini(&names.text);
	return text;
}
