/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/cmd/pruning.h"
#include "image-tools/prune.h"
#include "lib/cleanup.h"
#include "runtime/cmd/pruning.h"
#include "runtime/command.h"

struct system_prune {
	bool all, force, volumes;
	struct strv values; /* of --filter */
};

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *question(const struct system_prune *o, const struct prune_filter *filter)
{
	struct strbuf text = STRBUF_INIT;
	struct strv words autostrv = STRV_INIT;

	strbuf_puts(&text, "WARNING! This will remove:\n"
			   "  - all stopped containers\n"
			   "  - all networks not used by at least one container\n");
	if (o->volumes)
		strbuf_puts(&text,
			    "  - all anonymous volumes not used by at least one container\n");
	strbuf_puts(&text,
		    o->all ? "  - all images without at least one container associated to them\n"
			     "  - all build cache\n"
			   : "  - all dangling images\n"
			     "  - unused build cache\n");
	strv_extend(&words, &filter->words);
	if (words.len) {
		qsort(words.items, words.len, sizeof(*words.items), compare_words);
		strbuf_puts(&text, "\n  Items to be pruned will be filtered with:\n");
	}
	for (size_t i = 0; i < words.len; i++)
		strbuf_printf(&text, "  - %s\n", words.items[i]);
	strbuf_puts(&text, "\nAre you sure you want to continue?");
	return strbuf_steal(&text);
}

/* Networks and a build cache there are none yet. */
static int prune(const struct command_context *ctx, const struct system_prune *o,
		 const struct prune_filter *filter, struct error *err)
{
	struct removal gone autoremoval = REMOVAL_INIT;
	uint64_t reclaimed = 0;
	int r;

	if (pruning_containers(ctx->store, filter, &reclaimed, err) < 0 ||
	    (o->volumes && pruning_volumes(ctx->store, filter, false, &reclaimed, err) < 0))
		return -1;
	r = prune_images(ctx->store, ctx->image_users, filter, o->all, &gone, err);
	pruning_print_images(&gone);
	pruning_tell_kept(&gone);
	if (r == 0)
		pruning_print_total(reclaimed + gone.reclaimed);
	return r;
}

static int run(const struct command_context *ctx, const struct system_prune *o)
{
	struct prune_filter filter autoprunefilter = PRUNE_FILTER_INIT;
	struct error err = ERROR_INIT;
	char *text autofree = NULL;

	if (prune_filter_parse(&o->values, &filter, &err) < 0)
		return command_fail(&err);
	if (o->volumes && filter.has_until) {
		error_set(&err, EINVAL, "the \"until\" filter is not supported with \"--volumes\"");
		return command_fail(&err);
	}
	text = question(o, &filter);
	if (!o->force && !pruning_confirmed(text))
		return command_done(0);
	if (prune(ctx, o, &filter, &err) < 0)
		return command_fail(&err);
	return command_done(0);
}

int cmd_system_prune(struct command_context *ctx, int argc, char **argv)
{
	struct system_prune o = { 0 };
	const struct cli_option options[] = {
		{ "all", 'a', CLI_BOOL, &o.all, NULL,
		  "Remove all unused images not just dangling ones" },
		{ "filter", 0, CLI_LIST, &o.values, "filter",
		  "Provide filter values (e.g. \"label=<key>=<value>\")" },
		{ "force", 'f', CLI_BOOL, &o.force, NULL, "Do not prompt for confirmation" },
		{ "volumes", 0, CLI_BOOL, &o.volumes, NULL, "Prune anonymous volumes" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "system prune [OPTIONS]",
		.summary = "Remove unused data",
		.options = options,
		.options_anywhere = true,
		.more = "With them go layers and unfinished files that nothing in the store names.",
	};
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status < 0)
		status = run(ctx, &o);
	strv_free(&o.values);
	return status;
}
