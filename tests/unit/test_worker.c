/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/worker.h"

#include <errno.h>

#include "lib/digest.h"
#include "tests/unit/unit.h"

struct sink {
	struct sha256 hash;
	size_t len, fail_at;
	unsigned int pause_us;
};

static int swallow(void *context, const void *data, size_t len, struct error *err)
{
	struct sink *s = context;

	s->len += len;
	if (s->fail_at && s->len >= s->fail_at)
		return error_set(err, ENOSPC, "full");
	if (s->pause_us)
		usleep(s->pause_us);
	sha256_update(&s->hash, data, len);
	return 0;
}

static struct worker *start_or_skip(struct sink *s)
{
	struct worker *w = worker_start(swallow, s);

	sha256_init(&s->hash);
	if (!w) {
		print_message("skipped: one processor, no worker\n");
		skip();
	}
	return w;
}

static void bytes_come_in_order(void **state)
{
	static uint8_t data[3 << 20];
	static const size_t steps[] = { 1 << 12, 100003, 256 << 10, sizeof(data) };
	struct digest want, got;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 2654435761U >> 24);
	digest_of(data, sizeof(data), &want);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sink s = { .pause_us = i == 1 ? 500 : 0 };
		struct worker *w = start_or_skip(&s);
		struct error err = ERROR_INIT;

		for (size_t at = 0; at < sizeof(data); at += steps[i])
			assert_int_equal(worker_put(w, data + at,
						    sizeof(data) - at < steps[i] ? sizeof(data) - at
										 : steps[i],
						    &err),
					 0);
		assert_int_equal(worker_finish(w, &err), 0);
		sha256_final(&s.hash, &got);
		assert_int_equal(s.len, sizeof(data));
		assert_true(digest_equal(&want, &got));
	}
}

static void a_failure_comes_back(void **state)
{
	static uint8_t data[64 << 10];
	struct sink s = { .fail_at = 1 << 20 };
	struct worker *w = start_or_skip(&s);
	struct error err = ERROR_INIT;
	int r = 0;

	(void)state;
	for (int i = 0; i < 1000 && r == 0; i++)
		r = worker_put(w, data, sizeof(data), &err);
	assert_int_equal(r, -1);
	assert_int_equal(err.code, ENOSPC);
	err = (struct error)ERROR_INIT;
	assert_int_equal(worker_finish(w, &err), -1);
	assert_string_equal(err.message, "full");
	assert_int_equal(s.len, 1 << 20); /* and nothing was tried behind it */
}

static void a_failure_of_the_last_piece_comes_back(void **state)
{
	struct sink s = { .fail_at = 1 };
	struct worker *w = start_or_skip(&s);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(worker_put(w, "x", 1, &err), 0);
	assert_int_equal(worker_finish(w, &err), -1);
	assert_int_equal(err.code, ENOSPC);
}

static void nothing_put_is_nothing_done(void **state)
{
	struct sink s = { 0 };
	struct worker *w = start_or_skip(&s);

	(void)state;
	assert_int_equal(worker_finish(w, NULL), 0);
	assert_int_equal(s.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_in_order),
		cmocka_unit_test(a_failure_comes_back),
		cmocka_unit_test(a_failure_of_the_last_piece_comes_back),
		cmocka_unit_test(nothing_put_is_nothing_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
