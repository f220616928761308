/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image-tools/cmd/progress.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/log.h"
#include "runtime/command.h"
#include "runtime/engine/copy.h"
#include "runtime/engine/view.h"

static bool is_dash(const struct copy_end *e, const char *typed)
{
	return !e->container && strcmp(typed, "-") == 0;
}

/* What was typed, as an end whose root is not open yet. */
static int parse_end(const char *typed, const char *what, char **container, struct copy_end *e,
		     struct error *err)
{
	autofree char *here = NULL;
	const char *path;

	if (!*typed)
		return error_set(err, EINVAL, "%s can not be empty", what);
	copy_split(typed, container, &path);
	*e = (struct copy_end){ .root_fd = -1, .userns_fd = -1, .container = *container };
	/* Only what is relative needs to know where we are: that folder may be gone. */
	here = *container || *path == '/' || strcmp(path, "-") == 0 ? xstrdup("/")
								    : getcwd(NULL, 0);
	if (!here)
		return error_errno(err, "the current folder");
	copy_path_parse(here, path, &e->path);
	return 0;
}

static int copy(const struct store *st, char **words, struct copy_end *src, struct copy_end *dest,
		const struct copy_options *options, uint64_t *bytes, struct error *err)
{
	struct copy_end *inside = src->container ? src : dest;
	struct container autocontainer c = CONTAINER_INIT;
	struct container_view autoview view = CONTAINER_VIEW_INIT;
	int r;

	if (container_open(st, inside->container, &c, err) < 0 ||
	    container_view_open(st, &c, inside == src ? VIEW_READ : VIEW_WRITE, &view, err) < 0)
		return -1;
	inside->root_fd = view.root_fd;
	inside->userns_fd = view.userns_fd;
	if (is_dash(src, words[0]))
		r = copy_from_tar(STDIN_FILENO, dest, options, bytes, err);
	else if (is_dash(dest, words[1]))
		r = copy_to_tar(src, STDOUT_FILENO, options, err);
	else
		r = copy_tree(src, dest, options, bytes, err);
	/* A container that is removed meanwhile loses its files one by one: if it is still one, none was missing. */
	return r < 0 ? -1 : container_refresh(st, &c, err);
}

static int check_ends(char **words, const struct copy_end *src, const struct copy_end *dest,
		      struct error *err)
{
	if (src->container && dest->container)
		return error_set(err, EINVAL, "copying between containers is not supported");
	if (!src->container && !dest->container)
		return error_set(err, EINVAL, "must specify at least one container source");
	if (is_dash(dest, words[1]) && isatty(STDOUT_FILENO))
		return error_set(
			err, EINVAL,
			"cowardly refusing to write an archive to a terminal: redirect it");
	return 0;
}

static int run(struct command_context *ctx, char **words, struct copy_options *options, bool quiet)
{
	struct copy_end src = { 0 }, dest = { 0 };
	autofree char *from = NULL, *to = NULL;
	struct drawn_progress drawn;
	struct error err = ERROR_INIT;
	const struct store *st;
	uint64_t bytes = 0;
	char size[HUMAN_MAX];
	int r = -1;

	options->progress = drawn_progress_init(&drawn, quiet);
	if (parse_end(words[0], "source", &from, &src, &err) == 0 &&
	    parse_end(words[1], "destination", &to, &dest, &err) == 0 &&
	    check_ends(words, &src, &dest, &err) == 0 && (st = command_store(ctx, &err)))
		r = copy(st, words, &src, &dest, options, &bytes, &err);
	drawn_progress_erase(&drawn);
	if (r == 0 && !quiet && !is_dash(&dest, words[1]))
		fprintf(stderr, "Successfully copied %s to %s%s%s\n", human_size(bytes, size),
			to ? to : "", to ? ":" : "", dest.path.text);
	copy_path_free(&src.path);
	copy_path_free(&dest.path);
	return r < 0 ? command_fail(&err) : command_done(0);
}

int cmd_cp(struct command_context *ctx, int argc, char **argv)
{
	struct copy_options copy_options = { 0 };
	bool quiet = !isatty(STDOUT_FILENO);
	autofree char *usage = str_format("cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n"
					  "\t%s cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
					  log_program());
	const struct cli_option options[] = {
		{ "archive", 'a', CLI_BOOL, &copy_options.archive, NULL,
		  "Archive mode (copy all uid/gid information)" },
		{ "follow-link", 'L', CLI_BOOL, &copy_options.follow_link, NULL,
		  "Always follow symbol link in SRC_PATH" },
		{ "quiet", 'q', CLI_BOOL, &quiet, NULL,
		  "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = usage,
		.summary = "Copy files/folders between a container and the local filesystem",
		.options = options,
		.options_anywhere = true,
		.min_args = 2,
		.max_args = 2,
		.more = "Use '-' as the source to read a tar archive from stdin and extract it to a\n"
			"directory destination in a container. Use '-' as the destination to stream a\n"
			"tar archive of a container source to stdout.\n"
			"\n"
			"What is copied belongs to root in the container, to you on this machine, with\n"
			"--archive to whom it belonged; in an archive read from stdin, to whom that says.",
	};
	int first, status = command_parse(&cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	return run(ctx, argv + first, &copy_options, quiet);
}
