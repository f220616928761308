/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `info`, also `system info`: Docker's layout, as far as there is something to say here. */
#include <stdio.h>

#include "image-tools/inspect.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/version.h"
#include "runtime/cmd/document.h"
#include "runtime/command.h"
#include "runtime/engine/host_info.h"

/* ---- As text */

static void print_driver(const struct host_info *h)
{
	printf(" Storage Driver: " INSPECT_DRIVER "\n"
	       "  Backing Filesystem: %s\n"
	       "  Supports d_type: true\n"
	       "  Using metacopy: false\n"
	       "  Native Overlay Diff: true\n"
	       "  userxattr: false\n"
	       " Logging Driver: json-file\n",
	       h->filesystem);
	printf(" Cgroup Driver: %s\n", h->cgroup ? "cgroupfs" : "none");
	if (h->cgroup)
		printf(" Cgroup Version: 2\n");
	printf(" Plugins:\n"
	       "  Volume: local\n"
	       "  Network: host null\n"
	       "  Log: json-file none\n"
	       " Runtimes: knarr\n"
	       " Default Runtime: knarr\n"
	       " Init Binary: built in\n"
	       " Security Options:\n"
	       "  seccomp\n"
	       "   Profile: builtin\n"
	       "  cgroupns\n");
}

static void print_text(const struct store *st, const struct host_info *h)
{
	char memory[HUMAN_MAX];

	printf("Client:\n Version:    " KNARR_VERSION "\n Debug Mode: false\n\nServer:\n");
	printf(" Containers: %zu\n  Running: %zu\n  Paused: %zu\n  Stopped: %zu\n Images: %zu\n",
	       h->running + h->paused + h->stopped, h->running, h->paused, h->stopped, h->images);
	printf(" Server Version: " KNARR_VERSION "\n");
	print_driver(h);
	printf(" Kernel Version: %s\n Operating System: %s\n OSType: linux\n Architecture: %s\n",
	       h->kernel, h->system, h->architecture);
	printf(" CPUs: %ld\n Total Memory: %s\n Name: %s\n", h->cpus,
	       human_binary(h->memory, memory), h->name);
	printf(" Docker Root Dir: %s\n Debug Mode: false\n Experimental: false\n"
	       " Live Restore Enabled: true\n",
	       st->root);
	fflush(stdout);
	for (size_t i = 0; i < h->warnings.len; i++)
		fprintf(stderr, "%s%s\n", i ? "" : "\n", h->warnings.items[i]);
}

/* ---- As a document: the members of Docker's API (moby, api/types/system: Info) */

static void put_list(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key,
		     const char *const *items)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, obj, key);

	for (; *items; items++)
		yyjson_mut_arr_add_str(doc, list, *items);
}

static void put_pair(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *key, const char *value)
{
	yyjson_mut_val *pair = yyjson_mut_arr_add_arr(doc, list);

	yyjson_mut_arr_add_str(doc, pair, key);
	yyjson_mut_arr_add_str(doc, pair, value);
}

static void put_drivers(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct host_info *h)
{
	yyjson_mut_val *list, *plugins;

	yyjson_mut_obj_add_str(doc, o, "Driver", INSPECT_DRIVER);
	list = yyjson_mut_obj_add_arr(doc, o, "DriverStatus");
	put_pair(doc, list, "Backing Filesystem", h->filesystem);
	put_pair(doc, list, "Supports d_type", "true");
	put_pair(doc, list, "Using metacopy", "false");
	put_pair(doc, list, "Native Overlay Diff", "true");
	put_pair(doc, list, "userxattr", "false");
	plugins = yyjson_mut_obj_add_obj(doc, o, "Plugins");
	put_list(doc, plugins, "Volume", (const char *const[]){ "local", NULL });
	put_list(doc, plugins, "Network", (const char *const[]){ "host", "null", NULL });
	yyjson_mut_obj_add_null(doc, plugins, "Authorization");
	put_list(doc, plugins, "Log", (const char *const[]){ "json-file", "none", NULL });
}

static void put_limits(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct host_info *h)
{
	yyjson_mut_obj_add_bool(doc, o, "MemoryLimit", h->has_memory);
	yyjson_mut_obj_add_bool(doc, o, "SwapLimit", h->has_memory);
	yyjson_mut_obj_add_bool(doc, o, "CpuCfsPeriod", h->has_cpu);
	yyjson_mut_obj_add_bool(doc, o, "CpuCfsQuota", h->has_cpu);
	yyjson_mut_obj_add_bool(doc, o, "CPUShares", h->has_cpu);
	yyjson_mut_obj_add_bool(doc, o, "CPUSet", h->has_cpuset);
	yyjson_mut_obj_add_bool(doc, o, "PidsLimit", h->has_pids);
	yyjson_mut_obj_add_bool(doc, o, "IPv4Forwarding", h->ipv4_forwarding);
	yyjson_mut_obj_add_bool(doc, o, "Debug", false);
	yyjson_mut_obj_add_bool(doc, o, "OomKillDisable", false);
}

static void put_machine(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct store *st,
			const struct host_info *h)
{
	char now[TIME_TEXT_MAX];

	yyjson_mut_obj_add_strcpy(doc, o, "SystemTime", time_text(time_now(), now));
	yyjson_mut_obj_add_str(doc, o, "LoggingDriver", "json-file");
	yyjson_mut_obj_add_str(doc, o, "CgroupDriver", h->cgroup ? "cgroupfs" : "none");
	yyjson_mut_obj_add_str(doc, o, "CgroupVersion", h->cgroup ? "2" : "");
	yyjson_mut_obj_add_str(doc, o, "KernelVersion", h->kernel);
	yyjson_mut_obj_add_str(doc, o, "OperatingSystem", h->system);
	yyjson_mut_obj_add_str(doc, o, "OSType", "linux");
	yyjson_mut_obj_add_str(doc, o, "Architecture", h->architecture);
	yyjson_mut_obj_add_sint(doc, o, "NCPU", h->cpus);
	yyjson_mut_obj_add_uint(doc, o, "MemTotal", h->memory);
	yyjson_mut_obj_add_str(doc, o, "DockerRootDir", st->root);
	yyjson_mut_obj_add_str(doc, o, "Name", h->name);
	yyjson_mut_obj_add_arr(doc, o, "Labels");
	yyjson_mut_obj_add_bool(doc, o, "ExperimentalBuild", false);
	yyjson_mut_obj_add_str(doc, o, "ServerVersion", KNARR_VERSION);
}

static yyjson_mut_doc *document(const struct store *st, const struct host_info *h)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *o = yyjson_mut_obj(doc), *runtimes, *client;

	yyjson_mut_doc_set_root(doc, o);
	yyjson_mut_obj_add_uint(doc, o, "Containers", h->running + h->paused + h->stopped);
	yyjson_mut_obj_add_uint(doc, o, "ContainersRunning", h->running);
	yyjson_mut_obj_add_uint(doc, o, "ContainersPaused", h->paused);
	yyjson_mut_obj_add_uint(doc, o, "ContainersStopped", h->stopped);
	yyjson_mut_obj_add_uint(doc, o, "Images", h->images);
	put_drivers(doc, o, h);
	put_limits(doc, o, h);
	put_machine(doc, o, st, h);
	runtimes = yyjson_mut_obj_add_obj(doc, o, "Runtimes");
	inspect_put(doc, yyjson_mut_obj_add_obj(doc, runtimes, "knarr"), "path", "knarr-oci");
	yyjson_mut_obj_add_str(doc, o, "DefaultRuntime", "knarr");
	yyjson_mut_obj_add_bool(doc, o, "LiveRestoreEnabled", true);
	yyjson_mut_obj_add_str(doc, o, "InitBinary", "built in");
	put_list(doc, o, "SecurityOptions",
		 (const char *const[]){ "name=seccomp,profile=builtin", "name=cgroupns", NULL });
	if (h->warnings.len)
		json_put_strv(doc, o, "Warnings", &h->warnings);
	else
		yyjson_mut_obj_add_null(doc, o, "Warnings");
	client = yyjson_mut_obj_add_obj(doc, o, "ClientInfo");
	yyjson_mut_obj_add_bool(doc, client, "Debug", false);
	yyjson_mut_obj_add_str(doc, client, "Version", KNARR_VERSION);
	return doc;
}

int cmd_info(struct command_context *ctx, int argc, char **argv)
{
	const char *format = NULL;
	const struct cli_option options[] = {
		{ "format", 'f', CLI_STRING, &format, "string",
		  "Format output using a custom template: 'json' or a Go template" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "info [OPTIONS]",
		.summary = "Display system-wide information",
		.options = options,
		.options_anywhere = true,
	};
	struct host_info h autohostinfo = HOST_INFO_INIT;
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (host_info_read(ctx->store, &h, &err) < 0)
		return command_fail(&err);
	if (format && *format) {
		yyjson_mut_doc *doc automutjson = document(ctx->store, &h);

		if (document_print(doc, format, &err) < 0)
			return command_fail(&err);
	} else {
		print_text(ctx->store, &h);
	}
	return command_done(0);
}
