/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who the child is and what it may: user, keyring, capabilities, label, filter; and which program it becomes. */
#include "runtime/sandbox/sandbox_process.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "runtime/spec/capability.h"
#include "runtime/spec/kernel.h"

/* In a user namespace we begin as nobody with all rights: what we made would be nobody's (EOVERFLOW). */
int sandbox_become_root(struct sandbox_plan *plan)
{
	if (sys_setgroups(0, NULL) < 0 || sys_setresgid(0) < 0 || sys_setresuid(0) < 0)
		return sandbox_fault(plan, STEP_USER, "in the user namespace");
	/* A change of the user turns it off, or on again (prctl(2), PR_SET_DUMPABLE). */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? sandbox_fault(plan, STEP_USER, NULL) : 0;
}

/* Else the process would possess the keys of whoever started it. */
int sandbox_new_keyring(struct sandbox_plan *plan)
{
	if ((plan->spec && plan->spec->no_new_keyring) ||
	    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 || errno == ENOSYS)
		return 0;
	return sandbox_fault(plan, STEP_KEYRING, NULL);
}

/* Opened while the machine's procfs is in sight: the container's could be anything. */
int sandbox_open_label(struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;

	if (!plan->label[0])
		return 0;
	plan->label_fd =
		open(p->apparmor_profile ? "/proc/self/attr/apparmor/exec" : "/proc/self/attr/exec",
		     O_WRONLY | O_CLOEXEC);
	if (plan->label_fd < 0 && p->apparmor_profile)
		plan->label_fd = open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC);
	return plan->label_fd < 0 ? sandbox_fault(plan, STEP_LABEL, plan->label) : 0;
}

int sandbox_set_user(struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;

	/* Without this, leaving uid 0 would empty the permitted set (capabilities(7)). */
	if (p->uid && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return sandbox_fault(plan, STEP_USER, NULL);
	if (sys_setgroups(p->n_groups, p->groups) < 0 || sys_setresgid(p->gid) < 0 ||
	    sys_setresuid(p->uid) < 0)
		return sandbox_fault(plan, STEP_USER, NULL);
	if (!p->uid)
		return 0;
	/* A change of the user may turn it on (proc(5), fs.suid_dumpable). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return sandbox_fault(plan, STEP_USER, NULL);

	/* The effective set went all the same; what the filter's installation needs comes back
	 * until sandbox_set_privileges. */
	struct spec_capabilities sets = plan->capabilities;
	sets.permitted |= UINT64_C(1) << CAP_SYS_ADMIN;
	sets.effective |= UINT64_C(1) << CAP_SYS_ADMIN;
	sets.ambient = 0;
	if (capability_set(&sets) < 0)
		return sandbox_fault(plan, STEP_CAPABILITY, NULL);
	return 0;
}

/* ---- The program */

/* 0 if path is a program, else an errno value, as Go's exec.LookPath and so Docker finds it. */
static int program_fault(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!(st.st_mode & 0111) || sys_executable(path) < 0)
		return EACCES;
	return 0;
}

const char *sandbox_find_program(struct sandbox_plan *plan)
{
	const char *name = plan->process->args.items[0];
	int fault = ENOENT;

	for (char **path = plan->candidates; *path; path++) {
		fault = program_fault(*path);
		if (!fault)
			return *path;
	}
	errno = fault;
	if (!strchr(name, '/'))
		sandbox_fault(plan, STEP_NOT_IN_PATH, name);
	else
		sandbox_fault(plan,
			      fault == EISDIR || fault == EACCES ? STEP_NO_PROGRAM : STEP_STAT,
			      name);
	return NULL;
}

/* ---- The filter */

/* The descriptor that the listener will be: the lowest that is free. */
static int next_descriptor(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* The parent fetches the listener from outside (pidfd_getfd(2)), knowing its number beforehand, and says so with a word:
 * every call that we made to hand it over might be one that the filter wants to ask about, with nobody to answer yet. If
 * reading the word is one itself, whoever has the listener by then answers. */
static int install_listening(struct sandbox_plan *plan)
{
	char word;

	plan->report.step = STEP_LISTENER;
	plan->report.code = next_descriptor();
	plan->report.detail[0] = '\0';
	if (plan->report.code < 0 || sandbox_send_report(plan, -1) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan->filter_flags, plan->filter) < 0)
		return sandbox_fault(plan, STEP_SECCOMP, NULL);
	sandbox_read_word(plan->sync_fd, &word);
	return 0;
}

static int install_filter(struct sandbox_plan *plan)
{
	if (!plan->filter)
		return 0;
	if (plan->filter_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return install_listening(plan);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan->filter_flags, plan->filter) != 0)
		return sandbox_fault(plan, STEP_SECCOMP, NULL);
	return 0;
}

/* Without no_new_privs only CAP_SYS_ADMIN may install a filter, so that it goes before the capabilities; with it, it goes
 * last, and need let through none of our own calls but execve. */
int sandbox_set_privileges(struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;

	if (p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sandbox_fault(plan, STEP_CAPABILITY, "no_new_privs");
	if (plan->label_fd > 0 &&
	    write(plan->label_fd, plan->label, strlen(plan->label)) != (ssize_t)strlen(plan->label))
		return sandbox_fault(plan, STEP_LABEL, plan->label);
	if (!p->no_new_privileges && install_filter(plan) < 0)
		return -1;
	if (capability_set(&plan->capabilities) < 0)
		return sandbox_fault(plan, STEP_CAPABILITY, NULL);
	return p->no_new_privileges ? install_filter(plan) : 0;
}
