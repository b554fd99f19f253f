/* SPDX-License-Identifier: ISC */
/*
 * Many queues: a thousand jobs run and many more are queued, in 20 queues by up to 50 users, with
 * limits, priorities and dependencies; those that run end after a while, and others take their
 * places. What they cost is jobd's CPU time divided by the jobs that were started in it. Then a
 * plan of linked jobs, and what others wait for meanwhile.
 *
 * The users are such as a file has that is bound over /etc/passwd for jobd and its keepers alone;
 * where that can't be done all jobs are the caller's.
 */
#include "config.h"

#include "bench/bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"

#define RUNNING	 1000
#define QUEUES	 20
#define USERS	 50
#define QUEUED	 10000
#define MORE	 100000
#define LIFE_MS	 2000 /* to three times as long */
#define WINDOW_S 10
#define PLAN	 10000
#define SLICE	 500

static unsigned seed = 3;

static unsigned any(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static char *make_config(unsigned running)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "max_running = %u\nuser_max_running = 60\ncgroup = no\n", running);
	for (int i = 0; i < QUEUES; i++)
		buf_printf(&b, "queue q%d { max_running = %d }\n", i, 55 + i);
	buf_put(&b, "", 1);
	return (char *)b.data;
}

static json_t *any_job(bool users, uint64_t last)
{
	char queue[16], user[16], life[16];
	unsigned ms = LIFE_MS + any(2 * LIFE_MS);

	snprintf(life, sizeof life, "%u.%03u", ms / 1000, ms % 1000);
	json_t *p = json_pack("{s:[s, s], s:s, s:i}", "command", "/bin/sleep", life, "cwd", "/",
	    "priority", 1 + (int)any(10));

	snprintf(queue, sizeof queue, "q%u", any(QUEUES));
	json_object_set_new(p, "queue", json_string(queue));
	snprintf(user, sizeof user, "bench%u", any(USERS));
	if (users)
		json_object_set_new(p, "user", json_string(user));
	if (last && any(10) == 0)
		json_object_set_new(p, "after", json_pack("[{s:I, s:s}]", "id", (json_int_t)last, "on", "any"));
	return p;
}

/* So many that wait. */
static void fill(struct instance *i, bool users, size_t n)
{
	static uint64_t last;
	size_t sent = 0, done = 0;

	while (done < n) {
		for (; sent < n && sent - done < BENCH_WINDOW; sent++)
			instance_send(i, "org.jobd.Job.Submit", any_job(users, last));
		json_t *r = instance_receive(i);
		last = (uint64_t)json_integer_value(json_object_get(json_object_get(r, "job"), "id"));
		json_decref(r);
		done++;
	}
}

static double cpu_us(pid_t pid)
{
	struct timespec t = { 0, 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		bench_die("the CPU time of jobd can't be told");
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Jobs that were started until now: all but those that wait. */
static int64_t started(struct instance *i)
{
	json_t *h = instance_call(i, "org.jobd.Monitor.Health", NULL);
	const json_t *jobs = json_object_get(h, "jobs");
	int64_t n = json_integer_value(json_object_get(jobs, "running"))
	    + json_integer_value(json_object_get(jobs, "completed"));

	json_decref(h);
	return n;
}

static void nap_s(unsigned s)
{
	nanosleep(&(struct timespec){ (time_t)s, 0 }, NULL);
}

/* So many may run; waits until they do, or nearly so, or until no more than that do. */
static void let_run(struct instance *i, unsigned n)
{
	char *config = make_config(n);
	bool fewer = instance_jobs(i, "running") > n;

	instance_configure(i, config);
	free(config);
	for (int tries = 0; fewer ? instance_jobs(i, "running") > n :
			     instance_jobs(i, "running") < n * 97 / 100; tries++) {
		if (tries == 3000)
			bench_die("there never were %u jobs running", n);
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
}

static double cpu_per_start(struct instance *i, double cpu, int64_t from)
{
	int64_t n = started(i) - from;

	if (n <= 0)
		bench_die("nothing was started");
	return (cpu_us(i->pid) - cpu) / (double)n;
}

/* What a start costs: some hundred in a row. And what a job costs, with its end, while they come
 * one by one. */
static void measure(
    const struct bench *b, struct instance *i, const char *what, bool users, size_t queued)
{
	struct series start = { 0 }, job = { 0 };
	char text[80];

	for (unsigned r = 0; r < b->rounds; r++) {
		int64_t waiting = instance_jobs(i, "queued");
		if (waiting < (int64_t)queued)
			fill(i, users, queued - (size_t)waiting);
		let_run(i, RUNNING * 6 / 10);
		int64_t from = started(i);
		double cpu = cpu_us(i->pid);
		let_run(i, RUNNING);
		series_add(&start, cpu_per_start(i, cpu, from));
		from = started(i);
		cpu = cpu_us(i->pid);
		nap_s(b->quick ? WINDOW_S / 5 : WINDOW_S);
		series_add(&job, cpu_per_start(i, cpu, from));
	}
	snprintf(text, sizeof text, "%s: choosing, starting, recording", what);
	figures_print(text, &start, MICROSECONDS, AT_MOST, 250);
	snprintf(text, sizeof text, "%s: a job, with its end", what);
	figures_print(text, &job, MICROSECONDS, NO_BOUND, 0);
	series_fini(&start);
	series_fini(&job);
}

static void many_queues(const struct bench *b)
{
	char *config = make_config(RUNNING);
	struct instance i;
	bool users = instance_start_users(b, "queues", config, USERS, &i);

	figures_note("jobs of %s", users ? "50 users" : "one user: no others can be made here");
	int64_t kb = instance_health(&i, "rss_kb");
	fill(&i, users, RUNNING + bench_count(b, QUEUED));
	instance_await_at_least(&i, "running", RUNNING * 9 / 10);
	measure(b, &i, "10,000 queued", users, bench_count(b, QUEUED));
	struct series bytes = { 0 };
	int64_t was = instance_health(&i, "rss_kb"), had = instance_jobs(&i, "queued");
	fill(&i, users, bench_count(b, MORE) - (size_t)had);
	int64_t more = instance_jobs(&i, "queued") - had;
	series_add(&bytes, (double)(instance_health(&i, "rss_kb") - was) * 1024 / (double)more);
	figures_print("memory of a queued job", &bytes, BYTES, AT_MOST, 1000);
	measure(b, &i, "100,000 queued", users, bench_count(b, MORE));
	figures_note("jobd had %lld kB when it was empty, and has %lld", (long long)kb,
	    (long long)instance_health(&i, "rss_kb"));
	series_fini(&bytes);
	instance_stop(&i);
	free(config);
}

/* Others ask, and wait for their answers: the longest, in ms, to out, when told to end. */
static volatile sig_atomic_t over;

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

static pid_t others(const struct instance *i, int out)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	struct instance own = *i;
	double longest = 0;
	signal(SIGTERM, on_term);
	if (varlink_client_open(own.socket, &own.client))
		_exit(1);
	for (int n = 0; !over; n++) {
		uint64_t start = clock_mono_us();
		json_decref(instance_call(&own, n % 2 ? "org.jobd.Monitor.Health" : "org.jobd.Job.List",
		    n % 2 ? NULL : json_pack("{s:i}", "limit", 20)));
		double ms = (double)(clock_mono_us() - start) / 1000;
		longest = ms > longest ? ms : longest;
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	}
	_exit(write(out, &longest, sizeof longest) == sizeof longest ? 0 : 1);
}

/* A job of the plan, waiting for the one before it. */
static json_t *link_of(uint64_t before, size_t at)
{
	json_t *j = json_pack("{s:[s, s]}", "command", "/bin/echo", "a link of the chain");

	if (at > 0)
		json_object_set_new(j, "after", json_pack("[{s:I}]", "item", (json_int_t)at - 1));
	else if (before)
		json_object_set_new(j, "after", json_pack("[{s:I}]", "id", (json_int_t)before));
	return j;
}

static json_t *slice(const json_t *environment, uint64_t batch, uint64_t before, size_t n, bool more)
{
	json_t *jobs = json_array();

	for (size_t at = 0; at < n; at++)
		json_array_append_new(jobs, link_of(before, at));
	json_t *p = json_pack("{s:o, s:b}", "jobs", jobs, "more_follows", more);
	json_object_set(p, "environment", (json_t *)(uintptr_t)environment);
	if (batch)
		json_object_set_new(p, "batch", json_integer((json_int_t)batch));
	return p;
}

static void submit_plan(struct instance *i, const json_t *environment, size_t n)
{
	uint64_t batch = 0, before = 0;

	for (size_t sent = 0; sent < n; sent += SLICE) {
		json_t *r = instance_call(i, "org.jobd.Job.SubmitMany",
		    slice(environment, batch, before, SLICE, sent + SLICE < n));
		const json_t *ids = json_object_get(r, "ids");
		batch = (uint64_t)json_integer_value(json_object_get(r, "batch"));
		before = (uint64_t)json_integer_value(json_array_get(ids, json_array_size(ids) - 1));
		json_decref(r);
	}
}

static void plans(const struct bench *b)
{
	struct series s = { 0 }, longest = { 0 };
	json_t *environment = bench_environment();
	size_t n = bench_count(b, PLAN);

	for (unsigned r = 0; r < b->rounds; r++) {
		struct instance i;
		char name[32];
		double ms = 0;
		int pipe_fd[2];
		snprintf(name, sizeof name, "plan-%u", r);
		instance_start(b, name, "max_running = 1\ncgroup = no\n", NULL, &i);
		if (pipe(pipe_fd))
			bench_die("no pipe");
		pid_t pid = others(&i, pipe_fd[1]);
		nanosleep(&(struct timespec){ 0, 200000000 }, NULL);
		uint64_t start = clock_mono_us();
		submit_plan(&i, environment, n);
		series_add(&s, (double)(clock_mono_us() - start) / 1000);
		nanosleep(&(struct timespec){ 0, 200000000 }, NULL);
		kill(pid, SIGTERM);
		if (read(pipe_fd[0], &ms, sizeof ms) != sizeof ms || waitpid(pid, NULL, 0) != pid)
			bench_die("the others told nothing");
		series_add(&longest, ms);
		close(pipe_fd[0]);
		close(pipe_fd[1]);
		instance_stop(&i);
	}
	figures_print("until it is sealed", &s, MILLISECONDS, AT_MOST, 1000);
	figures_print("the longest wait of another's call", &longest, MILLISECONDS, AT_MOST, 50);
	series_fini(&s);
	series_fini(&longest);
	json_decref(environment);
}

void queues_run(const struct bench *b)
{
	char head[160];

	snprintf(head, sizeof head,
	    "%d running, for 2 to 6 s each, %d queues, limits, priorities, one in ten waits for another",
	    RUNNING, QUEUES);
	figures_head("Many queues", head);
	many_queues(b);
	snprintf(head, sizeof head, "%zu jobs, each waiting for the one before, 2 kB of environment",
	    bench_count(b, PLAN));
	figures_head("A plan", head);
	plans(b);
}
