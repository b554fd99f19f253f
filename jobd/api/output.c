/* SPDX-License-Identifier: ISC */
/*
 * org.jobd.Job.Output: what a command wrote, from its log file.
 *
 * The file is read a piece at a time, and only while the client takes what it
 * was sent. While the attempt runs, a follower looks every 100 ms whether there
 * is more. A job that has not started yet can be followed: its output begins
 * with its next attempt.
 *
 * An attempt that wrote nothing has no file, and one that has just begun may
 * have none yet: both are empty. The file of one that ended empty becomes
 * another's, so nothing is read past where it ended.
 *
 * Over an exec of jobd go the attempt and the offset, and the stream goes on there.
 */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobd/api/common.h"
#include "lib/base64.h"
#include "lib/utf8.h"
#include "lib/varlink_handlers.h"

#define PIECE	   (64u << 10)
#define POLL_US	   100000
#define QUIET_POLLS 250	       /* of them: 25 s */
#define TAIL_MAX   (8u << 20)  /* how far back lines are counted */

struct output {
	struct job_watch watch; /* first */
	struct api *a;
	struct call *c;
	struct event *timer;
	uint64_t id;
	uint32_t attempt; /* 0: the next one */
	int fd;		  /* -1: no log yet */
	uint64_t offset, tail;
	uint64_t limit; /* no more is the attempt's */
	bool has_tail;
	bool follow; /* and the attempt is not over */
	unsigned quiet;
};

static void output_free(void *arg)
{
	struct output *o = arg;

	engine_unwatch(&o->watch);
	if (o->timer)
		event_free(o->timer);
	if (o->fd >= 0)
		close(o->fd);
	free(o);
}

/* The offset where the last lines of a file begin. */
static uint64_t tail_offset(int fd, uint64_t size, uint64_t lines)
{
	char block[4096];
	uint64_t at = size, floor = size > TAIL_MAX ? size - TAIL_MAX : 0;

	if (lines == 0)
		return size;
	while (at > floor) {
		size_t n = at - floor < sizeof block ? (size_t)(at - floor) : sizeof block;
		if (pread(fd, block, n, (off_t)(at - n)) != (ssize_t)n)
			return at;
		for (size_t i = n; i-- > 0;) {
			uint64_t pos = at - n + i;
			if (block[i] == '\n' && pos + 1 != size && lines-- == 1)
				return pos + 1;
		}
		at -= n;
	}
	return floor;
}

/* Opens the log once there is one. 0, or -errno. */
static int open_log(struct output *o, const struct job *j)
{
	struct stat st;
	int fd = engine_log_open(o->a->o.engine, j, o->attempt);

	if (fd < 0)
		return fd;
	o->fd = fd;
	if (!o->attempt)
		o->attempt = job_last_attempt(j);
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!o->follow)
		o->limit = (uint64_t)st.st_size;
	if (o->has_tail)
		o->offset = tail_offset(fd, (uint64_t)st.st_size, o->tail);
	return 0;
}

static void look_for_log(struct output *o)
{
	struct job_view v;

	if (engine_get(o->a->o.engine, o->id, &v) != ENGINE_OK)
		return;
	if (v.job->now.number)
		open_log(o, v.job);
	job_view_fini(&v);
}

/* The attempt is over: what it wrote is there. */
static void end_log(struct output *o)
{
	struct stat st;

	o->follow = false;
	event_del(o->timer);
	if (o->fd >= 0 && fstat(o->fd, &st) == 0)
		o->limit = (uint64_t)st.st_size;
}

/* How much may be read now. */
static size_t due(const struct output *o)
{
	if (o->fd < 0 || o->offset >= o->limit)
		return 0;
	return o->limit - o->offset < PIECE ? (size_t)(o->limit - o->offset) : PIECE;
}

/* A piece as the protocol has it; text is cut before a character that is not whole yet. */
static json_t *piece_json(struct output *o, const char *piece, size_t len)
{
	size_t text = utf8_span(piece, len);
	json_t *reply = json_object();
	bool cut = len - text < 4 && len == PIECE;

	if ((text == len || (cut && text)) && !memchr(piece, 0, text)) {
		len = text;
		json_put(reply, "data", json_stringn(piece, len));
	} else {
		struct buf code = BUF_INIT;
		base64_encode(&code, piece, len);
		json_put(reply, "base64", json_stringn((const char *)code.data, code.len));
		buf_fini(&code);
	}
	o->offset += len;
	json_put(reply, "offset", json_integer((json_int_t)o->offset));
	return reply;
}

static json_t *end_json(const struct output *o)
{
	return json_pack("{s:I}", "offset", (json_int_t)o->offset);
}

static void finish(struct output *o, json_t *reply)
{
	struct call *c = o->c;

	call_on_close(c, NULL, NULL);
	call_on_drain(c, NULL, NULL);
	output_free(o);
	call_reply(c, reply);
}

static void pump(void *arg)
{
	struct output *o = arg;
	struct timeval poll = { 0, POLL_US };
	char piece[PIECE];

	if (o->fd < 0 && o->follow)
		look_for_log(o);
	while (due(o) && call_backlog(o->c) <= CALL_BACKLOG) {
		ssize_t n = pread(o->fd, piece, due(o), (off_t)o->offset);
		if (n <= 0)
			break;
		o->quiet = 0;
		json_t *reply = piece_json(o, piece, (size_t)n);
		if (!call_wants_more(o->c)) {
			finish(o, reply);
			return;
		}
		call_continue(o->c, reply);
	}
	if (call_backlog(o->c) > CALL_BACKLOG)
		return; /* drained goes on */
	if (!o->follow) {
		finish(o, end_json(o));
		return;
	}
	if (++o->quiet % QUIET_POLLS == 0)
		call_continue(o->c, end_json(o));
	event_add(o->timer, &poll);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump(arg);
}

static void on_change(struct job_watch *watch, const struct job_view *v, enum job_change change)
{
	struct output *o = (struct output *)watch;

	if (change == CHANGE_PROGRESS)
		return;
	if (o->fd < 0 && v->job->now.number)
		open_log(o, v->job);
	if (change == CHANGE_ENDED || (o->attempt && v->job->now.number != o->attempt)) {
		end_log(o);
		pump(o);
	}
}

/* For call_on_handover. One that has no log yet begins anew. */
static json_t *position(void *arg)
{
	struct output *o = arg;

	if (o->fd < 0)
		return NULL;
	return json_pack("{s:I, s:I, s:I}", "attempt", (json_int_t)o->attempt, "offset",
	    (json_int_t)o->offset, "quiet", (json_int_t)o->quiet);
}

/* Where a former self had come to, or what is asked for. */
static void find_position(struct output *o, const struct call *c)
{
	const json_t *progress = call_progress(c);

	if (progress) {
		o->attempt = (uint32_t)json_integer_value(json_object_get(progress, "attempt"));
		o->offset = (uint64_t)json_integer_value(json_object_get(progress, "offset"));
		o->quiet = (unsigned)json_integer_value(json_object_get(progress, "quiet"));
		return;
	}
	o->attempt = (uint32_t)param_u64(c, "attempt", 0);
	o->offset = param_u64(c, "offset", 0);
	o->has_tail = json_is_integer(json_object_get(call_params(c), "tail"));
	o->tail = param_u64(c, "tail", 0);
}

/* Whether this attempt is (or will be) running. */
static bool goes_on(const struct job *j, uint32_t attempt)
{
	return !job_has_ended(j->state) && (attempt == 0 || attempt >= job_last_attempt(j));
}

/* NULL: no memory. */
static struct output *output_new(struct api *a, struct call *c, const struct job *j)
{
	struct output *o = calloc(1, sizeof *o);

	if (!o)
		return NULL;
	o->watch.changed = on_change;
	o->a = a;
	o->c = c;
	o->id = j->id;
	o->fd = -1;
	o->limit = UINT64_MAX;
	find_position(o, c);
	o->follow = param_bool(c, "follow") && call_wants_more(c) && goes_on(j, o->attempt);
	o->timer = event_new(a->o.base, -1, 0, on_timer, o);
	if (!o->timer) {
		output_free(o);
		return NULL;
	}
	return o;
}

/* There is no log: why, and what could be done. */
static void refuse(struct call *c, const struct job *j, uint32_t attempt, int rc)
{
	if (rc != -ENOENT)
		error_failed(c, j->id, strerror(-rc));
	else if (!job_last_attempt(j) && !job_has_ended(j->state))
		error_wrong_state(c, j->id, j->state, "output",
		    "it has not started: follow waits for its output");
	else if (job_last_attempt(j) && attempt <= job_last_attempt(j)) /* nor the attempt, perhaps */
		error_failed(c, j->id, "its log is not there any more");
	else
		error_invalid(c, "attempt", "job %llu has no output of that attempt",
		    (unsigned long long)j->id);
}

void api_job_output(void *ctx, struct call *c)
{
	struct api *a = ctx;
	uint64_t id = param_u64(c, "id", 0);
	struct job_view v;
	enum engine_result r = engine_get(a->o.engine, id, &v);
	int rc = 0;

	if (r != ENGINE_OK) {
		error_of_get(c, id, r);
		return;
	}
	struct output *o = output_new(a, c, v.job);
	bool starts_later = o && o->follow && !o->attempt && !v.job->now.number;
	if (o && !starts_later)
		rc = open_log(o, v.job);
	if (rc == -ENODATA)
		rc = 0;
	if (!o) {
		error_failed(c, id, "no memory");
	} else if (rc) {
		refuse(c, v.job, o->attempt, rc);
		output_free(o);
	} else {
		if (o->follow)
			o->follow = engine_watch(a->o.engine, id, &o->watch);
		call_on_close(c, output_free, o);
		call_on_drain(c, pump, o);
		call_on_handover(c, position, o);
		pump(o);
	}
	job_view_fini(&v);
}
