/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that consumes bytes in the order they are put, so that who produces them (reading, inflating) and what is done
 * with them (hashing, writing) run on two cores. Memory is bounded: who puts faster than the thread consumes waits. */
#ifndef KNARR_IMAGE_TOOLS_WORKER_H
#define KNARR_IMAGE_TOOLS_WORKER_H

#include <stddef.h>

#include "lib/error.h"

struct worker;

/* Called on the worker's thread, piece by piece; not again after it has failed. */
typedef int (*worker_consume)(void *context, const void *data, size_t len, struct error *err);

/* NULL where a thread would not help (one processor) or cannot be had: the caller then does the work itself. */
struct worker *worker_start(worker_consume consume, void *context);

/* Copies the bytes and returns before they are consumed. -1 with err set as consume set it, once that has failed. */
int worker_put(struct worker *w, const void *data, size_t len, struct error *err);

/* Waits until all that was put is consumed, ends the thread and frees w. Returns 0 or -1 as worker_put. */
int worker_finish(struct worker *w, struct error *err);

#endif
