/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/scripts.h"

#include <string.h>

#include "unit.h"

#define WORDS 16

/* A command, its words separated by |; @ is the place that is asked about. kind 0: it is data. */
struct row {
	enum script_kind kind;
	const char *command;
};

static const struct row shells[] = {
	{ SCRIPT_SHELL, "sh|-c|@" },
	{ SCRIPT_SHELL, "sh|-c|ingest @" },
	{ SCRIPT_SHELL, "/bin/sh|-c|@" },
	{ SCRIPT_SHELL, "bash-5.2|-lc|@" },
	{ SCRIPT_SHELL, "bash|-ec|@" },
	{ SCRIPT_SHELL, "bash|-c|-e|@" },
	{ SCRIPT_SHELL, "bash|-c|--|@" },
	{ SCRIPT_SHELL, "bash|-o|pipefail|-c|@" },
	{ SCRIPT_SHELL, "bash|-eo|pipefail|-c|@" },
	{ SCRIPT_SHELL, "bash|-euo|pipefail|-O|extglob|-c|@" },
	{ SCRIPT_SHELL, "bash|-oc|pipefail|@" },
	{ SCRIPT_SHELL, "bash|-c|-o|pipefail|@" },
	{ SCRIPT_SHELL, "bash|+x|-c|@" },
	{ SCRIPT_SHELL, "bash|--rcfile|/etc/rc|-c|@" },
	{ SCRIPT_SHELL, "bash|--norc|-c|@" },
	{ SCRIPT_SHELL, "ksh93|-c|@" },
	{ SCRIPT_SHELL, "dash|-c|@" },
	{ SCRIPT_SHELL, "zsh|-fc|@" },
	{ SCRIPT_SHELL, "tcsh|-c|@" },
	{ SCRIPT_SHELL, "csh|-c|true|-c|@" },
	{ SCRIPT_SHELL, "bash-static|-c|@" },
	{ SCRIPT_FILE, "sh|@" },
	{ SCRIPT_FILE, "sh|-e|@" },
	{ SCRIPT_FILE, "sh|--|@" },
	{ SCRIPT_FILE, "bash|-o|@|x.sh" },
	{ SCRIPT_FILE, "bash|--rcfile|@|x.sh" },
	{ SCRIPT_FILE, "bash|--rcfile=@|x.sh" },
	{ 0, "sh|-c|ingest \"$1\"|sh|@" },
	{ 0, "sh|-c|ingest \"$1\"|@" },
	{ 0, "sh|-c|ingest \"$1\"|--|@" },
	{ 0, "bash|-eo|pipefail|-c|x|ingest|--date|@" },
	{ 0, "bash|--login|-c|x|bash|@" },
	{ 0, "sh|ingest.sh|@" },
	{ 0, "sh|-e|ingest.sh|-c|@" },
	{ 0, "sh|--|ingest.sh|@" },
	{ 0, "ingest|-c|@" },
	{ 0, "push|-c|@" },
	{ 0, "ingest.sh|-c|@" },
};

static const struct row elsewhere[] = {
	{ SCRIPT_SHELL, "nice|-n|5|sh|-c|@" },
	{ SCRIPT_SHELL, "busybox|sh|-c|@" },
	{ SCRIPT_SHELL, "env|A=1|/usr/bin/bash|-c|@" },
	{ SCRIPT_SHELL, "xargs|-0|sh|-c|@" },
	{ SCRIPT_SHELL, "find|.|-exec|sh|-c|@|;" },
	{ SCRIPT_SHELL, "docker|exec|web|sh|-c|@" },
	{ SCRIPT_SHELL, "sudo|-u|ann|nice|timeout|5|sh|-c|@" },
	{ SCRIPT_SHELL, "runuser|-u|ann|--|sh|-c|@" },
	{ SCRIPT_JOINED, "nohup|ssh|host|@" },
	{ 0, "find|.|-exec|sh|-c|x \"$1\"|sh|@|;" },
	{ 0, "docker|exec|@|ls" },
	{ 0, "nice|ingest|@" },
};

static const struct row interpreters[] = {
	{ SCRIPT_CODE, "perl|-e|@" },
	{ SCRIPT_CODE, "perl|-ne|@" },
	{ SCRIPT_CODE, "perl|-0777ne|@" },
	{ SCRIPT_CODE, "perl|-e@" },
	{ SCRIPT_CODE, "perl|-w|-I|lib|-E|@" },
	{ SCRIPT_CODE, "perl|-i.bake|-e|@" },
	{ SCRIPT_CODE, "perl|-d:Trace|-e|@" },
	{ SCRIPT_CODE, "perl|-e|1|-e|@" },
	{ SCRIPT_FILE, "perl|-M@|-e|1" },
	{ SCRIPT_FILE, "perl|@" },
	{ SCRIPT_CODE, "python3.11|-c|@" },
	{ SCRIPT_CODE, "python3|-u|-W|ignore|-c|@" },
	{ SCRIPT_CODE, "python|-Ic|@" },
	{ SCRIPT_CODE, "python|-m|@" },
	{ SCRIPT_FILE, "python3|-X|@|x.py" },
	{ SCRIPT_CODE, "ruby|-r|json|-e|@" },
	{ SCRIPT_FILE, "ruby|-r|@|x.rb" },
	{ SCRIPT_CODE, "node|-e|@" },
	{ SCRIPT_CODE, "node|-pe|@" },
	{ SCRIPT_FILE, "node|-p|@" },
	{ SCRIPT_CODE, "node|--eval|@" },
	{ SCRIPT_CODE, "node|--eval=@" },
	{ SCRIPT_CODE, "node|--title|x|-e|@" },
	{ SCRIPT_CODE, "php|-r|@" },
	{ SCRIPT_FILE, "lua5.4|-e|x=1|@" },
	{ SCRIPT_FILE, "lua|-e|@|x.lua" },
	{ SCRIPT_CODE, "fish|-c|@" },
	{ SCRIPT_CODE, "fish|--command=@" },
	{ SCRIPT_CODE, "fish|--comm=@" },
	{ SCRIPT_CODE, "fish|-c|true|-c|@" },
	{ SCRIPT_CODE, "awk|@" },
	{ SCRIPT_CODE, "awk|-F|:|@" },
	{ SCRIPT_CODE, "awk|-v|x=1|@|file" },
	{ SCRIPT_CODE, "awk|-f|@" },
	{ SCRIPT_CODE, "gawk|--source|@" },
	{ SCRIPT_FILE, "gawk|-i|@|1" },
	{ SCRIPT_FILE, "awk|-n@v" },
	{ SCRIPT_CODE, "sed|-n|@" },
	{ SCRIPT_CODE, "sed|-i.bak|-e|@|file" },
	{ SCRIPT_CODE, "sed|s/a/b/|-e|@" },
	{ SCRIPT_CODE, "deno|eval|@" },
	{ SCRIPT_CODE, "R|-e|@" },
	{ 0, "perl|-e|print @ARGV|@" },
	{ 0, "perl|-e|1|--|@" },
	{ 0, "perl|x.pl|-e|@" },
	{ 0, "python3|-c|x|-c|@" },
	{ 0, "python3|-u|x.py|-c|@" },
	{ 0, "python3|-m|ingest|--date|@" },
	{ 0, "node|--|x.js|@" },
	{ 0, "node|-e|x|@" },
	{ 0, "awk|-v|d=@|{ print d }" },
	{ 0, "awk|-vd=@|{ print d }" },
	{ 0, "awk|-F|@|{ print $1 }" },
	{ 0, "awk|{ print }|@" },
	{ 0, "sed|-n|p|@" },
	{ 0, "sed|-e|p|@" },
};

static const struct row commands[] = {
	{ SCRIPT_JOINED, "eval|@" },
	{ SCRIPT_JOINED, "su|ann|-c|@" },
	{ SCRIPT_JOINED, "su|--command=@|ann" },
	{ SCRIPT_JOINED, "sg|staff|@" },
	{ SCRIPT_JOINED, "script|-qec|@" },
	{ SCRIPT_JOINED, "script|--command|@" },
	{ SCRIPT_JOINED, "runuser|ann|-c|@" },
	{ SCRIPT_JOINED, "runuser|-|ann|--command=@" },
	{ SCRIPT_CODE, "runuser|-u|ann|-c|@" },
	{ SCRIPT_JOINED, "flock|/l|-c|@" },
	{ SCRIPT_JOINED, "flock|-w|5|/l|--command|@" },
	{ SCRIPT_CODE, "flock|-c|@" },
	{ SCRIPT_JOINED, "env|-S|@" },
	{ SCRIPT_JOINED, "env|-S@" },
	{ SCRIPT_JOINED, "env|-vS|sh -c|@" },
	{ SCRIPT_JOINED, "env|--split-string=sh -c|@" },
	{ SCRIPT_JOINED, "env|--split-string=@" },
	{ SCRIPT_JOINED, "sudo|-s|echo|@" },
	{ SCRIPT_JOINED, "sudo|-u|ann|-i|@" },
	{ SCRIPT_JOINED, "ssh|host|@" },
	{ SCRIPT_JOINED, "ssh|-p|22|host|ls|@" },
	{ SCRIPT_JOINED, "ssh|-tp22|--|host|ls @" },
	{ SCRIPT_JOINED, "ssh|@|@ls" },
	{ SCRIPT_CODE, "ssh|-o|ProxyCommand=@|host" },
	{ SCRIPT_CODE, "ssh|-oProxyCommand=@|host" },
	{ SCRIPT_JOINED, "watch|-n|1|@" },
	{ SCRIPT_JOINED, "parallel|echo|:::|@" },
	{ SCRIPT_JOINED, "at|-f|@|now" },
	{ SCRIPT_JOINED, "make|DATE=@" },
	{ SCRIPT_JOINED, "sqlite3|db|@" },
	{ SCRIPT_JOINED, "vi|@" },
	{ SCRIPT_JOINED, "vim|-c|@|file" },
	{ SCRIPT_JOINED, "ex|+@|file" },
	{ SCRIPT_COMMAND, "ed|@" },
	{ SCRIPT_COMMAND, "ed|-s|@" },
	{ SCRIPT_JOINED, "ed|!ls @" },
	{ SCRIPT_COMMAND, "nice|view|@" },
	{ SCRIPT_JOINED, "view|+@|file" },
	{ SCRIPT_CODE, "view|-c|@|file" },
	{ SCRIPT_CODE, "view|-c:!@|file" },
	{ SCRIPT_CODE, "view|--cmd=@|file" },
	{ 0, "ed|-s|/srv/@" },
	{ 0, "samtools|view|-b|./@" },
	{ SCRIPT_CODE, "jobctl|submit|--shell|@" },
	{ SCRIPT_CODE, "jobctl|submit|--name|x|--sh=ls @" },
	{ SCRIPT_CODE, "jobctl|submit|@" },
	{ SCRIPT_CODE, "jobctl|submit|--plan|@" },
	{ 0, "jobctl|submit|--name|@|ls" },
	{ 0, "jobctl|submit|ls|@" },
	{ 0, "jobctl|wait|@" },
	{ SCRIPT_CODE, "rsync|-ave|@|a|b" },
	{ SCRIPT_CODE, "rsync|--rsh=@|a|b" },
	{ SCRIPT_CODE, "rsync|-a|--rsync-path|@|a|b" },
	{ SCRIPT_CODE, "git|-c|core.pager=@|log" },
	{ SCRIPT_CODE, "git|submodule|foreach|@" },
	{ SCRIPT_CODE, "tar|-cI|@|-f|x" },
	{ SCRIPT_CODE, "tar|--to-command=@|-xf|x" },
	{ SCRIPT_CODE, "tar|--checkpoint-action|@|-xf|x" },
	{ SCRIPT_CODE, "psql|-c|@" },
	{ SCRIPT_CODE, "psql|--comm=@" },
	{ SCRIPT_CODE, "mysql|-Be|@" },
	{ SCRIPT_CODE, "sbatch|--wrap=@" },
	{ SCRIPT_CODE, "nc|-lc|@" },
	{ SCRIPT_CODE, "systemd-run|-p|@|ls" },
	{ SCRIPT_CODE, "env|LD_PRELOAD=@|ls" },
	{ 0, "ssh|@" },
	{ 0, "ssh|-p|@|host|ls" },
	{ 0, "ssh|-l@|host|ls" },
	{ 0, "flock|-n|/l|ingest|-c|@" },
	{ 0, "flock|-w|@|/l|ingest" },
	{ 0, "sudo|-u|ann|ingest|-s|@" },
	{ 0, "env|-i|A=@|ingest" },
	{ 0, "git|log|--|@" },
	{ 0, "tar|-C|@|-cf|x.tar|." },
	{ 0, "psql|-v|d=@|-f|x.sql" },
	{ 0, "rsync|-a|/srv/@|/dst" },
	{ 0, "runuser|-u|ann|--|ingest|@" },
	{ 0, "runuser|-u|@|--|ingest" },
};

static const struct row programs[] = {
	{ SCRIPT_PROGRAM, "@" },
	{ SCRIPT_PROGRAM, "/opt/@/ingest" },
	{ SCRIPT_PROGRAM, "env|@" },
	{ SCRIPT_PROGRAM, "env|A=1|@" },
	{ SCRIPT_PROGRAM, "env|@=1|ls" },
	{ SCRIPT_PROGRAM, "nice|-n|5|@" },
	{ SCRIPT_PROGRAM, "nice|-n5|@" },
	{ SCRIPT_PROGRAM, "timeout|-k|5|60|@" },
	{ SCRIPT_PROGRAM, "sudo|-u|ann|--|@" },
	{ SCRIPT_PROGRAM, "xargs|-n1|@" },
	{ SCRIPT_PROGRAM, "busybox|@" },
	{ SCRIPT_PROGRAM, "setpriv|--reuid|5|@" },
	{ SCRIPT_PROGRAM, "find|.|-exec|@|;" },
	{ SCRIPT_PROGRAM, "find|.|-okdir|@|;" },
	{ SCRIPT_PROGRAM, "flock|/l|@" },
	{ 0, "timeout|@|ls" },
	{ 0, "nice|-n|@|ls" },
	{ 0, "chroot|@|ls" },
	{ 0, "find|@|-name|x" },
	{ 0, "find|.|-name|@|-exec|rm|;" },
};

static const struct row remote[] = {
	{ SCRIPT_REMOTE, "rsync|-a|host:/srv/@|/dst" },
	{ SCRIPT_REMOTE, "rsync|-a|/src|ann@host:@" },
	{ SCRIPT_REMOTE, "rsync|-a|@|/dst" },
	{ SCRIPT_REMOTE, "rsync|-essh|host:@|/dst" },
	{ SCRIPT_REMOTE, "rsync|-a|--|-s|host:@" },
	{ SCRIPT_REMOTE, "scp|host:@|/dst" },
	{ 0, "rsync|-as|host:/srv/@|/dst" },
	{ 0, "rsync|--protect-args|-a|host:@|/dst" },
	{ 0, "scp|-s|host:@|/dst" },
	{ 0, "rsync|-a|host::module/@|/dst" },
	{ 0, "rsync|-a|rsync://host/m/@|/dst" },
	{ 0, "rsync|-a|./@|/dst" },
	{ 0, "rsync|--exclude=@|/src|/dst" },
};

/* Cuts the row into words, and finds the last of them with @. */
static size_t cut(const struct row *row, char *text, char **words)
{
	size_t n = 0, at = 0;

	strcpy(text, row->command);
	for (char *w = strtok(text, "|"); w; w = strtok(NULL, "|")) {
		ck_assert_uint_lt(n, WORDS - 1);
		if (strchr(w, '@'))
			at = n;
		words[n++] = w;
	}
	words[n] = NULL;
	return at;
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[128], *words[WORDS];
		struct script s = { 0 };
		size_t at = cut(&rows[i], text, words);
		size_t from = (size_t)(strrchr(words[at], '@') - words[at]);
		struct scripts *all = scripts_new(words);
		bool is = scripts_reads(all, at, from, &s);
		scripts_free(all);
		ck_assert_msg(is == (rows[i].kind != 0) && (!is || s.kind == rows[i].kind),
		    "%s: is kind %d, not %d", rows[i].command, is ? (int)s.kind : 0,
		    (int)rows[i].kind);
	}
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

START_TEST(a_shells_script_is_code_and_what_follows_is_data)
{
	CHECK_ROWS(shells);
}
END_TEST

START_TEST(a_shell_is_known_wherever_in_the_command_it_stands)
{
	CHECK_ROWS(elsewhere);
}
END_TEST

START_TEST(code_for_other_interpreters_is_code_too)
{
	CHECK_ROWS(interpreters);
}
END_TEST

START_TEST(what_a_program_hands_to_a_shell_is_code)
{
	CHECK_ROWS(commands);
}
END_TEST

START_TEST(the_name_of_what_is_run_is_known_behind_other_programs)
{
	CHECK_ROWS(programs);
}
END_TEST

START_TEST(a_path_on_another_host_is_read_by_a_shell_there)
{
	CHECK_ROWS(remote);
}
END_TEST

START_TEST(who_reads_it_is_said_without_a_path)
{
	char *command[] = { (char[]){ "nice" }, (char[]){ "/usr/bin/bash" }, (char[]){ "-c" },
		(char[]){ "@" }, NULL };
	struct script s;
	struct scripts *all = scripts_new(command);
	ck_assert(scripts_reads(all, 3, 0, &s));
	scripts_free(all);
	ck_assert_str_eq(s.program, "bash");
}
END_TEST

START_TEST(variables_that_programs_load_are_known_by_name_or_beginning)
{
	static const char *const loaded[] = { "LD_PRELOAD", "LD_", "BASH_ENV", "PATH", "PS4",
		"BASH_FUNC_x%%", "EXINIT", "GIT_SSH_COMMAND" };
	static const char *const free[] = { "DATE", "PATHS", "PAT", "LD", "MODE", "P", "" };
	for (size_t i = 0; i < sizeof(loaded) / sizeof(loaded[0]); i++)
		ck_assert_msg(scripts_loads(loaded[i], strlen(loaded[i])), "%s", loaded[i]);
	for (size_t i = 0; i < sizeof(free) / sizeof(free[0]); i++)
		ck_assert_msg(!scripts_loads(free[i], strlen(free[i])), "%s", free[i]);
	ck_assert(scripts_loads("PATH=/bin", 4));
}
END_TEST

UNIT_MAIN("scripts", a_shells_script_is_code_and_what_follows_is_data,
    a_shell_is_known_wherever_in_the_command_it_stands, code_for_other_interpreters_is_code_too,
    what_a_program_hands_to_a_shell_is_code, the_name_of_what_is_run_is_known_behind_other_programs,
    a_path_on_another_host_is_read_by_a_shell_there, who_reads_it_is_said_without_a_path,
    variables_that_programs_load_are_known_by_name_or_beginning)
