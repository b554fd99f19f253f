/* SPDX-License-Identifier: ISC */
/*
 * A property test of scheduling. Many short lives, each in a process of its own, from a seed. A
 * test has to be repeatable, so that the seeds are always the same ones; who looks for more takes
 * others each time. What went wrong is told with the last steps, and with what repeats it:
 *
 *	JOBD_SEEDS=any core/simulation.tap
 *	JOBD_SEED=N JOBD_STEPS=M core/simulation.tap
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jobd/core/state.h"
#include "lib/log.h"
#include "sim.h"
#include "sim_store.h"

#define ALWAYS 4711
#define OTHERS 117679717727689u
#ifndef KEPT
#define KEPT 100 /* steps that are told of where something is wrong */
#endif
#define STEP_CHARS 400

static struct {
	char text[KEPT][STEP_CHARS];
	uint64_t n;
	uint64_t random;
} the;

uint64_t sim_random(uint64_t below)
{
	uint64_t x = the.random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return below ? x % below : 0;
}

bool sim_chance(unsigned percent)
{
	return sim_random(100) < percent;
}

void sim_step(const char *fmt, ...)
{
	char *text = the.text[the.n++ % KEPT];
	va_list ap;

	world()->steps++;
	int n = snprintf(text, STEP_CHARS, "%llu @%llu.%06llu ", (unsigned long long)world()->steps,
	    (unsigned long long)(world()->mono / SECOND),
	    (unsigned long long)(world()->mono % SECOND));
	va_start(ap, fmt);
	vsnprintf(text + n, STEP_CHARS - (size_t)n, fmt, ap);
	va_end(ap);
}

void sim_add(const char *fmt, ...)
{
	char *text = the.text[(the.n + KEPT - 1) % KEPT];
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, STEP_CHARS - n, fmt, ap);
	va_end(ap);
}

void sim_fail(const char *fmt, ...)
{
	va_list ap;

	for (uint64_t i = the.n > KEPT ? the.n - KEPT : 0; i < the.n; i++)
		printf("# %s\n", the.text[i % KEPT]);
	printf("# FAILED at step %llu: ", (unsigned long long)world()->steps);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n# again: JOBD_SEED=%llu JOBD_STEPS=%llu core/%s.tap\n",
	    (unsigned long long)world()->seed, (unsigned long long)world()->steps_most,
	    SIM_PROGRAM);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

static void quiet(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)priority;
	(void)text;
	(void)len;
}

/* What a life tells its maker. */
struct tale {
	uint64_t steps, turns, restarts, starts, jobs;
	unsigned char rows[JOB_STATES][JOB_EVENTS];
};

static struct tale live(uint64_t seed, uint64_t steps)
{
	struct world *w = world();
	struct tale t;

	the.random = seed;
	w->seed = seed;
	w->steps_most = steps;
	world_begin();
	while (w->steps < steps)
		steps_random();
	world_settle();
	t = (struct tale){w->steps, w->turns, w->restarts, w->starts, w->jobs, {{0}}};
	memcpy(t.rows, w->rows, sizeof t.rows);
	world_end();
	return t;
}

struct child {
	pid_t pid;
	int fd;
};

static struct child bear(uint64_t seed, uint64_t steps)
{
	struct child c;
	int fds[2];

	fflush(stdout);
	if (pipe(fds) || (c.pid = fork()) < 0) {
		printf("Bail out! %s\n", strerror(errno));
		exit(EXIT_FAILURE);
	}
	if (c.pid == 0) {
		struct tale t = live(seed, steps);
		exit(write(fds[1], &t, sizeof t) == sizeof t ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	close(fds[1]);
	c.fd = fds[0];
	return c;
}

/* Whether it went well; then its tale is added. */
static bool bury(struct child c, struct tale *sum)
{
	struct tale t;
	int status = 0;
	ssize_t n = read(c.fd, &t, sizeof t);

	close(c.fd);
	waitpid(c.pid, &status, 0);
	if (n != sizeof t || status) {
		if (WIFSIGNALED(status))
			printf("# a life ended by signal %d\n", WTERMSIG(status));
		return false;
	}
	sum->steps += t.steps;
	sum->turns += t.turns;
	sum->restarts += t.restarts;
	sum->starts += t.starts;
	sum->jobs += t.jobs;
	for (int s = 0; s < JOB_STATES; s++)
		for (int e = 0; e < JOB_EVENTS; e++)
			sum->rows[s][e] |= t.rows[s][e];
	return true;
}

/* Lives from seeds that follow each other, two at a time. */
static bool test(int number, const char *name, uint64_t seed, struct tale *sum)
{
	uint64_t steps = sim_store_steps / sim_store_lives;
	struct child c[2];
	bool well = true;

	for (unsigned i = 0; i < sim_store_lives; i += 2) {
		c[0] = bear(seed + i, steps);
		c[1] = bear(seed + i + 1, steps);
		for (int n = 0; n < 2; n++) {
			if (bury(c[n], sum))
				continue;
			printf("# seed %llu, %llu steps\n",
			    (unsigned long long)(seed + i + (unsigned)n),
			    (unsigned long long)steps);
			well = false;
		}
		if (!well)
			break;
	}
	printf("%sok %d - scheduling over %s, %s (seed %llu)\n", well ? "" : "not ", number,
	    sim_store_kind, name, (unsigned long long)seed);
	return well;
}

/* Rows of the table that no life has come by: a test that sees less than it thinks is none. */
static bool seen_all(const struct tale *sum)
{
	unsigned rows = 0, seen = 0;

	for (int s = 0; s < JOB_STATES; s++) {
		for (int e = 1; e < JOB_EVENTS; e++) {
			if (!state_find((enum job_state)s, (enum job_event)e))
				continue;
			if (s == JOB_PAUSED && (e == EVENT_NEVER_RAN || e == EVENT_CANCELLED))
				continue; /* the table has them to be on the safe side */
			rows++;
			seen += sum->rows[s][e];
			if (!sum->rows[s][e])
				printf("# not seen: %s of a %s job\n",
				    state_event_name((enum job_event)e),
				    job_state_name((enum job_state)s));
		}
	}
	printf("# %llu steps, %llu turns, %llu jobs, %llu starts, %llu restarts of jobd, %u of %u "
	       "rows\n",
	    (unsigned long long)sum->steps, (unsigned long long)sum->turns,
	    (unsigned long long)sum->jobs, (unsigned long long)sum->starts,
	    (unsigned long long)sum->restarts, seen, rows);
	return seen == rows;
}

static int one(const char *seed, const char *steps)
{
	struct tale sum = live(strtoull(seed, NULL, 10),
	    steps ? strtoull(steps, NULL, 10) : sim_store_steps / sim_store_lives);

	seen_all(&sum);
	printf("1..1\nok 1 - scheduling over %s (seed %s)\n", sim_store_kind, seed);
	return EXIT_SUCCESS;
}

int main(void)
{
	struct tale sum = {0};
	uint64_t seed = OTHERS;
	struct timespec now;
	bool well;

	log_set_sink(quiet, NULL);
	if (getenv("JOBD_SEED"))
		return one(getenv("JOBD_SEED"), getenv("JOBD_STEPS"));
	if (getenv("JOBD_SEEDS") && clock_gettime(CLOCK_REALTIME, &now) == 0)
		seed = (uint64_t)now.tv_sec << 16 ^ (uint64_t)now.tv_nsec;
	printf("1..%d\n", sim_store_is_quick ? 3 : 2);
	well = test(1, "first", ALWAYS, &sum);
	well &= test(2, "and on", seed, &sum);
	bool all = seen_all(&sum);
	if (!sim_store_is_quick)
		return well ? EXIT_SUCCESS : EXIT_FAILURE;
	printf("%sok 3 - the steps came by every row of the table\n", all || !well ? "" : "not ");
	return well && all ? EXIT_SUCCESS : EXIT_FAILURE;
}
