/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container was asked to be: containers/<id>/container.json. Written once, when the container is made, from an
 * image's configuration with the flags of `run` merged in (runtime/engine/engine.h); all that `start` needs, and what
 * `commit` will give to the new image. The document:
 *
 *     {"id", "name", "created",             RFC 3339
 *      "image", "imageId",                  as typed; sha256:...
 *      "config": {"Env", "Entrypoint", "Cmd", "User", "WorkingDir", "ExposedPorts", "Volumes", "Labels", "StopSignal", "Healthcheck"},
 *                                           in the form of the image-spec's config member
 *      "hostname", "network",               "host", "none" or "container:<id>"
 *      "hostConfig": {...},                  what the flags asked of the machine (runtime/container/host_config.h)
 *      "tty", "openStdin", "stdinOnce", "attachStdin", "attachStdout", "attachStderr", "autoRemove", "readonlyRootfs", "noNewPrivileges", "seccompUnconfined"}
 *
 * Members that are false or empty are left out; unknown ones are passed over, so that a newer Knarr's containers can be
 * listed by an older one. */
#ifndef KNARR_RUNTIME_CONFIG_H
#define KNARR_RUNTIME_CONFIG_H

#include <stdbool.h>
#include <time.h>

#include "image-tools/image.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "runtime/container/host_config.h"
#include "runtime/container/names.h"

struct container_config {
	char id[ID_LEN + 1];
	char *name;
	struct timespec created;
	char *image; /* as typed */
	struct digest image_id;
	struct image_config
		run; /* the image's, with the flags merged in; shell and on_build stay empty */
	char *hostname;
	char *network;
	bool tty;
	bool open_stdin; /* -i */
	bool stdin_once; /* input ends with the first client: -i without -d */
	bool attach_stdin, attach_stdout,
		attach_stderr; /* what the first client asked for; to be shown */
	bool auto_remove;
	bool readonly_rootfs;
	bool no_new_privileges;
	bool seccomp_unconfined;
	struct host_config host;
};

/* clang-format off */
#define CONTAINER_CONFIG_INIT { .host = HOST_CONFIG_INIT }
/* clang-format on */

/* Whether network is a mode that exists: "host", "none" or "container:<id>". */
bool config_network_valid(const char *network);

/* The document; the caller frees. What of a command line is not UTF-8 is U+FFFD in it, as
 * with Docker (json_write). */
char *config_write(const struct container_config *c, size_t *len);

/* Parses it. -1 with err set: EINVAL, with id's first digits in the message. */
int config_parse(const char *text, size_t len, const char *id, struct container_config *out,
		 struct error *err);

/* Entrypoint and arguments in one list, appended to out: what the container executes. */
void config_command(const struct container_config *c, struct strv *out);

void config_free(struct container_config *c);

#endif
