/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child's reports in words for a person, and the exit statuses that go with them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/sandbox/sandbox_launch.h"

/* ---- Words */

static const char *const step_words[STEP_COUNT] = {
	[STEP_NAMESPACE] = "entering the container's namespaces",
	[STEP_ROOT] = "changing the root filesystem:",
	[STEP_MOUNT] = "mounting",
	[STEP_MOUNT_POINT] = "making the mount point",
	[STEP_MOUNT_PROC] = "refusing to mount over what is no ordinary folder:",
	[STEP_DEVICE] = "making the device",
	[STEP_MASK] = "masking",
	[STEP_READONLY] = "making read-only",
	[STEP_HOSTNAME] = "setting the hostname to",
	[STEP_LOOPBACK] = "bringing up the network interface",
	[STEP_SYSCTL] = "setting the sysctl",
	[STEP_TERMINAL] = "making the terminal",
	[STEP_STDIO] = "arranging stdin, stdout and stderr",
	[STEP_USER] = "changing the user",
	[STEP_CAPABILITY] = "setting capabilities",
	[STEP_SECCOMP] = "installing the seccomp filter",
	[STEP_KEYRING] = "making a session keyring",
	[STEP_PERSONALITY] = "setting the personality",
	[STEP_AFFINITY] = "setting the CPU affinity",
	[STEP_LABEL] = "setting the label",
};

/* strerror in the words of Docker (that is, of Go), which begin in lower case. */
static const char *why(int code, char buf[64])
{
	snprintf(buf, 64, "%s", strerror(code));
	if (buf[0] >= 'A' && buf[0] <= 'Z' && !(buf[1] >= 'A' && buf[1] <= 'Z'))
		buf[0] = (char)(buf[0] - 'A' + 'a');
	return buf;
}

/* Turns the child's report into err. The statuses are Docker's: 127 for what is not there, 126 for
 * what is there and cannot be executed. */
int sandbox_report_error(const struct sandbox_report *r, struct error *err)
{
	char buf[64];
	const char *d = r->detail;
	const char *reason = why(r->code, buf);

	switch (r->step) {
	case STEP_HOOK:
		error_set(err, r->code, "%s", d);
		return error_status(err, 125);
	case STEP_NOT_IN_PATH:
		error_set(err, r->code, "exec: \"%s\": executable file not found in $PATH", d);
		return error_status(err, 127);
	case STEP_STAT:
		error_set(err, r->code, "exec: \"%s\": stat %s: %s", d, d, reason);
		return error_status(err, r->code == ENOENT ? 127 : 126);
	case STEP_NO_PROGRAM:
		error_set(err, r->code, "exec: \"%s\": %s", d, reason);
		return error_status(err, 126);
	case STEP_EXEC:
		error_set(err, r->code, "exec %s: %s", d, reason);
		return error_status(err, r->code == ENOENT ? 127 : 126);
	case STEP_CWD:
		error_set(err, r->code, "working directory \"%s\": %s", d, reason);
		return error_status(err, r->code == ENOTDIR || r->code == EACCES ? 126 : 125);
	default:
		break;
	}
	const char *words = r->step > 0 && r->step < STEP_COUNT ? step_words[r->step] : NULL;
	if (!words)
		words = "setting up the container";
	error_set(err, r->code, d[0] ? "%s %s: %s" : "%s%s: %s", words, d, reason);
	return error_status(err, 125);
}
