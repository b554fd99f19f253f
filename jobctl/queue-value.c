/* SPDX-License-Identifier: ISC */
/* See queue-value.h. Knows what two lists that are empty mean together, and of no other value anything. */
#include "config.h"

#include "jobctl/queue-value.h"

#include "jobctl/job.h"
#include "lib/rules.h"

/* Whether one of the queue's lists names somebody. */
static bool names_somebody(const json_t *queue)
{
	size_t i;
	json_t *v;

	json_array_foreach(json_object_get(queue, "values"), i, v) {
		int which = rule_find(job_text_or(v, "name", ""));
		if (which >= 0 && rule_is_list((enum rule)which) && *job_text_or(v, "value", ""))
			return true;
	}
	return false;
}

const char *queue_value(const json_t *queue, const json_t *value)
{
	int which = rule_find(job_text_or(value, "name", ""));
	const char *text = job_text_or(value, "value", "");

	if (*text || which < 0 || !rule_is_list((enum rule)which))
		return text;
	return names_somebody(queue) ? "-" : "everyone";
}
