/* SPDX-License-Identifier: ISC */
/* What the lists of a filter mean, of jobs and of journal entries alike. */
#ifndef CORE_FILTER_H
#define CORE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list that was not given (NULL) holds everything; a value that is not there is in no list. */
bool filter_has_word(const char *const *list, const char *value);
/* Whether a list of n ascending ids, which was given, has this one. */
bool filter_has_id(const uint64_t *ids, size_t n, uint64_t id);

#endif
