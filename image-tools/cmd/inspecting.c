/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/cmd/inspecting.h"

#include <stdio.h>
#include <string.h>

#include "image-tools/cmd/command.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/template.h"

struct inspecting {
	struct template *template; /* NULL: JSON */
	bool one_line;
	yyjson_mut_doc *doc;
	yyjson_mut_val *objects;
	struct strv failures;
};

/* What Go's types say of the members that Docker's documents have. */
static const char *const maps[] = { "Annotations", "Data",    "ExposedPorts", "Labels",
				    "Networks",    "Options", "PortBindings", "Ports",
				    "StorageOpt",  "Sysctls", "Tmpfs",        "Volumes",
				    NULL };
static const char *const lists[] = { "Args",
				     "BlkioDeviceReadBps",
				     "BlkioDeviceReadIOps",
				     "BlkioDeviceWriteBps",
				     "BlkioDeviceWriteIOps",
				     "BlkioWeightDevice",
				     "Binds",
				     "CapAdd",
				     "CapDrop",
				     "Cmd",
				     "DeviceCgroupRules",
				     "DeviceRequests",
				     "Devices",
				     "Dns",
				     "DnsOptions",
				     "DnsSearch",
				     "Entrypoint",
				     "Env",
				     "ExecIDs",
				     "ExtraHosts",
				     "GroupAdd",
				     "Layers",
				     "Links",
				     "MaskedPaths",
				     "Mounts",
				     "OnBuild",
				     "ReadonlyPaths",
				     "RepoDigests",
				     "RepoTags",
				     "SecondaryIPAddresses",
				     "SecondaryIPv6Addresses",
				     "SecurityOpt",
				     "Shell",
				     "Test",
				     "Ulimits",
				     "VolumesFrom",
				     NULL };
static const char *const optional[] = { "Health", "Healthcheck", "Init", "SizeRootFs",
					"SizeRw", "StopTimeout", NULL };
static const char *const optional_texts[] = { "Created", "OsVersion", "StopSignal", "Variant",
					      NULL };
static const struct template_types types = { .maps = maps,
					     .lists = lists,
					     .optional = optional,
					     .optional_texts = optional_texts };

struct inspecting *inspecting_new(const char *format, struct error *err)
{
	struct inspecting *i autoinspecting = xcalloc(1, sizeof(*i));

	i->one_line = format && strcmp(format, "json") == 0;
	if (format && *format && !i->one_line) {
		i->template = template_parse(format, err);
		if (!i->template) {
			error_prefix(err, "template parsing error");
			error_status(err, 64);
			return NULL;
		}
	}
	i->doc = yyjson_mut_doc_new(NULL);
	i->objects = yyjson_mut_arr(i->doc);
	yyjson_mut_doc_set_root(i->doc, i->objects);
	return STEAL_PTR(i);
}

yyjson_mut_doc *inspecting_doc(struct inspecting *i)
{
	return i->doc;
}

void inspecting_add(struct inspecting *i, yyjson_mut_val *object)
{
	yyjson_mut_arr_append(i->objects, object);
}

void inspecting_fail(struct inspecting *i, const struct error *err)
{
	strv_add(&i->failures, err->message);
}

static void print_templates(struct inspecting *i)
{
	yyjson_doc *doc autojson = yyjson_mut_doc_imut_copy(i->doc, NULL);
	struct strbuf out autostrbuf = STRBUF_INIT;
	size_t at, max;
	yyjson_val *object;

	yyjson_arr_foreach(yyjson_doc_get_root(doc), at, max, object)
	{
		struct strbuf text autostrbuf = STRBUF_INIT;
		struct error err = ERROR_INIT;

		if (template_run_typed(i->template, object, &types, &text, &err) < 0) {
			error_prefix(&err, "template parsing error");
			inspecting_fail(i, &err);
			continue;
		}
		strbuf_add(&out, text.data ? text.data : "", text.len);
		strbuf_putc(&out, '\n');
	}
	/* Docker prints an empty line where there is nothing to show. */
	fwrite(out.len ? out.data : "\n", 1, out.len ? out.len : 1, stdout);
}

int inspecting_print(struct inspecting *i)
{
	if (i->template) {
		print_templates(i);
	} else {
		size_t len;
		char *text autofree = json_write(i->doc, !i->one_line, &len);

		fwrite(text, 1, len, stdout);
		putchar('\n');
	}
	int status = command_done(0);
	for (size_t n = 0; n < i->failures.len; n++)
		log_line("%s", i->failures.items[n]);
	return status || !i->failures.len ? status : 1;
}

void inspecting_free(struct inspecting *i)
{
	if (!i)
		return;
	template_free(i->template);
	yyjson_mut_doc_free(i->doc);
	strv_free(&i->failures);
	free(i);
}
