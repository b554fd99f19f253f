/* SPDX-License-Identifier: ISC */
/* Why a selection found nothing: a queue or a user that is not there. */
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/select.h"
#include "lib/nearest.h"

/* Says so if the name is none of these queues. */
static bool is_missing(const char *name, const json_t *queues)
{
	struct nearest near = NEAREST(name);
	size_t i;
	json_t *q;

	json_array_foreach(queues, i, q) {
		const char *have = job_text_or(q, "name", "");
		if (strcmp(name, have) == 0)
			return false;
		nearest_try(&near, have);
	}
	if (near.name)
		complain("there is no queue '%s': did you mean '%s'?", name, near.name);
	else
		complain("there is no queue '%s' (jobctl queue list)", name);
	return true;
}

/* Says so if --user names one that is not there. */
static bool no_user(const struct ctl *c)
{
	json_t *words = json_object(), *user;
	bool missing = false;
	size_t i;

	if (select_list(c, words, "users", "user", c->o->users) == CODE_DONE) {
		json_array_foreach(json_object_get(words, "users"), i, user) {
			const char *name = json_string_value(user);
			char *end;
			unsigned long uid = strtoul(name, &end, 10);
			if (getpwnam(name) || (!*end && getpwuid((uid_t)uid)))
				continue;
			complain("there is no user '%s'", name);
			missing = true;
		}
	}
	json_decref(words);
	return missing;
}

static bool no_queue(struct ctl *c)
{
	json_t *reply, *words = json_object(), *name;
	bool missing = false;
	size_t i;

	if (!c->o->queues || select_list(c, words, "queues", "queue", c->o->queues) != CODE_DONE ||
	    client_ask(&c->client, "list the queues", "org.jobd.Queue.List", json_object(), &reply) !=
		CODE_DONE) {
		json_decref(words);
		return false;
	}
	json_array_foreach(json_object_get(words, "queues"), i, name) {
		missing |= is_missing(json_string_value(name), json_object_get(reply, "queues"));
	}
	json_decref(words);
	json_decref(reply);
	return missing;
}

bool select_unknown(struct ctl *c)
{
	bool user = no_user(c);
	return no_queue(c) || user;
}
