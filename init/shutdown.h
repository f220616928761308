/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way down, in steps that each have a time limit, none of which holds PID 1: containers are
 * stopped in order (by `knarr shutdown`), what still runs is asked to end and then ended, the disks
 * are written out and unmounted, and the machine goes off. Whatever hangs on the way, the next step
 * comes. */
#ifndef KNARR_INIT_SHUTDOWN_H
#define KNARR_INIT_SHUTDOWN_H

#include <stdbool.h>
#include <stdint.h>

enum shutdown_kind { SHUTDOWN_POWEROFF, SHUTDOWN_REBOOT, SHUTDOWN_HALT };

/* Starts the way down. A second call changes nothing, whatever it asks for: the first word counts.
 */
void shutdown_begin(enum shutdown_kind kind);

/* Has the way down begin with waiting for s too, as long as for the containers: the store's
 * preparation, say, which should not be cut short. */
struct service;
void shutdown_await(const struct service *s);

/* True from the first shutdown_begin() on. */
bool shutdown_running(void);

/* Takes the steps that are due at now; to be called after each turn of the event loop. childless
 * says that PID 1 has no child left. Returns when it wants to be called at the latest (clock_ms()),
 * SUPERVISE_NEVER while the machine runs. */
int64_t shutdown_step(int64_t now, bool childless);

#endif
