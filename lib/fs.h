/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files, fd-relative. Three promises: a file written by fs_write_* is there whole or not at all; a path that comes from
 * an image, a container or an archive is resolved beneath a root by the kernel (fs_open_in_root), never as text; and
 * what is read has a limit. Every descriptor is O_CLOEXEC. */
#ifndef KNARR_LIB_FS_H
#define KNARR_LIB_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

/* Writes all of buf, through interrupts and short writes. Returns 0, or -1 with errno. */
int fs_write_all(int fd, const void *buf, size_t len);

/* Reads until len bytes or end of file. Returns the bytes read, or -1 with errno. */
ssize_t fs_read_full(int fd, void *buf, size_t len);

/* The whole of a regular file of at most max bytes, with a NUL behind it (not counted in *len, which may be NULL). The
 * caller frees. NULL with err set: ENOENT, EFBIG, others of open(2), read(2). */
char *fs_read_file(int dirfd, const char *path, size_t max, size_t *len, struct error *err);

enum fs_durability {
	FS_VOLATILE, /* atomic only: for state that a reboot makes void */
	FS_DURABLE   /* synced before it is named, and the folder after: survives a power cut */
};

/* Names of temporary files begin with this: a power cut can leave one behind, for whoever cleans up to know. */
#define FS_TEMP_PREFIX ".tmp-"

/* Replaces path in one step: a temporary file beside it, written, (synced,) renamed (, folder synced). The file has
 * exactly mode, whatever the umask. On failure the old file is untouched and no temporary is left; only when syncing
 * the folder fails does the new one stand already. A symbolic link at path is replaced, not followed. */
int fs_write_file(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		  enum fs_durability d, struct error *err);

/* The same, durably, with the temporary file in the folder tmpfd of the same filesystem: what a kill leaves lies there. */
int fs_install_file(int tmpfd, int dirfd, const char *path, const void *data, size_t len,
		    mode_t mode, struct error *err);

/* Makes path and its missing parents below dirfd. An existing folder is fine. */
int fs_mkdirs(int dirfd, const char *path, mode_t mode, struct error *err);

/* Removes path and everything below it, never following a symbolic link (path's own folder part is the caller's and is
 * followed) and never leaving its filesystem's mount: a mount point at path or inside is an error, EXDEV, and what was
 * met before it is gone. What is not there is no error. Any depth; at most 34 descriptors. */
int fs_remove_tree(int dirfd, const char *path, struct error *err);

/* The bytes of the files and symbolic links at path and below it, each file counted once however many names it has; what
 * is mounted inside is passed over. path is one name. Nothing there: 0 bytes. */
int fs_tree_size(int dirfd, const char *path, uint64_t *bytes, struct error *err);

/* Syncs a folder's entries; dirfd may be O_PATH or AT_FDCWD. */
int fs_sync_dir(int dirfd, struct error *err);

/* Opens path as seen by a process whose root is rootfd (openat2, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS). Returns the
 * descriptor, or -1 with errno. */
int fs_open_in_root(int rootfd, const char *path, int flags, mode_t mode);

/* Makes the folder path and its missing parents as seen by a process whose root is rootfd, through its symbolic links,
 * dangling ones too, and never outside of it (mount targets, WORKDIR). Returns the folder as an O_PATH descriptor, or
 * -1 with err set. */
int fs_mkdirs_in_root(int rootfd, const char *path, mode_t mode, struct error *err);

/* openat2(2) with RESOLVE_* flags of one's own (linux/openat2.h); mode counts only where flags create. Retries the
 * kernel's EAGAIN a bounded number of times. Returns the descriptor, or -1 with errno. */
int fs_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve);

/* flock(2) on fd; LOCK_NB for those that must not wait gives EWOULDBLOCK. Interrupts are waited through. */
int fs_lock(int fd, int operation);

/* The path of an open descriptor below /proc/self/fd, for calls that know no *at form. buf holds at least 32 bytes. */
const char *fs_fd_path(int fd, char buf[32]);

#endif
