/* SPDX-License-Identifier: ISC */
/*
 * The table of verbs, and the help that is printed from it. To add one: a row
 * here, its handler, and its line in jobctl(1).
 */
#include "config.h"

#include "jobctl/verbs.h"

#include <stdio.h>
#include <string.h>

#include "lib/nearest.h"
#include "lib/priority.h"
#include "lib/rules.h"

#define SUBMITTING "Submitting"
#define LOOKING	   "Looking"
#define CONTROL	   "Controlling"
#define INSIDE	   "From inside a job"
#define QUEUES	   "Queues"
#define TEMPLATES  "Templates"
#define DAEMON	   "The daemon"

#define HELP_WIDTH 95

#define G_BULK (OPTIONS_SELECT | OPTIONS_BULK)

static const char selecting[] =
    "Jobs are named by number (7), range (3-9), list (1,4), several of them, or selected by\n"
    "the options; then every job of yours is meant that matches and that the verb can do\n"
    "anything with. What is already so is done. More than ten at a terminal are asked for\n"
    "first.\n";

static const char times[] =
    "Times are local: 2026-11-21, '2026-11-21 14:30', 14:30, yesterday, 90min (that long\n"
    "ago), @EPOCH. A day means its first moment.\n";

/* After a paragraph with the KEYs' names, which rules.h has. */
static const char queue_keys[] =
    "They stay so over restarts, until they are reset. A lower max_running ends and pauses nothing\n"
    "that runs, and 0 is no limit: what stops a queue is queue pause, or queue drain.\n";

static const char ahead[] =
    "TIMEs to come are local: 14:30 or 4pm (the next one), noon, midnight, 'tomorrow 6:00',\n"
    "monday, 2026-12-01, '2026-12-01 14:30', 'dec 24', 'now + 2 hours', +2h, @EPOCH. A day means its\n"
    "first moment. DURATIONs: 90s, 10min, 2h, 1h30min, 2d.\n";

static const struct verb verbs[] = {
	{ "submit", "add", SUBMITTING, "[OPTION...] [--] COMMAND [ARGUMENT...]",
	    "put a command into the queue",
	    "The options end where the command begins. It runs in the directory, with the\n"
	    "environment and the umask that you have now, and no shell is between.\n"
	    "With --template NAME the words are its parameters (date=2026-11-21), and nothing of your\n"
	    "surroundings goes along but what --chdir, --env and --umask say.\n"
	    "With --plan FILE there are none: each line of it is a job as a JSON object, with the fields\n"
	    "of the protocol's NewJob, and at and deadline, as the options take them. In \"after\" a string is\n"
	    "the name of another line, a number a job:\n"
	    "{\"name\":\"b\", \"command\":[\"./b\"], \"after\":[\"a\", {\"name\":\"c\",\"on\":\"any\"}, 12]}\n"
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
	    "Without a selection: every job that runs, or waits, then those that ended last,\n"
	    "until there are 50 lines; at a terminal a screenful. With one: what matches, the newest\n"
	    "first; at a terminal 50 of them, in a pipe and with --sort all. --limit says otherwise.\n"
	    "Columns for --sort: id state priority queue name progress elapsed user reason\n"
	    "project pid attempt submitted start started ended cpu rss command.\n",
	    OPTIONS_SELECT | OPTIONS_LIST | OPTIONS_JSON, 0, verb_list },
	{ "status", "show", LOOKING, "[-f] [--json] ID...", "everything about a job", NULL,
	    OPTIONS_SELECT | OPTIONS_JSON | OPTIONS_STATUS, 0, verb_status },
	{ "log", "logs cat", LOOKING, "[-f] [-n N] [--attempt N] ID", "show what a job wrote",
	    "The bytes come as they are.\n", OPTIONS_LOG, 0, verb_log },
	{ "wait", "", LOOKING, "[OPTION...] ID...", "wait for the end of jobs",
	    "At a terminal it shows how far they are. Ctrl-C leaves, and the jobs go on.\n"
	    "Exits as run does; of several jobs, with the first code that is not 0.\n"
	    "Of a selection those count that have not ended yet, and one's own that have where\n"
	    "it has a number, --since, --until, --batch or --state. What ends at once is not\n"
	    "missed by who collects the numbers (submit --parsable) and waits for these.\n",
	    OPTIONS_SELECT | OPTIONS_WAIT, VERB_JOB_CODES, verb_wait },
	{ "why", "", LOOKING, "[--json] ID...", "what a job waits for, and what can be done",
	    NULL, OPTIONS_SELECT | OPTIONS_JSON, 0, verb_why },
	{ "hold", "", CONTROL, "[OPTION...] ID...", "keep queued jobs from starting", selecting,
	    G_BULK, 0, verb_control },
	{ "release", "", CONTROL, "[OPTION...] ID...", "let held jobs start", selecting, G_BULK, 0,
	    verb_control },
	{ "pause", "suspend", CONTROL, "[OPTION...] ID...", "stop running jobs where they are",
	    selecting, G_BULK | OPTIONS_PAUSE, 0, verb_control },
	{ "resume", "cont", CONTROL, "[OPTION...] ID...", "let paused jobs go on", selecting,
	    G_BULK | OPTIONS_RESUME, 0, verb_control },
	{ "cancel", "kill", CONTROL, "[--now] [--wait] [OPTION...] ID...",
	    "end jobs: SIGTERM, later SIGKILL", selecting, G_BULK | OPTIONS_CANCEL, 0,
	    verb_control },
	{ "signal", "", CONTROL, "[--all] [OPTION...] ID... SIGNAL", "send a running or paused job a signal",
	    selecting, G_BULK | OPTIONS_SIGNAL, 0, verb_control },
	{ "retry", "requeue", CONTROL, "[OPTION...] ID...", "queue failed or cancelled jobs anew",
	    selecting, G_BULK, 0, verb_control },
	{ "priority", "", CONTROL, "[OPTION...] ID... N", PRIORITY_RANGE ", high normal low",
	    selecting, G_BULK, 0, verb_control },
	{ "edit", "", CONTROL, "ID [OPTION...] [-- COMMAND [ARGUMENT...]]",
	    "change a queued or held job",
	    "What is given is changed, and nothing else. --after replaces all that it waits for, and --env\n"
	    "sets variables in the environment that it has. With nothing but its number, at a terminal, it\n"
	    "opens $VISUAL or $EDITOR.\n",
	    OPTIONS_EDIT, VERB_NAMED_COMMAND, verb_edit },
	{ "delete", "rm", CONTROL, "[OPTION...] ID...", "forget jobs that have ended, and their logs",
	    selecting, G_BULK, 0, verb_control },
	{ "queue list", "ls", QUEUES, "[--json]", "the queues, and how they do (also: queue alone)",
	    NULL, OPTIONS_JSON, 0, verb_queue_list },
	{ "queue show", "status", QUEUES, "[--json] NAME...",
	    "everything about a queue; each value, and where it is from", NULL, OPTIONS_JSON, 0,
	    verb_queue_show },
	{ "queue set", "", QUEUES, "NAME KEY=VALUE...", "change a queue while it runs", queue_keys, 0,
	    0, verb_queue_set },
	{ "queue reset", "", QUEUES, "NAME [KEY...]", "what jobd.conf says holds again",
	    "Without a KEY, of all that was set. One queue at a time.\n", 0, 0, verb_queue_reset },
	{ "queue pause", "", QUEUES, "NAME...", "start no more of it, and pause what runs", NULL, 0, 0,
	    verb_queue_state },
	{ "queue resume", "", QUEUES, "NAME...", "start again, and resume what that paused", NULL, 0,
	    0, verb_queue_state },
	{ "queue drain", "", QUEUES, "[--wait] NAME...", "start no more of it, let end what runs", NULL,
	    OPTIONS_DRAIN, 0, verb_queue_state },
	{ "template list", "ls", TEMPLATES, "[--json]", "the templates (also: template alone)", NULL,
	    OPTIONS_JSON, 0, verb_template_list },
	{ "template show", "", TEMPLATES, "[--json] NAME...", "everything about a template", NULL,
	    OPTIONS_JSON, 0, verb_template_show },
	{ "template set", "", TEMPLATES, "NAME [OPTION...] [--] COMMAND [ARGUMENT...]",
	    "make a template, or replace it",
	    "{NAME} in an argument, --chdir, --name, --project or a value of --env is replaced by what a\n"
	    "submission says; an argument stays one argument. {{ and }} are the braces.\n",
	    OPTIONS_TEMPLATE, VERB_NAMED_COMMAND, verb_template_set },
	{ "template delete", "rm", TEMPLATES, "NAME...", "forget what template set made", NULL, 0, 0,
	    verb_template_delete },
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

/* How long the word is that a verb has in common with its family; 0: it has no family. */
static size_t family_of(const struct verb *v)
{
	const char *space = strchr(v->name, ' ');
	return space ? (size_t)(space - v->name) : 0;
}

/* The word by which the verb is told from the others of its family. */
static const char *own_word(const struct verb *v)
{
	size_t len = family_of(v);
	return len ? v->name + len + 1 : v->name;
}

static bool is_of(const struct verb *v, const char *family)
{
	size_t len = family_of(v);
	return len && strlen(family) == len && strncmp(v->name, family, len) == 0;
}

static bool is_alias(const struct verb *v, const char *word)
{
	size_t len = strlen(word);
	for (const char *p = v->aliases; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (strcspn(p, " ") == len && strncmp(p, word, len) == 0)
			return true;
	return false;
}

bool verbs_family(const char *word)
{
	for (size_t i = 0; i < VERBS; i++)
		if (is_of(&verbs[i], word))
			return true;
	return false;
}

const struct verb *verbs_at(const char *family, size_t i)
{
	for (size_t k = 0; k < VERBS; k++)
		if ((!family || is_of(&verbs[k], family)) && i-- == 0)
			return &verbs[k];
	return NULL;
}

const struct verb *verbs_find(const char *first, const char *second)
{
	for (size_t i = 0; i < VERBS; i++) {
		const struct verb *v = &verbs[i];
		bool own = is_of(v, first);
		const char *word = own ? second : family_of(v) ? NULL : first;
		if (own && !second)
			return v;
		if (word && (strcmp(own_word(v), word) == 0 || is_alias(v, word)))
			return v;
	}
	return NULL;
}

/* The nearest of a family's own words; of those without one, and of the families', where it is NULL. */
static const char *nearest(const char *family, const char *word)
{
	struct nearest near = NEAREST(word);
	const char *name = NULL;
	char have[32];

	for (size_t i = 0; i < VERBS; i++) {
		size_t len = family_of(&verbs[i]);
		if (family && !is_of(&verbs[i], family))
			continue;
		snprintf(have, sizeof have, "%.*s", family || !len ? (int)sizeof have : (int)len,
		    family ? own_word(&verbs[i]) : verbs[i].name);
		/* A beginning of the name is near, however much is missing. */
		if (strlen(word) >= 2 && strncmp(have, word, strlen(word)) == 0)
			return verbs[i].name;
		if (nearest_try(&near, have))
			name = verbs[i].name;
	}
	return name;
}

const char *verbs_nearest(const char *word)
{
	return nearest(NULL, word);
}

const char *verbs_nearest_of(const char *family, const char *word)
{
	return nearest(family, word);
}

/* "queue list, ls": its name and its aliases. */
static void names(const struct verb *v, char *out, size_t size)
{
	size_t len = (size_t)snprintf(out, size, "%s", v->name);
	for (const char *p = v->aliases; *p && len < size; p += strcspn(p, " "), p += strspn(p, " "))
		len += (size_t)snprintf(out + len, size - len, ", %.*s", (int)strcspn(p, " "), p);
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
		names(v, name, sizeof name);
		fprintf(out, "  %-22s %s\n", name, v->help);
	}
	fputs("\nOptions, with every verb (its own: jobctl VERB --help):\n", out);
	options_help(out, OPTIONS_GLOBAL);
	fputs("\nExit codes: 0 done, or so already; 1 some of several failed; 2 usage; 3 wrong state;\n"
	      "4 no such job, queue or template; 5 not permitted; 7 no daemon. run, wait, submit --wait: the\n"
	      "job's own. See jobctl(1).\n",
	    out);
}

/* "KEYs are those of jobd.conf(5): max_running ..." */
static void help_keys(FILE *out)
{
	int column = fprintf(out, "\nKEYs are those of jobd.conf(5):");

	for (int i = 0; i < RULES; i++) {
		const char *name = rule_name((enum rule)i);
		bool fits = column + 1 + (int)strlen(name) <= HELP_WIDTH;
		column = (fits ? column : 0) + fprintf(out, "%c%s", fits ? ' ' : '\n', name);
	}
	fputs(".\n", out);
}

void verbs_help_one(FILE *out, const struct verb *v)
{
	fprintf(out, "Usage: jobctl %s%s%s\n%c%s.\n", v->name, *v->synopsis ? " " : "", v->synopsis,
	    v->help[0] - ('a' <= v->help[0] && v->help[0] <= 'z' ? 'a' - 'A' : 0), v->help + 1);
	if (*v->aliases)
		fprintf(out, "Also: %s\n", v->aliases);
	if (v->more == queue_keys)
		help_keys(out);
	if (v->more)
		fprintf(out, "\n%s", v->more);
	if ((v->options & OPTIONS_SELECT) && v->more != times)
		fprintf(out, "\n%s", times);
	if (v->options & (OPTIONS_SUBMIT | OPTIONS_EDIT))
		fprintf(out, "\n%s", ahead);
	if (v->options) {
		fputs("\nOptions:\n", out);
		options_help(out, v->options);
	}
	fputs("\nWith every verb:\n", out);
	options_help(out, OPTIONS_GLOBAL);
}

void verbs_help_family(FILE *out, const char *family)
{
	unsigned options = 0;

	fprintf(out, "Usage: jobctl %s VERB [OPTION...] [ARGUMENT...]\n\n", family);
	for (size_t i = 0; i < VERBS; i++) {
		char name[64];
		if (!is_of(&verbs[i], family))
			continue;
		names(&verbs[i], name, sizeof name);
		fprintf(out, "  %-22s %s\n", name, verbs[i].help);
		options |= verbs[i].options;
	}
	fprintf(out, "\nOptions (which verb takes which: jobctl %s VERB --help):\n", family);
	options_help(out, options);
	fputs("\nWith every verb:\n", out);
	options_help(out, OPTIONS_GLOBAL);
}
