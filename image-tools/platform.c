/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/platform.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

bool platform_is_ours(const char *os, const char *architecture)
{
	return (!os || strcmp(os, PLATFORM_OS) == 0) &&
	       (!architecture || strcmp(architecture, PLATFORM_ARCHITECTURE) == 0);
}

int platform_check(const char *text, struct error *err)
{
	static const char *const ours[] = { PLATFORM,         "linux",          "amd64",
					    "x86_64",         "x86-64",         "linux/x86_64",
					    "linux/x86-64",   "linux/amd64/v1", "linux/x86_64/v1",
					    "linux/x86-64/v1" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcasecmp(text, ours[i]) == 0)
			return 0;
	return error_set(err, EINVAL,
			 "platform \"%.100s\" is not to be had: containers here are " PLATFORM,
			 text);
}
