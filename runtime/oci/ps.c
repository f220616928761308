/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "runtime/cgroup.h"
#include "runtime/oci/command.h"
#include "runtime/oci/container.h"

struct pids {
	pid_t *items;
	size_t n;
};

static bool is_among(const struct pids *p, long pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i] == pid)
			return true;
	return false;
}

static void print_json(const struct pids *p)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *array = yyjson_mut_arr(doc);

	yyjson_mut_doc_set_root(doc, array);
	for (size_t i = 0; i < p->n; i++)
		yyjson_mut_arr_add_sint(doc, array, p->items[i]);
	autofree char *text = json_write(doc, false, NULL);
	puts(text);
}

/* The word of line at index, or NULL. */
static const char *word_at(const char *line, int index)
{
	for (;; index--) {
		line += strspn(line, " \t\n");
		if (!*line)
			return NULL;
		if (index == 0)
			return line;
		line += strcspn(line, " \t\n");
	}
}

static int pid_column(const char *heading)
{
	const char *word;

	for (int i = 0; (word = word_at(heading, i)); i++)
		if (strncmp(word, "PID", 3) == 0 && strchr(" \t\n", word[3]))
			return i;
	return -1;
}

/* Starts ps(1) with its output in a pipe. */
static pid_t start_ps(char **args, FILE **output, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		if (dup2(ends[1], STDOUT_FILENO) == STDOUT_FILENO)
			execvp(args[0], args);
		_exit(127);
	}
	close(ends[1]);
	*output = pid < 0 ? NULL : fdopen(ends[0], "re");
	if (!*output)
		close(ends[0]);
	return pid < 0 ? error_errno(err, "cannot start ps") : pid;
}

/* Of what ps(1) says with the given options, the heading and the container's lines: as runc does, so that all of its options
 * are there. */
static int print_table(const struct pids *p, char **options, struct error *err)
{
	autostrv struct strv args = STRV_INIT;
	autofile FILE *output = NULL;
	autofree char *line = NULL;
	size_t cap = 0;
	int column = -1, status;

	strv_add(&args, "ps");
	for (char **o = options; *o; o++)
		strv_add(&args, *o);
	if (args.len == 1)
		strv_add(&args, "-ef");
	pid_t ps = start_ps(args.items, &output, err);
	if (ps < 0)
		return -1;
	while (output && getline(&line, &cap, output) > 0) {
		if (column < 0) {
			column = pid_column(line);
			if (column < 0)
				break;
			fputs(line, stdout);
			continue;
		}
		const char *word = word_at(line, column);
		if (word && is_among(p, strtol(word, NULL, 10)))
			fputs(line, stdout);
	}
	if (output)
		fclose(STEAL_PTR(output)); /* it ends, if we read no more */
	while (waitpid(ps, &status, 0) < 0 && errno == EINTR)
		;
	if (column < 0)
		return error_set(err, EINVAL, "ps shows no column PID");
	return 0;
}

int oci_cmd_ps(struct oci_context *ctx, int argc, char **argv)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	const char *format = "table";
	const struct cli_option options[] = {
		{ "format", 'f', CLI_STRING, &format, "string",
		  "\"table\" or \"json\" (default \"table\")" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "ps [OPTIONS] ID [PS OPTIONS]",
		.summary = "Show the processes inside a container",
		.options = options,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	struct pids pids = { 0 };
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (strcmp(format, "table") != 0 && strcmp(format, "json") != 0) {
		error_set(&err, EINVAL, "invalid format option \"%s\"", format);
		return oci_fail(ctx, &err);
	}
	if (oci_container_open(ctx->root, argv[first], &c, &err) < 0)
		return oci_fail(ctx, &err);
	autoclose int cgroup = oci_container_cgroup(&c);
	if (cgroup_pids(cgroup, &pids.items, &pids.n, &err) < 0)
		return oci_fail(ctx, &err);
	autofree pid_t *items = pids.items;
	(void)items;
	/* `ps ID -- -o pid` */
	char **rest = argv + first + 1;
	if (*rest && strcmp(*rest, "--") == 0)
		rest++;
	status = 0;
	if (strcmp(format, "json") == 0)
		print_json(&pids);
	else
		status = print_table(&pids, rest, &err);
	return status < 0 ? oci_fail(ctx, &err) : oci_done(ctx, 0);
}
