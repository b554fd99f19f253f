/* SPDX-License-Identifier: ISC */
/*
 * Series of measurements, and how they are printed: the median of the runs,
 * their range, and whether what is wanted holds.
 */
#include "config.h"

#include "bench/bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double last;	 /* the median of the figure printed last */
static unsigned judged, missed;

void series_add(struct series *s, double v)
{
	double *more = realloc(s->v, (s->n + 1) * sizeof *more);

	if (!more)
		bench_die("no memory");
	s->v = more;
	s->v[s->n++] = v;
}

void series_fini(struct series *s)
{
	free(s->v);
	*s = (struct series){ NULL, 0 };
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double series_at(const struct series *s, double part)
{
	if (!s->n)
		return 0;
	size_t i = (size_t)((double)s->n * part);
	double *sorted = malloc(s->n * sizeof *sorted);

	if (!sorted)
		bench_die("no memory");
	memcpy(sorted, s->v, s->n * sizeof *sorted);
	qsort(sorted, s->n, sizeof *sorted, compare);
	double v = sorted[i < s->n ? i : s->n - 1];
	free(sorted);
	return v;
}

double series_median(const struct series *s)
{
	return series_at(s, 0.5);
}

/* "12,345/s", "0.84 ms" */
static const char *number(char *out, size_t size, double v, enum unit unit)
{
	static const char *const names[] = {
		[PER_SECOND] = "/s", [MICROSECONDS] = " us", [MILLISECONDS] = " ms", [MEGABYTES] = " MB",
		[BYTES] = " B"
	};
	char digits[32];
	size_t n = 0, len;

	if (v < 100 && unit != PER_SECOND) {
		snprintf(out, size, "%.*f%s", v < 10 ? 2 : 1, v, names[unit]);
		return out;
	}
	len = (size_t)snprintf(digits, sizeof digits, "%.0f", v);
	for (size_t i = 0; i < len && n + 6 < size; i++) {
		if (i && (len - i) % 3 == 0)
			out[n++] = ',';
		out[n++] = digits[i];
	}
	snprintf(out + n, size - n, "%s", names[unit]);
	return out;
}

static void print_runs(const char *indent, const char *what, const struct series *s, enum unit unit)
{
	char median[40], least[40], most[40], range[100];

	number(median, sizeof median, series_median(s), unit);
	number(least, sizeof least, series_at(s, 0), unit);
	number(most, sizeof most, series_at(s, 1), unit);
	snprintf(range, sizeof range, "[%s … %s]", least, most);
	printf("%s%-*s %10s  %-26s", indent, (int)(54 - strlen(indent)), what, median, range);
}

static void print_verdict(double v, enum bound bound, double wanted)
{
	bool holds = bound == AT_LEAST ? v >= wanted : v <= wanted;

	judged++;
	missed += !holds;
	printf("  %s", holds ? "holds" : "DOES NOT HOLD");
}

void figures_head(const char *title, const char *text)
{
	printf("\n%s\n%s\n", title, text);
	fflush(stdout);
}

void figures_print(const char *what, const struct series *runs, enum unit unit, enum bound bound,
    double wanted)
{
	char text[40];

	last = series_median(runs);
	print_runs("  ", what, runs, unit);
	if (bound != NO_BOUND) {
		printf("  wanted: %s %s", bound == AT_LEAST ? "at least" : "at most",
		    number(text, sizeof text, wanted, unit));
		print_verdict(last, bound, wanted);
	}
	putchar('\n');
	fflush(stdout);
}

void figures_base(const char *what, const struct series *runs, enum unit unit, enum bound bound,
    double wanted)
{
	double base = series_median(runs), part = base > 0 ? last / base : 0;

	print_runs("    beside ", what, runs, unit);
	printf("  %.2f of it", part);
	if (bound != NO_BOUND) {
		printf("; wanted: at %s %.2f", bound == AT_LEAST ? "least" : "most", wanted);
		print_verdict(part, bound, wanted);
	}
	putchar('\n');
	fflush(stdout);
}

void figures_note(const char *fmt, ...)
{
	va_list ap;

	fputs("    ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void figures_sum_up(void)
{
	if (judged)
		printf("\nOf %u figures with a target %u hold, %u do not.\n", judged, judged - missed,
		    missed);
	fflush(stdout);
}
