/* SPDX-License-Identifier: ISC */
/*
 * What of this room goes over an exec of jobd: the jobs' notify sockets, so that nothing that a job
 * reports meanwhile is lost, nor what it keeps connected. Everything else is found again as after a
 * crash: keepers are adopted, those at rest leave, a gate that is not open stays closed.
 *
 * Records of lib/tlv.h, in lib/handover.h's HANDOVER_PROC:
 *
 *	1  a notify socket (repeated): 1 job   2 attempt   3 descriptor
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/aside.h"
#include "lib/handover.h"

enum { TAG_NOTIFY = 1 };
enum { TAG_ID = 1, TAG_ATTEMPT, TAG_FD };

struct inherited {
	uint64_t id;
	uint32_t attempt;
	int fd; /* -1: taken */
};

bool proc_is_settled(const struct proc *p)
{
	for (const struct keeper *k = p->all; k; k = k->next)
		if (k->nsignals || (k->phase == PHASE_RUNNING && k->link == LINK_UP && k->out.len))
			return false;
	return true;
}

void proc_handover(const struct proc *p, struct handover *h)
{
	struct buf all = BUF_INIT, one = BUF_INIT;
	for (const struct keeper *k = p->all; k; k = k->next) {
		/* Starts that are not on disk come to nothing. */
		if (k->notify_fd < 0 || k->phase == PHASE_STARTING || k->phase == PHASE_READY)
			continue;
		buf_clear(&one);
		tlv_put_u64(&one, TAG_ID, k->id);
		tlv_put_u64(&one, TAG_ATTEMPT, k->attempt);
		tlv_put_u64(&one, TAG_FD, (uint64_t)k->notify_fd);
		if (one.failed)
			all.failed = true;
		tlv_put_bytes(&all, TAG_NOTIFY, one.data, one.len);
		handover_fd(h, k->notify_fd);
	}
	handover_put(h, HANDOVER_PROC, &all);
	buf_fini(&one);
	buf_fini(&all);
}

static struct inherited read_one(const struct tlv *f)
{
	struct tlv_reader r = { f->data, f->len, false };
	struct inherited i = { .fd = -1 };
	struct tlv g;
	while (tlv_next(&r, &g)) {
		if (g.tag == TAG_ID)
			i.id = tlv_u64(&g);
		else if (g.tag == TAG_ATTEMPT)
			i.attempt = (uint32_t)tlv_u64(&g);
		else if (g.tag == TAG_FD)
			i.fd = (int)tlv_u64(&g);
	}
	return i;
}

static int compare(const void *a, const void *b)
{
	const struct inherited *x = a, *y = b;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->attempt < y->attempt ? -1 : x->attempt > y->attempt;
}

static bool is_datagram(int fd)
{
	int type = 0;
	socklen_t len = sizeof type;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

int inherited_open(struct proc *p, struct handover *h)
{
	struct tlv section, f;
	if (!h || !handover_get(h, HANDOVER_PROC, &section))
		return 0;
	size_t n = 0;
	struct tlv_reader r = { section.data, section.len, false };
	while (tlv_next(&r, &f))
		n++;
	p->inherited = calloc(n + 1, sizeof *p->inherited);
	if (!p->inherited)
		return -ENOMEM;
	r = (struct tlv_reader){ section.data, section.len, false };
	while (p->ninherited < n && tlv_next(&r, &f)) {
		struct inherited i = f.tag == TAG_NOTIFY ? read_one(&f) : (struct inherited){ .fd = -1 };
		if (handover_claim(h, i.fd))
			p->inherited[p->ninherited++] = i;
	}
	qsort(p->inherited, p->ninherited, sizeof *p->inherited, compare);
	return 0;
}

int inherited_take(struct proc *p, uint64_t id, uint32_t attempt)
{
	struct inherited key = { .id = id, .attempt = attempt };
	struct inherited *i = p->ninherited ?
	    bsearch(&key, p->inherited, p->ninherited, sizeof key, compare) :
	    NULL;
	if (!i || i->fd < 0 || !is_datagram(i->fd))
		return -1;
	int fd = i->fd;
	i->fd = -1;
	return fd;
}

void inherited_close(struct proc *p)
{
	for (size_t i = 0; i < p->ninherited; i++)
		if (p->inherited[i].fd >= 0)
			aside_discard(p->o.aside, (uid_t)-1, p->inherited[i].fd);
	free(p->inherited);
	p->inherited = NULL;
	p->ninherited = 0;
}
