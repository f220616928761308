/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of images: what is taken for one is written out and read again as the same, short and whole, and can be the key
 * of a JSON map and an argument of a command. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/reference.h"
#include "lib/cleanup.h"
#include "lib/str.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = xstrndup((const char *)data, size);
	autoreference struct reference ref = REFERENCE_INIT;
	struct error err = ERROR_INIT;

	if (reference_parse(text, &ref, &err) < 0) {
		require(err.code != 0 && err.message[0] && !ref.repository && !ref.tag);
		return 0;
	}
	autofree char *whole = reference_text(&ref, false);
	for (const char *p = whole; *p; p++)
		require(*p > ' ' && *p < 0x7f && *p != '"' && *p != '\\');
	require(whole[0] != '-' && !strstr(ref.repository, ".."));

	autoreference struct reference again = REFERENCE_INIT;
	require(reference_parse(whole, &again, &err) == 0);
	autofree char *second = reference_text(&again, false);
	require(strcmp(whole, second) == 0);
	return 0;
}
