/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/spec/seccomp_builder.h"

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

/* A filter of one architecture. */
static int start_arch(struct seccomp_builder *b, uint32_t token, struct error *err)
{
	struct seccomp_arch *arch = &b->arches[b->n_arches];

	*arch = (struct seccomp_arch){ .token = token,
				       .ctx = seccomp_init(b->default_action),
				       .newest = -1 };
	if (!arch->ctx)
		return error_set(err, EINVAL,
				 "seccomp: this default action is not known to the kernel");
	b->n_arches++;
	if (token != seccomp_arch_native() &&
	    (seccomp_arch_add(arch->ctx, token) < 0 ||
	     seccomp_arch_remove(arch->ctx, SCMP_ARCH_NATIVE) < 0))
		return error_set(err, EINVAL,
				 "cannot be filtered along with the calls of this machine");

	/* A search tree instead of a list: a call with conditions, which the kernel cannot remember the verdict of, takes
	 * a few steps instead of hundreds. */
	int rc = seccomp_attr_set(arch->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return rc < 0 ? failed(rc, "optimising", err) : 0;
}

int seccomp_builder_start(struct seccomp_builder *b, uint32_t default_action, struct error *err)
{
	*b = (struct seccomp_builder){ .default_action = default_action };
	return start_arch(b, seccomp_arch_native(), err);
}

int seccomp_builder_add_arch(struct seccomp_builder *b, uint32_t arch, struct error *err)
{
	for (size_t i = 0; i < b->n_arches; i++)
		if (b->arches[i].token == arch)
			return 0;
	if (b->n_arches == SECCOMP_ARCHES_MAX)
		return error_set(err, EINVAL, "is one too many");
	return start_arch(b, arch, err);
}

static int add(struct seccomp_builder *b, uint32_t action, const char *call, int nr,
	       const struct scmp_arg_cmp *conditions, unsigned int n, struct error *err)
{
	if (b->n_rules++ == SECCOMP_RULES_MAX)
		return error_set(err, E2BIG, "seccomp: more than %d rules", SECCOMP_RULES_MAX);
	for (size_t i = 0; i < b->n_arches; i++) {
		int rc = seccomp_rule_add_array(b->arches[i].ctx, action, nr, n, conditions);

		/* A rule that stands there already is none to complain of, nor a call that this architecture has not. */
		if (rc < 0 && rc != -EEXIST && rc != -EDOM)
			return failed(rc, call, err);
	}
	return 0;
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
	for (size_t i = 0; i < b->n_arches; i++) {
		int own = seccomp_syscall_resolve_name_arch(b->arches[i].token, call);

		if (own > b->arches[i].newest)
			b->arches[i].newest = own;
	}
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

struct code {
	struct sock_filter insn[BPF_MAXINSNS];
	size_t len;
	bool full;
};

static void emit(struct code *c, unsigned int op, unsigned int jt, unsigned int jf, uint32_t k)
{
	if (c->len == BPF_MAXINSNS)
		c->full = true;
	else
		c->insn[c->len++] =
			(struct sock_filter){ (uint16_t)op, (uint8_t)jt, (uint8_t)jf, k };
}

/* A jump to be aimed later, of any length. */
static size_t emit_jump(struct code *c)
{
	emit(c, BPF_JMP | BPF_JA, 0, 0, 0);
	return c->len - 1;
}

static void aim(struct code *c, size_t jump)
{
	c->insn[jump].k = (uint32_t)(c->len - jump - 1);
}

/* What libseccomp makes of one architecture's rules; it always returns. */
static int emit_rules(struct code *c, const struct seccomp_arch *arch, struct error *err)
{
	autoclose int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return error_errno(err, "seccomp: memfd");
	int rc = seccomp_export_bpf(arch->ctx, fd);
	if (rc < 0)
		return failed(rc, "making the program", err);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "seccomp: memfd");

	size_t size = (size_t)st.st_size, n = size / sizeof(struct sock_filter);
	if (n > BPF_MAXINSNS - c->len) {
		c->full = true;
		return 0;
	}
	if (pread(fd, &c->insn[c->len], size, 0) != (ssize_t)size)
		return error_errno(err, "seccomp: memfd");
	c->len += n;
	return 0;
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

/* The accumulator holds the call's number. */
static int emit_arch(struct code *c, const struct seccomp_builder *b,
		     const struct seccomp_arch *arch, struct error *err)
{
	if (default_denies(b) && arch->newest >= 0) {
		emit(c, BPF_JMP | BPF_JGT | BPF_K, 0, 1, (uint32_t)arch->newest);
		emit(c, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
	}
	return emit_rules(c, arch, err);
}

static const struct seccomp_arch *find_x32(const struct seccomp_builder *b)
{
	for (size_t i = 0; i < b->n_arches; i++)
		if (b->arches[i].token == SCMP_ARCH_X32)
			return &b->arches[i];
	return NULL;
}

/* Each architecture's part, by the token that the kernel gives. x32 has that of x86_64, and a bit in the number. */
static int emit_all(struct code *c, const struct seccomp_builder *b, struct error *err)
{
	const struct seccomp_arch *x32 = find_x32(b);

	emit(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < b->n_arches && !c->full; i++) {
		const struct seccomp_arch *arch = &b->arches[i];

		if (arch == x32)
			continue;
		emit(c, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, arch->token);
		size_t next = emit_jump(c);
		emit(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
		if (arch->token == SCMP_ARCH_X86_64 && x32) {
			emit(c, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
			size_t to_x32 = emit_jump(c);
			if (emit_arch(c, b, arch, err))
				return -1;
			aim(c, to_x32);
			arch = x32;
		}
		if (emit_arch(c, b, arch, err))
			return -1;
		aim(c, next);
	}
	/* Any other architecture, as libseccomp would. */
	emit(c, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_THREAD);
	return 0;
}

int seccomp_builder_finish(struct seccomp_builder *b, struct sock_fprog *out, struct error *err)
{
	autofree struct code *c = xcalloc(1, sizeof(*c));

	if (emit_all(c, b, err))
		return -1;
	if (c->full)
		return error_set(
			err, E2BIG,
			"seccomp: the program has more than the %d instructions that the kernel takes",
			BPF_MAXINSNS);
	out->filter = xcalloc(c->len, sizeof(*out->filter));
	memcpy(out->filter, c->insn, c->len * sizeof(*out->filter));
	out->len = (unsigned short)c->len;
	return 0;
}

void seccomp_builder_free(struct seccomp_builder *b)
{
	for (size_t i = 0; i < b->n_arches; i++)
		seccomp_release(b->arches[i].ctx);
	b->n_arches = 0;
}
