/* SPDX-License-Identifier: ISC */
/*
 * Lookups that may block, made by up to four threads. What is asked and what
 * is answered are lists between the loop and the threads.
 */
#ifndef SYS_NAMES_LOOKUP_H
#define SYS_NAMES_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "jobd/sys/names.h"

struct lookups;

enum lookup_kind {
	LOOKUP_USER = 1, /* the name of a uid */
	LOOKUP_UID,	 /* the uid of a user's name */
	LOOKUP_GID,	 /* the gid of a group's name */
};

struct answer {
	enum lookup_kind kind;
	uint32_t id; /* LOOKUP_USER: what was asked; else, when rc is 0, the answer */
	char *name;  /* LOOKUP_USER: when rc is 0, the answer; else what was asked. The caller's. */
	int rc;	     /* 0, -ENOENT: there is none, other: nobody could tell */
};

int lookups_open(const struct names_lookup *lookup, struct lookups **out);

/* Asks; name is copied, and not looked at for LOOKUP_USER. 0 or -errno. */
int lookups_ask(struct lookups *l, enum lookup_kind kind, uint32_t id, const char *name);

/* Readable when there are answers. */
int lookups_fd(const struct lookups *l);

/* Takes one; false when there is none left. */
bool lookups_take(struct lookups *l, struct answer *out);

/* Does not wait: a thread that hangs frees the rest when it comes back. */
void lookups_close(struct lookups *l);

#endif
