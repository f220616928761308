/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `volume create`, `volume rm` and `volume prune`. */
#include "runtime/container/volume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image-tools/cmd/pruning.h"
#include "lib/cleanup.h"
#include "runtime/cmd/pruning.h"
#include "runtime/command.h"

/* ---- create */

struct volume_create_options {
	const char *driver, *name;
	struct strv labels, options;
};

static int check_labels(const struct strv *labels, struct strv *out, struct error *err)
{
	for (size_t i = 0; i < labels->len; i++) {
		const char *label = labels->items[i];

		if (!*label || *label == '=')
			return error_set(err, EINVAL, "invalid label '%s': empty name", label);
		strv_take(out, strchr(label, '=') ? xstrdup(label) : str_format("%s=", label));
	}
	return 0;
}

static int create(const struct store *st, const struct volume_create_options *o, struct error *err)
{
	struct volume v autovolume = VOLUME_INIT;
	struct strv labels autostrv = STRV_INIT;
	const char *shown = o->name ? o->name : "";

	if (o->name && !*o->name)
		return error_set(err, EINVAL, "the volume's name is empty");
	if (check_labels(&o->labels, &labels, err) < 0)
		return -1;
	if (strcmp(o->driver, "local") != 0)
		return error_set(
			err, EINVAL,
			"create %s: error looking up volume plugin %s: plugin \"%s\" not found",
			shown, o->driver, o->driver);
	if (o->options.len)
		return error_set(
			err, EINVAL,
			"create %s: invalid option: \"%.*s\": the local driver has none here",
			shown, (int)strcspn(o->options.items[0], "="), o->options.items[0]);
	if (volume_create(st, o->name, &labels, &v, err) < 0)
		return -1;
	puts(v.name);
	return 0;
}

int cmd_volume_create(struct command_context *ctx, int argc, char **argv)
{
	struct volume_create_options o = { .driver = "local" };
	const struct cli_option options[] = {
		{ "driver", 'd', CLI_STRING, &o.driver, "string",
		  "Specify volume driver name (default \"local\")" },
		{ "label", 0, CLI_LIST, &o.labels, "list", "Set metadata for a volume" },
		{ "name", 0, CLI_STRING, &o.name, "string", NULL },
		{ "opt", 'o', CLI_LIST, &o.options, "map", "Set driver specific options" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "volume create [OPTIONS] [VOLUME]",
		.summary = "Create a volume",
		.options = options,
		.options_anywhere = true,
		.max_args = 1,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status < 0 && o.name && first < argc) {
		error_set(
			&err, EINVAL,
			"conflicting options: cannot specify a volume-name through both --name and as a positional arg");
		status = command_fail(&err);
	}
	if (status < 0) {
		if (first < argc)
			o.name = argv[first];
		status = create(ctx->store, &o, &err) < 0 ? command_fail(&err) : command_done(0);
	}
	strv_free(&o.labels);
	strv_free(&o.options);
	return status;
}

/* ---- rm */

static int remove_each(const struct store *st, const char *word, void *arg, struct error *err)
{
	const bool force = *(bool *)arg;

	if (volume_remove(st, word, err) < 0) {
		/* What is to be gone and was not there is gone, as with Docker. */
		if (!force || err->code != ENOENT)
			return -1;
		error_clear(err);
	}
	puts(word);
	return 0;
}

int cmd_volume_rm(struct command_context *ctx, int argc, char **argv)
{
	bool force = false;
	const struct cli_option options[] = {
		{ "force", 'f', CLI_BOOL, &force, NULL,
		  "Force the removal of one or more volumes" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "volume rm [OPTIONS] VOLUME [VOLUME...]",
		.summary = "Remove one or more volumes",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
		.more = "You cannot remove a volume that is in use by a container.",
	};
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	return status >= 0 ? status : command_each(ctx, argv + first, remove_each, &force);
}

/* ---- prune */

int pruning_volumes(const struct store *st, const struct prune_filter *filter, bool all,
		    uint64_t *reclaimed, struct error *err)
{
	struct strv gone autostrv = STRV_INIT;
	int r = volume_prune(st, filter, all, &gone, reclaimed, err);

	if (gone.len)
		printf("Deleted Volumes:\n");
	for (size_t i = 0; i < gone.len; i++)
		puts(gone.items[i]);
	if (gone.len)
		putchar('\n');
	return r;
}

/* Takes all=BOOL, Docker's older way to say --all, out of the filters. */
static int take_all(const struct strv *values, struct strv *others, bool *all, struct error *err)
{
	for (size_t i = 0; i < values->len; i++) {
		const char *value = values->items[i];

		if (!str_starts(value, "all="))
			strv_add(others, value);
		else if (strcmp(value, "all=1") == 0 || strcmp(value, "all=true") == 0)
			*all = true;
		else if (strcmp(value, "all=0") != 0 && strcmp(value, "all=false") != 0)
			return error_set(err, EINVAL, "invalid filter 'all=[%.100s]'", value + 4);
	}
	return 0;
}

static int prune(const struct store *st, const struct strv *values, bool all, bool force,
		 struct error *err)
{
	struct prune_filter filter autoprunefilter = PRUNE_FILTER_INIT;
	struct strv others autostrv = STRV_INIT;
	uint64_t reclaimed = 0;

	if (take_all(values, &others, &all, err) < 0 ||
	    prune_filter_parse(&others, &filter, err) < 0)
		return -1;
	if (filter.has_until)
		return error_set(err, EINVAL, "invalid filter 'until'");
	if (!force &&
	    !pruning_confirmed(
		    all ? "WARNING! This will remove all local volumes not used by at least one container.\n"
			  "Are you sure you want to continue?"
			: "WARNING! This will remove anonymous local volumes not used by at least one container.\n"
			  "Are you sure you want to continue?"))
		return 0;
	if (pruning_volumes(st, &filter, all, &reclaimed, err) < 0)
		return -1;
	pruning_print_total(reclaimed);
	return 0;
}

int cmd_volume_prune(struct command_context *ctx, int argc, char **argv)
{
	bool all = false, force = false;
	struct strv values autostrv = STRV_INIT;
	const struct cli_option options[] = {
		{ "all", 'a', CLI_BOOL, &all, NULL,
		  "Remove all unused volumes, not just anonymous ones" },
		{ "filter", 0, CLI_LIST, &values, "filter",
		  "Provide filter values (e.g. \"label=<label>\")" },
		{ "force", 'f', CLI_BOOL, &force, NULL, "Do not prompt for confirmation" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "volume prune [OPTIONS]",
		.summary = "Remove unused local volumes",
		.options = options,
		.options_anywhere = true,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	return prune(ctx->store, &values, all, force, &err) < 0 ? command_fail(&err)
								: command_done(0);
}
