/* SPDX-License-Identifier: ISC */
/* A store that keeps nothing and keepers that do nothing, for choose_bench: who links it links
 * neither room. */
#ifndef BENCH_NOTHING_H
#define BENCH_NOTHING_H

#include <stddef.h>
#include <stdint.h>

/* The next job that core has begun to start, or 0. */
uint64_t nothing_started(void);
/* One of those that were begun and have not been acknowledged. */
uint64_t nothing_any_running(unsigned (*any)(unsigned n));
/* Plenty. */
uint64_t nothing_free(const char *dir);
void nothing_forget(void);

#endif
