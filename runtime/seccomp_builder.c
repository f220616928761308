/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/seccomp_builder.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/str.h"

/* The bit that tells a call of x32 from one of x86_64, whose architecture it shares. */
#define X32_BIT 0x40000000u

static int failed(int rc, const char *what, struct error *err)
{
	return error_set(err, -rc, "seccomp: %s: %s", what, strerror(-rc));
}

int seccomp_builder_start(struct seccomp_builder *b, uint32_t default_action, struct error *err)
{
	*b = (struct seccomp_builder){ .ctx = seccomp_init(default_action),
				       .default_action = default_action };
	if (!b->ctx)
		return error_set(err, EINVAL,
				 "seccomp: this default action is not known to the kernel");

	/* A search tree instead of a list: a call with conditions, which the kernel cannot remember the verdict of, takes
	 * a few steps instead of hundreds. */
	int rc = seccomp_attr_set(b->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc < 0) {
		seccomp_builder_free(b);
		return failed(rc, "optimising", err);
	}
	b->arches[0] = seccomp_arch_native();
	b->newest[0] = -1;
	b->n_arches = 1;
	return 0;
}

int seccomp_builder_add_arch(struct seccomp_builder *b, uint32_t arch, struct error *err)
{
	int rc = seccomp_arch_add(b->ctx, arch);

	if (rc == -EEXIST)
		return 0;
	if (rc < 0)
		return error_set(err, EINVAL,
				 "cannot be filtered along with the calls of this machine");
	if (b->n_arches == SECCOMP_ARCHES_MAX)
		return error_set(err, EINVAL, "too many architectures");
	b->arches[b->n_arches] = arch;
	b->newest[b->n_arches++] = -1;
	return 0;
}

static void note_newest(struct seccomp_builder *b, const char *call)
{
	for (size_t i = 0; i < b->n_arches; i++) {
		int nr = seccomp_syscall_resolve_name_arch(b->arches[i], call);

		if (nr > b->newest[i])
			b->newest[i] = nr;
	}
}

static int add(struct seccomp_builder *b, uint32_t action, const char *call, int nr,
	       const struct scmp_arg_cmp *conditions, unsigned int n, struct error *err)
{
	if (b->n_rules++ == SECCOMP_RULES_MAX)
		return error_set(err, E2BIG, "seccomp: more than %d rules", SECCOMP_RULES_MAX);

	int rc = seccomp_rule_add_array(b->ctx, action, nr, n, conditions);
	/* A rule that stands there already. */
	if (rc == -EEXIST)
		rc = 0;
	return rc < 0 ? failed(rc, call, err) : 0;
}

int seccomp_builder_add_rule(struct seccomp_builder *b, uint32_t action, const char *call,
			     const struct scmp_arg_cmp *conditions, unsigned int n,
			     struct error *err)
{
	unsigned int used = 0;
	bool twice = false;

	/* Below zero are numbers of libseccomp's own, for calls that only other architectures have. */
	int nr = seccomp_syscall_resolve_name(call);
	if (nr == __NR_SCMP_ERROR)
		return 0;
	note_newest(b, call);
	/* Nothing that would be different, and libseccomp does not take it. */
	if (action == b->default_action)
		return 0;
	for (unsigned int i = 0; i < n; i++) {
		twice |= used >> conditions[i].arg & 1;
		used |= 1u << conditions[i].arg;
	}
	if (!twice)
		return add(b, action, call, nr, conditions, n, err);
	for (unsigned int i = 0; i < n; i++)
		if (add(b, action, call, nr, &conditions[i], 1, err))
			return -1;
	return 0;
}

/* ---- The program */

static int export(struct seccomp_builder *b, struct sock_fprog *out, struct error *err)
{
	autoclose int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return error_errno(err, "seccomp: memfd");
	int rc = seccomp_export_bpf(b->ctx, fd);
	if (rc < 0)
		return failed(rc, "making the program", err);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "seccomp: memfd");

	size_t size = (size_t)st.st_size, len = size / sizeof(struct sock_filter);
	if (len == 0 || len > BPF_MAXINSNS)
		return error_set(err, E2BIG,
				 "seccomp: the program has %zu instructions, the kernel takes %d",
				 len, BPF_MAXINSNS);
	autofree struct sock_filter *insn = xcalloc(len, sizeof(*insn));
	if (pread(fd, insn, size, 0) != (ssize_t)size)
		return error_errno(err, "seccomp: memfd");
	out->len = (unsigned short)len;
	out->filter = STEAL_PTR(insn);
	return 0;
}

static bool has_arch(const struct seccomp_builder *b, uint32_t arch, uint32_t *newest)
{
	for (size_t i = 0; i < b->n_arches; i++)
		if (b->arches[i] == arch && b->newest[i] >= 0) {
			*newest = (uint32_t)b->newest[i];
			return true;
		}
	return false;
}

static bool default_denies(const struct seccomp_builder *b)
{
	switch (b->default_action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
		return true;
	case SECCOMP_RET_ERRNO:
		return (b->default_action & SECCOMP_RET_DATA) != ENOSYS;
	default:
		return false;
	}
}

/* What stands before the program: for each architecture, whether the number lies beyond the newest. Falls through to the
 * program behind it when it does not. */
static size_t write_prefix(const struct seccomp_builder *b, struct sock_filter *p)
{
	static const uint32_t missing = SECCOMP_RET_ERRNO | ENOSYS;
	uint32_t newest, newest_x32;
	size_t n = 0;

	for (size_t i = 0; i < b->n_arches; i++) {
		uint32_t arch = b->arches[i];

		if (arch == SCMP_ARCH_X32 || !has_arch(b, arch, &newest))
			continue;
		p[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						      offsetof(struct seccomp_data, arch));
		if (arch != SCMP_ARCH_X86_64) {
			p[n++] =
				(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 3);
			p[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							      offsetof(struct seccomp_data, nr));
			p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, newest, 0,
							      1);
			p[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, missing);
			continue;
		}
		/* x32's numbers have a bit of their own; those of a list without x32 are left to the program. */
		bool x32 = has_arch(b, SCMP_ARCH_X32, &newest_x32);
		p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 5);
		p[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						      offsetof(struct seccomp_data, nr));
		p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
		p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K,
						      x32 ? newest_x32 : UINT32_MAX, 1, 2);
		p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, newest, 0, 1);
		p[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, missing);
	}
	return n;
}

int seccomp_builder_finish(struct seccomp_builder *b, struct sock_fprog *out, struct error *err)
{
	struct sock_filter prefix[SECCOMP_ARCHES_MAX * 7];
	struct sock_fprog program = { 0 };

	if (export(b, &program, err))
		return -1;

	size_t n = default_denies(b) ? write_prefix(b, prefix) : 0;
	if (n + program.len > BPF_MAXINSNS) {
		free(program.filter);
		return error_set(err, E2BIG,
				 "seccomp: the program has %zu instructions, the kernel takes %d",
				 n + program.len, BPF_MAXINSNS);
	}
	out->filter = xcalloc(n + program.len, sizeof(*out->filter));
	memcpy(out->filter, prefix, n * sizeof(*prefix));
	memcpy(out->filter + n, program.filter, program.len * sizeof(*prefix));
	out->len = (unsigned short)(n + program.len);
	free(program.filter);
	return 0;
}

void seccomp_builder_free(struct seccomp_builder *b)
{
	if (b->ctx)
		seccomp_release(b->ctx);
	b->ctx = NULL;
}
