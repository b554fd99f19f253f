/* SPDX-License-Identifier: ISC */
/*
 * From START to a child that sets itself up: the user is found, the environment
 * completed, log and cgroup made, the child forked, the listening socket made
 * while it works.
 *
 * A step that fails is named, as a person would: "user 4242 is unknown",
 * "log 12/12.1.log". Only the cgroup may fail: its tree is walked, then.
 */
#include "config.h"

#include "jobd/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crash.h"
#include "lib/environment.h"
#include "lib/str.h"
#include "lib/strv.h"

static bool set_str(char **to, const struct tlv *f)
{
	free(*to);
	*to = tlv_str(f);
	return *to != NULL;
}

static bool read_field(struct start *s, const struct tlv *f, size_t *nargv, size_t *nenv)
{
	switch ((int)f->tag) {
	case KTAG_ID:
		s->id = tlv_u64(f);
		return true;
	case KTAG_ATTEMPT:
		s->attempt = (uint32_t)tlv_u64(f);
		return true;
	case KTAG_NONCE:
		s->nonce = tlv_u64(f);
		return true;
	case KTAG_ARG:
		return tlv_strv(f, &s->argv, nargv);
	case KTAG_ENV:
		return tlv_strv(f, &s->env, nenv);
	case KTAG_CWD:
		return set_str(&s->cwd, f);
	case KTAG_UID:
		s->uid = (uint32_t)tlv_u64(f);
		return tlv_u64(f) < UINT32_MAX; /* (uid_t)-1 means "leave it as it is" to setuid */
	case KTAG_SET_IDENTITY:
		s->set_identity = tlv_u64(f) != 0;
		return true;
	case KTAG_UMASK:
		s->mask = (mode_t)(tlv_u64(f) & 0777);
		return true;
	case KTAG_LOG:
		return set_str(&s->log, f);
	case KTAG_CGROUP_BASE:
		return set_str(&s->cgroup_base, f);
	case KTAG_NOFILE_SOFT:
		s->nofile.rlim_cur = tlv_u64(f);
		s->has_nofile = true;
		return true;
	case KTAG_NOFILE_HARD:
		s->nofile.rlim_max = tlv_u64(f);
		return true;
	case KTAG_GRACE_MS:
		s->grace_ms = tlv_u64(f);
		return true;
	case KTAG_INVOCATION:
		return set_str(&s->invocation, f);
	default:
		return true;
	}
}

bool start_read(struct keeper *k, struct tlv_reader *r)
{
	struct start *s = &k->start;
	size_t nargv = 0, nenv = 0;
	struct tlv f;
	bool uid = false, fit = true;
	while (fit && tlv_next(r, &f)) {
		fit = read_field(s, &f, &nargv, &nenv);
		uid |= f.tag == KTAG_UID;
	}
	k->end.id = s->id;
	k->end.attempt = s->attempt;
	k->end.nonce = s->nonce;
	snprintf(k->name, sizeof(k->name), "%" PRIu64 ".%" PRIu32, s->id, s->attempt);
	keeper_entitle(k, k->name);
	snprintf(k->name, sizeof(k->name), KEEPER_NAME_FMT, s->id, s->attempt, s->nonce);
	if (fit && !r->bad && nargv > 0 && s->log && (uid || !s->set_identity))
		return true;
	k->end.step = strdup("the message that starts it");
	k->end.error = EBADMSG;
	return false;
}

void start_fini(struct start *s)
{
	strv_free(s->argv);
	strv_free(s->env);
	free(s->cwd);
	free(s->log);
	free(s->cgroup_base);
	free(s->invocation);
	s->argv = s->env = NULL;
	s->cwd = s->log = s->cgroup_base = s->invocation = NULL;
}

int start_failed(struct keeper *k, int error, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	k->end.step = strdup(text);
	k->end.error = error;
	return -1;
}

static int add_var(struct keeper *k, const char *name, const char *value)
{
	if (strv_env(k->start.env, name))
		return 0;
	char *var = str_printf("%s=%s", name, value);
	if (!var)
		return start_failed(k, ENOMEM, "environment");
	int rc = strv_add(&k->start.env, var);
	free(var);
	return rc < 0 ? start_failed(k, -rc, "environment") : 0;
}

/* What login would have set is added where the submitter did not say it. */
static int complete_environment(struct keeper *k)
{
	struct start *s = &k->start;
	const struct identity *id = &k->identity;
	bool root = s->set_identity ? s->uid == 0 : geteuid() == 0;
	if (id->user &&
	    (add_var(k, "HOME", id->home) < 0 || add_var(k, "USER", id->user) < 0 ||
		add_var(k, "LOGNAME", id->user) < 0 || add_var(k, "SHELL", id->shell) < 0))
		return -1;
	if (s->invocation && add_var(k, "JOBD_INVOCATION", s->invocation) < 0)
		return -1;
	if (!strv_env(s->env, "PATH") &&
	    strv_add(&s->env, root ? ENVIRONMENT_PATH_ROOT : ENVIRONMENT_PATH) < 0)
		return start_failed(k, ENOMEM, "environment");
	return 0;
}

/* A descriptor of the attempt's cgroup, whose directory is k->cgroup; or -1, and there is none. */
static int make_cgroup(struct keeper *k)
{
	char *dir = k->start.cgroup_base ? str_printf("%s/%s", k->start.cgroup_base, k->name) : NULL;
	if (!dir)
		return -1;
	int fd = mkdir(dir, 0755) < 0 && errno != EEXIST
	    ? -1
	    : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		rmdir(dir);
		free(dir);
		return -1;
	}
	k->cgroup = dir;
	return fd;
}

static bool move_into(int cgroup, pid_t pid)
{
	char number[24];
	int len = snprintf(number, sizeof(number), "%d", (int)pid);
	int fd = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, number, (size_t)len) == len;
	if (fd >= 0)
		close(fd);
	return written;
}

/*
 * Forks the child into its cgroup, where there is one; else it is moved there, while it stands at
 * the gate or before it. Either way whatever it will start is in there too.
 */
static int fork_child(struct keeper *k)
{
	int cgroup = make_cgroup(k);
	bool inside = false;
	int rc = child_fork(k, k->log.fd, cgroup, &inside);
	if (rc == 0 && cgroup >= 0 && !inside && !move_into(cgroup, k->pid)) {
		rmdir(k->cgroup);
		free(k->cgroup);
		k->cgroup = NULL;
	}
	if (cgroup >= 0)
		close(cgroup);
	return rc;
}

int start_prepare(struct keeper *k)
{
	int rc = -1;
	if (who_find(k) < 0 || complete_environment(k) < 0 || log_prepare(k) < 0)
		goto out;
	rc = fork_child(k);
	if (rc < 0) {
		rc = start_failed(k, -rc, "fork");
		goto out;
	}
	crash_point("keeper-forked");
	k->tree = tree_new(getpid(), k->cgroup);
	if (!k->tree) {
		rc = start_failed(k, ENOMEM, "tree of processes");
		goto out;
	}
	k->listener = conn_listen(KEEPER_FD_LISTEN, k->name);
	if (k->listener < 0) {
		rc = start_failed(k, -k->listener, "listening socket");
		goto out;
	}
	crash_point("keeper-listening");
	rc = 0;
out:
	who_fini(&k->identity);
	return rc;
}

void start_clean(struct keeper *k)
{
	if (k->cgroup)
		rmdir(k->cgroup);
	if (k->listener >= 0) {
		unlinkat(KEEPER_FD_LISTEN, k->name, 0);
		close(k->listener);
	}
}
