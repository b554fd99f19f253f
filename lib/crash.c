/* SPDX-License-Identifier: ISC */
/*
 * Crash points. The list below is the only one: tests walk it, so that no
 * point is without a test. What is armed is fixed at start; a process has one
 * environment, so this is the process's, not a caller's.
 */
#include "config.h"

#include "lib/crash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const points[] = {
	/* jobd's */
	"spawned",
	"ready-received",
	"start-committed",
	"gate-opened",
	"pause-committed",
	"pause-ordered",
	"stopped-received",
	"paused-committed",
	"resume-committed",
	"cancel-committed",
	"cancel-ordered",
	"end-received",
	"end-committed",
	"end-acknowledged",
	"adopt-begun",
	"adopt-connected",
	"adopt-done",
	"exitfile-read",
	"exitfile-committed",
	"again-committed",
	"slice-committed",
	"seal-committed",
	"drop-committed",
	"telling-committed",
	"queue-committed",
	"doom-committed",
	"handover-written",
	"handover-read",
	/* the keeper's */
	"keeper-born",
	"keeper-listening",
	"keeper-forked",
	"keeper-ready",
	"keeper-gate-open",
	"keeper-stopping",
	"keeper-stopped",
	"keeper-continuing",
	"keeper-ending",
	"keeper-exited",
	"keeper-reported",
	"keeper-emptied",
	"keeper-acknowledged",
	"keeper-exitfile-written",
	"keeper-adopted",
	NULL,
};

static const char *armed;     /* a row of points, or NULL */
static unsigned long to_pass; /* how often it is reached before it kills */
static const char *trace;     /* the file that says so, or NULL; the environment's */

#ifdef JOBD_COVERAGE
void __gcov_dump(void);
#endif

const char *const *crash_names(void)
{
	return points;
}

/* ":N", or nothing, up to end. */
static bool take_turn(const char *from, const char *end)
{
	char *after;
	if (from == end)
		return true;
	if (from[1] < '1' || from[1] > '9')
		return false;
	errno = 0;
	to_pass = strtoul(from + 1, &after, 10) - 1;
	return !errno && after == end;
}

bool crash_init(void)
{
	armed = trace = NULL;
	to_pass = 0;
	const char *spec = getenv("JOBD_CRASH_AT");
	if (!spec || !*spec)
		return true;
	size_t len = strcspn(spec, ":@");
	const char *end = spec + strcspn(spec, "@");
	if (!take_turn(spec + len, end))
		return false;
	if (*end && !*(trace = end + 1))
		return false;
	for (const char *const *p = points; *p; p++)
		if (strlen(*p) == len && memcmp(*p, spec, len) == 0)
			armed = *p;
	return armed != NULL;
}

static void leave_trace(void)
{
	int fd = open(trace, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

void crash_point(const char *name)
{
	if (!armed || strcmp(armed, name) != 0)
		return;
	if (to_pass > 0) {
		to_pass--;
		return;
	}
	if (trace)
		leave_trace();
#ifdef JOBD_COVERAGE
	__gcov_dump();
#endif
	kill(getpid(), SIGKILL);
	for (;;) /* another thread may run on for a moment; this one must not */
		pause();
}
