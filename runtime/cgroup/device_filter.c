/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cgroup/device_filter.h"

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

/* clang-format off */
const struct device_rule device_rules_default[] = {
	{ true, 'a', -1, -1, DEVICE_MKNOD },
	{ true, 'c', 1, 3, DEVICE_ALL },    /* null */
	{ true, 'c', 1, 5, DEVICE_ALL },    /* zero */
	{ true, 'c', 1, 7, DEVICE_ALL },    /* full */
	{ true, 'c', 1, 8, DEVICE_ALL },    /* random */
	{ true, 'c', 1, 9, DEVICE_ALL },    /* urandom */
	{ true, 'c', 5, 0, DEVICE_ALL },    /* tty */
	{ true, 'c', 5, 1, DEVICE_ALL },    /* console */
	{ true, 'c', 5, 2, DEVICE_ALL },    /* ptmx */
	{ true, 'c', 136, -1, DEVICE_ALL }, /* pts */
};
/* clang-format on */
const size_t n_device_rules_default =
	sizeof(device_rules_default) / sizeof(device_rules_default[0]);

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

struct bpf_insn *device_filter_compile(const struct device_rule *rules, size_t n, size_t *len)
{
	struct program p = { .code = xcalloc(n * RULE_MAX + 8, sizeof(*p.code)) };

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
	*len = p.len;
	return p.code;
}

/* ---- The kernel's side */

/* By these names the programs are known again. */
#define NAME_OWN     "knarr_own"
#define NAME_DEFAULT "knarr_default"

#define PROGRAMS_MAX 64 /* the kernel's own limit (BPF_CGROUP_MAX_PROGS) */

static int load(const struct device_rule *rules, size_t n, const char *name)
{
	union bpf_attr attr;
	size_t len;
	autofree struct bpf_insn *code = device_filter_compile(rules, n, &len);

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)code;
	attr.insn_cnt = (uint32_t)len;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	memcpy(attr.prog_name, name, strlen(name));
	return (int)sys_bpf(BPF_PROG_LOAD, &attr);
}

static int attach(int cgroup_fd, int program, uint32_t flags, int replaced)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = flags | (replaced >= 0 ? BPF_F_REPLACE : 0);
	attr.replace_bpf_fd = replaced >= 0 ? (uint32_t)replaced : 0;
	return (int)sys_bpf(BPF_PROG_ATTACH, &attr);
}

/* The programs on a cgroup, or (BPF_F_QUERY_EFFECTIVE) those that decide for it. Returns their number, or -1. */
static int query(int cgroup_fd, uint32_t flags, uint32_t ids[PROGRAMS_MAX])
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.query_flags = flags;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = PROGRAMS_MAX;
	return sys_bpf(BPF_PROG_QUERY, &attr) < 0 ? -1 : (int)attr.query.prog_cnt;
}

/* A descriptor of the program of ours of that name among those on the cgroup; -1: none. */
static int find(int cgroup_fd, uint32_t flags, const char *name)
{
	uint32_t ids[PROGRAMS_MAX];
	int n = query(cgroup_fd, flags, ids);

	for (int i = 0; i < n; i++) {
		struct bpf_prog_info info = { 0 };
		union bpf_attr attr;

		memset(&attr, 0, sizeof(attr));
		attr.prog_id = ids[i];
		autoclose int fd = (int)sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
		memset(&attr, 0, sizeof(attr));
		attr.info.bpf_fd = (uint32_t)fd;
		attr.info.info_len = sizeof(info);
		attr.info.info = (uint64_t)(uintptr_t)&info;
		if (fd >= 0 && sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
		    strcmp(info.name, name) == 0)
			return STEAL_FD(fd);
	}
	return -1;
}

static int fail(struct error *err)
{
	if (errno == ENOSYS || errno == EINVAL || errno == EPERM || errno == EOPNOTSUPP)
		return error_set(err, ENOTSUP, "this kernel takes no device filter (%s)",
				 strerror(errno));
	return error_errno(err, "cannot set the device filter");
}

int device_filter_set(int cgroup_fd, const struct device_rule *rules, size_t n, struct error *err)
{
	autoclose int program = load(rules, n, NAME_OWN);
	autoclose int old = program < 0 ? -1 : find(cgroup_fd, 0, NAME_OWN);

	/* Others may join, below: a systemd in a container filters its services. */
	if (program < 0 || attach(cgroup_fd, program, BPF_F_ALLOW_MULTI, old) < 0)
		return fail(err);
	return 0;
}

int device_filter_ensure(int cgroup_fd, struct error *err)
{
	uint32_t ids[PROGRAMS_MAX];
	struct error why = ERROR_INIT;

	if (query(cgroup_fd, 0, ids) > 0)
		return 0;
	autoclose int program = load(device_rules_default, n_device_rules_default, NAME_DEFAULT);
	if (program >= 0 && attach(cgroup_fd, program, BPF_F_ALLOW_OVERRIDE, -1) == 0)
		return 0;
	fail(&why);
	if (why.code == ENOTSUP) {
		log_warn_once("%s: containers may open every device", why.message);
		return 0;
	}
	if (err)
		*err = why;
	return -1;
}

bool device_filter_holds(int cgroup_fd)
{
	autoclose int program = find(cgroup_fd, BPF_F_QUERY_EFFECTIVE, NAME_DEFAULT);

	return program >= 0;
}
