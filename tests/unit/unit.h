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
#ifndef UNIT_TIMEOUT
#define UNIT_TIMEOUT 60
#endif

#define UNIT_MAIN(name, ...)                                                                       \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                                      \
		Suite *suite = suite_create(name);                                                 \
		TCase *tcase = tcase_create(name);                                                 \
		tcase_set_timeout(tcase, UNIT_TIMEOUT);                                            \
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                      \
			tcase_add_test(tcase, tests[i]);                                           \
		suite_add_tcase(suite, tcase);                                                     \
		SRunner *runner = srunner_create(suite);                                           \
		srunner_set_tap(runner, "-");                                                      \
		srunner_run_all(runner, CK_SILENT);                                                \
		int failed = srunner_ntests_failed(runner);                                        \
		srunner_free(runner);                                                              \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                       \
	}

#endif
