/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program: one table of commands, called as `knarr` or `docker` (`knarr-oci`: runtime/oci/), with Docker's spellings `container ls`, `image ls`
 * beside the short ones. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/str.h"
#include "lib/version.h"
#include "runtime/command.h"
#include "runtime/container/users.h"
#include "runtime/oci/command.h"
#include "runtime/sandbox/self.h"
#include "runtime/spec/seccomp_cache.h"

enum section { COMMON, OTHER, SYSTEM };

struct command {
	const char *name; /* NULL: only in its group, as `image prune` */
	int (*run)(struct command_context *ctx, int argc, char **argv);
	enum section section;
	const char *summary;
	const char *verb;  /* in the group: `container ls`; NULL: none */
	const char *group; /* "container", "image", "system" or "volume" */
};

static const struct command commands[] = {
	{ "run", cmd_run, COMMON, "Create and run a new container from an image", "run",
	  "container" },
	{ "exec", cmd_exec, COMMON, "Execute a command in a running container", "exec",
	  "container" },
	{ "ps", cmd_ps, COMMON, "List containers", "ls", "container" },
	{ "images", cmd_images, COMMON, "List images", "ls", "image" },
	{ "version", cmd_version, COMMON, "Show the Knarr version information", NULL, NULL },
	{ "attach", cmd_attach, OTHER,
	  "Attach local standard input, output, and error streams to a running container", "attach",
	  "container" },
	{ "commit", cmd_commit, OTHER, "Create a new image from a container's changes", "commit",
	  "container" },
	{ "cp", cmd_cp, OTHER, "Copy files/folders between a container and the local filesystem",
	  "cp", "container" },
	{ "create", cmd_create, OTHER, "Create a new container", "create", "container" },
	{ "diff", cmd_diff, OTHER,
	  "Inspect changes to files or directories on a container's filesystem", "diff",
	  "container" },
	{ "events", cmd_events, OTHER, "Get real time events from the server", "events", "system" },
	{ "export", cmd_export, OTHER, "Export a container's filesystem as a tar archive", "export",
	  "container" },
	{ "history", cmd_history, OTHER, "Show the history of an image", "history", "image" },
	{ "import", cmd_import, OTHER,
	  "Import the contents from a tarball to create a filesystem image", "import", "image" },
	{ "info", cmd_info, COMMON, "Display system-wide information", "info", "system" },
	{ "inspect", cmd_inspect, OTHER, "Return low-level information on objects", NULL, NULL },
	{ "kill", cmd_kill, OTHER, "Kill one or more running containers", "kill", "container" },
	{ "load", cmd_load, OTHER, "Load an image from a tar archive or STDIN", "load", "image" },
	{ "logs", cmd_logs, OTHER, "Fetch the logs of a container", "logs", "container" },
	{ "pause", cmd_pause, OTHER, "Pause all processes within one or more containers", "pause",
	  "container" },
	{ "port", cmd_port, OTHER, "List port mappings or a specific mapping for the container",
	  "port", "container" },
	{ "rename", cmd_rename, OTHER, "Rename a container", "rename", "container" },
	{ "restart", cmd_restart, OTHER, "Restart one or more containers", "restart", "container" },
	{ "rm", cmd_rm, OTHER, "Remove one or more containers", "rm", "container" },
	{ "rmi", cmd_rmi, OTHER, "Remove one or more images", "rm", "image" },
	{ "save", cmd_save, OTHER,
	  "Save one or more images to a tar archive (streamed to STDOUT by default)", "save",
	  "image" },
	{ "start", cmd_start, OTHER, "Start one or more stopped containers", "start", "container" },
	{ "stats", cmd_stats, OTHER,
	  "Display a live stream of container(s) resource usage statistics", "stats", "container" },
	{ "stop", cmd_stop, OTHER, "Stop one or more running containers", "stop", "container" },
	{ "tag", cmd_tag, OTHER, "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE", "tag",
	  "image" },
	{ "top", cmd_top, OTHER, "Display the running processes of a container", "top",
	  "container" },
	{ "unpause", cmd_unpause, OTHER, "Unpause all processes within one or more containers",
	  "unpause", "container" },
	{ "update", cmd_update, OTHER, "Update configuration of one or more containers", "update",
	  "container" },
	{ "wait", cmd_wait, OTHER,
	  "Block until one or more containers stop, then print their exit codes", "wait",
	  "container" },
	{ NULL, cmd_container_inspect, OTHER,
	  "Display detailed information on one or more containers", "inspect", "container" },
	{ NULL, cmd_container_prune, OTHER, "Remove all stopped containers", "prune", "container" },
	{ NULL, cmd_image_inspect, OTHER, "Display detailed information on one or more images",
	  "inspect", "image" },
	{ NULL, cmd_image_prune, OTHER, "Remove unused images", "prune", "image" },
	{ NULL, cmd_system_df, OTHER, "Show disk usage", "df", "system" },
	{ NULL, cmd_system_prune, OTHER, "Remove unused data", "prune", "system" },
	{ NULL, cmd_volume_create, OTHER, "Create a volume", "create", "volume" },
	{ NULL, cmd_volume_inspect, OTHER, "Display detailed information on one or more volumes",
	  "inspect", "volume" },
	{ NULL, cmd_volume_ls, OTHER, "List volumes", "ls", "volume" },
	{ NULL, cmd_volume_prune, OTHER, "Remove unused local volumes", "prune", "volume" },
	{ NULL, cmd_volume_rm, OTHER, "Remove one or more volumes", "rm", "volume" },
	{ "boot", cmd_boot, SYSTEM, "Set the store in order after the machine has started", NULL,
	  NULL },
	{ "fsck", cmd_fsck, SYSTEM, "Check that the store is whole, and mend it", NULL, NULL },
	{ "shutdown", cmd_shutdown, SYSTEM,
	  "Stop all running containers before the machine goes down", NULL, NULL },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct {
	const char *name, *summary;
} groups[] = {
	{ "container", "Manage containers" },
	{ "image", "Manage images" },
	{ "system", "Manage Knarr" },
	{ "volume", "Manage volumes" },
};

/* Other words for verbs, as Docker takes them. */
static const struct {
	const char *group, *word, *verb;
} aliases[] = {
	{ "container", "list", "ls" }, { "container", "ps", "ls" }, { "container", "remove", "rm" },
	{ "image", "images", "ls" },   { "image", "list", "ls" },   { "image", "remove", "rm" },
	{ "image", "rmi", "rm" },      { "volume", "list", "ls" },  { "volume", "remove", "rm" },
};

#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

/* ---- Help */

static void help_line(const char *name, const char *summary)
{
	printf("  %-11s %s\n", name, summary);
}

static void help_section(const char *title, enum section section)
{
	printf("\n%s:\n", title);
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (commands[i].section == section && commands[i].name)
			help_line(commands[i].name, commands[i].summary);
}

static int help(void)
{
	const char *prog = log_program();

	printf("Usage:  %s [OPTIONS] COMMAND\n\nA minimal container host: images, containers and their runtime, without a "
	       "daemon\n",
	       prog);
	help_section("Common Commands", COMMON);
	printf("\nManagement Commands:\n");
	for (size_t i = 0; i < N_GROUPS; i++)
		help_line(groups[i].name, groups[i].summary);
	help_section("Commands", OTHER);
	help_section("System Commands", SYSTEM);
	printf("\nGlobal Options:\n"
	       "      --root string        Folder of the store (default \"%s\", or $KNARR_ROOT)\n"
	       "  -v, --version            Print version information and quit\n"
	       "\nRun '%s COMMAND --help' for more information on a command.\n",
	       STORE_DEFAULT_ROOT, prog);
	return command_done(0);
}

static int compare_verbs(const void *a, const void *b)
{
	return strcmp((*(const struct command *const *)a)->verb,
		      (*(const struct command *const *)b)->verb);
}

static int group_help(const char *group, const char *summary)
{
	const struct command *sorted[N_COMMANDS] = { NULL };
	const char *prog = log_program();
	size_t n = 0;

	printf("Usage:  %s %s COMMAND\n\n%s\n\nCommands:\n", prog, group, summary);
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (commands[i].group && strcmp(commands[i].group, group) == 0)
			sorted[n++] = &commands[i];
	qsort(sorted, n, sizeof(sorted[0]), compare_verbs);
	for (size_t i = 0; i < n; i++)
		help_line(sorted[i]->verb, sorted[i]->summary);
	printf("\nRun '%s %s COMMAND --help' for more information on a command.\n", prog, group);
	return command_done(0);
}

/* ---- Dispatch */

static int unknown(const char *group, const char *word)
{
	const char *names[N_COMMANDS + N_GROUPS + 1], *near;
	const char *prog = log_program(), *space = *group ? " " : "";
	struct error err = ERROR_INIT;
	size_t n = 0;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!*group && commands[i].name)
			names[n++] = commands[i].name;
		else if (*group && commands[i].group && strcmp(commands[i].group, group) == 0)
			names[n++] = commands[i].verb;
	}
	for (size_t i = 0; !*group && i < N_GROUPS; i++)
		names[n++] = groups[i].name;
	names[n] = NULL;
	near = cli_nearest(word, names);
	if (near)
		error_set(&err, EINVAL, "'%s' is not a %s%s%s command; did you mean '%s'?", word,
			  prog, space, group, near);
	else
		error_set(&err, EINVAL, "'%s' is not a %s%s%s command; see '%s%s%s --help'", word,
			  prog, space, group, prog, space, group);
	return command_fail(&err);
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static const char *unalias(const char *group, const char *word)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(aliases[i].group, group) == 0 && strcmp(aliases[i].word, word) == 0)
			return aliases[i].verb;
	return word;
}

static int run_group(struct command_context *ctx, size_t group, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "--help";

	if (is_help(verb))
		return group_help(groups[group].name, groups[group].summary);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (!c->group || strcmp(c->group, groups[group].name) != 0)
			continue;
		if (strcmp(c->verb, unalias(c->group, verb)) == 0)
			return c->run(ctx, argc - 1, argv + 1);
	}
	return unknown(groups[group].name, verb);
}

static int run(struct command_context *ctx, int argc, char **argv)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (commands[i].name && strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(ctx, argc, argv);
	for (size_t i = 0; i < N_GROUPS; i++)
		if (strcmp(groups[i].name, argv[0]) == 0)
			return run_group(ctx, i, argc, argv);
	return unknown("", argv[0]);
}

/* `docker help`, `docker help run`. */
static int help_on(struct command_context *ctx, int argc, char **argv)
{
	char *words[] = { argv[0], (char[]){ "--help" }, NULL };

	return argc > 0 ? run(ctx, 2, words) : help();
}

/* ---- Global options */

static int refuse_host(void)
{
	struct error err = ERROR_INIT;

	error_set(&err, EINVAL,
		  "there is no daemon to connect to: commands work on this machine alone");
	error_status(&err, 125);
	return command_fail(&err);
}

static int bad_option(const char *word)
{
	struct error err = ERROR_INIT;

	if (strcmp(word, "--root") == 0)
		error_set(&err, EINVAL, "flag needs an argument: --root");
	else
		error_set(&err, EINVAL, "unknown flag: %s; see '%s --help'", word, log_program());
	error_status(&err, 125);
	return command_fail(&err);
}

static int dispatch(struct command_context *ctx, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *word = argv[i];

		if (is_help(word))
			return help();
		if (strcmp(word, "--version") == 0 || strcmp(word, "-v") == 0) {
			printf("Knarr version %s\n", KNARR_VERSION);
			return command_done(0);
		}
		if (str_starts(word, "-H") || strcmp(word, "--host") == 0 ||
		    str_starts(word, "--host="))
			return refuse_host();
		if (str_starts(word, "--root=")) {
			ctx->root = word + 7;
		} else if (strcmp(word, "--root") == 0 && i + 1 < argc) {
			ctx->root = argv[++i];
		} else {
			return bad_option(word);
		}
	}
	if (i == argc)
		return help();
	if (strcmp(argv[i], "help") == 0)
		return help_on(ctx, argc - i - 1, argv + i + 1);
	return run(ctx, argc - i, argv + i);
}

int main(int argc, char **argv)
{
	struct command_context ctx = { .image_users = users_of_images };
	const char *root = getenv("KNARR_ROOT");
	int status;

	self_protect(argv);
	log_set_program(argc > 0 ? argv[0] : "knarr");
	seccomp_cache_use(SECCOMP_CACHE);
	if (strcmp(log_program(), "knarr-oci") == 0)
		return oci_main(argc, argv);
	if (root && *root)
		ctx.root = root;
	status = dispatch(&ctx, argc, argv);
	command_close(&ctx);
	return status;
}
