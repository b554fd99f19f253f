/* SPDX-License-Identifier: ISC */
/*
 * The daemon's errors, as exit codes and as sentences: a row of the table below each, which the
 * interface files name. A sentence begins with what was tried, says what stood against it, and
 * where something helps, what to type. What an error brings along may be missing, as an older daemon
 * sends it; an error that is not listed is told by its name.
 */
#include "config.h"

#include "jobctl/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jobctl/job.h"
#include "jobctl/options.h"
#include "jobctl/screen.h"
#include "lib/nearest.h"

#define JOB	 "org.jobd.Job."
#define QUEUE	 "org.jobd.Queue."
#define TEMPLATE "org.jobd.Template."
#define VARLINK	 "org.varlink.service."
#define NOBODY	 65534 /* the kernel's overflow uid, too: of whom it can't tell */

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
	int64_t id = job_int(a->params, "id", 0);
	char number[24];

	/* Of what is done to a job the number is said already; of what names others it is not. */
	snprintf(number, sizeof number, " %" PRId64, id);
	if (id > 0 && !strstr(what, number))
		complain("cannot %s: there is no job %" PRId64, what, id);
	else
		complain("cannot %s: there is no such job", what);
}

static void say_exists(const char *what, const struct answer *a)
{
	int64_t id = job_int(a->params, "id", 0);
	bool alone = a->method && strcmp(a->method, JOB "Submit") == 0;

	/* Neither the line of a plan nor another attempt can be had as that job. */
	complain("cannot %s: job %" PRId64 " has the key '%s', and is %s ('jobctl wait %" PRId64
		 "' waits for its end%s)",
	    what, id, job_text_or(a->params, "unique", "?"), job_text_or(a->params, "state", "live"), id,
	    alone ? "; with --if-exists return it is the answer" : "");
}

static void say_cycle(const char *what, const struct answer *a)
{
	struct buf ids = BUF_INIT;
	size_t i;
	json_t *id;

	json_array_foreach(json_object_get(a->params, "ids"), i, id) {
		buf_printf(&ids, "%s%" JSON_INTEGER_FORMAT, i ? ", " : "", json_integer_value(id));
	}
	const char *text = buf_text(&ids);
	complain("cannot %s: it would wait for itself, since it is waited for by %s "
		 "(jobctl status shows what each waits for)",
	    what, *text ? text : "one of them");
	buf_fini(&ids);
}

/* There is no thing of that name: which ones there are. */
static void say_unknown(const char *what, const char *thing, const struct answer *a)
{
	const json_t *known = json_object_get(a->params, "known");
	const char *name = job_text_or(a->params, "name", "?");
	struct nearest near = NEAREST(name);
	struct buf list = BUF_INIT;
	size_t i;
	json_t *word;

	json_array_foreach(known, i, word) {
		const char *have = json_is_string(word) ? json_string_value(word) : "?";
		nearest_try(&near, have);
		buf_printf(&list, "%s%s", i ? ", " : "", have);
	}
	const char *text = buf_text(&list);
	if (near.name)
		complain("cannot %s: there is no %s '%s'; did you mean '%s'? (jobctl %s list)", what, thing,
		    name, near.name, thing);
	else if (*text)
		complain("cannot %s: there is no %s '%s'; there are: %s", what, thing, name, text);
	else
		complain("cannot %s: there is no %s '%s', nor any other", what, thing, name);
	buf_fini(&list);
}

static void say_unknown_queue(const char *what, const struct answer *a)
{
	const char *message = job_text(a->params, "message");

	if (message)
		complain("cannot %s: %s", what, message);
	else
		say_unknown(what, "queue", a);
}

static void say_unknown_template(const char *what, const struct answer *a)
{
	say_unknown(what, "template", a);
}

static void say_not_allowed(const char *what, const struct answer *a)
{
	const char *queue = job_text_or(a->params, "queue", "?");
	complain("cannot %s: not permitted: %s (jobctl queue show %s: submit_users, submit_groups)", what,
	    job_text_or(a->params, "message", "its queue is not for you"), queue);
}

/* Who may, by the method's "Access:" line in its interface file; what runs something takes the right to
 * submit besides. */
static const char *who_may(const char *method)
{
	static const struct {
		const char *access, *text;
	} rows[] = {
		{ "submit", "this jobd's configuration does not let you submit (submit_users, "
			    "submit_groups), or it is another user's own" },
		{ "owner", "only the owner, root and jobd's administrators may" },
		{ "admin", "only root and jobd's administrators may" },
		{ "any", "this jobd is another user's own" },
	};
	int i = method ? varlink_method_find(method) : -1;

	if (method && (strcmp(method, JOB "Retry") == 0 || strcmp(method, JOB "Edit") == 0))
		return "only the owner, if this jobd's configuration lets that one submit (submit_users, "
		       "submit_groups), root and jobd's administrators may";
	for (size_t k = 0; i >= 0 && k < sizeof rows / sizeof rows[0]; k++)
		if (strcmp(rows[k].access, varlink_methods[i].access) == 0)
			return rows[k].text;
	return "only root may";
}

static void say_denied(const char *what, const struct answer *a)
{
	if (geteuid() == NOBODY) {
		complain("cannot %s: not permitted; you are user nobody, who can't be told from others", what);
		return;
	}
	complain("cannot %s: not permitted; %s", what, who_may(a->method));
}

/* Whether the call's parameters come from the options of a job. */
static bool has_options(const char *method)
{
	return strcmp(method, JOB "Submit") == 0 || strcmp(method, JOB "Edit") == 0 ||
	       strcmp(method, TEMPLATE "Set") == 0;
}

/* How long the name of a parameter is that holds others, which can do without it; 0: it is none. */
static size_t whole(const char *parameter)
{
	static const char *const names[] = { "template", "values", "rules", "parameters" };
	size_t len = strcspn(parameter, ".");

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strlen(names[i]) == len && strncmp(parameter, names[i], len) == 0)
			return len;
	return 0;
}

/*
 * A parameter as people know it: the option that says it; of one of several jobs, whose line is said
 * already, the field. "" where the message says all.
 */
static void parameter_name(const char *parameter, const char *method, char *out, size_t size)
{
	const char *dot = strchr(parameter, '.'), *option = NULL;
	size_t len;

	*out = '\0';
	if (strncmp(parameter, "jobs[", 5) == 0 && dot)
		parameter = dot + 1;
	while ((len = whole(parameter)) > 0 && parameter[len] == '.')
		parameter += len + 1;
	bool set = method && strcmp(method, TEMPLATE "Set") == 0;
	/* What a template is called is said already. */
	if (method && strcmp(method, TEMPLATE "Delete") == 0)
		return;
	if (len && !(set && *parameter == 'p')) /* there, parameters is --param */
		return;
	snprintf(out, size, "%.*s", (int)strcspn(parameter, "["), parameter);
	if (method && strcmp(method, JOB "List") == 0)
		option = options_meant(out, OPTIONS_SELECT);
	/* A template's own name is none of its options. */
	if (method && has_options(method) && !(set && strcmp(out, "name") == 0))
		option = options_meant(out, OPTIONS_SUBMIT | OPTIONS_TEMPLATE);
	snprintf(out, size, "%s%s", option ? "--" : "", option ? option : parameter);
}

static void say_invalid(const char *what, const struct answer *a)
{
	const char *message = job_text(a->params, "message");
	char name[100];

	parameter_name(job_text_or(a->params, "parameter", "a parameter"), a->method, name,
	    sizeof name);
	complain("cannot %s: %s%s%s", what, name, *name && message ? ": " : "",
	    message ? message : " is not as it must be");
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
	{ JOB "NotAllowed", CODE_DENIED, say_invalid },
	{ JOB "Exists", CODE_STATE, say_exists },
	{ JOB "Cycle", CODE_STATE, say_cycle },
	{ QUEUE "NotFound", CODE_NOT_FOUND, say_unknown_queue },
	{ QUEUE "NotAllowed", CODE_DENIED, say_not_allowed },
	{ TEMPLATE "NotFound", CODE_NOT_FOUND, say_unknown_template },
	{ TEMPLATE "NotAllowed", CODE_DENIED, say_message },
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
