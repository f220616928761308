/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that stands behind each running container, in the foreground as detached: a child of PID 1 in the end, in
 * a session of its own. It is the parent of the container's first process and holds what the container needs: its lock,
 * the layers of its image, its terminal or pipes. It writes the log and state.json, serves the commands that connect
 * (runtime/container/control.h), and after the end cleans up: cgroup, layers, socket, with --rm the container itself.
 *
 * It is the image of the command that forked it, never executed anew, and so starts in a fraction of a millisecond.
 * While the container runs it allocates nothing and holds no descriptor but its own; no signal but SIGKILL ends it, nor
 * do a full disk, a client that reads nothing or one that sends rubbish. Killed, it takes no other container along, and
 * its own is found by its free lock (runtime/container/container.h). */
#ifndef KNARR_RUNTIME_MONITOR_H
#define KNARR_RUNTIME_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "image-tools/image.h"
#include "image-tools/store.h"
#include "lib/error.h"
#include "runtime/container/container.h"
#include "runtime/spec/spec.h"

struct monitor_options {
	uint32_t
		attach; /* CONTROL_ATTACH_...: what the starting command wants to be connected to; 0: nothing */
	bool remove_on_failure; /* a container that cannot be started goes again: `run` made it a moment ago */
};

/* Forks the monitor for c, whose lock we hold and which does not run, and hands the lock over to it. spec is the
 * container's (runtime/engine/engine.h) with everything filled in but what needs the mounted root: layers and user. Returns the
 * command's end of the connection, on which STARTED or FAILED comes first, or -1 with err set and nothing started (the
 * container is as it was, and locked). */
int monitor_start(const struct store *st, struct container *c, const struct image *image,
		  struct spec *spec, const struct monitor_options *options, struct error *err);

/* Waits for the word on the start. Returns 0 when the program runs, or -1 with err set and err->status 125, 126 or 127. */
int monitor_started(int fd, struct error *err);

#endif
