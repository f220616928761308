/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/device_filter.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/str.h"

static long sys_bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* ---- Compiling
 *
 * r2: device type, r3: access wanted, r4: major, r5: minor; r0: 1 allows. Each rule is a block of
 * at most eight instructions that jumps to the next block when it does not match; the last rule
 * comes first. */

#define RULE_MAX 9

struct program {
	struct bpf_insn *code;
	size_t len;
};

static void emit(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t offset,
		 int32_t value)
{
	p->code[p->len++] = (struct bpf_insn){ .code = code,
					       .dst_reg = dst & 15U,
					       .src_reg = src & 15U,
					       .off = offset,
					       .imm = value };
}

/* A jump to the end of the block begun at start, patched by end_block. */
static void emit_skip_unless(struct program *p, uint8_t operation, uint8_t reg, int32_t value)
{
	emit(p, (uint8_t)(BPF_JMP | operation | BPF_K), reg, 0, -1, value);
}

static void end_block(struct program *p, size_t start)
{
	for (size_t i = start; i < p->len; i++)
		if (BPF_CLASS(p->code[i].code) == BPF_JMP && p->code[i].off == -1)
			p->code[i].off = (int16_t)(p->len - i - 1);
}

static void emit_verdict(struct program *p, bool allow)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void emit_rule(struct program *p, const struct device_rule *rule)
{
	size_t start = p->len;

	if (rule->type != 'a')
		emit_skip_unless(p, BPF_JNE, BPF_REG_2,
				 rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->access != DEVICE_ALL) {
		/* Allowing needs all that is wanted to be in the rule, refusing any of it. */
		emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0);
		emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_1, 0, 0,
		     (int32_t)(rule->allow ? DEVICE_ALL & ~rule->access : rule->access));
		emit_skip_unless(p, rule->allow ? BPF_JNE : BPF_JEQ, BPF_REG_1, 0);
	}
	if (rule->major >= 0)
		emit_skip_unless(p, BPF_JNE, BPF_REG_4, (int32_t)rule->major);
	if (rule->minor >= 0)
		emit_skip_unless(p, BPF_JNE, BPF_REG_5, (int32_t)rule->minor);
	emit_verdict(p, rule->allow);
	end_block(p, start);
}

/* A rule that matches everything makes those before it unreachable, which the kernel's verifier
 * would refuse. */
static bool matches_all(const struct device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 &&
	       rule->access == DEVICE_ALL;
}

int device_filter_load(const struct device_rule *rules, size_t n, struct error *err)
{
	autofree struct bpf_insn *code = xcalloc(n * RULE_MAX + 8, sizeof(*code));
	struct program p = { .code = code };

	/* struct bpf_cgroup_dev_ctx: access_type (access << 16 | type), major, minor. */
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, 0, 0);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, 4, 0);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, 8, 0);
	emit(&p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	emit(&p, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
	emit(&p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);

	bool decided = false;
	for (size_t i = n; i-- > 0 && !decided;) {
		emit_rule(&p, &rules[i]);
		decided = matches_all(&rules[i]);
	}
	if (!decided)
		emit_verdict(&p, false);

	union bpf_attr attr;
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)p.code;
	attr.insn_cnt = (uint32_t)p.len;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	int fd = (int)sys_bpf(BPF_PROG_LOAD, &attr);
	return fd < 0 ? error_errno(err, "loading the device filter") : fd;
}

int device_filter_attach(int cgroup_fd, int program_fd, struct error *err)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)program_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	/* Others may join, below: a systemd in a container filters its services. */
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (sys_bpf(BPF_PROG_ATTACH, &attr) < 0)
		return error_errno(err, "attaching the device filter");
	return 0;
}

int device_filter_ensure(int cgroup_fd, struct error *err)
{
	/* Any node may be made; only these may be opened. */
	static const struct device_rule defaults[] = {
		{ true, 'a', -1, -1, DEVICE_MKNOD }, { true, 'c', 1, 3, DEVICE_ALL }, /* null */
		{ true, 'c', 1, 5, DEVICE_ALL },                                      /* zero */
		{ true, 'c', 1, 7, DEVICE_ALL },                                      /* full */
		{ true, 'c', 1, 8, DEVICE_ALL },                                      /* random */
		{ true, 'c', 1, 9, DEVICE_ALL },                                      /* urandom */
		{ true, 'c', 5, 0, DEVICE_ALL },                                      /* tty */
		{ true, 'c', 5, 1, DEVICE_ALL },                                      /* console */
		{ true, 'c', 5, 2, DEVICE_ALL },                                      /* ptmx */
		{ true, 'c', 136, -1, DEVICE_ALL },                                   /* pts */
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	if (sys_bpf(BPF_PROG_QUERY, &attr) == 0 && attr.query.prog_cnt > 0)
		return 0;

	struct error why = ERROR_INIT;
	autoclose int program =
		device_filter_load(defaults, sizeof(defaults) / sizeof(defaults[0]), &why);
	if (program >= 0 && device_filter_attach(cgroup_fd, program, &why) == 0)
		return 0;
	if (why.code == ENOSYS || why.code == EINVAL || why.code == EPERM ||
	    why.code == EOPNOTSUPP) {
		log_warn_once(
			"this kernel takes no device filter (%s): containers may open every device",
			why.message);
		return 0;
	}
	if (err)
		*err = why;
	return -1;
}
