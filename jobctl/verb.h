/* SPDX-License-Identifier: ISC */
/* The verbs: a table row each, and what a handler is given. */
#ifndef JOBCTL_VERB_H
#define JOBCTL_VERB_H

#include <stdint.h>

#include "jobctl/client.h"
#include "jobctl/code.h"
#include "jobctl/options.h"
#include "jobctl/screen.h"

/* One run of jobctl. */
struct ctl {
	const struct options *o;
	const struct verb *verb;
	char **words; /* after the verb, NULL-terminated */
	int nwords;
	bool separated; /* "--" stood before them, or among them */
	int before;	/* how many of them before that "--" */
	bool quieted;	/* "-q" stood directly before the first, which begins a command */
	struct client client;
	struct screen out, err;
};

enum verb_flags {
	VERB_COMMAND = 1,   /* its words are a command */
	VERB_JOB_CODES = 2, /* exits with the job's code, and with 125 for its own failures */
	VERB_NO_DAEMON = 4, /* speaks to no daemon */
	VERB_NAMED_COMMAND = 8, /* its second word begins a command */
};

struct verb {
	const char *name;    /* one word, or two: then the first is that of a family */
	const char *aliases; /* of the last word; separated by spaces; "" for none */
	const char *group;   /* its heading in the help */
	const char *synopsis;
	const char *help; /* one line */
	const char *more; /* for its own help; may be NULL */
	unsigned options; /* enum option_group */
	unsigned flags;
	int (*run)(struct ctl *c); /* returns the exit code */
};

/* verbs-follow.c */
int verb_submit(struct ctl *c);
int verb_run(struct ctl *c);
int verb_log(struct ctl *c);
int verb_wait(struct ctl *c);
/* verbs-list.c, verbs-status.c */
int verb_list(struct ctl *c);
int verb_status(struct ctl *c);
/* verbs-control.c */
int verb_control(struct ctl *c);
/* verbs-why.c, verbs-edit.c */
int verb_why(struct ctl *c);
int verb_edit(struct ctl *c);
/* verbs-queue.c, verbs-queue-set.c */
int verb_queue_list(struct ctl *c);
int verb_queue_show(struct ctl *c);
int verb_queue_set(struct ctl *c);
int verb_queue_reset(struct ctl *c);
int verb_queue_state(struct ctl *c);
/* verbs-template.c */
int verb_template_list(struct ctl *c);
int verb_template_show(struct ctl *c);
int verb_template_set(struct ctl *c);
int verb_template_delete(struct ctl *c);
/* report.c */
int verb_report(struct ctl *c);
/* verbs-audit.c, verbs-daemon.c */
int verb_audit(struct ctl *c);
int verb_health(struct ctl *c);
int verb_reload(struct ctl *c);
int verb_daemon_reexec(struct ctl *c);
int verb_shutdown(struct ctl *c);

/* Says what is wrong with the command line, and where to read on. Returns CODE_USAGE. */
int verb_usage(const struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * The same where a word is wrong in a way that the synopsis would not help with. Returns
 * CODE_USAGE.
 */
int verb_wrong(const struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The exit code for a failure of jobctl's own: 125 where a job's code is expected, else code.
 * v may be NULL. */
int verb_failure(const struct verb *v, const struct options *o, int code);

/* A line for people on standard output, unless --quiet: made harmless. */
void verb_say(const struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts what --meta says into object. CODE_DONE, or CODE_USAGE, said. */
enum code verb_meta(const struct ctl *c, json_t *object);

/* Reads a whole number from text: least to most. False after saying what is wrong. */
bool verb_number(
    const struct ctl *c, const char *what, const char *text, long long least, long long most,
    long long *out);

#endif
