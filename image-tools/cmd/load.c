/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/load.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "image-tools/cmd/command.h"
#include "image-tools/cmd/progress.h"
#include "image-tools/platform.h"
#include "lib/cleanup.h"

static void print_loaded(const struct loaded *loaded)
{
	char id[DIGEST_TEXT_MAX];

	for (size_t i = 0; i < loaded->n_moved; i++)
		printf("The image %s already exists, renaming the old one with ID %s to empty string\n",
		       loaded->moved[i].name, digest_text(&loaded->moved[i].id, id));
	for (size_t i = 0; i < loaded->n; i++) {
		const struct loaded_image *img = &loaded->images[i];

		for (size_t j = 0; j < img->n_names; j++) {
			char *name autofree = reference_text(&img->names[j], true);

			printf("Loaded image: %s\n", name);
		}
		if (!img->n_names)
			printf("Loaded image ID: %s\n", digest_text(&img->id, id));
	}
}

int cmd_load(struct command_context *ctx, int argc, char **argv)
{
	const char *input = NULL, *platform = NULL;
	bool quiet = false;
	const struct cli_option options[] = {
		{ "input", 'i', CLI_STRING, &input, "string",
		  "Read from tar archive file, or from a folder, instead of STDIN" },
		{ "platform", 0, CLI_STRING, &platform, "string",
		  "Load only the given platform (" PLATFORM " is the only one here)" },
		{ "quiet", 'q', CLI_BOOL, &quiet, NULL, "Suppress the load output" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "load [OPTIONS]",
		.summary = "Load an image from a tar archive or STDIN",
		.options = options,
		.options_anywhere = true,
		.more = "Archives and folders as docker, podman, skopeo, umoci and buildah write them,\n"
			"docker-archive or OCI; archives and layers plain or compressed with gzip, zstd,\n"
			"xz or bzip2. Of images for several platforms " PLATFORM " is taken.",
	};
	struct loaded loaded autoloaded = LOADED_INIT;
	struct error err = ERROR_INIT;
	struct drawn_progress drawn;
	struct progress *progress;
	int first, r = command_parse(&cmd, argc, argv, &first);

	if (r >= 0)
		return r;
	if (platform && platform_check(platform, &err) < 0)
		return command_fail(&err);
	if (!input && isatty(STDIN_FILENO)) {
		error_set(
			&err, EINVAL,
			"load reads standard input unless --input names a file, and that is a terminal");
		return command_fail(&err);
	}
	if (!command_store(ctx, &err))
		return command_fail(&err);
	progress = drawn_progress_init(&drawn, quiet);
	drawn.verb = "Loading layer";
	r = input ? load_file(ctx->store, input, progress, &loaded, &err)
		  : load_fd(ctx->store, STDIN_FILENO, "standard input", progress, &loaded, &err);
	drawn_progress_end(&drawn);
	if (r < 0)
		return command_fail(&err);
	print_loaded(&loaded);
	return command_done(0);
}
