/* SPDX-License-Identifier: ISC */
/* lib/handover: the bytes, whatever else may stand there, and over an exec. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/handover.h"
#include "unit.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int some_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(fd, 2);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* A sealed memory file with these bytes. */
static int sealed(const void *data, size_t len)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING);
	ck_assert_int_gt(fd, 2);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	return fd;
}

static void put_text(struct handover *h, enum handover_section tag, const char *text)
{
	struct buf b = BUF_INIT;
	buf_puts(&b, text);
	handover_put(h, tag, &b);
	buf_fini(&b);
}

static bool holds(const struct handover *h, enum handover_section tag, const char *text)
{
	struct tlv f;
	return handover_get(h, tag, &f) && f.len == strlen(text) && memcmp(f.data, text, f.len) == 0;
}

START_TEST(what_was_put_comes_out)
{
	int a = some_fd(), b = some_fd();
	struct handover *h = handover_new(), *r;
	put_text(h, HANDOVER_SERVER, "clients");
	put_text(h, HANDOVER_PROC, "");
	handover_fd(h, a);
	handover_fd(h, b);
	int fd = handover_write(h);
	ck_assert_int_gt(fd, 2);
	handover_free(h);
	ck_assert(is_open(a) && is_open(b));

	fcntl(a, F_SETFD, 0);
	ck_assert_int_eq(handover_read(fd, &r), 0);
	ck_assert(holds(r, HANDOVER_SERVER, "clients"));
	ck_assert(holds(r, HANDOVER_PROC, ""));
	ck_assert(!handover_get(r, HANDOVER_DAEMON, &(struct tlv){ 0 }));
	ck_assert_int_eq(fcntl(a, F_GETFD), FD_CLOEXEC);

	ck_assert(handover_claim(r, a));
	ck_assert(!handover_claim(r, a)); /* is somebody's */
	ck_assert(!handover_claim(r, fd)); /* did not come along */
	ck_assert(!handover_claim(r, -1) && !handover_claim(r, 1 << 20));
	handover_free(r);
	ck_assert(is_open(a));
	ck_assert(!is_open(b)); /* nobody wanted it */
	ck_assert(!is_open(fd));
}
END_TEST

START_TEST(the_bytes_are_these)
{
	static const uint8_t golden[] = { 0x01, 0x01, 0x01, 0x02, 0x01, 0x07, 0x11, 0x03, 0x01, 0x01, 0x07 };
	uint8_t bytes[64];
	struct buf section = BUF_INIT;
	struct handover *h = handover_new();
	handover_fd(h, 7);
	tlv_put_u64(&section, 1, 7);
	handover_put(h, HANDOVER_SERVER, &section);
	int fd = handover_write(h);
	ck_assert_int_eq(pread(fd, bytes, sizeof bytes, 0), sizeof golden);
	ck_assert_mem_eq(bytes, golden, sizeof golden);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS) & SEALS, SEALS);
	buf_fini(&section);
	handover_free(h);
	close(fd);
}
END_TEST

START_TEST(a_newer_ones_record_is_read_as_far_as_it_is_known)
{
	struct buf b = BUF_INIT;
	struct handover *r;
	int fd = some_fd();
	tlv_put_str(&b, 9, "not known");
	tlv_put_u64(&b, 1, HANDOVER_VERSION + 5);
	tlv_put_u64(&b, 2, (uint64_t)fd);
	tlv_put_str(&b, 1000000, "nor this");
	tlv_put_str(&b, HANDOVER_SERVER, "clients");
	ck_assert_int_eq(handover_read(sealed(b.data, b.len), &r), 0);
	ck_assert(holds(r, HANDOVER_SERVER, "clients"));
	ck_assert(handover_claim(r, fd));
	handover_free(r);
	buf_fini(&b);
	close(fd);
}
END_TEST

/* Whatever stands there: it is read, or it is refused, and no descriptor that matters is touched. */
static void try_bytes(const void *data, size_t len)
{
	struct handover *r;
	struct tlv f;
	int rc = handover_read(sealed(data, len), &r);
	if (rc < 0) {
		ck_assert_ptr_null(r);
		return;
	}
	handover_get(r, HANDOVER_SERVER, &f);
	handover_free(r);
	ck_assert(is_open(0) && is_open(1) && is_open(2));
}

START_TEST(a_record_that_is_cut_off_is_refused)
{
	struct buf b = BUF_INIT;
	struct handover *r;
	tlv_put_u64(&b, 1, 1);
	tlv_put_u64(&b, 2, 300000);
	tlv_put_str(&b, HANDOVER_SERVER, "clients");
	for (size_t len = 1; len < b.len; len++) {
		bool between = len == 3 || len == 8; /* two fields */
		int rc = handover_read(sealed(b.data, len), &r);
		ck_assert_msg(rc == (between ? 0 : -EBADMSG), "%zu bytes: %d", len, rc);
		handover_free(r);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(nothing_that_is_in_it_is_believed)
{
	uint8_t noise[200];
	struct buf b = BUF_INIT;
	for (uint64_t fd = 0; fd < 3; fd++)
		tlv_put_u64(&b, 2, fd);
	tlv_put_u64(&b, 2, UINT64_MAX);
	tlv_put_u64(&b, 2, 1 << 24);
	tlv_put_bytes(&b, 2, "123456789", 9);
	tlv_put_u64(&b, 1, 1);
	try_bytes(b.data, b.len);
	buf_fini(&b);
	srand(1);
	for (int i = 0; i < 3000; i++) {
		for (size_t k = 0; k < sizeof noise; k++)
			noise[k] = (uint8_t)(rand() >> 7);
		noise[0] = noise[1] = noise[2] = 1;
		for (size_t k = 3; k < sizeof noise; k++)
			noise[k] += noise[k] == 2; /* no descriptors: the test has some of its own */
		try_bytes(noise, 1 + (size_t)rand() % sizeof noise);
	}
}
END_TEST

START_TEST(only_a_sealed_memory_file_is_read)
{
	static const uint8_t record[] = { 1, 1, 1 };
	struct handover *r;
	int p[2], open_one = memfd_create("test", MFD_ALLOW_SEALING);
	ck_assert_int_eq(write(open_one, record, 3), 3);
	ck_assert_int_eq(handover_read(open_one, &r), -EBADMSG);
	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(handover_read(p[0], &r), -EBADMSG);
	ck_assert_int_eq(handover_read(some_fd(), &r), -EBADMSG);
	ck_assert_int_lt(handover_read(1000, &r), 0);
	int empty = sealed("", 0);
	ck_assert_int_eq(handover_read(empty, &r), -EBADMSG);
	ck_assert(!is_open(open_one) && !is_open(p[0]) && !is_open(empty));
	ck_assert_int_eq(handover_read(sealed("\x02\x01\x63", 3), &r), -EBADMSG); /* no version */
}
END_TEST

START_TEST(the_environment_is_taken)
{
	static const char *const wrong[] = { "", "x", "7x", "-1", "0", "2", "99999999999999999999", "1000" };
	struct handover *r;
	char number[16];
	unsetenv("JOBD_HANDOVER");
	ck_assert_int_eq(handover_take(&r), 0);
	ck_assert_ptr_null(r);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		setenv("JOBD_HANDOVER", wrong[i], 1);
		ck_assert_int_lt(handover_take(&r), 0);
		ck_assert_ptr_null(r);
		ck_assert_ptr_null(getenv("JOBD_HANDOVER"));
	}
	snprintf(number, sizeof number, "%d", sealed("\x01\x01\x01", 3));
	setenv("JOBD_HANDOVER", number, 1);
	ck_assert_int_eq(handover_take(&r), 0);
	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_null(getenv("JOBD_HANDOVER"));
	handover_free(r);
}
END_TEST

START_TEST(an_exec_that_fails_changes_nothing)
{
	int fd = some_fd();
	char name[] = "jobd", *argv[] = { name, NULL };
	struct handover *h = handover_new();
	handover_fd(h, fd);
	int next = dup(0);
	close(next);
	ck_assert_int_eq(handover_exec(h, "/nowhere/jobd", argv, NULL), -ENOENT);
	ck_assert_int_eq(handover_exec(h, "/dev/null", argv, NULL), -EACCES);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert(!is_open(next)); /* the record's file */
	ck_assert_ptr_null(getenv("JOBD_HANDOVER"));
	handover_free(h);
	close(fd);
}
END_TEST

START_TEST(an_exec_takes_along_what_it_should)
{
	int fd = some_fd(), other = some_fd(), status;
	char text[200], sh[] = "sh", c[] = "-c", more[] = "MORE=yes";
	snprintf(text, sizeof text,
	    "test $MORE = yes && cd /proc/$$/fd && test -e %d && test ! -e %d && "
	    "grep -q clients $JOBD_HANDOVER", fd, other);
	char *argv[] = { sh, c, text, NULL }, *env[] = { more, NULL };
	struct handover *h = handover_new();
	put_text(h, HANDOVER_SERVER, "clients");
	handover_fd(h, fd);
	pid_t pid = fork();
	if (pid == 0) {
		handover_exec(h, "/bin/sh", argv, env);
		_exit(99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	handover_free(h);
	close(fd);
	close(other);
}
END_TEST

START_TEST(it_can_go_on_once_more_but_for_what_was_claimed)
{
	int mine = some_fd(), other = some_fd();
	char number[16];
	struct handover *h = handover_new(), *r;
	handover_fd(h, mine);
	handover_fd(h, other);
	int fd = handover_write(h);
	handover_free(h);
	ck_assert_int_eq(handover_read(fd, &r), 0);
	ck_assert(handover_claim(r, mine));
	ck_assert_int_eq(handover_again(r), 0);
	snprintf(number, sizeof number, "%d", fd);
	ck_assert_str_eq(getenv("JOBD_HANDOVER"), number);
	ck_assert_int_eq(fcntl(mine, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(other, F_GETFD), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	/* The next one finds the other alone. */
	close(mine);
	struct handover *next;
	ck_assert_int_eq(handover_read(dup(fd), &next), 0);
	ck_assert(!handover_claim(next, mine));
	ck_assert(handover_claim(next, other));
	handover_free(next);
	handover_free(r);
}
END_TEST

UNIT_MAIN("handover", what_was_put_comes_out, the_bytes_are_these,
    a_newer_ones_record_is_read_as_far_as_it_is_known, a_record_that_is_cut_off_is_refused,
    nothing_that_is_in_it_is_believed, only_a_sealed_memory_file_is_read, the_environment_is_taken,
    an_exec_that_fails_changes_nothing, an_exec_takes_along_what_it_should,
    it_can_go_on_once_more_but_for_what_was_claimed)
