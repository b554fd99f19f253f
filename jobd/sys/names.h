/* SPDX-License-Identifier: ISC */
/*
 * Users' and groups' names. A name service may hang for minutes, so lookups are
 * made by up to four threads, answers are cached for five minutes, and the loop is
 * told when there is something new. Nothing here waits.
 */
#ifndef SYS_NAMES_H
#define SYS_NAMES_H

#include <stdbool.h>
#include <sys/types.h>

struct event_base;
struct names;

enum names_result {
	NAMES_KNOWN,   /* *id is set */
	NAMES_UNKNOWN, /* there is none */
	NAMES_PENDING, /* asked for less than two seconds ago: known is called when there is news */
	NAMES_LATE,    /* the name service hangs or fails: known is called when it may be worth asking */
};

/*
 * What asks: functions that may block, called in threads. The defaults ask the
 * system. Each returns 0 when found, -ENOENT when there is none, else -errno.
 * user fills *name with a new string.
 */
struct names_lookup {
	int (*user)(uid_t uid, char **name);
	int (*uid)(const char *user, uid_t *uid);
	int (*gid)(const char *group, gid_t *gid);
};

/*
 * known is called in the loop after new answers (or a lookup's giving up) came in, and when an
 * id that could not be looked up for an error can be asked for again, five seconds later.
 * lookup NULL: the system's. 0 or -errno.
 */
int names_open(struct event_base *base, void (*known)(void *ctx), void *ctx,
    const struct names_lookup *lookup, struct names **out);

/*
 * The name of a uid. True: *name is borrowed until the loop's next turn; digits where the uid has
 * no name, or where the lookup takes longer than two seconds. False: asked for.
 */
bool names_user(struct names *n, uid_t uid, const char **name);

/* The id of a name. A lookup that takes longer than two seconds is NAMES_LATE until it is through. */
enum names_result names_uid(struct names *n, const char *user, uid_t *uid);
enum names_result names_gid(struct names *n, const char *group, gid_t *gid);

/* Forgets what is cached: after a reload. */
void names_flush(struct names *n);

/* Does not wait for lookups that hang: their threads are left behind, and free what they hold. */
void names_close(struct names *n);

#endif
