/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config.json of a bundle, a process for `exec --process`, resources for `update`: the first byte says which. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "runtime/oci/config.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const struct error *err)
{
	require(err->code != 0 && err->message[0]);
	require(!strpbrk(err->message, "\n\r\033"));
}

static void check_process(const struct spec_process *p)
{
	require(p->args.len > 0 && p->cwd[0] == '/' && p->n_rlimits <= 16);
	require(!p->io_priority.set ||
		(p->io_priority.priority >= 0 && p->io_priority.priority < 8));
	require(p->umask == (mode_t)-1 || p->umask <= 0777);
	for (size_t i = 0; i < p->env.len; i++)
		require(strchr(p->env.items[i], '=') != NULL);
}

static void check_config(const struct spec *s)
{
	check_process(&s->process);
	require(s->root.path && s->root.path[0]);
	for (size_t i = 0; i < s->n_mounts; i++)
		require(s->mounts[i].destination[0] == '/' && s->mounts[i].type &&
			s->mounts[i].source);
	for (size_t i = 0; i < s->n_devices; i++)
		require(s->devices[i].path[0] == '/' && s->devices[i].path[1]);
	for (size_t i = 0; i < s->n_joins; i++)
		require(s->joins[i].path[0] == '/' && !(s->namespaces & s->joins[i].type));
	for (size_t i = 0; i < s->sysctls.len; i++)
		require(!strstr(s->sysctls.items[i], "/../") ||
			strchr(s->sysctls.items[i], '=') < strstr(s->sysctls.items[i], "/../"));
	for (int stage = 0; stage < HOOK_STAGES; stage++)
		for (size_t i = 0; i < s->hooks[stage].n; i++)
			require(s->hooks[stage].items[i].path[0] == '/');
	if (s->process.custom_seccomp)
		require(s->process.custom_seccomp->filter.len > 0);
}

static void read_config(const char *text, size_t len)
{
	struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;

	if (oci_config_parse(text, len, &spec, &err) == 0)
		check_config(&spec);
	else
		check_error(&err);
	spec_free(&spec);
}

static void read_process(const char *text, size_t len)
{
	struct spec_process process = { 0 };
	struct error err = ERROR_INIT;

	if (oci_process_parse(text, len, &process, &err) == 0)
		check_process(&process);
	else
		check_error(&err);
	spec_process_free(&process);
}

static void read_resources(const char *text, size_t len)
{
	struct resources r = RESOURCES_INIT;
	struct error err = ERROR_INIT;

	if (oci_resources_parse(text, len, &r, &err) < 0)
		check_error(&err);
	resources_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	log_quiet();
	/* Of its own, so that a byte read behind the end is seen. */
	char *text = malloc(size);
	require(text != NULL);
	memcpy(text, data + 1, size - 1);
	switch (data[0] % 3) {
	case 0:
		read_config(text, size - 1);
		break;
	case 1:
		read_process(text, size - 1);
		break;
	case 2:
		read_resources(text, size - 1);
		break;
	}
	free(text);
	return 0;
}
