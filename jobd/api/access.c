/* SPDX-License-Identifier: ISC */
/*
 * Who may do what. Identity is what the kernel said at connect; the method's
 * "Access:" line in its interface file says what it takes:
 *
 *	any     everybody who may connect
 *	submit  who may submit, by the configuration
 *	owner   the job's user, and administrators (the job is the parameter id)
 *	admin   root, the user jobd runs as, members of admin_group
 *	root    root alone
 *
 * What is run as a user is for that user and root to say, and for no administrator besides: who asks
 * for that is looked at where it is said (edit.c, draft.c).
 *
 * Whom a queue lets submit to it is its own rules' to say, and asked when the queue is known. Who owns a
 * job and has lost the right to submit it neither repeats it nor says what else it is to run, which is
 * asked there too (draft-queue.c); all else that is the owner's stays so.
 *
 * Where jobd is not root it serves its own user and root, and nobody else.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"

static bool in_group(const struct peer *p, gid_t gid)
{
	if (p->gid == gid)
		return true;
	for (size_t i = 0; i < p->ngroups; i++)
		if (p->groups[i] == gid)
			return true;
	return false;
}

bool access_is_admin(const struct api *a, const struct peer *p)
{
	if (p->uid == 0 || p->uid == a->policy.self)
		return true;
	return a->policy.self == 0 && a->policy.has_admin_gid && in_group(p, a->policy.admin_gid);
}

bool access_owns(const struct api *a, const struct peer *p, const struct job *j)
{
	return p->uid == j->uid || access_is_admin(a, p);
}

bool access_is_users(const struct api *a, const struct peer *p, const struct job *j)
{
	return p->uid == j->uid || p->uid == 0 || p->uid == a->policy.self;
}

bool access_may_submit(const struct api *a, const struct peer *p)
{
	const struct api_policy *pol = &a->policy;

	if (pol->anyone_submits || access_is_admin(a, p))
		return true;
	for (size_t i = 0; i < pol->nsubmit_uids; i++)
		if (pol->submit_uids[i] == p->uid)
			return true;
	for (size_t i = 0; i < pol->nsubmit_gids; i++)
		if (in_group(p, pol->submit_gids[i]))
			return true;
	return false;
}

enum api_name access_queue(const struct api *a, const struct peer *p, const struct rules *r)
{
	bool pending = false, late = false;
	char *const *users = r->submit_users, *const *groups = r->submit_groups;
	gid_t gid;

	if ((!users && !groups) || access_is_admin(a, p))
		return API_NAME_KNOWN;
	for (; users && *users; users++)
		if (strcmp(*users, p->user) == 0)
			return API_NAME_KNOWN;
	for (; groups && *groups; groups++) {
		enum api_name n = a->o.group_gid(a->o.ctx, *groups, &gid);
		if (n == API_NAME_KNOWN && in_group(p, gid))
			return API_NAME_KNOWN;
		pending |= n == API_NAME_PENDING;
		late |= n == API_NAME_LATE;
	}
	if (pending)
		return API_NAME_PENDING;
	return late ? API_NAME_LATE : API_NAME_UNKNOWN;
}

uid_t access_owner(const struct api *a, uint64_t id)
{
	struct job_view v;

	if (engine_get(a->o.engine, id, &v) != ENGINE_OK)
		return 0;
	uid_t owner = v.job->uid;
	job_view_fini(&v);
	return owner;
}

/* NULL: it is theirs. */
static const char *check_owner(
    struct api *a, const struct peer *p, const json_t *params, json_t **error_params)
{
	json_int_t id = json_integer_value(json_object_get(params, "id"));
	struct job_view v;
	enum engine_result r = ENGINE_NOT_FOUND;

	if (id > 0)
		r = engine_get(a->o.engine, (uint64_t)id, &v);
	if (r == ENGINE_FAILED) {
		*error_params = json_pack("{s:I, s:s}", "id", id, "message", ERROR_UNREADABLE);
		return "org.jobd.Job.Failed";
	}
	if (r != ENGINE_OK) {
		*error_params = json_pack("{s:I}", "id", id);
		return "org.jobd.Job.NotFound";
	}
	bool owns = access_owns(a, p, v.job);
	job_view_fini(&v);
	return owns ? NULL : "org.varlink.service.PermissionDenied";
}

const char *api_authorise(void *ctx, const struct peer *p, const struct varlink_method *m,
    const json_t *params, json_t **error_params)
{
	struct api *a = ctx;
	bool may = false;

	if (a->policy.self != 0 && p->uid != a->policy.self && p->uid != 0)
		return "org.varlink.service.PermissionDenied";
	if (strcmp(m->access, "any") == 0)
		may = true;
	else if (strcmp(m->access, "submit") == 0)
		may = access_may_submit(a, p);
	else if (strcmp(m->access, "owner") == 0)
		return check_owner(a, p, params, error_params);
	else if (strcmp(m->access, "admin") == 0)
		may = access_is_admin(a, p);
	else if (strcmp(m->access, "root") == 0)
		may = p->uid == 0;
	return may ? NULL : "org.varlink.service.PermissionDenied";
}

/*
 * The method's verb as the journal has it: "pause" for org.jobd.Job.Pause, and "queue-pause" for
 * org.jobd.Queue.Pause.
 */
static void verb_of(const struct varlink_method *m, char *out, size_t size)
{
	static const struct {
		const char *method, *verb;
	} others[] = {
		{ "org.jobd.Job.SetPriority", "priority" },
		{ "org.jobd.Job.SubmitMany", "submit" },
		{ "org.jobd.Daemon.Stop", "daemon-stop" },
		{ "org.jobd.Daemon.Reexec", "daemon-reexec" },
	};
	const char *name = strrchr(m->name, '.') + 1;
	size_t n = 0;

	if (strncmp(m->name, "org.jobd.Queue.", 15) == 0)
		n = (size_t)snprintf(out, size, "queue-");
	else if (strncmp(m->name, "org.jobd.Template.", 18) == 0)
		n = (size_t)snprintf(out, size, "template-");
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(others[i].method, m->name) == 0)
			name = others[i].verb;
	for (; *name && n + 1 < size; name++)
		out[n++] = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
	out[n] = 0;
}

void api_refused(void *ctx, const struct peer *p, const struct varlink_method *m,
    const json_t *params, const char *error)
{
	struct api *a = ctx;
	json_int_t id = json_integer_value(json_object_get(params, "id"));
	struct actor who = { p->uid, p->user, p->pid, p->process };
	char verb[24];

	verb_of(m, verb, sizeof verb);
	engine_refused(a->o.engine, &who, verb, id > 0 ? (uint64_t)id : 0, strrchr(error, '.') + 1);
}
