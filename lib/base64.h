/* SPDX-License-Identifier: ISC */
/* Base64, as RFC 4648 section 4 has it: with padding, without line breaks. Libc only. */
#ifndef LIB_BASE64_H
#define LIB_BASE64_H

#include <stddef.h>

#include "lib/buf.h"

/* Appends the code of len bytes to out. */
void base64_encode(struct buf *out, const void *data, size_t len);

/* Appends what the code stands for. 0, or -EINVAL (out is as before) when it is none. */
int base64_decode(struct buf *out, const char *code, size_t len);

#endif
