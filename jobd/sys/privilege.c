/* SPDX-License-Identifier: ISC */
/*
 * Capabilities that outlast exec and a change of user: ambient and inheritable ones, and
 * what securebits keep. Whoever starts jobd may have some (a service manager, setpriv); a job
 * that is somebody else's must not. By system calls, since libcap is needed for nothing else.
 */
#include "config.h"

#include "jobd/sys/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/log.h"

/* These would keep a job's capabilities through setuid(2). */
#define KEEPING_BITS (SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS)

static void shed_inheritable(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &h, d) < 0)
		return; /* a kernel without them */
	if ((d[0].inheritable | d[1].inheritable) == 0)
		return;
	/* With them go the ambient ones, which are always inheritable too. */
	d[0].inheritable = d[1].inheritable = 0;
	if (syscall(SYS_capset, &h, d) < 0)
		log_event(LOG_WARNING, "privilege", "error", "jobs inherit capabilities: %s",
		    strerror(errno));
}

static void shed_securebits(void)
{
	int bits = prctl(PR_GET_SECUREBITS);

	if (bits < 0 || (bits & KEEPING_BITS) == 0)
		return;
	if (prctl(PR_SET_SECUREBITS, (unsigned long)bits & ~(unsigned long)KEEPING_BITS) < 0)
		log_event(LOG_ERR, "privilege", "error", "securebits can't be reset, jobs may keep "
		    "capabilities: %s", strerror(errno));
}

void privilege_shed(void)
{
	shed_inheritable();
	shed_securebits();
	if (geteuid() == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		log_event(LOG_WARNING, "privilege", "error", "no_new_privs is set: setuid programs, such "
		    "as sudo, do not work in jobs");
}
