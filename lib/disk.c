/* SPDX-License-Identifier: ISC */
/* See disk.h. */
#include "config.h"

#include "lib/disk.h"

#include <sys/statvfs.h>

static uint64_t bytes(const struct statvfs *v)
{
	uint64_t blocks = v->f_bavail, size = v->f_frsize ? v->f_frsize : v->f_bsize;
	return size && blocks > UINT64_MAX / size ? UINT64_MAX : blocks * size;
}

uint64_t disk_free_bytes(const char *path)
{
	struct statvfs v;
	return statvfs(path, &v) < 0 ? UINT64_MAX : bytes(&v);
}

uint64_t disk_free_bytes_at(int fd)
{
	struct statvfs v;
	return fstatvfs(fd, &v) < 0 ? UINT64_MAX : bytes(&v);
}
