/* SPDX-License-Identifier: ISC */
/*
 * jobd_bench: the figures that jobd is held to, each measured beside a base and
 * printed beside its target. A program, not a test: what does not hold is
 * said, and is no failure.
 *
 *	main.c		the command line; a supervisor that ends and removes everything
 *	figures.c	series of measurements, and how they are printed
 *	instance.c	a private jobd, and calls to it
 *	loops.c		the bases of jobs.c: a bare loop, a loop over keepers
 *	jobs.c		trivial jobs a second
 *	submit.c	submissions a second, and one at a time
 *	pause.c		a pause among a thousand trees
 *	tree.c		the tree that is paused: the command of those jobs
 *	queues.c	what a job costs among many that wait, and a plan of linked ones
 *	large.c		a store of a million ended jobs
 *
 * The measuring runs in a child of the supervisor: it may end anywhere
 * (bench_die), since the supervisor ends whatever it leaves running.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/varlink.h"

struct bench {
	const char *dir;    /* temporary, on the file system that is measured */
	const char *run;    /* temporary, where sockets are made: a tmpfs, as /run is one */
	const char *self;   /* this program */
	const char *jobd, *keeper;
	const char *cgroup; /* a cgroup v2 directory of ours, or NULL */
	const char *store;  /* large: keep the filled store here; NULL: in dir, for this run */
	unsigned rounds;    /* interleaved runs of each figure */
	bool quick;	    /* a tenth of the work: to try the program itself */
};

/* Prints why and ends the measuring process. */
void __attribute__((noreturn, format(printf, 1, 2))) bench_die(const char *fmt, ...);
/* below/name, made; the caller's to free. */
char *bench_mkdir(const char *below, const char *name);
size_t bench_count(const struct bench *b, size_t n);

/* ---- figures.c ---- */

struct series {
	double *v;
	size_t n;
};

void series_add(struct series *s, double v);
void series_fini(struct series *s);
/* The value below which that part (0 to 1) of the series lies. */
double series_at(const struct series *s, double part);
double series_median(const struct series *s);

enum unit { PER_SECOND, MICROSECONDS, MILLISECONDS, MEGABYTES, BYTES };
enum bound { NO_BOUND, AT_LEAST, AT_MOST };

void figures_head(const char *title, const char *text);
/* A figure: the median of its runs, their range, and what is wanted of it. */
void figures_print(const char *what, const struct series *runs, enum unit unit, enum bound bound,
    double wanted);
/* The base that stands beside the figure printed last: what part of it the figure is, and should
 * be. */
void figures_base(const char *what, const struct series *runs, enum unit unit, enum bound bound,
    double wanted);
/* A remark below them. */
void __attribute__((format(printf, 1, 2))) figures_note(const char *fmt, ...);
/* The last line: how many hold. */
void figures_sum_up(void);

/* ---- instance.c ---- */

/* A private jobd in directories of its own below b->dir and b->run, and a connection to it. */
struct instance {
	pid_t pid;
	char *dir, *run, *socket, *log;
	struct varlink_client *client;
	uint64_t ready_us; /* from its exec to its first answer */
};

/* Starts it with this configuration; state is another state directory, or NULL. */
void instance_start(const struct bench *b, const char *name, const char *config, const char *state,
    struct instance *i);
/* The same, for jobs of n users bench0, bench1, …, whom that jobd and its keepers alone know.
 * False: there are none, and it runs without. */
bool instance_start_users(const struct bench *b, const char *name, const char *config, unsigned n,
    struct instance *i);
/* Another configuration, in force when this returns. */
void instance_configure(struct instance *i, const char *config);
/* SIGTERM, and waits. Its directory stays. */
void instance_stop(struct instance *i);

void instance_send(struct instance *i, const char *method, json_t *params);
/* The next reply's parameters, the caller's. An error ends the program. */
json_t *instance_receive(struct instance *i);
json_t *instance_call(struct instance *i, const char *method, json_t *params);
/* Jobs in that state, of those that have not ended. */
int64_t instance_jobs(struct instance *i, const char *state);
/* Waits until there are so many in that state; ends the program after a minute. */
void instance_await(struct instance *i, const char *state, int64_t n);
void instance_await_at_least(struct instance *i, const char *state, int64_t n);
/* A field of org.jobd.Monitor.Health. */
int64_t instance_health(struct instance *i, const char *field);

/*
 * Submits n jobs over the connection, at most BENCH_WINDOW unanswered: params
 * is a template (borrowed); with tokens, each has one of its own. ids, if not NULL, takes theirs.
 */
#define BENCH_WINDOW 200
void instance_submit(struct instance *i, json_t *params, size_t n, bool tokens, uint64_t *ids);

/* ---- loops.c ---- */

/* Trivial jobs a second, four at a time, n of them. */
double loop_bare(size_t n);
double loop_keepers(const struct bench *b, const char *cgroup, size_t n);

/* Microseconds of an append of len bytes and an fdatasync, to a file in dir: n of them, into s. */
void loop_appends(const struct bench *b, size_t len, size_t n, struct series *s);

/* ---- the figures ---- */

/* 2 kB of variables, as Submit takes them. */
json_t *bench_environment(void);

void keepers_run(const struct bench *b);
void jobs_run(const struct bench *b);
void submit_run(const struct bench *b);
void pause_run(const struct bench *b);
void large_run(const struct bench *b);
void queues_run(const struct bench *b);

/* The command of pause's jobs; does not return. */
#define TREE_SIZE 8
int tree_main(int period_ms);

#endif
