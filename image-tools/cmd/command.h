/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every command gets from the dispatcher (runtime/main.c), and the commands of this room. A command parses its own
 * words, calls the library and prints: results on stdout, one line for a failure on stderr. It returns the exit status
 * and never exits itself.
 *
 *     int cmd_NAME(struct command_context *ctx, int argc, char **argv)      argv[0] is the command's own name
 *
 * Exit statuses are those of Docker's client: 0; 1 for a command that failed; 125 for words that could not be understood
 * and, in `run`, for every fault of our own; 126 and 127 where a program could not be executed or found. */
#ifndef KNARR_IMAGE_TOOLS_CMD_COMMAND_H
#define KNARR_IMAGE_TOOLS_CMD_COMMAND_H

#include "image-tools/store.h"
#include "image-tools/users.h"
#include "lib/cli.h"
#include "lib/error.h"

struct command_context {
	const char *root;           /* --root, KNARR_ROOT or STORE_DEFAULT_ROOT */
	struct store *store;        /* NULL until command_store is called */
	image_users_fn image_users; /* who needs which image: runtime's, set by the dispatcher */
};

/* The store at ctx->root, opened on first use and kept in ctx, so that `--help` and a mistyped flag need no store. NULL
 * with err set. */
struct store *command_store(struct command_context *ctx, struct error *err);

/* Closes what ctx holds; the dispatcher calls it after the command. */
void command_close(struct command_context *ctx);

/* Parses argv by cmd and does what every command does with the result. Returns -1 to go on, *first being the index of
 * the first argument, or the status to return at once: 0 after `--help` was printed, 125 after a complaint. */
int command_parse(const struct cli_command *cmd, int argc, char **argv, int *first);

/* The usual beginning: command_parse, then command_store. Returns -1 to go on with ctx->store open, or the status to
 * return at once. */
int command_begin(struct command_context *ctx, const struct cli_command *cmd, int argc, char **argv,
		  int *first);

/* Does one thing to each of words (NULL-terminated: `rm web db`), whatever becomes of the others. each prints its own result and
 * returns 0, or -1 with err set, which is printed. Returns the command's status: 0, or 1 if any failed. */
int command_each(struct command_context *ctx, char **words,
		 int (*each)(const struct store *st, const char *word, void *arg,
			     struct error *err),
		 void *arg);

/* Prints the line for err and returns the status to end with: err->status where set, else 1. */
int command_fail(const struct error *err);

/* Writes what is left in stdout's buffer and returns status, or 1 with a line on stderr when it could not be written
 * (`knarr images >/dev/full`): output that got lost is no success. */
int command_done(int status);

int cmd_history(struct command_context *ctx, int argc, char **argv);
int cmd_image_inspect(struct command_context *ctx, int argc, char **argv);
int cmd_image_prune(struct command_context *ctx, int argc, char **argv);
int cmd_images(struct command_context *ctx, int argc, char **argv);
int cmd_import(struct command_context *ctx, int argc, char **argv);
int cmd_load(struct command_context *ctx, int argc, char **argv);
int cmd_rmi(struct command_context *ctx, int argc, char **argv);
int cmd_save(struct command_context *ctx, int argc, char **argv);
int cmd_tag(struct command_context *ctx, int argc, char **argv);

#endif
