/* SPDX-License-Identifier: ISC */
/*
 * The table of verbs, and the help that is printed from it. To add one: a row
 * here, its handler, and its line in jobctl(1).
 */
#include "config.h"

#include "jobctl/verbs.h"

#include <stdio.h>
#include <string.h>

#include "jobctl/text.h"

#define SUBMITTING "Submitting"
#define LOOKING	   "Looking"
#define CONTROL	   "Controlling"
#define INSIDE	   "From inside a job"
#define DAEMON	   "The daemon"

#define G_BULK (OPTIONS_SELECT | OPTIONS_BULK)

static const char selecting[] =
    "Jobs are named by number (7), range (3-9), list (1,4), several of them, or selected by\n"
    "the options; then every job of yours is meant that matches and that the verb can do\n"
    "anything with. What is already so is done. More than ten at a terminal are asked for\n"
    "first.\n";

static const char times[] =
    "Times are local: 2026-11-21, '2026-11-21 14:30', 14:30, yesterday, 90min (that long\n"
    "ago), @EPOCH. A day means its first moment.\n";

static const struct verb verbs[] = {
	{ "submit", "add", SUBMITTING, "[OPTION...] [--] COMMAND [ARGUMENT...]",
	    "put a command into the queue",
	    "The options end where the command begins. It runs in the directory, with the\n"
	    "environment and the umask that you have now, and no shell is between.\n"
	    "With --wait it exits as run does.\n",
	    OPTIONS_SUBMIT | OPTIONS_PARSABLE, VERB_COMMAND, verb_submit },
	{ "run", "", SUBMITTING, "[OPTION...] [--] COMMAND [ARGUMENT...]",
	    "submit it, show its output, exit with its code",
	    "Ctrl-C cancels the job; a second one leaves at once. If jobctl or the connection\n"
	    "is lost in another way, the job goes on.\n"
	    "Exits with the job's code, 128 + signal, 124 when it timed out, 126 or 127 when it\n"
	    "could not be started, 125 when jobctl or jobd failed.\n",
	    OPTIONS_SUBMIT, VERB_COMMAND | VERB_JOB_CODES, verb_run },
	{ "list", "ls", LOOKING, "[OPTION...] [ID...]", "show jobs (also: jobctl alone)",
	    "Without a selection: every job that has not ended, then those that ended last,\n"
	    "until there are 50 lines (--limit). With one: what matches, the newest first; at a\n"
	    "terminal 50 of them, in a pipe and with --sort all. --limit says otherwise.\n"
	    "Columns for --sort: id state priority queue name progress elapsed user reason\n"
	    "project submitted started ended cpu rss.\n",
	    OPTIONS_SELECT | OPTIONS_LIST | OPTIONS_JSON, 0, verb_list },
	{ "status", "show", LOOKING, "[-f] [--json] ID...", "everything about a job", NULL,
	    OPTIONS_SELECT | OPTIONS_JSON | OPTIONS_STATUS, 0, verb_status },
	{ "log", "logs cat", LOOKING, "[-f] [-n N] [--attempt N] ID", "show what a job wrote",
	    "The bytes come as they are.\n", OPTIONS_LOG, 0, verb_log },
	{ "wait", "", LOOKING, "[OPTION...] ID...", "wait for the end of jobs",
	    "At a terminal it shows how far they are. Ctrl-C leaves, and the jobs go on.\n"
	    "Exits as run does; of several jobs, with the first code that is not 0.\n",
	    OPTIONS_SELECT, VERB_JOB_CODES, verb_wait },
	{ "hold", "", CONTROL, "[OPTION...] ID...", "keep queued jobs from starting", selecting,
	    G_BULK, 0, verb_control },
	{ "release", "", CONTROL, "[OPTION...] ID...", "let held jobs start", selecting, G_BULK, 0,
	    verb_control },
	{ "pause", "suspend", CONTROL, "[OPTION...] ID...", "stop running jobs where they are",
	    selecting, G_BULK, 0, verb_control },
	{ "resume", "cont", CONTROL, "[OPTION...] ID...", "let paused jobs go on", selecting, G_BULK,
	    0, verb_control },
	{ "cancel", "kill", CONTROL, "[--now] [--wait] [OPTION...] ID...",
	    "end jobs: SIGTERM, later SIGKILL", selecting, G_BULK | OPTIONS_CANCEL, 0,
	    verb_control },
	{ "signal", "", CONTROL, "[--all] [OPTION...] ID... SIGNAL", "send a running job a signal",
	    selecting, G_BULK | OPTIONS_SIGNAL, 0, verb_control },
	{ "retry", "requeue", CONTROL, "[OPTION...] ID...", "queue failed or cancelled jobs anew",
	    selecting, G_BULK, 0, verb_control },
	{ "priority", "", CONTROL, "[OPTION...] ID... N", "1 (first) to 10 (last), high normal low",
	    selecting, G_BULK, 0, verb_control },
	{ "delete", "rm", CONTROL, "[OPTION...] ID...", "forget jobs that have ended, and their logs",
	    selecting, G_BULK, 0, verb_control },
	{ "report", "", INSIDE, "[OPTION...] [TEXT]", "tell how far the job is",
	    "Works where jobd set $NOTIFY_SOCKET. A report that can't be delivered at the moment\n"
	    "is no failure: the work is not to die of it.\n",
	    OPTIONS_REPORT, VERB_NO_DAEMON, verb_report },
	{ "audit", "", DAEMON, "[OPTION...] [ID...]", "who did what, and what happened", times,
	    OPTIONS_AUDIT | OPTIONS_JSON, 0, verb_audit },
	{ "health", "", DAEMON, "[--json]", "how the daemon is; exits with 1 if not well", NULL,
	    OPTIONS_JSON, 0, verb_health },
	{ "reload", "", DAEMON, "", "read the configuration again", NULL, 0, 0, verb_reload },
	{ "daemon-reexec", "", DAEMON, "", "put an upgraded jobd in charge; nothing stops for it",
	    "Executes the program that lies now where jobd was started from, in the daemon's place.\n"
	    "It is tried first; one that is not fit is refused, and the old one goes on. Running jobs,\n"
	    "the socket and all connections stay.\n", 0, 0, verb_daemon_reexec },
	{ "shutdown", "", DAEMON, "[--on-stop WHAT] [--force]", "stop the daemon; running jobs go on",
	    "Returns when it has stopped. The next jobd takes the running jobs up again, and paused\n"
	    "ones stay paused; unless its configuration (on_stop) or the option says otherwise:\n"
	    "pause has the running jobs paused until the next start, cancel has them ended.\n",
	    OPTIONS_SHUTDOWN, 0, verb_shutdown },
	{ "help", "", DAEMON, "[VERB]", "this, or about a verb", NULL, 0, VERB_NO_DAEMON, NULL },
};
#define VERBS (sizeof verbs / sizeof verbs[0])

static bool is_alias(const struct verb *v, const char *word)
{
	size_t len = strlen(word);
	for (const char *p = v->aliases; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (strcspn(p, " ") == len && strncmp(p, word, len) == 0)
			return true;
	return false;
}

const struct verb *verbs_find(const char *word)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, word) == 0 || is_alias(&verbs[i], word))
			return &verbs[i];
	return NULL;
}

const char *verbs_nearest(const char *word)
{
	unsigned best = 3; /* further away it is a guess */
	const char *name = NULL;

	for (size_t i = 0; i < VERBS; i++) {
		unsigned d = text_distance(word, verbs[i].name);
		/* A beginning of the name is near, however much is missing. */
		if (strlen(word) >= 2 && strncmp(verbs[i].name, word, strlen(word)) == 0)
			d = 1;
		if (d < best) {
			best = d;
			name = verbs[i].name;
		}
	}
	return name;
}

void verbs_help(FILE *out)
{
	const char *group = "";

	fputs("Usage: jobctl [OPTION...] [VERB] [OPTION...] [ARGUMENT...]\n"
	      "Runs commands in the background, under the care of jobd. Without a verb: list.\n",
	    out);
	for (size_t i = 0; i < VERBS; i++) {
		const struct verb *v = &verbs[i];
		if (strcmp(group, v->group) != 0)
			fprintf(out, "\n%s:\n", v->group);
		group = v->group;
		char name[64];
		size_t len = (size_t)snprintf(name, sizeof name, "%s", v->name);
		for (const char *p = v->aliases; *p && len < sizeof name;
		    p += strcspn(p, " "), p += strspn(p, " "))
			len += (size_t)snprintf(name + len, sizeof name - len, ", %.*s",
			    (int)strcspn(p, " "), p);
		fprintf(out, "  %-22s %s\n", name, v->help);
	}
	fputs("\nOptions, with every verb (its own: jobctl VERB --help):\n", out);
	options_help(out, OPTIONS_GLOBAL);
	fputs("\nExit codes: 0 done, or so already; 1 some of several failed; 2 usage; 3 wrong state;\n"
	      "4 no such job; 5 not permitted; 7 no daemon. run, wait, submit --wait: the job's own.\n"
	      "See jobctl(1).\n",
	    out);
}

void verbs_help_one(FILE *out, const struct verb *v)
{
	fprintf(out, "Usage: jobctl %s%s%s\n%c%s.\n", v->name, *v->synopsis ? " " : "", v->synopsis,
	    v->help[0] - ('a' <= v->help[0] && v->help[0] <= 'z' ? 'a' - 'A' : 0), v->help + 1);
	if (*v->aliases)
		fprintf(out, "Also: %s\n", v->aliases);
	if (v->more)
		fprintf(out, "\n%s", v->more);
	if ((v->options & OPTIONS_SELECT) && v->more != times)
		fprintf(out, "\n%s", times);
	if (v->options) {
		fputs("\nOptions:\n", out);
		options_help(out, v->options);
	}
	fputs("\nWith every verb:\n", out);
	options_help(out, OPTIONS_GLOBAL);
}
