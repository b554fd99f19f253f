/* SPDX-License-Identifier: ISC */
/*
 * What the options say of a job, as the protocol's fields: the same for submit, edit and template
 * set. What can be known to be wrong is told here, before the daemon is asked.
 *
 * Each puts into p what was given, and nothing where nothing was. CODE_DONE, or what went
 * wrong, said.
 */
#ifndef JOBCTL_FIELDS_H
#define JOBCTL_FIELDS_H

#include <jansson.h>
#include <pwd.h>

#include "jobctl/verb.h"

/* command: --shell, or the words. */
enum code fields_command(const struct ctl *c, char *const *words, json_t *p);
/* A text under key; option is its name on the command line. */
enum code fields_text(
    const struct ctl *c, json_t *p, const char *key, const char *option, const char *text);
/* queue, project, rules; and --name under this key. */
enum code fields_common(const struct ctl *c, const char *name_key, json_t *p);
/* priority */
enum code fields_priority(const struct ctl *c, json_t *p);
/* meta, not_before_us, deadline_us, drop_unmet, after. was is the job that is changed, or NULL: its
 * times count where others are not said, or cleared in p. */
enum code fields_job(const struct ctl *c, const json_t *was, json_t *p);
/* token: one that nobody had before. */
enum code fields_token(json_t *p);
/* user: whom the job is to run as, by name, as jobd knows users. */
enum code fields_user(const struct ctl *c, json_t *p);

/* The last value of an option that may be given once, or NULL. */
const char *fields_last(char *const *v);
/* The account that a number stands for, where no account has it as its name; else NULL. Borrowed, as from
 * getpwuid(3). */
const struct passwd *fields_numbered_user(const char *text);
/* Whom the job is to run as, name or number, where that is somebody else than the caller; else NULL. */
const char *fields_other_user(const struct options *o);
json_t *fields_strings(char *const *v);

#endif
