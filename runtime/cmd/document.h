/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `--format` of commands that show one thing: `info`, `version`. (Of those that list: image-tools/cmd/listing.h.) */
#ifndef KNARR_RUNTIME_CMD_DOCUMENT_H
#define KNARR_RUNTIME_CMD_DOCUMENT_H

#include "lib/error.h"
#include "lib/json.h"

/* Prints what format, "json" or a template, makes of doc, and a newline. -1 with err set: `template parsing error: ...`
 * (status 64, as Docker's), or a member that doc does not have. */
int document_print(yyjson_mut_doc *doc, const char *format, struct error *err);

#endif
