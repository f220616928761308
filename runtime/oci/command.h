/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of an OCI runtime, as runc and crun speak it, for podman, containerd and CRI-O: `knarr-oci [GLOBAL
 * OPTIONS] COMMAND [OPTIONS] ID`. oci_main dispatches by the table in runtime/oci/main.c; one file a command or family.
 *
 * A command parses its words with oci_parse, does its work and prints results on stdout; a failure goes through oci_fail to
 * stderr and to the --log file. It returns the exit status: 0; 1 for every failure of ours (255 for `exec`, as runc's); for
 * `run` and `exec` in the foreground the program's own, 128 + n when it was killed by signal n. */
#ifndef KNARR_RUNTIME_OCI_COMMAND_H
#define KNARR_RUNTIME_OCI_COMMAND_H

#include <stdbool.h>

#include "lib/cli.h"
#include "lib/error.h"

#define OCI_VERSION      "1.2.1" /* of the runtime-spec, in the state of containers */
#define OCI_DEFAULT_ROOT "/run/knarr-oci"

struct oci_context {
	const char *root;       /* --root: folder of the states, <root>/<id>/ */
	const char *log;        /* --log: file that errors are appended to, too; NULL: none */
	const char *log_format; /* "text" or "json" */
	bool debug;             /* changes nothing */
	bool systemd_cgroup;    /* cgroupsPath is "slice:prefix:name" */
};

/* knarr-oci itself. */
int oci_main(int argc, char **argv);

/* Parses argv by cmd. Returns -1 to go on, *first being the index of the first argument, or the status to return at once:
 * 0 after `--help` was printed, 1 after a complaint. */
int oci_parse(const struct oci_context *ctx, const struct cli_command *cmd, int argc, char **argv,
	      int *first);

/* path as seen from the folder we were called in; NULL stays NULL. The caller frees. */
char *oci_absolute(const char *path);

/* Tells of err on stderr and in the log; returns 1. */
int oci_fail(const struct oci_context *ctx, const struct error *err);

/* Sees whether there can be a log, and has log_warn_once write to it instead of stderr: those who call a runtime show its
 * stderr as the reason when it fails. ctx must last. -1 with err set, and ctx->log NULL. */
int oci_open_log(struct oci_context *ctx, struct error *err);
/* A warning: to the log, without one to stderr. */
void oci_warn(const struct oci_context *ctx, const struct error *err);

/* A line for the log alone; nothing without --log. level: "error", "warning", "debug". */
void oci_log(const struct oci_context *ctx, const char *level, const char *message);

/* Writes what is left in stdout's buffer and returns status, or 1 when it could not be written. */
int oci_done(const struct oci_context *ctx, int status);

/* argv[0] is the command's own name. */
int oci_cmd_checkpoint(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_create(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_delete(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_events(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_exec(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_features(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_kill(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_list(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_pause(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_ps(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_restore(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_resume(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_run(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_spec(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_start(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_state(struct oci_context *ctx, int argc, char **argv);
int oci_cmd_update(struct oci_context *ctx, int argc, char **argv);

#endif
