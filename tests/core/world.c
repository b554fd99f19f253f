/* SPDX-License-Identifier: ISC */
/* See world.h. */
#include "config.h"

#include "core/world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/log.h"
#include "unit.h"

#define MOST_JOBS   200000
#define MOST_TURNS  100000

enum keeper { NONE, STARTING, READY, LET_GO };

struct proc {
	char said[1 << 16];
	unsigned char keepers[MOST_JOBS];
	unsigned running;
};

static struct proc fake;
static char base[] = "/tmp/jobd-core-XXXXXX";
static char dir[sizeof base + 8];

struct world world;
struct engine *engine;
struct store *store;
const struct actor ann = { 1000, "ann", 4711, "jobctl" }, bob = { 2000, "bob", 4712, "jobctl" },
		   root = { 0, "root", 1, "jobctl" };

__attribute__((format(printf, 1, 2))) static void said(const char *fmt, ...)
{
	size_t n = strlen(fake.said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.said + n, sizeof fake.said - n, fmt, ap);
	va_end(ap);
}

const char *heard(void)
{
	static char copy[sizeof fake.said];

	strcpy(copy, fake.said);
	fake.said[0] = 0;
	return copy;
}

static void set_keeper(uint64_t id, enum keeper to)
{
	ck_assert_uint_lt(id, MOST_JOBS);
	fake.running += (to == LET_GO) - (fake.keepers[id] == LET_GO);
	fake.keepers[id] = (unsigned char)to;
}

bool runs(uint64_t id)
{
	return fake.keepers[id] == LET_GO;
}

unsigned how_many_run(void)
{
	return fake.running;
}

int proc_start(struct proc *p, const struct job *j, uint32_t attempt, char *const *env,
    uint64_t grace_ms, uint64_t *nonce)
{
	(void)grace_ms;
	if (world.start_error)
		return world.start_error;
	ck_assert_msg(p->keepers[j->id] == NONE, "job %" PRIu64 " has a keeper", j->id);
	set_keeper(j->id, STARTING);
	*nonce = 77;
	said("start %" PRIu64 ".%u%s%s;", j->id, attempt, env && env[0] ? " " : "",
	    env && env[0] ? env[0] : "");
	return 0;
}

bool proc_is_ready(const struct proc *p, uint64_t id, struct proc_ready *r)
{
	*r = (struct proc_ready){ .keeper_pid = 100, .pid = (pid_t)(1000 + id) };
	return p->keepers[id] == READY;
}

void proc_release(struct proc *p, uint64_t id)
{
	ck_assert_msg(p->keepers[id] == READY, "job %" PRIu64 " is not ready", id);
	set_keeper(id, LET_GO);
	said("release %" PRIu64 ";", id);
}

void proc_abandon(struct proc *p, uint64_t id)
{
	ck_assert_msg(p->keepers[id] == STARTING || p->keepers[id] == READY,
	    "job %" PRIu64 " has no keeper that could be taken back", id);
	set_keeper(id, NONE);
	said("abandon %" PRIu64 ";", id);
}

void proc_order(struct proc *p, uint64_t id, enum keeper_level level, uint64_t grace_ms)
{
	static const char *const names[] = { "?", "run", "stop", "end" };

	(void)p;
	said("%s %" PRIu64 " %" PRIu64 ";", names[level], id, grace_ms);
}

void proc_signal(struct proc *p, uint64_t id, int sig, bool all)
{
	(void)p;
	said("signal %" PRIu64 " %d %d;", id, sig, all);
}

void proc_acknowledge(struct proc *p, uint64_t id)
{
	(void)p;
	set_keeper(id, NONE);
	said("acknowledge %" PRIu64 ";", id);
}

int proc_adopt(struct proc *p, const struct job *j, enum keeper_level level, uint64_t grace_ms)
{
	(void)p;
	(void)grace_ms;
	set_keeper(j->id, LET_GO);
	said("adopt %" PRIu64 " %d;", j->id, level);
	return 0;
}

void proc_adopted_all(struct proc *p)
{
	(void)p;
	said("adopted;");
}

const char *proc_tree_kind(const struct proc *p)
{
	(void)p;
	return "walk";
}

int proc_log_open(const struct proc *p, uint64_t id, uint32_t attempt)
{
	(void)p;
	(void)id;
	return attempt == 1 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -ENOENT;
}

void proc_log_remove(const struct proc *p, uint64_t id, uint32_t attempt)
{
	(void)p;
	said("unlink %" PRIu64 ".%u;", id, attempt);
}

void ready(uint64_t id)
{
	struct proc_ready r = { 100, 200, 1, 2, NULL };

	if (fake.keepers[id] == STARTING)
		set_keeper(id, READY);
	engine_proc_events()->ready(engine, id, &r);
}

void unstarted(uint64_t id, int error)
{
	if (fake.keepers[id] != LET_GO)
		set_keeper(id, NONE);
	engine_proc_events()->unstarted(engine, id, error, "its keeper came to nothing");
}

void ready_if_begun(uint64_t id)
{
	if (fake.keepers[id] == STARTING)
		ready(id);
}

void unstarted_if_begun(uint64_t id, int error)
{
	if (fake.keepers[id] == STARTING || fake.keepers[id] == READY)
		unstarted(id, error);
}

static uint64_t mono_us(void)
{
	return world.mono_us;
}

uint64_t real_now(void)
{
	return world.mono_us + world.real_ahead_us;
}

static uint64_t free_bytes(const char *path)
{
	(void)path;
	return world.free_bytes;
}

static void quiet(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)priority;
	(void)text;
	(void)len;
}

void open_world(void)
{
	char *why_not = NULL;
	struct store_options so = { .dir = dir };
	struct engine_options eo = {
		.settings = world.settings,
		.state_dir = dir,
		.boot_id = world.boot_id,
		.real_us = real_now,
		.mono_us = mono_us,
		.free_bytes = free_bytes,
	};

	ck_assert_msg(store_open(&so, &store, &why_not) == 0, "%s", why_not);
	eo.store = store;
	engine = engine_new(&eo);
	ck_assert_int_eq(engine_declare_queues(engine, world.queues, world.nqueues), 0);
	ck_assert_int_eq(engine_load(engine, &fake), 0);
}

/* The keepers that stay are adopted by the next: those that the store knows of. The gates of all
 * others close. */
void close_world(void)
{
	engine_free(engine);
	store_close(store);
	memset(fake.keepers, NONE, sizeof fake.keepers);
	fake.running = 0;
}

void reopen_world(void)
{
	close_world();
	open_world();
	heard();
	engine_resume_stopped(engine);
	turn();
}

static void setup(void)
{
	log_set_sink(quiet, NULL);
	snprintf(dir, sizeof dir, "%s/XXXXXX", base);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	world = (struct world){
		.settings = { .max_running = 2, .kill_grace_ms = 4000, .ageing_us = 10 * MINUTE,
		    .low_disk_bytes = 1000 },
		.boot_id = "boot",
		.mono_us = 1000 * SECOND,
		.real_ahead_us = UINT64_C(1700000000) * SECOND,
		.free_bytes = 1u << 30,
	};
	open_world();
	heard();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int world_run(const char *name, const TTest *const *tests, size_t n)
{
	if (!mkdtemp(base))
		return EXIT_FAILURE;
	int code = unit_run(name, tests, n, NULL, &(struct unit_fixture){ setup, close_world });
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return code;
}

void turn(void)
{
	ck_assert_int_eq(engine_turn(engine), 0);
}

void turns(void)
{
	unsigned n = 0;

	do {
		turn();
		ck_assert_msg(++n < MOST_TURNS, "the engine wants turns for ever");
	} while (engine_wants_turn(engine));
}

void pass(uint64_t us)
{
	uint64_t until = world.mono_us + us;

	while (world.mono_us < until) {
		uint64_t next = engine_next_turn_us(engine);
		uint64_t left = until - world.mono_us;
		uint64_t step = left < SECOND ? left : SECOND;
		world.mono_us += next && next < step ? next : step;
		engine_tick(engine);
		turns();
	}
}
