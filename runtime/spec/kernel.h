/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls by their plain numbers: those that a libc does not wrap (the mount API of Linux 5.2
 * and later, clone3, openat2, pidfds), and those whose wrappers do more than the call and so have
 * no place between clone and exec (musl and glibc set the credentials of all threads and take locks
 * for it). Each returns what the kernel gives, -1 with errno on failure; the manual page of section
 * 2 by the name behind sys_ tells the rest.
 *
 * Include this, never <sys/mount.h>: the C library's header and the kernel's define the same names
 * differently. */
#ifndef KNARR_RUNTIME_KERNEL_H
#define KNARR_RUNTIME_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* What headers older than the kernels Knarr runs on do not have. */
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

static inline int sys_clone3(struct clone_args *args)
{
	return (int)syscall(SYS_clone3, args, sizeof(*args));
}

static inline int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode,
			      uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };
	long fd = -1;

	/* EAGAIN: somebody on this machine renamed or mounted while ".." was resolved, so that the kernel could not vouch for
	 * it. It may not go on for ever: that somebody can be a container. */
	for (int attempt = 0; attempt < 128; attempt++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return (int)fd;
}

/* Below root as a chroot would see it; links into /proc's descriptors are refused. */
static inline int sys_open_in_root(int root_fd, const char *path, uint64_t flags)
{
	return sys_openat2(root_fd, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

static inline int sys_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int sys_fsconfig(int fs, unsigned int command, const char *key, const void *value,
			       int aux)
{
	return (int)syscall(SYS_fsconfig, fs, command, key, value, aux);
}

static inline int sys_fsmount(int fs, uint64_t attributes)
{
	return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, (unsigned int)attributes);
}

/* A context for changing the filesystem that is mounted at fd. */
static inline int sys_fspick(int fd)
{
	return (int)syscall(SYS_fspick, fd, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
}

/* Attaches the mount behind mount_fd at the folder or file behind target_fd. */
static inline int sys_move_mount(int mount_fd, int target_fd)
{
	return (int)syscall(SYS_move_mount, mount_fd, "", target_fd, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* A detached copy of the mount at fd, rooted where fd points; with AT_RECURSIVE of all that is
 * mounted below as well. */
static inline int sys_open_tree_clone(int fd, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, fd, "",
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | flags);
}

static inline int sys_mount_setattr(int fd, unsigned int flags, uint64_t set, uint64_t clear,
				    uint64_t propagation)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };

	return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr));
}

/* Whether fd is the root of a mount: an attribute of statx(2), whose struct the C library's header
 * and the kernel's both define. It is 256 bytes long, with the attributes as 64 bits at offset 8. */
static inline bool sys_is_mount_root(int fd)
{
	uint64_t buf[32] = { 0 };

	return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, buf) == 0 && (buf[1] & 0x2000);
}

/* The number of the mount that fd lies in, from the same struct (offset 144; STATX_MNT_ID); 0: the kernel does not say. */
static inline uint64_t sys_mount_id(int fd)
{
	uint64_t buf[32] = { 0 };

	return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x1000, buf) == 0 ? buf[18] : 0;
}

/* musl declares ioctl's request as an int, which requests that read (_IOR) do not fit. */
static inline int sys_ioctl(int fd, unsigned int request, void *arg)
{
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

static inline int sys_umount2(const char *path, int flags)
{
	return (int)syscall(SYS_umount2, path, flags);
}

static inline int sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

static inline int sys_setns(int fd, int flags)
{
	return (int)syscall(SYS_setns, fd, flags);
}

static inline int sys_unshare(unsigned long flags)
{
	return (int)syscall(SYS_unshare, flags);
}

static inline int sys_pidfd_send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

static inline int sys_setresuid(uid_t uid)
{
	return (int)syscall(SYS_setresuid, uid, uid, uid);
}

static inline int sys_setresgid(gid_t gid)
{
	return (int)syscall(SYS_setresgid, gid, gid, gid);
}

static inline int sys_setgroups(size_t n, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, n, groups);
}

/* Whether the effective user may execute path. musl's faccessat may fork for the same question. */
static inline int sys_executable(const char *path)
{
	return (int)syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);
}

/* The kernel's own struct of rt_sigaction(2), x86_64. */
struct sys_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static inline int sys_signal_default(int sig)
{
	struct sys_sigaction action;

	memset(&action, 0, sizeof(action));
	return (int)syscall(SYS_rt_sigaction, sig, &action, NULL, sizeof(action.mask));
}

/* Sets the whole signal mask (how: SIG_SETMASK, ...) and gives the old one in *old, where not
 * NULL. */
static inline int sys_sigprocmask(int how, uint64_t mask, uint64_t *old)
{
	return (int)syscall(SYS_rt_sigprocmask, how, &mask, old, sizeof(mask));
}

#endif
