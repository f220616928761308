/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/version.h"
#include "runtime/command.h"
#include "runtime/oci/command.h"
#include "runtime/oci/config.h"

static const struct oci_command {
	const char *name;
	int (*run)(struct oci_context *ctx, int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "checkpoint", oci_cmd_checkpoint, "Checkpoint a running container (not supported)" },
	{ "create", oci_cmd_create, "Create a container" },
	{ "delete", oci_cmd_delete, "Delete what a stopped container holds" },
	{ "events", oci_cmd_events, "Show what a container uses" },
	{ "exec", oci_cmd_exec, "Execute a process inside a container" },
	{ "features", oci_cmd_features, "Show what this runtime knows, as JSON" },
	{ "kill", oci_cmd_kill, "Send a signal to a container's first process" },
	{ "list", oci_cmd_list, "List containers" },
	{ "pause", oci_cmd_pause, "Suspend all processes inside a container" },
	{ "ps", oci_cmd_ps, "Show the processes inside a container" },
	{ "restore", oci_cmd_restore, "Restore a container from a checkpoint (not supported)" },
	{ "resume", oci_cmd_resume, "Resume the processes of a paused container" },
	{ "run", oci_cmd_run, "Create and start a container" },
	{ "spec", oci_cmd_spec, "Write a config.json to begin with" },
	{ "start", oci_cmd_start, "Execute the program of a created container" },
	{ "state", oci_cmd_state, "Show the state of a container" },
	{ "update", oci_cmd_update, "Change what a container may use" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(const struct oci_context *ctx)
{
	printf("Usage:  %s [GLOBAL OPTIONS] COMMAND [OPTIONS] ID\n\nAn OCI runtime: containers from bundles\n\nCommands:\n",
	       log_program());
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-11s %s\n", commands[i].name, commands[i].summary);
	printf("\nGlobal Options:\n"
	       "      --debug               Accepted for the sake of callers\n"
	       "      --log string          File that errors are written to, too\n"
	       "      --log-format string   \"text\" or \"json\" (default \"text\")\n"
	       "      --root string         Folder of the containers' states (default \"" OCI_DEFAULT_ROOT
	       "\")\n"
	       "      --rootless string     Accepted for the sake of callers\n"
	       "      --systemd-cgroup      Take cgroupsPath as \"slice:prefix:name\"\n"
	       "  -v, --version             Print version information and quit\n"
	       "\nRun '%s COMMAND --help' for more information on a command.\n",
	       log_program());
	return oci_done(ctx, 0);
}

static int version(const struct oci_context *ctx)
{
	printf("knarr-oci version %s\nspec: %s\n", KNARR_VERSION, OCI_VERSION);
	return oci_done(ctx, 0);
}

static int unknown_command(const struct oci_context *ctx, const char *word)
{
	const char *names[N_COMMANDS + 1] = { NULL }, *near;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	near = cli_nearest(word, names);
	if (near)
		error_set(&err, EINVAL, "unknown command \"%s\"; did you mean \"%s\"?", word, near);
	else
		error_set(&err, EINVAL, "unknown command \"%s\"; see '%s --help'", word,
			  log_program());
	return oci_fail(ctx, &err);
}

/* The value of the global option name at argv[*at], which may be --name=value, --name value or, as Go's flags have it,
 * -name value. NULL: it is another one. "" with *missing: there is none. */
static const char *value_of(const char *name, int argc, char **argv, int *at, bool *missing)
{
	const char *word = argv[*at] + 1;
	size_t len = strlen(name);

	word += *word == '-';
	if (strncmp(word, name, len) != 0 || (word[len] && word[len] != '='))
		return NULL;
	if (word[len] == '=')
		return word + len + 1;
	if (*at + 1 < argc)
		return argv[++*at];
	*missing = true;
	return "";
}

/* Whether word is the flag name, alone or as --name=true or =false. */
static bool flag(const char *name, const char *word, bool *out)
{
	size_t len = strlen(name);

	word++;
	word += *word == '-';
	if (strncmp(word, name, len) != 0)
		return false;
	if (!word[len] || strcmp(word + len, "=true") == 0)
		*out = true;
	else if (strcmp(word + len, "=false") == 0)
		*out = false;
	else
		return false;
	return true;
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static bool is_question(const char *word)
{
	return is_one_of(word, "--help", "-h") || is_one_of(word, "--version", "-v");
}

/* Up to the first word that is no option, or asks for help or the version. */
static int parse_globals(struct oci_context *ctx, int argc, char **argv, int *at, struct error *err)
{
	for (; *at < argc && argv[*at][0] == '-' && !is_question(argv[*at]); ++*at) {
		const char *word = argv[*at], *value;
		bool missing = false;

		if ((value = value_of("root", argc, argv, at, &missing)))
			ctx->root = value;
		else if ((value = value_of("log", argc, argv, at, &missing)))
			ctx->log = *value ? value : NULL;
		else if ((value = value_of("log-format", argc, argv, at, &missing)))
			ctx->log_format = value;
		else if ((value = value_of("cgroup-manager", argc, argv, at, &missing)))
			ctx->systemd_cgroup = strcmp(value, "systemd") == 0;
		else if (!value_of("rootless", argc, argv, at, &missing) &&
			 !flag("debug", word, &ctx->debug) &&
			 !flag("systemd-cgroup", word, &ctx->systemd_cgroup))
			return error_set(err, EINVAL, "unknown flag: %s; see '%s --help'", word,
					 log_program());
		if (missing)
			return error_set(err, EINVAL, "flag needs an argument: %s", word);
	}
	if (strcmp(ctx->log_format, "text") != 0 && strcmp(ctx->log_format, "json") != 0)
		return error_set(err, EINVAL, "unknown log-format \"%s\": it is text or json",
				 ctx->log_format);
	if (!*ctx->root)
		return error_set(err, EINVAL, "--root needs the path of a folder");
	return 0;
}

int oci_main(int argc, char **argv)
{
	struct oci_context ctx = { .root = OCI_DEFAULT_ROOT, .log_format = "text" };
	struct error err = ERROR_INIT;
	int at = 1;

	if (parse_globals(&ctx, argc, argv, &at, &err) < 0)
		return oci_fail(&ctx, &err);
	/* `create` changes to the bundle's folder. */
	autofree char *root = oci_absolute(ctx.root), *log = oci_absolute(ctx.log);
	ctx.root = root;
	ctx.log = log;
	if (oci_open_log(&ctx, &err) < 0)
		return oci_fail(&ctx, &err);
	if (at == argc || strcmp(argv[at], "help") == 0 || is_one_of(argv[at], "--help", "-h"))
		return help(&ctx);
	if (is_one_of(argv[at], "--version", "-v"))
		return version(&ctx);
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, argv[at]) == 0)
			return commands[i].run(&ctx, argc - at, argv + at);
	return unknown_command(&ctx, argv[at]);
}
