/* SPDX-License-Identifier: ISC */
/*
 * Where log lines go. The queue is a ring that is written by the loop and
 * drained by one thread; its lock is never held while a line is written out.
 * There is one logger a process, as there is one syslog connection.
 *
 * What can go wrong: the reader is stuck, or there is none. The thread goes on trying with the
 * line it has, so that a syslog daemon which is restarted misses nothing; the ring fills, further
 * lines are counted as dropped, and the thread says how many when it has caught up.
 */
#include "config.h"

#include "jobd/sys/logger.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "jobd/sys/devlog.h"
#include "lib/clock.h"
#include "lib/log.h"

#define RING	 1024
#define RETRY_MS 1000

struct line {
	int priority;
	char *text;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;	/* a line is there, or it is time to go; waits by CLOCK_MONOTONIC */
	pthread_cond_t drained; /* the thread has gone, or nothing is queued */
	struct line ring[RING];
	size_t first, count;
	struct logger_lost lost;
	int facility;
	bool open, closing, gone, idle, to_stderr, to_journal;
	struct devlog devlog;
	bool (*write)(void *ctx, int priority, const char *text);
	void *ctx;
} the = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *const words[] = { "emerg", "alert", "crit", "err", "warning", "notice", "info",
	"debug" };

/*
 * A terminal may be stopped and a pipe's reader asleep: what can't be written
 * now is dropped. O_NONBLOCK would be the shell's too: the description is shared.
 */
static bool write_stderr(int priority, const char *text, size_t len)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return false;
	char head[16];
	int pri = LOG_PRI(priority);
	int n = the.to_journal ? snprintf(head, sizeof(head), "<%d>", pri)
			       : snprintf(head, sizeof(head), "%s: ", words[pri]);
	/* One call: a pipe takes up to 4096 bytes whole or not at all. */
	struct iovec v[3] = {
		{ .iov_base = head, .iov_len = (size_t)n },
		{ .iov_len = len },
		{ .iov_base = (char[]){ '\n' }, .iov_len = 1 },
	};
	memcpy(&v[1].iov_base, &text, sizeof(text)); /* writev does not write to it */
	return writev(STDERR_FILENO, v, 3) > 0;
}

static struct log_line dropped_line(void)
{
	struct log_line l;
	log_begin(&l, "log-lines-dropped");
	log_u64(&l, "count", the.lost.unsaid);
	return l;
}

static void lose(struct logger_lost *l, uint64_t lines)
{
	if (!lines)
		return;
	l->dropped += lines;
	l->unsaid += lines;
	l->last_us = clock_mono_us();
}

static void stderr_sink(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	if (the.lost.unsaid) {
		struct log_line note = dropped_line();
		if (write_stderr(LOG_WARNING, note.text, note.len))
			the.lost.unsaid = 0;
	}
	if (!write_stderr(priority, text, len))
		lose(&the.lost, 1);
}

static void queue_sink(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	char *copy = strndup(text, len);
	pthread_mutex_lock(&the.lock);
	if (copy && the.count < RING) {
		the.ring[(the.first + the.count++) % RING] = (struct line){ priority, copy };
		copy = NULL;
		pthread_cond_signal(&the.filled);
	} else {
		lose(&the.lost, 1);
	}
	pthread_mutex_unlock(&the.lock);
	free(copy);
}

static bool write_devlog(void *ctx, int priority, const char *text)
{
	return devlog_write(ctx, priority, text);
}

/* Writes one line, with the lock held before and after, and not meanwhile. */
static bool write_out(int priority, const char *text)
{
	int facility = the.facility;
	pthread_mutex_unlock(&the.lock);
	bool taken = the.write(the.ctx, facility | priority, text);
	pthread_mutex_lock(&the.lock);
	return taken;
}

static struct timespec in_ms(unsigned wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return until;
}

/* Until the next try, or until it is time to go. */
static void wait_to_retry(void)
{
	struct timespec until = in_ms(RETRY_MS);
	int rc = 0;
	while (!the.closing && rc == 0)
		rc = pthread_cond_timedwait(&the.filled, &the.lock, &until);
}

/* Goes on until somebody takes it; a logger that closes tries once more. */
static void deliver(const struct line *l)
{
	while (!write_out(l->priority, l->text)) {
		if (the.closing) {
			lose(&the.lost, 1);
			break;
		}
		wait_to_retry();
	}
}

static void say_dropped(void)
{
	struct log_line note = dropped_line();
	uint64_t n = the.lost.unsaid;
	the.lost.unsaid = 0;
	if (!write_out(LOG_WARNING, note.text))
		the.lost.unsaid += n;
}

static void *drain(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&the.lock);
	for (;;) {
		while (the.count == 0 && !the.closing) {
			the.idle = true;
			pthread_cond_signal(&the.drained);
			pthread_cond_wait(&the.filled, &the.lock);
		}
		the.idle = false;
		if (the.count == 0)
			break;
		struct line l = the.ring[the.first];
		the.first = (the.first + 1) % RING;
		the.count--;
		deliver(&l);
		free(l.text);
		if (the.lost.unsaid && the.count == 0)
			say_dropped();
	}
	devlog_close(&the.devlog);
	the.gone = true;
	pthread_cond_signal(&the.drained);
	pthread_mutex_unlock(&the.lock);
	return NULL;
}

/* Whether standard error is the journal's stream, which takes priorities as <N>. */
static bool stderr_is_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	return s && sscanf(s, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	    st.st_dev == dev && st.st_ino == ino;
}

static int start_thread(void)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&the.drained, &attr);
	pthread_cond_init(&the.filled, &attr);
	pthread_condattr_destroy(&attr);

	/* Signals are the loop's. */
	sigset_t all, was;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, drain, NULL);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (rc)
		return -rc;
	/* It may wait for a stuck reader when the process ends: nobody joins it. */
	pthread_detach(thread);
	return 0;
}

int logger_open(const struct logger_options *o)
{
	if (the.open)
		return -EBUSY;
	the.first = the.count = 0;
	the.lost = o->lost;
	the.idle = false;
	the.closing = the.gone = false;
	the.facility = o->facility;
	the.to_stderr = o->foreground;
	the.devlog = (struct devlog)DEVLOG_INIT;
	if (o->ident)
		the.devlog.ident = o->ident;
	the.write = o->write ? o->write : write_devlog;
	the.ctx = o->write ? o->ctx : &the.devlog;
	if (o->foreground) {
		the.to_journal = stderr_is_journal();
		the.open = true;
		log_set_sink(stderr_sink, NULL);
		return 0;
	}
	int rc = start_thread();
	if (rc < 0)
		return rc;
	the.open = true;
	log_set_sink(queue_sink, NULL);
	return 0;
}

int logger_reopen(void)
{
	struct logger_options o = {
		.foreground = the.to_stderr,
		.facility = the.facility,
		.lost = the.lost,
		.ident = the.devlog.ident,
		.write = the.write == write_devlog ? NULL : the.write,
		.ctx = the.ctx,
	};
	return logger_open(&o);
}

void logger_set_facility(int facility)
{
	pthread_mutex_lock(&the.lock);
	the.facility = facility;
	pthread_mutex_unlock(&the.lock);
}

struct logger_lost logger_lost(void)
{
	pthread_mutex_lock(&the.lock);
	struct logger_lost l = the.lost;
	pthread_mutex_unlock(&the.lock);
	return l;
}

struct logger_lost logger_drain(unsigned wait_ms)
{
	if (!the.open || the.to_stderr) /* there is no thread */
		return the.lost;
	struct timespec until = in_ms(wait_ms);
	pthread_mutex_lock(&the.lock);
	int rc = 0;
	while (!(the.count == 0 && the.idle) && rc == 0)
		rc = pthread_cond_timedwait(&the.drained, &the.lock, &until);
	struct logger_lost l = the.lost;
	lose(&l, the.count + !the.idle);
	pthread_mutex_unlock(&the.lock);
	return l;
}

void logger_close(unsigned wait_ms)
{
	if (!the.open)
		return;
	log_set_sink(NULL, NULL);
	if (the.to_stderr) {
		the.open = false;
		return;
	}
	struct timespec until = in_ms(wait_ms);
	pthread_mutex_lock(&the.lock);
	the.closing = true;
	pthread_cond_signal(&the.filled);
	int rc = 0;
	while (!the.gone && rc == 0)
		rc = pthread_cond_timedwait(&the.drained, &the.lock, &until);
	/* A thread that is stuck still uses what is here: then the logger stays open, and silent. */
	the.open = !the.gone;
	pthread_mutex_unlock(&the.lock);
}
