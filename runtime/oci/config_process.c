/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process of config.json, and of `exec --process`. */
#include <errno.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/oci/config_private.h"
#include "runtime/spec/capability.h"

#ifndef SCHED_FLAG_RESET_ON_FORK
#define SCHED_FLAG_RESET_ON_FORK  0x01
#define SCHED_FLAG_RECLAIM        0x02
#define SCHED_FLAG_DL_OVERRUN     0x04
#define SCHED_FLAG_KEEP_POLICY    0x08
#define SCHED_FLAG_KEEP_PARAMS    0x10
#define SCHED_FLAG_UTIL_CLAMP_MIN 0x20
#define SCHED_FLAG_UTIL_CLAMP_MAX 0x40
#endif

/* More IDs than the kernel takes (NGROUPS_MAX), and more CPUs than it knows. */
#define GROUPS_MAX 65536
#define CPU_MAX    8191

static int read_user(const struct json_at *process, struct spec_process *out, struct error *err)
{
	struct json_at user, groups;
	uint64_t uid, gid, umask = UINT64_MAX, group;

	if (json_at_need_object(process, "user", &user, err) ||
	    json_at_need_uint(&user, "uid", OCI_ID_MAX, &uid, err) ||
	    json_at_need_uint(&user, "gid", OCI_ID_MAX, &gid, err) ||
	    json_at_get_uint(&user, "umask", 0777, &umask, err) ||
	    json_at_get_array(&user, "additionalGids", &groups, err))
		return -1;
	out->uid = (uid_t)uid;
	out->gid = (gid_t)gid;
	out->umask = (mode_t)umask;

	size_t n = groups.value ? yyjson_arr_size(groups.value) : 0;
	if (n > GROUPS_MAX)
		return json_at_error(&groups, err, "more than %d", GROUPS_MAX);
	if (!n)
		return 0;
	out->groups = xcalloc(n, sizeof(*out->groups));
	for (struct json_at e = json_at_first(&groups); e.value; e = json_at_next(&groups, &e)) {
		if (json_at_uint(&e, OCI_ID_MAX, &group, err))
			return -1;
		out->groups[out->n_groups++] = (gid_t)group;
	}
	return 0;
}

/* An environment that exec(2) would take as it is, but nothing could find again. */
static int check_env(const struct json_at *process, const struct strv *env, struct error *err)
{
	struct json_at list = json_at_member(process, "env");

	for (size_t i = 0; i < env->len; i++) {
		const char *eq = strchr(env->items[i], '=');
		struct json_at e = { .parent = &list, .index = i };

		if (!eq || eq == env->items[i])
			return json_at_error(&e, err, "not NAME=VALUE");
	}
	return 0;
}

static int read_terminal(const struct json_at *process, struct spec_process *out, struct error *err)
{
	struct json_at size;
	uint64_t height, width;

	if (json_at_get_bool(process, "terminal", &out->terminal, err))
		return -1;
	if (!out->terminal)
		return 0;
	if (json_at_get_object(process, "consoleSize", &size, err))
		return -1;
	if (!size.value)
		return 0;
	if (json_at_need_uint(&size, "height", UINT16_MAX, &height, err) ||
	    json_at_need_uint(&size, "width", UINT16_MAX, &width, err))
		return -1;
	out->rows = (unsigned short)height;
	out->cols = (unsigned short)width;
	return 0;
}

/* ---- Capabilities */

/* What cannot be granted is left out with a warning, as the specification demands. */
static int read_set(const struct json_at *object, const char *key, uint64_t *out,
		    struct strv *unknown, struct error *err)
{
	struct json_at list;
	const char *name;

	if (json_at_get_array(object, key, &list, err))
		return -1;
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		if (json_at_str(&e, &name, err))
			return -1;

		int number = capability_from_name(name);
		if (number >= 0 && capability_all() >> number & 1)
			*out |= UINT64_C(1) << number;
		else if (unknown->len < 8 && !strv_contains(unknown, name))
			strv_add(unknown, name);
	}
	return 0;
}

static int read_capabilities(const struct json_at *process, struct spec_capabilities *out,
			     struct error *err)
{
	autostrv struct strv unknown = STRV_INIT;
	struct json_at object;

	if (json_at_get_object(process, "capabilities", &object, err) ||
	    read_set(&object, "bounding", &out->bounding, &unknown, err) ||
	    read_set(&object, "effective", &out->effective, &unknown, err) ||
	    read_set(&object, "inheritable", &out->inheritable, &unknown, err) ||
	    read_set(&object, "permitted", &out->permitted, &unknown, err) ||
	    read_set(&object, "ambient", &out->ambient, &unknown, err))
		return -1;
	if (unknown.len) {
		autofree char *names = strv_join(&unknown, ", ");

		str_one_line(names);
		log_warn_once("process.capabilities: this kernel has no %.256s", names);
	}
	return 0;
}

/* ---- Limits */

static const struct oci_word rlimits[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
	{ NULL, 0 },
};

static int read_rlimits(const struct json_at *process, struct spec_process *out, struct error *err)
{
	struct json_at list;
	uint64_t type, soft, hard;
	const char *name;

	if (json_at_get_array(process, "rlimits", &list, err))
		return -1;
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		struct json_at at = json_at_member(&e, "type");

		if (json_at_check_object(&e, err) || json_at_need_str(&e, "type", &name, err) ||
		    oci_word_value(&at, rlimits, "a limit of getrlimit(2)", name, &type, err) ||
		    json_at_need_uint(&e, "soft", UINT64_MAX, &soft, err) ||
		    json_at_need_uint(&e, "hard", UINT64_MAX, &hard, err))
			return -1;
		if (soft > hard)
			return json_at_error(&e, err, "soft is above hard");
		for (size_t i = 0; i < out->n_rlimits; i++)
			if (out->rlimits[i].resource == (int)type)
				return json_at_error(&e, err, "%s stands there twice", name);
		/* Duplicates are refused, so there are never more than the table has. */
		if (!out->rlimits)
			out->rlimits = xcalloc(sizeof(rlimits) / sizeof(rlimits[0]),
					       sizeof(*out->rlimits));
		out->rlimits[out->n_rlimits++] = (struct spec_rlimit){
			.resource = (int)type,
			.limit = { .rlim_cur = (rlim_t)soft, .rlim_max = (rlim_t)hard },
		};
	}
	return 0;
}

/* ---- Scheduling */

static const struct oci_word policies[] = {
	{ "SCHED_OTHER", SCHED_OTHER },
	{ "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_ISO", 4 },
	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", 6 },
	{ NULL, 0 },
};

static const struct oci_word scheduler_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	{ NULL, 0 },
};

static const struct oci_word io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	{ NULL, 0 },
};

static int read_scheduler(const struct json_at *process, struct spec_scheduler *out,
			  struct error *err)
{
	struct json_at object, flags;
	const char *name;
	uint64_t policy, flag;
	int64_t nice = 0, priority = 0;

	if (json_at_get_object(process, "scheduler", &object, err))
		return -1;
	if (!object.value)
		return 0;

	struct json_at at = json_at_member(&object, "policy");
	if (json_at_need_str(&object, "policy", &name, err) ||
	    oci_word_value(&at, policies, "a scheduling policy", name, &policy, err) ||
	    json_at_get_int(&object, "nice", -20, 19, &nice, err) ||
	    json_at_get_int(&object, "priority", 0, 99, &priority, err) ||
	    json_at_get_array(&object, "flags", &flags, err) ||
	    json_at_get_uint(&object, "runtime", INT64_MAX, &out->runtime, err) ||
	    json_at_get_uint(&object, "deadline", INT64_MAX, &out->deadline, err) ||
	    json_at_get_uint(&object, "period", INT64_MAX, &out->period, err))
		return -1;
	for (struct json_at e = json_at_first(&flags); e.value; e = json_at_next(&flags, &e)) {
		if (json_at_str(&e, &name, err) ||
		    oci_word_value(&e, scheduler_flags, "a scheduler flag", name, &flag, err))
			return -1;
		out->flags |= flag;
	}
	out->set = true;
	out->policy = (uint32_t)policy;
	out->nice = (int32_t)nice;
	out->priority = (uint32_t)priority;
	return 0;
}

static int read_io_priority(const struct json_at *process, struct spec_io_priority *out,
			    struct error *err)
{
	struct json_at object;
	const char *name;
	uint64_t class;
	int64_t priority;

	if (json_at_get_object(process, "ioPriority", &object, err))
		return -1;
	if (!object.value)
		return 0;

	struct json_at at = json_at_member(&object, "class");
	if (json_at_need_str(&object, "class", &name, err) ||
	    oci_word_value(&at, io_classes, "a class of ioprio_set(2)", name, &class, err) ||
	    json_at_need_int(&object, "priority", 0, 7, &priority, err))
		return -1;
	*out = (struct spec_io_priority){ .set = true,
					  .class = (int)class,
					  .priority = (int)priority };
	return 0;
}

/* "0-3,7" */
static bool is_cpu_list(const char *s)
{
	for (;;) {
		char *end;
		unsigned long first, last;

		if (*s < '0' || *s > '9')
			return false;
		first = last = strtoul(s, &end, 10);
		if (*end == '-') {
			if (end[1] < '0' || end[1] > '9')
				return false;
			last = strtoul(end + 1, &end, 10);
		}
		if (last < first || last > CPU_MAX)
			return false;
		if (!*end)
			return true;
		if (*end != ',')
			return false;
		s = end + 1;
	}
}

static int read_cpus(const struct json_at *object, const char *key, char **out, struct error *err)
{
	struct json_at at = json_at_member(object, key);

	if (oci_get_text(object, key, out, err))
		return -1;
	return !*out || is_cpu_list(*out)
		       ? 0
		       : json_at_error(&at, err, "not a list of CPUs such as \"0-3,7\"");
}

static int read_affinity(const struct json_at *process, struct spec_process *out, struct error *err)
{
	struct json_at object;

	return json_at_get_object(process, "execCPUAffinity", &object, err) ||
			       read_cpus(&object, "initial", &out->affinity_initial, err) ||
			       read_cpus(&object, "final", &out->affinity_final, err)
		       ? -1
		       : 0;
}

/* ---- All of it */

int oci_read_process(const struct json_at *process, struct spec_process *out, struct error *err)
{
	const char *cwd;
	struct json_at args = json_at_member(process, "args"), at = json_at_member(process, "cwd");
	struct json_at score = json_at_member(process, "oomScoreAdj");
	int64_t oom_score_adj = 0;

	if (read_terminal(process, out, err) || read_user(process, out, err) ||
	    json_at_get_strv(process, "args", &out->args, err) ||
	    json_at_get_strv(process, "env", &out->env, err) ||
	    check_env(process, &out->env, err) || json_at_need_str(process, "cwd", &cwd, err) ||
	    read_capabilities(process, &out->capabilities, err) ||
	    read_rlimits(process, out, err) ||
	    json_at_get_bool(process, "noNewPrivileges", &out->no_new_privileges, err) ||
	    json_at_get_int(process, "oomScoreAdj", -1000, 1000, &oom_score_adj, err) ||
	    oci_get_text(process, "apparmorProfile", &out->apparmor_profile, err) ||
	    oci_get_text(process, "selinuxLabel", &out->selinux_label, err) ||
	    read_scheduler(process, &out->scheduler, err) ||
	    read_io_priority(process, &out->io_priority, err) || read_affinity(process, out, err))
		return -1;
	if (!out->args.len)
		return json_at_error(&args, err, args.value ? "empty" : "missing");
	if (cwd[0] != '/')
		return json_at_error(&at, err, "\"%s\" is not an absolute path", cwd);
	out->cwd = xstrdup(cwd);
	out->has_oom_score_adj = score.value != NULL;
	out->oom_score_adj = (int)oom_score_adj;
	return 0;
}
