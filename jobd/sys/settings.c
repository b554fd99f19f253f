/* SPDX-License-Identifier: ISC */
/*
 * The configuration: the table of settings, their defaults, and how each value is
 * checked; and which file is taken. A new setting is a row here and a member of struct config. What
 * sections hold is elsewhere: lib/rules.h, lib/template.h.
 */
#include "config.h"

#include "jobd/sys/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "jobd/sys/settings-read.h"
#include "lib/account.h"
#include "lib/buf.h"
#include "lib/duration.h"
#include "lib/on-stop.h"
#include "lib/size.h"
#include "lib/str.h"
#include "lib/strv.h"

#define FILE_MAX (1u << 20)
#define SECOND	 UINT64_C(1000000)
#define DAY	 (86400 * SECOND)
#define MEBIBYTE (UINT64_C(1) << 20)
#define EXBIBYTE (UINT64_C(1) << 60)

const struct setting config_settings[] = {
	{ "max_running", SETTING_COUNT, offsetof(struct config, max_running), 1, 100000,
	    "a number of jobs from 1 to 100000, such as 4" },
	{ "user_max_running", SETTING_COUNT, offsetof(struct config, user_max_running), 0, 100000,
	    "a number of jobs up to 100000, such as 4, or 0 for no limit" },
	{ "kill_grace", SETTING_DURATION, offsetof(struct config, kill_grace_us), 0, DAY,
	    "a duration up to a day, such as 4s or 1min30s" },
	{ "on_stop", SETTING_ON_STOP, offsetof(struct config, on_stop), 0, 0,
	    "keep, pause or cancel" },
	{ "ageing", SETTING_DURATION, offsetof(struct config, ageing_us), 0, 366 * DAY,
	    "a duration up to a year, such as 10min, or 0 for none" },
	{ "admin_group", SETTING_GROUP, offsetof(struct config, admin_group), 0, 0,
	    "the name of a group, such as adm" },
	{ "submit_users", SETTING_USERS, offsetof(struct config, submit_users), 0, 0,
	    "names of users, such as {\"ann\", \"bob\"}" },
	{ "submit_groups", SETTING_GROUPS, offsetof(struct config, submit_groups), 0, 0,
	    "names of groups, such as {\"staff\"}" },
	{ "syslog_facility", SETTING_FACILITY, offsetof(struct config, syslog_facility), 0, 0,
	    "a facility: daemon, user, cron, local0 to local7" },
	{ "log_level", SETTING_LEVEL, offsetof(struct config, log_level), 0, 0,
	    "a level: err, warning, notice, info or debug" },
	{ "low_disk", SETTING_SIZE, offsetof(struct config, low_disk_bytes), 0, EXBIBYTE,
	    "a size, such as 64M or 1G, or 0 for none" },
	{ "ballast", SETTING_SIZE, offsetof(struct config, ballast_bytes), 0, EXBIBYTE,
	    "a size, such as 16M, or 0 for none" },
	{ "cgroup", SETTING_CGROUP, offsetof(struct config, cgroup), 0, 0,
	    "auto, no, or the absolute path of a cgroup v2 directory" },
	{ "max_connections", SETTING_COUNT, offsetof(struct config, max_connections), 1, 100000,
	    "a number of clients from 1 to 100000, such as 1000" },
	{ "user_connections", SETTING_COUNT, offsetof(struct config, user_connections), 0, 100000,
	    "a number of connections up to 100000, such as 200, or 0 for no limit" },
	{ "user_calls_per_second", SETTING_COUNT, offsetof(struct config, user_calls_per_second), 0,
	    100000, "a number of calls up to 100000, such as 1000, or 0 for no limit" },
	{ "user_queued_jobs", SETTING_COUNT, offsetof(struct config, user_queued_jobs), 0, 10000000,
	    "a number of jobs up to 10000000, such as 10000, or 0 for no limit" },
	{ "user_job_bytes", SETTING_SIZE, offsetof(struct config, user_job_bytes), 0, EXBIBYTE,
	    "a size, such as 64M, or 0 for no limit" },
	{ "max_environment", SETTING_SIZE, offsetof(struct config, max_environment_bytes), 0, EXBIBYTE,
	    "a size, such as 256K, or 0 for no limit" },
	{ "max_command", SETTING_SIZE, offsetof(struct config, max_command_bytes), 0, EXBIBYTE,
	    "a size, such as 128K, or 0 for no limit" },
	{ NULL, SETTING_COUNT, 0, 0, 0, NULL },
};

const struct setting *config_setting(const char *name)
{
	for (const struct setting *s = config_settings; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

struct word {
	const char *name;
	int value;
};

static const struct word facilities[] = {
	{ "daemon", LOG_DAEMON },
	{ "user", LOG_USER },
	{ "cron", LOG_CRON },
	{ "local0", LOG_LOCAL0 },
	{ "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 },
	{ "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 },
	{ "local7", LOG_LOCAL7 },
	{ NULL, 0 },
};

/* The first of two names for one level is the one that is printed. */
static const struct word levels[] = {
	{ "err", LOG_ERR },
	{ "error", LOG_ERR },
	{ "warning", LOG_WARNING },
	{ "warn", LOG_WARNING },
	{ "notice", LOG_NOTICE },
	{ "info", LOG_INFO },
	{ "debug", LOG_DEBUG },
	{ NULL, 0 },
};

static const char *word_name(const struct word *words, int value)
{
	for (; words->name; words++)
		if (words->value == value)
			return words->name;
	return NULL;
}

static int set_word(int *to, const struct word *words, const char *value)
{
	for (; words->name; words++) {
		if (strcasecmp(words->name, value) == 0) {
			*to = words->value;
			return 0;
		}
	}
	return -EINVAL;
}

const char *config_facility_name(int facility)
{
	return word_name(facilities, facility);
}

const char *config_level_name(int level)
{
	return word_name(levels, level);
}

static int set_string(char **to, const char *value)
{
	char *copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static int set_count(unsigned *to, const struct setting *s, const char *value)
{
	char *end;
	errno = 0;
	unsigned long long v = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || v < s->min || v > s->max)
		return -EINVAL;
	*to = (unsigned)v;
	return 0;
}

static int set_u64(uint64_t *to, const struct setting *s, const char *value)
{
	uint64_t v;
	bool well = s->kind == SETTING_SIZE ? size_parse(value, &v) : duration_parse_us(value, &v);
	if (!well || v < s->min || v > s->max)
		return -EINVAL;
	*to = v;
	return 0;
}

bool config_is_list(const struct setting *s)
{
	return s->kind == SETTING_USERS || s->kind == SETTING_GROUPS;
}

int config_set(struct config *c, const struct setting *s, const char *value)
{
	void *at = (char *)c + s->offset;
	switch (s->kind) {
	case SETTING_COUNT:
		return set_count(at, s, value);
	case SETTING_DURATION:
	case SETTING_SIZE:
		return set_u64(at, s, value);
	case SETTING_GROUP:
		return account_good_name(value) ? set_string(at, value) : -EINVAL;
	case SETTING_USERS:
	case SETTING_GROUPS:
		return account_good_name(value) ? strv_add(at, value) : -EINVAL;
	case SETTING_FACILITY:
		return set_word(at, facilities, value);
	case SETTING_LEVEL:
		return set_word(at, levels, value);
	case SETTING_CGROUP:
		if (value[0] != '/' && strcmp(value, "auto") != 0 && strcmp(value, "no") != 0)
			return -EINVAL;
		return set_string(at, value);
	case SETTING_ON_STOP:
		if (!on_stop_parse(value))
			return -EINVAL;
		return set_string(at, value);
	}
	return -EINVAL;
}

int config_add_name(struct config *c, const char *name, bool group, int line)
{
	struct config_name *grown = realloc(c->names, (c->nnames + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->names = grown;
	grown[c->nnames] = (struct config_name){ strdup(name), group, line };
	if (!grown[c->nnames].name)
		return -ENOMEM;
	c->nnames++;
	return 0;
}

static void free_sections(struct config_section *sections, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(sections[i].name);
		strv_free(sections[i].values);
	}
	free(sections);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	free(c->admin_group);
	strv_free(c->submit_users);
	strv_free(c->submit_groups);
	free(c->cgroup);
	free(c->on_stop);
	for (size_t i = 0; i < c->nnames; i++)
		free(c->names[i].name);
	free(c->names);
	free_sections(c->queues, c->nqueues);
	free_sections(c->templates, c->ntemplates);
	free(c->source);
	free(c);
}

static struct config *defaults(void)
{
	struct config *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	c->max_running = cpus > 0 ? (unsigned)cpus : 1;
	c->kill_grace_us = 4 * SECOND;
	c->ageing_us = 600 * SECOND;
	c->syslog_facility = LOG_DAEMON;
	c->log_level = LOG_INFO;
	c->low_disk_bytes = 64 * MEBIBYTE;
	c->ballast_bytes = 16 * MEBIBYTE;
	c->max_connections = 1000;
	c->user_connections = 200;
	c->user_calls_per_second = 1000;
	c->user_queued_jobs = 10000;
	c->user_job_bytes = 64 * MEBIBYTE;
	c->max_environment_bytes = MEBIBYTE / 4;
	c->max_command_bytes = MEBIBYTE / 8;
	c->cgroup = strdup("auto");
	c->on_stop = strdup("keep");
	if (!c->cgroup || !c->on_stop) {
		config_free(c);
		return NULL;
	}
	return c;
}

/*
 * Whoever may write it says what root's jobd does, and who is its administrator. 0, or -EPERM with what
 * is wrong.
 */
static int check_owner(const char *path, const struct stat *st, char ***messages)
{
	bool good = true;
	char *line;
	if (geteuid() != 0)
		return 0;
	if (st->st_uid != 0) {
		line = str_printf("%s: belongs to uid %ju, and root's jobd does what it says; run: chown root %s",
		    path, (uintmax_t)st->st_uid, path);
		strv_add(messages, line ? line : path);
		free(line);
		good = false;
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		line = str_printf("%s: others may write to it (mode %04o), and root's jobd does what it says; "
				  "run: chmod go-w %s", path, (unsigned)st->st_mode & 07777, path);
		strv_add(messages, line ? line : path);
		free(line);
		good = false;
	}
	return good ? 0 : -EPERM;
}

static int check_file(const char *path, int fd, char ***messages)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? check_owner(path, &st, messages) : -EISDIR;
}

/* Reads a whole regular file. 0 or -errno; -EFBIG over a megabyte. Some come with messages. */
static int slurp(const char *path, struct buf *text, char ***messages)
{
	/* Non-blocking: a fifo in its place must not hang a reload. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	int rc = check_file(path, fd, messages);
	while (rc == 0 && text->len <= FILE_MAX) {
		void *at = buf_reserve(text, 4096);
		ssize_t n = at ? read(fd, at, 4096) : -1;
		if (n > 0)
			text->len += (size_t)n;
		else if (n == 0)
			break;
		else if (!at || errno != EINTR)
			rc = at ? -errno : -ENOMEM;
	}
	close(fd);
	if (rc == 0 && text->len > FILE_MAX)
		rc = -EFBIG;
	if (rc == 0)
		buf_put(text, "", 1);
	return text->failed ? -ENOMEM : rc;
}

static int say_file(const char *path, int rc, char ***messages)
{
	char line[512];
	const char *what = rc == -EISDIR ? "is not a file" :
	    rc == -EFBIG		 ? "is over 1 MiB: that is no configuration" :
					   strerror(-rc);
	snprintf(line, sizeof(line), "%s: %s", path, what);
	strv_add(messages, line);
	return rc;
}

int config_load(const char *path, bool must_exist, struct config **out, char ***messages)
{
	*out = NULL;
	*messages = NULL;
	struct buf text = BUF_INIT;
	struct config *c = defaults();
	int rc = c ? 0 : -ENOMEM;
	if (rc < 0 || !path)
		goto done;
	rc = slurp(path, &text, messages);
	if (rc == -ENOENT && !must_exist) {
		rc = 0;
		goto done;
	}
	if (rc < 0) {
		if (!*messages)
			say_file(path, rc, messages);
		goto done;
	}
	rc = set_string(&c->source, path);
	if (rc == 0)
		rc = config_read(path, (char *)text.data, text.len - 1, c, messages);
done:
	buf_fini(&text);
	if (rc == 0)
		*out = c;
	else
		config_free(c);
	return rc;
}
