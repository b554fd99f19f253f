/* SPDX-License-Identifier: ISC */
/* See notify.h. */
#include "config.h"

#include "jobd/sys/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/str.h"

#define STOP_MARGIN_MS 5000 /* what it takes to leave, besides the wait */

/* One environment a process: so one manager. Empty: none. */
static char manager[sizeof(((struct sockaddr_un *)0)->sun_path)];

void notify_take(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	/* Paths and abstract names; what is longer than an address can hold is nobody's. */
	if (path && (path[0] == '/' || path[0] == '@') && path[1] && strlen(path) < sizeof(manager))
		strcpy(manager, path);
	unsetenv("NOTIFY_SOCKET");
}

void notify_environment(void)
{
	if (manager[0])
		setenv("NOTIFY_SOCKET", manager, 1);
}

char *notify_variable(void)
{
	return manager[0] ? str_printf("NOTIFY_SOCKET=%s", manager) : NULL;
}

static void notify(const char *text)
{
	if (!manager[0])
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(manager);
	memcpy(to.sun_path, manager, len);
	if (manager[0] == '@')
		to.sun_path[0] = '\0';
	/* An abstract name is its bytes and no more: the length tells where it ends. */
	sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void notify_ready(void)
{
	char text[64];
	snprintf(text, sizeof(text), "READY=1\nMAINPID=%ld", (long)getpid());
	notify(text);
}

void notify_reloading(void)
{
	char text[64];
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_mono_us());
	notify(text);
}

void notify_stopping(uint64_t within_ms)
{
	char text[80] = "STOPPING=1";

	if (within_ms)
		snprintf(text, sizeof(text), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64,
		    (within_ms + STOP_MARGIN_MS) * 1000);
	notify(text);
}
