/* SPDX-License-Identifier: ISC */
/* See restart.h. */
#include "config.h"

#include "jobd/restart.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "jobd/sys/logger.h"
#include "jobd/sys/notify.h"
#include "lib/clock.h"
#include "lib/log.h"

#define CALM_US (60u * 1000000u)
#define LOG_MS	200 /* for a log that is stuck */

/* Before the first time, the second, … */
static const unsigned waits_s[] = { 0, 1, 2, 4, 8, 15, 30, 60 };
#define WAITS (sizeof waits_s / sizeof waits_s[0])

struct restart restart_take(void)
{
	struct restart r = { .listen_fd = -1 };
	const char *text = getenv("JOBD_RESTART");

	if (text && sscanf(text, "%d %u %" SCNu64 " %" SCNu64 " %" SCNu64, &r.listen_fd, &r.step,
			&r.at_mono_us, &r.nofile_soft, &r.nofile_hard) == 5)
		r.is = true;
	else
		r = (struct restart){ .listen_fd = -1 };
	unsetenv("JOBD_RESTART");
	return r;
}

void restart_hold_signals(bool hold)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static int give(const struct restart *r)
{
	char text[120];

	snprintf(text, sizeof text, "%d %u %" PRIu64 " %" PRIu64 " %" PRIu64, r->listen_fd, r->step,
	    r->at_mono_us, r->nofile_soft, r->nofile_hard);
	return setenv("JOBD_RESTART", text, 1) ? -errno : 0;
}

/* Executes this program anew, with the same arguments. Returns only when that is impossible. */
static void execute_again(struct restart *r, char **argv)
{
	logger_close(LOG_MS);
	if (r->listen_fd >= 0)
		fcntl(r->listen_fd, F_SETFD, 0);
	if (give(r) == 0) {
		notify_environment();
		restart_hold_signals(true);
		execv("/proc/self/exe", argv);
	}
	int was = errno;
	logger_reopen();
	errno = was;
}

unsigned restart_wait_s(unsigned step, int rc)
{
	size_t at = (size_t)step + (rc == -ENOSPC); /* for room there is always a wait */

	return waits_s[at < WAITS ? at : WAITS - 1];
}

/* Counts this one too. */
static unsigned wait_seconds(struct restart *r, int rc)
{
	uint64_t now = clock_mono_us();

	if (!r->is || now - r->at_mono_us > CALM_US + waits_s[WAITS - 1] * UINT64_C(1000000))
		r->step = 0;
	r->at_mono_us = now;
	unsigned wait = restart_wait_s(r->step, rc);
	if (r->step < WAITS)
		r->step++;
	return wait;
}

void restart_now(struct restart *r, int rc, char **argv)
{
	if (rc == -EIO) {
		log_event(LOG_CRIT, "daemon-failed", "error", "the disk failed while jobs were being "
		    "written: what is on it has to be checked before jobd starts again");
		return;
	}
	struct timespec wait = { (time_t)wait_seconds(r, rc), 0 };
	struct log_line l;
	log_begin(&l, "daemon-restart");
	log_i64(&l, "wait_s", wait.tv_sec);
	log_str(&l, "error", strerror(-rc));
	log_emit(LOG_CRIT, &l);
	if (wait.tv_sec) {
		signal(SIGTERM, SIG_DFL); /* who wants to end it now may */
		signal(SIGINT, SIG_DFL);
		signal(SIGHUP, SIG_IGN);
		restart_hold_signals(false);
		nanosleep(&wait, NULL);
	}
	execute_again(r, argv);
	log_event(LOG_CRIT, "daemon-failed", "error", "jobd can't execute itself: %s", strerror(errno));
}
