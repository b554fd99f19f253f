/* SPDX-License-Identifier: ISC */
/*
 * Passes descriptors whose last close takes twenty seconds, since the socket lingers and its peer
 * never reads: passing SOCKET TYPE COUNT TEXT, where TYPE is "stream" or "dgram". COUNT messages, each
 * with a descriptor and the text. Exits with 77 where the other side's kernel refuses
 * descriptors; else waits to be killed, for a minute. (Who receives them must wait until that says
 * "passed": else the last close may be ours.)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static int lingering(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger twenty = { 1, 20 };
	socklen_t len = sizeof(a);
	static char full[65536];
	int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(l, 1) == 0, "listen");
	check(getsockname(l, (struct sockaddr *)&a, &len) == 0, "getsockname");
	check(connect(s, (struct sockaddr *)&a, sizeof(a)) == 0, "connect");
	check(accept(l, NULL, NULL) >= 0, "accept");
	check(fcntl(s, F_SETFL, O_NONBLOCK) == 0, "fcntl");
	while (send(s, full, sizeof(full), 0) > 0)
		;
	check(setsockopt(s, SOL_SOCKET, SO_LINGER, &twenty, sizeof(twenty)) == 0, "SO_LINGER");
	return s;
}

static void pass(int to, char *text)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec iov = { text, strlen(text) };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	int fd = lingering();
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	int sent = sendmsg(to, &m, 0) > 0;
	if (!sent && errno == EPERM)
		exit(77);
	check(sent, "sendmsg");
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (argc != 5)
		return 2;
	int to = socket(AF_UNIX, strcmp(argv[2], "dgram") == 0 ? SOCK_DGRAM : SOCK_STREAM, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", argv[1]);
	check(connect(to, (struct sockaddr *)&a, sizeof(a)) == 0, argv[1]);
	for (int i = 0; i < atoi(argv[3]); i++)
		pass(to, argv[4]);
	puts("passed");
	fflush(stdout);
	sleep(60);
	return 0;
}
