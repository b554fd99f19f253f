/* SPDX-License-Identifier: ISC */
/*
 * A private jobd: its own configuration, directories and socket, in the
 * foreground, its log in a file. Whatever it answers that is not expected ends
 * the program.
 */
#include "config.h"

#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/random.h"
#include "lib/clock.h"

#define FIRST_UID 50000u
#define READY_US  30000000u
#define ANSWER_MS 60000
#define AWAIT_US  60000000u

static const char *users; /* the passwd file of the one that is being started, or NULL */

static char *in_dir(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		bench_die("no memory");
	return path;
}

static void write_config(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		bench_die("%s: %s", path, strerror(errno));
}

static void nap(unsigned us)
{
	nanosleep(&(struct timespec){ 0, (long)us * 1000 }, NULL);
}

/* Binds a file over /etc/passwd, for this process and those that come of it. */
static bool know_users(const char *passwd)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
	    && mount(passwd, "/etc/passwd", NULL, MS_BIND, NULL) == 0;
}

static void __attribute__((noreturn)) become_jobd(const struct bench *b, const struct instance *i,
    const char *config, const char *state)
{
	int fd = open(i->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(126);
	if (users && !know_users(users))
		_exit(126);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("JOBD_CRASH_AT");
	execl(b->jobd, "jobd", "-f", "-c", config, "--state-dir", state, "--runtime-dir", i->run,
	    "--socket", i->socket, (char *)NULL);
	fprintf(stderr, "%s: %s\n", b->jobd, strerror(errno));
	_exit(127);
}

/* The directory is removed: what jobd said last is said here. */
static void show(const char *log)
{
	char line[1024];
	FILE *f = fopen(log, "r");

	if (f && fseek(f, -4000, SEEK_END) == 0 && !fgets(line, sizeof line, f))
		rewind(f);
	while (f && fgets(line, sizeof line, f))
		fputs(line, stderr);
	if (f)
		fclose(f);
}

/* Connects as soon as that is possible, and asks something. */
static void await_ready(struct instance *i, uint64_t start)
{
	int status;

	while (varlink_client_open(i->socket, &i->client) < 0) {
		if (clock_mono_us() - start > READY_US)
			bench_die("jobd does not answer");
		if (waitpid(i->pid, &status, WNOHANG) == i->pid) {
			show(i->log);
			bench_die("jobd did not start");
		}
		nap(500);
	}
	json_decref(instance_call(i, "org.varlink.service.GetInfo", NULL));
	i->ready_us = clock_mono_us() - start;
}

static void copy_passwd(FILE *to)
{
	char line[1024];
	FILE *f = fopen("/etc/passwd", "r");

	while (f && fgets(line, sizeof line, f))
		fputs(line, to);
	if (f)
		fclose(f);
}

static void write_passwd(const char *path, unsigned n)
{
	FILE *f = fopen(path, "w");

	if (!f)
		bench_die("%s: %s", path, strerror(errno));
	copy_passwd(f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "bench%u:x:%u:65534::/:/bin/sh\n", i, FIRST_UID + i);
	if (fclose(f) || chmod(path, 0644))
		bench_die("%s: %s", path, strerror(errno));
}

/* Whether that can be done here: tried by a child. */
static bool may_know_users(const char *passwd)
{
	int status;
	pid_t pid = geteuid() == 0 ? fork() : -1;

	if (pid == 0)
		_exit(know_users(passwd) ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

bool instance_start_users(const struct bench *b, const char *name, const char *config, unsigned n,
    struct instance *i)
{
	char *dir = bench_mkdir(b->dir, name), *passwd = in_dir(dir, "passwd");

	write_passwd(passwd, n);
	bool may = may_know_users(passwd);
	users = may ? passwd : NULL;
	instance_start(b, name, config, NULL, i);
	users = NULL;
	free(passwd);
	free(dir);
	return may;
}

void instance_start(const struct bench *b, const char *name, const char *config, const char *state,
    struct instance *i)
{
	i->dir = bench_mkdir(b->dir, name);
	i->run = bench_mkdir(b->run, name);
	i->socket = in_dir(i->run, "jobd.sock");
	i->log = in_dir(i->dir, "log");
	char *file = in_dir(i->dir, "jobd.conf"), *own = in_dir(i->dir, "state");

	write_config(file, config);
	uint64_t start = clock_mono_us();
	i->pid = fork();
	if (i->pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (i->pid == 0)
		become_jobd(b, i, file, state ? state : own);
	await_ready(i, start);
	free(file);
	free(own);
}

void instance_configure(struct instance *i, const char *config)
{
	char *file = in_dir(i->dir, "jobd.conf");

	write_config(file, config);
	json_decref(instance_call(i, "org.jobd.Daemon.Reload", NULL));
	free(file);
}

void instance_stop(struct instance *i)
{
	int status;

	varlink_client_close(i->client);
	kill(i->pid, SIGTERM);
	if (waitpid(i->pid, &status, 0) != i->pid || !WIFEXITED(status) || WEXITSTATUS(status)) {
		show(i->log);
		bench_die("jobd did not end well");
	}
	free(i->socket);
	free(i->log);
	free(i->run);
	free(i->dir);
}

void instance_send(struct instance *i, const char *method, json_t *params)
{
	int rc = varlink_client_send(i->client, method, params, false);

	if (rc)
		bench_die("%s: %s", method, strerror(-rc));
}

json_t *instance_receive(struct instance *i)
{
	json_t *params;
	const char *error;
	bool continues;
	int rc = varlink_client_receive(i->client, ANSWER_MS, &params, &error, &continues);

	if (rc) {
		show(i->log);
		bench_die("jobd does not answer: %s", strerror(-rc));
	}
	if (error)
		bench_die("jobd: %s %s", error, json_dumps(params, 0));
	return params;
}

json_t *instance_call(struct instance *i, const char *method, json_t *params)
{
	instance_send(i, method, params);
	return instance_receive(i);
}

int64_t instance_jobs(struct instance *i, const char *state)
{
	json_t *h = instance_call(i, "org.jobd.Monitor.Health", NULL);
	int64_t n = json_integer_value(json_object_get(json_object_get(h, "jobs"), state));

	json_decref(h);
	return n;
}

int64_t instance_health(struct instance *i, const char *field)
{
	json_t *h = instance_call(i, "org.jobd.Monitor.Health", NULL);
	int64_t n = json_integer_value(json_object_get(h, field));

	json_decref(h);
	return n;
}

void instance_await(struct instance *i, const char *state, int64_t n)
{
	uint64_t start = clock_mono_us();

	while (instance_jobs(i, state) != n) {
		if (clock_mono_us() - start > AWAIT_US)
			bench_die("there never were %lld jobs %s", (long long)n, state);
		nap(20000);
	}
}

void instance_await_at_least(struct instance *i, const char *state, int64_t n)
{
	uint64_t start = clock_mono_us();

	while (instance_jobs(i, state) < n) {
		if (clock_mono_us() - start > AWAIT_US)
			bench_die("there never were %lld jobs %s", (long long)n, state);
		nap(20000);
	}
}

static void send_one(struct instance *i, json_t *params, bool token)
{
	char text[40];

	json_t *p = json_copy(params);
	if (token) {
		snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)random64(),
		    (unsigned long long)random64());
		json_object_set_new(p, "token", json_string(text));
	}
	instance_send(i, "org.jobd.Job.Submit", p);
}

/* Half a window is sent while the other half is being answered. */
void instance_submit(struct instance *i, json_t *params, size_t n, bool tokens, uint64_t *ids)
{
	for (size_t sent = 0, done = 0; done < n;) {
		while (sent < n && sent - done < BENCH_WINDOW) {
			send_one(i, params, tokens);
			sent++;
		}
		size_t until = sent < n ? done + BENCH_WINDOW / 2 : n;
		for (; done < until; done++) {
			json_t *r = instance_receive(i);
			if (ids)
				ids[done] = (uint64_t)json_integer_value(
				    json_object_get(json_object_get(r, "job"), "id"));
			json_decref(r);
		}
	}
}
