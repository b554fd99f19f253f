/* SPDX-License-Identifier: ISC */
/*
 * See reexec.h.
 *
 * Signals that would end or bother a program that has no handlers yet are held back over the exec, and
 * delivered when it has them. The locks go along, so that no other jobd comes between.
 *
 * The daemon's section of the record, in lib/handover.h's HANDOVER_DAEMON:
 *
 *	1 version   2 when it was started   3, 4 soft and hard RLIMIT_NOFILE of its birth
 *	5, 6 how often it started over, and when it last did (restart.h)
 *	7, 8 log lines that were dropped: all, and not said yet   9, 10 the state's and the runtime's lock
 *	11 when the last of those lines was, by the clock that never jumps
 */
#include "config.h"

#include "jobd/reexec.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobd/api/api.h"
#include "jobd/core/engine.h"
#include "jobd/jobd.h"
#include "jobd/proc/proc.h"
#include "jobd/server/server.h"
#include "jobd/store/store.h"
#include "jobd/sys/logger.h"
#include "jobd/sys/notify.h"
#include "jobd/trial.h"
#include "lib/clock.h"
#include "lib/crash.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/strv.h"

#define SETTLE_US (1000 * 1000u) /* how long signals on their way to keepers are waited for */
#define AGAIN_US  5000		 /* and how often it is looked whether they have come */
#define LOG_MS	  200		 /* how long a log that is stuck is waited for */

enum {
	TAG_VERSION = 1,
	TAG_STARTED_AT,
	TAG_NOFILE_SOFT,
	TAG_NOFILE_HARD,
	TAG_RESTART_STEP,
	TAG_RESTART_AT,
	TAG_DROPPED,
	TAG_UNSAID,
	TAG_STATE_LOCK,
	TAG_RUNTIME_LOCK,
	TAG_DROPPED_AT,
};

struct reexec {
	struct jobd *d;
	struct trial *trial;
	struct event *again; /* looks whether it is time; or tells that it failed */
	char *user, *process; /* who asked first */
	struct actor who;
	bool fit;	       /* it was tried, and may take over */
	uint64_t fit_at_us;
	int error; /* of the exec that failed */
};

/* ---- the next self ---- */

static void take_section(const struct tlv *section, struct reexec_past *past, struct restart *r)
{
	struct tlv_reader reader = { section->data, section->len, false };
	struct tlv f;

	while (tlv_next(&reader, &f)) {
		switch ((int)f.tag) {
		case TAG_VERSION:
			snprintf(past->version, sizeof past->version, "%.*s", (int)f.len, (const char *)f.data);
			break;
		case TAG_STARTED_AT:
			past->started_at_us = tlv_u64(&f);
			break;
		case TAG_NOFILE_SOFT:
			r->nofile_soft = tlv_u64(&f);
			break;
		case TAG_NOFILE_HARD:
			r->nofile_hard = tlv_u64(&f);
			break;
		case TAG_RESTART_STEP:
			r->step = (unsigned)tlv_u64(&f);
			break;
		case TAG_RESTART_AT:
			r->at_mono_us = tlv_u64(&f);
			break;
		case TAG_DROPPED:
			past->lost.dropped = tlv_u64(&f);
			break;
		case TAG_UNSAID:
			past->lost.unsaid = tlv_u64(&f);
			break;
		case TAG_STATE_LOCK:
			past->state_lock = (int)tlv_u64(&f);
			break;
		case TAG_RUNTIME_LOCK:
			past->runtime_lock = (int)tlv_u64(&f);
			break;
		case TAG_DROPPED_AT:
			past->lost.last_us = tlv_u64(&f);
			break;
		default:
			break;
		}
	}
}

void reexec_take(struct reexec_past *past, struct restart *r)
{
	struct tlv section;
	int rc = handover_take(&past->record);

	if (rc < 0)
		log_event(LOG_ERR, "handover-damaged", "error", "%s", strerror(-rc));
	if (!past->record && rc == 0)
		return;
	/* One that started over since, for want of disk, knows better how often. */
	struct restart known = *r;
	if (past->record && handover_get(past->record, HANDOVER_DAEMON, &section))
		take_section(&section, past, r);
	if (known.is)
		*r = known;
	r->is = true;
	crash_point("handover-read");
}

void reexec_taken(struct reexec_past *past)
{
	handover_free(past->record);
	past->record = NULL;
}

static bool is_this_program(const char *path)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat("/proc/self/exe", &b) == 0 && a.st_dev == b.st_dev
	    && a.st_ino == b.st_ino;
}

/*
 * Links in it are not followed: an upgrade may be one that is set anew. /proc/self/exe will not do, since
 * it stays with the file that was executed, which an upgrade removes.
 */
char *reexec_program(const char *argv0, bool again)
{
	const char *name = (const char *)getauxval(AT_EXECFN);
	char self[PATH_MAX], *cwd = NULL, *path = NULL;

	if (again && argv0 && argv0[0] == '/')
		return strdup(argv0);
	if (name && name[0] == '/' && strncmp(name, "/proc/", 6) != 0 && strncmp(name, "/dev/", 5) != 0)
		path = strdup(name);
	else if (name && name[0] != '/' && (cwd = getcwd(NULL, 0)) != NULL)
		path = str_printf("%s/%s", cwd, name);
	free(cwd);
	if (path && is_this_program(path))
		return path;
	free(path);
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = 0;
	return n > 0 ? strdup(self) : NULL;
}

/* ---- the trial ---- */

static void forget(struct reexec *r)
{
	trial_free(r->trial);
	r->trial = NULL;
	r->fit = false;
	r->error = 0;
	free(r->user);
	free(r->process);
	r->user = r->process = NULL;
}

/* Nothing comes of it: the journal, the log and whoever waits are told. From the loop. */
static void refuse(struct reexec *r, char *const *why)
{
	struct jobd *d = r->d;

	engine_note(d->engine, &r->who, "daemon-reexec", "ReexecRefused", why && why[0] ? why[0] : NULL);
	for (size_t i = 0; why && why[i]; i++)
		log_event(LOG_ERR, "reexec-refused", "error", "%s", why[i]);
	api_reexec_refused(d->api, why);
	forget(r);
}

static void on_tried(void *ctx, const char *version, char *const *why)
{
	struct reexec *r = ctx;
	struct jobd *d = r->d;
	char text[200], stops[] = "jobd is being stopped", *stopping[] = { stops, NULL };

	if (!version || engine_stopping(d->engine, NULL)) {
		refuse(r, version ? stopping : why);
		return;
	}
	snprintf(text, sizeof text, "version %s, by %s", version, d->program);
	engine_note(d->engine, &r->who, "daemon-reexec", "ok", text);
	/* What jobs reported goes to disk once a second, and now. */
	engine_tick(d->engine);
	r->fit = true;
	r->fit_at_us = clock_mono_us();
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct reexec *r = arg;

	(void)fd;
	(void)what;
	if (!r->error)
		return; /* the end of this turn tries it again */
	char text[PATH_MAX + 100], *why[] = { text, NULL };
	snprintf(text, sizeof text, "%s: it could not be executed: %s", r->d->program, strerror(-r->error));
	refuse(r, why);
}

/* Turns the loop once more. */
static void later(struct reexec *r, unsigned us)
{
	struct timeval tv = { 0, (suseconds_t)us };

	evtimer_add(r->again, &tv);
}

static struct reexec *reexec_new(struct jobd *d)
{
	struct reexec *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->d = d;
	r->again = event_new(d->base, -1, 0, on_again, r);
	if (r->again)
		return r;
	free(r);
	return NULL;
}

static bool try(struct reexec *r, const struct actor *who)
{
	struct jobd *d = r->d;
	char **argv = options_again(&d->options, &d->paths, d->program, true);

	r->user = strdup(who->user ? who->user : "");
	r->process = strdup(who->process ? who->process : "");
	if (argv && r->user && r->process)
		r->trial = trial_begin(d->base, argv, on_tried, r);
	strv_free(argv);
	r->who = (struct actor){ who->uid, r->user, who->pid, r->process };
	if (r->trial)
		return true;
	forget(r);
	return false;
}

bool reexec_begin(void *ctx, const struct actor *who)
{
	struct jobd *d = ctx;

	if (!d->reexec)
		d->reexec = reexec_new(d);
	if (!d->reexec)
		return false;
	return d->reexec->trial || try(d->reexec, who);
}

/* ---- the exec ---- */

static void put_section(struct handover *h, const struct jobd *d)
{
	struct buf b = BUF_INIT;
	struct logger_lost lost = logger_drain(LOG_MS);

	tlv_put_str(&b, TAG_VERSION, PACKAGE_VERSION);
	tlv_put_u64(&b, TAG_STARTED_AT, d->started_at_us);
	tlv_put_u64(&b, TAG_NOFILE_SOFT, d->restart.nofile_soft);
	tlv_put_u64(&b, TAG_NOFILE_HARD, d->restart.nofile_hard);
	tlv_put_u64(&b, TAG_RESTART_STEP, d->restart.step);
	tlv_put_u64(&b, TAG_RESTART_AT, d->restart.at_mono_us);
	tlv_put_u64(&b, TAG_DROPPED, lost.dropped);
	tlv_put_u64(&b, TAG_UNSAID, lost.unsaid);
	tlv_put_u64(&b, TAG_STATE_LOCK, (uint64_t)store_lock_fd(d->store));
	tlv_put_u64(&b, TAG_RUNTIME_LOCK, (uint64_t)d->runtime_lock);
	tlv_put_u64(&b, TAG_DROPPED_AT, lost.last_us);
	handover_put(h, HANDOVER_DAEMON, &b);
	buf_fini(&b);
	handover_fd(h, store_lock_fd(d->store));
	handover_fd(h, d->runtime_lock);
}

/* Returns only when it is impossible: -errno. */
static int hand_over(struct jobd *d)
{
	char **argv = options_again(&d->options, &d->paths, d->program, false);
	struct handover *h = handover_new();
	char *more[] = { notify_variable(), NULL };
	int rc = -ENOMEM;

	if (argv && h) {
		put_section(h, d);
		server_handover(d->server, h);
		proc_handover(d->proc, h);
		api_handover(d->api, h);
		crash_point("handover-written");
		restart_hold_signals(true);
		rc = handover_exec(h, d->program, argv, more);
		restart_hold_signals(false);
	}
	free(more[0]);
	handover_free(h);
	strv_free(argv);
	return rc;
}

void reexec_turn(struct jobd *d)
{
	struct reexec *r = d->reexec;

	if (!r || !r->fit || r->error)
		return;
	if (engine_stopping(d->engine, NULL)) {
		r->error = -ECANCELED; /* the next self would not know of it, and start jobs */
		later(r, 0);
		return;
	}
	if (!proc_is_settled(d->proc) && clock_mono_us() - r->fit_at_us < SETTLE_US) {
		later(r, AGAIN_US);
		return;
	}
	notify_reloading();
	log_event(LOG_NOTICE, "handover", "program", "%s", d->program);
	r->error = hand_over(d);
	notify_ready();
	later(r, 0);
}

void reexec_free(struct reexec *r)
{
	if (!r)
		return;
	forget(r);
	event_free(r->again);
	free(r);
}
