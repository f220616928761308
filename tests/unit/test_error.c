/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/error.h"

static void a_message_is_formatted_and_its_code_kept(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&err, ENOENT, "image \"%s\" not found", "web"), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(err.status, 0);
	assert_string_equal(err.message, "image \"web\" not found");
}

static void a_filled_error_never_looks_empty(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, 0, "x");
	assert_int_equal(err.code, EINVAL);
	errno = 0;
	error_errno(&err, "x");
	assert_int_equal(err.code, EINVAL);
}

static void nobody_needs_to_listen(void **state)
{
	(void)state;
	errno = EIO;
	assert_int_equal(error_set(NULL, EIO, "x"), -1);
	assert_int_equal(error_errno(NULL, "x"), -1);
	assert_int_equal(error_prefix(NULL, "x"), -1);
	assert_int_equal(error_status(NULL, 1), -1);
	error_clear(NULL);
	assert_int_equal(errno, EIO);
}

static void errno_stands_behind_the_message(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	errno = ENOSPC;
	assert_int_equal(error_errno(&err, "cannot write '%s'", "a"), -1);
	assert_int_equal(err.code, ENOSPC);
	assert_string_equal(err.message, "cannot write 'a': No space left on device");
	assert_int_equal(errno, ENOSPC);
}

static void a_prefix_keeps_code_and_status(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, EPERM, "no");
	error_status(&err, 126);
	assert_int_equal(error_prefix(&err, "layer %d", 3), -1);
	assert_string_equal(err.message, "layer 3: no");
	assert_int_equal(err.code, EPERM);
	assert_int_equal(err.status, 126);
}

static void what_is_too_long_is_cut_visibly(void **state)
{
	struct error err = ERROR_INIT;
	char text[2 * ERROR_MESSAGE_MAX];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	error_set(&err, EINVAL, "%s", text);
	assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 1);
	assert_string_equal(err.message + ERROR_MESSAGE_MAX - 5, "a...");

	/* and one that just fits is not */
	text[ERROR_MESSAGE_MAX - 1] = '\0';
	error_set(&err, EINVAL, "%s", text);
	assert_string_equal(err.message, text);

	/* nothing fits behind a full message, and the cut shows still */
	error_prefix(&err, "p");
	assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 1);
	assert_string_equal(err.message + ERROR_MESSAGE_MAX - 5, "a...");
	errno = EIO;
	error_errno(&err, "%s", text);
	assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 1);
	assert_string_equal(err.message + ERROR_MESSAGE_MAX - 5, "a...");
}

static void a_message_is_one_harmless_line(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, EINVAL, "path 'a\nb\tc\033[2J\x7f\xc3\xa9'");
	assert_string_equal(err.message, "path 'a b c?[2J?\xc3\xa9'");
}

static void clear_empties(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, EIO, "x");
	error_status(&err, 3);
	error_clear(&err);
	assert_int_equal(err.code, 0);
	assert_int_equal(err.status, 0);
	assert_string_equal(err.message, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_formatted_and_its_code_kept),
		cmocka_unit_test(a_filled_error_never_looks_empty),
		cmocka_unit_test(nobody_needs_to_listen),
		cmocka_unit_test(errno_stands_behind_the_message),
		cmocka_unit_test(a_prefix_keeps_code_and_status),
		cmocka_unit_test(what_is_too_long_is_cut_visibly),
		cmocka_unit_test(a_message_is_one_harmless_line),
		cmocka_unit_test(clear_empties),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
