/* SPDX-License-Identifier: ISC */
/*
 * Tables. Widths only ever grow over the pages of one table, so that a long
 * list in a pipe is printed page by page and stays aligned from the widest row on.
 */
#include "config.h"

#include "jobctl/table.h"

#include <stdlib.h>
#include <string.h>

#include "jobctl/text.h"
#include "lib/array.h"

#define CELL_MAX 60 /* in a pipe, what widens its column */

bool table_init(
    struct table *t, const struct screen *s, const struct table_column *columns, size_t n)
{
	*t = (struct table){ .screen = s, .columns = columns, .ncolumns = n };
	t->widths = calloc(n, sizeof *t->widths);
	if (!t->widths)
		return false;
	for (size_t i = 0; i < n; i++)
		t->widths[i] = text_width(columns[i].title);
	return true;
}

static void put(struct table *t, struct buf *text, enum colour c)
{
	const char *held = buf_text(text);
	if (text->failed || t->failed)
		goto fail;
	struct table_cell *cells = array_room(t->cells, t->ncells, &t->cap, sizeof *cells);
	if (!cells)
		goto fail;
	t->cells = cells;
	char *s = strdup(held);
	if (!s)
		goto fail;
	size_t column = t->ncells % t->ncolumns;
	int width = text_width(s);
	if (!t->screen->width && width > CELL_MAX)
		width = 0;
	if (width > t->widths[column])
		t->widths[column] = width;
	t->cells[t->ncells++] = (struct table_cell){ .text = s, .colour = c };
	buf_fini(text);
	return;
fail:
	t->failed = true;
	buf_fini(text);
}

void table_cell(struct table *t, const char *text, enum colour c)
{
	struct buf b = BUF_INIT;
	text_escape(&b, text && *text ? text : "-", t->screen->utf8);
	put(t, &b, c);
}

void table_cell_brief(struct table *t, const char *text)
{
	struct table_cell *last = t->ncells ? &t->cells[t->ncells - 1] : NULL;

	if (!last || t->failed)
		return;
	free(last->brief);
	last->brief = strdup(text);
	t->failed = !last->brief;
}

/* What the columns need at least, with one between each two. */
static int least(const struct table_column *columns, const int *widths, size_t n)
{
	int need = -1;
	for (size_t i = 0; i < n; i++)
		if (widths[i] != TABLE_DROPPED)
			need += 1 + (columns[i].give && widths[i] > columns[i].least ? columns[i].least
										     : widths[i]);
	return need;
}

void table_drop(const struct table_column *columns, int *widths, size_t n, int total)
{
	unsigned last = 0;

	for (size_t i = 0; i < n; i++)
		if (columns[i].drop > last)
			last = columns[i].drop;
	for (unsigned turn = 1; turn <= last; turn++) {
		for (size_t i = 0; i < n && least(columns, widths, n) > total; i++) {
			if (columns[i].drop == turn)
				widths[i] = TABLE_DROPPED;
		}
	}
}

void table_fit(const struct table_column *columns, int *widths, size_t n, int total)
{
	int need = -1;
	unsigned last = 0;

	for (size_t i = 0; i < n; i++) {
		if (widths[i] != TABLE_DROPPED)
			need += 1 + widths[i];
		if (columns[i].give > last)
			last = columns[i].give;
	}
	for (unsigned turn = 1; turn <= last && need > total; turn++) {
		for (size_t i = 0; i < n && need > total; i++) {
			if (columns[i].give != turn || widths[i] <= columns[i].least)
				continue;
			int give = widths[i] - columns[i].least;
			if (give > need - total)
				give = need - total;
			widths[i] -= give;
			need -= give;
		}
	}
}

static void pad(struct buf *out, int columns)
{
	for (; columns > 0; columns--)
		buf_puts(out, " ");
}

static const char *text_for(const struct table_cell *cell, int width)
{
	return cell->brief && text_width(cell->text) > width ? cell->brief : cell->text;
}

/* One line; what does not fit the screen is left out from the right. */
static void print_row(
    const struct table *t, const int *widths, const struct table_cell *cells, struct buf *out)
{
	int left = t->screen->width ? t->screen->width : -1;
	int owed = 0; /* spaces that are due when another cell follows */
	bool first = true;

	for (size_t i = 0; i < t->ncolumns; i++) {
		struct buf cell = BUF_INIT;
		int width = widths[i];
		if (width == TABLE_DROPPED)
			continue;
		if (left >= 0) {
			int room = left - !first;
			if (room <= 0)
				break;
			if (width > room)
				width = room;
			left = room - width;
		}
		pad(out, owed + !first);
		first = false;
		if (left >= 0)
			text_fit(&cell, text_for(&cells[i], width), width, t->screen->utf8);
		else
			buf_puts(&cell, cells[i].text);
		const char *text = buf_text(&cell);
		if (cell.failed)
			break;
		int rest = width - text_width(text);
		if (t->columns[i].right)
			pad(out, rest);
		screen_paint(t->screen, out, cells[i].colour, text);
		owed = t->columns[i].right || rest < 0 ? 0 : rest;
		buf_fini(&cell);
	}
	buf_puts(out, "\n");
}

static void print_head(const struct table *t, const int *widths, struct buf *out)
{
	struct table_cell *titles = calloc(t->ncolumns, sizeof *titles);
	if (!titles)
		return;
	for (size_t i = 0; i < t->ncolumns; i++)
		titles[i] = (struct table_cell){ .text = strdup(t->columns[i].title), .colour = COLOUR_BOLD };
	bool whole = true;
	for (size_t i = 0; i < t->ncolumns; i++)
		whole = whole && titles[i].text;
	if (whole)
		print_row(t, widths, titles, out);
	for (size_t i = 0; i < t->ncolumns; i++)
		free(titles[i].text);
	free(titles);
}

static void free_cells(struct table *t)
{
	for (size_t i = 0; i < t->ncells; i++) {
		free(t->cells[i].text);
		free(t->cells[i].brief);
	}
}

bool table_flush(struct table *t)
{
	struct buf out = BUF_INIT;
	int *widths = calloc(t->ncolumns, sizeof *widths);
	bool ok = widths && !t->failed;

	if (widths) {
		memcpy(widths, t->widths, t->ncolumns * sizeof *widths);
		if (t->screen->width) {
			table_drop(t->columns, widths, t->ncolumns, t->screen->width);
			table_fit(t->columns, widths, t->ncolumns, t->screen->width);
		}
		if (!t->headed)
			print_head(t, widths, &out);
		t->headed = true;
		for (size_t i = 0; i + t->ncolumns <= t->ncells; i += t->ncolumns)
			print_row(t, widths, t->cells + i, &out);
		ok = screen_write(t->screen, &out) && ok;
	}
	free_cells(t);
	t->ncells = 0;
	free(widths);
	buf_fini(&out);
	return ok;
}

void table_fini(struct table *t)
{
	free_cells(t);
	free(t->cells);
	free(t->widths);
	*t = (struct table){ 0 };
}
