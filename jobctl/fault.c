/* SPDX-License-Identifier: ISC */
/* The daemon's errors, as exit codes and as sentences. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jobctl/client.h"
#include "jobctl/job.h"
#include "jobctl/screen.h"

#define JOB	"org.jobd.Job."
#define VARLINK "org.varlink.service."

static void say_wrong_state(const char *what, const struct answer *a)
{
	const char *can = job_text(a->params, "can");
	complain("cannot %s: it is %s%s%s", what, job_text_or(a->params, "state", "in another state"),
	    can && *can ? "; " : "", can ? can : "");
}

static void say_unstoppable(const char *what, const struct answer *a)
{
	complain("cannot %s: its process %" PRId64 " did not stop; the job runs on", what,
	    job_int(a->params, "pid", 0));
}

static void say_not_found(const char *what, const struct answer *a)
{
	(void)a;
	complain("cannot %s: there is no such job", what);
}

/* Who may, by the method's "Access:" line in its interface file. */
static const char *who_may(const char *method)
{
	static const struct {
		const char *access, *text;
	} rows[] = {
		{ "submit", "this jobd's configuration does not let you submit (submit_users, "
			    "submit_groups), or it is another user's own" },
		{ "owner", "only its owner, root and jobd's administrators may" },
		{ "admin", "only root and jobd's administrators may" },
		{ "any", "this jobd is another user's own, or you are user nobody, who can't be told from others" },
	};
	int i = method ? varlink_method_find(method) : -1;

	for (size_t k = 0; i >= 0 && k < sizeof rows / sizeof rows[0]; k++)
		if (strcmp(rows[k].access, varlink_methods[i].access) == 0)
			return rows[k].text;
	return "only root may";
}

static void say_denied(const char *what, const struct answer *a)
{
	complain("cannot %s: not permitted; %s", what, who_may(a->method));
}

static void say_invalid(const char *what, const struct answer *a)
{
	const char *message = job_text(a->params, "message");
	complain("cannot %s: %s%s%s", what, job_text_or(a->params, "parameter", "a parameter"),
	    message ? ": " : " is not as it must be", message ? message : "");
}

static void say_message(const char *what, const struct answer *a)
{
	complain("cannot %s: %s", what, job_text_or(a->params, "message", "it failed"));
}

static void say_low_disk(const char *what, const struct answer *a)
{
	complain("cannot %s: too little space on the disk: %" PRId64 " MB are free, %" PRId64
		 " MB are needed", what, job_int(a->params, "free_mb", 0), job_int(a->params, "needed_mb", 0));
}

static void say_messages(const struct answer *a)
{
	size_t i;
	json_t *line;
	json_array_foreach(json_object_get(a->params, "messages"), i, line) {
		complain("%s", json_is_string(line) ? json_string_value(line) : "?");
	}
}

static void say_configuration(const char *what, const struct answer *a)
{
	complain("cannot %s: the configuration has mistakes; the old one stays in force", what);
	say_messages(a);
}

static void say_reexec(const char *what, const struct answer *a)
{
	complain("cannot %s: it is not fit to take over; the old one goes on", what);
	say_messages(a);
}

static void say_unknown_method(const char *what, const struct answer *a)
{
	(void)a;
	complain("cannot %s: this jobd does not know how (is it older than jobctl?)", what);
}

static const struct {
	const char *error;
	enum code code;
	void (*say)(const char *what, const struct answer *a);
} faults[] = {
	{ JOB "NotFound", CODE_NOT_FOUND, say_not_found },
	{ JOB "WrongState", CODE_STATE, say_wrong_state },
	{ JOB "Unstoppable", CODE_SOME, say_unstoppable },
	{ JOB "Invalid", CODE_USAGE, say_invalid },
	{ JOB "LimitReached", CODE_SOME, say_message },
	{ JOB "LowDisk", CODE_SOME, say_low_disk },
	{ JOB "Failed", CODE_SOME, say_message },
	{ "org.jobd.Daemon.BadConfiguration", CODE_SOME, say_configuration },
	{ "org.jobd.Daemon.ReexecRefused", CODE_SOME, say_reexec },
	{ VARLINK "PermissionDenied", CODE_DENIED, say_denied },
	{ VARLINK "InvalidParameter", CODE_USAGE, say_invalid },
	{ VARLINK "MethodNotFound", CODE_SOME, say_unknown_method },
	{ VARLINK "MethodNotImplemented", CODE_SOME, say_unknown_method },
	{ VARLINK "InterfaceNotFound", CODE_SOME, say_unknown_method },
};

enum code fault_code(const char *error)
{
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		if (strcmp(faults[i].error, error) == 0)
			return faults[i].code;
	return CODE_SOME;
}

void fault_say(const char *what, const struct answer *a)
{
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		if (strcmp(faults[i].error, a->error) == 0) {
			faults[i].say(what, a);
			return;
		}
	}
	complain("cannot %s: jobd says %s", what, a->error);
}
