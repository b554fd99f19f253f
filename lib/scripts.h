/* SPDX-License-Identifier: ISC */
/*
 * Which arguments of a command are code, or the name of what is run: those that nobody but the
 * command's author may write. Libc only; runs nothing, and looks at no file.
 *
 * A program is known by its name, as the command's first word or as any later one (nice, sudo,
 * xargs, find -exec, docker exec ... have theirs there), with or without a path and a version
 * (python3.11, bash-5.2). scripts-table.c has those that are known:
 *
 * - Shells (sh bash dash ash ksh mksh zsh csh tcsh ...). All is code up to and with the first
 *   argument that is no option: it is the script of -c, or the name of one. What follows ($0,
 *   $1 ...) is free, and $0 is no program's name.
 * - Interpreters (perl -e, python -c, ruby -e, node -e, php -r, lua -e, fish -c ..., awk and sed).
 *   Their options are code, and so is what one of these gives as code; without such an option, the
 *   first argument. What follows is free.
 * - Programs that make a command line for a shell of their arguments, or read them as commands
 *   (su, script, sg, watch, parallel, eval, make, tmux, gdb, vim ...): all arguments. What could be
 *   a command in the place of a file (ed !command, view +command; ./{file} can't); what comes after
 *   the host (ssh, rsh), or after an option (env -S, sudo -s, sudo -i).
 * - Programs that start another (env nice nohup timeout sudo flock setpriv runuser xargs
 *   find -exec ...): its name, and the command of flock FILE -c COMMAND.
 * - Options whose value is a command, or code: --command=, rsync -e, git -c, tar -I, psql -c,
 *   mysql -e, jobctl --shell ...
 * - A path on another host, which an rsync or scp without -s gives to a shell there.
 *
 * Options that are not known count as such of the program, not as its code. The rules err by
 * calling too much code: a word that happens to be such a program's name counts as it. A program
 * that is not known here, and hands its arguments to a shell or runs them, is the author's to know.
 */
#ifndef LIB_SCRIPTS_H
#define LIB_SCRIPTS_H

#include <stdbool.h>
#include <stddef.h>

enum script_kind {
	SCRIPT_SHELL = 1, /* part of a shell's script */
	SCRIPT_FILE,	  /* an option of an interpreter, or the name of the script that it runs */
	SCRIPT_CODE,	  /* code for an interpreter, or an option's value that is run */
	SCRIPT_JOINED,	  /* part of a command line that is made for a shell, or of commands */
	SCRIPT_PROGRAM,	  /* the name of a program */
	SCRIPT_REMOTE,	  /* a path on another host */
	SCRIPT_COMMAND,	  /* a file's name, and a command where it begins with ! or + */
};

struct scripts;

struct script {
	enum script_kind kind;
	/* what it is that reads it: without its path; borrowed from the command */
	const char *program;
};

/* Looks for such programs in a command (borrowed, until scripts_free). NULL: no memory. */
struct scripts *scripts_new(char *const *command);
void scripts_free(struct scripts *s); /* NULL is fine */

/*
 * Whether the argument at (0 is the program's name) is code or names what is run, whatever it
 * holds; *out then says why. at is less than the command's length. Where an option, an assignment
 * or a remote path has a fixed part, from is where in the argument the text begins that is asked
 * about.
 */
bool scripts_reads(const struct scripts *s, size_t at, size_t from, struct script *out);

/* Whether the variable of the environment is one that the loader, shells or interpreters run or
 * load from. */
bool scripts_loads(const char *name, size_t len);

#endif
