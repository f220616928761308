/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of this room, dispatched by runtime/main.c; image-tools/cmd/command.h tells what a command is. */
#ifndef KNARR_RUNTIME_COMMAND_H
#define KNARR_RUNTIME_COMMAND_H

#include "image-tools/cmd/command.h"

/* Of Docker's API: whose commands and words these are. Scripts ask for it. */
#define KNARR_API_VERSION "1.43"

int cmd_attach(struct command_context *ctx, int argc, char **argv);
int cmd_boot(struct command_context *ctx, int argc, char **argv);
int cmd_commit(struct command_context *ctx, int argc, char **argv);
int cmd_container_inspect(struct command_context *ctx, int argc, char **argv);
int cmd_container_prune(struct command_context *ctx, int argc, char **argv);
int cmd_cp(struct command_context *ctx, int argc, char **argv);
int cmd_create(struct command_context *ctx, int argc, char **argv);
int cmd_diff(struct command_context *ctx, int argc, char **argv);
int cmd_events(struct command_context *ctx, int argc, char **argv);
int cmd_exec(struct command_context *ctx, int argc, char **argv);
int cmd_export(struct command_context *ctx, int argc, char **argv);
int cmd_info(struct command_context *ctx, int argc, char **argv);
int cmd_inspect(struct command_context *ctx, int argc, char **argv);
int cmd_fsck(struct command_context *ctx, int argc, char **argv);
int cmd_kill(struct command_context *ctx, int argc, char **argv);
int cmd_logs(struct command_context *ctx, int argc, char **argv);
int cmd_pause(struct command_context *ctx, int argc, char **argv);
int cmd_port(struct command_context *ctx, int argc, char **argv);
int cmd_ps(struct command_context *ctx, int argc, char **argv);
int cmd_rename(struct command_context *ctx, int argc, char **argv);
int cmd_restart(struct command_context *ctx, int argc, char **argv);
int cmd_rm(struct command_context *ctx, int argc, char **argv);
int cmd_run(struct command_context *ctx, int argc, char **argv);
int cmd_shutdown(struct command_context *ctx, int argc, char **argv);
int cmd_start(struct command_context *ctx, int argc, char **argv);
int cmd_stats(struct command_context *ctx, int argc, char **argv);
int cmd_stop(struct command_context *ctx, int argc, char **argv);
int cmd_system_df(struct command_context *ctx, int argc, char **argv);
int cmd_system_prune(struct command_context *ctx, int argc, char **argv);
int cmd_top(struct command_context *ctx, int argc, char **argv);
int cmd_unpause(struct command_context *ctx, int argc, char **argv);
int cmd_update(struct command_context *ctx, int argc, char **argv);
int cmd_version(struct command_context *ctx, int argc, char **argv);
int cmd_volume_create(struct command_context *ctx, int argc, char **argv);
int cmd_volume_inspect(struct command_context *ctx, int argc, char **argv);
int cmd_volume_ls(struct command_context *ctx, int argc, char **argv);
int cmd_volume_prune(struct command_context *ctx, int argc, char **argv);
int cmd_volume_rm(struct command_context *ctx, int argc, char **argv);
int cmd_wait(struct command_context *ctx, int argc, char **argv);

#endif
