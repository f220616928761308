/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/seccomp.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "build/gen/seccomp_default.h"

const struct sock_fprog *seccomp_default(void)
{
	static const struct sock_fprog program = {
		.len = sizeof(seccomp_default_code) / sizeof(seccomp_default_code[0]),
		.filter = (struct sock_filter *)seccomp_default_code,
	};

	return &program;
}

int seccomp_install(const struct sock_fprog *filter)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter);
}
