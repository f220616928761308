/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The default filter, run here instruction by instruction as the kernel would, and once by the
 * kernel itself. */
#include "tests/unit/bpf.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "runtime/spec/capability.h"
#include "runtime/spec/seccomp.h"

#define ALLOW   SECCOMP_RET_ALLOW
#define DENY    (SECCOMP_RET_ERRNO | EPERM)
#define MISSING (SECCOMP_RET_ERRNO | ENOSYS)

static uint32_t verdict_of(const struct sock_fprog *p, uint32_t arch, uint32_t nr, uint64_t arg0)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch, .args = { arg0 } };
	size_t steps = 0;
	uint32_t verdict = bpf_run(p, &data, &steps);

	/* Seven levels of search, a few steps before and behind. */
	assert_true(steps < 40);
	return verdict;
}

static uint32_t verdict(uint32_t arch, uint32_t nr, uint64_t arg0)
{
	return verdict_of(seccomp_default(), arch, nr, arg0);
}

static uint32_t native(long nr)
{
	return verdict(AUDIT_ARCH_X86_64, (uint32_t)nr, 0);
}

static void ordinary_calls_are_allowed(void **state)
{
	static const long calls[] = { SYS_read,       SYS_write,   SYS_open,   SYS_execve,
				      SYS_exit_group, SYS_openat2, SYS_futex,  SYS_epoll_wait,
				      SYS_capset,     SYS_chroot,  SYS_ptrace, SYS_fork,
				      SYS_rseq,       452,         462,        466 };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(native(calls[i]), ALLOW);
}

static void calls_for_the_privileged_are_not(void **state)
{
	static const long calls[] = { SYS_mount,
				      SYS_umount2,
				      SYS_setns,
				      SYS_unshare,
				      SYS_bpf,
				      SYS_reboot,
				      SYS_kexec_load,
				      SYS_init_module,
				      SYS_finit_module,
				      SYS_open_by_handle_at,
				      SYS_keyctl,
				      SYS_add_key,
				      SYS_perf_event_open,
				      SYS_userfaultfd,
				      SYS_swapon,
				      SYS_settimeofday,
				      SYS_fsopen,
				      SYS_move_mount,
				      SYS_io_uring_setup,
				      SYS_pivot_root,
				      SYS_quotactl,
				      SYS_vhangup,
				      SYS_acct,
				      SYS_iopl,
				      SYS_move_pages,
				      SYS_set_mempolicy };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(native(calls[i]), DENY);
}

static void what_is_newer_than_the_list_is_missing(void **state)
{
	(void)state;
	assert_int_equal(native(467), MISSING);
	assert_int_equal(native(100000), MISSING);
	assert_int_equal(native(SYS_clone3), MISSING);
	assert_int_equal(verdict(AUDIT_ARCH_I386, 467, 0), MISSING);
	assert_int_equal(native(-1), MISSING);
}

static void arguments_decide(void **state)
{
	(void)state;
	for (uint64_t family = 0; family < 60; family++)
		assert_int_equal(verdict(AUDIT_ARCH_X86_64, SYS_socket, family),
				 family == 38 || family == 40 ? DENY : ALLOW);
	/* The kernel drops the upper half: AF_ALG by another name. */
	assert_int_equal(verdict(AUDIT_ARCH_X86_64, SYS_socket, UINT64_C(0x100000026)), DENY);
	assert_int_equal(verdict(AUDIT_ARCH_X86_64, SYS_personality, 0x20008), ALLOW);
	assert_int_equal(verdict(AUDIT_ARCH_X86_64, SYS_personality, 0xffffffff), ALLOW);
	assert_int_equal(verdict(AUDIT_ARCH_X86_64, SYS_personality, 0x40000), DENY);
	assert_int_equal(verdict(AUDIT_ARCH_X86_64, SYS_clone, 0x3d0f00), ALLOW);
	assert_int_equal(verdict(AUDIT_ARCH_X86_64, SYS_clone, CLONE_NEWUSER | SIGCHLD), DENY);
	assert_int_equal(verdict(AUDIT_ARCH_X86_64, SYS_clone, CLONE_NEWNS), DENY);
}

static void other_calling_conventions_fare_alike(void **state)
{
	enum {
		I386_MOUNT = 21,
		I386_WRITE = 4,
		I386_CLONE = 120,
		I386_UNSHARE = 310,
		I386_SOCKET = 359,
		I386_BIND = 361,
		X32 = 0x40000000
	};

	(void)state;
	assert_int_equal(verdict(AUDIT_ARCH_I386, I386_WRITE, 0), ALLOW);
	assert_int_equal(verdict(AUDIT_ARCH_I386, I386_MOUNT, 0), DENY);
	assert_int_equal(verdict(AUDIT_ARCH_I386, I386_UNSHARE, 0), DENY);
	assert_int_equal(verdict(AUDIT_ARCH_I386, I386_CLONE, CLONE_NEWUSER), DENY);
	assert_int_equal(verdict(AUDIT_ARCH_I386, I386_CLONE, 0), ALLOW);
	assert_int_equal(verdict(AUDIT_ARCH_I386, I386_BIND, 0), ALLOW);
	assert_int_equal(verdict(AUDIT_ARCH_I386, I386_SOCKET, 2), ALLOW);
	assert_int_equal(verdict(AUDIT_ARCH_I386, I386_SOCKET, 38), DENY);
	assert_int_equal(verdict(AUDIT_ARCH_X86_64, X32 | SYS_write, 0), MISSING);
	assert_int_equal(verdict(AUDIT_ARCH_X86_64, X32 | SYS_mount, 0), MISSING);
	assert_int_equal(verdict(AUDIT_ARCH_AARCH64, 64, 0), SECCOMP_RET_KILL_PROCESS);
}

/* ---- With other capabilities */

#define CAP(number) (UINT64_C(1) << (number))

/* The calls that a capability adds to the default ones, on x86_64. */
static const struct {
	uint64_t capability;
	long calls[20]; /* ends with a 0, which is read */
} added[] = {
	{ CAP(2), { SYS_open_by_handle_at } },
	{ CAP(16), { SYS_init_module, SYS_finit_module, SYS_delete_module } },
	{ CAP(17), { SYS_iopl, SYS_ioperm } },
	{ CAP(19), { SYS_kcmp, SYS_pidfd_getfd, SYS_process_madvise } },
	{ CAP(20), { SYS_acct } },
	{ CAP(21),
	  { SYS_bpf, SYS_fanotify_init, SYS_fsconfig, SYS_fsmount, SYS_fsopen, SYS_fspick,
	    SYS_mount, SYS_mount_setattr, SYS_move_mount, SYS_open_tree, SYS_perf_event_open,
	    SYS_quotactl, SYS_setdomainname, SYS_sethostname, SYS_setns, SYS_syslog, SYS_umount2,
	    SYS_unshare } },
	{ CAP(22), { SYS_reboot } },
	{ CAP(23), { SYS_get_mempolicy, SYS_mbind, SYS_set_mempolicy } },
	{ CAP(25), { SYS_clock_settime, SYS_settimeofday } },
	{ CAP(26), { SYS_vhangup } },
	{ CAP(34), { SYS_syslog } },
	{ CAP(38), { SYS_perf_event_open } },
	{ CAP(39), { SYS_bpf } },
};

static bool adds(size_t i, long nr)
{
	for (const long *c = added[i].calls; *c; c++)
		if (*c == nr)
			return true;
	return false;
}

static void capabilities_add_their_calls_and_no_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
		const struct sock_fprog *p =
			seccomp_default_for(CAPABILITY_DOCKER_DEFAULT | added[i].capability);

		for (const long *c = added[i].calls; *c; c++) {
			assert_int_equal(native(*c), DENY);
			assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, (uint32_t)*c, 0), ALLOW);
		}
		for (long nr = 0; nr < 459; nr++)
			/* What CAP_SYS_ADMIN adds besides has tests of its own, or no name in <sys/syscall.h> everywhere. */
			if (added[i].capability != CAP(21) && !adds(i, nr) && nr != 450)
				assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, (uint32_t)nr, 0),
						 native(nr));
	}
}

static void namespaces_are_for_sys_admin(void **state)
{
	const struct sock_fprog *p = seccomp_default_for(CAPABILITY_DOCKER_DEFAULT | CAP(21));

	(void)state;
	assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, SYS_clone, CLONE_NEWUSER), ALLOW);
	assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, SYS_clone3, 0), ALLOW);
	assert_int_equal(verdict_of(p, AUDIT_ARCH_I386, 21, 0), ALLOW);
	/* What no capability gives. */
	assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, SYS_socket, 38), DENY);
	assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, SYS_kexec_load, 0), DENY);
	assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, SYS_keyctl, 0), DENY);
	assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, SYS_io_uring_setup, 0), DENY);
}

static void without_a_default_capability_its_calls_go(void **state)
{
	const struct sock_fprog *p = seccomp_default_for(0);

	(void)state;
	assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, SYS_chroot, 0), DENY);
	assert_int_equal(verdict_of(p, AUDIT_ARCH_X86_64, SYS_read, 0), ALLOW);
	assert_int_equal(native(SYS_chroot), ALLOW);
}

static void equal_sets_have_one_program(void **state)
{
	(void)state;
	assert_ptr_equal(seccomp_default_for(CAPABILITY_DOCKER_DEFAULT), seccomp_default());
	/* CAP_LEASE and CAP_NET_ADMIN open no call. */
	assert_ptr_equal(seccomp_default_for(CAPABILITY_DOCKER_DEFAULT | CAP(28) | CAP(12)),
			 seccomp_default());
	assert_ptr_equal(seccomp_default_for(CAP(21)), seccomp_default_for(CAP(21) | CAP(0)));
	assert_ptr_not_equal(seccomp_default_for(CAP(21)), seccomp_default_for(CAP(22)));
	for (int i = 0; i < 64; i++)
		assert_true(seccomp_default_for(~CAP(i))->len > 100);
}

static void the_kernel_takes_it(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || seccomp_install(seccomp_default()))
			_exit(1);
		if (syscall(SYS_unshare, CLONE_NEWUSER) != -1 || errno != EPERM)
			_exit(2);
		if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
			_exit(3);
		if (socket(AF_ALG, SOCK_SEQPACKET, 0) != -1 || errno != EPERM)
			_exit(4);
		_exit(getppid() > 0 ? 0 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_calls_are_allowed),
		cmocka_unit_test(calls_for_the_privileged_are_not),
		cmocka_unit_test(what_is_newer_than_the_list_is_missing),
		cmocka_unit_test(arguments_decide),
		cmocka_unit_test(other_calling_conventions_fare_alike),
		cmocka_unit_test(capabilities_add_their_calls_and_no_others),
		cmocka_unit_test(namespaces_are_for_sys_admin),
		cmocka_unit_test(without_a_default_capability_its_calls_go),
		cmocka_unit_test(equal_sets_have_one_program),
		cmocka_unit_test(the_kernel_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
