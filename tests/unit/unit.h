/* SPDX-License-Identifier: ISC */
/*
 * What every unit test's main does: run one suite, each test in a process of
 * its own, and say TAP on standard output.
 *
 *	UNIT_MAIN("buf", grows, keeps_its_failure)
 *
 * The tests are defined with START_TEST, named as sentences about the product.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

/* Seconds a test may take before it is killed; a busy machine is slow. */
#define UNIT_TIMEOUT 120

/*
 * How many times as long what is tested may take as in an ordinary build: for
 * those that are watched (sanitizers, coverage) JOBD_TEST_SLOWNESS says so. Every
 * time that a test sets an upper bound to is multiplied by it.
 */
static inline unsigned unit_slowness(void)
{
	const char *given = getenv("JOBD_TEST_SLOWNESS");
	unsigned slowness = given ? (unsigned)strtoul(given, NULL, 10) : 1;
	return slowness ? slowness : 1;
}

/* A test that is run n times, with _i from 0 on: a row of a table each. */
struct unit_loop {
	const TTest *test;
	int n;
};

/* What surrounds each test, in its process; NULL: nothing. */
struct unit_fixture {
	void (*setup)(void), (*teardown)(void);
};

/*
 * Runs the tests, and the loops after them, until the one whose test is NULL; loops may be NULL, and so
 * may the fixture. What main returns.
 */
static inline int unit_run(const char *name, const TTest *const *tests, size_t n, const struct unit_loop *loops,
    const struct unit_fixture *fixture)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, UNIT_TIMEOUT * unit_slowness());
	if (fixture)
		tcase_add_checked_fixture(tcase, fixture->setup, fixture->teardown);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	for (; loops && loops->test; loops++)
		tcase_add_loop_test(tcase, loops->test, 0, loops->n);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The loops, each a UNIT_ROWS(TEST, TABLE): for UNIT_MAIN_LOOPS. */
#define UNIT_LOOPS(...) (const struct unit_loop[]){ __VA_ARGS__, { 0 } }
#define UNIT_ROWS(test, table) { test, (int)(sizeof(table) / sizeof((table)[0])) }

#define UNIT_MAIN_LOOPS(name, loops, ...)                                                          \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                                      \
		return unit_run(name, tests, sizeof(tests) / sizeof(tests[0]), loops, NULL);       \
	}

#define UNIT_MAIN(name, ...) UNIT_MAIN_LOOPS(name, (const struct unit_loop[1]){ { 0 } }, __VA_ARGS__)

#endif
