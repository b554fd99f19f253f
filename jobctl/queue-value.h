/* SPDX-License-Identifier: ISC */
/* A value of a queue, as people are shown it. */
#ifndef JOBCTL_QUEUE_VALUE_H
#define JOBCTL_QUEUE_VALUE_H

#include <jansson.h>

/*
 * The text of value, which is one of queue's values: as it would be typed; of a list that is empty whom that
 * lets in: "everyone", or "-" where the other list has names. Borrowed from value.
 */
const char *queue_value(const json_t *queue, const json_t *value);

#endif
