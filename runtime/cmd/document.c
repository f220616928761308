/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cmd/document.h"

#include <stdio.h>
#include <string.h>

#include "image-tools/cmd/listing.h"
#include "lib/cleanup.h"
#include "lib/template.h"

int document_print(yyjson_mut_doc *doc, const char *format, struct error *err)
{
	char *text autofree =
		listing_template_text(strcmp(format, "json") == 0 ? "{{json .}}" : format);
	struct template *t autotemplate = template_parse(text, err);
	const struct template_types types = { 0 };
	struct strbuf out autostrbuf = STRBUF_INIT;
	yyjson_doc *fixed autojson = NULL;

	if (!t) {
		error_prefix(err, "template parsing error");
		return error_status(err, 64);
	}
	fixed = yyjson_mut_doc_imut_copy(doc, NULL);
	if (template_run_typed(t, yyjson_doc_get_root(fixed), &types, &out, err) < 0)
		return -1;
	strbuf_putc(&out, '\n');
	fwrite(out.data, 1, out.len, stdout);
	return 0;
}
