/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/hooks.h"

#include <errno.h>
#include <linux/memfd.h>
#include <poll.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/spec/kernel.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

#define OUTPUT_KEPT 160 /* of what a hook says on stderr: the end of it, where the reason is */

/* ---- Words, without stdio */

struct text {
	char *at;
	size_t size, len;
};

static void put(struct text *t, const char *s)
{
	while (*s && t->len + 1 < t->size)
		t->at[t->len++] = *s++;
	if (t->size)
		t->at[t->len] = '\0';
}

static void put_number(struct text *t, int n)
{
	char digits[12];
	size_t i = sizeof(digits);

	digits[--i] = '\0';
	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	put(t, digits + i);
}

/* ---- One hook */

struct output {
	char data[OUTPUT_KEPT + 1];
	size_t len;
};

/* Reads what there is; returns false at the end. */
static bool drain(int fd, struct output *o)
{
	char buf[512];

	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;

		size_t len = (size_t)n, keep = len < OUTPUT_KEPT ? len : OUTPUT_KEPT;
		size_t old = o->len < OUTPUT_KEPT - keep ? o->len : OUTPUT_KEPT - keep;

		memmove(o->data, o->data + o->len - old, old);
		memcpy(o->data + old, buf + len - keep, keep);
		o->len = old + keep;
	}
}

_Noreturn static void become_hook(const struct spec_hook *hook, int state_fd, int stderr_fd,
				  int fault_fd)
{
	static char *const nothing[] = { NULL };
	char *const named[] = { hook->path, NULL };
	int code, null, high[3];

	for (int sig = 1; sig <= 64; sig++)
		(void)sys_signal_default(sig);
	setpgid(0, 0);
	/* Out of the way first: each of them may be 0, 1 or 2 itself. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	high[0] = fcntl(state_fd, F_DUPFD_CLOEXEC, 10);
	high[1] = fcntl(null >= 0 ? null : stderr_fd, F_DUPFD_CLOEXEC, 10);
	high[2] = fcntl(stderr_fd, F_DUPFD_CLOEXEC, 10);
	fault_fd = fcntl(fault_fd, F_DUPFD_CLOEXEC, 10);
	if (high[0] >= 0 && high[1] >= 0 && high[2] >= 0 && lseek(high[0], 0, SEEK_SET) == 0 &&
	    dup2(high[0], 0) == 0 && dup2(high[1], 1) == 1 && dup2(high[2], 2) == 2 &&
	    sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
		sys_sigprocmask(SIG_SETMASK, 0, NULL);
		execve(hook->path, hook->args.len ? hook->args.items : named,
		       hook->env.len ? hook->env.items : nothing);
	}
	code = errno;
	(void)!write(fault_fd, &code, sizeof(code));
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits for the process and reads its stderr meanwhile. A process it has left behind may hold the pipe open for ever, and
 * is not waited for. Returns false when the time was up: it is killed then. */
static bool await(const struct spec_hook *hook, pid_t pid, int pidfd, int stderr_fd,
		  struct output *o, int *status)
{
	int64_t end = hook->timeout > 0 ? now_ms() + (int64_t)hook->timeout * 1000 : INT64_MAX;
	struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN },
			       { .fd = stderr_fd, .events = POLLIN } };
	bool in_time = true;

	while (!(p[0].revents & POLLIN)) {
		int64_t left = end == INT64_MAX ? -1 : end - now_ms();

		if (end != INT64_MAX && left <= 0) {
			kill(-pid, SIGKILL);
			sys_pidfd_send_signal(pidfd, SIGKILL);
			in_time = false;
			break;
		}
		p[0].revents = 0;
		poll(p, 2, left > INT32_MAX ? INT32_MAX : (int)left);
		if (p[1].fd >= 0 && !drain(stderr_fd, o))
			p[1].fd = -1;
	}
	*status = 0;
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	drain(stderr_fd, o);
	return in_time;
}

static int tell(const struct spec_hook *hook, const struct output *o, int fault, bool in_time,
		int status, char *text, size_t size)
{
	struct text t = { .at = text, .size = size };
	const char *said = o->data;

	put(&t, "hook ");
	put(&t, hook->path);
	put(&t, ": ");
	if (fault) {
		put(&t, strerror(fault));
		return -1;
	}
	if (!in_time) {
		put(&t, "killed after its timeout of ");
		put_number(&t, hook->timeout);
		put(&t, " s");
	} else if (WIFSIGNALED(status)) {
		put(&t, "killed by signal ");
		put_number(&t, WTERMSIG(status));
	} else {
		put(&t, "exit status ");
		put_number(&t, WEXITSTATUS(status));
	}
	while (*said == '\n' || *said == ' ')
		said++;
	if (*said) {
		put(&t, ": ");
		put(&t, said);
		while (t.len && t.at[t.len - 1] == '\n')
			t.at[--t.len] = '\0';
	}
	return -1;
}

int hook_run(const struct spec_hook *hook, int state_fd, char *text, size_t size)
{
	int errors[2], faults[2], pidfd = -1, status = 0, fault = 0;
	struct output o = { .len = 0 };
	uint64_t old_mask;

	if (pipe2(errors, O_CLOEXEC) < 0)
		return tell(hook, &o, errno, true, 0, text, size);
	if (pipe2(faults, O_CLOEXEC) < 0) {
		fault = errno;
		close(errors[0]);
		close(errors[1]);
		return tell(hook, &o, fault, true, 0, text, size);
	}

	struct clone_args args = { .flags = CLONE_PIDFD,
				   .pidfd = (uint64_t)(uintptr_t)&pidfd,
				   .exit_signal = SIGCHLD };
	/* Blocked in the child until no handler of ours is left in it. */
	sys_sigprocmask(SIG_BLOCK, ~UINT64_C(0), &old_mask);
	pid_t pid = sys_clone3(&args);
	if (pid == 0)
		become_hook(hook, state_fd, errors[1], faults[1]);
	fault = pid < 0 ? errno : 0;
	sys_sigprocmask(SIG_SETMASK, old_mask, NULL);
	close(errors[1]);
	close(faults[1]);

	bool in_time = true;
	if (pid > 0) {
		if (read(faults[0], &fault, sizeof(fault)) != sizeof(fault))
			fault = 0;
		fcntl(errors[0], F_SETFL, O_NONBLOCK);
		in_time = await(hook, pid, pidfd, errors[0], &o, &status);
		close(pidfd);
	}
	close(errors[0]);
	close(faults[0]);
	o.data[o.len] = '\0';
	if (fault || !in_time || status)
		return tell(hook, &o, fault, in_time, status, text, size);
	return 0;
}

/* ---- All of a stage */

int hooks_state_file(void)
{
	return (int)syscall(SYS_memfd_create, "state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int hooks_state_write(int fd, const char *state_json)
{
	if (fs_write_all(fd, state_json, strlen(state_json)) < 0)
		return -1;
	/* One hook's stdin is the next one's. */
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

int hooks_run(const struct spec_hooks *hooks, const char *state_json, struct error *err)
{
	if (!hooks->n)
		return 0;

	autoclose int state = hooks_state_file();
	char text[ERROR_MESSAGE_MAX];

	if (state < 0 || hooks_state_write(state, state_json) < 0)
		return error_errno(err, "the container's state for its hooks");
	for (size_t i = 0; i < hooks->n; i++)
		if (hook_run(&hooks->items[i], state, text, sizeof(text)) < 0)
			return error_set(err, ECANCELED, "%s", text);
	return 0;
}
