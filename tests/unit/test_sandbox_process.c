/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the runtime-spec says of a process beside its mounts: namespaces joined and new, ID maps, hooks, limits, filters with
 * a listener. Needs root. */
#include "tests/unit/box.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#define EXPECT_RUN(spec_, output_) \
	do { \
		struct outcome o_; \
		run((spec_), -1, &o_); \
		assert_string_equal(o_.err.message, ""); \
		assert_string_equal(o_.output, (output_)); \
		assert_int_equal(o_.status, 0); \
	} while (0)

/* A container that waits to be joined. */
static void start_neighbour(struct spec *spec, struct sandbox *sb)
{
	struct error err = ERROR_INIT;
	autoclose int root = sandbox_mount_root(&spec->root, &err);

	assert_true(root >= 0);
	assert_int_equal(sandbox_create(spec, root, NULL, -1, sb, &err), 0);
	assert_string_equal(err.message, "");
	assert_int_equal(sandbox_start(sb, &err), 0);
}

static void end_neighbour(struct sandbox *sb)
{
	kill(sb->pid, SIGKILL);
	wait_status(sb->pid);
	sandbox_close(sb);
}

static void join(struct spec *spec, const struct sandbox *neighbour, uint64_t type)
{
	struct error err = ERROR_INIT;
	struct spec_join *j = spec_add_join(spec);

	j->type = type;
	j->fd = sandbox_open_namespace(neighbour->pidfd, type, &err);
	assert_true(j->fd >= 0);
	spec->namespaces &= ~type;
}

static void close_joins(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_joins; i++)
		close(spec->joins[i].fd);
}

static char *namespace_of(const struct sandbox *sb, const char *name)
{
	char path[64], target[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)sb->pid, name);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	assert_true(n > 0);
	target[n] = '\0';
	return xstrdup(target);
}

static void namespaces_of_another_are_joined(void **state)
{
	static const struct {
		uint64_t type;
		const char *file;
	} types[] = { { CLONE_NEWPID, "pid" },       { CLONE_NEWIPC, "ipc" },
		      { CLONE_NEWUTS, "uts" },       { CLONE_NEWNET, "net" },
		      { CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWTIME, "time" } };
	autospec struct spec first = SPEC_INIT;
	struct sandbox sb;

	(void)state;
	need_root();
	describe(&first, "sleep 1000");
	first.namespaces |= CLONE_NEWNET | CLONE_NEWTIME;
	start_neighbour(&first, &sb);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		autospec struct spec spec = SPEC_INIT;
		autofree char *script = str_format("readlink /proc/self/ns/%s", types[i].file);
		autofree char *name = namespace_of(&sb, types[i].file);
		autofree char *expected = str_format("%s\n", name);

		describe(&spec, script);
		free(spec.hostname);
		spec.hostname = NULL;
		join(&spec, &sb, types[i].type);
		EXPECT_RUN(&spec, expected);
		close_joins(&spec);
	}
	end_neighbour(&sb);
	/* Our own children are born where we are. */
	pid_t child = fork();
	if (child == 0)
		_exit(getpid() < 10);
	assert_int_equal(wait_status(child), 0);
}

static void processes_of_a_joined_pid_namespace_are_seen(void **state)
{
	autospec struct spec first = SPEC_INIT, spec = SPEC_INIT;
	struct sandbox sb;

	(void)state;
	need_root();
	describe(&first, "exec sleep 1000");
	start_neighbour(&first, &sb);
	describe(&spec, "cat /proc/1/comm; [ $$ -gt 1 ] && echo joined");
	join(&spec, &sb, CLONE_NEWPID);
	EXPECT_RUN(&spec, "sleep\njoined\n");
	close_joins(&spec);
	end_neighbour(&sb);
}

static void what_is_no_namespace_is_refused(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	(void)state;
	need_root();
	describe(&spec, "true");
	spec.namespaces &= ~(uint64_t)CLONE_NEWIPC;
	struct spec_join *j = spec_add_join(&spec);
	j->type = CLONE_NEWIPC;
	j->path = xstrdup("/proc/self/ns/uts");
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "/proc/self/ns/uts is no ipc namespace");
	free(j->path);
	j->path = xstrdup("/nowhere");
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "the ipc namespace /nowhere: No such file or directory");
	spec.namespaces |= CLONE_NEWIPC;
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "the ipc namespace is asked for twice");
	/* Changing the root in there would be the end of the machine. */
	spec.namespaces &= ~(uint64_t)CLONE_NEWNS;
	j->type = CLONE_NEWNS;
	free(j->path);
	j->path = xstrdup("/proc/self/ns/mnt");
	run(&spec, -1, &o);
	assert_int_equal(o.err.code, EINVAL);
}

static void map_ids(struct spec *spec)
{
	const struct spec_mapping map = { .inside = 0, .outside = 700000, .count = 65536 };

	spec->namespaces |= CLONE_NEWUSER;
	spec_add_mapping(&spec->uid_mappings, &spec->n_uid_mappings, map);
	spec_add_mapping(&spec->gid_mappings, &spec->n_gid_mappings, map);
}

static void root_of_a_user_namespace_is_nobody_outside(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	need_root();
	describe(
		&spec,
		"id -u; id -g; echo $(cat /proc/self/uid_map); touch /dev/shm/x && stat -c %u /dev/shm/x;"
		"echo again >/proc/self/fd/1; grep CapEff /proc/self/status");
	map_ids(&spec);
	EXPECT_RUN(&spec, "0\n0\n0 700000 65536\n0\nagain\nCapEff:\t00000000a80425fb\n");
}

static void its_processes_belong_to_the_outside_ids(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct spec_process p = { 0 };
	struct sandbox sb, added;
	struct error err = ERROR_INIT;
	struct stat st;
	struct outcome o;
	char path[32];
	int out[2];

	(void)state;
	need_root();
	describe(&spec, "sleep 1000");
	map_ids(&spec);
	start_neighbour(&spec, &sb);
	snprintf(path, sizeof(path), "/proc/%d", (int)sb.pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 700000);

	/* And so does what is added by exec. */
	spec_process_docker_defaults(&p);
	p.cwd = xstrdup("/dev/shm");
	p.uid = 1000;
	strv_add(&p.env, "PATH=/bin");
	strv_add(&p.args, "sh");
	strv_add(&p.args, "-c");
	strv_add(
		&p.args,
		"id -u; stat -c %u .; echo again >/proc/self/fd/1; echo $(cat /proc/self/uid_map)");
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(
		sandbox_exec(sb.pidfd, &p, (int[3]){ -1, out[1], out[1] }, -1, &added, &err), 0);
	close(out[1]);
	drain(out[0], &o);
	close(out[0]);
	assert_string_equal(o.output, "1000\n0\nagain\n0 700000 65536\n");
	assert_int_equal(wait_status(added.pid), 0);
	sandbox_close(&added);
	spec_process_free(&p);
	end_neighbour(&sb);
}

static void a_user_namespace_is_joined_with_others_new(void **state)
{
	autospec struct spec first = SPEC_INIT, spec = SPEC_INIT, both = SPEC_INIT;
	struct sandbox sb;

	(void)state;
	need_root();
	describe(&first, "sleep 1000");
	map_ids(&first);
	first.namespaces |= CLONE_NEWNET;
	start_neighbour(&first, &sb);

	/* New namespaces, which belong to the user namespace joined: its root may mount procfs, and name the host. */
	describe(&spec, "echo $$; id -u; echo $(cat /proc/self/uid_map); hostname");
	join(&spec, &sb, CLONE_NEWUSER);
	EXPECT_RUN(&spec, "1\n0\n0 700000 65536\nbox\n");
	close_joins(&spec);

	/* A new user namespace, and one of another that the machine owns. */
	autofree char *name = namespace_of(&sb, "net");
	autofree char *expected = str_format("1\n%s\n0 700000 65536\n", name);
	describe(&both, "echo $$; readlink /proc/self/ns/net; echo $(cat /proc/self/uid_map)");
	map_ids(&both);
	join(&both, &sb, CLONE_NEWNET);
	EXPECT_RUN(&both, expected);
	close_joins(&both);
	end_neighbour(&sb);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_user_namespace_without_maps_is_refused(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	(void)state;
	need_root();
	describe(&spec, "true");
	spec.namespaces |= CLONE_NEWUSER;
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "a user namespace needs uidMappings and gidMappings");
}

static void clocks_of_a_time_namespace_are_offset(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct sandbox sb;
	struct outcome o;

	(void)state;
	need_root();
	describe(
		&spec,
		"read up rest </proc/uptime; [ ${up%.*} -gt 1000000 ] && echo later;"
		"[ $(readlink /proc/self/ns/time) = $(readlink /proc/self/ns/time_for_children) ] && echo same");
	spec.namespaces |= CLONE_NEWTIME;
	spec.has_boottime = spec.has_monotonic = true;
	spec.boottime.seconds = spec.monotonic.seconds = 1000000;
	EXPECT_RUN(&spec, "later\nsame\n");

	/* Who is added sees the same time. */
	free(spec.process.args.items[2]);
	spec.process.args.items[2] = xstrdup("sleep 1000");
	start_neighbour(&spec, &sb);
	struct spec_process p = { 0 };
	struct error err = ERROR_INIT;
	struct sandbox added;
	int out[2];
	spec_process_docker_defaults(&p);
	p.cwd = xstrdup("/");
	strv_add(&p.args, "/bin/sh");
	strv_add(&p.args, "-c");
	strv_add(&p.args, "read up rest </proc/uptime; [ ${up%.*} -gt 1000000 ] && echo later");
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(
		sandbox_exec(sb.pidfd, &p, (int[3]){ -1, out[1], out[1] }, -1, &added, &err), 0);
	close(out[1]);
	drain(out[0], &o);
	close(out[0]);
	assert_string_equal(o.output, "later\n");
	wait_status(added.pid);
	sandbox_close(&added);
	spec_process_free(&p);
	end_neighbour(&sb);
}

/* ---- Hooks and callbacks */

static void add_hook(struct spec *spec, enum spec_stage stage, const char *script)
{
	struct spec_hook *h = spec_add_hook(spec, stage);

	h->path = xstrdup("/bin/sh");
	strv_add(&h->args, "sh");
	strv_add(&h->args, "-c");
	strv_take(&h->args, str_format("cd %s 2>/dev/null; %s", scratch_path, script));
	strv_add(&h->env, "PATH=/usr/bin:/bin");
}

static char *tell_state(void *arg, pid_t pid, const char *status)
{
	(void)arg;
	return str_format("%s %s", status, pid > 1 ? "pid" : pid == 1 ? "first" : "none");
}

static int on_created(void *arg, pid_t pid, struct error *err)
{
	(void)err;
	*(pid_t *)arg = pid;
	return 0;
}

static void hooks_run_where_and_when_they_should(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	pid_t seen = 0;
	struct spec_callbacks callbacks = { .created = on_created,
					    .state = tell_state,
					    .arg = &seen };
	struct error err = ERROR_INIT;

	need_root();
	describe(&spec, "cat /dev/shm/inside");
	spec.callbacks = &callbacks;
	add_hook(&spec, HOOK_PRESTART, "echo prestart $(cat) $(hostname | grep -c '^box$') >>told");
	add_hook(&spec, HOOK_CREATE_RUNTIME, "echo createRuntime $(cat) >>told");
	/* In its uts namespace, with the machine's files. */
	char own[64] = "";
	assert_true(readlink("/proc/self/ns/uts", own, sizeof(own) - 1) > 0);
	autofree char *script =
		str_format("echo createContainer $(cat) >>told; "
			   "[ $(readlink /proc/self/ns/uts) != '%s' ] && echo there >>told",
			   own);
	add_hook(&spec, HOOK_CREATE_CONTAINER, script);
	add_hook(&spec, HOOK_START_CONTAINER,
		 "echo startContainer $(cat) $(hostname) >/dev/shm/inside");
	EXPECT_RUN(&spec, "startContainer created first box\n");
	autofree char *told = fs_read_file(scratch(state), "told", 4096, NULL, &err);
	assert_string_equal(told, "prestart creating pid 0\ncreateRuntime creating pid\n"
				  "createContainer creating first\nthere\n");
	assert_true(seen > 1);
	unlinkat(scratch(state), "told", 0);
}

static void a_hook_that_fails_ends_the_container(void **state)
{
	static const enum spec_stage stages[] = { HOOK_PRESTART, HOOK_CREATE_RUNTIME,
						  HOOK_CREATE_CONTAINER, HOOK_START_CONTAINER };

	(void)state;
	need_root();
	for (size_t i = 0; i < 4; i++) {
		autospec struct spec spec = SPEC_INIT;
		struct outcome o;

		describe(&spec, "touch /ran");
		add_hook(&spec, stages[i], "echo no good >&2; exit 3");
		run(&spec, -1, &o);
		assert_int_equal(o.status, -1);
		assert_string_equal(o.err.message, "hook /bin/sh: exit status 3: no good");
		assert_false(exists(scratch_fd, "upper/ran"));
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* ---- The process */

static void settings_of_the_process_hold(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct spec_process *p = &spec.process;

	(void)state;
	need_root();
	describe(
		&spec,
		"umask; grep -E 'Cpus_allowed_list' /proc/self/status; cut -d' ' -f19 /proc/self/stat;"
		"ulimit -n; ulimit -Hn; uname -m; cat /proc/self/oom_score_adj");
	p->umask = 027;
	p->affinity_final = xstrdup("0");
	p->scheduler.set = true;
	p->scheduler.policy = SCHED_BATCH;
	p->scheduler.nice = 5;
	p->io_priority.set = true;
	p->io_priority.class = 2;
	p->io_priority.priority = 6;
	p->rlimits = xcalloc(1, sizeof(*p->rlimits));
	p->rlimits[p->n_rlimits++] =
		(struct spec_rlimit){ .resource = RLIMIT_NOFILE, .limit = { 100, 200 } };
	p->has_oom_score_adj = true;
	p->oom_score_adj = 300;
	spec.has_personality = true;
	spec.personality = 8; /* PER_LINUX32 */
	EXPECT_RUN(&spec, "0027\nCpus_allowed_list:\t0\n5\n100\n200\ni686\n300\n");
}

static void a_bad_list_of_cpus_is_told(void **state)
{
	static const char *const bad[] = { "", "x", "1-", "3-1", "1,,2", "0-99999", "-1", "1 2" };

	(void)state;
	need_root();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		autospec struct spec spec = SPEC_INIT;
		struct outcome o;

		describe(&spec, "true");
		spec.process.affinity_initial = xstrdup(bad[i]);
		run(&spec, -1, &o);
		assert_int_equal(o.err.code, EINVAL);
	}
}

static void labels_that_the_kernel_cannot_give_are_refused(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;

	(void)state;
	need_root();
	if (access("/sys/module/apparmor", F_OK) == 0 ||
	    access("/sys/fs/selinux/enforce", F_OK) == 0)
		skip();
	describe(&spec, "true");
	spec.process.apparmor_profile = xstrdup("docker-default");
	run(&spec, -1, &o);
	assert_string_equal(o.err.message,
			    "the AppArmor profile \"docker-default\" cannot be applied: "
			    "this kernel has no AppArmor");
	free(spec.process.apparmor_profile);
	spec.process.apparmor_profile = xstrdup("unconfined");
	run(&spec, -1, &o);
	assert_int_equal(o.status, 0);
	spec.process.selinux_label = xstrdup("system_u:system_r:x_t:s0");
	run(&spec, -1, &o);
	assert_non_null(strstr(o.err.message, "this kernel has no SELinux"));
}

static void ambient_capabilities_survive_a_user(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct spec_capabilities *c = &spec.process.capabilities;

	(void)state;
	need_root();
	describe(&spec, "grep -E '^Cap' /proc/self/status");
	spec.process.uid = 1000;
	c->bounding = c->permitted = c->effective = 0x405;
	c->inheritable = c->ambient = 0x400;
	EXPECT_RUN(
		&spec,
		"CapInh:\t0000000000000400\nCapPrm:\t0000000000000400\nCapEff:\t0000000000000400\n"
		"CapBnd:\t0000000000000405\nCapAmb:\t0000000000000400\n");
}

static void descriptors_are_preserved_when_asked_for(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct outcome o;
	struct error err = ERROR_INIT;
	int saved[2] = { fcntl(3, F_DUPFD_CLOEXEC, 20), fcntl(4, F_DUPFD_CLOEXEC, 20) };
	int opened = open("/proc/version", O_RDONLY | O_CLOEXEC),
	    gift = fcntl(opened, F_DUPFD_CLOEXEC, 30);

	(void)state;
	need_root();
	assert_int_equal(dup2(gift, 3), 3);
	assert_int_equal(dup2(gift, 4), 4);
	close(gift);
	if (opened > 4)
		close(opened);
	describe(
		&spec,
		"echo $(cd /proc/self/fd; ls -d [34] 2>&-) $LISTEN_FDS $LISTEN_PID; head -c 5 <&3");
	spec.process.preserve_fds = 2;
	strv_add(&spec.process.env, "LISTEN_FDS=2");
	strv_add(&spec.process.env, "LISTEN_PID=0");
	int root = sandbox_mount_root(&spec.root, &err), out[2];
	struct sandbox sb;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(sandbox_create(&spec, root, (int[3]){ -1, out[1], out[1] }, -1, &sb, &err),
			 0);
	close(out[1]);
	assert_int_equal(sandbox_start(&sb, &err), 0);
	drain(out[0], &o);
	assert_int_equal(wait_status(sb.pid), 0);
	sandbox_close(&sb);
	close(out[0]);
	close(root);
	for (int i = 0; i < 2; i++) {
		if (saved[i] >= 0)
			dup3(saved[i], 3 + i, O_CLOEXEC);
		else
			close(3 + i);
		close(saved[i]);
	}
	assert_string_equal(o.output, "3 4 2 1\nLinux");
	spec.process.preserve_fds = 500;
	run(&spec, -1, &o);
	assert_non_null(strstr(o.err.message, "is to be preserved and not open"));
}

static void the_null_device_is_the_containers_own(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct stat before, after;
	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct error err = ERROR_INIT;
	struct sandbox sb;

	(void)state;
	need_root();
	assert_int_equal(fstat(null, &before), 0);
	describe(&spec,
		 "chmod 640 /proc/self/fd/0; chown 5 /proc/self/fd/0; chmod 600 /proc/self/fd/1");
	int root = sandbox_mount_root(&spec.root, &err);
	assert_int_equal(sandbox_create(&spec, root, (int[3]){ null, null, -1 }, -1, &sb, &err), 0);
	assert_int_equal(sandbox_start(&sb, &err), 0);
	wait_status(sb.pid);
	sandbox_close(&sb);
	close(root);
	assert_int_equal(fstat(null, &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_true(after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
		    after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

static void keys_of_the_caller_are_not_its(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	need_root();
	if (syscall(SYS_add_key, "user", "knarr-test", "secret", 6, -3 /* session keyring */) < 0)
		skip();
	/* Possession is what /proc/keys does not tell; the keyring's own number is enough. */
	describe(&spec, "grep -c knarr-test /proc/keys; true");
	for (size_t i = 0; i < spec.masked_paths.len; i++)
		if (strcmp(spec.masked_paths.items[i], "/proc/keys") == 0)
			strcpy(spec.masked_paths.items[i], "/none");
	spec.process.uid = 1000;
	EXPECT_RUN(&spec, "0\n");
}

/* ---- init */

static void an_init_reaps_and_passes_on(void **state)
{
	autospec struct spec spec = SPEC_INIT, ended = SPEC_INIT, missing = SPEC_INIT;
	struct outcome o;

	(void)state;
	need_root();
	describe(
		&spec,
		"cat /proc/1/comm; echo $$; grep -c . /proc/1/maps 2>&-;"
		"(sleep 0.1 &) ; sleep 0.3; echo zombies $(grep -l '^State:.Z' /proc/[0-9]*/status | wc -l)");
	spec.init = true;
	EXPECT_RUN(&spec, "knarr-init\n2\nzombies 0\n");
	describe(&ended, "kill -TERM 1; sleep 5");
	ended.init = true;
	run(&ended, -1, &o);
	assert_int_equal(o.status, 128 + SIGTERM);
	describe(&missing, "true");
	missing.init = true;
	free(missing.process.args.items[0]);
	missing.process.args.items[0] = xstrdup("/bin/nothing");
	run(&missing, -1, &o);
	assert_int_equal(o.err.status, 127);
}

static void an_init_has_no_more_rights_than_the_program(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	need_root();
	describe(
		&spec,
		"grep -E '^(CapEff|CapPrm|Seccomp:)' /proc/1/status; ls /proc/1/fd 2>&1 | grep -c [3-9]$;"
		"readlink /proc/1/exe || echo hidden");
	spec.init = true;
	EXPECT_RUN(
		&spec,
		"CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n0\nhidden\n");
}

/* ---- Filter */

static const struct sock_filter ask_for_mkdir[] = {
	{ 0x20, 0, 0, offsetof(struct seccomp_data, nr) },
	{ 0x15, 2, 0, SYS_mkdir },
	{ 0x15, 1, 0, SYS_read }, /* the child's own, while it waits for us */
	{ 0x06, 0, 0, SECCOMP_RET_ALLOW },
	{ 0x06, 0, 0, SECCOMP_RET_USER_NOTIF },
};

/* Answers until the process has ended: mkdir with EXDEV, the rest as it is. */
static void answer(int listener, int pidfd)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = listener, .events = POLLIN },
				       { .fd = pidfd, .events = POLLIN } };
		struct seccomp_notif asked = { 0 };
		struct seccomp_notif_resp reply = { 0 };

		poll(p, 2, 5000);
		if (!(p[0].revents & POLLIN))
			return;
		if (sys_ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
			continue;
		reply.id = asked.id;
		if (asked.data.nr == SYS_mkdir)
			reply.error = -EXDEV;
		else
			reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		sys_ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
	}
}

static void a_filter_may_ask_somebody(void **state)
{
	struct error err = ERROR_INIT;
	struct outcome o;

	(void)state;
	need_root();
	for (int no_new_privileges = 0; no_new_privileges < 2; no_new_privileges++) {
		autospec struct spec spec = SPEC_INIT;
		struct sandbox sb;
		int out[2], root;

		describe(&spec, "mkdir /asked; echo end");
		spec.process.no_new_privileges = no_new_privileges;
		spec.process.custom_seccomp = xcalloc(1, sizeof(struct spec_seccomp));
		spec.process.custom_seccomp->filter.filter = xcalloc(5, sizeof(struct sock_filter));
		memcpy(spec.process.custom_seccomp->filter.filter, ask_for_mkdir,
		       sizeof(ask_for_mkdir));
		spec.process.custom_seccomp->filter.len = 5;
		spec.process.custom_seccomp->listener_path = xstrdup("/somewhere");
		root = sandbox_mount_root(&spec.root, &err);
		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
		assert_int_equal(
			sandbox_create(&spec, root, (int[3]){ -1, out[1], out[1] }, -1, &sb, &err),
			0);
		close(root);
		close(out[1]);
		assert_int_equal(sandbox_start(&sb, &err), 0);
		assert_true(sb.seccomp_fd >= 0);
		assert_true(sb.sync_fd >= 0);
		pid_t answering = fork();
		if (answering == 0) {
			answer(sb.seccomp_fd, sb.pidfd);
			_exit(0);
		}
		assert_int_equal(sandbox_start(&sb, &err), 0);
		assert_int_equal(sb.sync_fd, -1);
		drain(out[0], &o);
		close(out[0]);
		wait_status(sb.pid);
		sandbox_close(&sb);
		wait_status(answering);
		assert_non_null(strstr(o.output, "link"));
		assert_non_null(strstr(o.output, "end"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_of_another_are_joined),
		cmocka_unit_test(processes_of_a_joined_pid_namespace_are_seen),
		cmocka_unit_test(what_is_no_namespace_is_refused),
		cmocka_unit_test(root_of_a_user_namespace_is_nobody_outside),
		cmocka_unit_test(its_processes_belong_to_the_outside_ids),
		cmocka_unit_test(a_user_namespace_is_joined_with_others_new),
		cmocka_unit_test(a_user_namespace_without_maps_is_refused),
		cmocka_unit_test(clocks_of_a_time_namespace_are_offset),
		cmocka_unit_test(hooks_run_where_and_when_they_should),
		cmocka_unit_test(a_hook_that_fails_ends_the_container),
		cmocka_unit_test(settings_of_the_process_hold),
		cmocka_unit_test(a_bad_list_of_cpus_is_told),
		cmocka_unit_test(labels_that_the_kernel_cannot_give_are_refused),
		cmocka_unit_test(ambient_capabilities_survive_a_user),
		cmocka_unit_test(descriptors_are_preserved_when_asked_for),
		cmocka_unit_test(the_null_device_is_the_containers_own),
		cmocka_unit_test(keys_of_the_caller_are_not_its),
		cmocka_unit_test(an_init_reaps_and_passes_on),
		cmocka_unit_test(an_init_has_no_more_rights_than_the_program),
		cmocka_unit_test(a_filter_may_ask_somebody),
	};

	return cmocka_run_group_tests(tests, image_setup, scratch_teardown);
}
