/* SPDX-License-Identifier: ISC */
/* The exit codes of jobctl. Scripts rely on them: they never change their meaning. */
#ifndef JOBCTL_CODE_H
#define JOBCTL_CODE_H

enum code {
	CODE_DONE = 0,		/* done, or it was so already */
	CODE_SOME = 1,		/* some of several failed; also what has no code of its own */
	CODE_USAGE = 2,		/* the command line is wrong */
	CODE_STATE = 3,		/* the job's state does not allow it */
	CODE_NOT_FOUND = 4,	/* no such job, queue or template */
	CODE_DENIED = 5,	/* not permitted */
	CODE_UNREACHABLE = 7,	/* the daemon can't be reached */
	CODE_TIMED_OUT = 124,	/* run, wait, submit --wait: the job timed out */
	CODE_OWN = 125,		/* the same: jobctl or jobd failed, not the job */
	CODE_NOT_STARTED = 126, /* the same: the command could not be started */
	CODE_NO_COMMAND = 127,	/* the same: there is no such command */
	CODE_INTERRUPTED = 130, /* Ctrl-C a second time: left without waiting */
};

#endif
