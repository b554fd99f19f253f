/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/core/state.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

/*
 * What may happen to a job in each state, written down once more, by hand: a
 * column an event, in the order of enum job_event; the letter is the state that
 * follows (q h r p c f x), D for deleted, and "." for refused.
 */
static const struct {
	enum job_state from;
	const char *to;
} expected[] = {
	/*                hold release pause resume cancel signal retry delete priority
	 *                start never-ran stopped unstoppable recontinued completed failed cancelled */
	{ JOB_QUEUED,    "hq..x...qrq....f." },
	{ JOB_HELD,      "hq..x...h........" },
	{ JOB_RUNNING,   "..rrrr..r.qpr.cfx" },
	{ JOB_PAUSED,    "..prrp..p.q.rpcfx" },
	{ JOB_COMPLETED, ".......D........." },
	{ JOB_FAILED,    "......qD........." },
	{ JOB_CANCELLED, "....x.qD........." },
};

static char letter_of(const struct state_row *row)
{
	static const char letters[JOB_STATES + 1] = ".qhrpcfx";

	if (!row)
		return '.';
	return row->to ? letters[row->to] : 'D';
}

START_TEST(every_pair_of_state_and_event_does_what_the_manual_says)
{
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		ck_assert_uint_eq(strlen(expected[i].to), JOB_EVENTS - 1);
		for (int event = 1; event < JOB_EVENTS; event++) {
			const struct state_row *row = state_find(expected[i].from, (enum job_event)event);
			ck_assert_msg(letter_of(row) == expected[i].to[event - 1], "%s, %s: %c, not %c",
			    job_state_name(expected[i].from), state_event_name((enum job_event)event),
			    letter_of(row), expected[i].to[event - 1]);
		}
	}
	ck_assert_uint_eq(sizeof expected / sizeof expected[0], JOB_STATES - 1);
}
END_TEST

START_TEST(what_is_already_so_answers_well_and_does_nothing)
{
	static const struct {
		enum job_state state;
		enum job_event event;
	} so[] = {
		{ JOB_HELD, EVENT_HOLD },
		{ JOB_QUEUED, EVENT_RELEASE },
		{ JOB_PAUSED, EVENT_PAUSE },
		{ JOB_CANCELLED, EVENT_CANCEL },
	};

	for (size_t i = 0; i < sizeof so / sizeof so[0]; i++) {
		const struct state_row *row = state_find(so[i].state, so[i].event);
		ck_assert_ptr_nonnull(row);
		ck_assert_int_eq(row->action, ACTION_NONE);
		ck_assert_int_eq(row->to, so[i].state);
	}
}
END_TEST

START_TEST(a_refusal_says_what_could_be_done_instead)
{
	for (int state = 1; state < JOB_STATES; state++)
		for (int event = 1; event < JOB_EVENTS; event++)
			ck_assert_uint_gt(strlen(state_hint((enum job_state)state, (enum job_event)event)), 10);
	ck_assert_ptr_nonnull(strstr(state_hint(JOB_QUEUED, EVENT_PAUSE), "hold"));
	ck_assert_ptr_nonnull(strstr(state_hint(JOB_RUNNING, EVENT_DELETE), "cancel"));
	ck_assert_ptr_nonnull(strstr(state_hint(JOB_COMPLETED, EVENT_RETRY), "deleted"));
}
END_TEST

START_TEST(the_machine_can_be_printed)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	state_print(f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "running    stopped      paused\n"));
	ck_assert_ptr_nonnull(strstr(text, "failed     delete       (gone)\n"));
	free(text);
}
END_TEST

UNIT_MAIN("state", every_pair_of_state_and_event_does_what_the_manual_says,
    what_is_already_so_answers_well_and_does_nothing,
    a_refusal_says_what_could_be_done_instead, the_machine_can_be_printed)
