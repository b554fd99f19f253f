/* SPDX-License-Identifier: ISC */
/*
 * Which programs read arguments as code, and where: their manual pages, as rows. A program may
 * have several, all of which hold.
 *
 * Where programs of one name differ, a row has what is dangerous in any of them. An option that
 * takes a value and is not listed as valued is the mistake to avoid: its value would pass for the
 * script, and the script for data.
 */
#include "config.h"

#include "lib/scripts-table.h"

#include <string.h>

#include "lib/scripts.h"

static const struct script_row table[] = {
	/* -c is a flag to these, the script the first operand. -T is mksh's, -R ksh93's. */
	{ .names =
		"sh bash rbash dash ash ksh rksh mksh lksh pdksh oksh loksh zsh rzsh csh bsd-csh "
		"tcsh yash posh bosh osh hush sash elvish",
	    .how = HOW_SHELL,
	    .valued = "oOTR",
	    .valued_long = "rcfile init-file emulate" },
	{ .names = "fish",
	    .how = HOW_INTERPRETER,
	    .code = "cC",
	    .code_long = "command init-command",
	    .valued = "dDfop" },
	{ .names = "nu xonsh",
	    .how = HOW_INTERPRETER,
	    .code = "ce",
	    .code_long = "commands execute" },
	{ .names = "python pypy ipython jython",
	    .how = HOW_INTERPRETER,
	    .code = "cm",
	    .valued = "WXQ",
	    .ends = "cm" },
	{ .names = "perl",
	    .how = HOW_INTERPRETER,
	    .code = "eE",
	    .valued = "IMm",
	    .attached = "iFCDVx:" },
	{ .names = "ruby jruby",
	    .how = HOW_INTERPRETER,
	    .code = "e",
	    .valued = "rICE",
	    .attached = "iFxKWT:" },
	{ .names = "node nodejs bun",
	    .how = HOW_INTERPRETER,
	    .code = "e",
	    .code_long = "eval print",
	    .valued = "rC" },
	{ .names = "php php-cli php-cgi",
	    .how = HOW_INTERPRETER,
	    .code = "rBREfF",
	    .code_long = "run process-begin process-code process-end file process-file",
	    .valued = "dczSt" },
	/* Their -e or -c goes before a script, and not in its place. */
	{ .names = "lua luajit texlua", .how = HOW_INTERPRETER, .valued = "eljO" },
	{ .names = "expect", .how = HOW_INTERPRETER, .valued = "cfbd" },
	{ .names = "tclsh wish jimsh", .how = HOW_INTERPRETER },
	{ .names = "Rscript groovy scala osascript ocaml elixir crystal",
	    .how = HOW_INTERPRETER,
	    .code = "e",
	    .code_long = "eval" },
	{ .names = "julia",
	    .how = HOW_INTERPRETER,
	    .code = "eE",
	    .code_long = "eval print",
	    .valued = "LJHtpC" },
	{ .names = "octave octave-cli",
	    .how = HOW_INTERPRETER,
	    .code_long = "eval",
	    .valued = "p" },
	{ .names = "guile", .how = HOW_INTERPRETER, .code = "cs", .valued = "leLCx", .ends = "cs" },
	{ .names = "R", .how = HOW_OPTIONS, .code = "ef", .code_long = "file" },
	{ .names = "deno", .how = HOW_WORDS, .code_long = "eval run" },
	{ .names = "awk gawk mawk nawk original-awk",
	    .how = HOW_FILTER,
	    .code = "feE",
	    .code_long = "file source exec",
	    .valued = "Fvil",
	    .ends = "E",
	    .data = "Fv" },
	{ .names = "sed gsed ssed",
	    .how = HOW_FILTER,
	    .code = "ef",
	    .code_long = "expression file",
	    .valued = "l",
	    .attached = "i",
	    .data = "l" },
	{ .names = "sed gsed ssed",
	    .how = HOW_OPTIONS,
	    .code = "ef",
	    .code_long = "expression file" },

	{ .names =
		"su sg newgrp script scriptlive watch parallel sem eval make gmake bmake tmux at "
		"socat mosh pdsh "
		"dsh clush pssh parallel-ssh entr nodemon concurrently hyperfine xterm gdb lldb vi "
		"vim nvim vimdiff gvim gview rvim rview ex emacs pwsh powershell erl swipl sbcl clojure clj ghc ghci racket "
		"jshell gnuplot dc m4 sqlite",
	    .how = HOW_JOINED },
	/* Words that other programs have for something else (samtools view): not all of it is
	 * code. */
	{ .names = "view", .how = HOW_EDITOR, .code = "cSsuU", .code_long = "cmd" },
	{ .names = "ed red", .how = HOW_EDITOR },
	{ .names = "ssh slogin rsh remsh",
	    .how = HOW_HOST,
	    .code = "oF",
	    .valued = "BbcDEeIiJLlmOpQRSWw" },
	{ .names = "autossh", .how = HOW_HOST, .code = "oF", .valued = "BbcDEeIiJLlmOpQRSWwM" },

	{ .names = "env",
	    .how = HOW_WRAPPER,
	    .valued = "uC",
	    .valued_long = "unset chdir",
	    .joins = "S",
	    .joins_long = "split-string",
	    .assigns = true },
	{ .names = "sudo",
	    .how = HOW_WRAPPER,
	    .valued = "CDghpRrTtUu",
	    .valued_long = "user group chdir chroot host prompt close-from role type other-user "
			   "command-timeout",
	    .joins = "si",
	    .joins_long = "shell login",
	    .assigns = true },
	{ .names = "doas", .how = HOW_WRAPPER, .valued = "Cu" },
	{ .names = "busybox toybox nohup setsid eatmydata tini dumb-init unbuffer torsocks",
	    .how = HOW_WRAPPER },
	{ .names = "nice", .how = HOW_WRAPPER, .valued = "n", .valued_long = "adjustment" },
	{ .names = "ionice",
	    .how = HOW_WRAPPER,
	    .valued = "cnpPu",
	    .valued_long = "class classdata" },
	{ .names = "timeout",
	    .how = HOW_WRAPPER,
	    .valued = "ks",
	    .valued_long = "kill-after signal",
	    .operands = 1 },
	{ .names = "chrt", .how = HOW_WRAPPER, .valued = "TPD", .operands = 1 },
	{ .names = "taskset setuidgid envdir", .how = HOW_WRAPPER, .operands = 1 },
	{ .names = "chroot", .how = HOW_WRAPPER, .valued_long = "groups userspec", .operands = 1 },
	{ .names = "stdbuf",
	    .how = HOW_WRAPPER,
	    .valued = "ioe",
	    .valued_long = "input output error" },
	{ .names = "time", .how = HOW_WRAPPER, .valued = "fo", .valued_long = "format output" },
	{ .names = "strace ltrace", .how = HOW_WRAPPER, .valued = "eopPsSuEaIObXnlDFAw" },
	{ .names = "xargs",
	    .how = HOW_WRAPPER,
	    .valued = "adEILnPs",
	    .attached = "eil",
	    .valued_long = "arg-file delimiter max-args max-procs max-chars process-slot-var" },
	{ .names = "flock",
	    .how = HOW_WRAPPER,
	    .code = "c",
	    .code_long = "command",
	    .valued = "wE",
	    .valued_long = "timeout wait conflict-exit-code",
	    .operands = 1 },
	{ .names = "setpriv",
	    .how = HOW_WRAPPER,
	    .valued_long = "reuid regid ruid euid rgid egid groups inh-caps ambient-caps "
			   "bounding-set securebits pdeathsig selinux-label apparmor-profile" },
	{ .names = "runuser",
	    .how = HOW_RUNUSER,
	    .code = "c",
	    .code_long = "command session-command",
	    .valued = "ugGws",
	    .valued_long = "user group supp-group whitelist-environment shell" },
	{ .names = "unshare", .how = HOW_WRAPPER, .valued = "SGRw" },
	{ .names = "nsenter", .how = HOW_WRAPPER, .valued = "tSGW", .valued_long = "target" },
	{ .names = "sshpass", .how = HOW_WRAPPER, .valued = "pfdP" },
	{ .names = "systemd-run",
	    .how = HOW_WRAPPER,
	    .code = "p",
	    .code_long = "property",
	    .valued = "EHMu",
	    .valued_long = "unit slice uid gid nice working-directory setenv description "
			   "host machine" },
	{ .names = "srun", .how = HOW_WRAPPER, .valued = "AcdDeiJLmMNnopqStTwWx" },

	{ .names = "find bfs", .how = HOW_WORDS, .code_long = "-exec -execdir -ok -okdir" },
	{ .names = "git",
	    .how = HOW_OPTIONS,
	    .code = "cx",
	    .code_long = "exec exec-path upload-pack receive-pack config config-env extcmd" },
	{ .names = "git", .how = HOW_WORDS, .code_long = "foreach run" },
	{ .names = "tar gtar bsdtar",
	    .how = HOW_OPTIONS,
	    .code = "IF",
	    .code_long = "to-command checkpoint-action use-compress-program rsh-command "
			 "rmt-command info-script new-volume-script" },
	{ .names = "rsync", .how = HOW_OPTIONS, .code = "e", .code_long = "rsh rsync-path" },
	{ .names = "scp sftp", .how = HOW_OPTIONS, .code = "SoFbD" },
	{ .names = "rsync scp", .how = HOW_REMOTE },
	{ .names = "psql", .how = HOW_OPTIONS, .code = "cf", .code_long = "command file" },
	{ .names = "mysql mariadb",
	    .how = HOW_OPTIONS,
	    .code = "e",
	    .code_long = "execute init-command" },
	{ .names = "nc ncat netcat",
	    .how = HOW_OPTIONS,
	    .code = "ce",
	    .code_long = "exec sh-exec lua-exec" },
	{ .names = "jobctl", .how = HOW_OPTIONS, .code_long = "shell plan" },
	{ .names = "jobctl", .how = HOW_WORDS, .code_long = "submit run" },
	{ .names = "sbatch", .how = HOW_OPTIONS, .code_long = "wrap" },
	{ .names = "zip", .how = HOW_OPTIONS, .code = "T", .code_long = "unzip-command" },
	{ .names = "docker podman", .how = HOW_OPTIONS, .code_long = "entrypoint" },
	{ .names = "sort", .how = HOW_OPTIONS, .code_long = "compress-program" },
};

const struct script_row *script_row(size_t at)
{
	return at < sizeof(table) / sizeof(table[0]) ? &table[at] : NULL;
}

/* What the loader, shells and interpreters read before anything else; a * at the end: and whatever
 * follows. */
static const char variables[] =
    "LD_* DYLD_* BASH_FUNC_* GIT_* LUA_* GCONV_PATH PATH ENV BASH_ENV BASHOPTS SHELLOPTS PS4 "
    "PROMPT_COMMAND IFS SHELL EDITOR VISUAL PAGER MANPAGER BROWSER ZDOTDIR FPATH PERL5OPT PERL5LIB "
    "PERLLIB PERL5DB PYTHONPATH PYTHONSTARTUP PYTHONHOME RUBYOPT RUBYLIB NODE_OPTIONS NODE_PATH "
    "PHPRC PHP_INI_SCAN_DIR AWKPATH AWKLIBPATH CLASSPATH JAVA_TOOL_OPTIONS _JAVA_OPTIONS "
    "JDK_JAVA_OPTIONS RSYNC_RSH RSYNC_CONNECT_PROG TAR_OPTIONS MAKEFLAGS GNUMAKEFLAGS MAKEFILES "
    "LESSOPEN LESSCLOSE SSH_ASKPASS SUDO_ASKPASS VIMINIT EXINIT";

bool scripts_loads(const char *name, size_t len)
{
	size_t n;

	for (const char *w = variables; *w; w += n + (w[n] == ' ')) {
		n = strcspn(w, " ");
		bool open = w[n - 1] == '*';
		size_t same = open ? n - 1 : n;
		if ((open ? len >= same : len == same) && strncmp(w, name, same) == 0)
			return true;
	}
	return false;
}
