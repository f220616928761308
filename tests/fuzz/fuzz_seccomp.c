/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seccomp profiles: in Docker's form where the first byte is even, as in config.json where it is odd. What comes out has to be a
 * program that the kernel takes. */
#include <linux/filter.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "runtime/spec/seccomp_profile.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* kernel/seccomp.c and net/core/filter.c: jumps go forward and stay inside, the end returns. */
static void check_program(const struct sock_fprog *p)
{
	require(p->len > 0 && p->len <= BPF_MAXINSNS);
	for (size_t i = 0; i < p->len; i++) {
		const struct sock_filter *insn = &p->filter[i];

		if (insn->code == (BPF_JMP | BPF_JA))
			require(insn->k < p->len - i - 1);
		else if (BPF_CLASS(insn->code) == BPF_JMP)
			require(i + insn->jt + 1 < p->len && i + insn->jf + 1 < p->len);
		else if (BPF_CLASS(insn->code) == BPF_LD && BPF_MODE(insn->code) == BPF_ABS)
			require(insn->k % 4 == 0 && insn->k < 64);
	}
	require(BPF_CLASS(p->filter[p->len - 1].code) == BPF_RET);
}

static int compile_oci(const char *text, size_t len, struct spec_seccomp **out, struct error *err)
{
	yyjson_doc *doc = json_parse(text, len, "seccomp", err);
	struct json_at at = { .value = yyjson_doc_get_root(doc), .key = "linux.seccomp" };

	if (!doc)
		return -1;
	int rc = json_at_check_object(&at, err) || seccomp_profile_compile_oci(&at, out, err) ? -1
											      : 0;
	yyjson_doc_free(doc);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spec_seccomp *s = NULL;
	struct error err = ERROR_INIT;
	int rc;

	if (size < 1)
		return 0;
	char *text = malloc(size);
	require(text != NULL);
	memcpy(text, data + 1, size - 1);
	if (data[0] % 2)
		rc = compile_oci(text, size - 1, &s, &err);
	else
		rc = seccomp_profile_compile(text, size - 1, (uint64_t)data[0] << 20, &s, &err);
	free(text);
	if (rc == 0) {
		check_program(&s->filter);
		require(!s->listener_path || s->listener_path[0] == '/');
	} else {
		require(!s && err.code != 0 && err.message[0] && !strpbrk(err.message, "\n\r\033"));
	}
	seccomp_profile_free(s);
	return 0;
}
