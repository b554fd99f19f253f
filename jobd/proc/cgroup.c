/* SPDX-License-Identifier: ISC */
/*
 * Where jobs get their cgroups: below jobd's own, where cgroup v2 is mounted
 * and we may make directories and move processes there. An extra, never a
 * condition: whatever stands in the way, the trees are walked instead.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/str.h"

/* Our place in the v2 hierarchy, such as "/system.slice/jobd.service"; the caller's. */
static char *own_group(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char *line = NULL, *found = NULL;
	size_t cap = 0;
	while (f && getline(&line, &cap, f) > 0) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		found = strdup(line + 3);
		break;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* Where cgroup v2 is mounted, such as "/sys/fs/cgroup"; the caller's. */
static char *mount_point(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *found = NULL;
	size_t cap = 0;
	while (f && !found && getline(&line, &cap, f) > 0) {
		/* id parent major:minor root mountpoint options … - type source … */
		const char *type = strstr(line, " - ");
		char *save, *field = strtok_r(strdupa(line), " ", &save);
		if (!type || strncmp(type + 3, "cgroup2 ", 8) != 0)
			continue;
		for (int i = 0; field && i < 4; i++)
			field = strtok_r(NULL, " ", &save);
		/* A name with spaces is escaped there, and not worth unescaping here. */
		if (field && !strchr(field, '\\'))
			found = strdup(field);
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* In a child of ours: moves itself there. */
static bool can_move_to(const char *dir)
{
	char path[4096];
	if (snprintf(path, sizeof path, "%s/cgroup.procs", dir) >= (int)sizeof path)
		return false;
	pid_t pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		_exit(fd >= 0 && write(fd, "0", 1) == 1 ? 0 : 1);
	}
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_usable(const char *base)
{
	char probe[4096];
	if (snprintf(probe, sizeof probe, "%s/probe", base) >= (int)sizeof probe)
		return false;
	if (mkdir(probe, 0755) < 0 && errno != EEXIST)
		return false;
	bool usable = can_move_to(probe);
	rmdir(probe);
	return usable;
}

static char *automatic_base(const struct proc *p)
{
	char *mount = mount_point(), *own = own_group(), *base = NULL;
	if (mount && own)
		base = str_printf("%s%s/jobd-%s", mount, strcmp(own, "/") == 0 ? "" : own, p->o.instance);
	free(mount);
	free(own);
	return base;
}

void cgroup_choose(struct proc *p)
{
	bool automatic = strcmp(p->o.cgroup, "auto") == 0;
	if (strcmp(p->o.cgroup, "no") == 0)
		return;
	char *base = automatic ? automatic_base(p) : strdup(p->o.cgroup);
	if (!base)
		return;
	bool made = automatic && mkdir(base, 0755) == 0;
	if ((made || access(base, F_OK) == 0) && is_usable(base)) {
		p->cgroup_base = base;
		p->cgroup_made = automatic;
		return;
	}
	if (!automatic)
		log_event(LOG_WARNING, "no-cgroup", "error",
		    "%s is not writable: the trees of jobs are walked", base);
	if (made)
		rmdir(base);
	free(base);
}

void cgroup_release(struct proc *p)
{
	/* Fails while a job is in it, which is as it should be. */
	if (p->cgroup_base && p->cgroup_made)
		rmdir(p->cgroup_base);
	free(p->cgroup_base);
	p->cgroup_base = NULL;
}

const char *proc_tree_kind(const struct proc *p)
{
	return p->cgroup_base ? "cgroup" : "walk";
}
