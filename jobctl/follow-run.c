/* SPDX-License-Identifier: ISC */
/*
 * Following one job: two streams, what becomes of it (Wait) and what it writes
 * (Output), each on a connection of its own. An attempt's output is asked for
 * once it has started, and read to its end before the next one's, and before the
 * job's end counts. What is heard of the job may leave attempts out that were short:
 * they are read all the same, one after the other.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "jobctl/fault.h"
#include "jobctl/follow.h"
#include "jobctl/job.h"
#include "jobctl/output.h"
#include "jobctl/waiting.h"

#define TURN_MS	     1000
#define RECONNECT_MS 200 /* a turn while a connection is missing */
#define PIECES	     64	 /* of output before anything else is looked at */

struct follow {
	struct ctl *c;
	int64_t id;
	int64_t attempt; /* whose output was asked for last; 0: none */
	struct waiting waiting;
	struct output output;
	bool reading;	/* the output has not ended */
	bool over;	/* the job has ended */
	int interrupts; /* a signalfd for SIGINT, or -1 */
	bool cancelled;
	int code; /* why it was left, with leave */
	bool leave;
};

static void leave(struct follow *f, int code)
{
	f->leave = true;
	f->code = code;
}

/* jobd is not there any more: the job may be, under its keeper. */
static void lose(struct follow *f)
{
	complain("job %" PRId64 " was not waited for to its end: jobctl wait %" PRId64, f->id, f->id);
	leave(f, CODE_OWN);
}

/* Begins to read the output of the next attempt, if it has started. */
static void look_for_output(struct follow *f)
{
	const json_t *job = waiting_job(&f->waiting, f->id);

	if (f->reading || job_int(job, "attempt", 0) <= f->attempt)
		return;
	f->attempt++;
	output_init(&f->output, &f->c->client, f->id, f->attempt, true);
	f->output.follow = true;
	f->reading = true;
}

static void read_state(struct follow *f)
{
	enum waiting_result r = WAITING_NEWS;

	while (r == WAITING_NEWS && !f->over) {
		r = waiting_next(&f->waiting, 0);
		f->over = r == WAITING_ENDED;
	}
	if (r == WAITING_FAILED)
		lose(f);
	else
		look_for_output(f);
}

static void read_output(struct follow *f)
{
	struct answer a;
	enum output_result r = OUTPUT_DATA;

	for (int i = 0; i < PIECES && r == OUTPUT_DATA && f->reading; i++)
		r = output_next(&f->output, 0, &a);
	switch (r) {
	case OUTPUT_REFUSED:
		/* What never ran has no output: there is no such attempt. */
		if (strcmp(job_text_or(a.params, "parameter", ""), "attempt") != 0)
			complain("the output of job %" PRId64 " can't be had: %s", f->id, a.error);
		answer_fini(&a);
		f->reading = false;
		break;
	case OUTPUT_ENDED:
		f->reading = false;
		break;
	case OUTPUT_LOST:
		lose(f);
		break;
	case OUTPUT_CLOSED:
		complain("cannot write to standard output: %s; job %" PRId64
			 " goes on (jobctl cancel %" PRId64 " ends it)",
		    strerror(errno), f->id, f->id);
		leave(f, CODE_OWN);
		break;
	case OUTPUT_DATA:
	case OUTPUT_NOTHING:
		break;
	}
	if (!f->reading || f->leave)
		output_fini(&f->output);
}

/* The first Ctrl-C cancels, on a connection of its own: the streams occupy theirs. */
static void interrupt(struct follow *f)
{
	struct signalfd_siginfo info;
	struct client client;
	json_t *reply;

	if (read(f->interrupts, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	if (f->cancelled) {
		complain("left job %" PRId64 " to jobd", f->id);
		leave(f, CODE_INTERRUPTED);
		return;
	}
	f->cancelled = true;
	complain("cancelling job %" PRId64 " (Ctrl-C again leaves it to jobd)", f->id);
	if (!client_init(&client, f->c->client.path))
		return;
	client_ask(&client, "cancel the job", "org.jobd.Job.Cancel",
	    json_pack("{s:I}", "id", (json_int_t)f->id), &reply);
	json_decref(reply);
	client_fini(&client);
}

static void turn(struct follow *f)
{
	struct pollfd fds[3] = {
		{ .fd = f->interrupts, .events = POLLIN },
		{ .fd = f->over ? -1 : stream_fd(&f->waiting.stream), .events = POLLIN },
		{ .fd = f->reading ? stream_fd(&f->output.stream) : -1, .events = POLLIN },
	};
	bool whole = (f->over || fds[1].fd >= 0) && (!f->reading || fds[2].fd >= 0);

	poll(fds, 3, whole ? TURN_MS : RECONNECT_MS);
	if (fds[0].revents)
		interrupt(f);
	if (!f->over && !f->leave)
		read_state(f);
	if (f->reading && !f->leave)
		read_output(f);
	if (!f->leave)
		look_for_output(f);
}

static void follow_init(struct follow *f, struct ctl *c, int64_t id, int64_t before)
{
	*f = (struct follow){ .c = c, .id = id, .attempt = before, .interrupts = -1 };
	waiting_init(&f->waiting, &c->client, json_pack("[I]", (json_int_t)id), false, true);
}

static void follow_fini(struct follow *f)
{
	output_fini(&f->output);
	waiting_fini(&f->waiting);
	if (f->interrupts >= 0)
		close(f->interrupts);
}

static int conclude(const struct follow *f)
{
	struct buf why = BUF_INIT;
	const json_t *job = waiting_job(&f->waiting, f->id);
	int code = job_exit_code(job, &why);
	const char *text = buf_text(&why);
	if (*text)
		complain("job %" PRId64 " %s", f->id, text);
	else if (code != CODE_DONE && f->c->err.terminal && !f->c->o->quiet)
		follow_tell_end(f->c, job);
	buf_fini(&why);
	return code;
}

int follow_run(struct ctl *c, int64_t id, int64_t before)
{
	struct follow f;
	sigset_t set;

	follow_init(&f, c, id, before);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	f.interrupts = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f.interrupts < 0)
		sigprocmask(SIG_UNBLOCK, &set, NULL); /* Ctrl-C then leaves the job alone */
	signal(SIGPIPE, SIG_IGN);
	read_state(&f);
	while (!f.leave && !(f.over && !f.reading))
		turn(&f);
	int code = f.leave ? f.code : conclude(&f);
	follow_fini(&f);
	return code;
}
