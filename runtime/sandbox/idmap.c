/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/idmap.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/spec/kernel.h"

/* A namespace lives as long as somebody holds it: this child until its maps are written, our descriptor then. */
static pid_t clone_holder(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	uint64_t old_mask;
	pid_t parent = getpid();

	/* No handler of ours may run in the child. */
	sys_sigprocmask(SIG_BLOCK, ~UINT64_C(0), &old_mask);
	pid_t pid = sys_clone3(&args);
	if (pid == 0) {
		/* Who is killed meanwhile must not leave it behind for ever, with all that is open. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			syscall(SYS_pause);
		syscall(SYS_exit_group, 0);
	}
	int code = errno;
	sys_sigprocmask(SIG_SETMASK, old_mask, NULL);
	errno = code;
	return pid;
}

static int write_map(pid_t pid, const char *name, const struct spec_mapping *maps, size_t n,
		     struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT;
	autofree char *path = str_format("/proc/%d/%s", (int)pid, name);

	for (size_t i = 0; i < n; i++)
		strbuf_printf(&text, "%u %u %u\n", maps[i].inside, maps[i].outside, maps[i].count);

	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	/* In one write, or not at all (user_namespaces(7)). */
	if (fd < 0 || (text.len && write(fd, text.data, text.len) < 0))
		return error_errno(err, "mapping IDs (%s)", name);
	return 0;
}

int idmap_namespace(const struct spec_mapping *uids, size_t n_uids, const struct spec_mapping *gids,
		    size_t n_gids, struct error *err)
{
	int fd = -1;
	pid_t pid = clone_holder();

	if (pid < 0)
		return error_errno(err, "making a user namespace");

	autofree char *path = str_format("/proc/%d/ns/user", (int)pid);
	if (write_map(pid, "uid_map", uids, n_uids, err) == 0 &&
	    write_map(pid, "gid_map", gids, n_gids, err) == 0 &&
	    (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		error_errno(err, "making a user namespace");
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return fd;
}

int idmap_of(const struct spec *spec, struct error *err)
{
	return idmap_namespace(spec->uid_mappings, spec->n_uid_mappings, spec->gid_mappings,
			       spec->n_gid_mappings, err);
}

int idmap_mount(int mount_fd, int namespace_fd, bool recursive)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
				   .userns_fd = (unsigned int)namespace_fd };

	return (int)syscall(SYS_mount_setattr, mount_fd, "",
			    AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof(attr));
}
