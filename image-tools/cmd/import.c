/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image-tools/cmd/command.h"
#include "image-tools/cmd/progress.h"
#include "image-tools/platform.h"
#include "lib/cleanup.h"
#include "lib/str.h"

int cmd_import(struct command_context *ctx, int argc, char **argv)
{
	struct import_options opts = { 0 };
	struct strv changes autostrv = STRV_INIT;
	const char *platform = NULL;
	const struct cli_option options[] = {
		{ "change", 'c', CLI_LIST, &changes, "list",
		  "Apply Dockerfile instruction to the created image" },
		{ "message", 'm', CLI_STRING, &opts.message, "string",
		  "Set commit message for imported image" },
		{ "platform", 0, CLI_STRING, &platform, "string",
		  "Set platform of the image (" PLATFORM " is the only one here)" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "import [OPTIONS] FILE|- [REPOSITORY[:TAG]]",
		.summary = "Import the contents from a tarball to create a filesystem image",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 2,
		.more = "The tarball may be plain or compressed with gzip, zstd, xz or bzip2.",
	};
	struct reference name autoreference = REFERENCE_INIT;
	struct error err = ERROR_INIT;
	struct drawn_progress drawn;
	struct digest id;
	char text[DIGEST_TEXT_MAX];
	const char *path;
	int fd autoclose = -1;
	int first, r = command_parse(&cmd, argc, argv, &first);

	if (r >= 0)
		return r;
	path = argv[first];
	if (platform && platform_check(platform, &err) < 0)
		return command_fail(&err);
	if (str_starts(path, "http://") || str_starts(path, "https://")) {
		error_set(
			&err, EINVAL,
			"import reads a file or standard input, no address: download %.300s first",
			path);
		return command_fail(&err);
	}
	if (argv[first + 1]) {
		if (reference_parse(argv[first + 1], &name, &err) < 0)
			return command_fail(&err);
		if (name.has_digest) {
			error_set(&err, EINVAL, "an image cannot be given a digest as its name");
			return command_fail(&err);
		}
		reference_default_tag(&name);
		opts.name = &name;
	}
	if (strcmp(path, "-") == 0) {
		path = "standard input";
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0) {
		error_errno(&err, "cannot open %s", path);
		return command_fail(&err);
	}
	if (!command_store(ctx, &err))
		return command_fail(&err);
	opts.changes = &changes;
	opts.progress = drawn_progress_init(&drawn, false);
	drawn.verb = "Importing";
	r = import_fd(ctx->store, fd, path, &opts, &id, &err);
	drawn_progress_end(&drawn);
	if (r < 0)
		return command_fail(&err);
	printf("%s\n", digest_text(&id, text));
	return command_done(0);
}
