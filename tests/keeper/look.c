/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/keeper/look.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/procfs.h"

static char *slurp(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	char *text = malloc(1 << 20);
	ssize_t n = read(fd, text, (1 << 20) - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	*len = (size_t)n;
	close(fd);
	return text;
}

bool rig_exit_file(struct rig *r, struct keeper_end *e)
{
	char path[160];
	size_t len;
	snprintf(path, sizeof(path), "%s/exits/%s", r->dir, r->name);
	char *text = slurp(path, &len);
	if (!text)
		return false;
	struct tlv_reader in = { (const uint8_t *)text, len, false };
	memset(e, 0, sizeof(*e));
	ck_assert(keeper_end_get(&in, e));
	free(text);
	return true;
}

bool rig_has(const struct rig *r, const char *name)
{
	char path[200];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s%s", r->dir, strchr(name, '/') ? "" : "keepers/", name);
	return lstat(path, &st) == 0;
}

char *rig_log(struct rig *r)
{
	char path[128];
	size_t len;
	snprintf(path, sizeof(path), "%s/logs/log", r->dir);
	char *text = slurp(path, &len);
	ck_assert_ptr_nonnull(text);
	return text;
}

off_t rig_size(struct rig *r, const char *name)
{
	char path[200];
	struct stat st;
	snprintf(path, sizeof(path), "%s/work/%s", r->dir, name);
	return stat(path, &st) < 0 ? 0 : st.st_size;
}

void rig_wait_file(struct rig *r, const char *name)
{
	for (int i = 0; i < PATIENCE_MS / 2; i++, nap(2))
		if (rig_size(r, name) > 0)
			return;
	ck_abort_msg("%s does not come", name);
}

pid_t rig_pid(struct rig *r, const char *name)
{
	char path[192];
	int pid = 0;
	rig_wait_file(r, name);
	snprintf(path, sizeof(path), "%s/work/%s", r->dir, name);
	FILE *f = fopen(path, "r");
	ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

void rig_make_file(struct rig *r, const char *name)
{
	char path[192];
	snprintf(path, sizeof(path), "%s/work/%s", r->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

char state_of(pid_t pid)
{
	struct procfs_stat st;
	int proc = procfs_open();
	int rc = procfs_stat(proc, pid, 0, &st);
	close(proc);
	return rc < 0 ? 0 : st.state;
}

void wait_state(pid_t pid, const char *states)
{
	char now = 0;
	for (int i = 0; i < PATIENCE_MS; i++, nap(1)) {
		now = state_of(pid);
		if (now ? strchr(states, now) != NULL : strchr(states, '-') != NULL)
			return;
	}
	ck_abort_msg("process %d is %c, not %s", (int)pid, now ? now : '-', states);
}
