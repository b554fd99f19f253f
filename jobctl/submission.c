/* SPDX-License-Identifier: ISC */
/*
 * Submissions. Each has a token of 128 random bits, so that it can be repeated when its answer was
 * lost. One that names a template takes nothing along of where it is made: what the template does
 * not say would otherwise depend on who called it from where.
 */
#include "config.h"

#include "jobctl/submission.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobctl/fault.h"
#include "jobctl/fields.h"
#include "jobctl/job.h"
#include "jobctl/surroundings.h"
#include "lib/rules.h"
#include "lib/str.h"

#define ENVELOPE 256 /* bytes around the parameters, more than enough */

/* The words after --template NAME. */
static enum code put_parameters(const struct ctl *c, json_t *p)
{
	json_t *parameters = json_object();

	json_object_set_new(p, "parameters", parameters);
	for (char *const *w = c->words; *w; w++) {
		size_t len = strcspn(*w, "=");
		if (len == 0 || !(*w)[len])
			return verb_usage(c, "'%s' is no parameter of the template: NAME=VALUE", *w);
		char *name = strndup(*w, len);
		bool twice = name && json_object_get(parameters, name);
		int rc = name ? json_object_set_new(parameters, name, json_string(*w + len + 1)) : -1;
		free(name);
		if (twice)
			return verb_usage(c, "the parameter %.*s is given twice", (int)len, *w);
		if (rc != 0)
			return verb_wrong(c, "'%s' is no UTF-8, and can't be sent", *w);
	}
	if (c->o->shell)
		return verb_usage(c, "--shell and --template: one of them");
	return fields_text(c, p, "template", "template", c->o->template);
}

static enum code put_unique(const struct ctl *c, json_t *p)
{
	const char *what = c->o->if_exists;

	if (what && !c->o->unique)
		return verb_usage(c, "--if-exists goes with --unique KEY");
	if (what && strcmp(what, "refuse") != 0 && strcmp(what, "return") != 0)
		return verb_usage(c, "--if-exists: refuse or return, not '%s'", what);
	if (what && strcmp(what, "return") == 0)
		json_object_set_new(p, "return_existing", json_true());
	return fields_text(c, p, "unique", "unique", c->o->unique);
}

/*
 * at(1) and qsub(1) have -q QUEUE; "-q import -- make" would run a command "import". Whoever spells --quiet
 * out, or has another option behind it, knows what it is.
 */
static enum code refuse_queue(const struct ctl *c)
{
	if (!c->quieted || c->nwords < 2 || strcmp(c->words[1], "--") != 0)
		return CODE_DONE;
	return verb_wrong(c, "'%s -- ...': -q is --quiet: did you mean --queue %s? (a command that is "
			     "called so stands behind --)", c->words[0], c->words[0]);
}

static enum code put_all(const struct ctl *c, json_t *p)
{
	const struct options *o = c->o;
	enum code code;

	if ((code = refuse_queue(c)) != CODE_DONE ||
	    (code = o->template ? put_parameters(c, p) : fields_command(c, c->words, p)) != CODE_DONE)
		return code;
	if (!o->template && !json_object_get(p, "command"))
		return verb_usage(c, "which command?");
	if ((code = fields_common(c, "name", p)) != CODE_DONE ||
	    (code = fields_priority(c, p)) != CODE_DONE || (code = fields_job(c, NULL, p)) != CODE_DONE ||
	    (code = put_unique(c, p)) != CODE_DONE ||
	    (code = fields_user(c, p)) != CODE_DONE ||
	    (code = surroundings_put(c, o->template ? SURROUNDINGS_CLEAN : SURROUNDINGS_ALL,
		 fields_other_user(o), p)) != CODE_DONE)
		return code;
	if (o->hold)
		json_object_set_new(p, "hold", json_true());
	return fields_token(p);
}

static enum code check_size(const json_t *p)
{
	size_t size = json_dumpb(p, NULL, 0, JSON_COMPACT);
	if (size + ENVELOPE <= VARLINK_MESSAGE_MAX)
		return CODE_DONE;
	complain("that is too large: %zu kB of command and environment, %u kB can be sent "
		 "(--clean-env leaves the environment out)",
	    size / 1024, VARLINK_MESSAGE_MAX / 1024);
	return CODE_USAGE;
}

/* The option for a rule of another attempt, if one was given; NULL: none was. */
static const char *retry_option(const struct options *o)
{
	static const char *const rules[] = { "backoff", "backoff_max", "backoff_jitter", "retry_on",
		"retry_not" };

	for (char *const *r = o->rules; r && *r; r++) {
		size_t len = strcspn(*r, "=");
		for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
			if (strlen(rules[i]) == len && strncmp(*r, rules[i], len) == 0)
				return options_of_rule(rules[i]);
	}
	return NULL;
}

/* Whether the word is the path of a file, which a job looks for from its own directory. */
static bool is_file(const char *word, const char *cwd)
{
	if (!strchr(word, '/'))
		return false;
	char *path = *word == '/' || !cwd ? strdup(word) : str_printf("%s/%s", cwd, word);
	bool is = path && access(path, F_OK) == 0;
	free(path);
	return is;
}

/* What will probably not do what was meant is told; it may be right all the same, or become so. */
static void note_doubtful(const struct ctl *c, const json_t *job)
{
	const char *word = c->nwords == 1 && !c->o->template ? c->words[0] : "";
	const char *cwd = job_text(job, "cwd");
	struct stat st;

	if (c->o->quiet)
		return;
	if (strpbrk(word, " \t\n") && !is_file(word, cwd))
		complain("note: '%s' is one word, and so the name of a program; a line for the shell is "
			 "--shell '%s'", word, word);
	if (c->o->chdir && cwd && !fields_other_user(c->o) && stat(cwd, &st) != 0 && errno == ENOENT)
		complain("note: there is no directory %s (yet)", cwd);
}

/* Whether there is a --warn, and no timeout that it could warn of: its queue may have one. */
static bool warns_of_nothing(struct ctl *c, const json_t *job)
{
	const char *warn = rules_given(c->o->rules, RULE_WARN);
	json_t *reply;
	bool none;

	if (!warn || strcasecmp(warn, "none") == 0)
		return false;
	none = client_ask(&c->client, "look at the job", "org.jobd.Job.Get",
		   json_pack("{s:I}", "id", (json_int_t)job_int(job, "id", 0)), &reply) == CODE_DONE &&
	       job_int(json_object_get(reply, "job"), "timeout_s", 0) == 0;
	json_decref(reply);
	return none;
}

/* What was asked for and can have no effect with this job is told; its queue may have had a say. */
static void note_idle(struct ctl *c, const json_t *job)
{
	const struct options *o = c->o;
	const char *retry = retry_option(o);

	if (o->quiet)
		return;
	if (retry && job_int(job, "attempts", 0) == 1)
		complain("note: --%s has no effect: there is one attempt (--attempts N)", retry);
	if (warns_of_nothing(c, job))
		complain("note: --warn has no effect: there is no timeout (--timeout DURATION)");
	if (o->drop_unmet && !o->after_ok && !o->after_failed && !o->after_any)
		complain("note: --drop-unmet has no effect: it waits for no other job (--after ID)");
}

static enum code send(struct ctl *c, json_t *p, json_t **reply)
{
	static const char what[] = "submit the job";
	struct answer a = { 0 };
	enum code code = client_call(&c->client, "org.jobd.Job.Submit", p, true, &a);

	if (code == CODE_DONE && a.error) {
		code = fault_code(a.error);
		if (strcmp(a.error, "org.varlink.service.PermissionDenied") == 0 && fields_other_user(c->o))
			complain("cannot %s: not permitted; only root may submit for another user", what);
		else
			fault_say(what, &a);
	} else if (code == CODE_DONE) {
		*reply = json_incref(a.params);
	}
	answer_fini(&a);
	return code;
}

enum code submission_send(struct ctl *c, json_t **job, bool *existed)
{
	json_t *p = json_object(), *reply = NULL;
	enum code code;

	*job = NULL;
	if ((code = put_all(c, p)) == CODE_DONE)
		code = check_size(p);
	if (code == CODE_DONE)
		code = send(c, json_incref(p), &reply);
	if (code == CODE_DONE)
		*job = json_incref(json_object_get(reply, "job"));
	*existed = job_flag(reply, "existed");
	if (*job && !*existed) {
		note_idle(c, *job);
		note_doubtful(c, *job);
	}
	json_decref(reply);
	json_decref(p);
	return code;
}
