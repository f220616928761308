/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "image-tools/folder_tar.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/output.h"
#include "runtime/command.h"
#include "runtime/engine/view.h"
#include "runtime/sandbox/inside.h"

static int to_stdout(void *context, const void *data, size_t len, struct error *err)
{
	(void)context;
	return fs_write_all(STDOUT_FILENO, data, len) < 0
		       ? error_errno(err, "cannot write to standard output")
		       : 0;
}

static int to_file(void *context, const void *data, size_t len, struct error *err)
{
	return output_write(context, data, len, err);
}

struct reading {
	int root_fd;
	tar_write_fn fn;
	void *context;
};

static int write_tar(void *arg, uint64_t *bytes, struct error *err)
{
	const struct folder_tar_options options = { 0 };
	const struct reading *r = arg;
	struct tar_writer *w autotarwriter = tar_writer_new(r->fn, r->context);
	struct folder_tar *f autofoldertar = folder_tar_new(w, &options);

	(void)bytes;
	return folder_tar_contents(f, r->root_fd, "", err) < 0 ? -1 : tar_writer_end(w, err);
}

static int export(const struct store *st, const char *word, tar_write_fn fn, void *context,
		  struct error *err)
{
	struct reading r = { .fn = fn, .context = context };
	struct container autocontainer c = CONTAINER_INIT;
	struct container_view autoview view = CONTAINER_VIEW_INIT;

	if (container_open(st, word, &c, err) < 0 ||
	    container_view_open(st, &c, VIEW_LAYERS, &view, err) < 0)
		return -1;
	r.root_fd = view.root_fd;
	if (inside_run(view.userns_fd, write_tar, &r, NULL, err) < 0)
		return -1;
	/* A container that is removed meanwhile loses its files one by one: if it is still one, none was missing. */
	return container_refresh(st, &c, err);
}

static int export_file(const struct store *st, const char *word, const char *path,
		       struct error *err)
{
	struct output file autooutput = OUTPUT_INIT;

	if (output_open(&file, path, err) < 0 || export(st, word, to_file, &file, err) < 0)
		return -1;
	return output_finish(&file, err);
}

int cmd_export(struct command_context *ctx, int argc, char **argv)
{
	const char *output = NULL;
	const struct cli_option options[] = {
		{ "output", 'o', CLI_STRING, &output, "string",
		  "Write to a file, instead of STDOUT" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "export [OPTIONS] CONTAINER",
		.summary = "Export a container's filesystem as a tar archive",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
		.more = "What the container's layers hold, its own changes included; what is mounted in it while it\n"
			"runs (/proc, volumes) is not part of that.",
	};
	struct error err = ERROR_INIT;
	const struct store *st;
	int first, status = command_parse(&cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if ((!output || !*output) && isatty(STDOUT_FILENO)) {
		error_set(&err, EINVAL,
			  "cowardly refusing to save to a terminal. Use the -o flag or redirect");
		return command_fail(&err);
	}
	st = command_store(ctx, &err);
	if (!st)
		return command_fail(&err);
	if (output && *output)
		status = export_file(st, argv[first], output, &err);
	else
		status = export(st, argv[first], to_stdout, NULL, &err);
	return status < 0 ? command_fail(&err) : command_done(0);
}
