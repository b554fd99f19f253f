/* SPDX-License-Identifier: ISC */
/*
 * A job of eight processes that do next to nothing: the command itself; a child
 * with a grandchild in a session of its own; one that spawns a program every
 * so often and waits for it; four that sleep. Only forks, so that a thousand of
 * them fit everywhere.
 */
#include "config.h"

#include "bench/bench.h"

#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void __attribute__((noreturn)) sleep_on(void)
{
	for (;;)
		pause();
}

static void wait_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void __attribute__((noreturn)) spawn_on(int period_ms)
{
	char name[] = "true", *argv[] = { name, NULL }, *env[] = { NULL };
	int status;
	pid_t pid;

	/* A thousand of them must not beat in time. */
	wait_ms(getpid() * 7919L % period_ms);
	for (;;) {
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env) == 0)
			waitpid(pid, &status, 0);
		wait_ms(period_ms);
	}
}

int tree_main(int period_ms)
{
	if (period_ms < 1)
		return 2;
	pid_t pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			setsid();
		sleep_on();
	}
	if (fork() == 0)
		spawn_on(period_ms);
	for (int i = 0; i < TREE_SIZE - 4; i++)
		if (fork() == 0)
			sleep_on();
	sleep_on();
}
