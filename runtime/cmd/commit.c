/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "image-tools/change.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/freeze.h"

struct request {
	const char *container;
	const struct reference *name; /* NULL: none */
	const char *author, *message;
	struct strv changes;
	bool pause;
};

/* One that does not run is locked, so that nobody starts it, or copies something into it, while it is read. */
static int hold_still(const struct store *st, struct container *c, struct error *err)
{
	if (c->state.status == STATUS_RUNNING || container_lock_soon(st, c, err) == 0)
		return 0;
	if (err->code != EBUSY || c->state.status != STATUS_RUNNING)
		return -1;
	error_clear(err); /* started meanwhile */
	return 0;
}

/* Its writable layer, read while it stands still. */
static struct commit *read_upper(const struct store *st, struct container *c, bool pause,
				 struct error *err)
{
	struct freeze autofreeze freeze = FREEZE_INIT;
	struct commit *commit autocommit = NULL;
	autoclose int upper = -1;

	if (hold_still(st, c, err) < 0)
		return NULL;
	/* One that was never started has none. */
	upper = openat(c->dirfd, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0 && errno != ENOENT) {
		error_errno(err, "cannot open the writable layer of container %s", c->config.name);
		return NULL;
	}
	if (pause && c->state.status == STATUS_RUNNING &&
	    freeze_begin(&c->config, &freeze, err) < 0)
		return NULL;
	commit = commit_read(st, upper, err);
	/* A container that is removed is first no container any more, and then its files go: if it still is one, all of
	 * them were there. */
	if (container_refresh(st, c, err) < 0)
		return NULL;
	return STEAL_PTR(commit);
}

static void tell_left_out(const struct commit *commit)
{
	const char *first;
	unsigned long n = commit_left_out(commit, &first);

	if (n)
		log_line(
			"warning: %lu file%s not in the image, for a name that begins with \".wh.\" means something "
			"else there: /%.200s%s",
			n, n == 1 ? " is" : "s are", first, n == 1 ? "" : ", ...");
}

static int commit_container(const struct store *st, const struct request *r, struct digest *id,
			    struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct image_config config autoimageconfig = IMAGE_CONFIG_INIT;
	struct commit_options options = {
		.config = &config, .author = r->author, .comment = r->message, .name = r->name
	};
	struct commit *commit autocommit = NULL;
	autofree char *created_by = NULL;

	if (container_open(st, r->container, &c, err) < 0)
		return -1;
	image_config_copy(&config, &c.config.run);
	if (changes_apply(&config, &r->changes, err) < 0)
		return -1;
	options.parent = c.config.image_id;
	options.created_by = created_by = strv_join(&c.config.run.cmd, " ");
	commit = read_upper(st, &c, r->pause, err);
	if (!commit || commit_publish(commit, &options, id, err) < 0)
		return -1;
	tell_left_out(commit);
	return 0;
}

static int parse_name(const char *word, struct reference *name, struct error *err)
{
	if (reference_parse(word, name, err) < 0)
		return -1;
	if (name->has_digest)
		return error_set(err, EINVAL, "refusing to create a tag with a digest reference");
	reference_default_tag(name);
	return 0;
}

int cmd_commit(struct command_context *ctx, int argc, char **argv)
{
	struct request r = { .pause = true };
	const struct cli_option options[] = {
		{ "author", 'a', CLI_STRING, &r.author, "string",
		  "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")" },
		{ "change", 'c', CLI_LIST, &r.changes, "list",
		  "Apply Dockerfile instruction to the created image" },
		{ "message", 'm', CLI_STRING, &r.message, "string", "Commit message" },
		{ "pause", 'p', CLI_BOOL, &r.pause, NULL,
		  "Pause container during commit (default true)" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
		.summary = "Create a new image from a container's changes",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 2,
	};
	struct reference name autoreference = REFERENCE_INIT;
	struct error err = ERROR_INIT;
	const struct store *st;
	struct digest id;
	char text[DIGEST_TEXT_MAX];
	int first, status = command_parse(&cmd, argc, argv, &first);

	if (status >= 0)
		goto out;
	r.container = argv[first];
	if (first + 1 < argc)
		r.name = &name;
	if ((r.name && parse_name(argv[first + 1], &name, &err) < 0) ||
	    !(st = command_store(ctx, &err)) || commit_container(st, &r, &id, &err) < 0) {
		status = command_fail(&err);
		goto out;
	}
	printf("%s\n", digest_text(&id, text));
	status = command_done(0);
out:
	strv_free(&r.changes);
	return status;
}
