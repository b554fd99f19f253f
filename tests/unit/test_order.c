/* SPDX-License-Identifier: ISC */
/* The order in which jobs start: a line a user, and what closes one. */
#include "config.h"

#include <stdlib.h>

#include "jobd/core/live.h"
#include "jobd/core/order.h"
#include "unit.h"

#define JOBS  600
#define USERS 300 /* more than there are buckets */

static struct live jobs[JOBS];

static void make_jobs(void)
{
	for (size_t i = 0; i < JOBS; i++)
		jobs[i] = (struct live){ .heap_at = HEAP_NOWHERE,
			.job = { .id = i + 1, .uid = (uint32_t)(i * 7 % USERS) } };
}

/* What comes first by looking at all of them. */
static struct live *first_of_all(const bool closed[USERS])
{
	struct live *first = NULL;

	for (size_t i = 0; i < JOBS; i++)
		if (order_has(&jobs[i]) && !closed[jobs[i].job.uid]
		    && (!first || order_before(&jobs[i], first)))
			first = &jobs[i];
	return first;
}

START_TEST(the_first_is_the_smallest_rank_of_the_open_lines_and_of_equals_the_oldest)
{
	struct order o = { 0 };
	bool suspect[USERS] = { false }, closed[USERS] = { false };
	unsigned starting[USERS] = { 0 }, seed = 11;

	make_jobs();
	for (int i = 0; i < 100000; i++) {
		struct live *l = &jobs[rand_r(&seed) % JOBS];
		uint32_t uid = l->job.uid;
		switch (rand_r(&seed) % 6) {
		case 0:
		case 1:
			if (!order_has(l))
				ck_assert(order_wait(&o, uid));
			ck_assert(order_put(&o, l, (uint64_t)rand_r(&seed) % 50));
			break;
		case 2:
			if (order_has(l)) {
				order_take(&o, l);
				ck_assert(!order_has(l));
				order_wait_no_more(&o, uid);
			}
			break;
		case 3:
			if (order_waiting(&o, uid)) {
				suspect[uid] = !suspect[uid];
				order_set_suspect(&o, uid, suspect[uid]);
			}
			break;
		case 4:
			ck_assert(order_start_begun(&o, uid));
			starting[uid]++;
			break;
		default:
			if (starting[uid]) {
				order_start_over(&o, uid);
				starting[uid]--;
			}
			break;
		}
		/* Whoever has nothing any more is as if he had never come. */
		suspect[uid] = order_is_suspect(&o, uid);
		closed[uid] = suspect[uid] && starting[uid];
		ck_assert_ptr_eq(order_first(&o), first_of_all(closed));
	}
	order_fini(&o);
}
END_TEST

START_TEST(the_jobs_of_each_user_that_wait_are_counted_whoever_shares_a_bucket)
{
	struct order o = { 0 };
	size_t is[1000] = { 0 };
	unsigned seed = 7;

	for (int i = 0; i < 20000; i++) {
		uint32_t uid = (uint32_t)rand_r(&seed) % 1000;
		if (is[uid] && rand_r(&seed) % 2) {
			order_wait_no_more(&o, uid);
			is[uid]--;
		} else {
			ck_assert(order_wait(&o, uid));
			is[uid]++;
		}
		ck_assert_uint_eq(order_waiting(&o, uid), is[uid]);
	}
	for (uint32_t uid = 0; uid < 1000; uid++)
		ck_assert_uint_eq(order_waiting(&o, uid), is[uid]);
	ck_assert_uint_eq(order_waiting(&o, UINT32_MAX), 0);
	order_wait_no_more(&o, UINT32_MAX);
	order_fini(&o);
	ck_assert_uint_eq(order_waiting(&o, 7), 0);
}
END_TEST

UNIT_MAIN("order", the_first_is_the_smallest_rank_of_the_open_lines_and_of_equals_the_oldest,
    the_jobs_of_each_user_that_wait_are_counted_whoever_shares_a_bucket)
