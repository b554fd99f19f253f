/* SPDX-License-Identifier: ISC */
/* Between aside.c and the helper process: messages, and a page of memory that both see. */
#ifndef LIB_ASIDE_HELPER_H
#define LIB_ASIDE_HELPER_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/aside.h"

#define ASIDE_LANES   64 /* for descriptors, by their owner; one more is for files */
#define ASIDE_TRUSTED 0	 /* root's, and the sender's own user's */
#define ASIDE_FILES   ASIDE_LANES
#define ASIDE_FDS     253 /* in one message: the kernel's SCM_MAX_FD */

/*
 * With descriptors: in a lane of an owner, to be closed; with a name, the directory that this name
 * and those that follow are in.
 */
struct aside_message {
	uint64_t number; /* they count up */
	uint32_t lane;
	uint32_t count; /* of the descriptors that come along */
	char name[64];
};

struct aside_page {
	_Atomic uint64_t taken;	   /* messages that the helper has received */
	_Atomic uint64_t released; /* the sender's copies are closed up to this message */
	_Atomic uint32_t pending[ASIDE_LANES + 1]; /* descriptors, or files */
};

/* The helper, in a process that has all signals blocked: does not return. fd receives the messages; parent is who sends them. */
_Noreturn void aside_help(int fd, struct aside_page *page, const struct aside_deeds *deeds, pid_t parent);

#endif
