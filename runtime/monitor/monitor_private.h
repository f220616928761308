/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the monitor share: monitor.c (the process and its life), monitor_start.c (from a spec to a running
 * container), monitor_loop.c (serving it), monitor_end.c (its end), monitor_health.c (asking how it is). Nobody else needs
 * it. */
#ifndef KNARR_RUNTIME_MONITOR_PRIVATE_H
#define KNARR_RUNTIME_MONITOR_PRIVATE_H

#include <sys/stat.h>

#include "image-tools/layer.h"
#include "runtime/container/health_log.h"
#include "runtime/container/logfile.h"
#include "runtime/monitor/clients.h"
#include "runtime/monitor/monitor.h"
#include "runtime/monitor/probe.h"
#include "runtime/sandbox/sandbox.h"

struct monitor {
	const struct store *st;
	struct container *c;
	const struct image *image;
	struct spec *spec;
	const struct monitor_options *options;
	int command_fd; /* the starting command, until the clients have it */
	struct layer_hold hold;
	struct sandbox sandbox; /* pidfd -1: nothing runs */
	int cgroup_fd;
	int out[2]; /* the container's stdout and stderr; with a terminal the first is its master; -1: ended */
	int in;   /* its stdin; with a terminal the same as out[0]; -1: none */
	int peer; /* the terminal's other side, see keep_terminal */
	struct log_writer log;
	struct clients clients;

	struct container_state before; /* as it was before the first start */
	struct stat config_seen;       /* container.json, as it was when it was last read */
	int64_t started_ms;            /* of the monotonic clock */
	int64_t pause_ms;              /* before the run of now; 0: a person started it */
	int64_t no_restart_until_ms; /* somebody wants it stopped: an end before that is final; INT64_MAX: any */
	bool stopped_by_hand, keep; /* as CONTROL_SIGNAL_... say */

	int64_t check_at_ms; /* when its health is to be checked next; -1: never */
	struct probe probe;
	struct health_log health;
	char lines[2 * LOG_LINE_MAX];
};

/* Closes every descriptor above 2 but the n of keep, of which some may be -1; sorts them. */
void monitor_close_all_but(int *keep, size_t n);

/* Reads container.json anew if it was changed: by `rename`, `update`. */
void monitor_refresh_config(struct monitor *m);

/* Makes and starts the container. -1 with err set and what was made left for monitor_clean_up. restarts: how often its
 * policy has done so. */
int monitor_start_container(struct monitor *m, unsigned int restarts, struct error *err);

/* ---- The loop */

/* Reads one piece of a stream and passes it on. Returns false when there is no more for now. */
bool monitor_pump(struct monitor *m, int stream);

/* Serves clients and container until the container's first process has ended. */
void monitor_serve(struct monitor *m);

/* Serves clients while nothing runs, until due_ms. Returns false when somebody wants it stopped before. */
bool monitor_wait(struct monitor *m, int64_t due_ms);

/* Serves those who have not read all yet. */
void monitor_serve_rest(struct monitor *m);

/* ---- Health */

/* Begins to check, or begins again; nothing for a container without health checks. */
void monitor_health_begin(struct monitor *m);
/* Stops checking; a check that is under way is killed and does not count. */
void monitor_health_end(struct monitor *m);
/* Milliseconds until monitor_health_turn has something to do; -1: nothing. */
int monitor_health_due(const struct monitor *m);
/* Starts a check, or takes the result of one that has ended. */
void monitor_health_turn(struct monitor *m);

/* ---- The end */

/* A run is over: reads its output to the end, whatever the clients do, writes the state and cleans up what was made for the
 * run. Returns the milliseconds after which the policy brings it back, or -1: it does not. */
int64_t monitor_end_run(struct monitor *m, struct control_exit *last);

/* The container stays down: everything goes that is outside its folder, with --rm that too; then everybody learns of it.
 * Who has not read all yet is still to be served. */
void monitor_end(struct monitor *m, const struct control_exit *last);

/* What was made for a run that has not begun, or is over. */
void monitor_clean_up(struct monitor *m);

/* The first start failed: cleans up and tells the command. */
void monitor_fail(struct monitor *m, struct error *err);

#endif
