/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small image of Debian's static BusyBox in the scratch folder, and containers of it that run one shell script. */
#ifndef KNARR_TESTS_UNIT_BOX_H
#define KNARR_TESTS_UNIT_BOX_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/str.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/spec/kernel.h"

static int scratch_fd;

static inline int image_setup(void **state)
{
	static const char *const folders[] = { "image",      "image/bin", "image/etc",
					       "image/proc", "image/sys", "image/dev",
					       "image/tmp",  "upper",     "work" };
	static const char *const applets[] = { "sh",       "cat",   "ls",       "id",    "grep",
					       "hostname", "stat",  "mknod",    "touch", "tty",
					       "stty",     "sleep", "true",     "head",  "echo",
					       "pwd",      "wc",    "readlink", "mount", "unshare",
					       "mkdir",    "dd",    "env",      "nproc", "tail",
					       "sort",     "chmod" };
	static const char *const busybox[] = { "/bin/busybox", "/usr/bin/busybox" };

	if (scratch_setup(state) < 0)
		return -1;
	scratch_fd = scratch(state);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		mkdirat(scratch_fd, folders[i], 0755);
	autoclose int image = openat(scratch_fd, "image", O_PATH | O_DIRECTORY | O_CLOEXEC);
	put_file(image, "etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:1000:1000::/srv:/bin/sh\n");
	put_file(image, "etc/group", "root:x:0:\nweb:x:1000:\nlog:x:4:web\n");
	for (size_t i = 0; i < 2 && !exists(image, "bin/busybox"); i++) {
		autofree char *command = str_format("cp %s %s/image/bin/busybox 2>/dev/null",
						    busybox[i], scratch_path);
		if (system(command) < 0)
			return -1;
	}
	for (size_t i = 0; i < sizeof(applets) / sizeof(applets[0]); i++) {
		autofree char *path = str_format("bin/%s", applets[i]);
		if (symlinkat("busybox", image, path) < 0)
			return -1;
	}
	return 0;
}

static inline void need_root(void)
{
	if (geteuid() != 0) {
		print_message("needs root, skipped\n");
		skip();
	}
	if (!exists(scratch_fd, "image/bin/busybox")) {
		print_message("needs a static busybox in /bin, skipped\n");
		skip();
	}
}

/* A container of the scratch image that runs script. */
static inline void describe(struct spec *spec, const char *script)
{
	spec_docker_defaults(spec, false);
	strv_take(&spec->root.lowers, str_format("%s/image", scratch_path));
	spec->root.upper = str_format("%s/upper", scratch_path);
	spec->root.work = str_format("%s/work", scratch_path);
	spec->hostname = xstrdup("box");
	spec->process.cwd = xstrdup("/");
	strv_add(&spec->process.env, "PATH=/sbin:/bin");
	strv_add(&spec->process.args, "sh");
	strv_add(&spec->process.args, "-c");
	strv_add(&spec->process.args, script);
}

struct outcome {
	int status; /* as a shell has it; -1: never ran, see err */
	char output[8192];
	struct error err;
};

static inline void drain(int fd, struct outcome *o)
{
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(o->output) - 1 &&
	       (n = read(fd, o->output + len, sizeof(o->output) - 1 - len)) > 0)
		len += (size_t)n;
	o->output[len] = '\0';
}

static inline int wait_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void run(struct spec *spec, int cgroup_fd, struct outcome *o)
{
	int out[2];
	struct sandbox sb = SANDBOX_INIT;

	memset(o, 0, sizeof(*o));
	o->status = -1;
	autoclose int root = sandbox_mount_root(&spec->root, &o->err);
	if (root < 0)
		return;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	int result =
		sandbox_create(spec, root, (int[3]){ -1, out[1], out[1] }, cgroup_fd, &sb, &o->err);
	close(out[1]);
	if (result == 0 && sandbox_start(&sb, &o->err) == 0) {
		drain(out[0], o);
		o->status = wait_status(sb.pid);
	}
	close(out[0]);
	sandbox_close(&sb);
}

/* Runs script with the defaults; its output must be expected, its status 0. */
static inline void expect(const char *script, const char *expected)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	describe(&spec, script);
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "");
	assert_string_equal(o.output, expected);
	assert_int_equal(o.status, 0);
}

#endif
