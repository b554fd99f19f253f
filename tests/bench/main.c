/* SPDX-License-Identifier: ISC */
/*
 * The command line, and the supervisor. The supervisor makes the temporary
 * directory, has a child do the measuring, and whatever becomes of that (an
 * end, a mistake, ^C, the time limit) ends every process that came of it and
 * removes the directory. It is a subreaper: a keeper whose jobd is gone becomes
 * its child.
 */
#include "config.h"

#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/tree.h"

#define SLOW_FILE_US 50

static const char usage[] =
    "Usage: jobd_bench [OPTION]... FIGURE...\n"
    "Figures: keepers, jobs, submit, pause, queues, large.\n"
    "\n"
    "  --jobd FILE     the jobd to be measured (../jobd/jobd)\n"
    "  --keeper FILE   its keeper, for the loops beside it (../jobd/keeper/jobd-keeper)\n"
    "  --dir DIR       where the temporary directory is made ($TMPDIR, /tmp)\n"
    "  --run DIR       and that for sockets ($XDG_RUNTIME_DIR, /run, /dev/shm: the first tmpfs)\n"
    "  --cgroup DIR    a cgroup v2 directory to make ours in (where one can be had); \"no\": none\n"
    "  --store DIR     large: the store is kept here, and used again\n"
    "  --rounds N      interleaved runs (5)\n"
    "  --limit S       everything is ended after so many seconds (900)\n"
    "  --quick         a tenth of the work, to try the program\n";

static const struct {
	const char *name;
	void (*run)(const struct bench *b);
} figures[] = {
	{ "keepers", keepers_run },
	{ "jobs", jobs_run },
	{ "submit", submit_run },
	{ "pause", pause_run },
	{ "queues", queues_run },
	{ "large", large_run },
};
#define FIGURES (sizeof figures / sizeof figures[0])

void bench_die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("jobd_bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

char *bench_mkdir(const char *below, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", below, name) < 0)
		bench_die("no memory");
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		bench_die("%s: %s", path, strerror(errno));
	return path;
}

size_t bench_count(const struct bench *b, size_t n)
{
	return b->quick ? n / 10 : n;
}

static bool is_tmpfs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

/* What making a file costs: some file systems are slow at it for minutes after many were removed. */
static double new_file_us(const struct bench *b)
{
	char *dir = bench_mkdir(b->dir, "new"), *path;
	struct series us = { 0 };

	for (int i = 0; i < 200; i++) {
		if (asprintf(&path, "%s/%d", dir, i) < 0)
			bench_die("no memory");
		uint64_t start = clock_mono_us();
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		series_add(&us, (double)(clock_mono_us() - start));
		close(fd);
		free(path);
	}
	double median = series_median(&us);
	series_fini(&us);
	free(dir);
	return median;
}

static void print_machine(const struct bench *b)
{
	struct series us = { 0 };
	struct utsname u;
	double load[1] = { 0 }, file_us = new_file_us(b);

	uname(&u);
	(void)getloadavg(load, 1);
	loop_appends(b, 500, 200, &us);
	printf("Linux %s, %ld processors, load %.1f\n", u.release, sysconf(_SC_NPROCESSORS_ONLN),
	    load[0]);
	printf("files in %s%s: %.0f us an append and fdatasync, %.0f us a new file\n", b->dir,
	    is_tmpfs(b->dir) ? " (A TMPFS: nothing is durable there; use --dir)" : "",
	    series_median(&us), file_us);
	printf("sockets in %s%s\n", b->run, is_tmpfs(b->run) ? "" : " (no tmpfs)");
	if (file_us > SLOW_FILE_US)
		printf("MAKING A FILE IS SLOW HERE AT PRESENT: what starts jobs does so too slowly\n");
	if (load[0] > 0.5)
		printf("THE MACHINE IS BUSY WITH OTHER THINGS: times are too long, rates too low\n");
	printf("Medians of %u interleaved runs, in brackets the least and the most.\n", b->rounds);
	fflush(stdout);
	series_fini(&us);
}

static int measure(const struct bench *b, char **names)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	print_machine(b);
	for (; *names; names++)
		for (size_t i = 0; i < FIGURES; i++)
			if (strcmp(*names, figures[i].name) == 0)
				figures[i].run(b);
	figures_sum_up();
	return 0;
}

static bool are_known(char **names)
{
	for (; *names; names++) {
		size_t i = 0;
		while (i < FIGURES && strcmp(*names, figures[i].name) != 0)
			i++;
		if (i == FIGURES)
			return false;
	}
	return true;
}

/* ---- the supervisor ---- */

/* Reaps what there is. True and *status when the measuring child is among them. */
static bool reap(pid_t worker, int *status)
{
	bool ended = false;
	pid_t pid;
	int s;

	while ((pid = waitpid(-1, &s, WNOHANG)) > 0)
		if (pid == worker) {
			*status = s;
			ended = true;
		}
	return ended;
}

/* Until the child ends, somebody says so, or the time is up. */
static int watch(pid_t worker, const sigset_t *set, unsigned limit_s)
{
	uint64_t end = clock_mono_us() + limit_s * 1000000ull;
	int status = 0;

	for (;;) {
		uint64_t now = clock_mono_us();
		if (now >= end) {
			fprintf(stderr, "jobd_bench: the time is up\n");
			return 1;
		}
		struct timespec t = { (time_t)((end - now) / 1000000 + 1), 0 };
		int sig = sigtimedwait(set, NULL, &t);
		if (sig == SIGINT || sig == SIGTERM || sig == SIGHUP)
			return 128 + sig;
		if (reap(worker, &status))
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
}

static void end_all(void)
{
	struct tree *t = tree_new(getpid(), NULL);
	pid_t culprit;
	int status;

	for (int i = 0; t && i < 2000; i++) {
		enum tree_progress p = tree_kill_step(t, &culprit);
		reap(0, &status);
		if (p == TREE_DONE)
			break;
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	tree_free(t);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	if (remove(path) < 0)
		fprintf(stderr, "jobd_bench: %s: %s\n", path, strerror(errno));
	return 0;
}

/* cgroups go by rmdir: what looks like files in them can't be removed. */
static int remove_group(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_DP)
		rmdir(path);
	return 0;
}

static int supervise(struct bench *b, char **names, unsigned limit_s)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		exit(measure(b, names));
	}
	int rc = pid < 0 ? 1 : watch(pid, &set, limit_s);
	end_all();
	nftw(b->dir, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(b->run, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	if (b->cgroup)
		nftw(b->cgroup, remove_group, 32, FTW_DEPTH | FTW_PHYS);
	return rc;
}

/* A cgroup directory of our own below that one (NULL: where cgroup v2 usually is), or NULL. */
static char *make_cgroup(const char *below)
{
	static const char *const usual[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char *path = NULL;

	if (below && strcmp(below, "no") == 0)
		return NULL;
	for (size_t i = 0; i < 2; i++) {
		struct statfs fs;
		const char *parent = below ? below : usual[i];
		if (statfs(parent, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		if (asprintf(&path, "%s/jobd-bench-%d", parent, (int)getpid()) < 0)
			return NULL;
		if (mkdir(path, 0755) == 0)
			return path;
		free(path);
		path = NULL;
	}
	return path;
}

struct places {
	const char *dir, *run, *cgroup;
	unsigned limit_s;
};

static bool parse(int argc, char **argv, struct bench *b, struct places *p)
{
	static const struct option longs[] = {
		{ "jobd", required_argument, NULL, 'j' },
		{ "keeper", required_argument, NULL, 'k' },
		{ "dir", required_argument, NULL, 'd' },
		{ "run", required_argument, NULL, 'R' },
		{ "cgroup", required_argument, NULL, 'c' },
		{ "store", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "limit", required_argument, NULL, 'l' },
		{ "quick", no_argument, NULL, 'q' },
		{ NULL, 0, NULL, 0 },
	};
	const char **strings[256] = { ['j'] = &b->jobd, ['k'] = &b->keeper, ['d'] = &p->dir,
		['R'] = &p->run, ['c'] = &p->cgroup, ['s'] = &b->store };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'r')
			b->rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'l')
			p->limit_s = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'q')
			b->quick = true;
		else if (c != '?' && strings[c])
			*strings[c] = optarg;
		else
			return false;
	}
	return optind < argc && b->rounds > 0 && are_known(argv + optind);
}

/* Absolute: jobs are started elsewhere. */
static const char *whole(const char *path)
{
	char *w = realpath(path, NULL);

	if (!w)
		bench_die("%s: %s", path, strerror(errno));
	return w;
}

static char *make_dir(const char *below)
{
	char *dir;

	if (asprintf(&dir, "%s/jobd-bench-XXXXXX", below) < 0 || !mkdtemp(dir))
		bench_die("%s: %s", below, strerror(errno));
	return dir;
}

/*
 * ext4 without a journal looks at every inode of the block group that was freed in the last minutes
 * before it gives one out. Told that what stands below has nothing to do with each other, it takes
 * another group for each; other file systems may say no.
 */
static void spread(const char *dir)
{
	int flags, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_TOPDIR_FL;
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	close(fd);
}

/* Where a daemon would have its sockets; otherwise where we may write what is forgotten at boot. */
static const char *find_run(const char *otherwise)
{
	const char *const places[] = { getenv("XDG_RUNTIME_DIR"), "/run", "/dev/shm" };

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (places[i] && is_tmpfs(places[i]) && access(places[i], W_OK | X_OK) == 0)
			return places[i];
	return otherwise;
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	struct bench b = { .rounds = 5, .jobd = "../jobd/jobd",
		.keeper = "../jobd/keeper/jobd-keeper" };
	struct places p = { .dir = tmp && *tmp ? tmp : "/tmp", .limit_s = 900 };

	if (argc == 3 && strcmp(argv[1], "tree") == 0)
		return tree_main(atoi(argv[2]));
	if (!parse(argc, argv, &b, &p)) {
		fputs(usage, stderr);
		return 2;
	}
	b.jobd = whole(b.jobd);
	b.keeper = whole(b.keeper);
	b.self = whole("/proc/self/exe");
	b.dir = make_dir(whole(p.dir));
	spread(b.dir);
	b.run = make_dir(p.run ? whole(p.run) : find_run(p.dir));
	b.cgroup = make_cgroup(p.cgroup);
	return supervise(&b, argv + optind, p.limit_s);
}
