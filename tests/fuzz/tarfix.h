/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the checksums of tar headers right, so that a fuzzer's changes reach what lies behind that check. */
#ifndef KNARR_TESTS_FUZZ_TARFIX_H
#define KNARR_TESTS_FUZZ_TARFIX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline void tar_fix_checksums(uint8_t *data, size_t size)
{
	for (; size >= 512; data += 512, size -= 512) {
		unsigned int sum = 0;
		char digits[8];

		if (memcmp(data + 257, "ustar", 5) != 0)
			continue;
		memset(data + 148, ' ', 8);
		for (size_t i = 0; i < 512; i++)
			sum += data[i];
		snprintf(digits, sizeof(digits), "%06o", sum & 0777777);
		memcpy(data + 148, digits, sizeof(digits));
	}
}

#endif
