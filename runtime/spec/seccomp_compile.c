/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run when Knarr is built: turns runtime/spec/seccomp-default.txt (argv[1], its layout is told there) into a table of rules, and with
 * it into the BPF program of a container with Docker's default capabilities, both printed as C for runtime/spec/seccomp.c. Of
 * libseccomp it uses the tables of names and numbers alone.
 *
 * The program finds an architecture's rule for a call's number by binary search over ranges of numbers that fare alike: seven
 * comparisons at most. That is also what makes installing it cheap, for the kernel then runs every number of every architecture
 * through it, to learn which are always allowed (kernel/seccomp.c, "action cache"). */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/spec/seccomp_emit.h"

#define CALLS_MAX   1024 /* above every number of every architecture here */
#define COMMON_FROM 403  /* the first number that is the same on all architectures */

_Noreturn static void fail(const char *what, const char *name, int line)
{
	fprintf(stderr, "seccomp-default.txt:%d: %s: %s\n", line, what, name);
	exit(1);
}

/* ---- Rules */

static struct seccomp_rule rules[SECCOMP_TABLE_RULES_MAX];
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

static uint64_t capability(const char *name, int line)
{
	static const struct {
		const char *name;
		int number;
	} names[] = {
		{ "CAP_BPF", 39 },
		{ "CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH },
		{ "CAP_PERFMON", 38 },
		{ "CAP_SYSLOG", CAP_SYSLOG },
		{ "CAP_SYS_ADMIN", CAP_SYS_ADMIN },
		{ "CAP_SYS_BOOT", CAP_SYS_BOOT },
		{ "CAP_SYS_CHROOT", CAP_SYS_CHROOT },
		{ "CAP_SYS_MODULE", CAP_SYS_MODULE },
		{ "CAP_SYS_NICE", CAP_SYS_NICE },
		{ "CAP_SYS_PACCT", CAP_SYS_PACCT },
		{ "CAP_SYS_PTRACE", CAP_SYS_PTRACE },
		{ "CAP_SYS_RAWIO", CAP_SYS_RAWIO },
		{ "CAP_SYS_TIME", CAP_SYS_TIME },
		{ "CAP_SYS_TTY_CONFIG", CAP_SYS_TTY_CONFIG },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0)
			return UINT64_C(1) << names[i].number;
	fail("not a capability that is known here", name, line);
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

static void parse_condition(struct seccomp_rule *r, int line)
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
	struct seccomp_rule *r = &rules[n_rules];
	char *word = strtok(text, " \t\n");

	if (n_rules++ == SECCOMP_TABLE_RULES_MAX)
		fail("too many rules", word, line);
	*r = (struct seccomp_rule){ .verdict = SECCOMP_RET_ALLOW };
	if (strcmp(word, "errno") == 0)
		r->verdict = SECCOMP_RET_ERRNO | number(next_word(), line);
	else if (strcmp(word, "allow") != 0)
		fail("allow or errno expected", word, line);
	while ((word = next_word()) != NULL) {
		if (strcmp(word, "when") == 0) {
			parse_condition(r, line);
		} else if (strcmp(word, "with") == 0 || strcmp(word, "without") == 0) {
			char *name = next_word();

			if (!name)
				fail("capability missing", word, line);
			*(strcmp(word, "with") == 0 ? &r->with : &r->without) |=
				capability(name, line);
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
		if (nr < 0)
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

/* ---- Printing */

/* As runtime/spec/capability.h has it. */
#define DEFAULT_CAPABILITIES \
	(1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FSETID | 1u << CAP_FOWNER | \
	 1u << CAP_MKNOD | 1u << CAP_NET_RAW | 1u << CAP_SETGID | 1u << CAP_SETUID | \
	 1u << CAP_SETFCAP | 1u << CAP_SETPCAP | 1u << CAP_NET_BIND_SERVICE | \
	 1u << CAP_SYS_CHROOT | 1u << CAP_KILL | 1u << CAP_AUDIT_WRITE)

static struct seccomp_calls print_ranges(const struct architecture *arch, const char *name)
{
	struct seccomp_range *ranges = calloc(CALLS_MAX, sizeof(*ranges));
	size_t n = 0;

	if (!ranges)
		fail("out of memory", name, 0);
	printf("static const struct seccomp_range %s_ranges[] = {\n", name);
	for (uint32_t nr = 0; nr <= arch->newest; nr++) {
		if (n && ranges[n - 1].rules == arch->calls[nr])
			continue;
		ranges[n++] = (struct seccomp_range){ nr, arch->calls[nr] };
		printf("\t{ %" PRIu32 ", UINT64_C(0x%" PRIx64 ") },\n", nr, arch->calls[nr]);
	}
	printf("};\n");
	return (struct seccomp_calls){ .ranges = ranges, .n = n, .newest = arch->newest };
}

static void print_table(struct seccomp_table *t)
{
	printf("static const struct seccomp_rule table_rules[] = {\n");
	for (size_t i = 0; i < n_rules; i++) {
		const struct seccomp_rule *r = &rules[i];

		printf("\t{ .verdict = 0x%x, .with = UINT64_C(0x%" PRIx64
		       "), .without = UINT64_C(0x%" PRIx64 ")",
		       r->verdict, r->with, r->without);
		if (r->conditional)
			printf(", .conditional = true, .comparison = '%c', .arg = %u, .mask = 0x%x, .value = 0x%x",
			       r->comparison, r->arg, r->mask, r->value);
		printf(" },\n");
	}
	printf("};\n");
	*t = (struct seccomp_table){ .rules = rules, .n_rules = n_rules };
	t->x86_64 = print_ranges(&architectures[0], "x86_64");
	t->i386 = print_ranges(&architectures[1], "i386");
	printf("static const struct seccomp_table seccomp_table = {\n\t.rules = table_rules,\n\t.n_rules = %zu,\n",
	       n_rules);
	printf("\t.x86_64 = { x86_64_ranges, %zu, %u },\n", t->x86_64.n, t->x86_64.newest);
	printf("\t.i386 = { i386_ranges, %zu, %u },\n};\n", t->i386.n, t->i386.newest);
}

int main(int argc, char **argv)
{
	static struct sock_filter code[SECCOMP_CODE_MAX];
	struct seccomp_table table;

	if (argc != 2)
		fail("usage: seccomp_compile FILE", "", 0);
	parse(argv[1]);
	printf("/* Made from runtime/spec/seccomp-default.txt by runtime/spec/seccomp_compile.c. */\n");
	print_table(&table);

	/* The longest programs are those of the capabilities that are not all or nothing; these two bound them well enough to
	 * know that no set comes near the end of the room. */
	size_t none = seccomp_emit(&table, 0, code), all = seccomp_emit(&table, UINT64_MAX, code);
	size_t n = seccomp_emit(&table, DEFAULT_CAPABILITIES, code);
	if (!none || !all || !n || none + all > SECCOMP_CODE_MAX)
		fail("program too long", argv[1], 0);
	printf("static const struct sock_filter seccomp_default_code[] = {\n");
	for (size_t i = 0; i < n; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", code[i].code, code[i].jt, code[i].jf,
		       code[i].k);
	printf("};\n");
	return 0;
}
