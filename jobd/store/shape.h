/* SPDX-License-Identifier: ISC */
/*
 * Structures as records of lib/tlv.h, each described by a table of its fields. One table
 * drives both writing and reading, so that the two cannot come apart.
 *
 * A field that holds nothing (0, NULL, no elements) is left out, and so is a number that its table
 * says is none.
 */
#ifndef STORE_SHAPE_H
#define STORE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

/* What a member is. Short, for the tables' sake: they and shape.c are all that includes this. */
enum type { U8, U32, U64, I32, I64, BOOL, STR, STRV, ONE, MAYBE, MANY };

struct shape;

struct field {
	uint32_t tag;
	enum type type;
	size_t offset;
	int none;		   /* the number that is left out (I32, I64) */
	bool required;		   /* STR, STRV: not NULL */
	size_t count;		   /* MANY: offset of the size_t that counts them */
	const struct shape *shape; /* ONE, MAYBE (a pointer to one, or NULL), MANY: what each is */
	void *(*make)(void);	   /* MAYBE: one that holds nothing, or NULL: no memory */
};

struct shape {
	const struct field *fields;
	size_t nfields;
	size_t size;
	size_t unknown; /* offset of the struct buf that keeps unknown fields, or NOWHERE */
};

#define NOWHERE SIZE_MAX

/* A table of fields as the shape of a structure. */
#define SHAPE(name, table, type_)                                                                  \
	static const struct shape name = { table, sizeof(table) / sizeof((table)[0]),              \
		sizeof(type_), NOWHERE }

/* Appends *base, which has this shape; b->failed tells when memory ran out. */
void shape_put(struct buf *b, const struct shape *sh, const void *base);

/*
 * Reads a record into *base, which holds nothing yet (what its members are where nothing is said is
 * the caller's to set). Returns 0; -EBADMSG when a value is out of range, something required is
 * not there, or these bytes are no record; -ENOMEM. After an error *base holds what had been read.
 */
int shape_get(const void *data, size_t len, const struct shape *sh, void *base);

#endif
