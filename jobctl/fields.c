/* SPDX-License-Identifier: ISC */
/* Options of a job as fields of the protocol. Knows what may stand in an option, and no method. */
#include "config.h"

#include "jobctl/fields.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "jobctl/ids.h"
#include "jobctl/job.h"
#include "jobctl/when.h"
#include "lib/bounds.h"
#include "lib/clock.h"
#include "lib/duration.h"
#include "lib/priority.h"
#include "lib/rules.h"
#include "lib/strv.h"
#include "lib/utf8.h"

json_t *fields_strings(char *const *v)
{
	json_t *array = json_array();
	for (; v && *v; v++)
		json_array_append_new(array, json_string(*v));
	return array;
}

const char *fields_last(char *const *v)
{
	size_t n = strv_len(v);
	return n ? v[n - 1] : NULL;
}

const struct passwd *fields_numbered_user(const char *text)
{
	size_t n = strspn(text, "0123456789");
	unsigned long long uid = n && !text[n] && n <= 10 ? strtoull(text, NULL, 10) : UINT32_MAX;

	return uid < UINT32_MAX && !getpwnam(text) ? getpwuid((uid_t)uid) : NULL;
}

enum code fields_user(const struct ctl *c, json_t *p)
{
	const char *user = fields_last(c->o->users);
	const struct passwd *pw = user ? fields_numbered_user(user) : NULL;

	return fields_text(c, p, "user", "user", pw ? pw->pw_name : user);
}

const char *fields_other_user(const struct options *o)
{
	const char *user = fields_last(o->users);
	const struct passwd *pw = user ? fields_numbered_user(user) : NULL;
	if (pw)
		return pw->pw_uid == geteuid() ? NULL : user;
	pw = user ? getpwuid(geteuid()) : NULL;
	return pw && strcmp(pw->pw_name, user) == 0 ? NULL : user;
}

enum code fields_command(const struct ctl *c, char *const *words, json_t *p)
{
	char sh[] = "/bin/sh", option[] = "-c";
	char *line = c->o->shell ? strdup(c->o->shell) : NULL;
	char *shell[] = { sh, option, line, NULL };
	char *const *command = line ? shell : words;
	enum code code = CODE_DONE;

	if (c->o->shell && *words)
		code = verb_usage(c, "--shell takes the whole line; no words after it");
	for (char *const *w = command; code == CODE_DONE && *w; w++)
		if (utf8_span(*w, strlen(*w)) != strlen(*w))
			code = verb_wrong(c, "'%s' is no UTF-8, and can't be sent", *w);
	if (code == CODE_DONE && *command)
		json_object_set_new(p, "command", fields_strings(command));
	free(line);
	return code;
}

enum code fields_text(
    const struct ctl *c, json_t *p, const char *key, const char *option, const char *text)
{
	if (text && json_object_set_new(p, key, json_string(text)) != 0)
		return verb_wrong(c, "--%s: '%s' is no UTF-8", option, text);
	return CODE_DONE;
}

static enum code no_memory(void)
{
	complain("no memory");
	return CODE_SOME;
}

/* One "name=value" of the options. */
static enum code put_rule(const struct ctl *c, struct rules *checked, const char *rule, json_t *out)
{
	size_t len = strcspn(rule, "=");
	const char *value = rule + len + 1;
	char *name = strndup(rule, len);
	int which = name ? rule_find(name) : -1;
	int rc = which < 0 ? -ENOMEM : rule_set(checked, (enum rule)which, value);
	enum code code = CODE_DONE;

	if (rc == -EINVAL)
		code = verb_wrong(c, "--%s: '%s' is not %s", options_of_rule(name), value,
		    rule_takes((enum rule)which));
	else if (rc != 0 || json_object_set_new(out, name, json_string(value)) != 0)
		code = no_memory();
	free(name);
	return code;
}

static enum code put_rules(const struct ctl *c, json_t *p)
{
	struct rules checked;
	json_t *out = json_object();
	enum code code = CODE_DONE;

	if (!c->o->rules) {
		json_decref(out);
		return CODE_DONE;
	}
	rules_init(&checked);
	for (char *const *r = c->o->rules; *r && code == CODE_DONE; r++)
		code = put_rule(c, &checked, *r, out);
	rules_fini(&checked);
	json_object_set_new(p, "rules", out);
	return code;
}

enum code fields_common(const struct ctl *c, const char *name_key, json_t *p)
{
	const struct options *o = c->o;
	enum code code;

	if ((code = fields_text(c, p, name_key, "name", o->name)) != CODE_DONE ||
	    (code = fields_text(c, p, "queue", "queue", fields_last(o->queues))) != CODE_DONE ||
	    (code = fields_text(c, p, "project", "project", fields_last(o->projects))) != CODE_DONE)
		return code;
	return put_rules(c, p);
}

enum code fields_priority(const struct ctl *c, json_t *p)
{
	int priority = c->o->priority ? priority_parse(c->o->priority) : 0;
	if (c->o->priority && !priority)
		return verb_usage(c, PRIORITY_WRONG, c->o->priority);
	if (priority)
		json_object_set_new(p, "priority", json_integer(priority));
	return CODE_DONE;
}

struct time_option {
	const char *name, *text; /* the option's; no text: it was not given */
	const char *key;	 /* of the parameter */
};

/* from is what a time of day is to be after. */
static enum code put_time(
    const struct ctl *c, json_t *p, const struct time_option *option, uint64_t from)
{
	const char *text = option->text;
	char then[32], present[32];
	uint64_t us, now = clock_real_us();

	if (!text)
		return CODE_DONE;
	switch (when_ahead_of(text, now, from, &us)) {
	case WHEN_AHEAD:
		json_object_set_new(p, option->key, json_integer((json_int_t)us));
		return CODE_DONE;
	case WHEN_PAST:
		when_print(us, then, sizeof then);
		when_print(now, present, sizeof present);
		return verb_wrong(c, "--%s: '%s' is in the past: that was %s, and it is %s",
		    option->name, text, then, present);
	case WHEN_NONE:
	default:
		return verb_usage(c,
		    "--%s: '%s' is no time to come (14:30, 4pm, 'tomorrow 6:00', monday, "
		    "2026-12-01, '2026-12-01 14:30', 'now + 2 hours', @EPOCH)",
		    option->name, text);
	}
}

/* A time that holds afterwards: what is said, or what was. */
static int64_t time_of(const json_t *was, const json_t *p, const char *key, int64_t fallback)
{
	size_t i;
	json_t *cleared;

	json_array_foreach(json_object_get(p, "clear"), i, cleared) {
		if (strcmp(json_string_value(cleared), key) == 0)
			return fallback;
	}
	return job_int(p, key, job_int(was, key, fallback));
}

static enum code put_times(const struct ctl *c, const json_t *was, json_t *p)
{
	const struct options *o = c->o;
	uint64_t now = clock_real_us(), delay;
	char from[32], until[32];
	enum code code;

	if (o->at && o->delay)
		return verb_usage(c, "--at and --delay: one of them");
	if (o->delay) {
		if (!duration_parse_us(o->delay, &delay) || delay > (uint64_t)INT64_MAX - now)
			return verb_usage(
			    c, "--delay: '%s' is no duration, such as 2h or 90min", o->delay);
		json_object_set_new(p, "not_before_us", json_integer((json_int_t)(now + delay)));
	}
	struct time_option at = { "at", o->at, "not_before_us" };
	struct time_option deadline = { "deadline", o->deadline, "deadline_us" };
	if ((code = put_time(c, p, &at, now)) != CODE_DONE)
		return code;
	int64_t start = time_of(was, p, "not_before_us", 0);
	code = put_time(c, p, &deadline, start ? (uint64_t)start : now);
	int64_t end = time_of(was, p, "deadline_us", INT64_MAX);
	if (code != CODE_DONE || end > start || (!o->at && !o->delay && !o->deadline))
		return code;
	when_print((uint64_t)start, from, sizeof from);
	when_print((uint64_t)end, until, sizeof until);
	return verb_wrong(
	    c, "it may not start before %s, and its deadline is %s: it never could", from, until);
}

/*
 * Conditions as others write them before or behind the number: "afterok:12", "12:failed". Returns whether it
 * was one, and which option is meant was said. "none" lets go of all.
 */
static bool say_condition(const struct ctl *c, const char *option, const char *value)
{
	static const struct {
		const char *word, *option;
	} conditions[] = {
		{ "ok", "ok" }, { "afterok", "ok" }, { "completed", "ok" }, { "success", "ok" },
		{ "failed", "failed" }, { "afternotok", "failed" }, { "notok", "failed" },
		{ "any", "any" }, { "afterany", "any" }, { "after", "any" }, { "ended", "any" },
	};
	const char *colon = strchr(value, ':');

	if (strcmp(value, "none") == 0 && (c->verb->options & OPTIONS_EDIT)) {
		verb_wrong(c, "--%s: to wait for nothing: --clear after", option);
		return true;
	}
	for (size_t i = 0; colon && i < sizeof conditions / sizeof conditions[0]; i++) {
		const char *word = conditions[i].word;
		size_t len = strlen(word), before = (size_t)(colon - value);
		bool first = before == len && strncmp(value, word, len) == 0;
		if (!first && strcmp(colon + 1, word) != 0)
			continue;
		verb_wrong(c, "--%s: '%s': how it is to end is said by the option: --after-%s %.*s", option,
		    value, conditions[i].option, first ? (int)strlen(colon + 1) : (int)before,
		    first ? colon + 1 : value);
		return true;
	}
	return false;
}

static enum code put_after(
    const struct ctl *c, json_t *after, const char *on, const char *option, char *const *values)
{
	bool edit = c->verb->options & OPTIONS_EDIT;
	struct ids ids = { 0 };
	enum ids_result r = IDS_OK;

	for (; values && *values && r == IDS_OK; values++) {
		if (!**values && edit)
			continue; /* of nothing */
		if (say_condition(c, option, *values))
			return CODE_USAGE;
		if ((r = ids_add(&ids, *values)) != IDS_OK)
			break;
	}
	ids_unique(&ids);
	for (size_t i = 0; i < ids.n && r == IDS_OK; i++) {
		json_t *one = json_pack("{s:I}", "id", (json_int_t)ids.v[i].number);
		if (on)
			json_object_set_new(one, "on", json_string(on));
		if (json_array_append_new(after, one) != 0)
			r = IDS_NO_MEMORY;
	}
	ids_fini(&ids);
	if (r == IDS_OK)
		return CODE_DONE;
	if (r == IDS_NO_MEMORY)
		return no_memory();
	return verb_usage(c, "--%s: '%s' %s", option, *values,
	    r == IDS_BACKWARDS	? "ends before it begins"
	    : r == IDS_TOO_MANY ? "is too many jobs"
				: "is no job number (7), range (3-9) or list (1,4)");
}

static enum code put_afters(const struct ctl *c, json_t *p)
{
	const struct options *o = c->o;
	json_t *after = json_array();
	enum code code;

	if (!o->after_ok && !o->after_failed && !o->after_any) {
		json_decref(after);
		return CODE_DONE;
	}
	json_object_set_new(p, "after", after);
	if ((code = put_after(c, after, NULL, "after", o->after_ok)) == CODE_DONE &&
	    (code = put_after(c, after, "failed", "after-failed", o->after_failed)) == CODE_DONE)
		code = put_after(c, after, "any", "after-any", o->after_any);
	if (code == CODE_DONE && json_array_size(after) > AFTER_MAX)
		code = verb_wrong(c, "--after: a job waits for at most %d others, not for %zu", AFTER_MAX,
		    json_array_size(after));
	return code;
}

enum code fields_job(const struct ctl *c, const json_t *was, json_t *p)
{
	enum code code;

	if ((code = put_times(c, was, p)) != CODE_DONE || (code = put_afters(c, p)) != CODE_DONE)
		return code;
	if (c->o->drop_unmet)
		json_object_set_new(p, "drop_unmet", json_true());
	if (c->o->meta) {
		json_t *meta = json_object();
		json_object_set_new(p, "meta", meta);
		return verb_meta(c, meta);
	}
	return CODE_DONE;
}

enum code fields_token(json_t *p)
{
	unsigned char bits[16];
	char token[2 * sizeof bits + 1];

	if (getrandom(bits, sizeof bits, 0) != (ssize_t)sizeof bits) {
		complain("no random numbers: %s", strerror(errno));
		return CODE_SOME;
	}
	for (size_t i = 0; i < sizeof bits; i++)
		snprintf(token + 2 * i, 3, "%02x", bits[i]);
	json_object_set_new(p, "token", json_string(token));
	return CODE_DONE;
}
