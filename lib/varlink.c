/* SPDX-License-Identifier: ISC */
/*
 * Varlink's messages: their check against the generated tables, their framing.
 *
 * It knows no method by name and no socket. A message from outside may be
 * anything: what is no JSON, no object, too long or has a name twice is refused
 * here; jansson bounds the depth. Memory that runs out is reported.
 */
#include "config.h"

#include "lib/varlink.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

int varlink_method_find(const char *name)
{
	size_t low = 0, high = varlink_methods_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int at = varlink_methods_by_name[mid];
		int order = strcmp(name, varlink_methods[at].name);

		if (order == 0)
			return at;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return -1;
}

bool varlink_interface_known(const char *name)
{
	for (const struct varlink_interface *i = varlink_interfaces; i->name != NULL; i++)
		if (strcmp(i->name, name) == 0)
			return true;
	return false;
}

const struct varlink_error *varlink_error_find(const char *name)
{
	for (const struct varlink_error *e = varlink_errors; e->name != NULL; e++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

static bool string_clean(const json_t *string)
{
	return strlen(json_string_value(string)) == json_string_length(string);
}

/* Whether no string in a value of no known shape holds U+0000; names never do. */
static bool any_clean(json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value))
		return string_clean(value);
	json_array_foreach(value, i, item) {
		if (!any_clean(item))
			return false;
	}
	json_object_foreach(value, key, item) {
		if (!any_clean(item))
			return false;
	}
	return true;
}

static const char *check_object(const struct varlink_field *fields, json_t *object);

/* One value, which is no array or map of the field's. Returns NULL or the culprit. */
static const char *check_value(const struct varlink_field *f, json_t *value)
{
	bool well = false;

	switch (f->kind) {
	case VARLINK_BOOL:
		well = json_is_boolean(value);
		break;
	case VARLINK_INT:
		well = json_is_integer(value);
		break;
	case VARLINK_STRING:
		well = json_is_string(value) && string_clean(value);
		break;
	case VARLINK_OBJECT:
		well = json_is_object(value) && any_clean(value);
		break;
	case VARLINK_STRUCT:
		if (json_is_object(value))
			return check_object(f->fields, value);
		break;
	}
	return well ? NULL : f->name;
}

static const char *check_field(const struct varlink_field *f, json_t *value)
{
	const char *culprit, *key;
	json_t *item;
	size_t i;

	if (f->array) {
		if (!json_is_array(value))
			return f->name;
		json_array_foreach(value, i, item) {
			if ((culprit = check_value(f, item)) != NULL)
				return culprit;
		}
		return NULL;
	}
	if (f->map) {
		if (!json_is_object(value))
			return f->name;
		json_object_foreach(value, key, item) {
			if ((culprit = check_value(f, item)) != NULL)
				return culprit;
		}
		return NULL;
	}
	return check_value(f, value);
}

static const char *unknown_name(const struct varlink_field *fields, json_t *object)
{
	const struct varlink_field *f;
	const char *key;
	json_t *item;

	json_object_foreach(object, key, item) {
		for (f = fields; f->name != NULL && strcmp(f->name, key) != 0; f++)
			;
		if (f->name == NULL)
			return key;
	}
	return NULL;
}

static const char *check_object(const struct varlink_field *fields, json_t *object)
{
	size_t known = 0;

	for (const struct varlink_field *f = fields; f->name != NULL; f++) {
		json_t *value = json_object_get(object, f->name);
		const char *culprit;

		if (value != NULL)
			known++;
		if (value == NULL || json_is_null(value)) {
			if (!f->nullable)
				return f->name;
			continue;
		}
		culprit = check_field(f, value);
		if (culprit != NULL)
			return culprit;
	}
	/* Names are unique on both sides, so the count tells whether there are others. */
	return known == json_object_size(object) ? NULL : unknown_name(fields, object);
}

const char *varlink_check(const struct varlink_field *fields, const json_t *object)
{
	/* jansson iterates over nothing const, and changes nothing by it. */
	return check_object(fields, (json_t *)(uintptr_t)object);
}

/* Appends to what stands there, as much as fits. */
__attribute__((format(printf, 3, 4))) static void append(
    char *path, size_t size, const char *fmt, ...)
{
	size_t n = strlen(path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path + n, size - n, fmt, ap);
	va_end(ap);
}

/* The field that is wrong; NULL: none is, and there is one too many. */
static const struct varlink_field *wrong_field(
    const struct varlink_field *fields, const json_t *object)
{
	for (const struct varlink_field *f = fields; f->name != NULL; f++) {
		json_t *value = json_object_get(object, f->name);

		if (value == NULL || json_is_null(value) ? !f->nullable : check_field(f, value) != NULL)
			return f;
	}
	return NULL;
}

/* The struct in which it goes wrong, and its name; NULL where it is the field itself. */
static json_t *wrong_struct(
    const struct varlink_field *f, json_t *value, char *path, size_t size)
{
	json_t *item;
	size_t i;

	append(path, size, "%s", f->name);
	if (f->kind != VARLINK_STRUCT || f->map)
		return NULL;
	if (!f->array)
		return json_is_object(value) ? value : NULL;
	json_array_foreach(value, i, item) {
		if (check_value(f, item) == NULL)
			continue;
		append(path, size, "[%zu]", i);
		return json_is_object(item) ? item : NULL;
	}
	return NULL;
}

void varlink_where(const struct varlink_field *fields, const json_t *object, char *path, size_t size)
{
	json_t *at = (json_t *)(uintptr_t)object;

	*path = '\0';
	while (at != NULL) {
		const struct varlink_field *f = wrong_field(fields, at);
		const char *unknown = f == NULL ? unknown_name(fields, at) : NULL;

		if (f == NULL) {
			append(path, size, "%s", unknown == NULL ? "" : unknown);
			break;
		}
		at = wrong_struct(f, json_object_get(at, f->name), path, size);
		fields = f->fields;
		if (at != NULL)
			append(path, size, ".");
	}
	utf8_mend(path);
}

static int put_piece(const char *piece, size_t len, void *arg)
{
	struct buf *out = arg;

	buf_put(out, piece, len);
	return out->failed ? -1 : 0;
}

int varlink_put(struct buf *out, const json_t *message)
{
	size_t before = out->len;

	if (json_dump_callback(message, put_piece, out, JSON_COMPACT) == 0)
		buf_put(out, "", 1);
	else
		out->failed = true;
	if (!out->failed)
		return 0;
	out->len = before; /* half a message is worse than none */
	return -ENOMEM;
}

int varlink_take(
    const struct buf *in, size_t max, size_t *scanned, size_t *taken, json_t **message, char *why)
{
	const char *data = (const char *)in->data;
	const char *end = NULL;
	json_error_t error;
	size_t len;

	if (in->len > *scanned)
		end = memchr(data + *scanned, '\0', in->len - *scanned);
	len = end == NULL ? in->len : (size_t)(end - data);
	if (len > max) {
		snprintf(why, VARLINK_WHY_MAX, "longer than %zu bytes", max);
		return -EMSGSIZE;
	}
	if (end == NULL) {
		*scanned = in->len;
		return 0;
	}
	*scanned = 0;
	*taken = len + 1;
	/* U+0000 is let in here, so that the check can name the parameter that holds it. */
	*message = json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (*message == NULL) {
		snprintf(why, VARLINK_WHY_MAX, "%s", error.text);
		return -EPROTO;
	}
	if (json_is_object(*message))
		return 1;
	snprintf(why, VARLINK_WHY_MAX, "no JSON object");
	json_decref(*message);
	*message = NULL;
	return -EPROTO;
}
