/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/spec/seccomp_profile.h"

#include <ctype.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/version.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/seccomp_builder.h"
#include "runtime/spec/seccomp_cache.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define ERRNO_MAX 4095 /* the kernel's MAX_ERRNO */

struct word {
	const char *word;
	uint32_t value;
};

/* SCMP_ACT_ERRNO and SCMP_ACT_TRACE take a number in their lower half. */
static const struct word actions[] = {
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	{ NULL, 0 },
};

/* libseccomp knows them by the same words, small and without the beginning; which, depends on its version. */
static const struct word arches[] = {
	{ "SCMP_ARCH_AARCH64", 0 },     { "SCMP_ARCH_ARM", 0 },    { "SCMP_ARCH_LOONGARCH64", 0 },
	{ "SCMP_ARCH_M68K", 0 },        { "SCMP_ARCH_MIPS", 0 },   { "SCMP_ARCH_MIPS64", 0 },
	{ "SCMP_ARCH_MIPS64N32", 0 },   { "SCMP_ARCH_MIPSEL", 0 }, { "SCMP_ARCH_MIPSEL64", 0 },
	{ "SCMP_ARCH_MIPSEL64N32", 0 }, { "SCMP_ARCH_PARISC", 0 }, { "SCMP_ARCH_PARISC64", 0 },
	{ "SCMP_ARCH_PPC", 0 },         { "SCMP_ARCH_PPC64", 0 },  { "SCMP_ARCH_PPC64LE", 0 },
	{ "SCMP_ARCH_RISCV64", 0 },     { "SCMP_ARCH_S390", 0 },   { "SCMP_ARCH_S390X", 0 },
	{ "SCMP_ARCH_SH", 0 },          { "SCMP_ARCH_SHEB", 0 },   { "SCMP_ARCH_X32", 0 },
	{ "SCMP_ARCH_X86", 0 },         { "SCMP_ARCH_X86_64", 0 }, { NULL, 0 },
};

static const struct word operators[] = {
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ }, { "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT }, { "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT }, { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	{ "SCMP_CMP_NE", SCMP_CMP_NE }, { NULL, 0 },
};

static const struct word flags[] = {
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
	{ NULL, 0 },
};

static const struct {
	const char *kind;
	const struct word *words;
} vocabularies[] = {
	[SECCOMP_ACTIONS] = { "an action of seccomp", actions },
	[SECCOMP_ARCHES] = { "an architecture of seccomp", arches },
	[SECCOMP_OPERATORS] = { "an operator of seccomp", operators },
	[SECCOMP_FLAGS] = { "a flag of seccomp", flags },
};

const char *seccomp_profile_word(enum seccomp_vocabulary v, size_t i)
{
	return vocabularies[v].words[i].word;
}

static int find_word(const struct json_at *at, enum seccomp_vocabulary v, const char *word,
		     uint32_t *out, struct error *err)
{
	for (const struct word *w = vocabularies[v].words; w->word; w++)
		if (strcmp(w->word, word) == 0) {
			*out = w->value;
			return 0;
		}
	return json_at_error(at, err, "\"%s\" is not %s", word, vocabularies[v].kind);
}

/* ---- Rules, as both forms have them */

struct profile {
	struct seccomp_builder builder;
	bool notifies;
	bool check_only; /* rules are read, but not compiled */

	/* Docker's form: what conditions are about. */
	bool docker;
	uint64_t capabilities;
};

/* The action that object has under key, with the number it may have under errno_key. */
static int read_action(const struct json_at *object, const char *key, const char *errno_key,
		       uint32_t *out, struct error *err)
{
	struct json_at at = json_at_member(object, key),
		       errno_at = json_at_member(object, errno_key);
	const char *name;
	uint64_t number = EPERM;

	if (json_at_need_str(object, key, &name, err) ||
	    find_word(&at, SECCOMP_ACTIONS, name, out, err))
		return -1;
	bool is_errno = *out == SCMP_ACT_ERRNO(0), is_trace = *out == SCMP_ACT_TRACE(0);
	if (json_at_get_uint(object, errno_key, is_trace ? UINT16_MAX : ERRNO_MAX, &number, err))
		return -1;
	if (is_errno || is_trace)
		*out |= (uint32_t)number;
	else if (errno_at.value)
		return json_at_error(&errno_at, err, "%s has no such number", name);
	return 0;
}

static int read_conditions(const struct json_at *rule, struct scmp_arg_cmp *out, unsigned int *n,
			   struct error *err)
{
	struct json_at list;

	if (json_at_get_array(rule, "args", &list, err))
		return -1;
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		struct json_at op_at = json_at_member(&e, "op");
		uint64_t index, value, second = 0;
		const char *op;
		uint32_t operator;

		if (json_at_check_object(&e, err) ||
		    json_at_need_uint(&e, "index", 5, &index, err) ||
		    json_at_need_uint(&e, "value", UINT64_MAX, &value, err) ||
		    json_at_get_uint(&e, "valueTwo", UINT64_MAX, &second, err) ||
		    json_at_need_str(&e, "op", &op, err) ||
		    find_word(&op_at, SECCOMP_OPERATORS, op, &operator, err))
			return -1;
		if (*n == SECCOMP_CONDITIONS_MAX)
			return json_at_error(&list, err, "more than %d", SECCOMP_CONDITIONS_MAX);
		out[(*n)++] = (struct scmp_arg_cmp){ (unsigned int)index,
						     (enum scmp_compare) operator, value, second };
	}
	return 0;
}

static int add_rule(struct profile *p, const struct json_at *rule, uint32_t action,
		    const char *call, const struct scmp_arg_cmp *conditions, unsigned int n,
		    struct error *err)
{
	struct error why = ERROR_INIT;

	if (!*call)
		return json_at_error(rule, err, "names an empty system call");
	if (!p->check_only &&
	    seccomp_builder_add_rule(&p->builder, action, call, conditions, n, &why))
		return json_at_error_code(rule, why.code, err, "%s", why.message);
	p->notifies |= action == SCMP_ACT_NOTIFY;
	return 0;
}

static int read_rule(struct profile *p, const struct json_at *rule, struct error *err)
{
	struct scmp_arg_cmp conditions[SECCOMP_CONDITIONS_MAX];
	struct json_at names, name_at = json_at_member(rule, "name"),
			      names_at = json_at_member(rule, "names");
	uint32_t action;
	const char *name = "";
	unsigned int n = 0;

	if (read_action(rule, "action", "errnoRet", &action, err) ||
	    read_conditions(rule, conditions, &n, err) ||
	    json_at_get_array(rule, "names", &names, err))
		return -1;
	/* Docker's oldest profiles have one name a rule. */
	if (p->docker && name_at.value) {
		if (json_at_get_str(rule, "name", &name, err))
			return -1;
		if (names.value && yyjson_arr_size(names.value) && *name)
			return json_at_error(rule, err, "both name and names");
		if (*name)
			return add_rule(p, rule, action, name, conditions, n, err);
	}
	if (!names.value || !yyjson_arr_size(names.value))
		return json_at_error(&names_at, err, names.value ? "empty" : "missing");
	for (struct json_at e = json_at_first(&names); e.value; e = json_at_next(&names, &e))
		if (json_at_str(&e, &name, err) ||
		    add_rule(p, rule, action, name, conditions, n, err))
			return -1;
	return 0;
}

/* ---- Docker's conditions */

/* This machine in Go's words. */
#define DOCKER_ARCH "amd64"

/* Whether the kernel is at least "4.8". */
static int kernel_is(const struct json_at *at, bool *out, struct error *err)
{
	struct utsname name;
	const char *text;
	char *end;

	if (json_at_str(at, &text, err))
		return -1;
	if (!*text) {
		*out = true;
		return 0;
	}
	unsigned long major = strtoul(text, &end, 10), minor = 0;
	bool well =
		strspn(text, "0123456789") > 0 && *end == '.' && strspn(end + 1, "0123456789") > 0;
	if (well)
		minor = strtoul(end + 1, &end, 10);
	if (!well || *end || major > 255 || minor > 255 || (!major && !minor))
		return json_at_error(at, err, "\"%s\" is not a version of a kernel such as 4.8",
				     text);
	if (uname(&name) < 0)
		return error_errno(err, "uname");

	unsigned long own_major = strtoul(name.release, &end, 10);
	unsigned long own_minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	*out = own_major > major || (own_major == major && own_minor >= minor);
	return 0;
}

struct conditions {
	size_t n_arches, n_capabilities;
	bool arch;                             /* this machine's is among them */
	bool any_capability, all_capabilities; /* the container has them */
	bool has_kernel, kernel;
};

static int read_filter(const struct profile *p, const struct json_at *rule, const char *key,
		       struct conditions *out, struct error *err)
{
	struct json_at object, list;
	const char *name;

	*out = (struct conditions){ .all_capabilities = true };
	if (json_at_get_object(rule, key, &object, err) ||
	    json_at_get_array(&object, "arches", &list, err))
		return -1;
	for (struct json_at e = json_at_first(&list); e.value;
	     e = json_at_next(&list, &e), out->n_arches++) {
		if (json_at_str(&e, &name, err))
			return -1;
		out->arch |= strcmp(name, DOCKER_ARCH) == 0;
	}
	if (json_at_get_array(&object, "caps", &list, err))
		return -1;
	for (struct json_at e = json_at_first(&list); e.value;
	     e = json_at_next(&list, &e), out->n_capabilities++) {
		if (json_at_str(&e, &name, err))
			return -1;

		/* One that we do not know no container has. */
		int number = capability_from_name(name);
		bool has = number >= 0 && p->capabilities >> number & 1;
		out->any_capability |= has;
		out->all_capabilities &= has;
	}

	struct json_at kernel = json_at_member(&object, "minKernel");
	out->has_kernel = kernel.value != NULL;
	return kernel.value ? kernel_is(&kernel, &out->kernel, err) : 0;
}

/* Whether a rule of Docker's applies to this container on this machine. */
static int applies(const struct profile *p, const struct json_at *rule, bool *out,
		   struct error *err)
{
	struct conditions in, ex;

	if (read_filter(p, rule, "includes", &in, err) ||
	    read_filter(p, rule, "excludes", &ex, err))
		return -1;
	*out = !(ex.arch || ex.any_capability || (ex.has_kernel && ex.kernel)) &&
	       (!in.n_arches || in.arch) && in.all_capabilities && (!in.has_kernel || in.kernel);
	return 0;
}

/* ---- Profiles */

/* The architecture named at a place. */
static int read_arch(const struct json_at *at, const char **name, uint32_t *out, struct error *err)
{
	char own[32] = "";
	uint32_t unused = 0;

	if (json_at_str(at, name, err) || find_word(at, SECCOMP_ARCHES, *name, &unused, err))
		return -1;
	for (size_t i = 0; (*name)[i + strlen("SCMP_ARCH_")] && i + 1 < sizeof(own); i++)
		own[i] = (char)tolower((unsigned char)(*name)[i + strlen("SCMP_ARCH_")]);
	*out = seccomp_arch_resolve_name(own);
	return 0;
}

static int add_arch(struct profile *p, const struct json_at *at, struct error *err)
{
	struct error why = ERROR_INIT;
	const char *name = "";
	uint32_t arch = 0;

	if (read_arch(at, &name, &arch, err))
		return -1;
	if (!arch)
		return json_at_error(at, err, "%s is not known to libseccomp", name);
	if (seccomp_builder_add_arch(&p->builder, arch, &why))
		return json_at_error(at, err, "%s %s", name, why.message);
	return 0;
}

static int read_arches(struct profile *p, const struct json_at *list, struct error *err)
{
	for (struct json_at e = json_at_first(list); e.value; e = json_at_next(list, &e))
		if (add_arch(p, &e, err))
			return -1;
	return 0;
}

/* Docker's archMap: of all that a profile is for, the machine's own with those it can run besides. */
static int read_arch_map(struct profile *p, const struct json_at *list, struct error *err)
{
	for (struct json_at e = json_at_first(list); e.value; e = json_at_next(list, &e)) {
		struct json_at others, at = json_at_member(&e, "architecture");
		const char *name = "";
		uint32_t arch = 0;

		if (json_at_check_object(&e, err) ||
		    json_at_need_str(&e, "architecture", &name, err) ||
		    read_arch(&at, &name, &arch, err) ||
		    json_at_get_array(&e, "subArchitectures", &others, err))
			return -1;
		if (arch == seccomp_arch_native())
			return read_arches(p, &others, err);
	}
	return 0;
}

static int read_flags(const struct json_at *object, unsigned int *out, struct error *err)
{
	struct json_at list;
	const char *name;
	uint32_t flag = 0;

	if (json_at_get_array(object, "flags", &list, err))
		return -1;
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		if (json_at_str(&e, &name, err) || find_word(&e, SECCOMP_FLAGS, name, &flag, err))
			return -1;
		*out |= flag;
	}
	return 0;
}

static int read_listener(const struct json_at *object, const struct profile *p,
			 struct spec_seccomp *out, struct error *err)
{
	struct json_at path_at = json_at_member(object, "listenerPath");
	struct json_at metadata_at = json_at_member(object, "listenerMetadata");
	const char *path = "", *metadata = "";

	if (json_at_get_str(object, "listenerPath", &path, err) ||
	    json_at_get_str(object, "listenerMetadata", &metadata, err))
		return -1;
	if (*metadata && !*path)
		return json_at_error(&metadata_at, err, "there is no listenerPath to send it to");
	if (*path && path[0] != '/')
		return json_at_error(&path_at, err, "\"%s\" is not an absolute path", path);
	if (p->notifies && !*path)
		return json_at_error(&path_at, err, "missing, with SCMP_ACT_NOTIFY");
	if (!p->notifies) {
		/* The kernel has it for listeners alone. */
		out->flags &= ~(unsigned int)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
		return 0;
	}
	/* One thread there is when the filter is installed, and with a listener the kernel cannot say which failed. */
	out->flags &= ~(unsigned int)SECCOMP_FILTER_FLAG_TSYNC;
	out->flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	out->listener_path = xstrdup(path);
	out->listener_metadata = *metadata ? xstrdup(metadata) : NULL;
	return 0;
}

static int read_profile(struct profile *p, const struct json_at *object, struct spec_seccomp *out,
			struct error *err)
{
	struct json_at architectures, arch_map = { 0 }, calls,
				      action_at = json_at_member(object, "defaultAction");
	struct error why = ERROR_INIT;
	uint32_t action;
	bool wanted = true;

	if (read_action(object, "defaultAction", "defaultErrnoRet", &action, err))
		return -1;
	p->notifies = action == SCMP_ACT_NOTIFY;
	if (seccomp_builder_start(&p->builder, action, &why))
		return json_at_error_code(&action_at, why.code, err, "%s", why.message);
	if (json_at_get_array(object, "architectures", &architectures, err) ||
	    (p->docker && json_at_get_array(object, "archMap", &arch_map, err)))
		return -1;
	if (architectures.value && yyjson_arr_size(architectures.value) && arch_map.value &&
	    yyjson_arr_size(arch_map.value))
		return json_at_error(&arch_map, err,
				     "stands beside architectures; only one of them can");
	if (read_arches(p, &architectures, err) || read_arch_map(p, &arch_map, err) ||
	    json_at_get_array(object, "syscalls", &calls, err))
		return -1;
	for (struct json_at e = json_at_first(&calls); e.value; e = json_at_next(&calls, &e)) {
		if (json_at_check_object(&e, err) || (p->docker && applies(p, &e, &wanted, err)))
			return -1;
		if (wanted && read_rule(p, &e, err))
			return -1;
	}
	if (read_flags(object, &out->flags, err) || read_listener(object, p, out, err))
		return -1;
	if (!p->check_only && seccomp_builder_finish(&p->builder, &out->filter, &why))
		return json_at_error_code(object, why.code, err, "%s", why.message);
	return 0;
}

/* All that the program depends on: its text and, in Docker's form, the capabilities and the kernel, of which a boot has one. The
 * number goes up when what is made of the same text changes. */
static void key_of(const struct profile *p, const struct json_at *object, struct digest *out)
{
	const struct scmp_version *libseccomp = seccomp_version();
	autofree char *text = yyjson_val_write(object->value, YYJSON_WRITE_NOFLAG, NULL);
	autofree char *key =
		str_format("1 %s %u.%u.%u %d %llx %s", KNARR_VERSION, libseccomp->major,
			   libseccomp->minor, libseccomp->micro, p->docker,
			   (unsigned long long)p->capabilities, text ? text : "");

	digest_of(key, strlen(key), out);
}

static int compile(struct profile *p, const struct json_at *object, struct spec_seccomp **out,
		   struct error *err)
{
	struct spec_seccomp *s = xcalloc(1, sizeof(*s));
	bool keep = seccomp_cache_used() && !p->check_only;
	struct digest key;

	/* A profile whose program is kept is read and checked all the same. */
	if (keep) {
		key_of(p, object, &key);
		p->check_only = seccomp_cache_get(&key, &s->filter);
	}
	int rc = read_profile(p, object, s, err);

	seccomp_builder_free(&p->builder);
	if (rc)
		seccomp_profile_free(s);
	else
		*out = s;
	if (rc == 0 && keep && !p->check_only)
		seccomp_cache_put(&key, &s->filter);
	return rc;
}

int seccomp_profile_compile_oci(const struct json_at *seccomp, struct spec_seccomp **out,
				struct error *err)
{
	struct profile p = { .docker = false };

	return compile(&p, seccomp, out, err);
}

static int compile_docker(struct profile *p, const char *json, size_t len,
			  struct spec_seccomp **out, struct error *err)
{
	autojson yyjson_doc *doc = json_parse(json, len, "seccomp profile", err);

	if (!doc)
		return -1;

	struct json_at root = { .value = yyjson_doc_get_root(doc), .key = "" };
	if (!yyjson_is_obj(root.value))
		return error_set(err, EINVAL, "seccomp profile: not an object");
	if (compile(p, &root, out, err))
		return error_prefix(err, "seccomp profile");
	return 0;
}

int seccomp_profile_compile(const char *json, size_t len, uint64_t capabilities,
			    struct spec_seccomp **out, struct error *err)
{
	struct profile p = { .docker = true, .capabilities = capabilities };

	return compile_docker(&p, json, len, out, err);
}

int seccomp_profile_check(const char *json, size_t len, uint64_t capabilities, struct error *err)
{
	struct profile p = { .docker = true, .capabilities = capabilities, .check_only = true };
	struct spec_seccomp *s = NULL;

	if (compile_docker(&p, json, len, &s, err))
		return -1;
	seccomp_profile_free(s);
	return 0;
}

void seccomp_profile_free(struct spec_seccomp *s)
{
	if (!s)
		return;
	free(s->filter.filter);
	free(s->listener_path);
	free(s->listener_metadata);
	free(s);
}
