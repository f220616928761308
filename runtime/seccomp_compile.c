/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run when Knarr is built: turns runtime/seccomp-default.txt (argv[1], its layout is told there)
 * into the BPF program of a container with Docker's default capabilities, printed as a C array for
 * runtime/seccomp.c. Of libseccomp it uses the tables of names and numbers alone.
 *
 * The program finds an architecture's rule for a call's number by binary search over ranges of
 * numbers that fare alike: seven comparisons at most. That is also what makes installing it cheap,
 * for the kernel then runs every number of every architecture through it, to learn which are always
 * allowed (kernel/seccomp.c, "action cache"). */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX   1024 /* above every number of every architecture here */
#define RULES_MAX   64
#define COMMON_FROM 403 /* the first number that is the same on all architectures */

_Noreturn static void fail(const char *what, const char *name, int line)
{
	fprintf(stderr, "seccomp-default.txt:%d: %s: %s\n", line, what, name);
	exit(1);
}

/* ---- Rules */

struct rule {
	uint32_t verdict; /* SECCOMP_RET_... */
	bool applies;     /* for the default capabilities */
	bool conditional;
	unsigned int arg;
	uint32_t mask;
	char comparison; /* '<', '>', '=' */
	uint32_t value;
};

static struct rule rules[RULES_MAX];
static size_t n_rules;

/* What becomes of a call: a set of rules, as bits. None: EPERM. */
struct architecture {
	uint32_t token;
	uint64_t calls[CALLS_MAX];
	uint32_t newest;
};

static struct architecture architectures[] = {
	{ .token = SCMP_ARCH_X86_64 },
	{ .token = SCMP_ARCH_X86 },
};

static bool has_capability(const char *name, int line)
{
	static const char *const defaults[] = {
		"CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
		"CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
		"CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
		"CAP_KILL",    "CAP_AUDIT_WRITE",
	};

	if (strncmp(name, "CAP_", 4) != 0)
		fail("not a capability", name, line);
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (strcmp(defaults[i], name) == 0)
			return true;
	return false;
}

static char *next_word(void)
{
	return strtok(NULL, " \t\n");
}

static uint32_t number(const char *word, int line)
{
	char *end;

	if (!word)
		fail("number missing", "", line);
	unsigned long n = strtoul(word, &end, 0);
	if (*end || n > UINT32_MAX)
		fail("not a number", word, line);
	return (uint32_t)n;
}

static void parse_condition(struct rule *r, int line)
{
	char *word = next_word();

	if (!word || strncmp(word, "arg", 3) != 0)
		fail("argN expected", word ? word : "", line);
	r->conditional = true;
	r->arg = number(word + 3, line);
	r->mask = UINT32_MAX;
	word = next_word();
	if (word && strcmp(word, "&") == 0) {
		r->mask = number(next_word(), line);
		word = next_word();
	}
	if (!word || !strchr("<>=", word[0]))
		fail("comparison expected", word ? word : "", line);
	r->comparison = word[0];
	r->value = number(next_word(), line);
}

static void parse_rule(char *text, int line)
{
	struct rule *r = &rules[n_rules++];
	char *word = strtok(text, " \t\n");

	if (n_rules > RULES_MAX)
		fail("too many rules", word, line);
	*r = (struct rule){ .verdict = SECCOMP_RET_ALLOW, .applies = true };
	if (strcmp(word, "errno") == 0)
		r->verdict = SECCOMP_RET_ERRNO | number(next_word(), line);
	else if (strcmp(word, "allow") != 0)
		fail("allow or errno expected", word, line);
	while ((word = next_word()) != NULL) {
		if (strcmp(word, "when") == 0) {
			parse_condition(r, line);
		} else if (strcmp(word, "with") == 0 || strcmp(word, "without") == 0) {
			char *capability = next_word();

			if (!capability)
				fail("capability missing", word, line);
			r->applies &=
				has_capability(capability, line) == (strcmp(word, "with") == 0);
		} else {
			fail("unknown word", word, line);
		}
	}
}

/* The number of a call, or -1. By asking for the names of all numbers: asked for a name's number,
 * libseccomp gives one of its own making for the i386 calls that socketcall(2) and ipc(2) can make
 * too. */
static int find_number(const struct architecture *arch, const char *name)
{
	for (uint32_t nr = 0; nr < CALLS_MAX; nr++) {
		char *found = seccomp_syscall_resolve_num_arch(arch->token, (int)nr);
		bool same = found && strcmp(found, name) == 0;

		free(found);
		if (same)
			return (int)nr;
	}
	return -1;
}

/* Adds the rule in hand to the call that word names, on every architecture that has it. */
static void parse_call(char *word, int line)
{
	char *eq = strchr(word, '=');
	uint32_t given = eq ? number(eq + 1, line) : 0;

	if (!n_rules)
		fail("name outside of a rule", word, line);
	if (eq)
		*eq = '\0';
	bool known = seccomp_syscall_resolve_name(word) != __NR_SCMP_ERROR;
	for (size_t a = 0; a < sizeof(architectures) / sizeof(architectures[0]); a++) {
		struct architecture *arch = &architectures[a];
		int nr = find_number(arch, word);

		if (nr < 0 && eq && (given >= COMMON_FROM || arch->token == SCMP_ARCH_X86_64))
			nr = (int)given;
		if (nr < 0 || !rules[n_rules - 1].applies)
			continue;
		if (nr >= CALLS_MAX)
			fail("number too large", word, line);
		arch->calls[nr] |= UINT64_C(1) << (n_rules - 1);
		if ((uint32_t)nr > arch->newest)
			arch->newest = (uint32_t)nr;
	}
	if (!known && !eq)
		fail("unknown system call", word, line);
}

static void parse(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512];

	if (!f)
		fail(strerror(errno), path, 0);
	for (int n = 1; fgets(line, sizeof(line), f); n++) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (line[0] != '\t' && line[0] != ' ') {
			parse_rule(line, n);
			continue;
		}
		for (char *word = strtok(line, " \t\n"); word; word = next_word())
			parse_call(word, n);
	}
	fclose(f);
}

/* ---- Code */

struct code {
	struct sock_filter insn[4096];
	size_t len;
};

static void emit(struct code *c, uint16_t op, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (c->len == sizeof(c->insn) / sizeof(c->insn[0]))
		fail("program too long", "", 0);
	c->insn[c->len++] = (struct sock_filter){ op, jt, jf, k };
}

/* Only the low 32 bits of an argument are looked at: these are ints, and the kernel too drops what
 * a caller puts above. */
static void emit_conditional(struct code *c, const struct rule *r)
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

static void emit_verdict(struct code *c, uint64_t set)
{
	for (size_t i = 0; i < n_rules; i++)
		if (set >> i & 1 && !rules[i].conditional &&
		    rules[i].verdict == SECCOMP_RET_ALLOW) {
			emit(c, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
			return;
		}
	for (size_t i = 0; i < n_rules; i++)
		if (set >> i & 1 && rules[i].conditional)
			emit_conditional(c, &rules[i]);
	for (size_t i = 0; i < n_rules; i++)
		if (set >> i & 1 && !rules[i].conditional) {
			emit(c, BPF_RET | BPF_K, 0, 0, rules[i].verdict);
			return;
		}
	emit(c, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
}

/* Two sets of rules that come to the same: both allow without condition. */
static uint64_t canonical(uint64_t set)
{
	for (size_t i = 0; i < n_rules; i++)
		if (set >> i & 1 && !rules[i].conditional && rules[i].verdict == SECCOMP_RET_ALLOW)
			return UINT64_C(1) << i;
	return set;
}

static bool allowed_always(uint64_t set)
{
	for (size_t i = 0; i < n_rules; i++)
		if (set >> i & 1 && !rules[i].conditional && rules[i].verdict == SECCOMP_RET_ALLOW)
			return true;
	return false;
}

struct range {
	uint32_t first;
	uint64_t set;
};

/* The search among ranges [low, high); the accumulator holds the number. */
static void emit_search(struct code *c, const struct range *ranges, size_t low, size_t high)
{
	if (high - low == 1) {
		emit_verdict(c, ranges[low].set);
		return;
	}
	size_t middle = low + (high - low) / 2, jump = c->len;

	/* A conditional jump reaches 255 instructions, this one any. */
	emit(c, BPF_JMP | BPF_JGE | BPF_K, 0, 1, ranges[middle].first);
	emit(c, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_search(c, ranges, low, middle);

	size_t distance = c->len - jump - 2;
	c->insn[jump + 1].k = (uint32_t)distance;
	emit_search(c, ranges, middle, high);
}

/* Where the distance allows, the jump goes straight. Works on finished code, from the end, so that
 * distances only shrink. */
static void shorten_jumps(struct code *c)
{
	for (size_t i = c->len; i-- > 1;) {
		struct sock_filter *jump = &c->insn[i - 1], *far = &c->insn[i];

		if (far->code != (BPF_JMP | BPF_JA) || far->k > 254 ||
		    jump->code != (BPF_JMP | BPF_JGE | BPF_K) || jump->jt != 0 || jump->jf != 1)
			continue;
		jump->jt = (uint8_t)far->k;
		jump->jf = 0;
		memmove(far, far + 1, (c->len - i - 1) * sizeof(*far));
		c->len--;
		/* Jumps from before over this place have one instruction less to go. */
		for (size_t k = 0; k + 1 < i; k++)
			if (c->insn[k].code == (BPF_JMP | BPF_JA) && k + 1 + c->insn[k].k > i)
				c->insn[k].k--;
	}
}

static void emit_architecture(struct code *c, const struct architecture *arch)
{
	static struct range ranges[CALLS_MAX];
	size_t n = 0;

	for (uint32_t nr = 0; nr <= arch->newest; nr++) {
		uint64_t set = canonical(arch->calls[nr]);

		if (n && ranges[n - 1].set == set)
			continue;
		if (n && allowed_always(ranges[n - 1].set) && allowed_always(set))
			continue;
		ranges[n++] = (struct range){ nr, set };
	}
	emit(c, BPF_JMP | BPF_JGT | BPF_K, 0, 1, arch->newest);
	emit(c, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
	emit_search(c, ranges, 0, n);
	shorten_jumps(c);
}

static void append(struct code *to, const struct code *from)
{
	for (size_t i = 0; i < from->len; i++)
		emit(to, from->insn[i].code, from->insn[i].jt, from->insn[i].jf, from->insn[i].k);
}

int main(int argc, char **argv)
{
	static struct code native, i386, all;

	if (argc != 2)
		fail("usage: seccomp_compile FILE", "", 0);
	parse(argv[1]);
	emit_architecture(&native, &architectures[0]);
	emit_architecture(&i386, &architectures[1]);

	/* x32's numbers lie above all others, and so are missing, as on every kernel built without
	 * x32. */
	emit(&all, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	emit(&all, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
	emit(&all, BPF_JMP | BPF_JA, 0, 0, (uint32_t)(native.len + 1));
	emit(&all, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	append(&all, &native);
	/* A third architecture there is not: nothing sane calls from it. */
	emit(&all, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_I386);
	emit(&all, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
	emit(&all, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	append(&all, &i386);

	printf("/* Made from runtime/seccomp-default.txt by runtime/seccomp_compile.c. */\n");
	printf("static const struct sock_filter seccomp_default_code[] = {\n");
	for (size_t i = 0; i < all.len; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", all.insn[i].code, all.insn[i].jt,
		       all.insn[i].jf, all.insn[i].k);
	printf("};\n");
	return 0;
}
