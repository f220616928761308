/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/ports.h"

#include <string.h>

#include "lib/cleanup.h"
#include "lib/str.h"

bool ports_parse(const char *text, struct ports *p)
{
	const char *slash = strchr(text, '/');
	char *range autofree = xstrndup(text, slash ? (size_t)(slash - text) : strlen(text));
	char *dash = strchr(range, '-');

	p->protocol = slash && slash[1] ? slash + 1 : "tcp";
	if (dash)
		*dash = '\0';
	return str_to_u64(range, 65535, &p->first) == 0 &&
	       str_to_u64(dash ? dash + 1 : range, 65535, &p->last) == 0;
}
