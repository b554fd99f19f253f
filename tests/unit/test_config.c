/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/sys/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "conffile.h"
#include "lib/str.h"
#include "lib/strv.h"
#include "unit.h"

START_TEST(no_file_at_all_is_a_working_configuration)
{
	struct config *c;
	char **messages;
	ck_assert_int_eq(config_load(NULL, true, &c, &messages), 0);
	ck_assert_uint_eq(c->max_running, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
	ck_assert_uint_eq(c->user_max_running, 0);
	ck_assert_uint_eq(c->nqueues + c->ntemplates, 0);
	ck_assert_uint_eq(c->kill_grace_us, 4000000);
	ck_assert_uint_eq(c->ageing_us, 600000000);
	ck_assert_ptr_null(c->admin_group);
	ck_assert_ptr_null(c->submit_users);
	ck_assert_ptr_null(c->submit_groups);
	ck_assert_int_eq(c->syslog_facility, LOG_DAEMON);
	ck_assert_int_eq(c->log_level, LOG_INFO);
	ck_assert_uint_eq(c->low_disk_bytes, 64u << 20);
	ck_assert_uint_eq(c->ballast_bytes, 16u << 20);
	ck_assert_uint_eq(c->max_connections, 1000);
	ck_assert_uint_eq(c->user_connections, 200);
	ck_assert_uint_eq(c->user_calls_per_second, 1000);
	ck_assert_uint_eq(c->user_queued_jobs, 10000);
	ck_assert_uint_eq(c->user_job_bytes, 64u << 20);
	ck_assert_uint_eq(c->max_environment_bytes, 256u << 10);
	ck_assert_uint_eq(c->max_command_bytes, 128u << 10);
	ck_assert_str_eq(c->cgroup, "auto");
	ck_assert_str_eq(c->on_stop, "keep");
	ck_assert_ptr_null(c->source);
	config_free(c);
	ck_assert_int_eq(config_load("/nonexistent/jobd.conf", false, &c, &messages), 0);
	config_free(c);
	config_free(good(""));
	config_free(good("# nothing but words\n\n"));
}
END_TEST

START_TEST(a_file_that_was_asked_for_has_to_be_there)
{
	struct config *c;
	char **messages;
	ck_assert_int_eq(config_load("/nonexistent/jobd.conf", true, &c, &messages), -ENOENT);
	ck_assert_str_eq(messages[0], "/nonexistent/jobd.conf: No such file or directory");
	strv_free(messages);
	ck_assert_int_eq(config_load("/tmp", false, &c, &messages), -EISDIR);
	ck_assert_str_eq(messages[0], "/tmp: is not a file");
	strv_free(messages);
}
END_TEST

/* What is told of a file with this mode and owner; "" where it is taken. The caller's. */
static char *told_of(mode_t mode, uid_t owner)
{
	char name[] = "/tmp/jobd-config.XXXXXX";
	struct config *c;
	char **messages;
	int fd = mkstemp(name);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert(owner == geteuid() || fchown(fd, owner, (gid_t)-1) == 0);
	close(fd);
	int rc = config_load(name, true, &c, &messages);
	unlink(name);
	config_free(c);
	ck_assert_int_eq(rc, messages ? -EPERM : 0);
	char *text = strdup("");
	for (size_t i = 0; messages && messages[i]; i++) {
		ck_assert(strncmp(messages[i], name, strlen(name)) == 0);
		char *more = str_printf("%s%.*s\n", text,
		    (int)(strlen(messages[i]) - strlen(name) - strlen(name)), messages[i] + strlen(name));
		free(text);
		text = more;
	}
	strv_free(messages);
	return text;
}

START_TEST(root_takes_no_file_that_others_may_write)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		const char *told;
	} rows[] = {
		{ 0644, 0, "" },
		{ 0600, 0, "" },
		{ 0646, 0, ": others may write to it (mode 0646), and root's jobd does what it says; "
			   "run: chmod go-w \n" },
		{ 0660, 0, ": others may write to it (mode 0660), and root's jobd does what it says; "
			   "run: chmod go-w \n" },
		{ 0644, 1, ": belongs to uid 1, and root's jobd does what it says; run: chown root \n" },
		{ 0666, 1, ": belongs to uid 1, and root's jobd does what it says; run: chown root \n"
			   ": others may write to it (mode 0666), and root's jobd does what it says; "
			   "run: chmod go-w \n" },
	};
	bool root = geteuid() == 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *told = told_of(rows[i].mode, root ? rows[i].owner : geteuid());
		ck_assert_str_eq(told, root ? rows[i].told : "");
		free(told);
	}
}
END_TEST

START_TEST(every_setting_is_read)
{
	struct config *c = good("// all of them\n"
				"max_running = 7\n"
				"user_max_running = 3\n"
				"kill_grace = 1min30s # as long as it takes\n"
				"ageing = 0\n"
				"admin_group = \"adm\"\n"
				"submit_users = {\"ann\",\n  bob}\n"
				"submit_users += {'c.d-e_f'}\n"
				"submit_groups = staff\n"
				"syslog_facility = local3\n"
				"log_level = debug\n"
				"/* two\n   lines */ low_disk = 1G\n"
				"ballast = 0\n"
				"on_stop = pause\n"
				"cgroup = \"/sys/fs/cgroup/jobd\"\n"
				"max_connections = 20\n"
				"user_connections = 0\n"
				"user_calls_per_second = 5\n"
				"user_queued_jobs = 10000000\n"
				"user_job_bytes = 1G\n"
				"max_environment = 64K\n"
				"max_command = 32K\n");
	ck_assert_uint_eq(c->max_running, 7);
	ck_assert_uint_eq(c->user_max_running, 3);
	ck_assert_uint_eq(c->kill_grace_us, 90000000);
	ck_assert_uint_eq(c->ageing_us, 0);
	ck_assert_str_eq(c->admin_group, "adm");
	ck_assert_uint_eq(strv_len(c->submit_users), 3);
	ck_assert_str_eq(c->submit_users[0], "ann");
	ck_assert_str_eq(c->submit_users[1], "bob");
	ck_assert_str_eq(c->submit_users[2], "c.d-e_f");
	ck_assert_uint_eq(strv_len(c->submit_groups), 1);
	ck_assert_str_eq(c->submit_groups[0], "staff");
	ck_assert_int_eq(c->syslog_facility, LOG_LOCAL3);
	ck_assert_int_eq(c->log_level, LOG_DEBUG);
	ck_assert_uint_eq(c->low_disk_bytes, 1u << 30);
	ck_assert_uint_eq(c->ballast_bytes, 0);
	ck_assert_str_eq(c->cgroup, "/sys/fs/cgroup/jobd");
	ck_assert_uint_eq(c->max_connections, 20);
	ck_assert_str_eq(c->on_stop, "pause");
	ck_assert_uint_eq(c->user_connections, 0);
	ck_assert_uint_eq(c->user_calls_per_second, 5);
	ck_assert_uint_eq(c->user_queued_jobs, 10000000);
	ck_assert_uint_eq(c->user_job_bytes, 1u << 30);
	ck_assert_uint_eq(c->max_environment_bytes, 64u << 10);
	ck_assert_uint_eq(c->max_command_bytes, 32u << 10);
	ck_assert_ptr_nonnull(strstr(c->source, "/tmp/jobd-config."));
	config_free(c);
}
END_TEST

START_TEST(all_mistakes_are_told_at_once_each_with_its_line)
{
	BAD("# a comment\n"
	    "max_running = many\n"
	    "max_runing = 4\n"
	    "\n"
	    "/* a comment\n"
	    "   of two lines */\n"
	    "kill_grace = \"3 days\" # too long anyway\n"
	    "colour = {red,\n"
	    "  green}\n"
	    "submit_users = {ann, \"b:b\", 1000,\n"
	    "  \"-x\"}\n"
	    "log_level = loud\n"
	    "cgroup = maybe\n",
	    "2: max_running can't be \"many\"; it takes a number of jobs from 1 to 100000",
	    "3: there is no setting \"max_runing\"; did you mean max_running?",
	    "7: kill_grace can't be \"3 days\"; it takes a duration",
	    "8: there is no setting \"colour\"; jobd.conf(5) lists them",
	    "10: submit_users can't be \"b:b\"; it takes names of users",
	    "10: submit_users can't be \"1000\"", "11: submit_users can't be \"-x\"",
	    "12: log_level can't be \"loud\"; it takes a level", "13: cgroup can't be \"maybe\"");
}
END_TEST

START_TEST(values_out_of_range_are_refused)
{
	static const char *const wrong[] = { "max_running = 0", "max_running = 100001",
		"max_running = -1", "max_running = 4x", "max_running = \"\"",
		"max_running = 18446744073709551617", "kill_grace = 25h", "kill_grace = -1s",
		"ageing = 367d", "low_disk = 2T1", "low_disk = 99999999T", "ballast = big",
		"max_connections = 0", "admin_group = \"a b\"", "admin_group = \"\"",
		"admin_group = \"0\"", "syslog_facility = kern", "log_level = 7", "cgroup = \"\"",
		"cgroup = relative/path", "on_stop = kill", "on_stop = \"\"" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		BAD(wrong[i], "1: ");
}
END_TEST

START_TEST(one_mistake_gives_one_message)
{
	BAD("max_running 4\nkill_grace = 4s\n",
	    "1: missing equal sign after option 'max_running'; a setting reads");
	BAD("\nkill_grace =\nmax_running = 4\n", "3: kill_grace has no value (\"max_running\" follows)");
	BAD("pool nightly {\n  concurrency = 4\n}\n", "1: there is no section \"pool\"");
	BAD("include(\"other.conf\")\n", "1: there is no setting \"include\"");
	BAD("max_running = {4}\n", "1: unexpected token '{'");
	BAD("submit_users = {ann\nlog_level = info\n", "2: unexpected token 'log_level'");
	BAD("}\n", "1: unexpected closing brace");
	BAD("max_running =", "1: premature end of file");
	BAD("x|y = 3\n", "1: ");
}
END_TEST

START_TEST(a_second_value_gives_one_message_with_a_line_that_there_is)
{
	BAD("max_running = 2 3\n",
	    "1: there is no setting \"3\", and max_running before it takes a number");
	BAD("max_running = 2 3", "1: there is no setting \"3\"");
	BAD("\nmax_running = 2 \"3\" # three\n\n# end\n", "2: there is no setting \"3\"");
	BAD("submit_users = {ann} bob\n",
	    "1: there is no setting \"bob\", and submit_users before it takes");
	BAD("submit_users = ann bob\nlog_level = info\n", "1: there is no setting \"bob\"");
	BAD("kill_grace = 2s balast = 1M\n", "1: there is no setting \"balast\"; did you mean ballast?");
	BAD("colour = red\nmax_running =\n\n", "1: there is no setting \"colour\"",
	    "2: premature end of file");
}
END_TEST

START_TEST(names_of_nobody_are_told_with_their_lines_where_that_is_asked_for)
{
	char **messages = NULL;
	struct config *c = good("admin_group = root\nsubmit_users = {root,\n  nosuchuser}\n"
				"submit_groups = nosuchgroup\nsubmit_groups += {root}\n");
	config_check_names(c, &messages);
	ck_assert_uint_eq(strv_len(messages), 2);
	ck_assert_ptr_nonnull(strstr(messages[0], "/f:3: there is no user \"nosuchuser\"; as long as"));
	ck_assert_ptr_nonnull(strstr(messages[1], "/f:4: there is no group \"nosuchgroup\"; as long"));
	strv_free(messages);
	config_free(c);
	messages = NULL;
	c = good("max_running = 3\n");
	config_check_names(c, &messages);
	ck_assert_ptr_null(messages);
	config_free(c);
}
END_TEST

START_TEST(a_setting_that_is_set_twice_is_told)
{
	BAD("max_running = 4\n# c\nmax_running = 5\n", "3: max_running is set already in line 1");
	BAD("submit_users = {ann, bob}\nsubmit_users = {eve}\n",
	    "2: submit_users is set already in line 1; leave one of the two, or add to it with +=");
	BAD("submit_users = ann\nsubmit_users = eve\n", "2: submit_users is set already");
}
END_TEST

START_TEST(what_opens_and_does_not_close_is_told_where_it_opens)
{
	BAD("log_level = info\nadmin_group = \"adm\nmax_running = 4\n",
	    "2: the quote (\") that opens here");
	BAD("\n\nadmin_group = 'adm\n\n", "3: the quote (') that opens here");
	BAD("\n/* max_running = 4\n", "2: the comment (/*) that opens here");
	BAD("\nadmin_group = \"a\\9\"\n", "2: bad escape sequence '\\9'");
	bad_bytes("log_level = info\nmax\0_running = 4\n", 33,
	    (const char *const[]){ "2: a NUL byte", NULL });
}
END_TEST

START_TEST(a_broken_file_leaves_nothing_behind_for_the_next)
{
	static const char *const broken[] = { "admin_group = \"adm", "admin_group = 'adm",
		"/* adm", "admin_group = \"\\400\"", "max_running = 4 }", "a = {", "# \"" };
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct config *c;
		char **messages;
		load_bytes(broken[i], strlen(broken[i]), &c, &messages);
		strv_free(messages);
		config_free(c);
		c = good("# next\nmax_running = 3\n");
		ck_assert_uint_eq(c->max_running, 3);
		config_free(c);
	}
}
END_TEST

START_TEST(quotes_and_slashes_inside_of_values_are_no_comments)
{
	struct config *c = good("# it's \"fine\n"
				"cgroup = \"/a//b/*c#d\"\n"
				"admin_group = 'wh#el' // the \"wheel\n"
				"kill_grace = 2s /* ' */ ballast = 1M // '\n");
	ck_assert_str_eq(c->cgroup, "/a//b/*c#d");
	ck_assert_str_eq(c->admin_group, "wh#el");
	ck_assert_uint_eq(c->kill_grace_us, 2000000);
	ck_assert_uint_eq(c->ballast_bytes, 1u << 20);
	config_free(c);
}
END_TEST

START_TEST(what_has_a_meaning_or_is_dropped_unquoted_stands_in_quotes)
{
	BAD("cgroup = /sys/x*\n"
	    "max_running = +5\n"
	    "admin_group = a(b)\n"
	    "submit_users = {ann, *, b#b, c${USER},\n"
	    "  d'd'}\n"
	    "submit_groups = {staff=adm}\n"
	    "log_level = \"info\"x\n",
	    "1: a value with * in it stands in quotes, \"/sys/x*\"",
	    "2: a value with + in it stands in quotes, \"+5\"", "2: max_running can't be \"+5\"",
	    "3: a value with ( in it stands in quotes, \"a(b)\"",
	    "4: a value with * in it stands in quotes, \"*\"",
	    "4: a value with # in it stands in quotes, \"b#b\"; a comment begins after a blank",
	    "4: a value with ${ in it stands in quotes, \"c${USER}\"",
	    "5: the quotes stand around all of a value; one that belongs to it has a backslash",
	    "6: a value with = in it stands in quotes, \"staff=adm\"",
	    "7: the quotes stand around all of a value",
	    "7: log_level can't be");
	BAD("cgroup = ${HOME}#x\n", "1: a value with ${ in it stands in quotes, \"${HOME}#x\"");
	BAD("cgroup = ${HOME}//x\n", "1: a value with ${ in it stands in quotes, \"${HOME}//x\"");
	BAD("cgroup = ${HOME}/*x\n", "1: a value with ${ in it stands in quotes, \"${HOME}/*x\"");
	BAD("submit_users + = {ann}\n* max_running = 4\n",
	    "1: a + stands right before = alone, name += {\"a\"}; in a value it stands in quotes",
	    "2: a * has no meaning here; in a value it stands in quotes");
	BAD("submit_users = {ann\nlog_level=info\n", "2: unexpected token 'log_level'");
	struct config *c = good("cgroup = '/sys/*'# a comment\nmax_running = 4# jobs\nadmin_group = a\\b\n"
				"submit_users={ann,\"bob\"}submit_users+={eve}kill_grace=${NO:-7}\n");
	ck_assert_str_eq(c->cgroup, "/sys/*");
	ck_assert_uint_eq(c->max_running, 4);
	ck_assert_str_eq(c->admin_group, "a\\b");
	ck_assert_uint_eq(strv_len(c->submit_users), 3);
	ck_assert_uint_eq(c->kill_grace_us, 7000000);
	config_free(c);
}
END_TEST

START_TEST(what_is_printed_reads_back_the_same)
{
	struct config *c = good("max_running = 7\nkill_grace = 1500ms\non_stop = pause\nageing = 90min\n"
				"admin_group = 'dom\\user'\nsubmit_users = {ann, bob}\n"
				"syslog_facility = user\nlog_level = warn\nlow_disk = 1536K\n"
				"ballast = 5\ncgroup = no\n");
	char *text = printed(c);
	ck_assert_ptr_nonnull(strstr(text, "kill_grace = 1500ms\non_stop = \"pause\"\nageing = 90min\n"));
	ck_assert_ptr_nonnull(strstr(text, "submit_users = {\"ann\", \"bob\"}\n# submit_groups = \n"));
	ck_assert_ptr_nonnull(strstr(text, "log_level = warning\nlow_disk = 1536K\nballast = 5B\n"));
	struct config *d = good(text);
	char *again = printed(d);
	ck_assert_str_eq(text, again);
	free(text);
	free(again);
	config_free(c);
	config_free(d);
	ck_assert_int_eq(config_load(NULL, false, &c, &(char **){ NULL }), 0);
	text = printed(c);
	ck_assert_ptr_nonnull(strstr(text, "# submit_users = # nobody is named here or by submit_groups: "
					   "everyone may submit\n"));
	config_free(good(text));
	free(text);
	config_free(c);
}
END_TEST

START_TEST(a_file_of_nothing_known_does_not_go_on_for_ever)
{
	char text[8192];
	size_t len = 0;
	for (int i = 0; i < 200; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "word%d = %d\n", i, i);
	struct config *c;
	char **messages;
	ck_assert_int_eq(load_bytes(text, len, &c, &messages), -EINVAL);
	ck_assert_uint_ge(strv_len(messages), 50);
	ck_assert_uint_le(strv_len(messages), 51);
	strv_free(messages);
}
END_TEST

UNIT_MAIN("config", no_file_at_all_is_a_working_configuration,
    a_file_that_was_asked_for_has_to_be_there, root_takes_no_file_that_others_may_write,
    every_setting_is_read, all_mistakes_are_told_at_once_each_with_its_line, values_out_of_range_are_refused,
    one_mistake_gives_one_message, a_setting_that_is_set_twice_is_told,
    a_second_value_gives_one_message_with_a_line_that_there_is,
    names_of_nobody_are_told_with_their_lines_where_that_is_asked_for,
    what_opens_and_does_not_close_is_told_where_it_opens,
    a_broken_file_leaves_nothing_behind_for_the_next,
    what_has_a_meaning_or_is_dropped_unquoted_stands_in_quotes,
    quotes_and_slashes_inside_of_values_are_no_comments, what_is_printed_reads_back_the_same,
    a_file_of_nothing_known_does_not_go_on_for_ever)
