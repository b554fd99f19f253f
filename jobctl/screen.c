/* SPDX-License-Identifier: ISC */
/*
 * What an output can show. Colour is for people: never in a pipe, never under
 * NO_COLOR (https://no-color.org: set and not empty), never on a dumb terminal.
 */
#include "config.h"

#include "jobctl/screen.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "jobctl/text.h"
#include "lib/str.h"

#define WIDTH_DEFAULT 80
#define WIDTH_LEAST   20

static bool env_set(const char *name)
{
	const char *v = getenv(name);
	return v && *v;
}

void screen_measure(struct screen *s)
{
	struct winsize w;
	const char *columns = getenv("COLUMNS");
	int said = columns ? atoi(columns) : 0;

	s->width = s->height = 0;
	if (!s->terminal)
		return;
	bool known = ioctl(fileno(s->file), TIOCGWINSZ, &w) == 0;
	s->height = known ? w.ws_row : 0;
	s->width = said > 0 ? said : known && w.ws_col > 0 ? w.ws_col : WIDTH_DEFAULT;
	if (s->width < WIDTH_LEAST)
		s->width = WIDTH_LEAST;
}

void screen_init(struct screen *s, FILE *file)
{
	const char *term = getenv("TERM");

	s->file = file;
	s->terminal = isatty(fileno(file)) == 1;
	s->smart = s->terminal && term && *term && strcmp(term, "dumb") != 0;
	s->colour = s->smart && !env_set("NO_COLOR");
	/* A pipe gets the text as it is: what reads it may well know UTF-8. */
	s->utf8 = !s->terminal || strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	screen_measure(s);
}

void screen_paint(const struct screen *s, struct buf *out, enum colour c, const char *text)
{
	static const char *const codes[] = {
		[COLOUR_RED] = "31",
		[COLOUR_GREEN] = "32",
		[COLOUR_YELLOW] = "33",
		[COLOUR_BLUE] = "34",
		[COLOUR_MAGENTA] = "35",
		[COLOUR_CYAN] = "36",
		[COLOUR_FAINT] = "2",
		[COLOUR_BOLD] = "1",
	};
	if (!s->colour || c == COLOUR_NONE) {
		buf_puts(out, text);
		return;
	}
	buf_printf(out, "\033[%sm%s\033[0m", codes[c], text);
}

void screen_bar(const struct screen *s, struct buf *out, int percent, int width)
{
	bool unicode = s->utf8 && s->terminal;
	int cells = unicode ? width : width - 2;

	if (percent < 0)
		percent = 0;
	if (percent > 100)
		percent = 100;
	int filled = (percent * cells + 50) / 100;
	/* Neither empty once begun nor full before the end. */
	if (percent > 0 && filled == 0)
		filled = 1;
	if (percent < 100 && filled == cells)
		filled = cells - 1;
	if (!unicode)
		buf_puts(out, "[");
	for (int i = 0; i < cells; i++) {
		if (unicode)
			buf_puts(out, i < filled ? "█" : "░");
		else
			buf_puts(out, i < filled ? "#" : "-");
	}
	if (!unicode)
		buf_puts(out, "]");
}

bool screen_write(const struct screen *s, struct buf *b)
{
	bool ok = !b->failed;
	if (b->len)
		ok = fwrite(b->data, 1, b->len, s->file) == b->len && ok;
	buf_clear(b);
	return ok;
}

void complain(const char *fmt, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	char *text = str_vprintf(fmt, ap);
	va_end(ap);
	if (!text) {
		fputs("jobctl: no memory\n", stderr);
		return;
	}
	fflush(stdout);
	buf_puts(&line, "jobctl: ");
	text_escape(&line, text, true);
	buf_puts(&line, "\n");
	if (!line.failed)
		fwrite(line.data, 1, line.len, stderr);
	buf_fini(&line);
	free(text);
}
