/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/spec/seccomp.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/str.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/seccomp_emit.h"

#include "build/gen/seccomp_default.h"

const struct sock_fprog *seccomp_default(void)
{
	static const struct sock_fprog program = {
		.len = sizeof(seccomp_default_code) / sizeof(seccomp_default_code[0]),
		.filter = (struct sock_filter *)seccomp_default_code,
	};

	return &program;
}

/* The capabilities that any rule asks for. */
static uint64_t relevant(void)
{
	uint64_t out = 0;

	for (size_t i = 0; i < seccomp_table.n_rules; i++)
		out |= seccomp_table.rules[i].with | seccomp_table.rules[i].without;
	return out;
}

const struct sock_fprog *seccomp_default_for(uint64_t capabilities)
{
	static struct made {
		struct made *next;
		uint64_t capabilities;
		struct sock_fprog program;
	} * made;
	uint64_t mask = relevant();
	struct sock_filter code[SECCOMP_CODE_MAX];

	capabilities &= mask;
	if (capabilities == (CAPABILITY_DOCKER_DEFAULT & mask))
		return seccomp_default();
	for (struct made *m = made; m; m = m->next)
		if (m->capabilities == capabilities)
			return &m->program;

	/* The build has seen that there is room enough. */
	size_t n = seccomp_emit(&seccomp_table, capabilities, code);
	struct made *m = xmalloc(sizeof(*m));
	*m = (struct made){ .next = made, .capabilities = capabilities };
	m->program.len = (unsigned short)n;
	m->program.filter = xcalloc(n, sizeof(*code));
	for (size_t i = 0; i < n; i++)
		m->program.filter[i] = code[i];
	made = m;
	return &m->program;
}

int seccomp_install(const struct sock_fprog *filter)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter);
}
