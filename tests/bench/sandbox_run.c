/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the runtime alone takes of `knarr run`: the same work as tests/bench/bare_run.c and with the
 * same arguments, but through runtime/sandbox/sandbox.h, as a Docker container has it: own cgroup with
 * device filter, masked paths, capabilities, seccomp.
 *
 *     sandbox_run [-n TIMES] [-c] [-e] LOWER UPPER WORK PROGRAM [ARG...]
 *
 * -c: without a cgroup of its own. -e: the time of an exec of PROGRAM into one running container
 * instead. Prints the median in microseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/sandbox/user.h"

static const int stdio[3] = { 0, 1, 2 };

_Noreturn static void die(const struct error *err)
{
	fprintf(stderr, "sandbox_run: %s\n", err->message);
	exit(err->status ? err->status : 125);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void start(struct spec *spec, const char *cgroup, int *cgroup_fd, struct sandbox *sb)
{
	struct error err = ERROR_INIT;
	autoclose int root = sandbox_mount_root(&spec->root, &err);

	if (root < 0 || user_resolve(root, NULL, &spec->process, NULL, &err) < 0)
		die(&err);
	*cgroup_fd = cgroup ? cgroup_create(cgroup, &err) : -1;
	if (err.code || sandbox_create(spec, root, stdio, *cgroup_fd, sb, &err) < 0 ||
	    sandbox_start(sb, &err) < 0)
		die(&err);
}

static int finish(const char *cgroup, int cgroup_fd, struct sandbox *sb)
{
	struct error err = ERROR_INIT;
	int status = 0;

	waitpid(sb->pid, &status, 0);
	sandbox_close(sb);
	if (cgroup_fd >= 0) {
		close(cgroup_fd);
		if (cgroup_remove(cgroup, 1000, &err) < 0)
			die(&err);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int exec_once(int pidfd, int cgroup_fd, const struct spec_process *p)
{
	struct error err = ERROR_INIT;
	struct sandbox sb;

	if (sandbox_exec(pidfd, p, stdio, cgroup_fd, &sb, &err) < 0)
		die(&err);
	return finish(NULL, -1, &sb);
}

int main(int argc, char **argv)
{
	autospec struct spec spec = SPEC_INIT;
	struct spec_process added = { 0 };
	struct sandbox sb = SANDBOX_INIT;
	const char *cgroup = "knarr/bench";
	int option, times = 1, status = 0, cgroup_fd = -1;
	bool exec = false;

	while ((option = getopt(argc, argv, "+n:ce")) > 0) {
		if (option == 'n')
			times = atoi(optarg);
		else if (option == 'c')
			cgroup = NULL;
		else if (option == 'e')
			exec = true;
	}
	if (argc - optind < 4 || times < 1) {
		fprintf(stderr,
			"usage: sandbox_run [-n TIMES] [-c] [-e] LOWER UPPER WORK PROGRAM...\n");
		return 2;
	}
	argv += optind;
	spec_docker_defaults(&spec, false);
	strv_add(&spec.root.lowers, argv[0]);
	spec.root.upper = xstrdup(argv[1]);
	spec.root.work = xstrdup(argv[2]);
	spec.hostname = xstrdup("bench");

	struct spec_process *p = exec ? &added : &spec.process;
	if (exec) {
		spec_process_docker_defaults(&added);
		strv_add(&spec.process.args, "sleep");
		strv_add(&spec.process.args, "1000");
	}
	for (char **arg = argv + 3; *arg; arg++)
		strv_add(&p->args, *arg);
	spec.process.cwd = xstrdup("/");
	added.cwd = xstrdup("/");
	strv_add(&spec.process.env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	strv_extend(&added.env, &spec.process.env);

	double *samples = xcalloc((size_t)times, sizeof(*samples));
	if (exec)
		start(&spec, cgroup, &cgroup_fd, &sb);
	for (int i = 0; i < times; i++) {
		double begin = now();

		if (exec) {
			status |= exec_once(sb.pidfd, cgroup_fd, &added);
		} else {
			start(&spec, cgroup, &cgroup_fd, &sb);
			status |= finish(cgroup, cgroup_fd, &sb);
		}
		samples[i] = now() - begin;
	}
	if (exec) {
		kill(sb.pid, SIGKILL);
		finish(cgroup, cgroup_fd, &sb);
	}
	qsort(samples, (size_t)times, sizeof(*samples), compare);
	printf("%.0f\n", samples[times / 2]);
	free(samples);
	spec_process_free(&added);
	return status;
}
