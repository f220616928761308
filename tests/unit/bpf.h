/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a seccomp filter instruction by instruction, as the kernel would. */
#ifndef KNARR_TESTS_UNIT_BPF_H
#define KNARR_TESTS_UNIT_BPF_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "tests/unit/unit.h"

/* Classic BPF as seccomp uses it: loads of words of seccomp_data, arithmetic on the accumulator, memory, jumps forward, return.
 * *steps becomes the number of instructions run, where not NULL. */
static inline uint32_t bpf_run(const struct sock_fprog *p, const struct seccomp_data *data,
			       size_t *steps)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = { 0 };

	for (size_t pc = 0; pc < p->len; pc++) {
		const struct sock_filter *i = &p->filter[pc];

		if (steps)
			++*steps;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k + 4 <= sizeof(*data) && i->k % 4 == 0);
			memcpy(&a, (const char *)data + i->k, 4);
			break;
		case BPF_LD | BPF_MEM:
			a = memory[i->k];
			break;
		case BPF_ST:
			memory[i->k] = a;
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += a > i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("instruction 0x%x at %zu", i->code, pc);
		}
	}
	(void)x;
	fail_msg("ran over the end");
	return 0;
}

#endif
