/* SPDX-License-Identifier: ISC */
/* What the configuration says, as each room takes it. */
#ifndef JOBD_TUNING_H
#define JOBD_TUNING_H

#include "jobd/api/api.h"
#include "jobd/core/engine.h"
#include "jobd/server/server.h"
#include "jobd/sys/settings.h"

/* Pure, and nothing in them is borrowed of c. Called at the start, and again at each reload. */
struct engine_settings tuning_engine(const struct config *c);
struct server_limits tuning_server(const struct config *c);
struct api_limits tuning_api(const struct config *c);

#endif
