/* SPDX-License-Identifier: ISC */
/*
 * Refused calls are journalled, but a client that is refused in a loop fills no
 * disk: one entry a minute for a user and verb, which says how many there were.
 */
#ifndef CORE_REFUSALS_H
#define CORE_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#define REFUSALS_KEPT 64
#define REFUSALS_US   (60u * 1000000u)

struct refusals {
	struct refusal {
		uint32_t uid;
		char verb[24];
		uint64_t since_us;
		uint64_t suppressed;
	} kept[REFUSALS_KEPT];
	unsigned next; /* the place to be used again when all are taken */
};

/* Whether this one is to be journalled; *before is how many were passed over since the last. */
bool refusals_admit(
    struct refusals *r, uint32_t uid, const char *verb, uint64_t now_us, uint64_t *before);

#endif
