/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: written by many, read while they are written, bounded. */
#include "tests/unit/store.h"

#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "runtime/container/events.h"

static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static struct container_config web(void)
{
	struct container_config c = CONTAINER_CONFIG_INIT;

	memcpy(c.id, id, sizeof(c.id));
	c.image = xstrdup("busybox");
	c.name = xstrdup("web");
	return c;
}

static void one_line_each(void **state)
{
	struct container_config c = web();
	const char *const more[] = { "exitCode=3", NULL };
	struct events_reader r;
	struct error err = ERROR_INIT;
	const char *line;
	size_t len;

	(void)state;
	strv_add(&c.run.labels, "zone=a\n\"b\"");
	strv_add(&c.run.labels, "name=another");
	strv_add(&c.run.labels, "flag");
	events_container(&st, &c, "die", more);
	assert_int_equal(events_open(&r, &st, &err), 0);
	line = events_next(&r, &len);
	assert_non_null(line);
	assert_non_null(strstr(
		line,
		"{\"status\":\"die\",\"id\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
		"\"from\":\"busybox\",\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"0123"));
	assert_non_null(strstr(
		line,
		"\"Attributes\":{\"exitCode\":\"3\",\"flag\":\"\",\"image\":\"busybox\","
		"\"name\":\"web\",\"zone\":\"a\\n\\\"b\\\"\"}},\"scope\":\"local\",\"time\":"));
	autojson yyjson_doc *doc = json_parse(line, len, "event", &err);
	if (!doc)
		fail_msg("%s", err.message);
	assert_null(events_next(&r, &len));
	events_close(&r);
	config_free(&c);
}

static void other_types(void **state)
{
	struct strv attributes autostrv = STRV_INIT;
	struct events_reader r;
	struct error err = ERROR_INIT;
	const char *line;
	size_t len;

	(void)state;
	strv_add(&attributes, "driver=local");
	assert_int_equal(events_open_now(&r, &st, &err), 0);
	events_emit(&st, "volume", "create", "data", &attributes);
	line = events_next(&r, &len);
	assert_non_null(line);
	assert_true(str_starts(
		line, "{\"Type\":\"volume\",\"Action\":\"create\",\"Actor\":{\"ID\":\"data\","
		      "\"Attributes\":{\"driver\":\"local\"}}"));
	events_emit(&st, "volume", "destroy", "data", NULL);
	assert_non_null(strstr(events_next(&r, &len), "\"Attributes\":{}"));
	events_close(&r);
}

/* Whatever is put in, a line is a JSON object of bounded length. */
static void too_much(void **state)
{
	struct container_config c = web();
	struct events_reader r;
	struct error err = ERROR_INIT;
	autofree char *action = xmalloc(100000);
	const char *line;
	size_t len;

	(void)state;
	memset(action, 1, 99999);
	action[99999] = '\0';
	for (int i = 0; i < 300; i++)
		strv_addf(&c.run.labels, "label%d=%.*s", i, i * 10, action);
	assert_int_equal(events_open(&r, &st, &err), 0);
	events_container(&st, &c, action, NULL);
	line = events_next(&r, &len);
	assert_non_null(line);
	assert_true(len < EVENT_LINE_MAX);
	assert_non_null(strstr(line, "\"image\":\"busybox\",\"label0\":\"\",\"label1\":"));
	assert_non_null(strstr(line, "\"name\":\"web\""));
	autojson yyjson_doc *doc = json_parse(line, len, "event", &err);
	if (!doc)
		fail_msg("%s", err.message);
	events_close(&r);
	config_free(&c);
}

static void emit_number(int writer, int i)
{
	char text[320];
	struct strv attributes = { (char *[]){ text, NULL }, 1 };

	snprintf(text, sizeof(text), "n=%d %d %0250d", writer, i, i);
	events_emit(&st, "volume", "create", "data", &attributes);
}

static void read_number(const char *line, size_t len, int *writer, int *i)
{
	const char *n = strstr(line, "\"n\":\"");

	assert_non_null(n);
	assert_int_equal(sscanf(n + 5, "%d %d", writer, i), 2);
	assert_int_equal(line[len - 1], '}');
}

/* More than two files full: what is kept is bounded, and a reader who keeps up misses none. */
static void a_reader_who_follows(void **state)
{
	const int total = 3 * (int)EVENTS_FILE_MAX / 350;
	struct events_reader r;
	struct error err = ERROR_INIT;
	struct stat sb;
	int next = 0, left = 0;
	size_t len;

	(void)state;
	assert_int_equal(events_open_now(&r, &st, &err), 0);
	for (int i = 0; i < total; i++) {
		const char *line;
		int w, n;

		emit_number(0, i);
		if (i % 7 == 3)
			while ((line = events_next(&r, &len))) {
				read_number(line, len, &w, &n);
				assert_int_equal(n, next++);
			}
	}
	assert_true(next > total - 7);
	events_close(&r);
	assert_int_equal(fstatat(st.run_fd, "events.old", &sb, 0), 0);
	assert_true(sb.st_size < EVENTS_FILE_MAX + EVENT_LINE_MAX);
	assert_int_equal(fstatat(st.run_fd, "events", &sb, 0), 0);
	assert_true(sb.st_size < EVENTS_FILE_MAX + EVENT_LINE_MAX);

	/* One who comes later begins with the oldest that is left. */
	assert_int_equal(events_open(&r, &st, &err), 0);
	while (events_next(&r, &len))
		left++;
	assert_true(left > total / 4 && left < total);
	events_close(&r);
}

#define WRITERS 4
#define EACH    1500

/* Several at once: each one's lines are whole and in order, though a reader who is too slow may miss some. */
static void many_writers(void **state)
{
	struct events_reader r;
	struct error err = ERROR_INIT;
	int next[WRITERS] = { 0 }, living = WRITERS;

	(void)state;
	assert_int_equal(events_open_now(&r, &st, &err), 0);
	for (int w = 0; w < WRITERS; w++) {
		if (fork() == 0) {
			for (int i = 0; i < EACH; i++)
				emit_number(w, i);
			_exit(0);
		}
	}
	for (bool over = false; !over;) {
		const char *line;
		size_t len;
		int w, i;

		over = living == 0;
		while ((line = events_next(&r, &len))) {
			read_number(line, len, &w, &i);
			assert_true(w >= 0 && w < WRITERS && i >= next[w]);
			next[w] = i + 1;
		}
		if (!over)
			events_wait(&r, 20);
		while (living && waitpid(-1, NULL, WNOHANG) > 0)
			living--;
	}
	for (int w = 0; w < WRITERS; w++)
		assert_true(next[w] > 0);
	events_close(&r);
}

static void nowhere_to_write(void **state)
{
	struct events_reader r;
	struct error err = ERROR_INIT;
	size_t len;

	(void)state;
	mkdirat(st.run_fd, "events", 0700);
	events_emit(&st, "volume", "create", "data", NULL);
	unlinkat(st.run_fd, "events", AT_REMOVEDIR);
	assert_int_equal(events_open(&r, &st, &err), 0);
	assert_null(events_next(&r, &len));
	events_emit(&st, "volume", "create", "data", NULL);
	assert_non_null(events_next(&r, &len));
	events_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_line_each, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(other_types, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(too_much, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(a_reader_who_follows, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(many_writers, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(nowhere_to_write, store_setup, store_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
