/* SPDX-License-Identifier: ISC */
/*
 * Linked into a test whose stores fail: nobody looks for leaks in it. Such a store leaves its memory to
 * the end of the process, and Berkeley DB some of its own after a panic. The other tests do look.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
