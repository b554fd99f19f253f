/* SPDX-License-Identifier: ISC */
/*
 * A growable buffer of bytes. It doubles, so that n puts cost O(n); a length
 * that would overflow counts as no memory.
 */
#include "config.h"

#include "lib/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUF_MIN	  256
#define READ_STEP 16384

void *buf_reserve(struct buf *b, size_t len)
{
	if (b->failed)
		return NULL;
	if (b->data && len <= b->cap - b->len)
		return b->data + b->len;
	if (len > SIZE_MAX / 2 - b->len) {
		b->failed = true;
		return NULL;
	}
	size_t want = b->len + len;
	size_t cap = b->cap ? b->cap : BUF_MIN;
	while (cap < want)
		cap *= 2;
	uint8_t *data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return NULL;
	}
	b->data = data;
	b->cap = cap;
	return b->data + b->len;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	void *at = buf_reserve(b, len);
	if (!at)
		return;
	memcpy(at, data, len);
	b->len += len;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	/* vsnprintf wants room for its NUL too, which is not counted as held. */
	char *at = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
	if (at) {
		vsnprintf(at, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	} else {
		b->failed = true;
	}
	va_end(again);
	va_end(ap);
}

int buf_read(struct buf *b, int fd, size_t max)
{
	for (;;) {
		if (b->len > max)
			return -EFBIG;
		void *at = buf_reserve(b, READ_STEP);
		if (!at)
			return -ENOMEM;
		ssize_t n = read(fd, at, READ_STEP);
		if (n > 0)
			b->len += (size_t)n;
		else if (n == 0)
			return 0;
		else if (errno != EINTR)
			return -errno;
	}
}

const char *buf_text(struct buf *b)
{
	char *end = buf_reserve(b, 1);
	if (!end)
		return "";
	*end = 0;
	return (const char *)b->data;
}

void buf_drop(struct buf *b, size_t len)
{
	if (len == 0)
		return;
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}
