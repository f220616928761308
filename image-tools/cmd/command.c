/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/cmd/command.h"

#include <stdio.h>

#include "image-tools/journal.h"
#include "lib/log.h"
#include "lib/str.h"

struct store *command_store(struct command_context *ctx, struct error *err)
{
	if (!ctx->store) {
		ctx->store = store_open(ctx->root ? ctx->root : STORE_DEFAULT_ROOT, err);
		if (ctx->store)
			journal_settle(ctx->store);
	}
	return ctx->store;
}

void command_close(struct command_context *ctx)
{
	store_close(ctx->store);
	ctx->store = NULL;
}

int command_parse(const struct cli_command *cmd, int argc, char **argv, int *first)
{
	struct error err = ERROR_INIT;
	struct strbuf help autostrbuf = STRBUF_INIT;

	switch (cli_parse(cmd, argc, argv, first, &err)) {
	case CLI_OK:
		return -1;
	case CLI_HELP:
		cli_help(cmd, log_program(), &help);
		if (help.len)
			fwrite(help.data, 1, help.len, stdout);
		return command_done(0);
	case CLI_ERROR:
		break;
	}
	log_error(&err);
	return err.status ? err.status : 125;
}

int command_begin(struct command_context *ctx, const struct cli_command *cmd, int argc, char **argv,
		  int *first)
{
	struct error err = ERROR_INIT;
	int status = command_parse(cmd, argc, argv, first);

	if (status >= 0)
		return status;
	return command_store(ctx, &err) ? -1 : command_fail(&err);
}

int command_each(struct command_context *ctx, char **words,
		 int (*each)(const struct store *st, const char *word, void *arg,
			     struct error *err),
		 void *arg)
{
	int status = 0;

	for (; *words; words++) {
		struct error err = ERROR_INIT;
		int r = each(ctx->store, *words, arg, &err);

		/* Before the next one's complaint, and before a wait that may be long. */
		fflush(stdout);
		if (r < 0)
			status = command_fail(&err);
	}
	return command_done(status ? 1 : 0);
}

int command_fail(const struct error *err)
{
	log_error(err);
	return err->status ? err->status : 1;
}

int command_done(int status)
{
	struct error err = ERROR_INIT;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	error_errno(&err, "cannot write to standard output");
	log_error(&err);
	return status ? status : 1;
}
