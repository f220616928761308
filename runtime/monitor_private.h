/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the monitor share: monitor.c (the process and its life), monitor_start.c (from a spec to a running
 * container), monitor_loop.c (serving it), monitor_end.c (its end). Nobody else needs it. */
#ifndef KNARR_RUNTIME_MONITOR_PRIVATE_H
#define KNARR_RUNTIME_MONITOR_PRIVATE_H

#include "image-tools/layer.h"
#include "runtime/clients.h"
#include "runtime/logfile.h"
#include "runtime/monitor.h"
#include "runtime/sandbox.h"

struct monitor {
	const struct store *st;
	struct container *c;
	const struct image *image;
	struct spec *spec;
	const struct monitor_options *options;
	int command_fd; /* the starting command, until the clients have it */
	struct layer_hold hold;
	struct sandbox sandbox;
	int cgroup_fd;
	int out[2]; /* the container's stdout and stderr; with a terminal the first is its master; -1: ended */
	int in;   /* its stdin; with a terminal the same as out[0]; -1: none */
	int peer; /* the terminal's other side, see keep_terminal */
	struct log_writer log;
	struct clients clients;
	char lines[2 * LOG_LINE_MAX];
};

/* Makes and starts the container. -1 with err set and what was made left for monitor_fail. */
int monitor_start_container(struct monitor *m, struct error *err);

/* The start failed: cleans up and tells the command. */
void monitor_fail(struct monitor *m, struct error *err);

/* Reads one piece of a stream and passes it on. Returns false when there is no more for now. */
bool monitor_pump(struct monitor *m, int stream);

/* Serves clients and container until the container's first process has ended. */
void monitor_serve(struct monitor *m);

/* Serves those who have not read all yet. */
void monitor_serve_rest(struct monitor *m);

/* The container is over: reads its output to the end, whatever the clients do; writes the state and cleans all up; then
 * everybody learns of it. */
void monitor_finish(struct monitor *m);

#endif
