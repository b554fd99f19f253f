/* SPDX-License-Identifier: ISC */
/*
 * Output, from where it was left: each piece says where the next begins, so a
 * connection that is made anew neither repeats nor misses a byte.
 */
#include "config.h"

#include "jobctl/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "jobctl/job.h"
#include "lib/base64.h"
#include "lib/write.h"

static json_t *params(void *ctx)
{
	const struct output *o = ctx;
	json_t *p = json_pack("{s:I}", "id", (json_int_t)o->id);
	if (!p)
		return NULL;
	if (o->attempt > 0 && (!o->unstarted || o->offset > 0))
		json_object_set_new(p, "attempt", json_integer(o->attempt));
	if (o->offset >= 0)
		json_object_set_new(p, "offset", json_integer(o->offset));
	else if (o->tail >= 0)
		json_object_set_new(p, "tail", json_integer(o->tail));
	if (o->follow)
		json_object_set_new(p, "follow", json_true());
	return p;
}

void output_init(struct output *o, struct client *c, int64_t id, int64_t attempt, bool known)
{
	*o = (struct output){ .id = id, .attempt = attempt, .offset = -1, .tail = -1 };
	stream_init(
	    &o->stream, c, &(struct stream_call){ "org.jobd.Job.Output", params, o }, known);
}

void output_fini(struct output *o)
{
	stream_fini(&o->stream);
}

/* Past stdio: the bytes are the job's, and a follower wants them now. */
static bool copy(struct output *o, const json_t *reply)
{
	const json_t *data = json_object_get(reply, "data");
	const char *base64 = job_text(reply, "base64");
	bool ok = true;

	if (json_is_string(data))
		ok = write_all(STDOUT_FILENO, json_string_value(data), json_string_length(data)) == 0;
	if (base64) {
		struct buf bytes = BUF_INIT;
		if (base64_decode(&bytes, base64, strlen(base64)) == 0)
			ok = write_all(STDOUT_FILENO, bytes.data, bytes.len) == 0;
		buf_fini(&bytes);
	}
	o->offset = job_int(reply, "offset", o->offset);
	return ok;
}

enum output_result output_next(struct output *o, int timeout_ms, struct answer *answer)
{
	enum output_result r = OUTPUT_NOTHING;
	bool ok = true;

	switch (stream_next(&o->stream, timeout_ms, answer)) {
	case STREAM_REPLY:
		ok = copy(o, answer->params);
		r = OUTPUT_DATA;
		break;
	case STREAM_LAST:
		ok = copy(o, answer->params);
		r = OUTPUT_ENDED;
		break;
	case STREAM_ERROR:
		return OUTPUT_REFUSED;
	case STREAM_LOST:
		r = OUTPUT_LOST;
		break;
	case STREAM_NOTHING:
		break;
	}
	int error = errno;
	answer_fini(answer);
	errno = error;
	return ok ? r : OUTPUT_CLOSED;
}
