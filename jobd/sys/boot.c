/* SPDX-License-Identifier: ISC */
/* What the host says about itself. */
#include "config.h"

#include "jobd/sys/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

int boot_id(char out[BOOT_ID_SIZE])
{
	out[0] = '\0';
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The kernel gives it in one read, with a newline. */
	ssize_t n = read(fd, out, BOOT_ID_SIZE - 1);
	int rc = n < 0 ? -errno : n < BOOT_ID_SIZE - 1 ? -EIO : 0;
	close(fd);
	out[rc == 0 ? n : 0] = '\0';
	return rc;
}

uint64_t disk_free_bytes(const char *path)
{
	struct statvfs v;
	if (statvfs(path, &v) < 0)
		return UINT64_MAX;
	uint64_t blocks = v.f_bavail, size = v.f_frsize ? v.f_frsize : v.f_bsize;
	return size && blocks > UINT64_MAX / size ? UINT64_MAX : blocks * size;
}
