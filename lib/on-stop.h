/* SPDX-License-Identifier: ISC */
/* What becomes of the running jobs when jobd stops: the configuration, the protocol and jobctl have
 * the same words for it. Libc only. */
#ifndef LIB_ON_STOP_H
#define LIB_ON_STOP_H

/* 0: nothing is said of it. */
enum on_stop {
	ON_STOP_KEEP = 1, /* they go on */
	ON_STOP_PAUSE,	  /* they are paused, and the next start resumes them */
	ON_STOP_CANCEL,	  /* they are cancelled, paused ones too */
};

/* The word for it: "keep", "pause", "cancel"; NULL for what is none of them. */
const char *on_stop_name(enum on_stop how);
/* The one with this name, or 0. */
enum on_stop on_stop_parse(const char *name);

#endif
