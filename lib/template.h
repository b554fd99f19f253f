/* SPDX-License-Identifier: ISC */
/*
 * Templates: jobs with parameters. What a template may hold, what it may not, and what a
 * job made of it is. Plain data; no JSON, no disk. Libc only.
 *
 * {NAME} in an argument of the command, in the directory, the job's name, the project or a
 * value of the environment stands for the parameter of that name; {{ and }} stand for the braces.
 *
 * A parameter is text and nothing else, whoever gives it:
 * - An argument stays one argument, whatever is in it: spaces, quotes, newlines and other control
 *   characters are passed on as they are. Only what is no UTF-8 is refused, and what makes an
 *   argument longer than the kernel takes (TEMPLATE_TEXT_MAX). A program that cuts its arguments
 *   at lines is the author's to know.
 * - It never becomes code. The program's name is written out, and so is what a shell or another
 *   interpreter is given to run: sh -c 'ingest "$1"' sh {date} does what sh -c 'ingest {date}'
 *   would. Which arguments those are, of which programs, is in lib/scripts.h; the variables of
 *   the environment that programs run or load (LD_PRELOAD, BASH_ENV ...) may hold none either.
 * - It never becomes an option. An option's name may hold no parameter (--{x}); a value that begins
 *   with - is refused where it would stand at the beginning of an argument, unless that
 *   argument comes after a -- with nothing between but other arguments that begin with a parameter:
 *   rm -- {file}. (A -- further away may be meant for another program: sudo -- rm {file}.)
 *   --depth={n} and ./{file} take any value. The same holds for defaults.
 * What remains is the author's: a path may hold .., a program may give a meaning to what it is
 * told, or hand it on to a shell by itself.
 */
#ifndef LIB_TEMPLATE_H
#define LIB_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes that an argument, or another text with placeholders, comes to: the kernel's
 * MAX_ARG_STRLEN less its NUL. */
#define TEMPLATE_TEXT_MAX (128 * 1024 - 1)

/* NULL and -1 where nothing is said. Everything is the template's. */
struct template {
	char *name;
	char *description;
	char **command; /* at least one */
	char **parameters; /* "NAME" or "NAME=default" */
	char *job_name, *queue, *project, *cwd;
	int priority; /* 1 to 10; 0: not said */
	int umask;    /* -1: not said */
	char **environment; /* NAME=value */
	char **rules;	    /* NAME=value of lib/rules.h: those of jobs */
	char *by;	    /* the user who made it at run time */
	int64_t by_uid;	    /* and his number; -1: nobody did, or it is not known who */
};

/* An empty template: nothing is said. Owns nothing. */
void template_init(struct template *t);
/* Frees what it holds, and makes it empty. */
void template_fini(struct template *t);
/* Copies all of it. 0 or -ENOMEM; then *to is as template_init makes it. */
int template_copy(struct template *to, const struct template *from);

/*
 * Sets a field by its name, as the configuration has it: description, command, parameters,
 * job_name, queue, project, cwd, priority, umask, environment, or a rule of jobs. Of lists
 * (template_field_is_list) it adds one. 0; -ENOENT where there is no such field; -EINVAL;
 * -ENOMEM. On -EINVAL *takes is what it takes instead.
 */
int template_set(struct template *t, const char *field, const char *value, const char **takes);
/* The fields' names, one after the other; NULL at the end. Rules are among them. */
const char *template_field(size_t at);
/* Whether the field of that name is a list: template_set adds to it. */
bool template_field_is_list(const char *field);

/* Whether the name can be one: letters, digits, _ . and -, at most 64, not beginning with - or a
 * dot. */
bool template_good_name(const char *name);

/*
 * Whether it is whole and safe: a command; each parameter once, its name good; each placeholder a
 * parameter; each parameter used; none where the head of this file says that there may be none.
 * 0; -EINVAL and *why, a sentence for a person without a full stop (the caller's); -ENOMEM.
 */
int template_check(const struct template *t, char **why);

/*
 * Puts given ("NAME=value", each once; NULL is none) in the places of the parameters: *out is
 * like t, with no placeholder and no parameters left. A template that template_check refuses is
 * refused here too. 0; -EINVAL and *why: one that is unknown, missing, given twice, not UTF-8, or
 * begins with - where it may not; -ENOMEM. On failure *out is as template_init makes it.
 */
int template_expand(const struct template *t, char *const *given, struct template *out, char **why);

#endif
