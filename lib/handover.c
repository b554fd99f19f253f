/* SPDX-License-Identifier: ISC */
/*
 * See handover.h. Nothing in the record is believed: it is bounded, sealed, each
 * descriptor is one that is open, and the one who claims it sees whether it is what it
 * should be.
 */
#include "config.h"

#include "lib/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/write.h"

#define VARIABLE "JOBD_HANDOVER"
#define SEALS	 (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define RECORD_MAX (INT64_C(4) << 30)
#define FD_MAX	 (1 << 24)

enum { TAG_VERSION = 1, TAG_FD = 2 };

struct handover {
	struct buf record;   /* to be written */
	const uint8_t *data; /* read: mapped */
	size_t len;
	int fd;	      /* read: what it came in; else -1 */
	char *open;   /* read, by number: came along, and nobody's yet */
	size_t nopen;
};

struct handover *handover_new(void)
{
	struct handover *h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	h->fd = -1;
	tlv_put_u64(&h->record, TAG_VERSION, HANDOVER_VERSION);
	return h;
}

void handover_put(struct handover *h, enum handover_section tag, const struct buf *section)
{
	if (section->failed)
		h->record.failed = true;
	tlv_put_bytes(&h->record, tag, section->data, section->len);
}

void handover_fd(struct handover *h, int fd)
{
	tlv_put_u64(&h->record, TAG_FD, (uint64_t)fd);
}

/* ---- over the exec ---- */

int handover_write(const struct handover *h)
{
	if (h->record.failed)
		return -ENOMEM;
	int fd = memfd_create("jobd-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	int rc = write_all(fd, h->record.data, h->record.len);
	if (rc == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* Each descriptor of a record. */
static void each_fd(const uint8_t *data, size_t len, void (*fn)(void *ctx, int fd), void *ctx)
{
	struct tlv_reader r = { data, len, false };
	struct tlv f;
	while (tlv_next(&r, &f))
		if (f.tag == TAG_FD && tlv_u64(&f) <= FD_MAX)
			fn(ctx, (int)tlv_u64(&f));
}

static void keep_one(void *ctx, int fd)
{
	(void)ctx;
	fcntl(fd, F_SETFD, 0);
}

static void unkeep_one(void *ctx, int fd)
{
	(void)ctx;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* The environment, with these more. Only the array is new. */
static char **environment(char *const more[], char *own)
{
	size_t n = 0, m = 0, k = 0;
	while (environ && environ[n])
		n++;
	while (more && more[m])
		m++;
	char **env = calloc(n + m + 2, sizeof *env);
	for (size_t i = 0; env && i < n; i++)
		env[k++] = environ[i];
	for (size_t i = 0; env && i < m; i++)
		env[k++] = more[i];
	if (env)
		env[k] = own;
	return env;
}

int handover_exec(const struct handover *h, const char *path, char *const argv[], char *const more[])
{
	char own[40];
	int fd = handover_write(h);
	if (fd < 0)
		return fd;
	snprintf(own, sizeof own, VARIABLE "=%d", fd);
	char **env = environment(more, own);
	int rc = -ENOMEM;
	if (env) {
		keep_one(NULL, fd);
		each_fd(h->record.data, h->record.len, keep_one, NULL);
		execve(path, argv, env);
		rc = -errno;
		each_fd(h->record.data, h->record.len, unkeep_one, NULL);
	}
	free(env);
	close(fd);
	return rc;
}

/* ---- on the other side ---- */

static void note_one(void *ctx, int fd)
{
	struct handover *h = ctx;
	if (fd <= STDERR_FILENO || fd == h->fd || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return;
	if ((size_t)fd >= h->nopen) {
		size_t n = (size_t)fd + 64;
		char *open = realloc(h->open, n);
		if (!open) {
			close(fd);
			return;
		}
		memset(open + h->nopen, 0, n - h->nopen);
		h->open = open;
		h->nopen = n;
	}
	h->open[fd] = 1;
}

/* Maps what is sealed: nobody changes it any more, also not whoever made it. */
static int map_record(struct handover *h)
{
	struct stat st;
	int seals = fcntl(h->fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(h->fd, &st) < 0)
		return -EBADMSG;
	if (st.st_size <= 0 || st.st_size > RECORD_MAX)
		return -EBADMSG;
	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, h->fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	h->data = data;
	h->len = (size_t)st.st_size;
	return 0;
}

static int check_record(const struct handover *h)
{
	struct tlv_reader r = { h->data, h->len, false };
	struct tlv f;
	uint64_t version = 0;
	while (tlv_next(&r, &f))
		if (f.tag == TAG_VERSION)
			version = tlv_u64(&f);
	return r.bad || version == 0 ? -EBADMSG : 0;
}

int handover_read(int fd, struct handover **out)
{
	struct handover *h = calloc(1, sizeof *h);
	*out = NULL;
	if (!h) {
		close(fd);
		return -ENOMEM;
	}
	h->fd = fd;
	int rc = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : map_record(h);
	if (rc == 0) {
		each_fd(h->data, h->len, note_one, h);
		rc = check_record(h);
	}
	if (rc < 0) {
		handover_free(h);
		return rc;
	}
	*out = h;
	return 0;
}

int handover_take(struct handover **out)
{
	const char *text = getenv(VARIABLE);
	char *end = NULL;
	*out = NULL;
	if (!text)
		return 0;
	errno = 0;
	long fd = strtol(text, &end, 10);
	bool good = !errno && *text && !*end && fd > STDERR_FILENO && fd <= FD_MAX;
	unsetenv(VARIABLE);
	return good ? handover_read((int)fd, out) : -EBADMSG;
}

bool handover_get(const struct handover *h, enum handover_section tag, struct tlv *section)
{
	struct tlv_reader r = { h->data, h->len, false };
	struct tlv f;
	bool found = false;
	while (tlv_next(&r, &f)) {
		if (f.tag != (uint32_t)tag)
			continue;
		*section = f;
		found = true;
	}
	return found;
}

bool handover_claim(struct handover *h, int fd)
{
	if (fd < 0 || (size_t)fd >= h->nopen || !h->open[fd])
		return false;
	h->open[fd] = 0;
	return true;
}

int handover_again(const struct handover *h)
{
	char number[16];
	snprintf(number, sizeof number, "%d", h->fd);
	if (setenv(VARIABLE, number, 1) < 0 || fcntl(h->fd, F_SETFD, 0) < 0)
		return -errno;
	for (size_t i = 0; i < h->nopen; i++)
		if (h->open[i])
			keep_one(NULL, (int)i);
	return 0;
}

void handover_free(struct handover *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->nopen; i++)
		if (h->open[i])
			close((int)i);
	free(h->open);
	if (h->data)
		munmap((void *)(uintptr_t)h->data, h->len);
	if (h->fd >= 0)
		close(h->fd);
	buf_fini(&h->record);
	free(h);
}

enum { TAG_COUNT_NAME = 1, TAG_COUNT };

void handover_count_put(struct buf *section, uint32_t tag, const char *name, uint64_t n)
{
	struct buf one = BUF_INIT;
	tlv_put_str(&one, TAG_COUNT_NAME, name);
	tlv_put_u64(&one, TAG_COUNT, n);
	if (one.failed)
		section->failed = true;
	tlv_put_bytes(section, tag, one.data, one.len);
	buf_fini(&one);
}

bool handover_count_get(const struct tlv *field, const char *name, uint64_t *n)
{
	struct tlv_reader r = { field->data, field->len, false };
	struct tlv f, found = { 0 };
	uint64_t count = 0;
	while (tlv_next(&r, &f)) {
		if (f.tag == TAG_COUNT_NAME)
			found = f;
		else if (f.tag == TAG_COUNT)
			count = tlv_u64(&f);
	}
	if (found.len != strlen(name) || memcmp(found.data, name, found.len) != 0)
		return false;
	*n = count;
	return true;
}
