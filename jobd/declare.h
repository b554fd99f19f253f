/* SPDX-License-Identifier: ISC */
/* What the configuration declares, queues and templates, made known to core. */
#ifndef JOBD_DECLARE_H
#define JOBD_DECLARE_H

#include "jobd/core/engine.h"
#include "jobd/sys/settings.h"

/* In the place of what was declared before. 0 or -ENOMEM. */
int declare(struct engine *e, const struct config *c);

#endif
