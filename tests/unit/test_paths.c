/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/sys/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/socketpath.h"
#include "unit.h"

static char home[64];

/* A home of its own; as an ordinary user where the test is run as root. */
static void be_user(void)
{
	strcpy(home, "/tmp/jobd-paths.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(home, 65533, 65533), 0);
		ck_assert_int_eq(seteuid(65533), 0);
	}
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("JOBD_SOCKET");
	setenv("HOME", home, 1);
}

static void clean_up(void)
{
	char cmd[128];
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", home);
	ck_assert_int_eq(seteuid(getuid()), 0);
	ck_assert_int_eq(system(cmd), 0);
}

static const char *in_home(const char *rest)
{
	static char out[8][256];
	static unsigned turn;
	char *p = out[turn++ % 8];
	snprintf(p, sizeof(out[0]), "%s%s", home, rest);
	return p;
}

/* Where there is a /run/user/UID of this user's, the socket goes there: not in these tests. */
static bool has_run_user(void)
{
	char run[64];
	struct stat st;
	snprintf(run, sizeof(run), "/run/user/%ju", (uintmax_t)geteuid());
	return stat(run, &st) == 0;
}

START_TEST(root_has_the_system_s_places)
{
	setenv("XDG_RUNTIME_DIR", "/tmp", 1);
	char *state = socketpath_state_dir(0), *run = socketpath_runtime_dir(0);
	ck_assert_str_eq(state, "/var/lib/jobd");
	ck_assert_str_eq(run, "/run/jobd");
	free(state);
	free(run);
	if (geteuid() != 0)
		return;
	struct paths p;
	char *why;
	ck_assert_int_eq(paths_init(&p, &(struct paths_options){ 0 }, &why), 0);
	ck_assert_str_eq(p.config, "/etc/jobd.conf");
	ck_assert_str_eq(p.state_dir, "/var/lib/jobd");
	ck_assert_str_eq(p.runtime_dir, "/run/jobd");
	ck_assert_str_eq(p.socket, "/run/jobd/jobd.sock");
	ck_assert(!p.config_given);
	paths_fini(&p);
}
END_TEST

START_TEST(a_user_has_the_xdg_directories)
{
	be_user();
	setenv("XDG_RUNTIME_DIR", home, 1);
	setenv("XDG_STATE_HOME", in_home("/state"), 1);
	setenv("XDG_CONFIG_HOME", in_home("/conf"), 1);
	struct paths p;
	char *why;
	ck_assert_int_eq(paths_init(&p, &(struct paths_options){ 0 }, &why), 0);
	ck_assert_str_eq(p.config, in_home("/conf/jobd/jobd.conf"));
	ck_assert_str_eq(p.state_dir, in_home("/state/jobd"));
	ck_assert_str_eq(p.runtime_dir, in_home("/jobd"));
	ck_assert_str_eq(p.socket, in_home("/jobd/jobd.sock"));
	paths_fini(&p);
	unsetenv("XDG_STATE_HOME");
	setenv("XDG_CONFIG_HOME", "relative", 1);
	ck_assert_int_eq(paths_init(&p, &(struct paths_options){ 0 }, &why), 0);
	ck_assert_str_eq(p.config, in_home("/.config/jobd/jobd.conf"));
	ck_assert_str_eq(p.state_dir, in_home("/.local/state/jobd"));
	paths_fini(&p);
	clean_up();
}
END_TEST

START_TEST(a_runtime_directory_of_another_s_is_passed_over)
{
	be_user();
	setenv("XDG_RUNTIME_DIR", "/", 1); /* root's, or with root's eyes: not this user's */
	struct paths p;
	char *why;
	ck_assert_int_eq(paths_init(&p, &(struct paths_options){ 0 }, &why), 0);
	if (!has_run_user())
		ck_assert_str_eq(p.runtime_dir, in_home("/.local/state/jobd/run"));
	ck_assert_str_ne(p.runtime_dir, "//jobd");
	paths_fini(&p);
	/* The one below the state directory follows it. */
	struct paths_options o = { .state_dir = in_home("/elsewhere/") };
	ck_assert_int_eq(paths_init(&p, &o, &why), 0);
	ck_assert_str_eq(p.state_dir, in_home("/elsewhere"));
	if (!has_run_user())
		ck_assert_str_eq(p.socket, in_home("/elsewhere/run/jobd.sock"));
	paths_fini(&p);
	clean_up();
}
END_TEST

START_TEST(options_come_first_and_are_made_absolute)
{
	be_user();
	ck_assert_int_eq(chdir(home), 0);
	struct paths_options o = { "c.conf", "state///", "/run/x", "here.sock" };
	struct paths p;
	char *why;
	ck_assert_int_eq(paths_init(&p, &o, &why), 0);
	ck_assert(p.config_given);
	ck_assert_str_eq(p.config, in_home("/c.conf"));
	ck_assert_str_eq(p.state_dir, in_home("/state"));
	ck_assert_str_eq(p.runtime_dir, "/run/x");
	ck_assert_str_eq(p.socket, in_home("/here.sock"));
	paths_fini(&p);
	ck_assert_int_eq(chdir("/"), 0);
	clean_up();
}
END_TEST

START_TEST(without_a_home_it_says_what_to_do)
{
	be_user();
	unsetenv("HOME");
	struct paths p;
	char *why;
	ck_assert_int_eq(paths_init(&p, &(struct paths_options){ 0 }, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "--state-dir"));
	free(why);
	struct paths_options o = { .state_dir = "/x/state" };
	ck_assert_int_eq(paths_init(&p, &o, &why), 0);
	ck_assert_ptr_null(p.config);
	paths_fini(&p);
	clean_up();
}
END_TEST

START_TEST(a_socket_path_that_is_too_long_is_refused_with_its_length)
{
	be_user();
	char name[110];
	memset(name, 'a', sizeof(name));
	name[0] = '/';
	struct paths p;
	char *why;
	struct paths_options o = { .socket = name };
	name[107] = '\0';
	ck_assert_int_eq(paths_init(&p, &o, &why), 0);
	paths_fini(&p);
	name[107] = 'a';
	name[108] = '\0';
	ck_assert_int_eq(paths_init(&p, &o, &why), -ENAMETOOLONG);
	ck_assert_ptr_nonnull(strstr(why, "may have 107 bytes, this one has 108; give a shorter"));
	free(why);
	clean_up();
}
END_TEST

static int try(const char *state, int (*what)(struct paths *p, char **why), char **why)
{
	struct paths p;
	struct paths_options o = { .state_dir = state, .runtime_dir = in_home("/r/u/n") };
	ck_assert_int_eq(paths_init(&p, &o, why), 0);
	int rc = what(&p, why);
	paths_fini(&p);
	return rc;
}

static int look(struct paths *p, char **why)
{
	return paths_check(p, why);
}

static int prepare(const char *state, char **why)
{
	return try(state, paths_prepare, why);
}

static void refused(const char *state, int rc, const char *hint)
{
	char *why;
	ck_assert_int_eq(try(state, look, &why), rc); /* it is seen beforehand */
	free(why);
	ck_assert_int_eq(prepare(state, &why), rc);
	ck_assert_msg(strncmp(why, state, strlen(state)) == 0, "does not name %s: %s", state, why);
	ck_assert_msg(strstr(why, hint) != NULL, "no \"%s\" in: %s", hint, why);
	free(why);
}

START_TEST(directories_are_made_private_and_public)
{
	be_user();
	umask(077);
	char *why;
	struct stat st;
	ck_assert_int_eq(try(in_home("/a/b"), look, &why), 0);
	ck_assert_int_eq(stat(in_home("/a"), &st), -1); /* a look makes nothing */
	ck_assert_int_eq(prepare(in_home("/a/b"), &why), 0);
	ck_assert_int_eq(stat(in_home("/a/b"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(in_home("/r/u/n"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(prepare(in_home("/a/b"), &why), 0);
	clean_up();
}
END_TEST

START_TEST(a_directory_that_another_could_play_with_is_refused)
{
	be_user();
	const char *s = in_home("/s");
	ck_assert_int_eq(mkdir(s, 0700), 0);
	ck_assert_int_eq(chmod(s, 0720), 0);
	refused(s, -EPERM, "others may write there (mode 0720); run: chmod go-w");
	ck_assert_int_eq(chmod(s, 0702), 0);
	refused(s, -EPERM, "chmod go-w");
	ck_assert_int_eq(chmod(s, 0755), 0);
	char *why;
	ck_assert_int_eq(prepare(s, &why), 0);
	ck_assert_int_eq(symlink(s, in_home("/link")), 0);
	refused(in_home("/link"), -EPERM, "is a symbolic link; give the directory itself");
	ck_assert_int_eq(symlink("nowhere", in_home("/dangling")), 0);
	refused(in_home("/dangling"), -EPERM, "is a symbolic link");
	fclose(fopen(in_home("/file"), "w"));
	refused(in_home("/file"), -ENOTDIR, "is not a directory");
	refused(in_home("/file/below"), -ENOTDIR, "cannot be made");
	ck_assert_int_eq(mkdir(in_home("/open"), 0700), 0);
	ck_assert_int_eq(chmod(in_home("/open"), 0777), 0);
	refused(in_home("/open/x"), -EPERM, "anybody may rename it");
	ck_assert_int_eq(chmod(in_home("/open"), 01777), 0);
	ck_assert_int_eq(prepare(in_home("/open/x"), &why), 0);
	if (getuid() == 0)
		refused("/var", -EPERM, "belongs to uid 0, but jobd runs as uid 65533");
	clean_up();
}
END_TEST

static void init(struct paths *p, const char *state, const char *run)
{
	struct paths_options o = { .state_dir = state, .runtime_dir = run };
	char *why;
	ck_assert_int_eq(paths_init(p, &o, &why), 0);
	ck_assert_int_eq(paths_prepare(p, &why), 0);
}

START_TEST(a_runtime_directory_has_one_jobd_at_a_time)
{
	be_user();
	struct paths p;
	char *why;
	int status;
	init(&p, in_home("/a"), in_home("/run"));
	pid_t pid = fork();
	if (pid == 0)
		_exit(paths_lock(&p, &why) < 0); /* and with the process the lock goes */
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_ge(paths_lock(&p, &why), 0);
	paths_fini(&p);

	init(&p, in_home("/b"), in_home("/run"));
	ck_assert_int_eq(paths_lock(&p, &why), -EWOULDBLOCK);
	ck_assert_msg(strncmp(why, in_home("/run: "), strlen(home) + 6) == 0, "%s", why);
	ck_assert_ptr_nonnull(strstr(why, "give another --runtime-dir"));
	free(why);
	paths_fini(&p);

	/* One directory for both is allowed: the store's lock is another file. */
	init(&p, in_home("/c"), in_home("/c"));
	ck_assert_int_ge(paths_lock(&p, &why), 0);
	ck_assert_int_eq(access(in_home("/c/lock"), F_OK), -1);
	paths_fini(&p);
	clean_up();
}
END_TEST

START_TEST(a_start_that_was_refused_takes_away_what_it_made)
{
	be_user();
	struct paths p;
	char *why;
	init(&p, in_home("/a"), in_home("/run"));
	paths_fini(&p);
	init(&p, in_home("/a"), in_home("/run9"));
	paths_withdraw(&p);
	paths_fini(&p);
	ck_assert_int_eq(access(in_home("/run9"), F_OK), -1);
	ck_assert_int_eq(access(in_home("/a"), F_OK), 0); /* not its own, though empty */
	/* What has got something in it stays, also when it was made just now. */
	init(&p, in_home("/b"), in_home("/b/run"));
	ck_assert_int_eq(mkdir(in_home("/b/store"), 0700), 0);
	paths_withdraw(&p);
	paths_fini(&p);
	ck_assert_int_eq(access(in_home("/b/store"), F_OK), 0);
	ck_assert_int_eq(access(in_home("/b/run"), F_OK), -1);
	/* The state directory, where the runtime directory can't be had. */
	fclose(fopen(in_home("/file"), "w"));
	struct paths_options o = { .state_dir = in_home("/d"), .runtime_dir = in_home("/file/run") };
	ck_assert_int_eq(paths_init(&p, &o, &why), 0);
	ck_assert_int_eq(paths_prepare(&p, &why), -ENOTDIR);
	free(why);
	paths_fini(&p);
	ck_assert_int_eq(access(in_home("/d"), F_OK), -1);
	clean_up();
}
END_TEST

static void listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	ck_assert_uint_lt(strlen(path), sizeof(a.sun_path));
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

static void finds(const char *option, const char *expected)
{
	char *path = socketpath_find(option);
	ck_assert_str_eq(path, expected);
	free(path);
}

START_TEST(a_client_looks_in_four_places_in_order)
{
	be_user();
	if (!has_run_user()) {
		finds(NULL, "/run/jobd/jobd.sock");
		char *why;
		struct paths p;
		ck_assert_int_eq(paths_init(&p, &(struct paths_options){ 0 }, &why), 0);
		ck_assert_int_eq(paths_prepare(&p, &why), 0);
		listen_at(p.socket);
		finds(NULL, in_home("/.local/state/jobd/run/jobd.sock"));
		paths_fini(&p);
		/* Also from a session that has a runtime directory, with no daemon there. */
		setenv("XDG_RUNTIME_DIR", home, 1);
		finds(NULL, in_home("/.local/state/jobd/run/jobd.sock"));
	}
	setenv("XDG_RUNTIME_DIR", home, 1);
	ck_assert_int_eq(mkdir(in_home("/jobd"), 0700), 0);
	listen_at(in_home("/jobd/jobd.sock"));
	finds(NULL, in_home("/jobd/jobd.sock"));
	setenv("JOBD_SOCKET", "", 1);
	finds(NULL, in_home("/jobd/jobd.sock"));
	setenv("JOBD_SOCKET", "/env.sock", 1);
	finds(NULL, "/env.sock");
	finds("opt.sock", "opt.sock");
	clean_up();
}
END_TEST

UNIT_MAIN("paths", root_has_the_system_s_places, a_user_has_the_xdg_directories,
    a_runtime_directory_of_another_s_is_passed_over, options_come_first_and_are_made_absolute,
    without_a_home_it_says_what_to_do, a_socket_path_that_is_too_long_is_refused_with_its_length,
    directories_are_made_private_and_public,
    a_directory_that_another_could_play_with_is_refused,
    a_runtime_directory_has_one_jobd_at_a_time,
    a_start_that_was_refused_takes_away_what_it_made, a_client_looks_in_four_places_in_order)
