/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/cmd/listing.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/table.h"
#include "lib/template.h"

struct listing {
	const struct listing_kind *kind;
	struct template *template;
	bool table, json;
	yyjson_mut_doc *doc; /* an array of the rows */
	yyjson_mut_val *rows;
};

static const char *const methods[] = { "Label", NULL };

char *listing_template_text(const char *format)
{
	struct strbuf text = STRBUF_INIT;
	size_t len = strlen(format);

	while (len && format[len - 1] == ' ')
		len--;
	while (len && *format == ' ') {
		format++;
		len--;
	}
	for (size_t i = 0; i < len; i++) {
		bool escape = format[i] == '\\' && i + 1 < len &&
			      (format[i + 1] == 't' || format[i + 1] == 'n');

		strbuf_putc(&text, escape ? (format[i + 1] == 't' ? '\t' : '\n') : format[i]);
		i += escape;
	}
	return strbuf_steal(&text);
}

struct listing *listing_new(const struct listing_kind *kind, const char *format, struct error *err)
{
	struct listing *l autolisting = xcalloc(1, sizeof(*l));
	char *text autofree = NULL;

	l->kind = kind;
	if (!format || !*format || strcmp(format, "table") == 0) {
		l->table = true;
		format = kind->columns;
	} else if (str_starts(format, "table")) {
		l->table = true;
		format += strlen("table");
	} else if (strcmp(format, "json") == 0) {
		l->json = true;
		format = "{{json .}}";
	}
	text = listing_template_text(format);
	l->template = template_parse(text, err);
	if (!l->template) {
		error_prefix(err, "template parsing error");
		return NULL;
	}
	l->doc = yyjson_mut_doc_new(NULL);
	l->rows = yyjson_mut_arr(l->doc);
	yyjson_mut_doc_set_root(l->doc, l->rows);
	return STEAL_PTR(l);
}

bool listing_wants(const struct listing *l, const char *field)
{
	/* As with Docker, `ps --format json` does not measure what {{json .}} would. */
	return !l->json && template_mentions(l->template, field);
}

static yyjson_mut_val *field_value(struct listing *l, const char *text)
{
	char *line autofree = NULL;

	if (!text || !l->table)
		return yyjson_mut_strcpy(l->doc, text ? text : "");
	line = xstrdup(text);
	str_one_line(line);
	return yyjson_mut_strcpy(l->doc, line);
}

void listing_row(struct listing *l, const char *const *values, const struct strv *labels)
{
	yyjson_mut_val *row = yyjson_mut_arr_add_obj(l->doc, l->rows);

	for (size_t i = 0; l->kind->fields[i].name; i++)
		yyjson_mut_obj_add(row, yyjson_mut_str(l->doc, l->kind->fields[i].name),
				   field_value(l, values[i]));
	if (labels) {
		yyjson_mut_val *map = yyjson_mut_obj_add_obj(l->doc, row, methods[0]);

		for (size_t i = 0; i < labels->len; i++) {
			const char *label = labels->items[i], *equals = strchr(label, '=');
			size_t len = equals ? (size_t)(equals - label) : strlen(label);

			yyjson_mut_obj_add(map, yyjson_mut_strncpy(l->doc, label, len),
					   field_value(l, equals ? equals + 1 : ""));
		}
	}
}

/* The heading is what the template makes of the headings; a template that cannot do that has none, as with Docker. */
static void print_heading(struct listing *l, struct strbuf *out)
{
	static const struct template_types types = { .methods = methods,
						     .row = true,
						     .heading = true };
	yyjson_mut_doc *doc automutjson = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_doc *headings autojson = NULL;

	yyjson_mut_doc_set_root(doc, root);
	for (const struct listing_field *f = l->kind->fields; f->name; f++)
		yyjson_mut_obj_add_str(doc, root, f->name, f->heading);
	headings = yyjson_mut_doc_imut_copy(doc, NULL);
	template_run_typed(l->template, yyjson_doc_get_root(headings), &types, out, NULL);
	strbuf_putc(out, '\n');
}

static int print_rows(struct listing *l, struct strbuf *out, struct error *err)
{
	static const struct template_types types = { .methods = methods, .row = true };
	yyjson_doc *doc autojson = yyjson_mut_doc_imut_copy(l->doc, NULL);
	yyjson_val *rows = yyjson_doc_get_root(doc), *row;
	size_t i, max;

	yyjson_arr_foreach(rows, i, max, row)
	{
		if (template_run_typed(l->template, row, &types, out, err) < 0)
			return error_prefix(err, "template parsing error");
		strbuf_putc(out, '\n');
	}
	return 0;
}

int listing_print(struct listing *l, struct strbuf *out, struct error *err)
{
	struct strbuf text autostrbuf = STRBUF_INIT;

	if (l->table)
		print_heading(l, &text);
	if (print_rows(l, &text, err) < 0)
		return -1;
	if (l->table)
		table_text(text.data, out);
	else if (text.len)
		strbuf_add(out, text.data, text.len);
	return 0;
}

void listing_free(struct listing *l)
{
	if (!l)
		return;
	template_free(l->template);
	yyjson_mut_doc_free(l->doc);
	free(l);
}
