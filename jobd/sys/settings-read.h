/* SPDX-License-Identifier: ISC */
/*
 * How a configuration file is read: what the files settings*.c share. settings.c owns what a
 * setting becomes, settings-parts.c what a section may hold.
 */
#ifndef SYS_SETTINGS_READ_H
#define SYS_SETTINGS_READ_H

#include <stddef.h>

#include "jobd/sys/settings.h"
#include "lib/buf.h"

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

/* The settings there are outside of sections; the last has no name. */
extern const struct setting config_settings[];

/* The one with this name, or NULL. */
const struct setting *config_setting(const char *name);

/* The word for a facility or level, NULL: none. */
const char *config_facility_name(int facility);
const char *config_level_name(int level);

bool config_is_list(const struct setting *s);

/*
 * Puts one value into c; for a list, adds it. 0; -EINVAL when it is not what the setting
 * takes, -ENOMEM.
 */
int config_set(struct config *c, const struct setting *s, const char *value);

/* Notes where a user or group is named, for who checks that there is one. 0 or -ENOMEM. */
int config_add_name(struct config *c, const char *name, bool group, int line);

/* The mistakes that were found. Starts as {0}. */
struct notes {
	struct note *list;
	size_t count;
	bool no_memory; /* one is missing */
};

void notes_add(struct notes *n, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Moves all of from behind those of to. */
void notes_move(struct notes *to, struct notes *from);
/* As messages, "NAME:LINE: ..." each, in the order of lines. 0: there are none; -EINVAL, -ENOMEM. */
int notes_tell(struct notes *n, const char *name, char ***messages);
void notes_fini(struct notes *n);

/*
 * Blanks the comments in text (len bytes and a NUL), keeping its lines, and
 * checks that what is opened is closed. NULL when well; else what is wrong, with its *line.
 */
const char *config_blank(char *text, size_t len, int *line);

/*
 * Puts text, which config_blank has been over, into out, with a NUL and the same lines. Each value
 * that has to stand in quotes and does not is noted, and stands in them in out. No memory is noted
 * too.
 */
void config_words(char *text, struct buf *out, struct notes *notes);

/* A section, as it stands in the file. */
struct outline_section {
	char *kind; /* the word it begins with */
	char *name; /* without its quotes; NULL: there is none */
	int line;   /* where it begins */
	char *body; /* what is in its braces; NULL: they are never closed */
	int body_line;
};

struct outline {
	struct outline_section *list; /* in the order of the file */
	size_t count;
};

/*
 * Takes the sections out of text, which config_words has made, and leaves blanks and lines
 * in their place. A mistake in how sections are opened and closed is noted, and the rest found as
 * well as can be. config_kind says which words begin one. The caller frees it whatever is
 * returned. 0 or -ENOMEM.
 */
int config_outline(char *text, struct outline *o, struct notes *notes);
void config_outline_free(struct outline *o);
bool config_is_kind(const char *word, size_t len);

/* A part of a file, all of one section or all outside of them, and what can be set there. */
struct part_field {
	const char *name;
	const char *takes; /* NULL: that is told where a value is refused */
	bool list;
	bool some; /* of a list: it has one value at least, where it is set at all */
};

struct part {
	const struct part_field *fields; /* the last has no name */
	const char *text;
	int first_line;	    /* of the text, in the file */
	const char *nobody; /* how a name that is no field is spoken of: "there is no setting" */
	/* Takes a value; of a list, one more. 0; -EINVAL, and *takes where the field has none;
	 * -ENOMEM. */
	int (*set)(struct part *p, const struct part_field *f, const char *value, int line,
	    const char **takes);
	/* The text is to be read once more, from its beginning: what was set is forgotten. May be
	 * NULL. */
	void (*again)(struct part *p);
	/* Where a name that is no field here would be right; the caller's. NULL: nowhere. */
	char *(*elsewhere)(const struct part *p, const char *name);
	void *arg; /* theirs */
};

/*
 * Reads it through libconfuse, and notes all that is wrong. No memory is noted too. False when it
 * could not be read to its end.
 */
bool part_read(struct part *p, struct notes *notes);

/* The name among those of the fields that was most likely meant; NULL: none is near. */
const char *part_nearest(const struct part_field *fields, const char *name);

/*
 * Reads text (ended by a NUL, as long as len says) into c. 0, or -EINVAL and
 * *messages (see config_load); name is what they begin with. -ENOMEM.
 */
int config_read(const char *name, char *text, size_t len, struct config *c, char ***messages);

#endif
