/* SPDX-License-Identifier: ISC */
/* The errors that several methods have. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "jobd/api/common.h"

void error_not_found(struct call *c, uint64_t id)
{
	call_error(c, "org.jobd.Job.NotFound", json_pack("{s:I}", "id", (json_int_t)id));
}

void error_invalid(struct call *c, const char *parameter, const char *fmt, ...)
{
	char message[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	json_t *params = json_object();
	json_put(params, "parameter", json_string(parameter));
	json_put(params, "message", json_text(message));
	call_error(c, "org.jobd.Job.Invalid", params);
}

void error_failed(struct call *c, uint64_t id, const char *message)
{
	json_t *params = json_pack("{s:I}", "id", (json_int_t)id);

	json_put(params, "message", json_text(message));
	call_error(c, "org.jobd.Job.Failed", params);
}

void error_wrong_state(
    struct call *c, uint64_t id, enum job_state state, const char *verb, const char *can)
{
	call_error(c, "org.jobd.Job.WrongState",
	    json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)id, "state", job_state_name(state),
		"verb", verb, "can", can));
}
