/* SPDX-License-Identifier: ISC */
/* The daemon's own resource limits. */
#include "config.h"

#include "jobd/sys/limits.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define NOFILE_WANTED 1048576 /* a client and a keeper cost one each */

static uint64_t as_u64(rlim_t v)
{
	return v == RLIM_INFINITY ? UINT64_MAX : (uint64_t)v;
}

/* More than fs.nr_open is refused by the kernel, even for root. */
static rlim_t kernel_most(void)
{
	unsigned long most = NOFILE_WANTED;
	FILE *f = fopen("/proc/sys/fs/nr_open", "re");
	if (f) {
		if (fscanf(f, "%lu", &most) != 1)
			most = NOFILE_WANTED;
		fclose(f);
	}
	return (rlim_t)most;
}

int limits_raise_nofile(uint64_t *soft, uint64_t *hard)
{
	struct rlimit was;
	if (getrlimit(RLIMIT_NOFILE, &was) < 0)
		return -errno;
	*soft = as_u64(was.rlim_cur);
	*hard = as_u64(was.rlim_max);

	rlim_t most = kernel_most();
	rlim_t wanted = most < NOFILE_WANTED ? most : NOFILE_WANTED;
	struct rlimit now = was;
	if (geteuid() == 0 && now.rlim_max < wanted)
		now.rlim_max = wanted;
	/* A hard limit of a billion is no reason to use it: programs count up to the soft one. */
	if (now.rlim_cur < wanted)
		now.rlim_cur = now.rlim_max < wanted ? now.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &now) == 0)
		return 0;
	/* In a container root may lack the right: the hard limit it is, then. */
	now.rlim_max = now.rlim_cur = was.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &now) == 0 ? 0 : -errno;
}
