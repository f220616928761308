/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers as they are from inside and what they leave outside: each test runs a shell script in
 * one, made of Debian's static BusyBox. Needs root. */
#include "tests/unit/box.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>

#include "lib/cleanup.h"
#include "lib/str.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/sandbox/user.h"
#include "runtime/spec/kernel.h"

static void the_process_is_the_first_of_its_own_world(void **state)
{
	(void)state;
	need_root();
	expect("echo $$; hostname; id; pwd", "1\nbox\nuid=0(root) gid=0(root)\n/\n");
}

static void rights_are_dockers_default_ones(void **state)
{
	(void)state;
	need_root();
	expect("grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status", "CapInh:\t0000000000000000\n"
								    "CapPrm:\t00000000a80425fb\n"
								    "CapEff:\t00000000a80425fb\n"
								    "CapBnd:\t00000000a80425fb\n"
								    "CapAmb:\t0000000000000000\n"
								    "NoNewPrivs:\t0\n"
								    "Seccomp:\t2\n");
	expect("unshare -U true 2>&- || echo no; mount -t tmpfs x /tmp 2>&- || echo no",
	       "no\nno\n");
}

static void proc_and_sys_tell_and_take_nothing_of_the_host(void **state)
{
	(void)state;
	need_root();
	expect("cat /proc/keys /proc/timer_list 2>/dev/null | wc -c;"
	       "ls -A /sys/firmware /proc/acpi 2>/dev/null | grep -v :$ | wc -w",
	       "0\n0\n");
	expect("for f in /proc/sys/kernel/domainname /proc/sysrq-trigger /sys/kernel/x; do "
	       "(echo x >$f) 2>/dev/null || echo no; done",
	       "no\nno\nno\n");
	expect("grep -c ' / \\| /mnt\\|ext4' /proc/mounts", "1\n");
}

static void devices_are_the_usual_ones(void **state)
{
	(void)state;
	need_root();
	expect("cd /dev; echo $(ls); stat -c '%n %a %t:%T' null zero full random urandom tty;"
	       "for l in ptmx fd stdin; do readlink $l; done; stat -c %a shm pts",
	       "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero\n"
	       "null 666 1:3\nzero 666 1:5\nfull 666 1:7\nrandom 666 1:8\nurandom 666 1:9\n"
	       "tty 666 5:0\n"
	       "pts/ptmx\n/proc/self/fd\n/proc/self/fd/0\n1777\n755\n");
}

static void no_descriptor_comes_along(void **state)
{
	int leak = open("/", O_RDONLY | O_DIRECTORY);

	(void)state;
	need_root();
	assert_true(leak >= 0);
	/* 3 is the folder that ls reads. */
	expect("echo $(ls /proc/self/fd)", "0 1 2 3\n");
	close(leak);
}

static void the_status_is_the_programs_own(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	(void)state;
	need_root();
	describe(&spec, "exit 42");
	run(&spec, -1, &o);
	assert_int_equal(o.status, 42);
}

static void expect_failure(const char *program, const char *cwd, int status, const char *message)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	describe(&spec, "true");
	free(spec.process.args.items[0]);
	spec.process.args.items[0] = xstrdup(program);
	free(spec.process.cwd);
	spec.process.cwd = xstrdup(cwd);
	run(&spec, -1, &o);
	assert_int_equal(o.status, -1);
	assert_string_equal(o.err.message, message);
	assert_int_equal(o.err.status, status);
}

static void what_cannot_run_is_said_in_dockers_words(void **state)
{
	autoclose int image = openat(scratch(state), "image", O_PATH | O_DIRECTORY | O_CLOEXEC);

	need_root();
	put_file(image, "tmp/text", "text");
	put_file(image, "tmp/script", "#!/nowhere\n");
	put_file(image, "tmp/garbage", "\1\2\3");
	fchmodat(image, "tmp/script", 0755, 0);
	fchmodat(image, "tmp/garbage", 0755, 0);
	expect_failure("nothing", "/", 127,
		       "exec: \"nothing\": executable file not found in $PATH");
	expect_failure("/nothing", "/", 127,
		       "exec: \"/nothing\": stat /nothing: no such file or directory");
	expect_failure("/tmp/text", "/", 126, "exec: \"/tmp/text\": permission denied");
	expect_failure("/tmp", "/", 126, "exec: \"/tmp\": is a directory");
	expect_failure("/tmp/script", "/", 127, "exec /tmp/script: no such file or directory");
	expect_failure("/tmp/garbage", "/", 126, "exec /tmp/garbage: exec format error");
	expect_failure("sh", "/tmp/text", 126, "working directory \"/tmp/text\": not a directory");
	expect_failure("sh", "/proc/self/fd/3", 125,
		       "working directory \"/proc/self/fd/3\": too many levels of symbolic links");
	expect_failure("sh", "etc", 0, "working directory \"etc\" is not an absolute path");
}

static void a_missing_working_directory_is_made(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	(void)state;
	need_root();
	describe(&spec, "pwd; stat -c '%a %u' .");
	free(spec.process.cwd);
	spec.process.cwd = xstrdup("/srv/new/dir");
	run(&spec, -1, &o);
	assert_string_equal(o.output, "/srv/new/dir\n755 0\n");
}

static void writes_go_to_the_upper_folder_alone(void **state)
{
	need_root();
	expect("echo new >/made; touch /etc/passwd", "");
	assert_true(exists(scratch(state), "upper/made"));
	assert_false(exists(scratch(state), "image/made"));
}

static void a_read_only_root_is_read_only(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	(void)state;
	need_root();
	describe(&spec, "touch /x 2>/dev/null || echo no; touch /dev/shm/x && echo yes");
	spec.root.readonly = true;
	run(&spec, -1, &o);
	assert_string_equal(o.output, "no\nyes\n");
}

static void another_user_has_no_capabilities(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	autofree char *home = NULL;
	struct outcome o;

	need_root();
	describe(&spec,
		 "id; grep -E '^Cap(Eff|Prm|Bnd)' /proc/self/status; echo x >/proc/self/fd/1");
	autoclose int image = openat(scratch(state), "image", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(user_resolve(image, "web", &spec.process, &home, &o.err), 0);
	run(&spec, -1, &o);
	assert_string_equal(
		o.output,
		"uid=1000(web) gid=1000(web) groups=4(log),1000(web)\n"
		"CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n"
		"x\n");
}

static void add_bind(struct spec *spec, const char *source, const char *destination)
{
	struct spec_mount *m = spec_add_mount(spec);

	m->type = xstrdup("bind");
	m->source = str_format("%s/%s", scratch_path, source);
	m->destination = xstrdup(destination);
}

static void binds_bring_files_and_folders(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	need_root();
	put_file(scratch(state), "note", "hello\n");
	mkdirat(scratch(state), "shared", 0755);
	describe(&spec,
		 "cat /new/place/note; touch /data/made; touch /new/place/note 2>&- || echo no");
	add_bind(&spec, "note", "/new/place/note");
	spec.mounts[spec.n_mounts - 1].attr_set = MOUNT_ATTR_RDONLY;
	add_bind(&spec, "shared", "/data");
	run(&spec, -1, &o);
	assert_string_equal(o.output, "hello\nno\n");
	assert_true(exists(scratch(state), "shared/made"));
}

/* The image's links lead up and out; the kernel ends them at the container's root (CVE-2021-30465
 * and kin). */
static void links_of_the_image_lead_nowhere_outside(void **state)
{
	autoclose int image = openat(scratch(state), "image", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autofree char *out = str_format("../../../../../../..%s/outside", scratch_path);
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	need_root();
	mkdirat(scratch(state), "outside", 0755);
	mkdirat(scratch(state), "shared", 0755);
	symlinkat(out, image, "up");
	describe(&spec, "ls /up >/dev/null 2>&1 || echo gone");
	add_bind(&spec, "shared", "/up/target");
	run(&spec, -1, &o);
	assert_int_equal(unlinkat(image, "up", 0), 0);
	assert_false(exists(scratch(state), "outside/target"));
}

static void proc_is_not_mounted_over_a_link(void **state)
{
	autoclose int image = openat(scratch(state), "image", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	need_root();
	assert_int_equal(unlinkat(image, "proc", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("tmp", image, "proc"), 0);
	describe(&spec, "true");
	run(&spec, -1, &o);
	assert_int_equal(unlinkat(image, "proc", 0), 0);
	assert_int_equal(mkdirat(image, "proc", 0755), 0);
	assert_int_equal(o.status, -1);
	assert_non_null(strstr(o.err.message, "no ordinary folder"));
}

static void nothing_is_mounted_into_proc(void **state)
{
	static const char *const places[] = { "/proc", "/proc/self/attr", "/proc/sys",
					      "/link/self" };
	autoclose int image = openat(scratch(state), "image", O_PATH | O_DIRECTORY | O_CLOEXEC);

	need_root();
	put_file(scratch(state), "note", "figures\n");
	mkdirat(scratch(state), "shared", 0755);
	symlinkat("/proc", image, "link");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		autospec struct spec spec = SPEC_INIT;
		struct outcome o;

		describe(&spec, "true");
		add_bind(&spec, "shared", places[i]);
		run(&spec, -1, &o);
		assert_int_equal(o.status, -1);
		assert_int_equal(o.err.code, EPERM);
	}
	unlinkat(image, "link", 0);

	autospec struct spec spec = SPEC_INIT;
	struct outcome o;
	describe(&spec, "cat /proc/meminfo");
	add_bind(&spec, "note", "/proc/meminfo");
	run(&spec, -1, &o);
	assert_string_equal(o.output, "figures\n");
}

/* CAP_MKNOD makes the node of a disk, the cgroup's device filter keeps it shut. */
static void disks_of_the_host_cannot_be_opened(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o = { 0 };
	autoclose int cgroup = -1;

	(void)state;
	need_root();
	cgroup = cgroup_create("knarr/unit-devices", &o.err);
	if (cgroup < 0)
		skip();
	describe(&spec, "mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk 2>&1; "
			"mknod /tmp/n c 1 3 && echo x >/tmp/n && echo null");
	run(&spec, cgroup, &o);
	assert_int_equal(cgroup_remove("knarr/unit-devices", 1000, &o.err), 0);
	assert_string_equal(o.output, "head: /tmp/disk: Operation not permitted\nnull\n");
}

static void a_terminal_is_the_containers_own(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o = { 0 };
	struct sandbox sb;
	unsigned int number;

	(void)state;
	need_root();
	describe(&spec,
		 "tty; stty size; echo c >/dev/console; test -c /dev/tty && echo t >/dev/tty");
	spec.process.terminal = true;
	spec.process.rows = 33;
	spec.process.cols = 99;
	autoclose int root = sandbox_mount_root(&spec.root, &o.err);
	assert_true(root >= 0);
	assert_int_equal(sandbox_create(&spec, root, NULL, -1, &sb, &o.err), 0);
	assert_int_equal(sys_ioctl(sb.terminal_fd, TIOCGPTN, &number), 0);
	assert_int_equal(number, 0);
	assert_int_equal(sandbox_start(&sb, &o.err), 0);
	drain(sb.terminal_fd, &o);
	assert_int_equal(wait_status(sb.pid), 0);
	sandbox_close(&sb);
	assert_string_equal(o.output, "/dev/pts/0\r\n33 99\r\nc\r\nt\r\n");
}

/* As `knarr-oci create` and `start` do: the one ends, the other takes up what waits. */
static void a_detached_child_waits_for_its_start(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct error err = ERROR_INIT;
	struct sandbox sb, later;

	(void)state;
	need_root();
	describe(&spec, "test $(ls /proc/self/fd | wc -l) = 4 && exit 7");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/start", scratch_path);
	spec.start_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(spec.start_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(spec.start_fd, 8), 0);
	autoclose int root = sandbox_mount_root(&spec.root, &err);
	assert_int_equal(sandbox_create(&spec, root, NULL, -1, &sb, &err), 0);
	close(spec.start_fd);
	pid_t pid = sb.pid;
	assert_int_equal(sandbox_detach(&sb, &err), 0);

	/* One that goes without a word changes nothing. */
	assert_int_equal(sandbox_attach(pid, scratch_fd, "start", &later, &err), 0);
	sandbox_close(&later);
	assert_int_equal(sandbox_attach(pid, scratch_fd, "start", &later, &err), 0);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(sandbox_start(&later, &err), 0);
	sandbox_close(&later);
	assert_int_equal(wait_status(pid), 7);
	assert_int_equal(sandbox_attach(pid, scratch_fd, "start", &later, &err), -1);
	assert_int_equal(err.code, ESRCH);
}

static void exec_joins_what_runs(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct spec_process p = { 0 };
	struct error err = ERROR_INIT;
	struct sandbox sb, added;
	struct outcome o = { 0 };
	int out[2];

	(void)state;
	need_root();
	describe(&spec, "while :; do sleep 1; done");
	autoclose int root = sandbox_mount_root(&spec.root, &err);
	assert_int_equal(sandbox_create(&spec, root, (int[3]){ -1, -1, -1 }, -1, &sb, &err), 0);
	assert_int_equal(sandbox_start(&sb, &err), 0);

	autoclose int inside = sandbox_open_root(sb.pidfd, &err);
	assert_true(inside >= 0);
	assert_true(exists(inside, "dev/pts/ptmx"));

	spec_process_docker_defaults(&p);
	p.cwd = xstrdup("/etc");
	strv_add(&p.env, "PATH=/bin");
	strv_add(&p.args, "sh");
	strv_add(&p.args, "-c");
	strv_add(
		&p.args,
		"hostname; pwd; readlink /proc/1/exe; for n in mnt pid ipc uts cgroup; do "
		"test $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) || echo $n; done; "
		"grep -E '^(CapBnd|Seccomp:)' /proc/self/status; echo $(ls /proc/self/fd); exit 9");
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(
		sandbox_exec(sb.pidfd, &p, (int[3]){ -1, out[1], out[1] }, -1, &added, &err), 0);
	close(out[1]);
	drain(out[0], &o);
	close(out[0]);
	assert_int_equal(wait_status(added.pid), 9);
	sandbox_close(&added);
	assert_string_equal(
		o.output,
		"box\n/etc\n/bin/busybox\nCapBnd:\t00000000a80425fb\nSeccomp:\t2\n0 1 2 3\n");

	/* Our own children are born where we are, not there. */
	pid_t child = fork();
	if (child == 0)
		_exit(getpid() < 10);
	assert_int_equal(wait_status(child), 0);

	kill(sb.pid, SIGKILL);
	struct pollfd gone = { .fd = sb.pidfd, .events = POLLIN };
	assert_int_equal(poll(&gone, 1, 5000), 1);
	wait_status(sb.pid);
	assert_int_equal(sandbox_exec(sb.pidfd, &p, (int[3]){ -1, -1, -1 }, -1, &added, &err), -1);
	assert_string_equal(err.message, "the container is not running");
	sandbox_close(&sb);
	spec_process_free(&p);
}

static size_t count_lines(const char *path)
{
	autofree char *line = NULL;
	autofile FILE *f = fopen(path, "re");
	size_t cap = 0, n = 0;

	while (f && getline(&line, &cap, f) > 0)
		n++;
	return n;
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

/* Every way out, and a child that never gets its word: no mount, no descriptor, no process. */
static void nothing_is_left_behind(void **state)
{
	struct error err = ERROR_INIT;
	size_t mounts = count_lines("/proc/self/mountinfo");
	int fd = lowest_free_fd();

	(void)state;
	need_root();
	expect("true", "");
	expect_failure("nothing", "/", 127,
		       "exec: \"nothing\": executable file not found in $PATH");
	{
		autospec struct spec spec = SPEC_INIT;
		struct outcome o;

		describe(&spec, "true");
		add_bind(&spec, "not-there", "/x");
		run(&spec, -1, &o);
		assert_int_equal(o.err.code, ENOENT);
	}
	{
		autospec struct spec spec = SPEC_INIT;
		struct outcome o;

		describe(&spec, "true");
		strv_add(&spec.mounts[1].options, "bogus=1");
		run(&spec, -1, &o);
		assert_int_equal(o.err.code, EINVAL);
	}
	{
		autospec struct spec spec = SPEC_INIT;
		struct sandbox sb;

		describe(&spec, "touch /ran");
		int root = sandbox_mount_root(&spec.root, &err);
		assert_int_equal(sandbox_create(&spec, root, NULL, -1, &sb, &err), 0);
		close(root);
		sandbox_close(&sb);
		assert_int_equal(wait_status(sb.pid), 125);
		assert_false(exists(scratch_fd, "upper/ran"));
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(count_lines("/proc/self/mountinfo"), mounts);
	assert_int_equal(lowest_free_fd(), fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_process_is_the_first_of_its_own_world),
		cmocka_unit_test(rights_are_dockers_default_ones),
		cmocka_unit_test(proc_and_sys_tell_and_take_nothing_of_the_host),
		cmocka_unit_test(devices_are_the_usual_ones),
		cmocka_unit_test(no_descriptor_comes_along),
		cmocka_unit_test(the_status_is_the_programs_own),
		cmocka_unit_test(what_cannot_run_is_said_in_dockers_words),
		cmocka_unit_test(a_missing_working_directory_is_made),
		cmocka_unit_test(writes_go_to_the_upper_folder_alone),
		cmocka_unit_test(a_read_only_root_is_read_only),
		cmocka_unit_test(another_user_has_no_capabilities),
		cmocka_unit_test(binds_bring_files_and_folders),
		cmocka_unit_test(links_of_the_image_lead_nowhere_outside),
		cmocka_unit_test(proc_is_not_mounted_over_a_link),
		cmocka_unit_test(nothing_is_mounted_into_proc),
		cmocka_unit_test(disks_of_the_host_cannot_be_opened),
		cmocka_unit_test(a_terminal_is_the_containers_own),
		cmocka_unit_test(a_detached_child_waits_for_its_start),
		cmocka_unit_test(exec_joins_what_runs),
		cmocka_unit_test(nothing_is_left_behind),
	};

	return cmocka_run_group_tests(tests, image_setup, scratch_teardown);
}
