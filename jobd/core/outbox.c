/* SPDX-License-Identifier: ISC */
/*
 * How a journal entry reads in the log. The keys and their order are an
 * interface: people's alarms depend on them.
 */
#include "config.h"

#include "jobd/core/outbox.h"

#include <string.h>

#include "lib/log.h"
#include "lib/status.h"

/* What jobd does by itself: the ordinary life of a job is info, what puts one at risk a warning. */
static int own_priority(const char *verb)
{
	static const struct {
		const char *verb;
		int priority;
	} rows[] = {
		{ "start", LOG_INFO },
		{ "stopped", LOG_INFO },
		{ "completed", LOG_INFO },
		{ "cancelled", LOG_INFO },
		{ "left", LOG_WARNING },
		{ "orphaned", LOG_WARNING },
		{ "unstoppable", LOG_WARNING },
		{ "store-accepted", LOG_WARNING },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].verb, verb) == 0)
			return rows[i].priority;
	return LOG_NOTICE;
}

static bool is_submission(const struct journal_entry *e)
{
	return strcmp(e->verb, "submit") == 0
	    && (strcmp(e->result, "ok") == 0 || strcmp(e->result, "staged") == 0);
}

/*
 * What an administrator expects: a lost job is worse than a failed one, and people's hands
 * and what was refused them show among the rest. A configuration with mistakes, or a program that
 * can't take its place, is jobd's trouble, whoever asked.
 */
static int priority_of(const struct journal_entry *e)
{
	if (e->reason == REASON_LOST || strcmp(e->result, "BadConfiguration") == 0
	    || strcmp(e->result, "ReexecRefused") == 0)
		return LOG_ERR;
	if (e->to == JOB_FAILED)
		return LOG_WARNING;
	if (e->has_actor)
		return is_submission(e) ? LOG_INFO : LOG_NOTICE;
	return own_priority(e->verb);
}

static void put_status(struct log_line *l, const struct journal_entry *e)
{
	if (!e->has_status)
		return;
	struct status st = status_decode(e->status);
	if (st.signal)
		log_str(l, "signal", status_signal_name(st.signal));
	else
		log_i64(l, "code", st.code);
}

static void put_actor(struct log_line *l, const struct journal_entry *e)
{
	if (!e->has_actor)
		return;
	log_str(l, "by", e->user);
	log_u64(l, "uid", e->uid);
	log_i64(l, "pid", e->pid);
}

void outbox_add(struct outbox *o, const struct journal_entry *e, const struct job *j)
{
	struct log_line l;
	uint8_t priority = (uint8_t)priority_of(e);

	log_begin(&l, e->verb);
	if (e->job)
		log_u64(&l, "job", e->job);
	if (j) {
		log_str(&l, "queue", j->queue);
		log_str(&l, "user", j->user);
	}
	log_str(&l, "from", job_state_name(e->from));
	log_str(&l, "to", job_state_name(e->to));
	log_str(&l, "reason", job_reason_name(e->reason));
	put_status(&l, e);
	if (e->attempt)
		log_u64(&l, "attempt", e->attempt);
	if (strcmp(e->result, "ok") != 0)
		log_str(&l, "result", e->result);
	put_actor(&l, e);
	if (j)
		log_str(&l, "name", j->name);
	log_str(&l, "detail", e->detail);

	buf_put(&o->lines, &priority, 1);
	buf_put(&o->lines, l.text, l.len);
	buf_put(&o->lines, "", 1);
}

void outbox_flush(struct outbox *o)
{
	size_t at = 0;

	while (at < o->lines.len) {
		int priority = o->lines.data[at];
		const char *text = (const char *)&o->lines.data[at + 1];
		struct log_line l = { .cut = true };
		l.len = strnlen(text, LOG_LINE_MAX - 1);
		memcpy(l.text, text, l.len + 1);
		log_emit(priority, &l);
		at += 1 + l.len + 1;
	}
	buf_clear(&o->lines);
}

void outbox_fini(struct outbox *o)
{
	buf_fini(&o->lines);
}
