/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/spawn.h"

static int return_it(void *arg)
{
	return *(int *)arg;
}

static int exit_it(void *arg)
{
	exit(*(int *)arg);
}

static int kill_self(void *arg)
{
	return raise(*(int *)arg);
}

static void a_status_comes_back(void **state)
{
	struct error err = ERROR_INIT;
	int statuses[] = { 0, 1, 42, 255 };
	int sig = SIGKILL;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(spawn_function(return_it, &statuses[i], NULL, &err), statuses[i]);
		assert_int_equal(spawn_function(exit_it, &statuses[i], NULL, &err), statuses[i]);
	}
	assert_int_equal(spawn_function(kill_self, &sig, NULL, &err), 128 + SIGKILL);
	sig = SIGTERM;
	assert_int_equal(spawn_function(kill_self, &sig, NULL, &err), 128 + SIGTERM);
	assert_int_equal(err.code, 0);
}

static int speak(void *arg)
{
	(void)arg;
	printf("out\n");
	fflush(stdout);
	fprintf(stderr, "err\n");
	printf("buffered until the end");
	return 0;
}

static void what_is_said_is_caught_in_order(void **state)
{
	struct error err = ERROR_INIT;
	autostrbuf struct strbuf out = STRBUF_INIT;

	(void)state;
	/* what we have buffered ourselves is not said by the child */
	printf("[ of the parent  ] ");
	assert_int_equal(spawn_function(speak, NULL, &out, &err), 0);
	printf("\n");
	assert_string_equal(out.data, "out\nerr\nbuffered until the end");
	assert_int_equal(spawn_function(speak, NULL, NULL, &err),
			 0); /* and goes nowhere when nobody asks */
}

static int shout(void *arg)
{
	static char block[1 << 16];

	memset(block, *(char *)arg, sizeof(block));
	for (int i = 0; i < 40; i++)
		if (write(STDOUT_FILENO, block, sizeof(block)) != (ssize_t)sizeof(block))
			return 1;
	return 7;
}

static void output_has_a_bound_and_does_not_block(void **state)
{
	struct error err = ERROR_INIT;
	autostrbuf struct strbuf out = STRBUF_INIT;
	char c = 'x';

	(void)state;
	assert_int_equal(spawn_function(shout, &c, &out, &err), 7);
	assert_int_equal(out.len, 65536);
}

static int read_stdin(void *arg)
{
	char c;

	(void)arg;
	return read(STDIN_FILENO, &c, 1) == 0 ? 0 : 1;
}

static void stdin_is_empty(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(spawn_function(read_stdin, NULL, NULL, &err), 0);
}

static int check_signals(void *arg)
{
	sigset_t blocked;
	struct sigaction act;
	int death = 0;

	(void)arg;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigaction(SIGPIPE, NULL, &act);
	if (prctl(PR_GET_PDEATHSIG, &death) || death != SIGKILL)
		return 1;
	return sigismember(&blocked, SIGTERM) || act.sa_handler != SIG_DFL ? 2 : 0;
}

static void signals_are_as_at_the_start(void **state)
{
	struct error err = ERROR_INIT;
	sigset_t term, before;

	(void)state;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(spawn_function(check_signals, NULL, NULL, &err), 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Tells its process number to whoever reads, and stays. */
static int linger(void *arg)
{
	pid_t self = getpid();

	if (write(*(int *)arg, &self, sizeof(self)) != (ssize_t)sizeof(self))
		return 1;
	for (;;)
		pause();
}

static void it_dies_with_its_parent(void **state)
{
	int ends[2];
	pid_t inner = 0;
	struct error err = ERROR_INIT;
	char c;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid_t outer = fork();
	if (outer == 0) {
		close(ends[0]);
		_exit(spawn_function(linger, &ends[1], NULL, &err) ? 1 : 0);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &inner, sizeof(inner)), sizeof(inner));
	assert_int_equal(kill(outer, SIGKILL), 0);
	waitpid(outer, NULL, 0);
	/* The pipe's end comes when the last writer, the inner child, is gone. */
	assert_int_equal(read(ends[0], &c, 1), 0);
	close(ends[0]);
}

static void a_parent_that_ignores_its_children_is_told(void **state)
{
	struct error err = ERROR_INIT;
	int status = 0;

	(void)state;
	signal(SIGCHLD, SIG_IGN); /* then there is no status to wait for */
	assert_int_equal(spawn_function(return_it, &status, NULL, &err), -1);
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(err.code, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_comes_back),
		cmocka_unit_test(what_is_said_is_caught_in_order),
		cmocka_unit_test(output_has_a_bound_and_does_not_block),
		cmocka_unit_test(stdin_is_empty),
		cmocka_unit_test(signals_are_as_at_the_start),
		cmocka_unit_test(it_dies_with_its_parent),
		cmocka_unit_test(a_parent_that_ignores_its_children_is_told),
	};

	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
