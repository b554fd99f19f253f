/* SPDX-License-Identifier: ISC */
/* What the daemon's errors mean: exit codes, and sentences for people. */
#ifndef JOBCTL_FAULT_H
#define JOBCTL_FAULT_H

#include "jobctl/client.h"
#include "jobctl/code.h"

/* The exit code for an error's name. */
enum code fault_code(const char *error);

/*
 * Says what an error answer means. what is what was tried: "pause job 7",
 * "read the configuration again".
 */
void fault_say(const char *what, const struct answer *a);

#endif
