/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/status.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/* What the kernel gives, both ways, for a child that does this. */
static int both_ways(int code, int sig)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct rlimit none = { 0, 0 };
		setrlimit(RLIMIT_CORE, &none);
		if (sig) {
			signal(sig, SIG_DFL);
			raise(sig);
		}
		_exit(code);
	}
	siginfo_t info;
	int status;
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status_from_siginfo(info.si_code, info.si_status), status);
	return status;
}

START_TEST(an_exit_has_a_code_and_no_signal)
{
	static const int codes[] = { 0, 1, 127, 255 };
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct status s = status_decode(both_ways(codes[i], 0));
		ck_assert_int_eq(s.code, codes[i]);
		ck_assert_int_eq(s.signal, 0);
		ck_assert_int_eq(status_shell_code(both_ways(codes[i], 0)), codes[i]);
	}
}
END_TEST

START_TEST(a_signal_has_no_code)
{
	static const int sigs[] = { SIGKILL, SIGTERM, SIGHUP };
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		struct status s = status_decode(both_ways(0, sigs[i]));
		ck_assert_int_eq(s.code, -1);
		ck_assert_int_eq(s.signal, sigs[i]);
		ck_assert_int_eq(status_shell_code(both_ways(0, sigs[i])), 128 + sigs[i]);
	}
}
END_TEST

START_TEST(a_core_dump_is_an_end_by_the_signal)
{
	struct status s = status_decode(status_from_siginfo(CLD_DUMPED, SIGSEGV));
	ck_assert_int_eq(s.signal, SIGSEGV);
	ck_assert_int_eq(s.code, -1);
}
END_TEST

START_TEST(a_process_that_only_stopped_has_not_ended)
{
	int stopped = status_from_siginfo(CLD_STOPPED, SIGSTOP);
	ck_assert(WIFSTOPPED(stopped));
	ck_assert_int_eq(WSTOPSIG(stopped), SIGSTOP);
	ck_assert(WIFCONTINUED(status_from_siginfo(CLD_CONTINUED, SIGCONT)));
	ck_assert_int_eq(status_decode(stopped).code, -1);
	ck_assert_int_eq(status_decode(stopped).signal, 0);
}
END_TEST

START_TEST(every_signal_is_understood_by_the_name_it_is_given)
{
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		ck_assert_int_eq(status_signal_parse(status_signal_name(sig)), sig);
	ck_assert_str_eq(status_signal_name(SIGTERM), "TERM");
	ck_assert_str_eq(status_signal_name(SIGRTMAX), "64");
}
END_TEST

START_TEST(names_are_taken_with_and_without_sig_and_nonsense_is_not)
{
	ck_assert_int_eq(status_signal_parse("SIGTERM"), SIGTERM);
	ck_assert_int_eq(status_signal_parse("sigusr1"), SIGUSR1);
	ck_assert_int_eq(status_signal_parse("9"), SIGKILL);
	static const char *const wrong[] = { "", "SIG", "FOO", "0", "-9", "9x", "65", "TERM ",
		"99999999999999999999" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(status_signal_parse(wrong[i]) == 0, "took \"%s\"", wrong[i]);
}
END_TEST

START_TEST(a_child_that_ended_is_looked_at_before_it_is_reaped)
{
	int status = 77;
	struct rusage used = { .ru_maxrss = -1 };
	ck_assert_int_eq(status_wait(0, false, &status, &used), -ECHILD);
	int gate[2];
	ck_assert_int_eq(pipe(gate), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(gate[1]);
		_exit(read(gate[0], &status, 1) == 0 ? 5 : 6);
	}
	ck_assert_int_eq(status_wait(pid, true, &status, &used), 0);
	ck_assert_int_eq(status, 77);
	ck_assert_int_eq(used.ru_maxrss, -1);
	close(gate[1]);
	siginfo_t si;
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(status_wait(0, true, NULL, NULL), pid);
	ck_assert_int_eq(status_wait(pid, false, &status, &used), pid);
	ck_assert_int_eq(WEXITSTATUS(status), 5);
	ck_assert_int_gt(used.ru_maxrss, 0);
	ck_assert_int_eq(status_wait(pid, false, NULL, NULL), -ECHILD);
	close(gate[0]);
}
END_TEST

START_TEST(what_stops_or_continues_is_known)
{
	static const int stop[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT };
	int n = 0;
	for (size_t i = 0; i < sizeof(stop) / sizeof(stop[0]); i++)
		ck_assert(status_signal_stops(stop[i]));
	for (int sig = 0; sig <= SIGRTMAX; sig++)
		n += status_signal_stops(sig);
	ck_assert_int_eq(n, 5);
}
END_TEST

UNIT_MAIN("status", what_stops_or_continues_is_known,
    a_child_that_ended_is_looked_at_before_it_is_reaped,
    an_exit_has_a_code_and_no_signal, a_signal_has_no_code, a_core_dump_is_an_end_by_the_signal,
    a_process_that_only_stopped_has_not_ended, every_signal_is_understood_by_the_name_it_is_given,
    names_are_taken_with_and_without_sig_and_nonsense_is_not)
