/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config.json read into a struct spec. Most documents here are one good document with a change, written as a JSON merge patch
 * (RFC 7386) with ' for ". */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/sysmacros.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/log.h"
#include "runtime/oci/config.h"
#include "runtime/spec/kernel.h"

static const char good[] =
	"{'ociVersion': '1.2.0',"
	" 'process': {'user': {'uid': 0, 'gid': 0}, 'args': ['sh'], 'cwd': '/'},"
	" 'root': {'path': 'rootfs'},"
	" 'linux': {'namespaces': [{'type': 'mount'}, {'type': 'pid'}, {'type': 'uts'}, {'type': 'ipc'},"
	"                          {'type': 'network'}, {'type': 'cgroup'}]}}";

static char *quoted(const char *text)
{
	char *s = xstrdup(text);

	for (char *c = s; *c; c++)
		if (*c == '\'')
			*c = '"';
	return s;
}

/* The good document with a change; the caller frees. */
static char *changed(const char *change)
{
	autofree char *base_text = quoted(good), *patch_text = quoted(change);
	autojson yyjson_doc *base = yyjson_read(base_text, strlen(base_text), 0);
	autojson yyjson_doc *patch = yyjson_read(patch_text, strlen(patch_text), 0);
	automutjson yyjson_mut_doc *out = yyjson_mut_doc_new(NULL);

	if (!base || !patch)
		fail_msg("no JSON: %s", change);
	yyjson_mut_doc_set_root(out, yyjson_merge_patch(out, yyjson_doc_get_root(base),
							yyjson_doc_get_root(patch)));
	return json_write(out, false, NULL);
}

static void read_changed(const char *change, struct spec *spec)
{
	struct error err = ERROR_INIT;
	autofree char *text = changed(change);

	if (oci_config_parse(text, strlen(text), spec, &err))
		fail_msg("%s: %s", change, err.message);
}

static void expect_error(const char *change, const char *message)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;
	autofree char *text = changed(change);

	if (!oci_config_parse(text, strlen(text), &spec, &err))
		fail_msg("taken: %s", change);
	assert_string_equal(err.message, message);
	assert_null(spec.mounts);
	assert_null(spec.process.args.items);
}

static void the_least_document_is_enough(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	read_changed("{}", &spec);
	assert_string_equal(spec.process.args.items[0], "sh");
	assert_string_equal(spec.root.path, "rootfs");
	assert_false(spec.root.readonly);
	assert_int_equal(spec.process.umask, (mode_t)-1);
	assert_false(spec.process.has_oom_score_adj);
	assert_int_equal(spec.namespaces, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
						  CLONE_NEWNET | CLONE_NEWCGROUP);
	assert_int_equal(spec.resources.memory, RESOURCE_UNSET);
	assert_false(spec.resources.devices_set);
	/* The default devices are there without being listed. */
	assert_int_equal(spec.n_devices, 6);
	assert_null(spec.cgroup);
	assert_null(spec.process.custom_seccomp);
}

static void the_process_is_read_whole(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	const struct spec_process *p = &spec.process;

	(void)state;
	read_changed(
		"{'process': {'terminal': true, 'consoleSize': {'height': 25, 'width': 80},"
		" 'user': {'uid': 7, 'gid': 8, 'umask': 63, 'additionalGids': [5, 6]}, 'env': ['A=b', 'C='],"
		" 'cwd': '/tmp', 'args': ['a', 'b'], 'noNewPrivileges': true, 'oomScoreAdj': -5,"
		" 'apparmorProfile': 'p', 'selinuxLabel': 'l',"
		" 'ioPriority': {'class': 'IOPRIO_CLASS_IDLE', 'priority': 4},"
		" 'scheduler': {'policy': 'SCHED_DEADLINE', 'nice': -3, 'priority': 2, 'runtime': 1, 'deadline': 2,"
		"   'period': 3, 'flags': ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_DL_OVERRUN']},"
		" 'execCPUAffinity': {'initial': '7', 'final': '0-3,7'},"
		" 'rlimits': [{'type': 'RLIMIT_NOFILE', 'hard': 1024, 'soft': 512},"
		"             {'type': 'RLIMIT_CORE', 'hard': 18446744073709551615, 'soft': 0}],"
		" 'capabilities': {'bounding': ['CAP_KILL', 'CAP_CHOWN'], 'effective': ['CAP_KILL'],"
		"   'permitted': ['CAP_KILL'], 'inheritable': ['CAP_SYS_ADMIN'], 'ambient': ['CAP_MKNOD']}}}",
		&spec);
	assert_true(p->terminal);
	assert_int_equal(p->rows, 25);
	assert_int_equal(p->cols, 80);
	assert_int_equal(p->uid, 7);
	assert_int_equal(p->gid, 8);
	assert_int_equal(p->umask, 077);
	assert_int_equal(p->n_groups, 2);
	assert_int_equal(p->groups[1], 6);
	assert_string_equal(p->env.items[1], "C=");
	assert_string_equal(p->cwd, "/tmp");
	assert_int_equal(p->args.len, 2);
	assert_true(p->no_new_privileges);
	assert_true(p->has_oom_score_adj);
	assert_int_equal(p->oom_score_adj, -5);
	assert_string_equal(p->apparmor_profile, "p");
	assert_string_equal(p->selinux_label, "l");
	assert_true(p->io_priority.set);
	assert_int_equal(p->io_priority.class, IOPRIO_CLASS_IDLE);
	assert_int_equal(p->io_priority.priority, 4);
	assert_true(p->scheduler.set);
	assert_int_equal(p->scheduler.policy, 6);
	assert_int_equal(p->scheduler.nice, -3);
	assert_int_equal(p->scheduler.priority, 2);
	assert_int_equal(p->scheduler.flags, 5);
	assert_int_equal(p->scheduler.period, 3);
	assert_string_equal(p->affinity_initial, "7");
	assert_string_equal(p->affinity_final, "0-3,7");
	assert_int_equal(p->n_rlimits, 2);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(p->rlimits[0].limit.rlim_cur, 512);
	assert_true(p->rlimits[1].limit.rlim_max == RLIM_INFINITY);
	assert_int_equal(p->capabilities.bounding, 1 << CAP_KILL | 1 << CAP_CHOWN);
	assert_int_equal(p->capabilities.effective, 1 << CAP_KILL);
	assert_int_equal(p->capabilities.permitted, 1 << CAP_KILL);
	assert_int_equal(p->capabilities.inheritable, 1 << CAP_SYS_ADMIN);
	assert_int_equal(p->capabilities.ambient, 1 << CAP_MKNOD);
}

static void console_size_without_terminal_is_passed_over(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	read_changed("{'process': {'consoleSize': {'height': 'tall'}}}", &spec);
	assert_int_equal(spec.process.rows, 0);
}

static void unknown_capabilities_are_left_out(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	log_quiet();
	read_changed("{'process': {'capabilities': {'bounding': ['CAP_KILL', 'CAP_FLY', 'FLY']}}}",
		     &spec);
	assert_int_equal(spec.process.capabilities.bounding, 1 << CAP_KILL);
}

static void linux_is_read_whole(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	read_changed(
		"{'hostname': 'h', 'domainname': 'd', 'annotations': {'org.a': 'b', 'c': ''}, 'root': {'readonly': true},"
		" 'linux': {'namespaces': [{'type': 'mount'}, {'type': 'uts'}, {'type': 'network', 'path': '/run/netns/a'},"
		"   {'type': 'user'}, {'type': 'time'}],"
		"  'uidMappings': [{'containerID': 0, 'hostID': 1000, 'size': 10},"
		"                  {'containerID': 10, 'hostID': 5000, 'size': 1}],"
		"  'gidMappings': [{'containerID': 0, 'hostID': 2000, 'size': 20}],"
		"  'timeOffsets': {'monotonic': {'secs': 172800}, 'boottime': {'secs': -1, 'nanosecs': 7}},"
		"  'devices': [{'path': '/dev/fuse', 'type': 'c', 'major': 10, 'minor': 229, 'fileMode': 438, 'uid': 1,"
		"     'gid': 2}, {'path': '/dev/sda/', 'type': 'b', 'major': 8, 'minor': 0, 'fileMode': 25008},"
		"     {'path': '/pipe', 'type': 'p'}, {'path': '/dev/null', 'type': 'u', 'major': 1, 'minor': 3,"
		"     'fileMode': 384}],"
		"  'cgroupsPath': '/my/own', 'rootfsPropagation': 'rslave', 'sysctl': {'net.core.somaxconn': '256',"
		"     'net/ipv4/conf/eth0.1/forwarding': '1', 'net.ipv4.conf.eth0/2.x': '0'},"
		"  'maskedPaths': ['/proc/kcore'], 'readonlyPaths': ['/proc/sys', '/proc/bus'],"
		"  'mountLabel': '', 'personality': {'domain': 'LINUX32', 'flags': []}}}",
		&spec);
	assert_string_equal(spec.hostname, "h");
	assert_string_equal(spec.domainname, "d");
	assert_true(spec.root.readonly);
	assert_string_equal(strv_env_get(&spec.annotations, "org.a"), "b");
	assert_int_equal(spec.namespaces, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWUSER | 0x80);
	assert_int_equal(spec.n_joins, 1);
	assert_int_equal(spec.joins[0].type, CLONE_NEWNET);
	assert_string_equal(spec.joins[0].path, "/run/netns/a");
	assert_int_equal(spec.joins[0].fd, -1);
	assert_int_equal(spec.n_uid_mappings, 2);
	assert_int_equal(spec.uid_mappings[1].outside, 5000);
	assert_int_equal(spec.gid_mappings[0].count, 20);
	assert_true(spec.has_monotonic && spec.has_boottime);
	assert_int_equal(spec.monotonic.seconds, 172800);
	assert_int_equal(spec.boottime.seconds, -1);
	assert_int_equal(spec.boottime.nanoseconds, 7);
	assert_int_equal(spec.n_devices, 9);
	assert_int_equal(spec.devices[0].mode, S_IFCHR | 0666);
	assert_int_equal(spec.devices[0].device, makedev(10, 229));
	assert_int_equal(spec.devices[0].uid, 1);
	assert_int_equal(spec.devices[0].gid, 2);
	/* The type's bits, which some write into the mode, are not taken from there. */
	assert_int_equal(spec.devices[1].mode, S_IFBLK | 0660);
	assert_string_equal(spec.devices[1].path, "/dev/sda");
	assert_int_equal(spec.devices[2].mode, S_IFIFO | 0666);
	/* A default device that is listed is as the list has it. */
	assert_int_equal(spec.devices[3].mode, S_IFCHR | 0600);
	assert_string_equal(spec.cgroup, "/my/own");
	assert_int_equal(spec.root_propagation, MS_SLAVE | MS_REC);
	assert_int_equal(spec.sysctls.len, 3);
	assert_string_equal(strv_env_get(&spec.sysctls, "net/core/somaxconn"), "256");
	assert_string_equal(strv_env_get(&spec.sysctls, "net/ipv4/conf/eth0.1/forwarding"), "1");
	assert_string_equal(strv_env_get(&spec.sysctls, "net/ipv4/conf/eth0.2/x"), "0");
	assert_string_equal(spec.masked_paths.items[0], "/proc/kcore");
	assert_int_equal(spec.readonly_paths.len, 2);
	assert_true(spec.has_personality);
	assert_int_equal(spec.personality, PER_LINUX32);
}

static void mounts_are_read(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	read_changed(
		"{'mounts': [{'destination': '/proc', 'type': 'proc', 'source': 'proc'},"
		" {'destination': 'tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'size=64k']},"
		" {'destination': '/data', 'type': 'none', 'source': 'data', 'options': ['rbind', 'rro', 'rslave']},"
		" {'destination': '/m', 'type': 'bind', 'source': '/a', 'options': ['bind', 'ridmap'],"
		"  'uidMappings': [{'containerID': 0, 'hostID': 1000, 'size': 1}],"
		"  'gidMappings': [{'containerID': 0, 'hostID': 1000, 'size': 1}]},"
		" {'destination': '/sys/fs/cgroup', 'type': 'cgroup', 'source': 'cgroup', 'options': ['ro']},"
		" {'destination': '/old', 'source': '/b', 'options': null, 'type': 'bind',"
		"  'uidMappings': [{'containerID': 0, 'hostID': 1, 'size': 1}],"
		"  'gidMappings': [{'containerID': 0, 'hostID': 1, 'size': 1}]}]}",
		&spec);
	assert_int_equal(spec.n_mounts, 6);
	assert_string_equal(spec.mounts[0].type, "proc");
	assert_string_equal(spec.mounts[1].destination, "/tmp");
	assert_int_equal(spec.mounts[1].attr_set, MOUNT_ATTR_NOSUID);
	assert_string_equal(spec.mounts[1].options.items[0], "size=64k");
	assert_string_equal(spec.mounts[2].type, "bind");
	assert_true(spec.mounts[2].recursive);
	assert_int_equal(spec.mounts[2].attr_set_recursive, MOUNT_ATTR_RDONLY);
	assert_int_equal(spec.mounts[2].propagation, MS_SLAVE | MS_REC);
	assert_true(spec.mounts[3].idmap && spec.mounts[3].idmap_recursive);
	assert_int_equal(spec.mounts[3].uid_mappings[0].outside, 1000);
	/* Mappings without the option are meant all the same. */
	assert_true(spec.mounts[5].idmap && !spec.mounts[5].idmap_recursive);
}

static void hooks_are_read(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	read_changed(
		"{'hooks': {'prestart': [{'path': '/a', 'args': ['a', 'b'], 'env': ['K=v'], 'timeout': 5},"
		" {'path': '/b'}], 'createRuntime': [{'path': '/c'}], 'createContainer': [{'path': '/d'}],"
		" 'startContainer': [{'path': '/e'}], 'poststart': [{'path': '/f'}], 'poststop': [{'path': '/g'}]}}",
		&spec);
	for (int i = 0; i < HOOK_STAGES; i++)
		assert_int_equal(spec.hooks[i].n, i == HOOK_PRESTART ? 2 : 1);
	assert_string_equal(spec.hooks[HOOK_PRESTART].items[0].args.items[1], "b");
	assert_string_equal(spec.hooks[HOOK_PRESTART].items[0].env.items[0], "K=v");
	assert_int_equal(spec.hooks[HOOK_PRESTART].items[0].timeout, 5);
	assert_int_equal(spec.hooks[HOOK_PRESTART].items[1].timeout, 0);
	assert_string_equal(spec.hooks[HOOK_POSTSTOP].items[0].path, "/g");
}

static void resources_are_read(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	const struct resources *r = &spec.resources;

	(void)state;
	read_changed(
		"{'linux': {'resources': {"
		" 'memory': {'limit': 536870912, 'reservation': 1000000, 'swap': -1, 'kernel': -1, 'kernelTCP': -1,"
		"   'disableOOMKiller': false, 'useHierarchy': true, 'checkBeforeUpdate': true},"
		" 'cpu': {'shares': 1024, 'quota': 100000, 'burst': 50000, 'period': 50000, 'cpus': '0-3', 'mems': '0',"
		"   'idle': 1, 'realtimeRuntime': 0, 'realtimePeriod': 0},"
		" 'pids': {'limit': -1},"
		" 'blockIO': {'weight': 10, 'leafWeight': 0, 'weightDevice': [{'major': 8, 'minor': 0, 'weight': 500}],"
		"   'throttleReadBpsDevice': [{'major': 8, 'minor': 1, 'rate': 600}],"
		"   'throttleWriteIOPSDevice': [{'major': 8, 'minor': 16, 'rate': 300}]},"
		" 'hugepageLimits': [{'pageSize': '2MB', 'limit': 209715200}],"
		" 'rdma': {'mlx5_1': {'hcaHandles': 3, 'hcaObjects': 10000}, 'rxe3': {'hcaObjects': 1}},"
		" 'unified': {'memory.high': '1000000'}, 'network': {'classID': 0, 'priorities': []},"
		" 'devices': [{'allow': false, 'access': 'rwm'},"
		"   {'allow': true, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'rw'}]}}}",
		&spec);
	assert_int_equal(r->memory, 536870912);
	assert_int_equal(r->memory_reservation, 1000000);
	assert_int_equal(r->memory_swap, RESOURCE_UNLIMITED);
	assert_true(r->memory_check_before_update);
	assert_int_equal(r->cpu_shares, 1024);
	assert_int_equal(r->cpu_quota, 100000);
	assert_int_equal(r->cpu_burst, 50000);
	assert_int_equal(r->cpu_period, 50000);
	assert_int_equal(r->cpu_idle, 1);
	assert_string_equal(r->cpuset_cpus, "0-3");
	assert_string_equal(r->cpuset_mems, "0");
	assert_int_equal(r->pids, -1);
	assert_int_equal(r->blkio_weight, 10);
	assert_int_equal(r->weight_devices.items[0].value, 500);
	assert_int_equal(r->read_bps.items[0].minor, 1);
	assert_int_equal(r->write_iops.items[0].value, 300);
	assert_int_equal(r->read_iops.n + r->write_bps.n, 0);
	assert_int_equal(r->n_hugetlb, 1);
	assert_string_equal(r->hugetlb[0].page_size, "2MB");
	assert_int_equal(r->unified.len, 3);
	assert_string_equal(r->unified.items[0], "rdma.max=mlx5_1 hca_handle=3 hca_object=10000");
	assert_string_equal(strv_env_get(&r->unified, "memory.high"), "1000000");
	assert_true(r->devices_set);
	assert_false(r->devices[0].allow);
	assert_int_equal(r->devices[0].type, 'a');
	assert_int_equal(r->devices[0].major, -1);
	assert_true(r->devices[0].read && r->devices[0].write && r->devices[0].mknod);
	assert_int_equal(r->devices[1].minor, 229);
	assert_false(r->devices[1].mknod);
	/* /dev/null and its kin stay, whatever is denied. */
	assert_true(r->n_devices > 2 && r->devices[r->n_devices - 1].allow);
}

/* As Docker and podman write them, all there and all nothing. */
static void zeroes_mean_unset(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	const struct resources *r = &spec.resources;

	(void)state;
	read_changed(
		"{'linux': {'resources': {'memory': {'limit': 0, 'swap': 0, 'reservation': 0},"
		" 'cpu': {'shares': 0, 'quota': 0, 'period': 0, 'cpus': '', 'mems': ''}, 'pids': {'limit': 0},"
		" 'blockIO': {'weight': 0}, 'devices': []}}}",
		&spec);
	assert_int_equal(r->memory, RESOURCE_UNSET);
	assert_int_equal(r->memory_swap, RESOURCE_UNSET);
	assert_int_equal(r->cpu_shares, RESOURCE_UNSET);
	assert_int_equal(r->cpu_quota, RESOURCE_UNSET);
	assert_int_equal(r->cpu_period, RESOURCE_UNSET);
	assert_null(r->cpuset_cpus);
	assert_int_equal(r->pids, RESOURCE_UNSET);
	assert_int_equal(r->blkio_weight, RESOURCE_UNSET);
	assert_false(r->devices_set);
}

static void versions_of_one_are_taken(void **state)
{
	static const char *const versions[] = { "1.0.0", "1.0.2-dev", "1.1.0+dev", "1.2.1-rc.1+x",
						"1.99.0" };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		autospec struct spec spec = SPEC_INIT;
		autofree char *change = str_format("{'ociVersion': '%s'}", versions[i]);

		read_changed(change, &spec);
	}
}

static void what_is_unknown_or_another_systems_is_skipped(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	read_changed(
		"{'novelty': 1, 'windows': 7, 'solaris': [], 'vm': {}, 'process': {'commandLine': 3, 'x': {}},"
		" 'linux': {'x': 1, 'resources': {'y': 2}}, 'hooks': {'later': 5}}",
		&spec);
}

/* A change, and what is said of it. */
static const struct {
	const char *change, *message;
} wrong[] = {
	{ "{'ociVersion': null}", "ociVersion: missing" },
	{ "{'ociVersion': 1}", "ociVersion: not a string" },
	{ "{'ociVersion': '1.2'}", "ociVersion: \"1.2\" is not a version such as 1.2.0" },
	{ "{'ociVersion': '1.02.0'}", "ociVersion: \"1.02.0\" is not a version such as 1.2.0" },
	{ "{'ociVersion': '1.2.0-'}", "ociVersion: \"1.2.0-\" is not a version such as 1.2.0" },
	{ "{'ociVersion': 'v1.2.0'}", "ociVersion: \"v1.2.0\" is not a version such as 1.2.0" },
	{ "{'ociVersion': '1.2.0\\u0000'}", "ociVersion: has a NUL character in it" },
	{ "{'ociVersion': '2.0.0'}",
	  "ociVersion: version 2.0.0 of the runtime-spec is not supported, only 1.x is" },
	{ "{'ociVersion': '0.1.0'}",
	  "ociVersion: version 0.1.0 of the runtime-spec is not supported, only 1.x is" },

	{ "{'process': null}", "process: missing" },
	{ "{'process': []}", "process: not an object" },
	{ "{'process': {'user': null}}", "process.user: missing" },
	{ "{'process': {'user': {'uid': null}}}", "process.user.uid: missing" },
	{ "{'process': {'user': {'uid': '0'}}}", "process.user.uid: not a number" },
	{ "{'process': {'user': {'uid': 0.5}}}",
	  "process.user.uid: not a whole number, or too large" },
	{ "{'process': {'user': {'uid': 1e3}}}",
	  "process.user.uid: not a whole number, or too large" },
	{ "{'process': {'user': {'uid': -1}}}", "process.user.uid: -1 is not in 0 to 4294967294" },
	{ "{'process': {'user': {'gid': 4294967295}}}",
	  "process.user.gid: 4294967295 is not in 0 to 4294967294" },
	{ "{'process': {'user': {'gid': 99999999999999999999}}}",
	  "process.user.gid: not a whole number, or too large" },
	{ "{'process': {'user': {'umask': 512}}}", "process.user.umask: 512 is not in 0 to 511" },
	{ "{'process': {'user': {'additionalGids': 5}}}",
	  "process.user.additionalGids: not an array" },
	{ "{'process': {'user': {'additionalGids': [5, 'x']}}}",
	  "process.user.additionalGids[1]: not a number" },
	{ "{'process': {'user': {'additionalGids': [null]}}}",
	  "process.user.additionalGids[0]: not a number" },
	{ "{'process': {'args': null}}", "process.args: missing" },
	{ "{'process': {'args': []}}", "process.args: empty" },
	{ "{'process': {'args': 'sh'}}", "process.args: not an array" },
	{ "{'process': {'args': ['a', 1]}}", "process.args[1]: not a string" },
	{ "{'process': {'args': ['a\\u0000b']}}", "process.args[0]: has a NUL character in it" },
	{ "{'process': {'env': ['A=b', 'C']}}", "process.env[1]: not NAME=VALUE" },
	{ "{'process': {'env': ['=b']}}", "process.env[0]: not NAME=VALUE" },
	{ "{'process': {'cwd': null}}", "process.cwd: missing" },
	{ "{'process': {'cwd': ''}}", "process.cwd: \"\" is not an absolute path" },
	{ "{'process': {'cwd': 'tmp'}}", "process.cwd: \"tmp\" is not an absolute path" },
	{ "{'process': {'terminal': 1}}", "process.terminal: neither true nor false" },
	{ "{'process': {'terminal': true, 'consoleSize': {'width': 1}}}",
	  "process.consoleSize.height: missing" },
	{ "{'process': {'terminal': true, 'consoleSize': {'height': 65536, 'width': 1}}}",
	  "process.consoleSize.height: 65536 is not in 0 to 65535" },
	{ "{'process': {'oomScoreAdj': 1001}}",
	  "process.oomScoreAdj: 1001 is not in -1000 to 1000" },
	{ "{'process': {'noNewPrivileges': 'yes'}}",
	  "process.noNewPrivileges: neither true nor false" },
	{ "{'process': {'capabilities': ['CAP_KILL']}}", "process.capabilities: not an object" },
	{ "{'process': {'capabilities': {'bounding': 'CAP_KILL'}}}",
	  "process.capabilities.bounding: not an array" },
	{ "{'process': {'capabilities': {'ambient': [7]}}}",
	  "process.capabilities.ambient[0]: not a string" },
	{ "{'process': {'rlimits': [{}]}}", "process.rlimits[0].type: missing" },
	{ "{'process': {'rlimits': [{'type': 'RLIMIT_X', 'soft': 1, 'hard': 1}]}}",
	  "process.rlimits[0].type: \"RLIMIT_X\" is not a limit of getrlimit(2)" },
	{ "{'process': {'rlimits': [{'type': 'RLIMIT_CPU', 'hard': 1}]}}",
	  "process.rlimits[0].soft: missing" },
	{ "{'process': {'rlimits': [{'type': 'RLIMIT_CPU', 'soft': -1, 'hard': 1}]}}",
	  "process.rlimits[0].soft: -1 is not in 0 to 18446744073709551615" },
	{ "{'process': {'rlimits': [{'type': 'RLIMIT_CPU', 'soft': 2, 'hard': 1}]}}",
	  "process.rlimits[0]: soft is above hard" },
	{ "{'process': {'rlimits': [{'type': 'RLIMIT_CPU', 'soft': 1, 'hard': 1},"
	  " {'type': 'RLIMIT_CPU', 'soft': 1, 'hard': 1}]}}",
	  "process.rlimits[1]: RLIMIT_CPU stands there twice" },
	{ "{'process': {'rlimits': [7]}}", "process.rlimits[0]: not an object" },
	{ "{'process': {'scheduler': {}}}", "process.scheduler.policy: missing" },
	{ "{'process': {'scheduler': {'policy': 'SCHED_X'}}}",
	  "process.scheduler.policy: \"SCHED_X\" is not a scheduling policy" },
	{ "{'process': {'scheduler': {'policy': 'SCHED_RR', 'flags': ['X']}}}",
	  "process.scheduler.flags[0]: \"X\" is not a scheduler flag" },
	{ "{'process': {'scheduler': {'policy': 'SCHED_OTHER', 'nice': 20}}}",
	  "process.scheduler.nice: 20 is not in -20 to 19" },
	{ "{'process': {'ioPriority': {'class': 'IOPRIO_CLASS_BE'}}}",
	  "process.ioPriority.priority: missing" },
	{ "{'process': {'ioPriority': {'class': 'IOPRIO_CLASS_BE', 'priority': 8}}}",
	  "process.ioPriority.priority: 8 is not in 0 to 7" },
	{ "{'process': {'ioPriority': {'class': 'BE', 'priority': 1}}}",
	  "process.ioPriority.class: \"BE\" is not a class of ioprio_set(2)" },
	{ "{'process': {'execCPUAffinity': {'initial': '3-1'}}}",
	  "process.execCPUAffinity.initial: not a list of CPUs such as \"0-3,7\"" },
	{ "{'process': {'execCPUAffinity': {'final': '1,'}}}",
	  "process.execCPUAffinity.final: not a list of CPUs such as \"0-3,7\"" },
	{ "{'process': {'execCPUAffinity': {'final': '99999999999999999999'}}}",
	  "process.execCPUAffinity.final: not a list of CPUs such as \"0-3,7\"" },

	{ "{'root': null}", "root: missing" },
	{ "{'root': {'path': null}}", "root.path: missing" },
	{ "{'root': {'path': ''}}", "root.path: empty" },
	{ "{'root': {'path': ['rootfs']}}", "root.path: not a string" },
	{ "{'root': {'readonly': 'true'}}", "root.readonly: neither true nor false" },

	{ "{'hostname': 5}", "hostname: not a string" },
	{ "{'hostname': '12345678901234567890123456789012345678901234567890123456789012345'}",
	  "hostname: longer than 64 bytes" },
	{ "{'hostname': 'h', 'linux': {'namespaces': []}}",
	  "hostname: there is no uts namespace to set it in" },
	{ "{'domainname': 'h', 'linux': {'namespaces': []}}",
	  "domainname: there is no uts namespace to set it in" },
	{ "{'annotations': {'a': 1}}", "annotations.a: not a string" },
	{ "{'annotations': {'': 'x'}}", "annotations: \"\" cannot be a key here" },
	{ "{'annotations': []}", "annotations: not an object" },

	{ "{'mounts': {}}", "mounts: not an array" },
	{ "{'mounts': ['/proc']}", "mounts[0]: not an object" },
	{ "{'mounts': [{}]}", "mounts[0].destination: missing" },
	{ "{'mounts': [{'destination': ''}]}", "mounts[0].destination: empty" },
	{ "{'mounts': [{'destination': '/a'}]}", "mounts[0]: neither a type nor the option bind" },
	{ "{'mounts': [{'destination': '/a', 'type': 'bind'}]}",
	  "mounts[0].source: a bind mount needs one" },
	{ "{'mounts': [{'destination': '/a', 'type': 'tmpfs', 'options': 'ro'}]}",
	  "mounts[0].options: not an array" },
	{ "{'mounts': [{'destination': '/a', 'type': 'tmpfs', 'options': [1]}]}",
	  "mounts[0].options[0]: not a string" },
	{ "{'mounts': [{'destination': '/a', 'type': 'tmpfs', 'options': ['']}]}",
	  "mounts[0].options[0]: mount /a: an option is empty" },
	{ "{'mounts': [{'destination': '/a', 'type': 'bind', 'source': '/b',"
	  " 'uidMappings': [{'containerID': 0, 'hostID': 0, 'size': 1}]}]}",
	  "mounts[0].gidMappings: uidMappings and gidMappings go together" },

	{ "{'hooks': []}", "hooks: not an object" },
	{ "{'hooks': {'poststop': {}}}", "hooks.poststop: not an array" },
	{ "{'hooks': {'poststop': [{'path': '/a'}, {}]}}", "hooks.poststop[1].path: missing" },
	{ "{'hooks': {'prestart': [{'path': 'a'}]}}",
	  "hooks.prestart[0].path: \"a\" is not an absolute path" },
	{ "{'hooks': {'prestart': [{'path': '/a', 'timeout': 0}]}}",
	  "hooks.prestart[0].timeout: 0 is not in 1 to 2147483647" },
	{ "{'hooks': {'prestart': [{'path': '/a', 'env': {}}]}}",
	  "hooks.prestart[0].env: not an array" },

	{ "{'linux': []}", "linux: not an object" },
	{ "{'linux': {'namespaces': [{'type': 'pid'}, {'type': 'pid'}]}}",
	  "linux.namespaces[1]: \"pid\" stands there twice" },
	{ "{'linux': {'namespaces': [{'type': 'pid'}, {'type': 'pid', 'path': '/proc/1/ns/pid'}]}}",
	  "linux.namespaces[1]: \"pid\" stands there twice" },
	{ "{'linux': {'namespaces': [{'type': 'net'}]}}",
	  "linux.namespaces[0].type: \"net\" is not a type of namespace" },
	{ "{'linux': {'namespaces': [{}]}}", "linux.namespaces[0].type: missing" },
	{ "{'linux': {'namespaces': [{'type': 'pid', 'path': 'x'}]}}",
	  "linux.namespaces[0].path: \"x\" is not an absolute path" },
	{ "{'linux': {'namespaces': [{'type': 'user'}]}}",
	  "linux.uidMappings: missing, with a new user namespace" },
	{ "{'linux': {'uidMappings': [{'containerID': 0, 'hostID': 0, 'size': 1}]}}",
	  "linux.uidMappings: there is no user namespace to map them in" },
	{ "{'linux': {'gidMappings': [{'containerID': 0, 'hostID': 0}]}}",
	  "linux.gidMappings[0].size: missing" },
	{ "{'linux': {'gidMappings': [{'containerID': 0, 'hostID': 0, 'size': 0}]}}",
	  "linux.gidMappings[0]: size is 0" },
	{ "{'linux': {'gidMappings': [{'containerID': 1, 'hostID': 0, 'size': 4294967295}]}}",
	  "linux.gidMappings[0]: reaches beyond the highest ID" },
	{ "{'linux': {'gidMappings': [{'containerID': 0, 'hostID': 0, 'size': 10},"
	  " {'containerID': 9, 'hostID': 100, 'size': 1}]}}",
	  "linux.gidMappings[1]: overlaps with an entry before" },
	{ "{'linux': {'timeOffsets': {'monotonic': {'secs': 1}}}}",
	  "linux.timeOffsets: there is no new time namespace to set them in" },
	{ "{'linux': {'timeOffsets': {'realtime': {'secs': 1}}}}",
	  "linux.timeOffsets.realtime: no clock that has an offset; monotonic and boottime have" },
	{ "{'linux': {'timeOffsets': {'boottime': {'nanosecs': 1000000000}}}}",
	  "linux.timeOffsets.boottime.nanosecs: 1000000000 is not in 0 to 999999999" },
	{ "{'linux': {'devices': [{'type': 'c'}]}}", "linux.devices[0].path: missing" },
	{ "{'linux': {'devices': [{'path': '/dev/x', 'type': 'z'}]}}",
	  "linux.devices[0].type: \"z\" is not a type of device (c, b, u, p)" },
	{ "{'linux': {'devices': [{'path': '/dev/x', 'type': 'c', 'minor': 1}]}}",
	  "linux.devices[0].major: missing" },
	{ "{'linux': {'devices': [{'path': '/dev/x', 'type': 'c', 'major': 4096, 'minor': 1}]}}",
	  "linux.devices[0].major: 4096 is not in 0 to 4095" },
	{ "{'linux': {'devices': [{'path': '/', 'type': 'p'}]}}",
	  "linux.devices[0].path: \"/\" is not an absolute path of a device" },
	{ "{'linux': {'devices': [{'path': 'dev/x', 'type': 'p'}]}}",
	  "linux.devices[0].path: \"dev/x\" is not an absolute path of a device" },
	{ "{'linux': {'devices': [{'path': '/x', 'type': 'p'}, {'path': '/x/', 'type': 'c', 'major': 1, 'minor': 3}]}}",
	  "linux.devices[1].path: \"/x/\" stands there twice, as two devices" },
	{ "{'linux': {'cgroupsPath': '/a/../../b'}}",
	  "linux.cgroupsPath: \"/a/../../b\" leads out of its own by \"..\"" },
	{ "{'linux': {'rootfsPropagation': 'public'}}",
	  "linux.rootfsPropagation: \"public\" is not shared, slave, private or unbindable" },
	{ "{'linux': {'maskedPaths': ['proc']}}",
	  "linux.maskedPaths[0]: \"proc\" is not an absolute path" },
	{ "{'linux': {'readonlyPaths': [7]}}", "linux.readonlyPaths[0]: not a string" },
	{ "{'linux': {'personality': {}}}", "linux.personality.domain: missing" },
	{ "{'linux': {'personality': {'domain': 'BSD'}}}",
	  "linux.personality.domain: \"BSD\" is not LINUX or LINUX32" },
	{ "{'linux': {'personality': {'domain': 'LINUX', 'flags': ['X']}}}",
	  "linux.personality.flags: the specification has no flags yet" },
	{ "{'linux': {'intelRdt': {'closID': 'x'}}}",
	  "linux.intelRdt: Intel RDT (resctrl) is not supported" },
	{ "{'linux': {'mountLabel': 'system_u'}}",
	  "linux.mountLabel: labels of SELinux are not supported" },

	{ "{'linux': {'sysctl': {'kernel.core_pattern': 'x'}}}",
	  "linux.sysctl.kernel.core_pattern: is the whole machine's, no namespace has one of its own" },
	{ "{'linux': {'sysctl': {'net.x': '1'}, 'namespaces': []}}",
	  "linux.sysctl.net.x: the container has no network namespace of its own" },
	{ "{'linux': {'sysctl': {'kernel.shmmax': '1'}, 'namespaces': []}}",
	  "linux.sysctl.kernel.shmmax: the container has no ipc namespace of its own" },
	{ "{'linux': {'sysctl': {'net/../kernel/core_pattern': 'x'}}}",
	  "linux.sysctl.net/../kernel/core_pattern: no name of a sysctl" },
	{ "{'linux': {'sysctl': {'net.//.kernel': 'x'}}}",
	  "linux.sysctl.net.//.kernel: no name of a sysctl" },
	{ "{'linux': {'sysctl': {'net..x': 'x'}}}", "linux.sysctl.net..x: no name of a sysctl" },
	{ "{'linux': {'sysctl': {'kernel.hostname': 'x'}}}",
	  "linux.sysctl.kernel.hostname: in conflict with hostname; use that" },
	{ "{'linux': {'sysctl': {'net.x': 1}}}", "linux.sysctl.net.x: not a string" },

	{ "{'linux': {'resources': {'memory': {'limit': '1g'}}}}",
	  "linux.resources.memory.limit: not a number" },
	{ "{'linux': {'resources': {'memory': {'limit': -2}}}}",
	  "linux.resources.memory.limit: -2 is not in -1 to 9223372036854775807" },
	{ "{'linux': {'resources': {'memory': {'swappiness': 10}}}}",
	  "linux.resources.memory.swappiness: not supported, cgroup v2 has no such thing" },
	{ "{'linux': {'resources': {'memory': {'disableOOMKiller': true}}}}",
	  "linux.resources.memory.disableOOMKiller: not supported, cgroup v2 has no such thing" },
	{ "{'linux': {'resources': {'cpu': {'realtimePeriod': 1}}}}",
	  "linux.resources.cpu.realtimePeriod: not supported, cgroup v2 has no such thing" },
	{ "{'linux': {'resources': {'cpu': {'idle': 2}}}}",
	  "linux.resources.cpu.idle: 2 is not in 0 to 1" },
	{ "{'linux': {'resources': {'blockIO': {'leafWeight': 10}}}}",
	  "linux.resources.blockIO.leafWeight: not supported, cgroup v2 has no such thing" },
	{ "{'linux': {'resources': {'blockIO': {'weightDevice': [{'major': 8, 'minor': 0}]}}}}",
	  "linux.resources.blockIO.weightDevice[0].weight: missing" },
	{ "{'linux': {'resources': {'blockIO': {'throttleReadBpsDevice': [{'major': 8, 'rate': 1}]}}}}",
	  "linux.resources.blockIO.throttleReadBpsDevice[0].minor: missing" },
	{ "{'linux': {'resources': {'hugepageLimits': [{'pageSize': '../x', 'limit': 1}]}}}",
	  "linux.resources.hugepageLimits[0].pageSize: \"../x\" is not a size of pages such as 2MB" },
	{ "{'linux': {'resources': {'hugepageLimits': [{'pageSize': '2', 'limit': 1}]}}}",
	  "linux.resources.hugepageLimits[0].pageSize: \"2\" is not a size of pages such as 2MB" },
	{ "{'linux': {'resources': {'unified': {'../memory.max': '1'}}}}",
	  "linux.resources.unified.../memory.max: no file of a cgroup's controller" },
	{ "{'linux': {'resources': {'unified': {'memory.max': 1}}}}",
	  "linux.resources.unified.memory.max: not a string" },
	{ "{'linux': {'resources': {'rdma': {'x': {}}}}}",
	  "linux.resources.rdma.x: neither hcaHandles nor hcaObjects" },
	{ "{'linux': {'resources': {'rdma': {'x y': {'hcaObjects': 1}}}}}",
	  "linux.resources.rdma.x y: no name of a device" },
	{ "{'linux': {'resources': {'network': {'classID': 1}}}}",
	  "linux.resources.network.classID: not supported, cgroup v2 has no such thing" },
	{ "{'linux': {'resources': {'devices': [{}]}}}",
	  "linux.resources.devices[0].allow: missing" },
	{ "{'linux': {'resources': {'devices': [{'allow': true, 'type': 'p'}]}}}",
	  "linux.resources.devices[0].type: \"p\" is not a type of device (a, b, c)" },
	{ "{'linux': {'resources': {'devices': [{'allow': true, 'access': 'rx'}]}}}",
	  "linux.resources.devices[0].access: \"rx\" is not made of r, w and m" },

	{ "{'linux': {'seccomp': {}}}", "linux.seccomp.defaultAction: missing" },
	{ "{'linux': {'seccomp': {'defaultAction': 'ALLOW'}}}",
	  "linux.seccomp.defaultAction: \"ALLOW\" is not an action of seccomp" },
};

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_error(wrong[i].change, wrong[i].message);
}

static void what_is_no_document_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} documents[] = {
		{ "", "config.json: line 1, column 1: input data is empty" },
		{ "[]", "config.json: not an object" },
		{ "{", "config.json: line 1, column 2: unexpected end of data" },
		{ "{\"a\":1,\"a\":2}", "config.json: key \"a\" stands twice in one object" },
		{ "{}", "ociVersion: missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		autospec struct spec spec = SPEC_INIT;
		struct error err = ERROR_INIT;

		assert_int_equal(
			oci_config_parse(documents[i].text, strlen(documents[i].text), &spec, &err),
			-1);
		if (i == 0)
			assert_true(str_starts(err.message, "config.json: "));
		else
			assert_string_equal(err.message, documents[i].message);
	}
}

static void a_process_comes_alone(void **state)
{
	static const char text[] =
		"{\"user\":{\"uid\":3,\"gid\":4},\"args\":[\"id\"],\"cwd\":\"/\"}";
	static const char bad[] = "{\"user\":{\"uid\":\"3\"}}";
	struct spec_process p = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(oci_process_parse(text, strlen(text), &p, &err), 0);
	assert_int_equal(p.uid, 3);
	spec_process_free(&p);
	assert_int_equal(oci_process_parse(bad, strlen(bad), &p, &err), -1);
	assert_string_equal(err.message, "process.user.uid: not a number");
}

static void resources_come_alone(void **state)
{
	static const char text[] = "{\"memory\":{\"limit\":1000000},\"pids\":{\"limit\":5}}";
	static const char bad[] = "{\"memory\":{\"limit\":true}}";
	autoresources struct resources r = RESOURCES_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(oci_resources_parse(text, strlen(text), &r, &err), 0);
	assert_int_equal(r.memory, 1000000);
	assert_int_equal(r.pids, 5);
	resources_free(&r);
	assert_int_equal(oci_resources_parse(bad, strlen(bad), &r, &err), -1);
	assert_string_equal(err.message, "resources.memory.limit: not a number");
}

/* ---- What `spec` writes and `features` says */

static void the_written_config_is_a_good_one(void **state)
{
	(void)state;
	for (int rootless = 0; rootless < 2; rootless++) {
		autospec struct spec spec = SPEC_INIT;
		struct error err = ERROR_INIT;
		autofree char *text = oci_spec_text(rootless);

		if (oci_config_parse(text, strlen(text), &spec, &err))
			fail_msg("%s", err.message);
		assert_true(spec.process.terminal && spec.process.no_new_privileges &&
			    spec.root.readonly);
		assert_int_equal(spec.n_mounts, 7);
		assert_string_equal(spec.mounts[5].type, rootless ? "bind" : "sysfs");
		assert_int_equal(!(spec.namespaces & CLONE_NEWUSER), !rootless);
		assert_int_equal(!(spec.namespaces & CLONE_NEWNET), rootless);
		assert_int_equal(spec.uid_mappings ? spec.uid_mappings[0].outside : geteuid(),
				 geteuid());
	}
}

static void what_features_names_is_taken(void **state)
{
	autofree char *text = oci_features_text();
	autojson yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
	yyjson_val *root = yyjson_doc_get_root(doc), *linux_object = yyjson_obj_get(root, "linux");
	yyjson_val *seccomp = yyjson_obj_get(linux_object, "seccomp"), *value;
	size_t i, max;

	(void)state;
	log_quiet();
	yyjson_arr_foreach(yyjson_obj_get(linux_object, "namespaces"), i, max, value)
	{
		autospec struct spec spec = SPEC_INIT;
		autofree char *change =
			str_format("{'linux': {'namespaces': [{'type': '%s', 'path': '/x'}]}}",
				   yyjson_get_str(value));

		read_changed(change, &spec);
	}
	yyjson_arr_foreach(yyjson_obj_get(root, "hooks"), i, max, value)
	{
		autospec struct spec spec = SPEC_INIT;
		autofree char *change =
			str_format("{'hooks': {'%s': [{'path': '/a'}]}}", yyjson_get_str(value));

		read_changed(change, &spec);
		assert_int_equal(spec.hooks[i].n, 1);
	}
	yyjson_arr_foreach(yyjson_obj_get(root, "mountOptions"), i, max, value)
	{
		autospec struct spec spec = SPEC_INIT;
		autofree char *change = str_format(
			"{'mounts': [{'destination': '/a', 'type': 'tmpfs', 'source': 'x',"
			" 'options': ['%s']}]}",
			yyjson_get_str(value));

		read_changed(change, &spec);
	}
	yyjson_arr_foreach(yyjson_obj_get(seccomp, "actions"), i, max, value)
	{
		autospec struct spec spec = SPEC_INIT;
		autofree char *change = str_format(
			"{'linux': {'seccomp': {'defaultAction': 'SCMP_ACT_ALLOW', 'listenerPath': '/x', 'syscalls':"
			" [{'names': ['read'], 'action': '%s'}]}}}",
			yyjson_get_str(value));

		read_changed(change, &spec);
	}
	yyjson_arr_foreach(yyjson_obj_get(seccomp, "supportedFlags"), i, max, value)
	{
		autospec struct spec spec = SPEC_INIT;
		autofree char *change = str_format(
			"{'linux': {'seccomp': {'defaultAction': 'SCMP_ACT_ALLOW', 'flags': ['%s']}}}",
			yyjson_get_str(value));

		read_changed(change, &spec);
	}
	assert_true(yyjson_arr_size(yyjson_obj_get(linux_object, "capabilities")) > 40);
	assert_true(yyjson_arr_size(yyjson_obj_get(seccomp, "operators")) == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_document_is_enough),
		cmocka_unit_test(the_process_is_read_whole),
		cmocka_unit_test(console_size_without_terminal_is_passed_over),
		cmocka_unit_test(unknown_capabilities_are_left_out),
		cmocka_unit_test(linux_is_read_whole),
		cmocka_unit_test(mounts_are_read),
		cmocka_unit_test(hooks_are_read),
		cmocka_unit_test(resources_are_read),
		cmocka_unit_test(zeroes_mean_unset),
		cmocka_unit_test(versions_of_one_are_taken),
		cmocka_unit_test(what_is_unknown_or_another_systems_is_skipped),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(what_is_no_document_is_refused),
		cmocka_unit_test(a_process_comes_alone),
		cmocka_unit_test(resources_come_alone),
		cmocka_unit_test(the_written_config_is_a_good_one),
		cmocka_unit_test(what_features_names_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
