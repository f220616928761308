/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/view_mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "runtime/engine/host_mounts.h"
#include "runtime/sandbox/sandbox_child.h"
#include "runtime/spec/kernel.h"

/* What the child is told, and what it answers. */
struct assembly {
	int root_fd;
	size_t n;
	struct piece {
		int fd; /* a detached mount */
		const char *destination;
		bool is_file;
	} * pieces;
	struct answer {
		int fd;
		int code;
		size_t failed; /* the piece's number; n: the root itself */
	} * answer;
};

bool view_has_mounts(const struct container *c)
{
	for (size_t i = 0; i < c->config.host.n_mounts; i++)
		if (c->config.host.mounts[i].type != HOST_MOUNT_TMPFS)
			return true;
	return false;
}

/* ---- The child: a mount namespace of its own for a few system calls, since nothing can be attached to a mount that is in
 * none (before Linux 6.15). It shares our table of descriptors, so the copy it makes is ours already. */

static int assemble(struct assembly *a)
{
	int host = sys_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);

	a->answer->failed = a->n;
	/* Private first: nothing of this may be seen on the machine. The root goes over "/", where no other name is needed. */
	if (host < 0 || sys_mount_setattr(host, AT_RECURSIVE, 0, 0, MS_PRIVATE) < 0 ||
	    sys_move_mount(a->root_fd, host) < 0)
		return -1;
	close(host);
	for (size_t i = 0; i < a->n; i++) {
		const struct piece *p = &a->pieces[i];
		int at = sandbox_make_path(a->root_fd, p->destination, p->is_file);

		a->answer->failed = i;
		if (at < 0 || sys_move_mount(p->fd, at) < 0)
			return -1;
		close(at);
	}
	a->answer->failed = a->n;
	return sys_open_tree_clone(a->root_fd, AT_RECURSIVE);
}

static _Noreturn void child(struct assembly *a)
{
	a->answer->fd = assemble(a);
	a->answer->code = errno;
	syscall(SYS_exit_group, 0);
	__builtin_unreachable();
}

/* ---- The parent */

static int run_child(struct assembly *a, struct error *err)
{
	struct clone_args args = { .flags = CLONE_FILES | CLONE_NEWNS, .exit_signal = SIGCHLD };
	uint64_t old_mask;
	int pid;

	a->answer = mmap(NULL, sizeof(*a->answer), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (a->answer == MAP_FAILED)
		return error_errno(err, "the container's mounts");
	*a->answer = (struct answer){ .fd = -1, .code = ESRCH, .failed = a->n };
	/* No handler of ours may run in the child. */
	sys_sigprocmask(SIG_BLOCK, ~UINT64_C(0), &old_mask);
	pid = sys_clone3(&args);
	if (pid == 0)
		child(a);
	if (pid < 0)
		a->answer->code = errno;
	sys_sigprocmask(SIG_SETMASK, old_mask, NULL);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	struct answer answer = *a->answer;
	munmap(a->answer, sizeof(*a->answer));
	if (answer.fd >= 0)
		return answer.fd;
	return error_set(err, answer.code, "the container's mount %s: %s",
			 answer.failed < a->n ? a->pieces[answer.failed].destination : "/",
			 strerror(answer.code));
}

/* A detached copy of what m binds. */
static int open_piece(const struct spec_mount *m, bool *is_file, struct error *err)
{
	autoclose int at = open(m->source, O_PATH | O_CLOEXEC);
	autoclose int tree = at < 0 ? -1 : sys_open_tree_clone(at, m->recursive ? AT_RECURSIVE : 0);
	struct stat st;

	if (tree < 0 || fstat(tree, &st) < 0 ||
	    sys_mount_setattr(tree, m->recursive ? AT_RECURSIVE : 0, m->attr_set_recursive, 0,
			      MS_PRIVATE) < 0 ||
	    sys_mount_setattr(tree, 0, m->attr_set, 0, 0) < 0)
		return error_errno(err, "bind mount %s: %s", m->destination, m->source);
	*is_file = !S_ISDIR(st.st_mode);
	return STEAL_FD(tree);
}

static int fill(const struct spec *spec, struct assembly *a, struct error *err)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		struct piece *p = &a->pieces[a->n];

		/* What is in memory has gone with its last run. */
		if (strcmp(m->type, "bind") != 0)
			continue;
		p->destination = m->destination;
		p->fd = open_piece(m, &p->is_file, err);
		if (p->fd < 0)
			return -1;
		a->n++;
	}
	return 0;
}

int view_attach_mounts(const struct store *st, const struct container *c, int root_fd,
		       struct error *err)
{
	struct spec autospec spec = SPEC_INIT;
	struct assembly a = { .root_fd = root_fd };
	int fd = -1;

	if (host_mounts_to_spec(st, &c->config, &spec, err) < 0)
		return -1;
	a.pieces = xcalloc(spec.n_mounts + 1, sizeof(*a.pieces));
	if (fill(&spec, &a, err) == 0)
		fd = run_child(&a, err);
	for (size_t i = 0; i < a.n; i++)
		close(a.pieces[i].fd);
	free(a.pieces);
	return fd;
}
