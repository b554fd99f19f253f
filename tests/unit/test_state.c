/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/core/state.h"

#include <stdio.h>
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
	/*                hold release pause resume cancel signal retry delete priority edit resume-later
	 *                start never-ran stopped unstoppable recontinued completed failed cancelled
	 *                warn timeout again set-aside */
	{ JOB_QUEUED,    "hq..x...qq." "rq....f." "..q." },
	{ JOB_HELD,      "hq..x...hh." "......f." "...." },
	{ JOB_RUNNING,   "..rrrr..r.r" ".qpr.cfx" "rrqh" },
	{ JOB_PAUSED,    "..prrp..p.p" ".q.rpcfx" "..qh" },
	{ JOB_COMPLETED, ".......D..." "........" "...." },
	{ JOB_FAILED,    "......qD..." "........" "...." },
	{ JOB_CANCELLED, "....x.qD..." "........" "...." },
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
		{ JOB_CANCELLED, EVENT_CANCEL },
	};

	for (size_t i = 0; i < sizeof so / sizeof so[0]; i++) {
		const struct state_row *row = state_find(so[i].state, so[i].event);
		ck_assert_ptr_nonnull(row);
		ck_assert_int_eq(row->action, ACTION_NONE);
		ck_assert_int_eq(row->to, so[i].state);
	}
	/* A pause of a paused job takes back what was asked of it meanwhile: its action says whether that was so. */
	ck_assert_int_eq(state_find(JOB_PAUSED, EVENT_PAUSE)->action, ACTION_STAY_PAUSED);
}
END_TEST

START_TEST(no_two_rows_have_the_same_pair_and_every_event_has_a_name)
{
	size_t rows = 0, pairs = 0;

	while (state_row_at(rows))
		rows++;
	for (int state = 1; state < JOB_STATES; state++)
		for (int event = 1; event < JOB_EVENTS; event++)
			pairs += state_find((enum job_state)state, (enum job_event)event) != NULL;
	ck_assert_uint_eq(rows, pairs);
	for (int event = 1; event < JOB_EVENTS; event++)
		ck_assert_str_ne(state_event_name((enum job_event)event), "unknown");
}
END_TEST

START_TEST(only_what_has_not_begun_can_be_edited)
{
	for (int state = 1; state < JOB_STATES; state++)
		ck_assert_int_eq(state_find((enum job_state)state, EVENT_EDIT) != NULL,
		    state == JOB_QUEUED || state == JOB_HELD);
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

/* The whole machine for a person to read, a row a line. */
static void print_machine(FILE *out)
{
	const struct state_row *row;

	for (size_t i = 0; (row = state_row_at(i)); i++) {
		const char *to = job_state_name(row->to);
		fprintf(out, "%-10s %-12s %s\n", job_state_name(row->from), state_event_name(row->event),
		    to ? to : "(gone)");
	}
}

START_TEST(the_machine_can_be_printed)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	print_machine(f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "running    stopped      paused\n"));
	ck_assert_ptr_nonnull(strstr(text, "failed     delete       (gone)\n"));
	free(text);
}
END_TEST

UNIT_MAIN("state", every_pair_of_state_and_event_does_what_the_manual_says,
    what_is_already_so_answers_well_and_does_nothing,
    no_two_rows_have_the_same_pair_and_every_event_has_a_name,
    only_what_has_not_begun_can_be_edited,
    a_refusal_says_what_could_be_done_instead, the_machine_can_be_printed)
