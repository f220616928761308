/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/spec/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <strings.h>
#include <sys/prctl.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/spec/kernel.h"

/* By number, as in <linux/capability.h>; they are the kernel's interface and only ever grow at the
 * end. */
static const char *const names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

#define N_NAMES ((int)(sizeof(names) / sizeof(names[0])))

int capability_from_name(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (int i = 0; i < N_NAMES; i++)
		if (strcasecmp(name, names[i] + 4) == 0)
			return i;
	return -1;
}

const char *capability_name(int number)
{
	return number >= 0 && number < N_NAMES ? names[number] : NULL;
}

uint64_t capability_all(void)
{
	/* PR_CAPBSET_READ fails for what the kernel does not know: cheaper than a file of /proc,
	 * and there without it. */
	static uint64_t all;

	if (all)
		return all;
	for (int i = 0; i < 64 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		all |= UINT64_C(1) << i;
	return all;
}

uint64_t capability_own(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

static int parse_list(const char *flag, const struct strv *list, uint64_t *mask, bool *everything,
		      struct error *err)
{
	*mask = 0;
	*everything = false;
	for (size_t i = 0; list && i < list->len; i++) {
		const char *name = list->items[i];
		int number = capability_from_name(name);

		if (strcasecmp(name, "ALL") == 0 || strcasecmp(name, "CAP_ALL") == 0)
			*everything = true;
		else if (number < 0)
			return error_set(err, EINVAL, "invalid %s: unknown capability: \"%s\"",
					 flag, name);
		else
			*mask |= UINT64_C(1) << number;
	}
	return 0;
}

int capability_apply_flags(uint64_t base, const struct strv *add, const struct strv *drop,
			   uint64_t *out, struct error *err)
{
	uint64_t added, dropped;
	bool add_all, drop_all;

	if (parse_list("CapAdd", add, &added, &add_all, err) < 0 ||
	    parse_list("CapDrop", drop, &dropped, &drop_all, err) < 0)
		return -1;
	if (add_all)
		*out = capability_all() & ~dropped;
	else if (drop_all)
		*out = added;
	else
		*out = (base & ~dropped) | added;
	return 0;
}

/* ---- Between clone and exec */

int capability_drop_bounding(uint64_t keep, uint64_t all)
{
	for (int i = 0; i < 64; i++)
		if ((all & ~keep) >> i & 1 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return -1;
	return 0;
}

int capability_set(const struct spec_capabilities *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int half = 0; half < 2; half++) {
		data[half].permitted = (uint32_t)(sets->permitted >> (32 * half));
		data[half].effective = (uint32_t)(sets->effective >> (32 * half));
		data[half].inheritable = (uint32_t)(sets->inheritable >> (32 * half));
	}
	if (syscall(SYS_capset, &header, data) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -1;
	for (int i = 0; i < 64; i++)
		if (sets->ambient >> i & 1 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return -1;
	return 0;
}
