/* SPDX-License-Identifier: ISC */
/* See boot.h. */
#include "config.h"

#include "lib/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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
