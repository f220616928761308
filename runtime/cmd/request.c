/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cmd/request.h"

#include <string.h>
#include <sys/file.h>

#include "lib/cleanup.h"
#include "runtime/volume.h"

const char request_more[] =
	"A container is on the machine's own network (--network host) unless it has none (--network none).";

void request_options(struct engine_request *r, bool with_detach, struct cli_option *options)
{
	const struct cli_option detach = {
		"detach",   'd',  CLI_BOOL,
		&r->detach, NULL, "Run container in background and print container ID"
	};
	const struct cli_option all[] = {
		{ "entrypoint", 0, CLI_STRING, &r->entrypoint, "string",
		  "Overwrite the default ENTRYPOINT of the image" },
		{ "env", 'e', CLI_LIST, &r->env, "list", "Set environment variables" },
		{ "env-file", 0, CLI_LIST, &r->env_files, "list",
		  "Read in a file of environment variables" },
		{ "hostname", 'h', CLI_STRING, &r->hostname, "string", "Container host name" },
		{ "interactive", 'i', CLI_BOOL, &r->interactive, NULL,
		  "Keep STDIN open even if not attached" },
		{ "name", 0, CLI_STRING, &r->name, "string", "Assign a name to the container" },
		{ "net", 0, CLI_STRING, &r->network, "network", NULL },
		{ "network", 0, CLI_STRING, &r->network, "network",
		  "Connect a container to a network: host (default) or none" },
		{ "read-only", 0, CLI_BOOL, &r->readonly, NULL,
		  "Mount the container's root filesystem as read only" },
		{ "rm", 0, CLI_BOOL, &r->auto_remove, NULL,
		  "Automatically remove the container when it exits" },
		{ "security-opt", 0, CLI_LIST, &r->security, "list",
		  "Security Options: no-new-privileges, seccomp=unconfined" },
		{ "stop-signal", 0, CLI_STRING, &r->stop_signal, "string",
		  "Signal to stop the container" },
		{ "tty", 't', CLI_BOOL, &r->tty, NULL, "Allocate a pseudo-TTY" },
		{ "user", 'u', CLI_STRING, &r->user, "string",
		  "Username or UID (format: <name|uid>[:<group|gid>])" },
		{ "workdir", 'w', CLI_STRING, &r->working_dir, "string",
		  "Working directory inside the container" },
		{ 0 },
	};

	_Static_assert(sizeof(all) / sizeof(all[0]) < REQUEST_OPTIONS,
		       "REQUEST_OPTIONS is too small");
	if (with_detach)
		*options++ = detach;
	memcpy(options, all, sizeof(all));
}

int request_create(const struct store *st, const struct engine_request *r, struct container *c,
		   struct image **image, struct error *err)
{
	autoimage struct image *img = NULL;
	struct volume_hold volumes = VOLUME_HOLD_INIT;
	struct digest id;
	/* Nothing removes the image between the look for it and the container that needs it (image-tools/users.h). */
	autoclose int lock = store_lock(st, LOCK_SH, err);

	if (lock < 0 || image_resolve(st, r->image, &id, err) < 0)
		return -1;
	img = image_open(st, &id, err);
	if (!img || engine_configure(img, r, &c->config, err) < 0 ||
	    volumes_prepare(st, &c->config, img, &volumes, err) < 0)
		return -1;
	if (container_create(st, c, err) < 0) {
		volumes_abandon(st, &volumes);
		return -1;
	}
	volumes_keep(&volumes);
	*image = img;
	img = NULL;
	return 0;
}
