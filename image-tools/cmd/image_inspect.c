/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "image-tools/cmd/command.h"
#include "image-tools/cmd/inspecting.h"
#include "image-tools/inspect.h"

static void inspect_one(const struct store *st, const char *name, struct inspecting *i)
{
	struct error err = ERROR_INIT;
	yyjson_mut_val *object = NULL;
	struct digest id;

	if (image_resolve(st, name, &id, &err) == 0)
		object = inspect_image(inspecting_doc(i), st, &id, &err);
	else if (err.code == ENOENT)
		error_set(&err, ENOENT, "No such image: %.200s", name);
	if (object)
		inspecting_add(i, object);
	else
		inspecting_fail(i, &err);
}

int cmd_image_inspect(struct command_context *ctx, int argc, char **argv)
{
	const char *format = NULL;
	const struct cli_option options[] = {
		{ "format", 'f', CLI_STRING, &format, "string", INSPECTING_FORMAT_HELP },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "image inspect [OPTIONS] IMAGE [IMAGE...]",
		.summary = "Display detailed information on one or more images",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, r = command_parse(&cmd, argc, argv, &first);

	if (r >= 0)
		return r;
	struct inspecting *i autoinspecting = inspecting_new(format, &err);
	if (!i || !command_store(ctx, &err))
		return command_fail(&err);
	for (char **name = argv + first; *name; name++)
		inspect_one(ctx->store, *name, i);
	return inspecting_print(i);
}
