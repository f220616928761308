/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The "sysctl" object of config.json. A container gets to set what belongs to a namespace of its own; all else would be the
 * machine's. */
#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "runtime/oci/config_private.h"
#include "runtime/spec/kernel.h"

/* No path below /proc/sys is near it. */
#define KEY_MAX 240

/* What the ipc namespace has below kernel/ (ipc_namespaces(7)). */
static const char *const ipc_keys[] = {
	"kernel/auto_msgmni",     "kernel/msg_next_id", "kernel/msgmax",      "kernel/msgmnb",
	"kernel/msgmni",          "kernel/sem",         "kernel/sem_next_id", "kernel/shm_next_id",
	"kernel/shm_rmid_forced", "kernel/shmall",      "kernel/shmmax",      "kernel/shmmni",
};

/* The file below /proc/sys that a key means, or NULL: with "." for "/", and with the two exchanged if a "/" comes first
 * (sysctl.d(5)), so that net/ipv4/conf/eth0.1/forwarding has a way to be named. */
static char *key_path(const char *key)
{
	const char *first = strpbrk(key, "./");
	autofree char *path = xstrdup(key);

	if (strlen(key) > KEY_MAX || strchr(key, '='))
		return NULL;
	if (first && *first == '.')
		for (char *p = path; *p; p++)
			*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	for (char *part = path;; part++) {
		size_t len = strcspn(part, "/");

		if (len == 0 || strncmp(part, ".", len) == 0 || strncmp(part, "..", len) == 0)
			return NULL;
		part += len;
		if (!*part)
			return STEAL_PTR(path);
	}
}

static uint64_t namespace_of(const char *path)
{
	for (size_t i = 0; i < sizeof(ipc_keys) / sizeof(ipc_keys[0]); i++)
		if (strcmp(path, ipc_keys[i]) == 0)
			return CLONE_NEWIPC;
	if (str_starts(path, "fs/mqueue/"))
		return CLONE_NEWIPC;
	if (str_starts(path, "net/"))
		return CLONE_NEWNET;
	if (strcmp(path, "kernel/domainname") == 0 || strcmp(path, "kernel/hostname") == 0)
		return CLONE_NEWUTS;
	if (str_starts(path, "user/"))
		return CLONE_NEWUSER;
	return 0;
}

int oci_read_sysctls(const struct json_at *linux_object, struct spec *out, struct error *err)
{
	struct json_at map;
	uint64_t own = out->namespaces;
	const char *value;

	for (size_t i = 0; i < out->n_joins; i++)
		own |= out->joins[i].type;
	if (json_at_get_object(linux_object, "sysctl", &map, err))
		return -1;
	for (struct json_at e = json_at_first(&map); e.value; e = json_at_next(&map, &e)) {
		autofree char *path = key_path(e.key);
		uint64_t namespace = path ? namespace_of(path) : 0;

		if (!path)
			return json_at_error(&e, err, "no name of a sysctl");
		if (json_at_str(&e, &value, err))
			return -1;
		if (!namespace)
			return json_at_error(
				&e, err, "is the whole machine's, no namespace has one of its own");
		if (!(own & namespace))
			return json_at_error(&e, err,
					     "the container has no %s namespace of its own",
					     namespace == CLONE_NEWIPC   ? "ipc"
					     : namespace == CLONE_NEWNET ? "network"
					     : namespace == CLONE_NEWUTS ? "uts"
									 : "user");
		if (strcmp(path, "kernel/hostname") == 0)
			return json_at_error(&e, err, "in conflict with hostname; use that");
		if (strcmp(path, "kernel/domainname") == 0 && out->domainname &&
		    strcmp(value, out->domainname) != 0)
			return json_at_error(&e, err, "in conflict with domainname");
		strv_addf(&out->sysctls, "%s=%s", path, value);
	}
	return 0;
}
