/* SPDX-License-Identifier: ISC */
/*
 * Reading parameters. The dispatcher has checked them against the interface:
 * what is required is there, and everything has its type.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/api/common.h"
#include "lib/bounds.h"
#include "lib/number.h"

const char *param_str(const struct call *c, const char *name)
{
	return json_string_value(json_object_get(call_params(c), name));
}

uint64_t param_u64(const struct call *c, const char *name, uint64_t otherwise)
{
	const json_t *v = json_object_get(call_params(c), name);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return otherwise;
	return (uint64_t)json_integer_value(v);
}

bool param_bool(const struct call *c, const char *name)
{
	return json_is_true(json_object_get(call_params(c), name));
}

const char **param_strv(const struct call *c, const char *name, bool *no_memory)
{
	const json_t *v = json_object_get(call_params(c), name);
	size_t n = json_array_size(v);

	if (!json_is_array(v))
		return NULL;
	const char **out = calloc(n + 1, sizeof *out);
	if (!out)
		*no_memory = true;
	for (size_t i = 0; out && i < n; i++)
		out[i] = json_string_value(json_array_get(v, i));
	return out;
}

bool param_filter_fits(struct call *c)
{
	static const char *const lists[] = { "queues", "projects", "users", "verbs" };
	const char *glob = param_str(c, "name");

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (json_array_size(json_object_get(call_params(c), lists[i])) > NAMES_MAX) {
			error_invalid(c, lists[i], "a filter has at most %d of them", NAMES_MAX);
			return false;
		}
	if (glob && strlen(glob) > LABEL_MAX) {
		error_invalid(c, "name", "a glob has at most %d bytes", LABEL_MAX);
		return false;
	}
	if (json_object_size(json_object_get(call_params(c), "meta")) > META_MAX) {
		error_invalid(c, "meta", "a job has at most %d of them", META_MAX);
		return false;
	}
	return true;
}

uint64_t *param_ids(const struct call *c, size_t *n, bool *no_memory)
{
	const json_t *v = json_object_get(call_params(c), "ids");

	*n = json_array_size(v);
	if (!json_is_array(v))
		return NULL;
	uint64_t *out = calloc(*n + 1, sizeof *out);
	if (!out) {
		*no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < *n; i++)
		out[i] = (uint64_t)json_integer_value(json_array_get(v, i));
	qsort(out, *n, sizeof *out, number_compare);
	return out;
}

struct actor call_actor(const struct call *c)
{
	const struct peer *p = call_peer(c);

	return (struct actor){ p->uid, p->user, p->pid, p->process };
}

bool page_params(struct call *c, uint64_t *limit, uint64_t *before)
{
	const char *cursor = param_str(c, "cursor");
	char *end;

	*limit = param_u64(c, "limit", PAGE_LIMIT);
	*before = UINT64_MAX;
	if (*limit == 0 || *limit > PAGE_MAX) {
		error_invalid(c, "limit", "a page holds 1 to %d", PAGE_MAX);
		return false;
	}
	if (!cursor)
		return true;
	errno = 0;
	*before = strtoull(cursor, &end, 10);
	if (errno || *end || end == cursor || *cursor < '0' || *cursor > '9') {
		error_invalid(c, "cursor", "a cursor is what the page before returned");
		return false;
	}
	return true;
}

void page_cursor(json_t *reply, int more, uint64_t before)
{
	char text[24];

	if (more != 1)
		return;
	snprintf(text, sizeof text, "%" PRIu64, before);
	json_put(reply, "cursor", json_string(text));
}
