/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/oci/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/str.h"

char *oci_absolute(const char *path)
{
	if (!path || path[0] == '/')
		return path ? xstrdup(path) : NULL;
	autofree char *here = getcwd(NULL, 0);
	return str_format("%s/%s", here && strcmp(here, "/") != 0 ? here : "", path);
}

/* A line as logrus writes it, which is what those who call a runtime read. */
static char *log_line_text(const char *level, const char *message, size_t *len)
{
	char when[TIME_TEXT_MAX];
	struct strbuf text = STRBUF_INIT;

	time_text(time_now(), when);
	strbuf_printf(&text, "time=\"%s\" level=%s msg=\"", when, level);
	for (const char *c = message; *c; c++) {
		if (*c == '"' || *c == '\\')
			strbuf_putc(&text, '\\');
		strbuf_putc(&text, *c);
	}
	strbuf_puts(&text, "\"\n");
	*len = text.len;
	return strbuf_steal(&text);
}

static char *log_line_json(const char *level, const char *message, size_t *len)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char when[TIME_TEXT_MAX];
	struct strbuf text = STRBUF_INIT;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "level", level);
	yyjson_mut_obj_add_str(doc, root, "msg", message);
	yyjson_mut_obj_add_str(doc, root, "time", time_text(time_now(), when));
	autofree char *json = json_write(doc, false, NULL);
	strbuf_puts(&text, json);
	strbuf_putc(&text, '\n');
	*len = text.len;
	return strbuf_steal(&text);
}

static int open_log(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
}

void oci_log(const struct oci_context *ctx, const char *level, const char *message)
{
	size_t len;

	if (!ctx->log)
		return;
	autofree char *line = strcmp(ctx->log_format, "json") == 0
				      ? log_line_json(level, message, &len)
				      : log_line_text(level, message, &len);
	autoclose int fd = open_log(ctx->log);
	if (fd < 0 || fs_write_all(fd, line, len) < 0)
		log_line("warning: cannot write to the log %s: %s", ctx->log, strerror(errno));
}

static const struct oci_context *warned;

static void log_warning(const char *message)
{
	oci_log(warned, "warning", message);
}

int oci_open_log(struct oci_context *ctx, struct error *err)
{
	const char *log = ctx->log;
	autoclose int fd = log ? open_log(log) : -1;

	if (log && fd < 0) {
		ctx->log = NULL;
		return error_errno(err, "log \"%s\"", log);
	}
	warned = ctx;
	if (log)
		log_divert_warnings(log_warning);
	return 0;
}

void oci_warn(const struct oci_context *ctx, const struct error *err)
{
	if (ctx->log)
		oci_log(ctx, "warning", err->message);
	else
		log_line("warning: %s", err->message);
}

int oci_fail(const struct oci_context *ctx, const struct error *err)
{
	fflush(stdout);
	oci_log(ctx, "error", err->message);
	log_error(err);
	return 1;
}

int oci_done(const struct oci_context *ctx, int status)
{
	struct error err = ERROR_INIT;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	error_errno(&err, "cannot write to standard output");
	return oci_fail(ctx, &err);
}

int oci_parse(const struct oci_context *ctx, const struct cli_command *cmd, int argc, char **argv,
	      int *first)
{
	autostrbuf struct strbuf help = STRBUF_INIT;
	struct error err = ERROR_INIT;

	switch (cli_parse(cmd, argc, argv, first, &err)) {
	case CLI_OK:
		return -1;
	case CLI_HELP:
		cli_help(cmd, log_program(), &help);
		fputs(help.data, stdout);
		return oci_done(ctx, 0);
	default:
		return oci_fail(ctx, &err);
	}
}
