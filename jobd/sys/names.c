/* SPDX-License-Identifier: ISC */
/*
 * Users' and groups' names: the cache, which is the loop's alone, and what comes
 * back from the lookups' threads (names-lookup.c).
 *
 * Invariants: an entry that is being asked for is never removed, so there are
 * never more lookups under way than entries; a string that was handed out lives
 * until the loop's next turn, whatever becomes of its entry (it is buried first).
 *
 * What can go wrong: the name service hangs. After two seconds digits are given instead of a
 * name, and an id is late, which is not "there is none"; the answer still counts when it comes.
 * Or it fails: an id is late then, too, and whoever wants it is called when it may be asked for
 * again, since no answer will be.
 */
#include "config.h"

#include "jobd/sys/names.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/sys/names-lookup.h"
#include "lib/clock.h"

#define SECOND	  UINT64_C(1000000)
#define KEEP_US	  (300 * SECOND) /* an answer */
#define NONE_US	  (10 * SECOND)	 /* that there is none: somebody may just be adding it */
#define ERROR_US  (5 * SECOND)	 /* that nobody could tell */
#define GIVE_UP_US (2 * SECOND)
#define ENTRIES	  1024
#define BUCKETS	  256

struct entry {
	struct entry *next; /* in its bucket */
	enum lookup_kind kind;
	uint32_t id; /* LOOKUP_USER: asked for; else the answer */
	char *name;  /* LOOKUP_USER: the answer, or digits; else asked for */
	uint64_t asked_us, expires_us;
	bool asking, given_up, found;
	bool failed; /* of an id: nobody could tell, and nobody was told to ask again yet */
};

struct dead {
	struct dead *next;
	char *name;
};

struct names {
	struct lookups *lookups;
	struct event *answers, *timer, *funeral;
	void (*known)(void *ctx);
	void *ctx;
	struct entry *buckets[BUCKETS];
	size_t count;
	struct dead *dead;
	char scratch[16];
};

static void set_timer(struct event *timer, uint64_t us)
{
	struct timeval tv = { (time_t)(us / SECOND), (suseconds_t)(us % SECOND) };
	event_add(timer, &tv);
}

static size_t bucket_of(enum lookup_kind kind, uint32_t id, const char *name)
{
	uint32_t h = 2166136261u ^ (uint32_t)kind;
	if (kind == LOOKUP_USER)
		h = (h ^ id) * 16777619u;
	for (const char *p = name; kind != LOOKUP_USER && *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return (h ^ h >> 16) % BUCKETS;
}

static struct entry *find(struct names *n, enum lookup_kind kind, uint32_t id, const char *name)
{
	struct entry *e = n->buckets[bucket_of(kind, id, name)];
	for (; e; e = e->next)
		if (e->kind == kind && (kind == LOOKUP_USER ? e->id == id : strcmp(e->name, name) == 0))
			return e;
	return NULL;
}

/* Frees a string that may have been handed out: in the loop's next turn. */
static void bury(struct names *n, char *name)
{
	if (!name)
		return;
	struct dead *d = malloc(sizeof(*d));
	if (!d)
		return; /* lost rather than used after it was freed */
	*d = (struct dead){ n->dead, name };
	n->dead = d;
	set_timer(n->funeral, 0);
}

static void on_funeral(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct names *n = arg;
	while (n->dead) {
		struct dead *d = n->dead;
		n->dead = d->next;
		free(d->name);
		free(d);
	}
}

static void remove_entry(struct names *n, struct entry *e)
{
	struct entry **p = &n->buckets[bucket_of(e->kind, e->id, e->name)];
	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	n->count--;
	bury(n, e->name);
	free(e);
}

/* Makes room: the entry that expires first goes. False when all are being asked for. */
static bool make_room(struct names *n)
{
	if (n->count < ENTRIES)
		return true;
	struct entry *first = NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = n->buckets[i]; e; e = e->next)
			if (!e->asking && (!first || e->expires_us < first->expires_us))
				first = e;
	if (first)
		remove_entry(n, first);
	return first != NULL;
}

static struct entry *add(struct names *n, enum lookup_kind kind, uint32_t id, const char *name)
{
	if (!make_room(n))
		return NULL;
	struct entry *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->kind = kind;
	e->id = id;
	if (kind != LOOKUP_USER && !(e->name = strdup(name))) {
		free(e);
		return NULL;
	}
	size_t b = bucket_of(kind, id, name);
	e->next = n->buckets[b];
	n->buckets[b] = e;
	n->count++;
	return e;
}

/* A user without a name goes by the digits. */
static void name_by_digits(struct names *n, struct entry *e)
{
	char digits[16];
	snprintf(digits, sizeof(digits), "%" PRIu32, e->id);
	bury(n, e->name);
	e->name = strdup(digits);
}

static void settle(struct names *n, struct entry *e, int rc)
{
	e->asking = e->given_up = false;
	e->found = rc == 0;
	e->failed = e->kind != LOOKUP_USER && rc != 0 && rc != -ENOENT;
	e->expires_us = clock_mono_us() + (rc == 0 ? KEEP_US : rc == -ENOENT ? NONE_US : ERROR_US);
	if (e->kind == LOOKUP_USER && rc != 0)
		name_by_digits(n, e);
	/* The timer, when it is set, is so for two seconds at most, and looks further ahead then. */
	if (e->failed && !evtimer_pending(n->timer, NULL))
		set_timer(n->timer, GIVE_UP_US);
}

static void ask(struct names *n, struct entry *e)
{
	e->asking = true;
	e->given_up = e->failed = false;
	e->asked_us = clock_mono_us();
	int rc = lookups_ask(n->lookups, e->kind, e->id, e->name);
	if (rc < 0) {
		settle(n, e, rc);
		return;
	}
	if (!evtimer_pending(n->timer, NULL))
		set_timer(n->timer, GIVE_UP_US);
}

/* When something has to be done about an entry though no answer came. */
static uint64_t due_of(const struct entry *e)
{
	if (e->asking)
		return e->given_up ? UINT64_MAX : e->asked_us + GIVE_UP_US;
	return e->failed ? e->expires_us : UINT64_MAX;
}

/* Gives up what was asked for two seconds ago; what failed may be asked for again. */
static void come_due(struct names *n, struct entry *e)
{
	e->given_up = e->asking;
	e->failed = false;
	if (e->asking && e->kind == LOOKUP_USER)
		name_by_digits(n, e);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct names *n = arg;
	uint64_t now = clock_mono_us(), next = UINT64_MAX;
	bool news = false;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry *e = n->buckets[i]; e; e = e->next) {
			uint64_t due = due_of(e);
			if (due <= now) {
				come_due(n, e);
				news = true;
			} else if (due < next) {
				next = due;
			}
		}
	}
	/* What is asked for from now on is due in two seconds: the timer is never set for later. */
	if (next != UINT64_MAX)
		set_timer(n->timer, next - now < GIVE_UP_US ? next - now : GIVE_UP_US);
	if (news)
		n->known(n->ctx);
}

static void on_answers(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct names *n = arg;
	struct answer a;
	bool news = false;
	while (lookups_take(n->lookups, &a)) {
		struct entry *e = find(n, a.kind, a.id, a.name);
		if (e && e->asking) {
			if (a.rc == 0 && a.kind == LOOKUP_USER) {
				bury(n, e->name);
				e->name = a.name;
				a.name = NULL;
			} else if (a.rc == 0) {
				e->id = a.id;
			}
			settle(n, e, a.rc);
			news = true;
		}
		free(a.name);
	}
	if (news)
		n->known(n->ctx);
}

/* The entry, asked for anew where it is missing or too old. NULL: no room or no memory. */
static struct entry *get(struct names *n, enum lookup_kind kind, uint32_t id, const char *name)
{
	struct entry *e = find(n, kind, id, name);
	if (!e)
		e = add(n, kind, id, name);
	if (e && !e->asking && clock_mono_us() >= e->expires_us)
		ask(n, e);
	return e;
}

bool names_user(struct names *n, uid_t uid, const char **name)
{
	struct entry *e = get(n, LOOKUP_USER, uid, NULL);
	if (e && e->asking && !e->given_up)
		return false;
	if (e && e->name) {
		*name = e->name;
		return true;
	}
	snprintf(n->scratch, sizeof(n->scratch), "%ju", (uintmax_t)uid);
	*name = n->scratch;
	return true;
}

static enum names_result get_id(struct names *n, enum lookup_kind kind, const char *name,
    uint32_t *id)
{
	struct entry *e = get(n, kind, 0, name);
	if (e && e->asking && !e->given_up)
		return NAMES_PENDING;
	/* No room: all entries are being asked for, so that there will be news. */
	if (!e || e->asking || e->failed)
		return NAMES_LATE;
	if (!e->found)
		return NAMES_UNKNOWN;
	*id = e->id;
	return NAMES_KNOWN;
}

enum names_result names_uid(struct names *n, const char *user, uid_t *uid)
{
	return get_id(n, LOOKUP_UID, user, uid);
}

enum names_result names_gid(struct names *n, const char *group, gid_t *gid)
{
	return get_id(n, LOOKUP_GID, group, gid);
}

void names_flush(struct names *n)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry *e = n->buckets[i], *next; e; e = next) {
			next = e->next;
			if (!e->asking)
				remove_entry(n, e);
		}
	}
}

int names_open(struct event_base *base, void (*known)(void *ctx), void *ctx,
    const struct names_lookup *lookup, struct names **out)
{
	*out = NULL;
	struct names *n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->known = known;
	n->ctx = ctx;
	int rc = lookups_open(lookup, &n->lookups);
	if (rc < 0) {
		free(n);
		return rc;
	}
	n->answers = event_new(base, lookups_fd(n->lookups), EV_READ | EV_PERSIST, on_answers, n);
	n->timer = evtimer_new(base, on_timer, n);
	n->funeral = evtimer_new(base, on_funeral, n);
	if (!n->answers || !n->timer || !n->funeral || event_add(n->answers, NULL) < 0) {
		names_close(n);
		return -ENOMEM;
	}
	*out = n;
	return 0;
}

void names_close(struct names *n)
{
	if (!n)
		return;
	struct event *events[] = { n->answers, n->timer, n->funeral };
	for (size_t i = 0; i < 3; i++)
		if (events[i])
			event_free(events[i]);
	on_funeral(-1, 0, n);
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry *e = n->buckets[i], *next; e; e = next) {
			next = e->next;
			free(e->name);
			free(e);
		}
	}
	lookups_close(n->lookups);
	free(n);
}
