/* SPDX-License-Identifier: ISC */
/* See tuning.h. */
#include "config.h"

#include "jobd/tuning.h"

#include <unistd.h>

struct engine_settings tuning_engine(const struct config *c)
{
	return (struct engine_settings){
		.max_running = c->max_running,
		.user_max_running = c->user_max_running,
		.kill_grace_ms = c->kill_grace_us / 1000,
		.ageing_us = c->ageing_us,
		.low_disk_bytes = c->low_disk_bytes,
		.on_stop = on_stop_parse(c->on_stop),
		.user_queued_jobs = c->user_queued_jobs,
		.user_job_bytes = c->user_job_bytes,
		.environment_bytes = c->max_environment_bytes,
		.command_bytes = c->max_command_bytes,
		.exempt_uid = geteuid(),
	};
}

struct server_limits tuning_server(const struct config *c)
{
	return (struct server_limits){
		.user_connections = c->user_connections,
		.user_calls_per_second = c->user_calls_per_second,
	};
}

struct api_limits tuning_api(const struct config *c)
{
	return (struct api_limits){
		.environment_bytes = c->max_environment_bytes,
		.command_bytes = c->max_command_bytes,
		.user_queued_jobs = c->user_queued_jobs,
		.user_job_bytes = c->user_job_bytes,
	};
}
