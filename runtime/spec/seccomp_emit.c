/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/spec/seccomp_emit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>

#define RANGES_MAX 1024
#define ALLOWED    (UINT64_C(1) << 63) /* a set of rules that comes to "allow" */

struct code {
	struct sock_filter *insn;
	size_t len;
	bool full;
	const struct seccomp_table *table;
};

static void emit(struct code *c, unsigned int op, unsigned int jt, unsigned int jf, uint32_t k)
{
	if (c->len == SECCOMP_CODE_MAX)
		c->full = true;
	else
		c->insn[c->len++] =
			(struct sock_filter){ (uint16_t)op, (uint8_t)jt, (uint8_t)jf, k };
}

/* Only the low 32 bits of an argument are looked at: these are ints, and the kernel too drops what a caller puts above. */
static void emit_conditional(struct code *c, const struct seccomp_rule *r)
{
	emit(c, BPF_LD | BPF_W | BPF_ABS, 0, 0,
	     (uint32_t)(offsetof(struct seccomp_data, args) + 8 * r->arg));
	if (r->mask != UINT32_MAX)
		emit(c, BPF_ALU | BPF_AND | BPF_K, 0, 0, r->mask);
	if (r->comparison == '=')
		emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, r->value);
	else if (r->comparison == '>')
		emit(c, BPF_JMP | BPF_JGT | BPF_K, 0, 1, r->value);
	else
		emit(c, BPF_JMP | BPF_JGE | BPF_K, 1, 0, r->value);
	emit(c, BPF_RET | BPF_K, 0, 0, r->verdict);
}

static bool allows_always(const struct seccomp_rule *r)
{
	return !r->conditional && r->verdict == SECCOMP_RET_ALLOW;
}

static void emit_verdict(struct code *c, uint64_t set)
{
	const struct seccomp_rule *rules = c->table->rules;

	if (set == ALLOWED) {
		emit(c, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
		return;
	}
	for (size_t i = 0; i < c->table->n_rules; i++)
		if (set >> i & 1 && rules[i].conditional)
			emit_conditional(c, &rules[i]);
	for (size_t i = 0; i < c->table->n_rules; i++)
		if (set >> i & 1 && !rules[i].conditional) {
			emit(c, BPF_RET | BPF_K, 0, 0, rules[i].verdict);
			return;
		}
	emit(c, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
}

/* The rules of set that apply, or ALLOWED. */
static uint64_t applying(const struct seccomp_table *t, uint64_t capabilities, uint64_t set)
{
	uint64_t out = 0;

	for (size_t i = 0; i < t->n_rules; i++) {
		const struct seccomp_rule *r = &t->rules[i];

		if (!(set >> i & 1) || (capabilities & r->with) != r->with ||
		    (capabilities & r->without))
			continue;
		if (allows_always(r))
			return ALLOWED;
		out |= UINT64_C(1) << i;
	}
	return out;
}

/* The search among ranges [low, high); the accumulator holds the number. */
static void emit_search(struct code *c, const struct seccomp_range *ranges, size_t low, size_t high)
{
	if (high - low == 1) {
		emit_verdict(c, ranges[low].rules);
		return;
	}
	size_t middle = low + (high - low) / 2, jump = c->len;

	/* A conditional jump reaches 255 instructions, this one any. */
	emit(c, BPF_JMP | BPF_JGE | BPF_K, 0, 1, ranges[middle].first);
	emit(c, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_search(c, ranges, low, middle);
	if (c->full)
		return;

	size_t distance = c->len - jump - 2;
	c->insn[jump + 1].k = (uint32_t)distance;
	emit_search(c, ranges, middle, high);
}

/* Where the distance allows, the jump goes straight. Works on finished code, from the end to its beginning at first, so that
 * distances only shrink. */
static void shorten_jumps(struct code *c, size_t first)
{
	for (size_t i = c->len; i-- > first + 1;) {
		struct sock_filter *jump = &c->insn[i - 1], *far = &c->insn[i];

		if (far->code != (BPF_JMP | BPF_JA) || far->k > 254 ||
		    jump->code != (BPF_JMP | BPF_JGE | BPF_K) || jump->jt != 0 || jump->jf != 1)
			continue;
		jump->jt = (uint8_t)far->k;
		jump->jf = 0;
		memmove(far, far + 1, (c->len - i - 1) * sizeof(*far));
		c->len--;
		/* Jumps from before over this place have one instruction less to go. */
		for (size_t k = first; k + 1 < i; k++)
			if (c->insn[k].code == (BPF_JMP | BPF_JA) && k + 1 + c->insn[k].k > i)
				c->insn[k].k--;
	}
}

static void emit_calls(struct code *c, const struct seccomp_calls *calls, uint64_t capabilities)
{
	struct seccomp_range ranges[RANGES_MAX] = { 0 };
	size_t n = 0, first = c->len;

	for (size_t i = 0; i < calls->n; i++) {
		uint64_t set = applying(c->table, capabilities, calls->ranges[i].rules);

		if (n && ranges[n - 1].rules == set)
			continue;
		if (n == RANGES_MAX) {
			c->full = true;
			return;
		}
		ranges[n++] = (struct seccomp_range){ calls->ranges[i].first, set };
	}
	emit(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	emit(c, BPF_JMP | BPF_JGT | BPF_K, 0, 1, calls->newest);
	emit(c, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
	emit_search(c, ranges, 0, n);
	if (!c->full)
		shorten_jumps(c, first);
}

size_t seccomp_emit(const struct seccomp_table *t, uint64_t capabilities, struct sock_filter *code)
{
	struct code c = { .insn = code, .table = t };

	/* x32's numbers lie above all others, and so are missing, as on every kernel built without x32. */
	emit(&c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	emit(&c, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
	emit(&c, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_calls(&c, &t->x86_64, capabilities);
	if (c.full)
		return 0;
	code[2].k = (uint32_t)(c.len - 3);
	/* A third architecture there is not: nothing sane calls from it. */
	emit(&c, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_I386);
	emit(&c, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
	emit_calls(&c, &t->i386, capabilities);
	return c.full ? 0 : c.len;
}
