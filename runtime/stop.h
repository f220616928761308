/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stopping containers, several at once: each is sent its stop signal, in the order given; all are waited for together;
 * what still runs after its time is killed. */
#ifndef KNARR_RUNTIME_STOP_H
#define KNARR_RUNTIME_STOP_H

#include <stddef.h>

#include "image-tools/store.h"
#include "lib/error.h"

#define STOP_DEFAULT_SECONDS 10
#define STOP_KILL_SECONDS \
	10 /* how long a killed container may take to go: its processes may sit in the kernel */

struct stop_target {
	const char *word;  /* id, name or prefix */
	struct error err;  /* why it failed; code 0: it is stopped */
	int fd;            /* to its monitor; for stop_all's own use, as the next */
	long long kill_at; /* milliseconds of the monotonic clock; -1: never */
};

/* Stops all targets. signo: in place of each container's own stop signal, or 0; seconds: how long to wait before the kill, -1:
 * for ever. A container that does not run is stopped already. Returns how many failed (err of each tells why). */
size_t stop_all(const struct store *st, struct stop_target *targets, size_t n, int signo,
		long seconds);

/* Kills one running container and waits until it is gone. Returns 0, also when it did not run any more, or -1 with err. */
int stop_kill(const struct store *st, const char *word, struct error *err);

#endif
