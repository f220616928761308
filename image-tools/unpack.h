/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the entries of a tar archive below a folder, with owners, modes, times to the nanosecond, attributes, hard links,
 * devices and holes. (Layers are never unpacked: this is for `cp` and its like.) Neither the archive nor what is in the
 * folder already is trusted:
 *
 * - A name is cleaned by its text; one that would lead above the folder is refused, an absolute one counts from it.
 * - Parents are found by the kernel, each from a root: in a folder of the machine no symbolic link is followed at all, in
 *   a container's they lead where they lead in the container (openat2(2)).
 * - A thing is made under its own name only where nothing stands (O_EXCL); what stands there is replaced in one step by
 *   rename(2), never opened. So what exists meanwhile is the old file or the new one, whole.
 * - A folder replaces nothing else, and nothing else a folder. A mount point is left alone: replacing it from another mount
 *   namespace would unmount what is there. */
#ifndef KNARR_IMAGE_TOOLS_UNPACK_H
#define KNARR_IMAGE_TOOLS_UNPACK_H

#include <stdint.h>
#include <sys/types.h>

#include "image-tools/progress.h"
#include "image-tools/tar.h"
#include "lib/error.h"

enum unpack_owner {
	UNPACK_OURS, /* whoever runs this */
	UNPACK_ROOT,
	UNPACK_KEPT /* as the entries say */
};

struct unpack_options {
	/* A container: its root, in which path is resolved anew for every folder that things go to. A folder of the
	 * machine: -1, and dir_fd is the folder. */
	int root_fd;
	int dir_fd;
	const char *path; /* of the folder; where dir_fd counts, for messages only */
	enum unpack_owner owner;
	struct progress *progress;
	const char *what; /* for progress */
};

/* Unpacks all of tar. *bytes counts those of the files' contents, also on failure; what was put in place before a failure
 * stays. -1 with err set, in Docker's words where it has some: EXDEV (outside of the folder), EEXIST (cannot overwrite), EBUSY (a mount
 * point), EINVAL (damaged, or an entry of unknown type), others of open(2), write(2), mknod(2). */
int unpack(struct tar *tar, const struct unpack_options *options, uint64_t *bytes,
	   struct error *err);

#endif
