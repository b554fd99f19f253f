/* SPDX-License-Identifier: ISC */
/* Configurations as text, loaded from a file that is gone afterwards; and what is told of bad ones. */
#ifndef TESTS_CONFFILE_H
#define TESTS_CONFFILE_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobd/sys/settings.h"
#include "lib/strv.h"

static char dir[] = "/tmp/jobd-config.XXXXXX";
static char path[64];

/* Writes the text to a file and loads it. Returns what config_load did. */
static int load_bytes(const char *text, size_t len, struct config **c, char ***messages)
{
	if (!path[0]) {
		ck_assert_ptr_nonnull(mkdtemp(dir));
		snprintf(path, sizeof(path), "%s/f", dir);
	}
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	fchmod(fileno(f), 0600); /* whatever the umask: root is choosy */
	fclose(f);
	int rc = config_load(path, true, c, messages);
	unlink(path);
	rmdir(dir);
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	path[0] = '\0';
	return rc;
}

static struct config *good(const char *text)
{
	struct config *c;
	char **messages;
	int rc = load_bytes(text, strlen(text), &c, &messages);
	ck_assert_msg(rc == 0, "%s: %s", text, messages ? messages[0] : "no message");
	ck_assert_ptr_null(messages);
	return c;
}

/* The messages, without the file's name, a line each, must be just these. */
static void bad_bytes(const char *text, size_t len, const char *const *expected)
{
	struct config *c;
	char **messages;
	ck_assert_int_eq(load_bytes(text, len, &c, &messages), -EINVAL);
	ck_assert_ptr_null(c);
	size_t n = 0;
	for (; expected[n]; n++) {
		ck_assert_msg(messages && n < strv_len(messages), "no message like \"%s\"",
		    expected[n]);
		const char *colon = strchr(messages[n], ':');
		ck_assert_ptr_nonnull(colon);
		ck_assert_msg(strncmp(messages[n], "/tmp/jobd-config.", 17) == 0, "%s", messages[n]);
		ck_assert_msg(strncmp(colon + 1, expected[n], strlen(expected[n])) == 0,
		    "\"%s\" instead of \"%s\"", colon + 1, expected[n]);
	}
	ck_assert_msg(strv_len(messages) == n, "one too many: %s", messages[n]);
	strv_free(messages);
}
#define BAD(text, ...) bad_bytes(text, strlen(text), (const char *const[]){ __VA_ARGS__, NULL })

/* What it prints; the caller's. */
static inline char *printed(const struct config *c)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(f);
	config_print(c, f);
	fclose(f);
	return text;
}

#endif
