/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Image configurations: read or refused, never half read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/image.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static size_t total(const struct strv *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->len; i++)
		n += strlen(v->items[i]);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	autoimage struct image *img = image_parse((const char *)data, size, &err);

	if (!img) {
		require(err.code != 0 && err.message[0]);
		return 0;
	}
	/* No string is longer than what it came from: whoever sums them up has no surprises. */
	require(total(&img->config.env) + total(&img->config.cmd) + total(&img->config.entrypoint) +
			total(&img->config.labels) <=
		size);
	require(img->n_diffids * 64 <= size && img->n_history * 2 <= size);
	return 0;
}
