/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "image-tools/cmd/command.h"
#include "image-tools/image.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"

/* A name to give: not one that says which image it means, nor one that reads like an ID. */
static int parse_target(const char *text, struct reference *target, struct error *err)
{
	if (reference_parse(text, target, err) < 0)
		return error_prefix(
			err, "error parsing reference: \"%.100s\" is not a valid repository/tag",
			text);
	if (target->has_digest)
		return error_set(err, EINVAL, "refusing to create a tag with a digest reference");
	if (strcmp(reference_familiar(target), "sha256") == 0)
		return error_set(
			err, EINVAL,
			"refusing to create an ambiguous tag using digest algorithm as name");
	reference_default_tag(target);
	return 0;
}

static int tag(const struct store *st, const char *source, const struct reference *target,
	       struct error *err)
{
	char *name autofree = reference_text(target, false);
	struct tag change = { .name = name };
	/* From the look for the image to its new name, so that nobody removes it in between. */
	int lock autoclose = store_lock(st, LOCK_EX, err);

	if (lock < 0 || image_resolve(st, source, &change.id, err) < 0)
		return -1;
	return tags_set_locked(st, &change, 1, err);
}

int cmd_tag(struct command_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
		.summary = "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
		.min_args = 2,
		.max_args = 2,
	};
	struct reference target autoreference = REFERENCE_INIT;
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (parse_target(argv[first + 1], &target, &err) < 0 ||
	    tag(ctx->store, argv[first], &target, &err) < 0)
		return command_fail(&err);
	return 0;
}
