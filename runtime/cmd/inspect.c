/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `inspect` looks for a container first, then for an image, then for a volume; `container inspect` for containers alone.
 * (`image inspect` is in image-tools/cmd, `volume inspect` in volume_ls.c.) */
#include <errno.h>
#include <string.h>

#include "image-tools/cmd/inspecting.h"
#include "lib/log.h"
#include "runtime/command.h"
#include "runtime/engine/inspect.h"
#include "runtime/engine/inspect_volume.h"

struct search {
	const char *type; /* "container", "image", "volume", or "": any */
	bool size;
};

/* 0: added; 1: none of that name; -1 with err set. */
static int try_container(const struct store *st, const char *name, const struct search *s,
			 struct inspecting *i, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	yyjson_mut_val *object;

	if (container_open(st, *name == '/' ? name + 1 : name, &c, err) < 0)
		return err->code == ENOENT ? 1 : -1;
	object = inspect_container(inspecting_doc(i), st, &c, s->size, err);
	if (!object)
		return -1;
	inspecting_add(i, object);
	return 0;
}

static int try_image(const struct store *st, const char *name, const struct search *s,
		     struct inspecting *i, struct error *err)
{
	yyjson_mut_val *object;
	struct digest id;

	if (image_resolve(st, name, &id, err) < 0)
		/* What is no name of an image ("/web") may be one of nothing. */
		return err->code == ENOENT || str_starts(err->message, "invalid reference") ? 1
											    : -1;
	object = inspect_image(inspecting_doc(i), st, &id, err);
	if (!object)
		return -1;
	if (s->size)
		log_line("WARNING: --size ignored for image");
	inspecting_add(i, object);
	return 0;
}

static int try_volume(const struct store *st, const char *name, const struct search *s,
		      struct inspecting *i, struct error *err)
{
	yyjson_mut_val *object = inspect_volume(inspecting_doc(i), st, name, err);

	if (!object)
		return err->code == ENOENT ? 1 : -1;
	if (s->size)
		log_line("WARNING: --size ignored for volume");
	inspecting_add(i, object);
	return 0;
}

/* In the order in which they are looked for. */
static const struct {
	const char *type;
	int (*look)(const struct store *st, const char *name, const struct search *s,
		    struct inspecting *i, struct error *err);
} kinds[] = {
	{ "container", try_container },
	{ "image", try_image },
	{ "volume", try_volume },
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void inspect_one(const struct store *st, const char *name, const struct search *s,
			struct inspecting *i)
{
	struct error err = ERROR_INIT;
	int r = 1;

	for (size_t k = 0; k < N_KINDS && r > 0; k++) {
		error_clear(&err);
		if (!*s->type || strcmp(s->type, kinds[k].type) == 0)
			r = kinds[k].look(st, name, s, i, &err);
	}
	if (r > 0)
		error_set(&err, ENOENT, "No such %s: %.200s", *s->type ? s->type : "object", name);
	if (r)
		inspecting_fail(i, &err);
}

static bool is_type(const char *type)
{
	for (size_t k = 0; k < N_KINDS; k++)
		if (strcmp(type, kinds[k].type) == 0)
			return true;
	return false;
}

static int inspect_all(struct command_context *ctx, char **names, const char *format,
		       const struct search *s)
{
	struct error err = ERROR_INIT;
	struct inspecting *i autoinspecting = inspecting_new(format, &err);

	if (!i || !command_store(ctx, &err))
		return command_fail(&err);
	for (; *names; names++)
		inspect_one(ctx->store, *names, s, i);
	return inspecting_print(i);
}

int cmd_container_inspect(struct command_context *ctx, int argc, char **argv)
{
	struct search s = { .type = "container" };
	const char *format = NULL;
	const struct cli_option options[] = {
		{ "format", 'f', CLI_STRING, &format, "string", INSPECTING_FORMAT_HELP },
		{ "size", 's', CLI_BOOL, &s.size, NULL, "Display total file sizes" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "container inspect [OPTIONS] CONTAINER [CONTAINER...]",
		.summary = "Display detailed information on one or more containers",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	int first, r = command_parse(&cmd, argc, argv, &first);

	return r >= 0 ? r : inspect_all(ctx, argv + first, format, &s);
}

int cmd_inspect(struct command_context *ctx, int argc, char **argv)
{
	struct search s = { .type = NULL };
	const char *format = NULL;
	const struct cli_option options[] = {
		{ "format", 'f', CLI_STRING, &format, "string", INSPECTING_FORMAT_HELP },
		{ "size", 's', CLI_BOOL, &s.size, NULL,
		  "Display total file sizes if the type is container" },
		{ "type", 0, CLI_STRING, &s.type, "string",
		  "Only inspect objects of the given type" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "inspect [OPTIONS] NAME|ID [NAME|ID...]",
		.summary = "Return low-level information on objects",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, r = command_parse(&cmd, argc, argv, &first);

	if (r >= 0)
		return r;
	if (!s.type)
		s.type = "";
	else if (!is_type(s.type)) {
		error_set(
			&err, EINVAL,
			"unknown type: \"%.100s\": must be one of \"container\", \"image\", \"volume\"",
			s.type);
		return command_fail(&err);
	}
	return inspect_all(ctx, argv + first, format, &s);
}
