/* SPDX-License-Identifier: ISC */
/* Who may do what: the names of the configuration, made into the numbers the api compares. */
#ifndef JOBD_POLICY_H
#define JOBD_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "jobd/api/api.h"
#include "jobd/sys/settings.h"
#include "jobd/sys/names.h"

struct policy_name;

struct policy {
	struct api_policy api;	   /* its arrays are owned here */
	bool pending;		   /* some name is not settled: resolve again when there is news */
	bool waiting;		   /* and was asked for just now: a start waits for it, two seconds at most */
	struct policy_name *names; /* what is known of each; owned here */
	size_t nnames;
};

/*
 * Resolves what is known so far. A name that is being looked up keeps the id it had; without one,
 * or when there is no such name, it gives nobody any right. Call it again when there are new names,
 * also with another configuration: what was resolved before the first call is all zero. A name
 * that does not exist is logged once, and so is one that the name service does not tell; also
 * such as only a queue has.
 */
void policy_resolve(struct policy *p, const struct config *c, struct names *n);
/* Adds what is wrong with names of this configuration, as it was found last. */
void policy_warnings(const struct policy *p, const struct config *c, char ***warnings);
void policy_fini(struct policy *p);

#endif
