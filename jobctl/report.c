/* SPDX-License-Identifier: ISC */
/*
 * report: one datagram to $NOTIFY_SOCKET, in the manner of sd_notify(3). It asks jobd nothing
 * and waits for nothing: a job must neither stop nor fail because jobd is busy, or is just being
 * restarted. So whatever the kernel says to the sending, it is no failure.
 */
#include "config.h"

#include "jobctl/report.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "jobctl/verb.h"

/* What jobd keeps. More of a value is left out here: a datagram that is too long would be lost whole. */
#define VALUE_MAX  512 /* bytes */
#define NAME_LEN   32  /* bytes of a counter's name */
#define COUNTS_MAX 16

/* A value is one line: what would end it becomes a space. It ends between two characters. */
static void put_value(struct buf *out, const char *value)
{
	size_t len = strnlen(value, VALUE_MAX + 1);
	if (len > VALUE_MAX)
		for (len = VALUE_MAX; len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80;)
			len--;
	for (const char *p = value; p < value + len; p++)
		buf_put(out, *p == '\n' || *p == '\r' ? " " : p, 1);
}

static void put_line(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "%s%s=", out->len ? "\n" : "", key);
	put_value(out, value);
}

/* Where a whole number ends; NULL when there is none at p. */
static const char *number(const char *p, uint64_t *v)
{
	*v = 0;
	const char *start = p;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (*v > ((uint64_t)INT64_MAX - digit) / 10)
			return NULL;
		*v = *v * 10 + digit;
	}
	return p == start ? NULL : p;
}

/* Where "3/7" ends; NULL when it is none. */
static const char *fraction(const char *p, uint64_t *part, uint64_t *whole)
{
	p = number(p, part);
	return p && *p == '/' ? number(p + 1, whole) : NULL;
}

static const char *put_progress(const struct options *o, struct buf *out)
{
	uint64_t done, total;
	const char *end;

	if (o->percent && o->progress)
		return "--percent and --progress say the same: one of them";
	if (o->progress) {
		end = fraction(o->progress, &done, &total);
		if (!end || *end)
			return "--progress takes DONE/TOTAL, such as 42/100";
		if (total && done > total)
			return "--progress: more is done than there is";
		put_line(out, "X_JOBD_PROGRESS", o->progress);
	}
	if (o->percent) {
		end = number(o->percent, &done);
		if (!end || (*end && strcmp(end, "%") != 0) || done > 100)
			return "--percent takes a whole number from 0 to 100";
		buf_printf(out, "%sX_JOBD_PROGRESS=%u/100", out->len ? "\n" : "", (unsigned)done);
	}
	return NULL;
}

static const char *put_step(const struct options *o, struct buf *out)
{
	uint64_t step, steps;

	if (!o->step)
		return o->step_name ? "--step-name goes with --step N/M" : NULL;
	const char *end = fraction(o->step, &step, &steps);
	if (!end || (*end && *end != ' '))
		return "--step takes N/M, such as 2/5";
	if (o->step_name && *end)
		return "--step names the step already";
	if (!steps || step > steps)
		return "--step: there are not so many";
	const char *name = o->step_name ? o->step_name : end + strspn(end, " ");
	buf_printf(out, "%sX_JOBD_STEP=%.*s%s", out->len ? "\n" : "", (int)(end - o->step), o->step,
	    *name ? " " : "");
	put_value(out, name);
	return NULL;
}

static void put_count(struct buf *out, unsigned n, const char *name, size_t len, uint64_t value)
{
	if (n == 0)
		buf_printf(out, "%sX_JOBD_COUNT=", out->len ? "\n" : "");
	buf_printf(out, "%s%.*s:%" PRIu64, n ? "," : "", (int)len, name, value);
}

/* "added=3" or "added:3", several with commas between. What jobd would not keep is not sent. */
static const char *put_counts(const struct options *o, struct buf *out)
{
	static const char wrong[] = "--count takes NAME=N, such as added=3";
	unsigned n = 0;
	uint64_t v;

	for (char *const *c = o->counts; c && *c; c++) {
		for (const char *p = *c;; p++) {
			size_t len = strcspn(p, "=:,\n\r");
			const char *value = p + len;
			if (len == 0 || (*value != '=' && *value != ':'))
				return wrong;
			const char *end = number(value + 1, &v);
			if (!end || (*end && *end != ','))
				return wrong;
			if (len <= NAME_LEN && n < COUNTS_MAX)
				put_count(out, n++, p, len, v);
			p = end;
			if (!*p)
				break;
		}
	}
	return NULL;
}

const char *report_text(const struct options *o, const char *text, struct buf *out)
{
	const char *wrong;

	if ((wrong = put_progress(o, out)) || (wrong = put_step(o, out)) ||
	    (wrong = put_counts(o, out)))
		return wrong;
	if (o->item)
		put_line(out, "X_JOBD_ITEM", o->item);
	if (text)
		put_line(out, "STATUS", text);
	return NULL;
}

/* Sends it, if that goes at once. False: the address is none. */
static bool send_to(const char *path, const struct buf *b)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof a.sun_path)
		return false;
	memcpy(a.sun_path, path, len);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	/* EAGAIN: jobd has enough to read. ECONNREFUSED: it is just being restarted. */
	(void)!sendto(fd, b->data, b->len, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
	return true;
}

int verb_report(struct ctl *c)
{
	struct buf b = BUF_INIT;
	const char *path = getenv("NOTIFY_SOCKET"), *text = c->o->text;
	int code = CODE_DONE;

	if (c->nwords > 1 || (c->nwords && text))
		return verb_usage(c, "one TEXT; quote it if it has several words");
	if (c->nwords)
		text = c->words[0];
	const char *wrong = report_text(c->o, text, &b);
	if (wrong)
		code = verb_usage(c, "%s", wrong);
	else if (!b.len)
		code = verb_usage(c, "what is there to report?");
	else if (!path || !*path) {
		complain("report: this is no job of jobd's: $NOTIFY_SOCKET is not set");
		code = CODE_USAGE;
	} else if (b.failed || !send_to(path, &b)) {
		complain("report: $NOTIFY_SOCKET is no socket's address: %s", path);
		code = CODE_USAGE;
	}
	buf_fini(&b);
	return code;
}
