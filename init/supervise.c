/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/supervise.h"

#include "init/file.h"
#include "init/main.h"
#include "init/say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUICK_MS      2000
#define FREE_RESTARTS 3
#define DELAY_MAX_MS  60000

static struct service *table[SERVICES_MAX];
static unsigned known;
static bool held;

int64_t service_delay(unsigned quick)
{
	int64_t delay = 1000;

	if (quick <= FREE_RESTARTS)
		return 0;
	for (unsigned i = FREE_RESTARTS + 1; i < quick && delay < DELAY_MAX_MS; i++)
		delay *= 2;
	return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
}

static void remember(struct service *s)
{
	if (s->known)
		return;
	if (known == SERVICES_MAX) {
		complain("%s: too many services", s->name);
		return;
	}
	table[known++] = s;
	s->known = true;
}

/* The child is PID 1's image: it gives back what only PID 1 may have before it runs anything. (The
 * handlers of rescue.c know that they are for PID 1 alone.) */
static void become_child(void)
{
	sigset_t none;
	int fd;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd > 0) {
		dup2(fd, 0);
		close(fd);
	}
}

void service_start(struct service *s)
{
	pid_t pid;

	remember(s);
	if (s->pid > 0)
		return;
	s->due = SUPERVISE_NEVER;
	pid = fork();
	if (pid == 0) {
		become_child();
		s->run(s->arg);
		_exit(0);
	}
	if (pid < 0) {
		complain("%s: cannot start a process: %s", s->name, strerror(errno));
		s->due = clock_ms() + 1000;
		return;
	}
	s->pid = pid;
	s->started = clock_ms();
}

void service_again(struct service *s)
{
	int64_t now = clock_ms();

	remember(s);
	s->quick = now - s->started < QUICK_MS ? s->quick + 1 : 0;
	s->due = now + service_delay(s->quick);
}

bool supervise_reap(void)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return pid == 0;
		for (unsigned i = 0; i < known; i++) {
			struct service *s = table[i];

			if (s->pid != pid)
				continue;
			s->pid = 0;
			s->status = status;
			if (s->ended)
				s->ended(s);
			break;
		}
	}
}

int64_t supervise_due(int64_t now)
{
	int64_t next = SUPERVISE_NEVER;

	if (held)
		return next;
	for (unsigned i = 0; i < known; i++) {
		struct service *s = table[i];

		if (s->pid > 0 || s->due == SUPERVISE_NEVER)
			continue;
		if (s->due <= now)
			service_start(s);
		if (s->pid == 0 && s->due < next)
			next = s->due;
	}
	return next;
}

void supervise_hold(void)
{
	held = true;
}

int status_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void run_program(const char *path, const char *const argv[], const char *extra)
{
	/* Nothing of the kernel's own idea of an environment (every unknown word of its command
	 * line) gets through. */
	const char *env[] = {
		("PATH=" SEARCH_PATH), "HOME=/root", "USER=root", "LOGNAME=root",
		"SHELL=/bin/sh",       extra,        NULL,
	};

	execve(path, (char *const *)argv, (char *const *)env);
}
