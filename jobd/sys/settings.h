/* SPDX-License-Identifier: ISC */
/*
 * The configuration: a plain struct that never changes once it is loaded. A
 * reload loads another; one with mistakes is never handed out.
 */
#ifndef SYS_SETTINGS_H
#define SYS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A user or group that the file names, and where. */
struct config_name {
	char *name;
	bool group;
	int line;
};

/* A queue or template that the file declares. */
struct config_section {
	char *name;
	int line; /* where it begins */
	/*
	 * NAME=value, in the order of the file; NULL: none. Of a queue these are rules, of which
	 * lists are joined as lib/rules.h has them. Of a template they are fields of
	 * lib/template.h, and lists have one entry a member.
	 */
	char **values;
};

struct config {
	unsigned max_running;	   /* jobs at once; default: the processors online */
	unsigned user_max_running; /* jobs of one user at once; 0: no limit; 0 */
	uint64_t kill_grace_us;	   /* between TERM and KILL; 4 s */
	uint64_t ageing_us;	   /* what a step of priority is worth; 10 min; 0: none */
	char *admin_group;	   /* NULL: none; looked up by whoever needs it */
	char **submit_users;	   /* who may submit; NULL: nobody named here */
	char **submit_groups;	   /* both NULL: everybody may */
	int syslog_facility;	   /* LOG_DAEMON */
	int log_level;		   /* LOG_INFO */
	uint64_t low_disk_bytes;   /* no new work below; 64M */
	uint64_t ballast_bytes;	   /* what is kept to be given up when the disk is full; 16M */
	char *on_stop;		   /* "keep", "pause" or "cancel" */
	char *cgroup;		   /* "auto", "no", or an absolute path */
	unsigned max_connections;  /* clients at once; 1000 */
	unsigned user_connections; /* these six bind one user; 0: no limit; 200 */
	unsigned user_calls_per_second; /* 1000 */
	unsigned user_queued_jobs;	/* 10000 */
	uint64_t user_job_bytes;	/* 64M */
	uint64_t max_environment_bytes; /* of one submission; 256K */
	uint64_t max_command_bytes;	/* of one job, and of its other texts; 128K */
	struct config_name *names; /* of all the settings, those of queues among them */
	size_t nnames;
	struct config_section *queues, *templates; /* in the order of the file, each name once */
	size_t nqueues, ntemplates;
	char *source;		   /* the file it came from; NULL: the defaults */
};

/*
 * Loads path; NULL, or a file that does not exist and need not, gives the defaults.
 * 0 and *out; or -EINVAL (mistakes), -EPERM (to root: others may write it), -ENOENT, another -errno, and then
 * *messages, "FILE:LINE: what is wrong; what would be right" each, in the order
 * of lines. Both are the caller's (config_free, strv_free). *messages is NULL on 0.
 */
int config_load(const char *path, bool must_exist, struct config **out, char ***messages);

void config_free(struct config *c);

/*
 * For a check of the configuration, which may block: adds "FILE:LINE: there is no group ..." to
 * *messages for each name that the system does not know. No mistake: it may come to be.
 */
void config_check_names(const struct config *c, char ***messages);

/* What is said of a name that the system does not know; the caller's, NULL: no memory. */
char *config_no_name(const struct config *c, const struct config_name *n);

/* Likewise, without blocking, where the cgroup it names can't be used. */
void config_check_cgroup(const struct config *c, char ***messages);

/* What it says, setting by setting and section by section, as a file could. */
void config_print(const struct config *c, FILE *to);

#endif
