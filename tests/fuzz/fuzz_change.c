/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions for an image's configuration: applied or refused with a message; and what they made of it can be
 * written as an image's configuration and read again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/change.h"
#include "image-tools/new_image.h"
#include "lib/cleanup.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool is_ascii(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (data[i] >= 0x80)
			return false;
	return true;
}

static char *write_config(const struct image_config *config)
{
	struct new_image n = { .config = config };
	struct error err = ERROR_INIT;
	size_t len;

	return new_image_write(&n, &len, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoimageconfig struct image_config config = IMAGE_CONFIG_INIT;
	autostrv struct strv lines = STRV_INIT;
	autofree char *first = NULL, *second = NULL;
	struct error err = ERROR_INIT;

	strv_take(&lines, xstrndup((const char *)data, size));
	strv_add(&config.env, "PATH=/bin");
	if (changes_apply(&config, &lines, &err) < 0) {
		require(err.code != 0 && err.message[0] && !strchr(err.message, '\n'));
		return 0;
	}
	/* What is no UTF-8 changes in JSON, and a label's name may hold a "=". */
	if (!is_ascii(data, size) || config.labels.len)
		return 0;
	first = write_config(&config);
	require(first != NULL);
	autoimage struct image *img = image_parse(first, strlen(first), &err);
	require(img != NULL);
	second = write_config(&img->config);
	/* Only the times of both differ. */
	require(strlen(first) == strlen(second));
	return 0;
}
