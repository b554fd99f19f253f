/* SPDX-License-Identifier: ISC */
/* Two tables of words. */
#include "config.h"

#include "jobctl/hints.h"

#include <stddef.h>
#include <string.h>

#define QUEUE	 "queue"
#define TEMPLATE "template"
#define DECLARED "queues are declared in jobd.conf: queue NAME { }, then 'jobctl reload'"

static const struct {
	const char *family, *word, *hint;
} verbs[] = {
	{ NULL, "top", "try 'jobctl list'" },
	{ NULL, "ps", "try 'jobctl list'" },
	{ NULL, "jobs", "try 'jobctl list'" },
	{ NULL, "squeue", "try 'jobctl list'" },
	{ NULL, "atq", "try 'jobctl list'" },
	{ NULL, "tail", "try 'jobctl log -f'" },
	{ NULL, "follow", "try 'jobctl log -f'" },
	{ NULL, "watch", "try 'jobctl status -f'" },
	{ NULL, "info", "try 'jobctl status'" },
	{ NULL, "describe", "try 'jobctl status'" },
	{ NULL, "output", "try 'jobctl log'" },
	{ NULL, "history", "try 'jobctl audit'" },
	{ NULL, "journal", "try 'jobctl audit'" },
	{ NULL, "events", "try 'jobctl audit'" },
	{ NULL, "version", "try 'jobctl --version'" },
	{ NULL, "is-active", "try 'jobctl status' or 'jobctl health'" },
	{ NULL, "stop", "try 'jobctl pause' or 'jobctl cancel'" },
	{ NULL, "start", "try 'jobctl release' or 'jobctl submit'" },
	{ NULL, "continue", "try 'jobctl resume'" },
	{ NULL, "unhold", "try 'jobctl release'" },
	{ NULL, "unpause", "try 'jobctl resume'" },
	{ NULL, "unsuspend", "try 'jobctl resume'" },
	{ NULL, "uncancel", "try 'jobctl retry'" },
	{ NULL, "restart", "try 'jobctl retry'" },
	{ NULL, "rerun", "try 'jobctl retry'" },
	{ NULL, "renice", "try 'jobctl priority'" },
	{ NULL, "nice", "try 'jobctl priority'" },
	{ NULL, "enqueue", "try 'jobctl submit'" },
	{ NULL, "at", "try 'jobctl submit --at'" },
	{ NULL, "sbatch", "try 'jobctl submit'" },
	{ NULL, "batch", "try 'jobctl submit'" },
	{ NULL, "srun", "try 'jobctl run'" },
	{ NULL, "atrm", "try 'jobctl cancel' (of one that has ended: 'jobctl delete')" },
	{ NULL, "scancel", "try 'jobctl cancel'" },
	{ NULL, "group", "try 'jobctl queue'" },
	{ NULL, "queues", "try 'jobctl queue'" },
	{ NULL, "sinfo", "try 'jobctl queue'" },
	{ NULL, "templates", "try 'jobctl template'" },
	{ NULL, "drain", "try 'jobctl queue drain'" },
	{ NULL, "set", "try 'jobctl edit' for a job, 'jobctl queue set' for a queue" },
	{ NULL, "update", "try 'jobctl edit' for a job, 'jobctl queue set' for a queue" },
	{ NULL, "scontrol", "try 'jobctl edit' for a job, 'jobctl queue set' for a queue" },
	{ NULL, "change", "try 'jobctl edit'" },
	{ NULL, "modify", "try 'jobctl edit'" },
	{ NULL, "clean", "try 'jobctl delete'" },
	{ NULL, "clear", "try 'jobctl delete'" },
	{ NULL, "remove", "try 'jobctl delete', or 'jobctl cancel' for one that has not ended" },
	{ NULL, "stash", "try 'jobctl hold'" },
	{ NULL, "daemon-reload", "try 'jobctl reload'" },
	{ QUEUE, "unpause", "try 'jobctl queue resume'" },
	{ QUEUE, "undrain", "try 'jobctl queue resume'" },
	{ QUEUE, "start", "try 'jobctl queue resume'" },
	{ QUEUE, "open", "try 'jobctl queue resume'" },
	{ QUEUE, "unset", "try 'jobctl queue reset'" },
	{ QUEUE, "edit", "try 'jobctl queue set'" },
	{ QUEUE, "stop", "try 'jobctl queue pause' or 'jobctl queue drain'" },
	{ QUEUE, "close", "try 'jobctl queue pause' or 'jobctl queue drain'" },
	{ QUEUE, "create", DECLARED },
	{ QUEUE, "add", DECLARED },
	{ QUEUE, "new", DECLARED },
	{ QUEUE, "delete", "take it out of jobd.conf, then 'jobctl reload'" },
	{ QUEUE, "rm", "take it out of jobd.conf, then 'jobctl reload'" },
	{ TEMPLATE, "add", "try 'jobctl template set'" },
	{ TEMPLATE, "create", "try 'jobctl template set'" },
	{ TEMPLATE, "new", "try 'jobctl template set'" },
	{ TEMPLATE, "edit", "try 'jobctl template set', which replaces it whole" },
};

static const struct {
	const char *verb, *option, *hint;
} options[] = {
	{ "edit", "priority", "jobctl priority ID N" },
	{ "edit", "hold", "jobctl hold ID" },
	{ "edit", "user", "a job stays its user's" },
	{ "list", "all", "all of them: -n 0; what has ended: --state ended" },
	{ "list", "wait", "jobctl wait ID" },
	{ "list", "follow", "jobctl status -f ID, for one job" },
	{ "wait", "follow", "jobctl log -f ID shows what it writes meanwhile" },
	{ "resume", "now", "past the limits: --force" },
	{ "cancel", "force", "SIGKILL at once: --now" },
	{ "cancel", "all", "all of yours: --state live" },
	{ "pause", "now", "a pause is at once" },
	{ "run", "wait", "run waits, submit need not" },
	{ "run", "plan", "jobctl submit --wait --plan FILE" },
	{ "run", "hold", "jobctl submit --hold" },
};

const char *hints_verb(const char *family, const char *word)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (!verbs[i].family == !family && (!family || strcmp(verbs[i].family, family) == 0) &&
		    strcmp(verbs[i].word, word) == 0)
			return verbs[i].hint;
	return NULL;
}

const char *hints_option(const char *verb, const char *option)
{
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (strcmp(options[i].verb, verb) == 0 && strcmp(options[i].option, option) == 0)
			return options[i].hint;
	return NULL;
}
