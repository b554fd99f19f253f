/* SPDX-License-Identifier: ISC */
/* A keeper that says nothing, as one that waits for a name service; it leaves when jobd hangs up. */
#include "config.h"

#include <poll.h>
#include <sys/socket.h>

#include "lib/kmsg.h"

int main(void)
{
	struct pollfd p = { .fd = KEEPER_FD_SOCKET, .events = POLLRDHUP };
	while (poll(&p, 1, -1) <= 0)
		;
	return 0;
}
