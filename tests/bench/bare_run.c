/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The least a container can cost on this kernel, as the yardstick for `knarr run`: overlay, one
 * clone into new namespaces, the usual mounts with mount(2), pivot_root, exec; no cgroup, no
 * filter, no user, nothing checked twice.
 *
 *     bare_run [-n TIMES] LOWER UPPER WORK PROGRAM [ARG...]
 *
 * LOWER is a folder or mounted layer, UPPER and WORK are empty folders of one filesystem; needs
 * root. With -n, prints the median of the microseconds from before the overlay's mount to after the
 * wait; without, exits with the program's status. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char mount_point[] = "/tmp/bare_run.XXXXXX";

static void check(long result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "bare_run: %s: %s\n", what, strerror(errno));
		_exit(125);
	}
}

static void child(const char *overlay, char **argv)
{
	check(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	check(mount("overlay", mount_point, "overlay", 0, overlay), "overlay");
	check(chdir(mount_point), mount_point);
	check(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
	check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=65536k"), "dev");
	check(mkdir("dev/pts", 0755), "dev/pts");
	check(mkdir("dev/shm", 0755), "dev/shm");
	check(mkdir("dev/mqueue", 0755), "dev/mqueue");
	check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666"),
	      "devpts");
	check(mount("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
	      "sysfs");
	check(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
	      "mqueue");
	check(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=65536k"),
	      "shm");
	check(mknod("dev/null", S_IFCHR | 0666, makedev(1, 3)), "dev/null");
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(chdir("/"), "/");
	execvp(argv[0], argv);
	check(-1, argv[0]);
}

static int run(const char *overlay, char **argv)
{
	int status;
	long pid = syscall(SYS_clone,
			   CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD, NULL,
			   NULL, NULL, NULL);

	check(pid, "clone");
	if (pid == 0)
		child(overlay, argv);
	check(waitpid((pid_t)pid, &status, 0), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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

int main(int argc, char **argv)
{
	int option, times = 0, status = 0;
	char overlay[4096];

	while ((option = getopt(argc, argv, "+n:")) > 0)
		if (option == 'n')
			times = atoi(optarg);
	if (argc - optind < 4) {
		fprintf(stderr, "usage: bare_run [-n TIMES] LOWER UPPER WORK PROGRAM [ARG...]\n");
		return 2;
	}
	argv += optind;
	snprintf(overlay, sizeof(overlay), "lowerdir=%s,upperdir=%s,workdir=%s", argv[0], argv[1],
		 argv[2]);
	if (!mkdtemp(mount_point))
		return 125;
	if (!times) {
		status = run(overlay, argv + 3);
	} else {
		double *samples = calloc((size_t)times, sizeof(*samples));

		for (int i = 0; samples && i < times; i++) {
			double start = now();

			status |= run(overlay, argv + 3);
			samples[i] = now() - start;
		}
		if (samples) {
			qsort(samples, (size_t)times, sizeof(*samples), compare);
			printf("%.0f\n", samples[times / 2]);
		}
		free(samples);
	}
	rmdir(mount_point);
	return status;
}
