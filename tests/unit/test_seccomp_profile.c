/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles that people bring, in both forms, compiled and run here. ' stands for " in them. */
#include "tests/unit/bpf.h"

#include <dirent.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/seccomp_cache.h"
#include "runtime/spec/seccomp_profile.h"

#define ALLOW      SECCOMP_RET_ALLOW
#define ERRNO(e)   (SECCOMP_RET_ERRNO | (e))
#define CAP(n)     (UINT64_C(1) << (n))
#define SYS_ADMIN  CAP(21)
#define X32        0x40000000u
#define I386_CLONE 120

static char *quoted(const char *text)
{
	char *s = xstrdup(text);

	for (char *c = s; *c; c++)
		if (*c == '\'')
			*c = '"';
	return s;
}

static struct spec_seccomp *docker(const char *text, uint64_t capabilities)
{
	autofree char *json = quoted(text);
	struct spec_seccomp *out = NULL;
	struct error err = ERROR_INIT;

	if (seccomp_profile_check(json, strlen(json), capabilities, &err) ||
	    seccomp_profile_compile(json, strlen(json), capabilities, &out, &err))
		fail_msg("%s: %s", text, err.message);
	return out;
}

static int compile_oci(const char *text, struct spec_seccomp **out, struct error *err)
{
	autofree char *json = quoted(text);
	autojson yyjson_doc *doc = json_parse(json, strlen(json), "test", err);

	if (!doc)
		return -1;
	struct json_at at = { .value = yyjson_doc_get_root(doc), .key = "linux.seccomp" };
	return seccomp_profile_compile_oci(&at, out, err);
}

static struct spec_seccomp *oci(const char *text)
{
	struct spec_seccomp *out = NULL;
	struct error err = ERROR_INIT;

	if (compile_oci(text, &out, &err))
		fail_msg("%s: %s", text, err.message);
	return out;
}

static uint32_t on(const struct spec_seccomp *s, uint32_t arch, uint32_t nr, uint64_t arg0,
		   uint64_t arg1)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch, .args = { arg0, arg1 } };

	return bpf_run(&s->filter, &data, NULL);
}

static uint32_t native(const struct spec_seccomp *s, long nr, uint64_t arg0)
{
	return on(s, AUDIT_ARCH_X86_64, (uint32_t)nr, arg0, 0);
}

static void every_action_is_done(void **state)
{
	struct spec_seccomp *s = oci(
		"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': ["
		" {'names': ['read'], 'action': 'SCMP_ACT_KILL'}, {'names': ['open'], 'action': 'SCMP_ACT_KILL_THREAD'},"
		" {'names': ['close'], 'action': 'SCMP_ACT_KILL_PROCESS'}, {'names': ['stat'], 'action': 'SCMP_ACT_TRAP'},"
		" {'names': ['fstat'], 'action': 'SCMP_ACT_ERRNO'},"
		" {'names': ['lstat', 'no_such_call'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 28},"
		" {'names': ['poll'], 'action': 'SCMP_ACT_TRACE', 'errnoRet': 300},"
		" {'names': ['lseek'], 'action': 'SCMP_ACT_LOG'}]}");

	(void)state;
	assert_int_equal(native(s, SYS_read, 0), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(native(s, SYS_open, 0), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(native(s, SYS_close, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(native(s, SYS_stat, 0), SECCOMP_RET_TRAP);
	assert_int_equal(native(s, SYS_fstat, 0), ERRNO(EPERM));
	assert_int_equal(native(s, SYS_lstat, 0), ERRNO(28));
	assert_int_equal(native(s, SYS_poll, 0), SECCOMP_RET_TRACE | 300);
	assert_int_equal(native(s, SYS_lseek, 0), SECCOMP_RET_LOG);
	assert_int_equal(native(s, SYS_mmap, 0), ALLOW);
	/* Where all is allowed, what is new is, too. */
	assert_int_equal(native(s, 460, 0), ALLOW);
	assert_int_equal(s->flags, 0);
	seccomp_profile_free(s);
}

static void every_operator_compares_sixty_four_bits(void **state)
{
	static const struct {
		const char *op;
		bool below, same, above;
	} operators[] = {
		{ "NE", true, false, true }, { "LT", true, false, false },
		{ "LE", true, true, false }, { "EQ", false, true, false },
		{ "GE", false, true, true }, { "GT", false, false, true },
	};
	const uint64_t value = UINT64_C(0x100000005);

	(void)state;
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		autofree char *text = str_format(
			"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['personality'],"
			" 'action': 'SCMP_ACT_ERRNO', 'args': [{'index': 1, 'value': 4294967301, 'op': 'SCMP_CMP_%s'}]}]}",
			operators[i].op);
		struct spec_seccomp *s = oci(text);

		assert_int_equal(on(s, AUDIT_ARCH_X86_64, SYS_personality, 0, value - 1),
				 operators[i].below ? ERRNO(EPERM) : ALLOW);
		assert_int_equal(on(s, AUDIT_ARCH_X86_64, SYS_personality, 0, value),
				 operators[i].same ? ERRNO(EPERM) : ALLOW);
		assert_int_equal(on(s, AUDIT_ARCH_X86_64, SYS_personality, 0, value + 1),
				 operators[i].above ? ERRNO(EPERM) : ALLOW);
		seccomp_profile_free(s);
	}

	struct spec_seccomp *s =
		oci("{'defaultAction': 'SCMP_ACT_ERRNO', 'syscalls': [{'names': ['clone', 'exit'],"
		    " 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 2114060288,"
		    " 'valueTwo': 0, 'op': 'SCMP_CMP_MASKED_EQ'}]}]}");
	assert_int_equal(native(s, SYS_clone, 17), ALLOW);
	assert_int_equal(native(s, SYS_clone, 0x10000000), ERRNO(EPERM));
	seccomp_profile_free(s);
}

static void conditions_of_a_rule_are_and_those_on_one_argument_or(void **state)
{
	struct spec_seccomp *s = oci(
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 2, 'syscalls': ["
		" {'names': ['read'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'},"
		"  {'index': 1, 'value': 2, 'op': 'SCMP_CMP_EQ'}]},"
		" {'names': ['write'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'},"
		"  {'index': 0, 'value': 2, 'op': 'SCMP_CMP_EQ'}]}]}");

	(void)state;
	assert_int_equal(on(s, AUDIT_ARCH_X86_64, SYS_read, 1, 2), ALLOW);
	assert_int_equal(on(s, AUDIT_ARCH_X86_64, SYS_read, 1, 1), ERRNO(2));
	assert_int_equal(on(s, AUDIT_ARCH_X86_64, SYS_write, 1, 0), ALLOW);
	assert_int_equal(on(s, AUDIT_ARCH_X86_64, SYS_write, 2, 0), ALLOW);
	assert_int_equal(on(s, AUDIT_ARCH_X86_64, SYS_write, 3, 0), ERRNO(2));
	seccomp_profile_free(s);
}

/* What is newer than the profile is as on an older kernel, where it would have failed; programs rely on that. */
static void calls_newer_than_the_profile_are_missing(void **state)
{
	static const char rest[] =
		"'syscalls': [{'names': ['read', 'openat2'], 'action': 'SCMP_ACT_ALLOW'}]}";
	static const struct {
		const char *action;
		uint32_t newer, older;
	} defaults[] = {
		{ "SCMP_ACT_ERRNO", ERRNO(ENOSYS), ERRNO(EPERM) },
		{ "SCMP_ACT_KILL_PROCESS", ERRNO(ENOSYS), SECCOMP_RET_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", ERRNO(ENOSYS), SECCOMP_RET_TRAP },
		{ "SCMP_ACT_LOG", SECCOMP_RET_LOG, SECCOMP_RET_LOG },
		{ "SCMP_ACT_ALLOW", ALLOW, ALLOW },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		autofree char *text =
			str_format("{'defaultAction': '%s', %s", defaults[i].action, rest);
		struct spec_seccomp *s = oci(text);

		assert_int_equal(native(s, SYS_openat2, 0), ALLOW);
		assert_int_equal(native(s, SYS_openat2 + 1, 0), defaults[i].newer);
		assert_int_equal(native(s, SYS_open, 0), defaults[i].older);
		seccomp_profile_free(s);
	}
}

static void architectures_are_filtered_each_by_its_numbers(void **state)
{
	static const char one[] =
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'syscalls': ["
		" {'names': ['clone', 'socketcall'], 'action': 'SCMP_ACT_ALLOW'}]}";
	static const char three[] =
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'architectures': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],"
		" 'syscalls': [{'names': ['clone', 'socketcall'], 'action': 'SCMP_ACT_ALLOW'}]}";
	struct spec_seccomp *s = oci(one);

	(void)state;
	assert_int_equal(native(s, SYS_clone, 0), ALLOW);
	assert_int_equal(on(s, AUDIT_ARCH_I386, I386_CLONE, 0, 0), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(native(s, (long)(X32 | SYS_clone), 0), ERRNO(ENOSYS));
	seccomp_profile_free(s);

	s = oci(three);
	assert_int_equal(native(s, SYS_clone, 0), ALLOW);
	assert_int_equal(on(s, AUDIT_ARCH_I386, I386_CLONE, 0, 0), ALLOW);
	assert_int_equal(on(s, AUDIT_ARCH_I386, SYS_clone, 0, 0), ERRNO(EPERM));
	assert_int_equal(on(s, AUDIT_ARCH_I386, 102, 0, 0), ALLOW);
	assert_int_equal(native(s, (long)(X32 | SYS_clone), 0), ALLOW);
	assert_int_equal(native(s, (long)(X32 | SYS_read), 0), ERRNO(EPERM));
	assert_int_equal(native(s, (long)(X32 | SYS_openat2), 0), ERRNO(ENOSYS));
	assert_int_equal(on(s, AUDIT_ARCH_AARCH64, 0, 0, 0), SECCOMP_RET_KILL_THREAD);
	seccomp_profile_free(s);
}

static void flags_and_listener(void **state)
{
	struct spec_seccomp *s =
		oci("{'defaultAction': 'SCMP_ACT_ALLOW', 'flags': ['SECCOMP_FILTER_FLAG_LOG',"
		    " 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC',"
		    " 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'], 'listenerPath': '/x'}");

	(void)state;
	/* Nothing is notified of: no listener, and no flag that needs one. */
	assert_int_equal(s->flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
					   SECCOMP_FILTER_FLAG_TSYNC);
	assert_null(s->listener_path);
	seccomp_profile_free(s);

	s = oci("{'defaultAction': 'SCMP_ACT_ALLOW', 'flags': ['SECCOMP_FILTER_FLAG_TSYNC'], 'listenerPath': '/x',"
		" 'listenerMetadata': 'm', 'syscalls': [{'names': ['mkdir'], 'action': 'SCMP_ACT_NOTIFY'}]}");
	assert_int_equal(native(s, SYS_mkdir, 0), SECCOMP_RET_USER_NOTIF);
	assert_int_equal(s->flags, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	assert_string_equal(s->listener_path, "/x");
	assert_string_equal(s->listener_metadata, "m");
	seccomp_profile_free(s);

	s = oci("{'defaultAction': 'SCMP_ACT_NOTIFY', 'listenerPath': '/x'}");
	assert_int_equal(native(s, SYS_mkdir, 0), SECCOMP_RET_USER_NOTIF);
	assert_string_equal(s->listener_path, "/x");
	seccomp_profile_free(s);
}

/* ---- Docker's form */

static bool allowed(const char *rule, uint64_t capabilities)
{
	autofree char *text = str_format(
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'syscalls': [{'names': ['exit'], 'action':"
		" 'SCMP_ACT_ALLOW'}, {'names': ['mount'], 'action': 'SCMP_ACT_ALLOW', %s}]}",
		rule);
	struct spec_seccomp *s = docker(text, capabilities);
	bool is = native(s, SYS_mount, 0) == ALLOW;

	seccomp_profile_free(s);
	return is;
}

static void rules_apply_by_their_conditions(void **state)
{
	(void)state;
	assert_true(allowed("'includes': {}, 'excludes': null, 'comment': 'x'", 0));
	assert_true(allowed("'includes': {'caps': ['CAP_SYS_ADMIN']}", SYS_ADMIN));
	assert_false(allowed("'includes': {'caps': ['CAP_SYS_ADMIN']}", CAPABILITY_DOCKER_DEFAULT));
	/* Included: all must be there; excluded: one is enough. */
	assert_false(allowed("'includes': {'caps': ['CAP_SYS_ADMIN', 'CAP_SYS_BOOT']}", SYS_ADMIN));
	assert_false(allowed("'excludes': {'caps': ['CAP_SYS_ADMIN', 'CAP_SYS_BOOT']}", SYS_ADMIN));
	assert_true(allowed("'excludes': {'caps': ['CAP_SYS_ADMIN']}", 0));
	assert_false(allowed("'includes': {'caps': ['CAP_FLY']}", UINT64_MAX));
	assert_true(allowed("'includes': {'arches': ['arm64', 'amd64']}", 0));
	assert_false(allowed("'includes': {'arches': ['arm64']}", 0));
	assert_false(allowed("'excludes': {'arches': ['amd64']}", 0));
	assert_true(allowed("'excludes': {'arches': ['s390x']}", 0));
	assert_true(allowed("'includes': {'minKernel': '4.8'}", 0));
	assert_false(allowed("'includes': {'minKernel': '255.0'}", 0));
	assert_false(allowed("'excludes': {'minKernel': '4.8'}", 0));
	assert_true(allowed("'excludes': {'minKernel': '255.0'}", 0));
	assert_true(allowed("'includes': {'minKernel': ''}", 0));
}

static void old_profiles_have_one_name_a_rule(void **state)
{
	struct spec_seccomp *s = docker(
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'architectures': ['SCMP_ARCH_X86_64',"
		" 'SCMP_ARCH_X86'], 'syscalls': [{'name': 'mount', 'action': 'SCMP_ACT_ALLOW',"
		" 'args': []}, {'name': '', 'names': ['umount2'], 'action': 'SCMP_ACT_ALLOW'}]}",
		0);

	(void)state;
	assert_int_equal(native(s, SYS_mount, 0), ALLOW);
	assert_int_equal(native(s, SYS_umount2, 0), ALLOW);
	assert_int_equal(on(s, AUDIT_ARCH_I386, 21, 0, 0), ALLOW);
	seccomp_profile_free(s);
}

static void the_map_of_architectures_is_followed(void **state)
{
	struct spec_seccomp *s = docker(
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'archMap': [{'architecture': 'SCMP_ARCH_S390X',"
		" 'subArchitectures': ['SCMP_ARCH_S390']}, {'architecture': 'SCMP_ARCH_RISCV64', 'subArchitectures':"
		" null}, {'architecture': 'SCMP_ARCH_X86_64', 'subArchitectures': ['SCMP_ARCH_X86']}],"
		" 'syscalls': [{'names': ['clone'], 'action': 'SCMP_ACT_ALLOW'}]}",
		0);

	(void)state;
	assert_int_equal(native(s, SYS_clone, 0), ALLOW);
	assert_int_equal(on(s, AUDIT_ARCH_I386, I386_CLONE, 0, 0), ALLOW);
	seccomp_profile_free(s);
}

static void a_map_without_this_machine_leaves_it_alone(void **state)
{
	struct spec_seccomp *s =
		docker("{'defaultAction': 'SCMP_ACT_ALLOW', 'archMap': [{'architecture':"
		       " 'SCMP_ARCH_AARCH64', 'subArchitectures': ['SCMP_ARCH_ARM']}]}",
		       0);

	(void)state;
	assert_int_equal(native(s, SYS_clone, 0), ALLOW);
	assert_int_equal(on(s, AUDIT_ARCH_ARM, 0, 0, 0), SECCOMP_RET_KILL_THREAD);
	seccomp_profile_free(s);
}

/* ---- What is wrong */

#define RULE(text) "{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{" text "}]}"
#define ARG(text)  RULE("'names': ['read'], 'action': 'SCMP_ACT_ERRNO', 'args': [" text "]")

static const struct {
	const char *text, *message;
} wrong[] = {
	{ "{}", "linux.seccomp.defaultAction: missing" },
	{ "{'defaultAction': 7}", "linux.seccomp.defaultAction: not a string" },
	{ "{'defaultAction': 'SCMP_ACT_NOTIFY'}",
	  "linux.seccomp.listenerPath: missing, with SCMP_ACT_NOTIFY" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'defaultErrnoRet': 1}",
	  "linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW has no such number" },
	{ "{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 4096}",
	  "linux.seccomp.defaultErrnoRet: 4096 is not in 0 to 4095" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['x86_64']}",
	  "linux.seccomp.architectures[0]: \"x86_64\" is not an architecture of seccomp" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_S390X']}",
	  "linux.seccomp.architectures[0]: SCMP_ARCH_S390X cannot be filtered along with the calls of this machine" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'flags': ['X']}",
	  "linux.seccomp.flags[0]: \"X\" is not a flag of seccomp" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'listenerMetadata': 'x'}",
	  "linux.seccomp.listenerMetadata: there is no listenerPath to send it to" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'listenerPath': 'x'}",
	  "linux.seccomp.listenerPath: \"x\" is not an absolute path" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': {}}",
	  "linux.seccomp.syscalls: not an array" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': ['read']}",
	  "linux.seccomp.syscalls[0]: not an object" },
	{ RULE(""), "linux.seccomp.syscalls[0].action: missing" },
	{ RULE("'action': 'SCMP_ACT_ERRNO'"), "linux.seccomp.syscalls[0].names: missing" },
	{ RULE("'action': 'SCMP_ACT_ERRNO', 'name': 'read'"),
	  "linux.seccomp.syscalls[0].names: missing" },
	{ RULE("'action': 'SCMP_ACT_ERRNO', 'names': []"),
	  "linux.seccomp.syscalls[0].names: empty" },
	{ RULE("'action': 'SCMP_ACT_ERRNO', 'names': ['read', 1]"),
	  "linux.seccomp.syscalls[0].names[1]: not a string" },
	{ RULE("'action': 'SCMP_ACT_ERRNO', 'names': ['']"),
	  "linux.seccomp.syscalls[0]: names an empty system call" },
	{ RULE("'action': 'SCMP_ACT_LOG', 'names': ['read'], 'errnoRet': 1"),
	  "linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_LOG has no such number" },
	{ RULE("'action': 'SCMP_ACT_NOTIFY', 'names': ['read']"),
	  "linux.seccomp.listenerPath: missing, with SCMP_ACT_NOTIFY" },
	{ ARG("1"), "linux.seccomp.syscalls[0].args[0]: not an object" },
	{ ARG("{'index': 6, 'value': 1, 'op': 'SCMP_CMP_EQ'}"),
	  "linux.seccomp.syscalls[0].args[0].index: 6 is not in 0 to 5" },
	{ ARG("{'index': 0, 'op': 'SCMP_CMP_EQ'}"),
	  "linux.seccomp.syscalls[0].args[0].value: missing" },
	{ ARG("{'index': 0, 'value': -1, 'op': 'SCMP_CMP_EQ'}"),
	  "linux.seccomp.syscalls[0].args[0].value: -1 is not in 0 to 18446744073709551615" },
	{ ARG("{'index': 0, 'value': 1, 'op': '=='}"),
	  "linux.seccomp.syscalls[0].args[0].op: \"==\" is not an operator of seccomp" },
};

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct spec_seccomp *out = NULL;
		struct error err = ERROR_INIT;

		assert_int_equal(compile_oci(wrong[i].text, &out, &err), -1);
		assert_string_equal(err.message, wrong[i].message);
		assert_null(out);
	}
}

static const struct {
	const char *text, *message;
} wrong_docker[] = {
	{ "{", "seccomp profile: line 1, column 2: unexpected end of data" },
	{ "[]", "seccomp profile: not an object" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86'], 'archMap': [{'architecture':"
	  " 'SCMP_ARCH_X86_64'}]}",
	  "seccomp profile: archMap: stands beside architectures; only one of them can" },
	{ "{'defaultAction': 'SCMP_ACT_ALLOW', 'archMap': [{}]}",
	  "seccomp profile: archMap[0].architecture: missing" },
	{ RULE("'action': 'SCMP_ACT_ERRNO', 'name': 'read', 'names': ['write']"),
	  "seccomp profile: syscalls[0]: both name and names" },
	{ RULE("'action': 'SCMP_ACT_ERRNO', 'names': ['write'], 'includes': {'caps': 'CAP_KILL'}"),
	  "seccomp profile: syscalls[0].includes.caps: not an array" },
	{ RULE("'action': 'SCMP_ACT_ERRNO', 'names': ['write'], 'includes': {'minKernel': '4'}"),
	  "seccomp profile: syscalls[0].includes.minKernel: \"4\" is not a version of a kernel such as 4.8" },
	{ RULE("'action': 'SCMP_ACT_ERRNO', 'names': ['write'], 'excludes': {'minKernel': '0.0'}"),
	  "seccomp profile: syscalls[0].excludes.minKernel: \"0.0\" is not a version of a kernel such as 4.8" },
	{ RULE("'action': 'SCMP_ACT_ERRNO', 'names': ['write'], 'excludes': {'minKernel': 4.8}"),
	  "seccomp profile: syscalls[0].excludes.minKernel: not a string" },
};

static void what_is_wrong_in_dockers_form_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_docker) / sizeof(wrong_docker[0]); i++) {
		autofree char *json = quoted(wrong_docker[i].text);
		struct spec_seccomp *out = NULL;
		struct error err = ERROR_INIT;

		assert_int_equal(seccomp_profile_compile(json, strlen(json), 0, &out, &err), -1);
		assert_string_equal(err.message, wrong_docker[i].message);
		error_clear(&err);
		assert_int_equal(seccomp_profile_check(json, strlen(json), 0, &err), -1);
		assert_string_equal(err.message, wrong_docker[i].message);
		assert_null(out);
	}
}

/* As many rules as no kernel takes: refused in words, soon. */
static void a_profile_without_end_is_refused(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct spec_seccomp *out = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	strbuf_puts(&b, "{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [");
	for (int i = 0; i < 5000; i++)
		strbuf_printf(
			&b,
			"%s{'names': ['read'], 'action': 'SCMP_ACT_ERRNO', 'args': [{'index': 0, 'value': %d,"
			" 'op': 'SCMP_CMP_EQ'}]}",
			i ? "," : "", i);
	strbuf_puts(&b, "]}");
	assert_int_equal(compile_oci(b.data, &out, &err), -1);
	assert_int_equal(err.code, E2BIG);
	strbuf_free(&b);
}

/* ---- What is kept */

static size_t kept(void **state)
{
	size_t n = 0;
	int copy = openat(scratch(state), "cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);

	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

/* Spoils or reads the only file that is kept. */
static void spoil(void **state, size_t at)
{
	autofree char *path = str_format("%s/cache", scratch_path);
	DIR *d = opendir(path);
	struct dirent *e;

	while ((e = readdir(d)) && e->d_name[0] == '.')
		;
	autofree char *file = str_format("%s/%s", path, e->d_name);
	autoclose int fd = open(file, O_RDWR | O_CLOEXEC);
	char byte;

	(void)state;
	closedir(d);
	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte = (char)(byte ^ 1);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void programs_are_kept_and_found_again(void **state)
{
	static const char text[] =
		"{'defaultAction': 'SCMP_ACT_ALLOW', 'flags': ['SECCOMP_FILTER_FLAG_LOG'], 'syscalls':"
		" [{'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 42}]}";
	autofree char *path = str_format("%s/cache", scratch_path);
	struct spec_seccomp *first, *again, *other;

	seccomp_cache_use(path);
	first = docker(text, 0);
	assert_int_equal(kept(state), 1);
	again = docker(text, 0);
	assert_int_equal(kept(state), 1);
	assert_int_equal(again->flags, SECCOMP_FILTER_FLAG_LOG);
	assert_int_equal(first->filter.len, again->filter.len);
	assert_memory_equal(first->filter.filter, again->filter.filter,
			    first->filter.len * sizeof(struct sock_filter));

	/* Other capabilities and the other form are other programs. */
	other = docker(text, SYS_ADMIN);
	seccomp_profile_free(other);
	assert_int_equal(kept(state), 2);
	other = oci(text);
	seccomp_profile_free(other);
	assert_int_equal(kept(state), 3);
	seccomp_cache_use(NULL);
	seccomp_profile_free(first);
	seccomp_profile_free(again);
}

static void what_is_damaged_or_anybodys_is_made_anew(void **state)
{
	static const char text[] =
		"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['mkdir'],"
		" 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 42}]}";
	autofree char *path = str_format("%s/cache", scratch_path);
	struct spec_seccomp *s;

	seccomp_cache_use(path);
	seccomp_profile_free(docker(text, 0));
	for (size_t at = 0; at < 80; at += 8) {
		spoil(state, at);
		s = docker(text, 0);
		assert_int_equal(native(s, SYS_mkdir, 0), ERRNO(42));
		assert_int_equal(native(s, SYS_rmdir, 0), ALLOW);
		seccomp_profile_free(s);
	}
	assert_int_equal(chmod(path, 0770), 0);
	spoil(state, 60);
	s = docker(text, 0);
	assert_int_equal(native(s, SYS_mkdir, 0), ERRNO(42));
	seccomp_profile_free(s);
	seccomp_cache_use(NULL);
}

static void no_more_is_kept_than_fits(void **state)
{
	autofree char *path = str_format("%s/cache", scratch_path);

	seccomp_cache_use(path);
	for (int i = 0; i < 150; i++) {
		autofree char *text = str_format(
			"{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': %d}", i + 1);

		seccomp_profile_free(docker(text, 0));
		assert_true(kept(state) <= 65);
	}
	seccomp_cache_use(NULL);
}

static void the_kernel_takes_it(void **state)
{
	struct spec_seccomp *s = docker(
		"{'defaultAction': 'SCMP_ACT_ALLOW', 'archMap': [{'architecture': 'SCMP_ARCH_X86_64',"
		" 'subArchitectures': ['SCMP_ARCH_X86', 'SCMP_ARCH_X32']}], 'syscalls': [{'names':"
		" ['getppid'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 42}]}",
		0);
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, s->flags, &s->filter))
			_exit(1);
		_exit(syscall(SYS_getppid) == -1 && errno == 42 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	seccomp_profile_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_action_is_done),
		cmocka_unit_test(every_operator_compares_sixty_four_bits),
		cmocka_unit_test(conditions_of_a_rule_are_and_those_on_one_argument_or),
		cmocka_unit_test(calls_newer_than_the_profile_are_missing),
		cmocka_unit_test(architectures_are_filtered_each_by_its_numbers),
		cmocka_unit_test(flags_and_listener),
		cmocka_unit_test(rules_apply_by_their_conditions),
		cmocka_unit_test(old_profiles_have_one_name_a_rule),
		cmocka_unit_test(the_map_of_architectures_is_followed),
		cmocka_unit_test(a_map_without_this_machine_leaves_it_alone),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(what_is_wrong_in_dockers_form_is_named),
		cmocka_unit_test(a_profile_without_end_is_refused),
		cmocka_unit_test_setup_teardown(programs_are_kept_and_found_again, scratch_setup,
						scratch_teardown),
		cmocka_unit_test_setup_teardown(what_is_damaged_or_anybodys_is_made_anew,
						scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(no_more_is_kept_than_fits, scratch_setup,
						scratch_teardown),
		cmocka_unit_test(the_kernel_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
