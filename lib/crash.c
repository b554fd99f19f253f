/* SPDX-License-Identifier: ISC */
/*
 * Crash points. The list below is the only one: tests walk it, so that no
 * point is without a test. What is armed is fixed at start; a process has one
 * environment, so this is the process's, not a caller's.
 */
#include "config.h"

#include "lib/crash.h"

#include <errno.h>
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

#ifdef JOBD_COVERAGE
void __gcov_dump(void);
#endif

const char *const *crash_names(void)
{
	return points;
}

bool crash_init(void)
{
	armed = NULL;
	to_pass = 0;
	const char *spec = getenv("JOBD_CRASH_AT");
	if (!spec || !*spec)
		return true;
	const char *colon = strchr(spec, ':');
	size_t len = colon ? (size_t)(colon - spec) : strlen(spec);
	if (colon) {
		char *end;
		errno = 0;
		unsigned long turn = strtoul(colon + 1, &end, 10);
		if (errno || colon[1] < '1' || colon[1] > '9' || *end)
			return false;
		to_pass = turn - 1;
	}
	for (const char *const *p = points; *p; p++)
		if (strlen(*p) == len && memcmp(*p, spec, len) == 0)
			armed = *p;
	return armed != NULL;
}

void crash_point(const char *name)
{
	if (!armed || strcmp(armed, name) != 0)
		return;
	if (to_pass > 0) {
		to_pass--;
		return;
	}
#ifdef JOBD_COVERAGE
	__gcov_dump();
#endif
	kill(getpid(), SIGKILL);
	for (;;) /* another thread may run on for a moment; this one must not */
		pause();
}
