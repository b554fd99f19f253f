/* SPDX-License-Identifier: ISC */
/* Lines with labels. A line for which there is no memory is left out, or ends early. */
#include "config.h"

#include "jobctl/sheet.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "jobctl/job.h"
#include "jobctl/text.h"
#include "jobctl/when.h"
#include "lib/str.h"

#define LABELS 12

void sheet_init(struct sheet *p, const struct screen *s)
{
	*p = (struct sheet){ .screen = s, .labels = LABELS, .out = BUF_INIT };
}

bool sheet_end(struct sheet *p)
{
	bool ok = screen_write(p->screen, &p->out);
	buf_fini(&p->out);
	return ok;
}

void sheet_label(struct sheet *p, const char *label)
{
	char head[32];
	snprintf(head, sizeof head, "%s%s", label, *label ? ":" : "");
	buf_printf(&p->out, "%-*s ", p->labels, head);
}

void sheet_line(struct sheet *p, const char *label, const char *text)
{
	if (!text || !*text)
		return;
	sheet_label(p, label);
	text_escape(&p->out, text, p->screen->utf8);
	buf_puts(&p->out, "\n");
}

void sheet_printf(struct sheet *p, const char *label, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = str_vprintf(fmt, ap);
	va_end(ap);
	if (text)
		sheet_line(p, label, text);
	free(text);
}

void sheet_buf(struct sheet *p, const char *label, struct buf *text)
{
	const char *held = buf_text(text);
	if (!text->failed)
		sheet_line(p, label, held);
	buf_fini(text);
}

void sheet_int(struct sheet *p, const char *label, const json_t *object, const char *key)
{
	int64_t v = job_int(object, key, -1);
	if (v >= 0)
		sheet_printf(p, label, "%" PRId64, v);
}

void sheet_umask(struct sheet *p, const json_t *object)
{
	int64_t mask = job_int(object, "umask", -1);
	if (mask >= 0)
		sheet_printf(p, "umask", "%03o", (unsigned)mask);
}

void sheet_time(struct sheet *p, const char *label, const json_t *object, const char *key)
{
	char text[32];
	int64_t us = job_int(object, key, 0);
	if (us <= 0)
		return;
	when_print((uint64_t)us, text, sizeof text);
	sheet_line(p, label, text);
}
