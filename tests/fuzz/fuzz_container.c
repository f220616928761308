/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files in a container's folder, which a power cut or a hand may have damaged: container.json, state.json, the log.
 * The first byte says which. What is taken for a configuration is written out and read again as the same. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/container/config.h"
#include "runtime/container/logfile.h"
#include "runtime/container/state.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void read_config(const char *text, size_t len)
{
	static const char id[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct container_config c, again;
	struct error err = ERROR_INIT;
	size_t first, second;

	if (config_parse(text, len, id, &c, &err) < 0) {
		require(err.code != 0 && err.message[0]);
		return;
	}
	require(name_valid(c.name) && config_network_valid(c.network));
	autofree char *one = config_write(&c, &first);
	require(config_parse(one, first, id, &again, &err) == 0);
	autofree char *two = config_write(&again, &second);
	require(first == second && memcmp(one, two, first) == 0);
	config_free(&c);
	config_free(&again);
}

static void read_log(const char *text, size_t len)
{
	struct log_reader r = { .dirfd = -1,
				.fd = memfd_create("log", MFD_CLOEXEC),
				.options = { .tail = -1, .timestamps = true } };
	autoclose int out = memfd_create("out", MFD_CLOEXEC);
	struct error err = ERROR_INIT;

	require(r.fd >= 0 && out >= 0 && write(r.fd, text, len) == (ssize_t)len);
	require(log_reader_copy(&r, out, out, &err) == 0);
	require(r.offset >= 0 && (size_t)r.offset <= len);
	log_reader_close(&r);
}

/* Text that is written as output comes back by lines, mended where it is not UTF-8. */
static void escape(const char *text, size_t len)
{
	char out[64];

	for (size_t at = 0, used; at < len; at += used) {
		size_t n = json_escape(text + at, len - at, &used, out, sizeof(out));
		require(n <= sizeof(out) && used > 0 && used <= len - at);
		require(!memchr(out, '\n', n) && !memchr(out, '\0', n));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct container_state state = CONTAINER_STATE_INIT;
	struct error err = ERROR_INIT;

	if (size < 1)
		return 0;
	char *text = malloc(size);
	require(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 4) {
	case 0:
		read_config(text, size - 1);
		break;
	case 1:
		if (state_parse(text, size - 1, &state, &err) == 0)
			require(state.exit_code >= 0 && state.exit_code <= 255 && state.pid >= 0);
		break;
	case 2:
		read_log(text, size - 1);
		break;
	case 3:
		escape(text, size - 1);
		break;
	}
	free(text);
	return 0;
}
