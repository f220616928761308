/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges of IDs for containers: each has one, none has two, and none is shared. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sched.h>

#include "lib/cleanup.h"
#include "lib/str.h"
#include "runtime/container/id_range.h"

static struct store fake_store(void **state)
{
	return (struct store){ .run_fd = scratch(state), .run = scratch_path };
}

static void a_range_is_the_containers_alone(void **state)
{
	struct store st = fake_store(state);
	struct error err = ERROR_INIT;
	uint32_t a, b, again;

	/* The same first choice. */
	assert_int_equal(id_range_take(&st, "00000001aa", &a, &err), 0);
	assert_int_equal(id_range_take(&st, "00000001bb", &b, &err), 0);
	assert_int_equal(a, ID_RANGE_FIRST + ID_RANGE_SIZE);
	assert_int_equal(b, ID_RANGE_FIRST + 2 * ID_RANGE_SIZE);
	assert_int_equal(id_range_take(&st, "00000001bb", &again, &err), 0);
	assert_int_equal(again, b);
	id_range_release(&st, "00000001aa");
	id_range_release(&st, "00000001aa");
	assert_false(exists(scratch(state), "ids/1"));
	/* Its neighbour keeps what it has, though nearer ones are free. */
	assert_true(exists(scratch(state), "ids/2"));
	id_range_release(&st, "00000001bb");
	assert_false(exists(scratch(state), "ids/2"));
}

static void the_last_range_is_followed_by_the_first(void **state)
{
	struct store st = fake_store(state);
	struct error err = ERROR_INIT;
	uint32_t a, b;

	assert_int_equal(id_range_take(&st, "00001fffaa", &a, &err), 0);
	assert_int_equal(id_range_take(&st, "00001fffbb", &b, &err), 0);
	assert_int_equal(a, ID_RANGE_FIRST + (ID_RANGE_COUNT - 1) * ID_RANGE_SIZE);
	assert_int_equal(b, ID_RANGE_FIRST);
	id_range_release(&st, "00001fffaa");
	id_range_release(&st, "00001fffbb");
}

static void when_all_near_are_taken_it_is_said(void **state)
{
	struct store st = fake_store(state);
	struct error err = ERROR_INIT;
	uint32_t first;

	for (int i = 0; i < 64; i++) {
		autofree char *id = str_format("00000100%02x", i);
		assert_int_equal(id_range_take(&st, id, &first, &err), 0);
	}
	assert_int_equal(id_range_take(&st, "00000100zz", &first, &err), -1);
	assert_int_equal(err.code, EUSERS);
}

static void a_spec_is_mapped_whole(void **state)
{
	struct store st = fake_store(state);
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;

	struct spec_mount *m = spec_add_mount(&spec);
	m->type = xstrdup("bind");
	m->recursive = true;
	m = spec_add_mount(&spec);
	m->type = xstrdup("tmpfs");
	assert_int_equal(id_range_apply(&st, "00000003aa", &spec, &err), 0);
	assert_true(spec.namespaces & CLONE_NEWUSER);
	assert_int_equal(spec.n_uid_mappings, 1);
	assert_int_equal(spec.uid_mappings[0].inside, 0);
	assert_int_equal(spec.uid_mappings[0].count, ID_RANGE_SIZE);
	assert_int_equal(spec.gid_mappings[0].outside, spec.uid_mappings[0].outside);
	assert_ptr_equal(spec.root.idmap, &spec);
	assert_true(spec.mounts[0].idmap && spec.mounts[0].idmap_recursive);
	assert_false(spec.mounts[1].idmap);
	id_range_release(&st, "00000003aa");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_is_the_containers_alone),
		cmocka_unit_test(the_last_range_is_followed_by_the_first),
		cmocka_unit_test(when_all_near_are_taken_it_is_said),
		cmocka_unit_test(a_spec_is_mapped_whole),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
