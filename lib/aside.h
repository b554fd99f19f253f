/* SPDX-License-Identifier: ISC */
/*
 * What may sleep is done aside, by a helper process: descriptors that others passed are closed
 * there, and files are removed there.
 *
 * The last close of a descriptor may sleep for as long as whoever passed it likes: a socket that
 * lingers, a file on a file system that its user serves. So none that came from outside is ever
 * closed by the caller, nor looked at. Removing a file takes long where it has very many extents.
 *
 * It is a process, and not a thread, since a thread that such a close holds would keep its process
 * from executing another program, and from ending.
 */
#ifndef LIB_ASIDE_H
#define LIB_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct aside;

/* What is done, for tests: in the helper, in threads. */
struct aside_deeds {
	void (*close)(int fd);
	void (*remove)(int dir, const char *name);
};

/*
 * Starts the helper: a child, that ends by itself once the caller has gone, after the files that are
 * to be removed. It inherits RLIMIT_NOFILE. deeds NULL: close(2) and unlinkat(2).
 *
 * 0, or -errno where there is no helper: it is tried again at the next need, unless *out is NULL.
 * In all functions below NULL is for no helper: everything is done at once.
 */
int aside_open(const struct aside_deeds *deeds, struct aside **out);

/* Calls this when a helper that was killed is replaced: files may be left that were to be removed. */
void aside_on_loss(struct aside *a, void (*lost)(void *ctx), void *ctx);

/* Waits for nothing: what was handed over is done. */
void aside_free(struct aside *a);

/*
 * Whether sockets may be accepted that descriptors were perhaps passed to: not while too many wait
 * to be closed in all.
 */
bool aside_has_room(struct aside *a);

/*
 * Receives from a socket without waiting; descriptors that come along are handed over, to be closed:
 * one after the other for one owner, whoever else's hang. As recvmsg(2), with the message's flags in
 * *flags unless it is NULL.
 *
 * ETOOMANYREFS: descriptors come next, and so many wait to be closed that they have to wait, too:
 * nothing was received. Logged, once a minute. Never for root and the caller's own user.
 */
ssize_t aside_receive(struct aside *a, uid_t owner, int fd, void *to, size_t size, int *flags);

/*
 * Closes a socket that has the owner's at its other end, which sees the end of it at once, and with
 * it descriptors that were passed and not received.
 */
void aside_discard(struct aside *a, uid_t owner, int fd);

/*
 * Removes a file, after those that came before it. A name has less than 64 bytes. False where too
 * much waits, or the helper can't be had: the file stays.
 */
bool aside_remove(struct aside *a, int dir, const char *name);

/*
 * For a stream, before anything is received from it. Asks the kernel to leave urgent bytes in line,
 * as aside_receive needs it, and to refuse descriptors at this socket, and at those accepted from
 * it. True when it does that (Linux 6.16): then none come but those that were sent before.
 */
bool aside_refuse(int fd);

#endif
