/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `version`, in Docker's two parts, though client and server are one program here. */
#include <stdio.h>
#include <sys/utsname.h>

#include "lib/version.h"
#include "runtime/cmd/document.h"
#include "runtime/command.h"

#define COMPILER "gcc " __VERSION__

static void print_text(const struct utsname *u)
{
	printf("Client: Knarr\n"
	       " Version:           " KNARR_VERSION "\n"
	       " API version:       " KNARR_API_VERSION "\n"
	       " Compiler:          " COMPILER "\n"
	       " OS/Arch:           linux/amd64\n"
	       " Context:           default\n"
	       "\n"
	       "Server: Knarr\n"
	       " Engine:\n"
	       "  Version:          " KNARR_VERSION "\n"
	       "  API version:      " KNARR_API_VERSION "\n"
	       "  Compiler:         " COMPILER "\n"
	       "  OS/Arch:          linux/amd64\n"
	       "  Kernel Version:   %s\n"
	       "  Experimental:     false\n",
	       u->release);
}

/* Members in the order of Docker's own (cli/command/system/version.go). */
static yyjson_mut_doc *document(const struct utsname *u)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *o, *platform;

	yyjson_mut_doc_set_root(doc, root);
	o = yyjson_mut_obj_add_obj(doc, root, "Client");
	yyjson_mut_obj_add_str(doc, o, "Version", KNARR_VERSION);
	yyjson_mut_obj_add_str(doc, o, "ApiVersion", KNARR_API_VERSION);
	yyjson_mut_obj_add_str(doc, o, "DefaultAPIVersion", KNARR_API_VERSION);
	yyjson_mut_obj_add_str(doc, o, "Os", "linux");
	yyjson_mut_obj_add_str(doc, o, "Arch", "amd64");
	yyjson_mut_obj_add_str(doc, o, "Context", "default");
	o = yyjson_mut_obj_add_obj(doc, root, "Server");
	platform = yyjson_mut_obj_add_obj(doc, o, "Platform");
	yyjson_mut_obj_add_str(doc, platform, "Name", "Knarr");
	yyjson_mut_obj_add_str(doc, o, "Version", KNARR_VERSION);
	yyjson_mut_obj_add_str(doc, o, "ApiVersion", KNARR_API_VERSION);
	yyjson_mut_obj_add_str(doc, o, "MinAPIVersion", KNARR_API_VERSION);
	yyjson_mut_obj_add_str(doc, o, "Os", "linux");
	yyjson_mut_obj_add_str(doc, o, "Arch", "amd64");
	yyjson_mut_obj_add_strcpy(doc, o, "KernelVersion", u->release);
	yyjson_mut_obj_add_bool(doc, o, "Experimental", false);
	return doc;
}

int cmd_version(struct command_context *ctx, int argc, char **argv)
{
	const char *format = NULL;
	const struct cli_option options[] = {
		{ "format", 'f', CLI_STRING, &format, "string",
		  "Format output using a custom template: 'json' or a Go template" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "version [OPTIONS]",
		.summary = "Show the Knarr version information",
		.options = options,
		.options_anywhere = true,
	};
	struct error err = ERROR_INIT;
	struct utsname u = { 0 };
	int first, status;

	(void)ctx;
	status = command_parse(&cmd, argc, argv, &first);
	if (status >= 0)
		return status;
	uname(&u);
	if (!format || !*format) {
		print_text(&u);
	} else {
		yyjson_mut_doc *doc automutjson = document(&u);

		if (document_print(doc, format, &err) < 0)
			return command_fail(&err);
	}
	return command_done(0);
}
