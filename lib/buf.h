/* SPDX-License-Identifier: ISC */
/*
 * A growable buffer of bytes. Libc only.
 *
 * Errors are sticky: when memory runs out the buffer is marked failed, further
 * puts do nothing, and the owner checks once, at the end.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* NULL while nothing was put */
	size_t len;    /* bytes in use */
	size_t cap;    /* bytes allocated */
	bool failed;   /* memory ran out; what is held is a prefix */
};

#define BUF_INIT { NULL, 0, 0, false }

/* Appends len bytes; data may be NULL when len is 0. */
void buf_put(struct buf *b, const void *data, size_t len);

/* Appends a string without its NUL. */
void buf_puts(struct buf *b, const char *s);

/* Appends as printf does. */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Makes room for at least len more bytes and returns where they go, NULL (and
 * failed) when there is no memory. The caller adds to b->len what it wrote.
 */
void *buf_reserve(struct buf *b, size_t len);

/*
 * Appends what a descriptor gives until its end; a call that a signal interrupted is made again. 0 when
 * the end was reached; -EFBIG when b held more than max bytes before; -ENOMEM (and failed); else -errno
 * of read(2), -EAGAIN too. What came until then is held.
 */
int buf_read(struct buf *b, int fd, size_t max);

/*
 * What is held, as a string: valid until the next call with b. Its NUL does not count as held, and more
 * may be put after it. Never NULL; "" when memory ran out, now (which marks b failed) or before.
 */
const char *buf_text(struct buf *b);

/* Drops the first len bytes (len <= b->len), moving the rest down. */
void buf_drop(struct buf *b, size_t len);

/* Empties the buffer, keeps its memory, and forgets a failure. */
void buf_clear(struct buf *b);

/* Frees the memory; the buffer is as BUF_INIT made it. */
void buf_fini(struct buf *b);

#endif
