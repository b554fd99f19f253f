/* SPDX-License-Identifier: ISC */
/* health, reload, daemon-reexec, shutdown: the daemon itself. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "jobctl/fault.h"
#include "jobctl/force.h"
#include "jobctl/job.h"
#include "jobctl/listing.h"
#include "jobctl/sheet.h"
#include "jobctl/verb.h"
#include "jobctl/when.h"
#include "lib/clock.h"
#include "lib/duration.h"
#include "lib/on-stop.h"

#define LABELS	 14
#define STOP_MS	 60000 /* on top of what it says that it needs */
#define FORCE_MS 10000 /* who does not answer for so long is not waited for by --force */

static bool takes_no_words(const struct ctl *c)
{
	if (c->nwords == 0)
		return true;
	verb_usage(c, "it takes no '%s'", c->words[0]);
	return false;
}

/* "1 job", "2 jobs". */
static void things(struct sheet *p, const char *label, int64_t n, const char *thing, const char *many)
{
	sheet_printf(p, label, "%" PRId64 " %s", n, n == 1 ? thing : many);
}

static void running_since(struct sheet *p, const json_t *h)
{
	char when[32], span[32];
	uint64_t now = clock_real_us(), since = (uint64_t)job_int(h, "started_at_us", 0);
	when_print(since, when, sizeof when);
	duration_print(now > since ? now - since : 0, span, sizeof span);
	sheet_printf(p, "since", "%s (%s)", when, span);
}

static void jobs(struct sheet *p, const json_t *h)
{
	json_t *counts = json_object_get(h, "jobs");
	const struct job_state_info *s;
	struct buf line = BUF_INIT;

	for (size_t i = 0; (s = job_state_at(i)) != NULL; i++)
		buf_printf(&line, "%s%" PRId64 " %s", i ? ", " : "", job_int(counts, s->name, 0),
		    s->name);
	sheet_buf(p, "jobs", &line);
}

/* Those that were met; where none was there is nothing to say. */
static void limits_met(struct sheet *p, const json_t *h)
{
	const char *name;
	json_t *count;
	struct buf line = BUF_INIT;

	json_object_foreach(json_object_get(h, "limits_met"), name, count) {
		if (json_integer_value(count) > 0)
			buf_printf(&line, "%s%s %lld time%s", line.len ? ", " : "", name,
			    (long long)json_integer_value(count), json_integer_value(count) == 1 ? "" : "s");
	}
	sheet_buf(p, "limits met", &line);
}

static void describe(const struct ctl *c, const json_t *h, struct sheet *p)
{
	const char *status = job_text_or(h, "status", "?");
	size_t i;
	json_t *problem, *problems = json_object_get(h, "problems");

	sheet_label(p, "status");
	screen_paint(
	    p->screen, &p->out, strcmp(status, "ok") == 0 ? COLOUR_GREEN : COLOUR_RED, status);
	buf_puts(&p->out, "\n");
	json_array_foreach(problems, i, problem) {
		sheet_line(p, "problem", json_string_value(problem));
	}
	sheet_line(p, "version", job_text(h, "version"));
	sheet_line(p, "socket", c->client.path);
	sheet_printf(p, "pid", "%" PRId64, job_int(h, "pid", 0));
	sheet_printf(p, "uid", "%" PRId64, job_int(h, "uid", 0));
	running_since(p, h);
	jobs(p, h);
	things(p, "at once", job_int(h, "max_running", 0), "job", "jobs");
	if (job_int(h, "user_max_running", 0) > 0)
		things(p, "of a user", job_int(h, "user_max_running", 0), "job", "jobs");
	things(p, "journal", job_int(h, "journal", 0), "entry", "entries");
	sheet_printf(p, "free disk", "%" PRId64 " MB", job_int(h, "free_mb", 0));
	sheet_printf(p, "memory", "%" PRId64 " kB", job_int(h, "rss_kb", 0));
	sheet_line(p, "processes", job_text(h, "tree"));
	if (job_int(h, "silent_keepers", 0) > 0)
		things(p, "silent", job_int(h, "silent_keepers", 0), "keeper", "keepers");
	if (job_int(h, "dropped_log_lines", 0) > 0)
		things(p, "dropped", job_int(h, "dropped_log_lines", 0), "log line", "log lines");
	sheet_printf(p, "connections", "%" PRId64, job_int(h, "connections", 0));
	limits_met(p, h);
	sheet_line(p, "instance", job_text(h, "instance"));
}

int verb_health(struct ctl *c)
{
	json_t *h;
	struct sheet p;

	if (!takes_no_words(c))
		return CODE_USAGE;
	enum code code =
	    client_ask(&c->client, "ask how it is", "org.jobd.Monitor.Health", json_object(), &h);
	if (code != CODE_DONE)
		return code;
	bool well = strcmp(job_text_or(h, "status", ""), "ok") == 0;
	if (c->o->json) {
		listing_json(&c->out, h);
	} else if (!c->o->quiet) {
		sheet_init(&p, &c->out);
		p.labels = LABELS;
		describe(c, h, &p);
		sheet_end(&p);
	}
	json_decref(h);
	return well ? CODE_DONE : CODE_SOME;
}

int verb_reload(struct ctl *c)
{
	json_t *reply, *warning;
	size_t i;

	if (!takes_no_words(c))
		return CODE_USAGE;
	enum code code = client_ask(&c->client, "read the configuration again",
	    "org.jobd.Daemon.Reload", json_object(), &reply);
	if (code == CODE_DONE)
		verb_say(c, "the configuration was read again");
	json_array_foreach(json_object_get(reply, "warnings"), i, warning) {
		complain("warning: %s", json_string_value(warning));
	}
	json_decref(reply);
	return code;
}

int verb_daemon_reexec(struct ctl *c)
{
	struct answer a = { 0 };

	if (!takes_no_words(c))
		return CODE_USAGE;
	/* Not repeated: where the connection breaks, the new one did not take over as it should. */
	enum code code =
	    client_call(&c->client, "org.jobd.Daemon.Reexec", json_object(), false, &a);
	if (code == CODE_DONE && a.error) {
		fault_say("put another jobd in charge", &a);
		code = fault_code(a.error);
	} else if (code == CODE_DONE) {
		verb_say(c, "jobd %s is in charge, in the place of %s", job_text_or(a.params, "version", "?"),
		    job_text_or(a.params, "from", "?"));
	}
	answer_fini(&a);
	return code;
}

/* What it does first, where it takes its time. */
static void say_stopping(const struct ctl *c, const json_t *reply)
{
	int64_t left = job_int(reply, "jobs", 0), ms = job_int(reply, "within_ms", 0);
	const char *how = job_text_or(reply, "on_stop", "");

	if (left == 0)
		return;
	verb_say(c, "%" PRId64 " job%s %s first, which takes %" PRId64 " s at most", left,
	    left == 1 ? " is" : "s are", strcmp(how, "cancel") == 0 ? "cancelled" : "paused",
	    (ms + 999) / 1000);
	fflush(stdout); /* whoever reads it from a pipe waits as well */
}

/* The connection ends with the daemon: only then it has stopped. */
static bool gone(struct client *c, int64_t within_ms)
{
	json_t *params;
	const char *error;
	bool continues;
	int wait_ms = within_ms < INT_MAX - STOP_MS ? (int)within_ms + STOP_MS : INT_MAX;
	int rc = varlink_client_receive(c->conn, wait_ms, &params, &error, &continues);
	if (rc == 0)
		json_decref(params);
	return rc != 0 && rc != -EAGAIN;
}

static json_t *stop_params(const struct ctl *c)
{
	json_t *p = json_object();
	if (p && c->o->on_stop)
		json_object_set_new(p, "on_stop", json_string(c->o->on_stop));
	return p;
}

/* Kills a daemon that does not answer. code is what was found before, where there is none. */
static enum code force(const struct ctl *c, enum code code)
{
	pid_t pid;
	int rc = force_kill(c->client.path, &pid);

	if (rc == -ENOENT || rc == -ECONNREFUSED)
		return code;
	if (rc == 0) {
		verb_say(c, "jobd, process %ld, was killed; its jobs go on", (long)pid);
		return CODE_DONE;
	}
	complain("jobd at %s can't be killed: %s", c->client.path, strerror(-rc));
	return rc == -EPERM || rc == -EACCES ? CODE_DENIED : CODE_SOME;
}

static enum code ask_to_stop(struct ctl *c, bool *hangs)
{
	struct answer a = { 0 };
	/* Not repeated: a connection that breaks under it is what was asked for. */
	enum code code =
	    client_call(&c->client, "org.jobd.Daemon.Stop", stop_params(c), false, &a);
	int64_t within_ms = job_int(a.params, "within_ms", 0);

	*hangs = code == CODE_UNREACHABLE;
	if (code == CODE_DONE && a.error) {
		fault_say("stop jobd", &a);
		code = fault_code(a.error);
	} else if (code == CODE_DONE) {
		say_stopping(c, a.params);
		*hangs = !gone(&c->client, within_ms);
		if (*hangs) {
			complain("jobd has not stopped within %" PRId64 " s", (within_ms + STOP_MS) / 1000);
			code = CODE_SOME;
		} else {
			verb_say(c, "jobd has stopped");
		}
	}
	answer_fini(&a);
	return code;
}

int verb_shutdown(struct ctl *c)
{
	bool hangs;

	if (!takes_no_words(c))
		return CODE_USAGE;
	if (c->o->on_stop && !on_stop_parse(c->o->on_stop))
		return verb_usage(c, "--on-stop is keep, pause or cancel, not '%s'", c->o->on_stop);
	if (c->o->force)
		c->client.timeout_ms = FORCE_MS;
	enum code code = ask_to_stop(c, &hangs);
	return c->o->force && hangs ? force(c, code) : code;
}
