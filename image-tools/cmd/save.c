/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/save.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image-tools/cmd/command.h"
#include "image-tools/cmd/progress.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/output.h"

static volatile sig_atomic_t interrupted; /* the signal's number */

static void note_signal(int number)
{
	interrupted = number;
}

/* With a file that may have a temporary name, an interruption must end in output_end. */
static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction old, note = { .sa_handler = note_signal };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &note, NULL);
}

struct sink {
	int fd;
	const char *name;
	struct output *file; /* NULL: standard output */
};

static int write_bytes(void *context, const void *data, size_t len, struct error *err)
{
	const struct sink *sink = context;

	if (interrupted) {
		error_set(err, EINTR, "interrupted; nothing was written to %s", sink->name);
		return error_status(err, 128 + interrupted);
	}
	if (sink->file)
		return output_write(sink->file, data, len, err);
	return fs_write_all(sink->fd, data, len) < 0
		       ? error_errno(err, "cannot write to %s", sink->name)
		       : 0;
}

static int refuse_terminal(const char *name, struct error *err)
{
	return error_set(
		err, EINVAL,
		"%s is a terminal, which is no place for an archive: redirect it, or name a file with -o",
		name);
}

static int save(const struct saved_images *images, enum save_format format, const char *path,
		struct error *err)
{
	struct output file autooutput = OUTPUT_INIT;
	struct sink sink = { .fd = STDOUT_FILENO, .name = "standard output" };
	struct drawn_progress drawn;
	struct progress *progress;
	char *name autofree = NULL;
	int r;

	if (path) {
		if (output_open(&file, path, err) < 0)
			return -1;
		name = str_format("\"%s\"", path);
		sink = (struct sink){ .fd = file.fd, .name = name, .file = &file };
		if (!file.direct)
			catch_signals();
	}
	if (isatty(sink.fd))
		return refuse_terminal(sink.name, err);
	progress = drawn_progress_init(&drawn, false);
	drawn.verb = "Saving layer";
	r = save_archive(images, format, write_bytes, &sink, progress, err);
	drawn_progress_end(&drawn);
	if (r < 0)
		return -1;
	return path ? output_finish(&file, err) : 0;
}

static int parse_format(const char *text, enum save_format *format, struct error *err)
{
	if (strcmp(text, "docker-archive") == 0)
		*format = SAVE_DOCKER_ARCHIVE;
	else if (strcmp(text, "oci-archive") == 0)
		*format = SAVE_OCI_ARCHIVE;
	else
		return error_set(
			err, EINVAL,
			"unknown format \"%.100s\": there are docker-archive and oci-archive",
			text);
	return 0;
}

int cmd_save(struct command_context *ctx, int argc, char **argv)
{
	const char *output = NULL, *platform = NULL, *format_name = "docker-archive";
	const struct cli_option options[] = {
		{ "format", 0, CLI_STRING, &format_name, "string",
		  "Form of the archive: docker-archive or oci-archive (default \"docker-archive\")" },
		{ "output", 'o', CLI_STRING, &output, "string",
		  "Write to a file, instead of STDOUT" },
		{ "platform", 0, CLI_STRING, &platform, "string",
		  "Refuse images for other platforms than this (e.g., \"linux/amd64\")" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "save [OPTIONS] IMAGE [IMAGE...]",
		.summary =
			"Save one or more images to a tar archive (streamed to STDOUT by default)",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
		.more = "An IMAGE without a tag stands for every tag of that repository. Both forms are OCI layouts with\n"
			"layers as they are stored; a docker-archive has Docker's manifest.json beside.",
	};
	struct saved_images images autosaved = SAVED_IMAGES_INIT;
	struct error err = ERROR_INIT;
	enum save_format format;
	int first, r = command_parse(&cmd, argc, argv, &first);

	if (r >= 0)
		return r;
	if (parse_format(format_name, &format, &err) < 0)
		return command_fail(&err);
	if (!output && isatty(STDOUT_FILENO)) {
		refuse_terminal("standard output", &err);
		return command_fail(&err);
	}
	if (!command_store(ctx, &err) ||
	    saved_images_find(ctx->store, argv + first, (size_t)(argc - first), platform, &images,
			      &err) < 0 ||
	    save(&images, format, output, &err) < 0)
		return command_fail(&err);
	return command_done(0);
}
