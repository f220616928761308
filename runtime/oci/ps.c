/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/process_table.h"
#include "runtime/oci/command.h"
#include "runtime/oci/container.h"

#define COLUMN_WIDTH 8

struct pids {
	pid_t *items;
	size_t n;
};

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

static int print_table(const struct pids *p, char **options, struct error *err)
{
	struct process_table t autoprocesstable = PROCESS_TABLE_INIT;
	autostrbuf struct strbuf out = STRBUF_INIT;
	int n = 0;

	while (options[n])
		n++;
	if (process_table_parse(&t, n, options, err) < 0)
		return -1;
	process_table_print(&t, p->items, p->n, COLUMN_WIDTH, &out);
	fputs(out.data, stdout);
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
