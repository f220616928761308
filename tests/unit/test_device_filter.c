/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the device filter's program decides, by an interpreter of the few instructions it is made of; then by the kernel. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/device_filter.h"

static uint64_t load_word(const struct bpf_cgroup_dev_ctx *ctx, int offset)
{
	assert_in_set((uintmax_t)offset, ((const uintmax_t[]){ 0, 4, 8 }), 3);
	return ((const uint32_t *)ctx)[offset / 4];
}

/* As the kernel's verifier does: no way but forward, no instruction behind the end, none that it does not know. */
static bool run(const struct bpf_insn *code, size_t len, const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t reg[11] = { 0 };

	for (size_t pc = 0; pc < len; pc++) {
		const struct bpf_insn *i = &code[pc];
		uint64_t *dst = &reg[i->dst_reg], imm = (uint64_t)(int64_t)i->imm;

		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(i->src_reg, BPF_REG_1);
			*dst = load_word(ctx, i->off);
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*dst = reg[i->src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*dst = imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*dst >>= imm;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*dst &= imm;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			assert_true(i->off >= 0);
			if (*dst != imm)
				pc += (size_t)i->off;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			assert_true(i->off >= 0);
			if (*dst == imm)
				pc += (size_t)i->off;
			break;
		case BPF_JMP | BPF_EXIT:
			assert_true(reg[0] <= 1);
			return reg[0] == 1;
		default:
			fail_msg("instruction %02x", i->code);
		}
	}
	fail_msg("the program runs over its end");
	return false;
}

static bool allows(const struct device_rule *rules, size_t n, char type, uint32_t major,
		   uint32_t minor, uint32_t access)
{
	struct bpf_cgroup_dev_ctx ctx = {
		.access_type =
			access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	size_t len;
	struct bpf_insn *code = device_filter_compile(rules, n, &len);
	bool verdict = run(code, len, &ctx);

	free(code);
	return verdict;
}

#define ALLOWS(rules, ...) allows(rules, sizeof(rules) / sizeof((rules)[0]), __VA_ARGS__)

static bool default_allows(char type, uint32_t major, uint32_t minor, uint32_t access)
{
	return allows(device_rules_default, n_device_rules_default, type, major, minor, access);
}

static void the_default_set(void **state)
{
	static const uint32_t open_ones[][2] = { { 1, 3 },   { 1, 5 },   { 1, 7 }, { 1, 8 },
						 { 1, 9 },   { 5, 0 },   { 5, 1 }, { 5, 2 },
						 { 136, 0 }, { 136, 77 } };

	(void)state;
	for (size_t i = 0; i < sizeof(open_ones) / sizeof(open_ones[0]); i++) {
		assert_true(default_allows('c', open_ones[i][0], open_ones[i][1], DEVICE_ALL));
		assert_true(default_allows('c', open_ones[i][0], open_ones[i][1], DEVICE_READ));
		assert_false(default_allows('b', open_ones[i][0], open_ones[i][1], DEVICE_READ));
	}
	assert_true(default_allows('b', 8, 0, DEVICE_MKNOD));
	assert_true(default_allows('c', 1, 1, DEVICE_MKNOD));
	assert_false(default_allows('b', 8, 0, DEVICE_READ));
	assert_false(default_allows('b', 8, 0, DEVICE_MKNOD | DEVICE_READ));
	assert_false(default_allows('c', 1, 1, DEVICE_READ));   /* /dev/mem */
	assert_false(default_allows('c', 10, 229, DEVICE_ALL)); /* /dev/fuse */
	assert_false(default_allows('c', 4, 64, DEVICE_WRITE)); /* the machine's serial line */
}

static void nothing_is_nothing(void **state)
{
	(void)state;
	assert_false(allows(NULL, 0, 'c', 1, 3, DEVICE_READ));
	assert_false(allows(NULL, 0, 'b', 8, 0, DEVICE_MKNOD));
}

static void later_rules_win(void **state)
{
	static const struct device_rule all_but_disks[] = {
		{ true, 'a', -1, -1, DEVICE_ALL },
		{ false, 'b', -1, -1, DEVICE_READ | DEVICE_WRITE },
		{ true, 'b', 7, 5, DEVICE_READ },
	};
	static const struct device_rule all_again[] = {
		{ false, 'b', 8, -1, DEVICE_ALL },
		{ true, 'a', -1, -1, DEVICE_ALL },
	};

	(void)state;
	assert_true(ALLOWS(all_but_disks, 'c', 1, 1, DEVICE_ALL));
	assert_true(ALLOWS(all_but_disks, 'b', 8, 0, DEVICE_MKNOD));
	assert_false(ALLOWS(all_but_disks, 'b', 8, 0, DEVICE_READ));
	assert_true(ALLOWS(all_but_disks, 'b', 7, 5, DEVICE_READ));
	assert_false(ALLOWS(all_but_disks, 'b', 7, 5, DEVICE_READ | DEVICE_WRITE));
	assert_false(ALLOWS(all_but_disks, 'b', 7, 6, DEVICE_READ));
	assert_true(ALLOWS(all_again, 'b', 8, 0, DEVICE_ALL));
}

/* A rule that grants two accesses does not grant three; one that refuses one refuses all that ask for it. */
static void accesses_are_taken_as_sets(void **state)
{
	static const struct device_rule readable[] = { { true, 'c', 10, 200,
							 DEVICE_READ | DEVICE_MKNOD } };
	static const struct device_rule no_write[] = { { true, 'a', -1, -1, DEVICE_ALL },
						       { false, 'c', 10, 200, DEVICE_WRITE } };

	(void)state;
	assert_true(ALLOWS(readable, 'c', 10, 200, DEVICE_READ));
	assert_true(ALLOWS(readable, 'c', 10, 200, DEVICE_READ | DEVICE_MKNOD));
	assert_false(ALLOWS(readable, 'c', 10, 200, DEVICE_WRITE));
	assert_false(ALLOWS(readable, 'c', 10, 200, DEVICE_READ | DEVICE_WRITE));
	assert_true(ALLOWS(no_write, 'c', 10, 200, DEVICE_READ));
	assert_false(ALLOWS(no_write, 'c', 10, 200, DEVICE_READ | DEVICE_WRITE));
}

static void a_thousand_rules(void **state)
{
	struct device_rule rules[1000];

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		rules[i] = (struct device_rule){ true, 'b', (long)i, (long)i + 1, DEVICE_READ };
	assert_true(ALLOWS(rules, 'b', 0, 1, DEVICE_READ));
	assert_true(ALLOWS(rules, 'b', 999, 1000, DEVICE_READ));
	assert_false(ALLOWS(rules, 'b', 999, 999, DEVICE_READ));
}

/* ---- In the kernel */

#define TOP   "knarr-unit-filter"
#define OUTER TOP "/outer"
#define INNER OUTER "/inner"

/* What became of opening /dev/kmsg (c 1:11, in no default rule) and /dev/null in the cgroup behind fd: 0 or errno each. */
static void try_devices(int fd, int *kmsg, int *null)
{
	int results[2], ends[2], status;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int procs = openat(fd, "cgroup.procs", O_WRONLY);

		if (write(procs, "0", 1) != 1)
			_exit(1);
		results[0] = open("/dev/kmsg", O_RDONLY) < 0 ? errno : 0;
		results[1] = open("/dev/null", O_RDWR) < 0 ? errno : 0;
		_exit(write(ends[1], results, sizeof(results)) != sizeof(results));
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], results, sizeof(results)), sizeof(results));
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	*kmsg = results[0];
	*null = results[1];
}

#define EXPECT(fd, result) \
	do { \
		try_devices(fd, &kmsg, &null); \
		assert_int_equal(kmsg, result); \
		assert_int_equal(null, 0); \
	} while (0)

static void set(int fd, bool kmsg_too)
{
	struct device_rule rules[32];
	struct error err = ERROR_INIT;

	memcpy(rules, device_rules_default, n_device_rules_default * sizeof(rules[0]));
	rules[n_device_rules_default] = (struct device_rule){ true, 'c', 1, 11, DEVICE_ALL };
	if (device_filter_set(fd, rules, n_device_rules_default + kmsg_too, &err) < 0)
		fail_msg("%s", err.message);
}

/* The default program yields to one further down, a container's own does not; both are found again and replaced. */
static void programs_on_a_tree(void **state)
{
	struct error err = ERROR_INIT;
	int kmsg, null;

	(void)state;
	autoclose int inner = geteuid() == 0 ? cgroup_create(INNER, &err) : -1;
	autoclose int top = inner < 0 ? -1 : cgroup_open(TOP, &err);
	autoclose int outer = inner < 0 ? -1 : cgroup_open(OUTER, &err);
	if (inner < 0 || device_filter_ensure(top, &err) < 0 || !device_filter_holds(inner)) {
		print_message("needs root, cgroup2 and BPF, skipped %s\n", err.message);
		skip();
	}
	EXPECT(inner, EPERM);
	assert_int_equal(device_filter_ensure(top, &err), 0);

	/* Why a container that may load programs has its own: this is what it would do. */
	set(inner, true);
	EXPECT(inner, 0);
	assert_false(device_filter_holds(inner));
	assert_true(device_filter_holds(outer));

	set(outer, false);
	EXPECT(inner, EPERM);
	set(outer, true);
	EXPECT(inner, 0);
	set(inner, false);
	EXPECT(inner, EPERM);

	assert_int_equal(cgroup_remove(INNER, 1000, &err), 0);
	assert_int_equal(cgroup_remove(OUTER, 1000, &err), 0);
	assert_int_equal(cgroup_remove(TOP, 1000, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_set),  cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(later_rules_win),  cmocka_unit_test(accesses_are_taken_as_sets),
		cmocka_unit_test(a_thousand_rules), cmocka_unit_test(programs_on_a_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
