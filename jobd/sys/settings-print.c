/* SPDX-License-Identifier: ISC */
/* The configuration as text that reads back as it is. */
#include "config.h"

#include "jobd/sys/settings.h"

#include <string.h>

#include "jobd/sys/settings-read.h"
#include "lib/duration.h"
#include "lib/rules.h"
#include "lib/size.h"
#include "lib/strv.h"
#include "lib/template.h"

static void print_quoted(FILE *to, const char *s)
{
	fputc('"', to);
	for (; *s; s++) {
		/* Between double quotes ${NAME} would be a variable. */
		if (*s == '"' || *s == '\\' || (*s == '$' && s[1] == '{'))
			fputc('\\', to);
		if (*s == '\n')
			fputs("\\n", to);
		else
			fputc(*s, to);
	}
	fputc('"', to);
}

static void print_names(FILE *to, char *const *v)
{
	fputc('{', to);
	for (size_t i = 0; v && v[i]; i++) {
		if (i)
			fputs(", ", to);
		print_quoted(to, v[i]);
	}
	fputc('}', to);
}

static void print_value(FILE *to, const struct setting *s, const void *at)
{
	char duration[DURATION_EXACT_MAX], size[SIZE_EXACT_MAX];
	switch (s->kind) {
	case SETTING_COUNT:
		fprintf(to, "%u", *(const unsigned *)at);
		break;
	case SETTING_DURATION:
		duration_print_exact(*(const uint64_t *)at, duration);
		fputs(duration, to);
		break;
	case SETTING_SIZE:
		size_print_exact(*(const uint64_t *)at, size);
		fputs(size, to);
		break;
	case SETTING_USERS:
	case SETTING_GROUPS:
		print_names(to, *(char *const *const *)at);
		break;
	case SETTING_FACILITY:
		fputs(config_facility_name(*(const int *)at), to);
		break;
	case SETTING_LEVEL:
		fputs(config_level_name(*(const int *)at), to);
		break;
	case SETTING_GROUP:
	case SETTING_CGROUP:
	case SETTING_ON_STOP:
		print_quoted(to, *(char *const *)at);
		break;
	}
}

/* A word as it is, where it can be taken for nothing else. */
static void print_word(FILE *to, const char *s)
{
	bool plain = *s != '\0';
	for (const char *p = s; *p; p++)
		plain = plain && ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z'));
	if (plain)
		fputs(s, to);
	else
		print_quoted(to, s);
}

/* Whether both are NAME=value of one name, which is len bytes long. */
static bool same_name(const char *a, const char *b, size_t len)
{
	return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* The members of a queue's list, which are joined by commas. */
static void print_joined(FILE *to, const char *names)
{
	char **v = NULL;
	for (const char *at = names; *at;) {
		char name[512];
		size_t len = strcspn(at, ",");
		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		strv_add(&v, name);
		at += len + (at[len] == ',');
	}
	print_names(to, v);
	strv_free(v);
}

/* The members of a template's list, which are this value and those after it that have its name. */
static void print_members(FILE *to, char *const *values, size_t len)
{
	const char *first = *values;
	for (bool begun = false; *values; values++) {
		if (!same_name(first, *values, len))
			continue;
		fputs(begun ? ", " : "{", to);
		print_quoted(to, *values + len + 1);
		begun = true;
	}
	fputc('}', to);
}

static bool is_printed(char *const *values, size_t i, size_t len)
{
	for (size_t j = 0; j < i; j++)
		if (same_name(values[i], values[j], len))
			return true;
	return false;
}

static void print_sections(FILE *to, bool templates, const struct config_section *list,
    size_t count)
{
	for (size_t k = 0; k < count; k++) {
		const struct config_section *s = &list[k];
		fprintf(to, "%s %s {\n", templates ? "template" : "queue", s->name);
		for (size_t i = 0; s->values && s->values[i]; i++) {
			char name[64];
			const char *value = s->values[i];
			size_t len = strcspn(value, "=");
			snprintf(name, sizeof(name), "%.*s", (int)len, value);
			int rule = rule_find(name);
			if (is_printed(s->values, i, len))
				continue;
			fprintf(to, "\t%s = ", name);
			if (templates && template_field_is_list(name))
				print_members(to, s->values + i, len);
			else if (!templates && rule >= 0 && rule_is_list(rule))
				print_joined(to, value + len + 1);
			else
				print_word(to, value + len + 1);
			fputc('\n', to);
		}
		fputs("}\n", to);
	}
}

void config_print(const struct config *c, FILE *to)
{
	bool anyone = strv_len(c->submit_users) + strv_len(c->submit_groups) == 0;
	for (const struct setting *s = config_settings; s->name; s++) {
		const void *at = (const char *)c + s->offset;
		/* A group that is not set, and a list of nobody, have no way to be written. */
		bool unset = (s->kind == SETTING_GROUP || config_is_list(s)) && *(void *const *)at == NULL;
		fprintf(to, "%s%s = ", unset ? "# " : "", s->name);
		if (!unset)
			print_value(to, s, at);
		if (anyone && s->kind == SETTING_USERS)
			fputs("# nobody is named here or by submit_groups: everyone may submit", to);
		fputc('\n', to);
	}
	print_sections(to, false, c->queues, c->nqueues);
	print_sections(to, true, c->templates, c->ntemplates);
}
