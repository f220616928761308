/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys that detach: their notation, and finding them in what is typed. */
#include "tests/unit/unit.h"

#include "runtime/monitor/detach_keys.h"

/* What goes through when text is typed in one piece, or key by key. "!" stands for the detaching. */
static const char *typed(const char *notation, const char *text, bool in_pieces)
{
	static char out[64];
	struct detach_keys keys;
	struct error err = ERROR_INIT;
	size_t len = strlen(text), n = 0;
	bool detached = false;

	if (detach_keys_parse(notation, &keys, &err) < 0)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < len && !detached; i += in_pieces ? 1 : len)
		n += detach_keys_filter(&keys, text + i, in_pieces ? 1 : len, out + n, &detached);
	if (detached)
		out[n++] = '!';
	out[n] = '\0';
	return out;
}

static void found_in_what_is_typed(void **state)
{
	(void)state;
	for (int pieces = 0; pieces < 2; pieces++) {
		assert_string_equal(typed(NULL, "ls\x10\x11more", pieces), "ls!");
		assert_string_equal(typed("", "\x10\x10\x11", pieces), "\x10!");
		assert_string_equal(typed(NULL,
					  "a\x10"
					  "b\x11"
					  "c",
					  pieces),
				    "a\x10"
				    "b\x11"
				    "c");
		assert_string_equal(typed(NULL, "a\x10", pieces), "a"); /* held back */
		assert_string_equal(typed("x", "abxc", pieces), "ab!");
		assert_string_equal(typed("ctrl-a,d",
					  "\x01"
					  "c\x01"
					  "d",
					  pieces),
				    "\x01"
				    "c!");
		assert_string_equal(typed("a,b,c", "aababac", pieces), "aababac");
		assert_string_equal(typed("a,b,c", "ababcd", pieces), "ab!");
		assert_string_equal(typed("a,a,b", "aaab", pieces), "a!");
		assert_string_equal(typed("a,b,a,c", "ababac", pieces), "ab!");
	}
}

static void nothing_detaches_without_keys(void **state)
{
	struct detach_keys none = { .n = 0 };
	char out[8];
	bool detached = false;

	(void)state;
	assert_int_equal(detach_keys_filter(&none, "a\x10\x11", 3, out, &detached), 3);
	assert_memory_equal(out, "a\x10\x11", 3);
	assert_false(detached);
}

static void notation(void **state)
{
	static const char *const bad[] = {
		",",       "a,", "ctrl-",   "ctrl-A", "ctrl-1",
		"ctrl-ab", "ab", "shift-a", "a,,b",   "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"
	};
	struct detach_keys k;
	struct error err;

	(void)state;
	assert_int_equal(
		detach_keys_parse("ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,ctrl-z", &k, &err),
		0);
	assert_int_equal(k.n, 7);
	assert_memory_equal(k.keys, "\x00\x1b\x1c\x1d\x1e\x1f\x1a", 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct error)ERROR_INIT;
		if (detach_keys_parse(bad[i], &k, &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_true(strncmp(err.message, "Invalid detach keys (", 21) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_in_what_is_typed),
		cmocka_unit_test(nothing_detaches_without_keys),
		cmocka_unit_test(notation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
