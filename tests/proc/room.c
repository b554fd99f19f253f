/* SPDX-License-Identifier: ISC */
/* See room.h. What can go wrong fails the test. */
#include "config.h"

#include "proc/room.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/crash.h"
#include "lib/log.h"

#define BOOT "a-boot"

const char *const room_kinds[2] = { "no", "auto" };

static void on_ready(void *ctx, uint64_t id, const struct proc_ready *ready)
{
	struct room *r = ctx;
	struct told *t = &r->told[id];
	t->ready++;
	t->attempt.keeper_pid = ready->keeper_pid;
	t->attempt.keeper_start = ready->keeper_start;
	t->attempt.pid = ready->pid;
	t->attempt.pid_start = ready->pid_start;
	snprintf(t->cgroup, sizeof t->cgroup, "%s", ready->cgroup ? ready->cgroup : "");
	t->attempt.cgroup = ready->cgroup ? t->cgroup : NULL;
	if (r->on_ready)
		r->on_ready(r, id);
}

static void on_unstarted(void *ctx, uint64_t id, int error, const char *text)
{
	struct told *t = &((struct room *)ctx)->told[id];
	t->unstarted++;
	t->error = error;
	snprintf(t->text, sizeof t->text, "%s", text);
}

static void on_stopped(void *ctx, uint64_t id)
{
	((struct room *)ctx)->told[id].stopped++;
}

static void on_running(void *ctx, uint64_t id)
{
	((struct room *)ctx)->told[id].running++;
}

static void on_unstoppable(void *ctx, uint64_t id, pid_t pid)
{
	(void)pid;
	((struct room *)ctx)->told[id].unstoppable++;
}

static void on_recontinued(void *ctx, uint64_t id, pid_t pid)
{
	(void)pid;
	((struct room *)ctx)->told[id].recontinued++;
}

static void on_ended(void *ctx, uint64_t id, const struct keeper_end *e)
{
	struct told *t = &((struct room *)ctx)->told[id];
	t->ended++;
	t->end = *e;
	t->end.step = t->end.boot_id = NULL;
	snprintf(t->text, sizeof t->text, "%s", e->step ? e->step : "");
}

static void on_lost(void *ctx, uint64_t id, const char *text, bool gone)
{
	struct told *t = &((struct room *)ctx)->told[id];
	t->lost++;
	t->gone = gone;
	snprintf(t->text, sizeof t->text, "%s", text);
}

static void on_orphaned(void *ctx, uint64_t id)
{
	((struct room *)ctx)->told[id].orphaned++;
}

static void on_silent(void *ctx, uint64_t id, bool is)
{
	((struct room *)ctx)->told[id].silent = is;
}

static void on_notified(void *ctx, uint64_t id, const char *text, size_t len)
{
	struct room *r = ctx;
	struct told *t = &r->told[id];
	size_t used = strlen(t->notified);
	snprintf(t->notified + used, sizeof t->notified - used, "%.*s\n", (int)len, text);
	if (r->on_notified)
		r->on_notified(r, id);
}

static const struct proc_events events = {
	.ready = on_ready,
	.unstarted = on_unstarted,
	.stopped = on_stopped,
	.running = on_running,
	.unstoppable = on_unstoppable,
	.recontinued = on_recontinued,
	.ended = on_ended,
	.lost = on_lost,
	.orphaned = on_orphaned,
	.silent = on_silent,
	.notified = on_notified,
};

static const char *find_keeper(void)
{
	static char path[4096];
	const char *given = getenv("JOBD_KEEPER"), *build = getenv("top_builddir");
	if (given)
		return given;
	snprintf(path, sizeof path, "%s/jobd/keeper/jobd-keeper", build ? build : "..");
	return path;
}

static void say_nothing(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)priority;
	if (getenv("JOBD_TEST_VERBOSE"))
		fprintf(stderr, "# %.*s\n", (int)len, text);
}

struct room *room_new(void)
{
	struct room *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(r, MAP_FAILED);
	return r;
}

void room_init(struct room *r)
{
	memset(r, 0, sizeof *r);
	snprintf(r->dir, sizeof r->dir, "%s", "/tmp/jobd-proc.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	snprintf(r->state_dir, sizeof r->state_dir, "%s/state", r->dir);
	snprintf(r->runtime_dir, sizeof r->runtime_dir, "%s/run", r->dir);
	ck_assert_int_eq(mkdir(r->state_dir, 0755), 0);
	ck_assert_int_eq(mkdir(r->runtime_dir, 0755), 0);
	r->instance = strrchr(r->dir, '.') + 1;
	r->keeper = find_keeper();
	r->boot_id = BOOT;
	r->cgroup = "no";
	log_set_sink(say_nothing, NULL);
	ck_assert(crash_init());
}

void room_open(struct room *r)
{
	struct proc_options o = {
		.state_dir = r->state_dir,
		.runtime_dir = r->runtime_dir,
		.keeper_path = r->keeper,
		.instance = r->instance,
		.socket_path = "/nowhere/jobd.sock",
		.boot_id = r->boot_id,
		.cgroup = r->cgroup,
		.set_identity = geteuid() == 0,
		.nofile_soft = 1024,
		.nofile_hard = 4096,
	};
	char *why = NULL;
	r->base = event_base_new();
	o.base = r->base;
	int rc = proc_open(&o, &events, r, &r->proc, &why);
	ck_assert_msg(rc == 0, "proc_open: %s", why ? why : strerror(-rc));
}

void room_begin(struct room *r)
{
	room_init(r);
	room_open(r);
	proc_adopted_all(r->proc);
}

void room_close(struct room *r)
{
	proc_close(r->proc);
	event_base_free(r->base);
	r->proc = NULL;
	r->base = NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Those this process started or inherited, and nobody else. */
static void end_children(void)
{
	for (int tries = 0; tries < 1000; tries++) {
		FILE *f = fopen("/proc/thread-self/children", "r");
		int pid;
		while (f && fscanf(f, "%d", &pid) == 1)
			kill(pid, SIGKILL);
		if (f)
			fclose(f);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

void room_fini(struct room *r)
{
	if (r->proc)
		room_close(r);
	end_children();
	nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void nothing(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

void room_turn(struct room *r)
{
	struct timeval most = { 0, 20000 };
	event_base_once(r->base, -1, EV_TIMEOUT, nothing, NULL, &most);
	event_base_loop(r->base, EVLOOP_ONCE);
	proc_flush(r->proc);
}

static void draft(const struct room *r, uint64_t id, struct job *j, char *command[4])
{
	static char queue[] = "default", name[] = "a name", root[] = "/";
	(void)r;
	memset(j, 0, sizeof *j);
	j->id = id;
	j->uid = geteuid();
	j->queue = queue;
	j->name = name;
	j->cwd = root;
	j->umask = 022;
	j->command = command;
}

void room_start(struct room *r, uint64_t id, const char *script)
{
	static char shell[] = "/bin/sh", option[] = "-c";
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", forged[] = "JOBD_ID=forged";
	char foreign[] = "NOTIFY_SOCKET=/foreign", dir[128];
	char *copy = strdup(script);
	char *command[] = { shell, option, copy, NULL };
	char *env[] = { path, forged, foreign, dir, NULL };
	struct job j;
	snprintf(dir, sizeof dir, "D=%s", r->dir);
	draft(r, id, &j, command);
	struct told *t = &r->told[id];
	memset(t, 0, sizeof *t);
	t->attempt.number = 1;
	ck_assert_int_eq(proc_start(r->proc, &j, 1, env, 500, &t->attempt.nonce), 0);
	free(copy);
}

void room_run(struct room *r, uint64_t id, const char *script)
{
	room_start(r, id, script);
	ROOM_WAIT(r, r->told[id].ready);
	proc_release(r->proc, id);
	proc_flush(r->proc);
}

void room_adopt(struct room *r, uint64_t id, enum keeper_level level)
{
	static char boot[] = BOOT;
	struct job j;
	struct told *t = &r->told[id];
	draft(r, id, &j, NULL);
	t->ready = t->running = t->stopped = 0;
	if (!t->attempt.boot_id)
		t->attempt.boot_id = boot;
	j.now = t->attempt;
	ck_assert_int_eq(proc_adopt(r->proc, &j, level, 500), 0);
}

void room_take_up(struct room *r, uint64_t id, enum keeper_level level)
{
	room_open(r);
	room_adopt(r, id, level);
	proc_adopted_all(r->proc);
}

static bool is_gone(const struct room *r, uint64_t id)
{
	const struct job_attempt *a = &r->told[id].attempt;
	char name[KEEPER_NAME_MAX + 16];
	snprintf(name, sizeof name, "run/keepers/" KEEPER_NAME_FMT, id, a->number, a->nonce);
	if (room_has(r, name))
		return false;
	snprintf(name, sizeof name, "state/exits/" KEEPER_NAME_FMT, id, a->number, a->nonce);
	if (room_has(r, name))
		return false;
	snprintf(name, sizeof name, "run/notify/%" PRIu64 ".%" PRIu32, id, a->number);
	return !room_has(r, name) && (!a->keeper_pid || !process_state(a->keeper_pid)) &&
	    (!a->pid || !process_state(a->pid));
}

void room_leave(struct room *r, uint64_t id)
{
	proc_acknowledge(r->proc, id);
	ROOM_WAIT(r, is_gone(r, id));
}

void room_run_and_be_killed(struct room *r, uint64_t id, const char *script)
{
	/* A room of before made us one who inherits. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		room_open(r);
		proc_adopted_all(r->proc);
		room_run(r, id, script);
		ROOM_WAIT(r, room_pid(r, "pid"));
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	r->proc = NULL;
	ck_assert_int_gt(r->told[id].attempt.pid, 0);
}

void room_kill_keeper(const struct room *r, uint64_t id)
{
	ck_assert_int_eq(kill(r->told[id].attempt.keeper_pid, SIGKILL), 0);
}

void room_orphan(struct room *r, uint64_t id)
{
	room_kill_keeper(r, id);
	ROOM_WAIT(r, r->told[id].orphaned);
}

void room_wait_exit_file(const struct room *r, uint64_t id)
{
	const struct job_attempt *a = &r->told[id].attempt;
	char name[KEEPER_NAME_MAX + 16];
	snprintf(name, sizeof name, "state/exits/" KEEPER_NAME_FMT, id, a->number, a->nonce);
	for (int i = 0; !room_has(r, name); i++) {
		ck_assert_int_lt(i, 1000);
		usleep(10000);
	}
}

void room_finish(struct room *r, uint64_t id)
{
	room_leave(r, id);
	ROOM_WAIT(r, children() == 0);
	room_fini(r);
}

const char *room_path(const struct room *r, const char *name)
{
	static char paths[2][256];
	static unsigned turn;
	char *path = paths[turn++ % 2];
	snprintf(path, sizeof paths[0], "%s/%s", r->dir, name);
	return path;
}

bool room_has(const struct room *r, const char *name)
{
	return access(room_path(r, name), F_OK) == 0;
}

void room_touch(const struct room *r, const char *name)
{
	int fd = open(room_path(r, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static unsigned entries(const char *path)
{
	unsigned n = 0;
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

unsigned room_files(const struct room *r, const char *name)
{
	return entries(room_path(r, name));
}

char process_state(pid_t pid)
{
	char path[32], text[512], state = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "r");
	if (f && fgets(text, sizeof text, f) && strrchr(text, ')'))
		state = strrchr(text, ')')[2];
	if (f)
		fclose(f);
	return state;
}

bool process_is_still(pid_t pid)
{
	char state = process_state(pid);
	return state == 'T' || state == 'D';
}

unsigned open_descriptors(void)
{
	return entries("/proc/self/fd");
}

unsigned children(void)
{
	unsigned n = 0;
	int pid;
	FILE *f = fopen("/proc/thread-self/children", "r");
	ck_assert_ptr_nonnull(f);
	while (fscanf(f, "%d", &pid) == 1)
		n++;
	fclose(f);
	return n;
}

pid_t room_pid(const struct room *r, const char *name)
{
	int pid = 0;
	FILE *f = fopen(room_path(r, name), "r");
	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return pid;
}

const char *room_log_text(const struct room *r, uint64_t id)
{
	static char text[8192];
	int fd = proc_log_open(r->proc, id, 1);
	ck_assert_int_ge(fd, 0);
	ssize_t n = read(fd, text, sizeof text - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(fd);
	return text;
}
