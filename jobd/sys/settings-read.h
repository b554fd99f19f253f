/* SPDX-License-Identifier: ISC */
/* How a configuration file is read; settings.c owns what it becomes. */
#ifndef SYS_SETTINGS_READ_H
#define SYS_SETTINGS_READ_H

#include <stddef.h>

#include "jobd/sys/settings.h"

/* What a setting may hold, which says how it is checked, stored and printed. */
enum setting_kind {
	SETTING_COUNT,	  /* unsigned */
	SETTING_DURATION, /* uint64_t, microseconds */
	SETTING_SIZE,	  /* uint64_t, bytes */
	SETTING_GROUP,	  /* char * */
	SETTING_USERS,	  /* char **, a list */
	SETTING_GROUPS,	  /* char **, a list */
	SETTING_FACILITY, /* int */
	SETTING_LEVEL,	  /* int */
	SETTING_CGROUP,	  /* char * */
	SETTING_ON_STOP,  /* char * */
};

struct setting {
	const char *name;
	enum setting_kind kind;
	size_t offset;	   /* in struct config */
	uint64_t min, max; /* counts, durations, sizes */
	const char *takes; /* what would be right */
};

/* The settings there are; the last has no name. */
extern const struct setting config_settings[];

/* The word for a facility or level, NULL: none. */
const char *config_facility_name(int facility);
const char *config_level_name(int level);

bool config_is_list(const struct setting *s);

/*
 * Puts one value into c; for a list, adds it. 0; -EINVAL when it is not what the setting
 * takes, -ENOMEM.
 */
int config_set(struct config *c, const struct setting *s, const char *value);

/*
 * Blanks the comments in text (len bytes and a NUL), keeping its lines, and
 * checks that what is opened is closed. NULL when well; else what is wrong, with its *line.
 */
const char *config_blank(char *text, size_t len, int *line);

/*
 * Reads text (ended by a NUL, as long as len says) into c. 0, or -EINVAL and
 * *messages (see config_load); name is what they begin with. -ENOMEM.
 */
int config_read(const char *name, char *text, size_t len, struct config *c, char ***messages);

#endif
