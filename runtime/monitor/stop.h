/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stopping containers, several at once: each is sent its stop signal, in the order given; all are waited for together;
 * what still runs after its time is killed. A restart policy brings none of them back. */
#ifndef KNARR_RUNTIME_STOP_H
#define KNARR_RUNTIME_STOP_H

#include <stddef.h>
#include <stdint.h>

#include "image-tools/store.h"
#include "lib/error.h"
#include "runtime/container/names.h"

#define STOP_DEFAULT_SECONDS 10
#define STOP_KILL_SECONDS \
	10 /* how long a killed container may take to go: its processes may sit in the kernel */

#define STOP_TIME_DEFAULT (-2L) /* each container's own --stop-timeout, else STOP_DEFAULT_SECONDS */

struct stop_target {
	const char *word; /* id, name or prefix */
	struct error err; /* why it failed; code 0: it is stopped */
	/* For stop_all's own use: */
	char id[ID_LEN + 1];
	int fd; /* to its monitor */
	int signo;
	int64_t kill_at; /* milliseconds of the monotonic clock; -1: never */
	bool killed;
};

struct stop_options {
	int signo;      /* in place of each container's own stop signal, or 0 */
	long seconds;   /* how long to wait before the kill; -1: for ever; STOP_TIME_DEFAULT */
	uint32_t flags; /* CONTROL_SIGNAL_SHUTDOWN, _KEEP */
	bool quiet;     /* no "stop" event: it is killed */
};

/* A target for each of words (NULL-terminated), zeroed; the caller frees. */
struct stop_target *stop_targets(char **words);

/* Stops all targets. A container that does not run is stopped already. Returns how many failed (err of each tells why). */
size_t stop_all(const struct store *st, struct stop_target *targets, size_t n,
		const struct stop_options *options);

/* Kills one running container and waits until it is gone. Returns 0, also when it did not run any more, or -1 with err. */
int stop_kill(const struct store *st, const char *word, struct error *err);

#endif
