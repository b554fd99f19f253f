/* SPDX-License-Identifier: ISC */
/*
 * What a process hands to the program that it executes in its own place: descriptors, and what
 * is to be known of them. Libc only.
 *
 * The record goes along in a sealed memory file, whose number is in the environment
 * as JOBD_HANDOVER. It is one of lib/tlv.h:
 *
 *	1   HANDOVER_VERSION of the writer
 *	2   the number of a descriptor that goes along (repeated)
 *	16… a section, a record of whoever wrote it (enum handover_section)
 *
 *	version 1, descriptor 7, the server's section 01 01 07:
 *	01 01 01  02 01 07  11 03 01 01 07
 *
 * The next program may be older or newer: tags and sections are only ever added, a reader skips
 * what it does not know, and descriptors that nobody claims are closed. So a tag is
 * for what its absence does no harm to; anything else is another HANDOVER_VERSION, which a
 * reader must know before it is executed (jobd -t says which it does).
 */
#ifndef LIB_HANDOVER_H
#define LIB_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/tlv.h"

#define HANDOVER_VERSION 1

enum handover_section {
	HANDOVER_DAEMON = 16,
	HANDOVER_SERVER,
	HANDOVER_PROC,
	HANDOVER_API,
};

struct handover;

/* To write one. NULL where there is no memory. */
struct handover *handover_new(void);
/* Adds a section; it is copied. What fails for want of memory shows in handover_write. */
void handover_put(struct handover *h, enum handover_section tag, const struct buf *section);
/* This descriptor goes along. It stays the caller's. */
void handover_fd(struct handover *h, int fd);
/* The record as a sealed memory file, close-on-exec: a descriptor that is the caller's, or -errno. */
int handover_write(const struct handover *h);
/*
 * Executes path in this process's place, with what was put and these variables more ("NAME=value",
 * NULL-terminated). Returns only where that is impossible: -errno, and everything is as it was. No other
 * thread may start a program meanwhile: it would inherit.
 */
int handover_exec(const struct handover *h, const char *path, char *const argv[], char *const more[]);

/*
 * Takes what a former self left, out of the environment too. 0 and *out, NULL where there is nothing;
 * or -errno (-EBADMSG: it is damaged), and what it named is closed. Every descriptor is close-on-exec from
 * here on.
 */
int handover_take(struct handover **out);
/* The same from a descriptor, which is taken over. */
int handover_read(int fd, struct handover **out);
/* A section, borrowed; false where there is none. The last one counts. */
bool handover_get(const struct handover *h, enum handover_section tag, struct tlv *section);
/* Makes a descriptor the caller's. False where it did not come along, or is somebody's already. */
bool handover_claim(struct handover *h, int fd);
/* Lets it go once more over an exec of oneself, but for what was claimed. 0 or -errno. */
int handover_again(const struct handover *h);

/* Forgets it; of one that was taken, what nobody claimed is closed. handover_free(NULL) is safe. */
void handover_free(struct handover *h);

/* A counter with a name, as a field of a section. What one self counts another may not know. */
void handover_count_put(struct buf *section, uint32_t tag, const char *name, uint64_t n);
/* Whether the field is the counter with this name; then *n is what it came to. */
bool handover_count_get(const struct tlv *field, const char *name, uint64_t *n);

#endif
