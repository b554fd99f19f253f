/* SPDX-License-Identifier: ISC */
/*
 * The one decoder of wait statuses, and the names of signals. glibc's own
 * sigabbrev_np is too young for some systems and absent elsewhere; the list is short.
 */
#include "config.h"

#include "lib/status.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	int number;
	const char *name;
} signals[] = {
	{ SIGHUP, "HUP" },   { SIGINT, "INT" },       { SIGQUIT, "QUIT" }, { SIGILL, "ILL" },
	{ SIGTRAP, "TRAP" }, { SIGABRT, "ABRT" },     { SIGBUS, "BUS" },   { SIGFPE, "FPE" },
	{ SIGKILL, "KILL" }, { SIGUSR1, "USR1" },     { SIGSEGV, "SEGV" }, { SIGUSR2, "USR2" },
	{ SIGPIPE, "PIPE" }, { SIGALRM, "ALRM" },     { SIGTERM, "TERM" }, { SIGCHLD, "CHLD" },
	{ SIGCONT, "CONT" }, { SIGSTOP, "STOP" },     { SIGTSTP, "TSTP" }, { SIGTTIN, "TTIN" },
	{ SIGTTOU, "TTOU" }, { SIGURG, "URG" },       { SIGXCPU, "XCPU" }, { SIGXFSZ, "XFSZ" },
	{ SIGPROF, "PROF" }, { SIGVTALRM, "VTALRM" }, { SIGIO, "IO" },     { SIGWINCH, "WINCH" },
	{ SIGSYS, "SYS" },
#ifdef SIGSTKFLT
	{ SIGSTKFLT, "STKFLT" },
#endif
#ifdef SIGPWR
	{ SIGPWR, "PWR" },
#endif
};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

struct status status_decode(int wait_status)
{
	struct status s = { .code = -1 };
	if (WIFEXITED(wait_status))
		s.code = WEXITSTATUS(wait_status);
	else if (WIFSIGNALED(wait_status))
		s.signal = WTERMSIG(wait_status);
	return s;
}

int status_from_siginfo(int code, int value)
{
	switch (code) {
	case CLD_EXITED:
		return (value & 0xff) << 8;
	case CLD_KILLED:
		return value & 0x7f;
	case CLD_DUMPED:
		return (value & 0x7f) | 0x80;
	case CLD_CONTINUED:
		return 0xffff;
	default: /* stopped, trapped */
		return (value & 0xff) << 8 | 0x7f;
	}
}

/* The system call, for the usage, which libc's function leaves out. */
pid_t status_wait(pid_t pid, bool leave, int *wait_status, struct rusage *usage)
{
	siginfo_t si = { 0 };
	struct rusage ru = { 0 };
	int options = WEXITED | WNOHANG | (leave ? WNOWAIT : 0);
	if (syscall(SYS_waitid, pid ? P_PID : P_ALL, pid, &si, options, &ru) < 0)
		return -errno;
	if (si.si_pid && wait_status)
		*wait_status = status_from_siginfo(si.si_code, si.si_status);
	if (si.si_pid && usage)
		*usage = ru;
	return si.si_pid;
}

const char *status_signal_name(int sig)
{
	static char digits[16];
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i].number == sig)
			return signals[i].name;
	snprintf(digits, sizeof(digits), "%d", sig);
	return digits;
}

int status_signal_parse(const char *name)
{
	if (name[0] >= '0' && name[0] <= '9') {
		char *end;
		errno = 0;
		long n = strtol(name, &end, 10);
		return errno == 0 && *end == '\0' && n > 0 && n <= SIGRTMAX ? (int)n : 0;
	}
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < SIGNALS; i++)
		if (strcasecmp(signals[i].name, name) == 0)
			return signals[i].number;
	return 0;
}

bool status_signal_stops(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU || sig == SIGCONT;
}

int status_shell_code(int wait_status)
{
	struct status s = status_decode(wait_status);
	return s.signal ? 128 + s.signal : s.code;
}
