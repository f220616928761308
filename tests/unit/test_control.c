/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What monitor and commands say to each other: frames whole, clients who break the rules or do not read. */
#include "tests/unit/store.h"

#include <errno.h>
#include <sys/socket.h>

#include "lib/str.h"
#include "runtime/monitor/clients.h"

static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static struct clients table;
static unsigned resized_rows;
static int signalled;

static int on_resize(void *arg, unsigned rows, unsigned cols)
{
	(void)arg;
	(void)cols;
	resized_rows = rows;
	return 0;
}

static int on_signal(void *arg, int signo, uint32_t flags)
{
	(void)arg;
	(void)flags;
	signalled = signo;
	return signo == 64 ? ESRCH : 0;
}

static bool paused;

static int on_pause(void *arg, bool pause)
{
	(void)arg;
	if (paused == pause)
		return EALREADY;
	paused = pause;
	return 0;
}

/* One turn of the monitor's loop, without the container. */
static void turn(void)
{
	static const struct client_handlers handlers = { .resize = on_resize,
							 .signal = on_signal,
							 .pause = on_pause };
	struct pollfd p[1 + CLIENTS_MAX];
	size_t n = clients_poll(&table, p);

	if (poll(p, (nfds_t)n, 0) > 0)
		clients_handle(&table, p, n, &handlers);
	clients_idle(&table);
}

static void publish(enum control_type stream, const void *data, size_t len)
{
	size_t room;
	unsigned char *to = clients_reserve(&table, &room);

	assert_true(len <= room);
	memcpy(to, data, len);
	clients_publish(&table, stream, len);
}

static int monitor_setup(void **state)
{
	struct error err = ERROR_INIT;

	if (store_setup(state) < 0)
		return -1;
	mkdirat(st.run_fd, id, 0700);
	memset(&table, 0, sizeof(table));
	clients_init(&table, control_listen(&st, id, &err));
	return table.listener < 0 ? -1 : 0;
}

static int monitor_teardown(void **state)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (table.items[i].fd >= 0)
			close(table.items[i].fd);
	if (table.listener >= 0)
		close(table.listener);
	if (table.out != table.first)
		free(table.out);
	return store_teardown(state);
}

static int join(uint32_t attach)
{
	struct error err = ERROR_INIT;
	int fd = control_connect(&st, id, &err);

	if (fd < 0)
		fail_msg("%s", err.message);
	if (attach)
		assert_int_equal(control_send(fd, CONTROL_ATTACH, &attach, sizeof(attach)), 0);
	turn();
	turn();
	return fd;
}

static void expect(int fd, uint32_t type, const void *payload, size_t len)
{
	static struct control_frame frame;

	assert_int_equal(control_read_within(fd, &frame, 1000), 1);
	assert_int_equal(frame.type, type);
	assert_int_equal(frame.length, len);
	if (len)
		assert_memory_equal(frame.payload, payload, len);
}

static void expect_end(int fd)
{
	static struct control_frame frame;

	turn();
	assert_int_equal(control_read_within(fd, &frame, 1000), 0);
	close(fd);
}

static void nobody_listens(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(control_connect(&st, id, &err), -1);
	assert_int_equal(err.code, ENOENT);
	mkdirat(st.run_fd, id, 0700);
	int fd = control_listen(&st, id, &err);
	assert_true(fd >= 0);
	struct stat s;
	assert_int_equal(
		fstatat(st.run_fd,
			"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/control",
			&s, 0),
		0);
	assert_int_equal(s.st_mode & 07777, 0600);
	close(fd);
	assert_int_equal(control_connect(&st, id, &err), -1);
	assert_int_equal(err.code, ECONNREFUSED);
	/* What a dead monitor left is no obstacle. */
	fd = control_listen(&st, id, &err);
	assert_true(fd >= 0);
	close(fd);
}

static void output_and_end(void **state)
{
	const struct control_exit last = { .code = 7 };

	(void)state;
	int a = join(CONTROL_ATTACH_OUTPUT), b = join(CONTROL_ATTACH_OUTPUT), waiter = join(0);
	publish(CONTROL_STDOUT, "hello", 5);
	publish(CONTROL_STDERR, "oh", 2);
	int late = join(0);
	clients_exit(&table, &last);
	for (int i = 0; i < 2; i++) {
		int fd = i ? b : a;
		expect(fd, CONTROL_STDOUT, "hello", 5);
		expect(fd, CONTROL_STDERR, "oh", 2);
		expect(fd, CONTROL_EXIT, &last, sizeof(last));
		expect_end(fd);
	}
	expect(waiter, CONTROL_EXIT, &last, sizeof(last));
	expect_end(waiter);
	expect(late, CONTROL_EXIT, &last, sizeof(last));
	expect_end(late);
	assert_false(clients_left(&table));
}

static void input_and_credit(void **state)
{
	const unsigned char *data;
	size_t len;
	uint32_t credit = 3;

	(void)state;
	int fd = join(CONTROL_ATTACH_STDIN | CONTROL_ATTACH_OUTPUT);
	assert_null(clients_input(&table, &len));
	control_send(fd, CONTROL_STDIN, "abcde", 5);
	turn();
	data = clients_input(&table, &len);
	assert_int_equal(len, 5);
	assert_memory_equal(data, "abcde", 5);
	clients_input_taken(&table, 3);
	expect(fd, CONTROL_CREDIT, &credit, sizeof(credit));
	control_send(fd, CONTROL_STDIN, "fg", 2);
	control_send(fd, CONTROL_STDIN_END, NULL, 0);
	turn();
	assert_false(clients_input_ended(&table)); /* not before all of it is taken */
	data = clients_input(&table, &len);
	assert_memory_equal(data, "defg", 4);
	clients_input_taken(&table, len);
	assert_true(clients_input_ended(&table));
	assert_false(clients_input_ended(&table)); /* told once */
	close(fd);
}

static void input_ends_with_its_client(void **state)
{
	(void)state;
	int fd = join(CONTROL_ATTACH_STDIN), other = join(0);

	assert_false(clients_input_ended(&table));
	close(fd);
	turn();
	assert_true(clients_input_ended(&table));
	close(other);
}

static void requests(void **state)
{
	const struct control_resize size = { 40, 120 };
	uint32_t code = ESRCH;

	(void)state;
	int fd = join(0);
	control_send(fd, CONTROL_RESIZE, &size, sizeof(size));
	turn();
	assert_int_equal(resized_rows, 40);
	const struct control_signal plain = { .signo = 15 }, asked = { 64, CONTROL_SIGNAL_REPLY };
	control_send(fd, CONTROL_SIGNAL, &plain, sizeof(plain));
	turn();
	assert_int_equal(signalled, 15);
	control_send(fd, CONTROL_SIGNAL, &asked, sizeof(asked));
	turn();
	expect(fd, CONTROL_REPLY, &code, sizeof(code));

	code = 0;
	control_send(fd, CONTROL_PAUSE, NULL, 0);
	turn();
	expect(fd, CONTROL_REPLY, &code, sizeof(code));
	assert_true(paused);
	code = EALREADY;
	control_send(fd, CONTROL_PAUSE, NULL, 0);
	turn();
	expect(fd, CONTROL_REPLY, &code, sizeof(code));
	code = 0;
	control_send(fd, CONTROL_UNPAUSE, NULL, 0);
	turn();
	expect(fd, CONTROL_REPLY, &code, sizeof(code));
	assert_false(paused);
	close(fd);
}

/* A connection that sends these bytes is closed, and no other feels it. */
static void refuse(const void *bytes, size_t len, uint32_t attach)
{
	int good = join(CONTROL_ATTACH_OUTPUT), bad = join(attach);

	assert_int_equal(send(bad, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
	turn();
	turn();
	expect_end(bad);
	publish(CONTROL_STDOUT, "on", 2);
	expect(good, CONTROL_STDOUT, "on", 2);
	close(good);
	turn();
}

static void rule_breakers(void **state)
{
	struct {
		struct control_header h;
		char payload[CONTROL_REQUEST_MAX + 1];
	} frame = { .payload = "" };
	const uint32_t cases[][2] = {
		{ 0, 0 },
		{ 99, 4 },
		{ CONTROL_EXIT, 8 },
		{ CONTROL_STDIN, 5 }, /* without ATTACH */
		{ CONTROL_RESIZE, 3 },
		{ CONTROL_SIGNAL, 4 },
		{ CONTROL_PAUSE, 4 },
		{ CONTROL_ATTACH, 0 },
		{ CONTROL_STDIN_END, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		frame.h = (struct control_header){ cases[i][0], cases[i][1] };
		refuse(&frame, sizeof(frame.h) + cases[i][1], 0);
	}
	frame.h = (struct control_header){ CONTROL_STDIN, CONTROL_REQUEST_MAX + 1 };
	refuse(&frame, sizeof(frame.h), CONTROL_ATTACH_STDIN);
	frame.h = (struct control_header){ CONTROL_STDIN, 0xffffffff };
	refuse(&frame, sizeof(frame.h), CONTROL_ATTACH_STDIN);

	/* More input than the window allows. */
	int fd = join(CONTROL_ATTACH_STDIN);
	for (int i = 0; i < 3; i++)
		control_send(fd, CONTROL_STDIN, frame.payload, CONTROL_REQUEST_MAX);
	for (int i = 0; i < 4; i++)
		turn();
	expect_end(fd);

	/* Two questions at once. */
	const struct control_signal asked = { 10, CONTROL_SIGNAL_REPLY };
	fd = join(CONTROL_ATTACH_OUTPUT);
	struct client *c = table.items;
	while (c->fd < 0)
		c++;
	c->sent = 1; /* as if it were in the midst of a frame: no answer can go out */
	table.out_len = 2;
	control_send(fd, CONTROL_SIGNAL, &asked, sizeof(asked));
	control_send(fd, CONTROL_SIGNAL, &asked, sizeof(asked));
	assert_true(clients_left(&table));
	static const struct client_handlers handlers = { .resize = on_resize,
							 .signal = on_signal,
							 .pause = on_pause };
	struct pollfd p = { .fd = c->fd, .events = POLLIN, .revents = POLLIN };
	clients_handle(&table, &p, 1, &handlers);
	assert_false(clients_left(&table));
	close(fd);
}

static void frames_in_pieces(void **state)
{
	struct {
		struct control_header h;
		struct control_resize size;
	} frame = { { CONTROL_RESIZE, sizeof(frame.size) }, { 77, 1 } };

	(void)state;
	int fd = join(0);
	for (size_t i = 0; i < sizeof(frame); i++) {
		assert_int_equal(send(fd, (char *)&frame + i, 1, 0), 1);
		turn();
	}
	assert_int_equal(resized_rows, 77);
	close(fd);
}

/* The container is not read from while a client has not taken the last piece; after its end all is kept for it. */
static void a_client_that_does_not_read(void **state)
{
	static char piece[CONTROL_PAYLOAD_MAX];
	const struct control_exit last = { .code = 1 };
	size_t pieces = 0;

	(void)state;
	int slow = join(CONTROL_ATTACH_OUTPUT), quick = join(0);
	for (; clients_idle(&table) && pieces < 1000; pieces++) {
		memset(piece, 'a' + (int)(pieces % 26), sizeof(piece));
		publish(CONTROL_STDOUT, piece, sizeof(piece));
	}
	assert_true(pieces > 2 && pieces < 1000);
	for (int i = 0; i < 20; i++, pieces++) { /* the end: what is left in the container's pipe */
		memset(piece, 'a' + (int)(pieces % 26), sizeof(piece));
		publish(CONTROL_STDOUT, piece, sizeof(piece));
	}
	clients_exit(&table, &last);
	expect(quick, CONTROL_EXIT, &last, sizeof(last));
	expect_end(quick);
	assert_true(clients_left(&table));
	for (size_t i = 0; i < pieces; i++) {
		turn();
		memset(piece, 'a' + (int)(i % 26), sizeof(piece));
		expect(slow, CONTROL_STDOUT, piece, sizeof(piece));
	}
	turn();
	expect(slow, CONTROL_EXIT, &last, sizeof(last));
	expect_end(slow);
	assert_false(clients_left(&table));
}

static void more_clients_than_places(void **state)
{
	const struct control_exit last = { .code = 0 };
	int fds[CLIENTS_MAX + 5];

	(void)state;
	for (int i = 0; i < CLIENTS_MAX + 5; i++)
		fds[i] = join(0);
	close(fds[0]);
	turn(); /* a place is free again */
	turn();
	clients_exit(&table, &last);
	for (int i = 1; i <= CLIENTS_MAX; i++) {
		expect(fds[i], CONTROL_EXIT, &last, sizeof(last));
		close(fds[i]);
	}
	for (int i = CLIENTS_MAX + 1; i < CLIENTS_MAX + 5; i++)
		close(fds[i]);
}

static void failures_in_words(void **state)
{
	struct control_frame frame = { .type = CONTROL_FAILED,
				       .length = sizeof(struct control_failed) };
	struct control_failed failed = { .code = ENOENT, .status = 127 };
	struct error err = ERROR_INIT;

	(void)state;
	memset(failed.message, 'x', sizeof(failed.message)); /* without an end */
	memcpy(frame.payload, &failed, sizeof(failed));
	assert_int_equal(control_failure(&frame, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(err.status, 127);
	assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 1);
	frame.length = 3;
	assert_int_equal(control_failure(&frame, &err), -1);
	assert_int_equal(err.code, EPROTO);
}

#define MONITOR_TEST(f) cmocka_unit_test_setup_teardown(f, monitor_setup, monitor_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_listens, store_setup, store_teardown),
		MONITOR_TEST(output_and_end),
		MONITOR_TEST(input_and_credit),
		MONITOR_TEST(input_ends_with_its_client),
		MONITOR_TEST(requests),
		MONITOR_TEST(rule_breakers),
		MONITOR_TEST(frames_in_pieces),
		MONITOR_TEST(a_client_that_does_not_read),
		MONITOR_TEST(more_clients_than_places),
		cmocka_unit_test(failures_in_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
