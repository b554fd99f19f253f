/* SPDX-License-Identifier: ISC */
/*
 * What people write in JSON in the place of the protocol's numbers: times, a umask, a priority. For plans
 * and for jobs that are edited as a text.
 */
#ifndef JOBCTL_WORDS_H
#define JOBCTL_WORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/varlink.h"

/* What a value of the field has to be: "a string", "an array of strings". */
const char *words_kind(const struct varlink_field *f);

/* A umask in octal digits ("022"), or -1 where it is none. */
int words_umask(const char *text);

/*
 * Makes of job, an object, what the protocol's NewJob is: "at" and "deadline" (texts, as --at and --deadline
 * take them) become not_before_us and deadline_us, a priority ("high") and a umask ("022") that are texts
 * become numbers. now_us is what times are told from. False: why says what is wrong, in a line, and *wrong
 * is the name of the field.
 */
bool words_translate(
    json_t *job, uint64_t now_us, const char **wrong, char *why, size_t size);

#endif
