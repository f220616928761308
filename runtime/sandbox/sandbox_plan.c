/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parent can find out about a process before the clone, so that the child need not. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "runtime/sandbox/sandbox_launch.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/kernel.h"

/* The paths at which args.items[0] may be found, NULL-terminated. */
static char **list_candidates(const struct spec_process *p)
{
	struct strv v = STRV_INIT;
	const char *name = p->args.items[0];
	const char *path = strv_env_get(&p->env, "PATH");

	if (strchr(name, '/')) {
		strv_add(&v, name);
		return v.items;
	}
	/* Only absolute folders: a relative one, or an empty one, would be the working
	 * directory. */
	for (const char *at = path ? path : ""; *at;) {
		size_t len = strcspn(at, ":");

		if (at[0] == '/')
			strv_addf(&v, "%.*s/%s", (int)len, at, name);
		at += len + (at[len] == ':');
	}
	return v.items ? v.items : xcalloc(1, sizeof(char *));
}

static void free_candidates(char **candidates)
{
	struct strv v = { .items = candidates };

	while (candidates && candidates[v.len])
		v.len++;
	strv_free(&v);
}

int sandbox_check_process(const struct spec_process *p, struct error *err)
{
	if (!p->args.len || !p->args.items[0][0])
		return error_set(err, EINVAL, "no command specified");
	if (!p->cwd || p->cwd[0] != '/')
		return error_set(err, EINVAL, "working directory \"%s\" is not an absolute path",
				 p->cwd ? p->cwd : "");
	return 0;
}

/* ---- CPUs */

/* "0-3,7" as a mask. */
static int parse_cpus(const char *text, struct sandbox_cpus *cpus, struct error *err)
{
	const unsigned long max = 8 * sizeof(cpus->bits) - 1;
	const char *at = text;

	memset(cpus, 0, sizeof(*cpus));
	while (*at) {
		char *end;
		unsigned long first, last;

		if (*at < '0' || *at > '9')
			break;
		first = last = strtoul(at, &end, 10);
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last > max || (*end && *end != ','))
			break;
		for (unsigned long i = first; i <= last; i++)
			cpus->bits[i / 8] |= (uint8_t)(1U << (i % 8));
		if (last / 8 + 1 > cpus->len)
			cpus->len = last / 8 + 1;
		at = *end ? end + 1 : end;
	}
	if (*at || !cpus->len)
		return error_set(err, EINVAL,
				 "execCPUAffinity: \"%s\" is no list of CPUs such as 0-3,7", text);
	/* The kernel takes whole words (sched_setaffinity(2)). */
	cpus->len = (cpus->len + sizeof(long) - 1) / sizeof(long) * sizeof(long);
	return 0;
}

/* ---- Labels */

static bool reads(const char *path, char expected)
{
	char c = 0;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &c, 1) == 1 && c == expected;
}

/* A profile or label that was asked for and cannot be given is no small matter: nothing runs without it. */
static int plan_label(struct sandbox_plan *plan, struct error *err)
{
	const struct spec_process *p = plan->process;
	const char *profile = p->apparmor_profile, *label = p->selinux_label;
	int n = 0;

	if (profile && (!*profile || strcmp(profile, "unconfined") == 0))
		profile = NULL;
	if (label && !*label)
		label = NULL;
	if (profile && !reads("/sys/module/apparmor/parameters/enabled", 'Y'))
		return error_set(
			err, ENOTSUP,
			"the AppArmor profile \"%s\" cannot be applied: this kernel has no AppArmor",
			profile);
	if (label && access("/sys/fs/selinux/enforce", F_OK) < 0)
		return error_set(
			err, ENOTSUP,
			"the SELinux label \"%s\" cannot be applied: this kernel has no SELinux",
			label);
	if (profile)
		n = snprintf(plan->label, sizeof(plan->label), "exec %s", profile);
	else if (label)
		n = snprintf(plan->label, sizeof(plan->label), "%s", label);
	if (n >= (int)sizeof(plan->label))
		return error_set(err, ENAMETOOLONG, "the label \"%s\" is too long",
				 profile ? profile : label);
	return 0;
}

/* ---- Rights */

/* Nobody can hand on what he does not have: of the rest the process gets as much as there is. In a user namespace of
 * its own it has all. */
static void plan_capabilities(struct sandbox_plan *plan)
{
	const struct spec_capabilities *asked = &plan->process->capabilities;
	uint64_t there = plan->all_capabilities = capability_all();

	if (!plan->ns.user)
		there &= capability_own();
	plan->capabilities = (struct spec_capabilities){
		.bounding = asked->bounding & there,
		.effective = asked->effective & there,
		.inheritable = asked->inheritable & there,
		.permitted = asked->permitted & there,
		.ambient = asked->ambient & there,
	};
}

static void plan_filter(struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;
	const struct spec_seccomp *custom = p->custom_seccomp;

	if (!custom) {
		plan->filter = p->seccomp;
	} else if (custom->filter.len) {
		plan->filter = &custom->filter;
		plan->filter_flags = custom->flags |
				     (custom->listener_path ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
	}
}

/* ---- Descriptors */

static bool is_null_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static int plan_stdio(struct sandbox_plan *plan, const int stdio[3], struct error *err)
{
	const struct spec_process *p = plan->process;

	for (int i = 0; i < 3; i++) {
		struct stat st;

		plan->stdio[i] = stdio ? stdio[i] : -1;
		if (plan->stdio[i] < 0 || p->terminal)
			continue;
		if (is_null_device(plan->stdio[i]))
			plan->stdio[i] = -1;
		else if (plan->ns.user && fstat(plan->stdio[i], &st) == 0 && S_ISFIFO(st.st_mode))
			/* In there the pipe's owner would be nobody, and /dev/stdout not be opened again. */
			(void)!fchown(plan->stdio[i], plan->stdio_uid, (gid_t)-1);
	}
	for (int fd = 3; fd < 3 + p->preserve_fds; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return error_set(err, EBADF,
					 "descriptor %d is to be preserved and not open", fd);
	for (size_t i = 0; p->preserve_fds && i < p->env.len; i++)
		if (str_starts(p->env.items[i], "LISTEN_PID="))
			plan->listen_pid_at = i + 1;
	return 0;
}

int sandbox_plan_process(struct sandbox_plan *plan, const int stdio[3], struct error *err)
{
	const struct spec_process *p = plan->process;

	if (plan_stdio(plan, stdio, err) < 0 || plan_label(plan, err) < 0)
		return -1;
	if (p->affinity_initial &&
	    parse_cpus(p->affinity_initial, &plan->affinity_initial, err) < 0)
		return -1;
	if (p->affinity_final && parse_cpus(p->affinity_final, &plan->affinity_final, err) < 0)
		return -1;
	plan_capabilities(plan);
	plan_filter(plan);
	plan->candidates = list_candidates(p);
	return 0;
}

void sandbox_plan_release(struct sandbox_plan *plan)
{
	for (int i = 0; i < 2; i++)
		if (plan->state_fds[i] > 0)
			close(plan->state_fds[i]);
	free_candidates(plan->candidates);
	plan->candidates = NULL;
	namespaces_release(&plan->ns);
}
