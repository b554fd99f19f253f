/* SPDX-License-Identifier: ISC */
/*
 * The threads that look names up. They are started as they are needed, up to
 * four, and each takes the oldest question, so one that hangs holds up
 * nobody while another is free.
 *
 * What the threads share lives until the last of them and the loop let go of it: a thread
 * that hangs in the name service may come back long after the loop has gone.
 */
#include "config.h"

#include "jobd/sys/names-lookup.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THREADS	 4
#define BUF_FIRST 4096
#define BUF_MOST  (4u << 20) /* a group of a hundred thousand members */

struct question {
	struct question *next;
	struct answer a; /* what is asked, and in the end the answer */
};

struct list {
	struct question *first, **last;
};

struct lookups {
	pthread_mutex_t lock;
	pthread_cond_t asked;
	struct names_lookup lookup;
	struct list questions, answers;
	unsigned threads, idle;
	unsigned waiting; /* questions nobody has taken */
	unsigned users; /* the loop and each thread */
	bool closed;
	int fd;
};

static void put(struct list *l, struct question *q)
{
	q->next = NULL;
	*l->last = q;
	l->last = &q->next;
}

static struct question *take(struct list *l)
{
	struct question *q = l->first;
	if (q && !(l->first = q->next))
		l->last = &l->first;
	return q;
}

static void free_all(struct list *l)
{
	for (struct question *q; (q = take(l)) != NULL;) {
		free(q->a.name);
		free(q);
	}
}

/* What getpwnam_r(3) and its like give for "there is none", which differs by name service. */
static int as_rc(int err)
{
	return err == 0 || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM ? -ENOENT
											  : -err;
}

static int grow(char **buf, size_t *size)
{
	size_t more = *size ? *size * 4 : BUF_FIRST;
	char *grown = more > BUF_MOST ? NULL : realloc(*buf, more);
	if (!grown)
		return ERANGE;
	*buf = grown;
	*size = more;
	return 0;
}

static int system_user(uid_t uid, char **name)
{
	struct passwd pw, *found = NULL;
	char *buf = NULL;
	size_t size = 0;
	int err = ERANGE;
	while (err == ERANGE && grow(&buf, &size) == 0)
		err = getpwuid_r(uid, &pw, buf, size, &found);
	int rc = found ? 0 : as_rc(err);
	if (found && !(*name = strdup(found->pw_name)))
		rc = -ENOMEM;
	free(buf);
	return rc;
}

static int system_uid(const char *user, uid_t *uid)
{
	struct passwd pw, *found = NULL;
	char *buf = NULL;
	size_t size = 0;
	int err = ERANGE;
	while (err == ERANGE && grow(&buf, &size) == 0)
		err = getpwnam_r(user, &pw, buf, size, &found);
	if (found)
		*uid = found->pw_uid;
	free(buf);
	return found ? 0 : as_rc(err);
}

static int system_gid(const char *group, gid_t *gid)
{
	struct group gr, *found = NULL;
	char *buf = NULL;
	size_t size = 0;
	int err = ERANGE;
	while (err == ERANGE && grow(&buf, &size) == 0)
		err = getgrnam_r(group, &gr, buf, size, &found);
	if (found)
		*gid = found->gr_gid;
	free(buf);
	return found ? 0 : as_rc(err);
}

static void answer(const struct names_lookup *with, struct answer *a)
{
	switch (a->kind) {
	case LOOKUP_USER:
		a->rc = with->user(a->id, &a->name);
		break;
	case LOOKUP_UID:
		a->rc = with->uid(a->name, &a->id);
		break;
	case LOOKUP_GID:
		a->rc = with->gid(a->name, &a->id);
		break;
	}
}

/* Gives back the lock, and frees all when nobody is left. */
static void let_go(struct lookups *l)
{
	bool last = --l->users == 0;
	pthread_mutex_unlock(&l->lock);
	if (!last)
		return;
	free_all(&l->questions);
	free_all(&l->answers);
	close(l->fd);
	pthread_cond_destroy(&l->asked);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void *work(void *arg)
{
	struct lookups *l = arg;
	pthread_mutex_lock(&l->lock);
	for (;;) {
		struct question *q = NULL;
		while (!l->closed && !(q = take(&l->questions))) {
			l->idle++;
			pthread_cond_wait(&l->asked, &l->lock);
			l->idle--;
		}
		if (l->closed)
			break;
		l->waiting--;
		pthread_mutex_unlock(&l->lock);
		answer(&l->lookup, &q->a);
		pthread_mutex_lock(&l->lock);
		put(&l->answers, q);
		eventfd_write(l->fd, 1);
	}
	let_go(l);
	return NULL;
}

/* One more thread; the lock is held. */
static int start(struct lookups *l)
{
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* Signals are the loop's. */
	sigset_t all, was;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	pthread_t thread;
	int err = pthread_create(&thread, &attr, work, l);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		return -err;
	l->threads++;
	l->users++;
	return 0;
}

int lookups_ask(struct lookups *l, enum lookup_kind kind, uint32_t id, const char *name)
{
	struct question *q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->a.kind = kind;
	q->a.id = id;
	if (kind != LOOKUP_USER && !(q->a.name = strdup(name))) {
		free(q);
		return -ENOMEM;
	}
	pthread_mutex_lock(&l->lock);
	int rc = 0;
	/* An idle thread may have been woken for a question that it has not taken yet. */
	if (l->idle <= l->waiting && l->threads < THREADS)
		rc = start(l);
	if (l->threads > 0) {
		/* Without a new one an old one will come to it. */
		rc = 0;
		put(&l->questions, q);
		l->waiting++;
		pthread_cond_signal(&l->asked);
		q = NULL;
	}
	pthread_mutex_unlock(&l->lock);
	if (q) {
		free(q->a.name);
		free(q);
	}
	return rc;
}

int lookups_fd(const struct lookups *l)
{
	return l->fd;
}

bool lookups_take(struct lookups *l, struct answer *out)
{
	eventfd_t n;
	eventfd_read(l->fd, &n); /* before the list: what is put later, wakes again */
	pthread_mutex_lock(&l->lock);
	struct question *q = take(&l->answers);
	pthread_mutex_unlock(&l->lock);
	if (!q)
		return false;
	*out = q->a;
	free(q);
	return true;
}

int lookups_open(const struct names_lookup *lookup, struct lookups **out)
{
	static const struct names_lookup of_system = { system_user, system_uid, system_gid };
	struct lookups *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->fd < 0) {
		int rc = -errno;
		free(l);
		return rc;
	}
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->asked, NULL);
	l->lookup = lookup ? *lookup : of_system;
	l->questions.last = &l->questions.first;
	l->answers.last = &l->answers.first;
	l->users = 1;
	*out = l;
	return 0;
}

void lookups_close(struct lookups *l)
{
	pthread_mutex_lock(&l->lock);
	l->closed = true;
	pthread_cond_broadcast(&l->asked);
	let_go(l);
}
