/* SPDX-License-Identifier: ISC */
/* The mistakes of a configuration file, collected to be told in the order of its lines. */
#include "config.h"

#include "jobd/sys/settings-read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "lib/strv.h"

struct note {
	int line;
	char *text;
	size_t place; /* among the others, as they were found */
};

/* Room for so many more. */
static struct note *room(struct notes *n, size_t more)
{
	struct note *grown = realloc(n->list, (n->count + more) * sizeof(*grown));
	if (!grown) {
		n->no_memory = true;
		return NULL;
	}
	n->list = grown;
	return grown + n->count;
}

void notes_add(struct notes *n, int line, const char *fmt, ...)
{
	va_list ap;
	char *text;
	va_start(ap, fmt);
	int len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0) {
		n->no_memory = true;
		return;
	}
	struct note *at = room(n, 1);
	if (!at) {
		free(text);
		return;
	}
	*at = (struct note){ .line = line, .text = text };
	n->count++;
}

void notes_move(struct notes *to, struct notes *from)
{
	to->no_memory = to->no_memory || from->no_memory;
	struct note *at = from->count ? room(to, from->count) : NULL;
	if (at) {
		for (size_t i = 0; i < from->count; i++)
			at[i] = from->list[i];
		to->count += from->count;
		from->count = 0;
	}
	notes_fini(from);
}

static int by_line(const void *a, const void *b)
{
	const struct note *x = a, *y = b;
	if (x->line == y->line)
		return (x->place > y->place) - (x->place < y->place);
	return (x->line > y->line) - (x->line < y->line);
}

int notes_tell(struct notes *n, const char *name, char ***messages)
{
	for (size_t i = 0; i < n->count; i++)
		n->list[i].place = i;
	if (n->count)
		qsort(n->list, n->count, sizeof(*n->list), by_line);
	for (size_t i = 0; i < n->count && !n->no_memory; i++) {
		char *line;
		if (asprintf(&line, "%s:%d: %s", name, n->list[i].line, n->list[i].text) < 0) {
			n->no_memory = true;
			break;
		}
		if (strv_add(messages, line) < 0)
			n->no_memory = true;
		free(line);
	}
	return n->no_memory ? -ENOMEM : n->count ? -EINVAL : 0;
}

void notes_fini(struct notes *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i].text);
	free(n->list);
	*n = (struct notes){ 0 };
}
