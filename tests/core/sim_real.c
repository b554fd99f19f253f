/* SPDX-License-Identifier: ISC */
/* See sim_store.h: the real store, in a directory of its own. */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/store/store.h"
#include "sim.h"
#include "sim_store.h"

const char *const sim_store_kind = "the real store";
const bool sim_store_is_quick = false;
const uint64_t sim_store_steps = 6000;
const unsigned sim_store_lives = 4;

static char dir[] = "/tmp/jobd-simulation-XXXXXX";

static struct store *open_it(void)
{
	const struct store_options o = {.dir = dir};
	struct store *s = NULL;
	char *why = NULL;
	int rc = store_open(&o, &s, &why);

	if (rc)
		sim_fail("the store can't be opened: %s (%s)", strerror(-rc), why ? why : "");
	return s;
}

struct store *sim_store_new(void)
{
	strcpy(dir + sizeof dir - 7, "XXXXXX");
	if (!mkdtemp(dir))
		sim_fail("mkdtemp: %s", strerror(errno));
	return open_it();
}

struct store *sim_store_again(struct store *s)
{
	store_close(s);
	return open_it();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void sim_store_end(struct store *s)
{
	store_close(s);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool sim_store_fail(struct store *s, enum commit_fault how)
{
	(void)s;
	return how == COMMIT_WELL;
}
