/* SPDX-License-Identifier: ISC */
/*
 * The exit file: what an END message would say, for a jobd that comes later.
 * It is whole or it is not there: written under another name, synced, renamed,
 * and the directory synced. jobd removes it once the end is in its store.
 *
 * What can go wrong: no space, a directory that is not writable. The caller
 * then keeps the status itself (the zombie), and tries again.
 */
#include "config.h"

#include "jobd/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/boot.h"
#include "lib/crash.h"
#include "lib/write.h"

static int write_file(int dir, const char *name, const struct buf *b)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int rc = write_all(fd, b->data, b->len);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

int exitfile_write(int dir, const char *name, struct keeper_end *e)
{
	char temporary[KEEPER_NAME_MAX + 8], id[BOOT_ID_SIZE];
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	if (!e->boot_id && boot_id(id) == 0)
		e->boot_id = strdup(id);
	struct buf b = BUF_INIT;
	keeper_end_put(&b, e);
	int rc = b.failed || !e->boot_id ? -ENOMEM : write_file(dir, temporary, &b);
	buf_fini(&b);
	if (rc == 0 && renameat(dir, temporary, dir, name) < 0)
		rc = -errno;
	if (rc < 0) {
		unlinkat(dir, temporary, 0);
		return rc;
	}
	if (fsync(dir) < 0)
		return -errno;
	crash_point("keeper-exitfile-written");
	return 0;
}

bool exitfile_is_futile(void)
{
	struct stat exits, sockets;
	return fstat(KEEPER_FD_EXITS, &exits) == 0 && exits.st_nlink == 0 &&
	       fstat(KEEPER_FD_LISTEN, &sockets) == 0 && sockets.st_nlink == 0;
}
