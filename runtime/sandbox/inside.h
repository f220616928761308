/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work on the files of a running container as its own root sees them: in a child of ours that joins its user namespace,
 * where IDs are the container's and files that it makes belong to somebody. The child stays in the machine's other
 * namespaces; nothing of the container's is loaded or executed in it. */
#ifndef KNARR_RUNTIME_INSIDE_H
#define KNARR_RUNTIME_INSIDE_H

#include <stdint.h>

#include "lib/error.h"

/* What is to be done; bytes and err come back to the caller. */
typedef int (*inside_fn)(void *arg, uint64_t *bytes, struct error *err);

/* Does fn(arg) in a child in the user namespace behind userns_fd, and returns what it returned. A process must have one
 * thread only when it calls this. -1 is fn in the caller itself. */
int inside_run(int userns_fd, inside_fn fn, void *arg, uint64_t *bytes, struct error *err);

/* The same in two steps, for what goes on beside it: NULL with err set, or what inside_wait takes. */
struct inside;
struct inside *inside_start(int userns_fd, inside_fn fn, void *arg, struct error *err);
int inside_wait(struct inside *in, uint64_t *bytes, struct error *err);

#endif
