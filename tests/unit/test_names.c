/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names: Docker's grammar, one container to a name, and the names that a crash leaves. */
#include "tests/unit/store.h"

#include <errno.h>

#include "runtime/container/names.h"

static const char id_a[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char id_b[] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

static void make_container(const char *id)
{
	char path[96];

	mkdirat(st.containers_fd, id, 0700);
	snprintf(path, sizeof(path), "%s/container.json", id);
	put_file(st.containers_fd, path, "{}");
}

static void grammar(void **state)
{
	char longest[NAME_MAX_LEN + 2];

	(void)state;
	assert_true(name_valid("web"));
	assert_true(name_valid("Web_1.x-y"));
	assert_true(name_valid("0a"));
	assert_false(name_valid(""));
	assert_false(name_valid("w")); /* Docker wants two characters */
	assert_false(name_valid("_web"));
	assert_false(name_valid("-web"));
	assert_false(name_valid("web/1"));
	assert_false(name_valid("web 1"));
	assert_false(name_valid(".."));
	assert_false(name_valid("w\xc3\xa9"));
	memset(longest, 'a', sizeof(longest));
	longest[NAME_MAX_LEN + 1] = '\0';
	assert_false(name_valid(longest));
	longest[NAME_MAX_LEN] = '\0';
	assert_true(name_valid(longest));
}

static void random_ones(void **state)
{
	char name[NAME_MAX_LEN + 1], id[ID_LEN + 1];
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 200; i++) {
		name_random(name, i % 12);
		assert_true(name_valid(name));
		assert_non_null(strchr(name, '_'));
		assert_int_equal(id_random(id, &err), 0);
		assert_true(id_valid(id));
		assert_true(strspn(id, "0123456789") < 12);
	}
	assert_false(id_valid("abc"));
	assert_false(id_valid("G123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
}

static void one_to_a_name(void **state)
{
	struct error err = ERROR_INIT;
	char id[ID_LEN + 1];

	(void)state;
	make_container(id_a);
	make_container(id_b);
	assert_int_equal(name_claim(&st, "web", id_a, &err), 0);
	assert_int_equal(name_claim(&st, "web", id_a, &err), 0); /* its own already */
	assert_int_equal(name_lookup(&st, "web", id), 0);
	assert_string_equal(id, id_a);
	assert_int_equal(name_claim(&st, "web", id_b, &err), -1);
	assert_int_equal(err.code, EEXIST);
	assert_non_null(strstr(
		err.message, "The container name \"/web\" is already in use by container \"0123"));
	name_release(&st, "web", id_b); /* not its own: stays */
	assert_int_equal(name_lookup(&st, "web", id), 0);
	name_release(&st, "web", id_a);
	assert_int_equal(name_lookup(&st, "web", id), -1);
	assert_int_equal(name_claim(&st, "web", id_b, &err), 0);
	assert_int_equal(name_lookup(&st, "web", id), 0);
	assert_string_equal(id, id_b);
}

static void every_id_comes_back(void **state)
{
	struct error err = ERROR_INIT;
	char id[ID_LEN + 1], back[ID_LEN + 1];

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(id_random(id, &err), 0);
		make_container(id);
		assert_int_equal(name_claim(&st, "web", id, &err), 0);
		assert_int_equal(name_lookup(&st, "web", back), 0);
		assert_string_equal(back, id);
		name_release(&st, "web", id);
	}
}

static void taken_over_from_the_dead(void **state)
{
	struct error err = ERROR_INIT;
	char path[96];

	(void)state;
	/* A name without a folder. */
	make_container(id_a);
	assert_int_equal(name_claim(&st, "web", id_a, &err), 0);
	fs_remove_tree(st.containers_fd, id_a, &err);
	make_container(id_b);
	assert_int_equal(name_claim(&st, "web", id_b, &err), 0);
	name_release(&st, "web", id_b);

	/* A folder that never became a container, and whose maker is dead: nobody holds its lock. */
	mkdirat(st.containers_fd, id_a, 0700);
	mkdirat(st.run_fd, id_a, 0700);
	snprintf(path, sizeof(path), "%s/lock", id_a);
	put_file(st.run_fd, path, "");
	assert_int_equal(name_claim(&st, "web", id_a, &err), 0);
	assert_int_equal(name_claim(&st, "web", id_b, &err), 0);
	name_release(&st, "web", id_b);

	/* The same, but its maker is at work. */
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int lock = openat(st.run_fd, path, O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(lock, F_OFD_SETLK, &fl), 0);
	assert_int_equal(name_claim(&st, "web", id_a, &err), 0);
	assert_int_equal(name_claim(&st, "web", id_b, &err), -1);
	assert_int_equal(err.code, EEXIST);
	close(lock);
}

static void rubbish_is_no_name(void **state)
{
	char id[ID_LEN + 1];

	(void)state;
	mkdirat(st.containers_fd, "by-name", 0700);
	symlinkat("../../etc/passwd", st.containers_fd, "by-name/evil");
	symlinkat("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", st.containers_fd, "by-name/bad");
	assert_int_equal(name_lookup(&st, "evil", id), -1);
	assert_int_equal(name_lookup(&st, "bad", id), -1);
	assert_int_equal(name_lookup(&st, "../by-name/evil", id), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(random_ones),
		cmocka_unit_test_setup_teardown(one_to_a_name, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(every_id_comes_back, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(taken_over_from_the_dead, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(rubbish_is_no_name, store_setup, store_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
