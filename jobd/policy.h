/* SPDX-License-Identifier: ISC */
/* Who may do what: the names of the configuration, made into the numbers the api compares. */
#ifndef JOBD_POLICY_H
#define JOBD_POLICY_H

#include <stdbool.h>

#include "jobd/api/api.h"
#include "jobd/sys/config.h"
#include "jobd/sys/names.h"

struct policy {
	struct api_policy api; /* its arrays are owned here */
	bool pending;	       /* some name is still being looked up */
};

/*
 * Resolves what is known so far; a name that is looked up, or unknown, gives nobody any right.
 * Call it again when there are new names. Unknown ones are logged, once the
 * lookups are through.
 */
void policy_resolve(struct policy *p, const struct config *c, struct names *n);
void policy_fini(struct policy *p);

#endif
