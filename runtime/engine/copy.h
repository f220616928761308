/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copying between this machine and a container's view (runtime/engine/view.h), for `cp`. What is read becomes a tar
 * (image-tools/folder_tar.h) and what is written comes from one (image-tools/unpack.h), the two running at once with a pipe
 * between: so holes, hard links, attributes and times pass in the one way that is tested everywhere, and nothing the
 * reading side meets can name a place on the writing side.
 *
 * The source is opened once, and what was opened is what is copied, however a container renames things meanwhile. Paths
 * of a container are resolved in the view's root by the kernel alone. */
#ifndef KNARR_RUNTIME_COPY_H
#define KNARR_RUNTIME_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "image-tools/progress.h"
#include "lib/error.h"
#include "runtime/engine/copy_rules.h"

/* One side of a copy. */
struct copy_end {
	int root_fd;           /* of the container's view; -1: this machine */
	int userns_fd;         /* of the view; -1: IDs are this machine's */
	const char *container; /* as typed, for messages; NULL: this machine */
	struct copy_path path;
};

struct copy_options {
	bool archive; /* owners are kept; else they are whoever runs this, in a container root */
	bool follow_link; /* a symbolic link as source stands for what it leads to */
	struct progress *progress;
};

/* What src is becomes what dest says, by the rules of runtime/engine/copy_rules.h. *bytes counts the contents of files. -1 with err set: in
 * Docker's words where the rules refuse, else as folder_tar_add and unpack. */
int copy_tree(const struct copy_end *src, const struct copy_end *dest,
	      const struct copy_options *options, uint64_t *bytes, struct error *err);

/* Writes src as a tar to fd. */
int copy_to_tar(const struct copy_end *src, int fd, const struct copy_options *options,
		struct error *err);

/* Unpacks the tar that fd gives, compressed or not, in dest, which must be a folder. Owners are as the archive says. fd is read to
 * its end. */
int copy_from_tar(int fd, const struct copy_end *dest, const struct copy_options *options,
		  uint64_t *bytes, struct error *err);

#endif
