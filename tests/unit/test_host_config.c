/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What flags ask of the machine, as it stands in container.json: written and read as the same, damage refused. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "lib/cleanup.h"
#include "runtime/container/host_config.h"

#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char *written(const struct host_config *h)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	host_config_put(doc, root, h);
	return json_write(doc, false, NULL);
}

static int read_from(const char *text, struct host_config *h, struct error *err)
{
	autojson yyjson_doc *doc = json_parse(text, strlen(text), "test", err);

	*h = (struct host_config)HOST_CONFIG_INIT;
	return doc ? host_config_get(yyjson_doc_get_root(doc), h, err) : -1;
}

static void fill(struct host_config *h)
{
	struct host_mount *m;
	struct host_device *d;
	struct host_block *b;

	h->privileged = true;
	strv_add(&h->cap_add, "CAP_NET_ADMIN");
	strv_add(&h->cap_drop, "ALL");
	strv_add(&h->group_add, "video");
	strv_add(&h->security_opt, "no-new-privileges");
	strv_add(&h->security_opt, "seccomp={\"a\": 1}");
	strv_add(&h->device_rules, "c 1:3 rwm");
	h->pid_mode = xstrdup("container:" ID);
	h->ipc_mode = xstrdup("shareable");
	h->uts_mode = xstrdup("host");
	h->cgroupns_mode = xstrdup("private");
	h->userns_mode = xstrdup("auto");
	strv_add(&h->volumes_from, "web:ro");
	h->shm_size = 1 << 20;
	h->domainname = xstrdup("example");
	strv_add(&h->dns, "192.0.2.1");
	strv_add(&h->dns_search, ".");
	strv_add(&h->dns_options, "ndots:2");
	strv_add(&h->extra_hosts, "a:192.0.2.2");
	h->resources.memory = 6 << 20;
	h->resources.memory_swap = RESOURCE_UNLIMITED;
	h->resources.memory_reservation = 0;
	h->resources.cpu_shares = 2;
	h->resources.cpu_quota = -1;
	h->resources.cpu_period = 1000;
	h->resources.cpuset_cpus = xstrdup("0-1");
	h->resources.cpuset_mems = xstrdup("0");
	h->resources.pids = 7;
	h->resources.blkio_weight = 500;
	h->nano_cpus = 1500000000;
	h->has_oom_score_adj = true;
	h->oom_score_adj = -1000;
	host_config_add_ulimit(h, RLIMIT_NOFILE, (struct rlimit){ 10, RLIM_INFINITY });
	strv_add(&h->sysctls, "net.core.somaxconn=7");
	h->cgroup_parent = xstrdup("/x");
	h->init = true;
	h->restart = RESTART_ON_FAILURE;
	h->restart_max = 3;
	h->stop_timeout = 0;
	h->cid_file = xstrdup("/tmp/cid");
	strv_add(&h->annotations, "a=b");
	h->log_driver = xstrdup("none");
	strv_add(&h->log_opts, "max-size=1k");
	h->log_max_size = 1024;
	h->log_max_file = 2;
	m = host_config_add_mount(h);
	m->source = xstrdup("/a b");
	m->target = xstrdup("/c");
	m->readonly = m->create_source = m->non_recursive = m->readonly_force_recursive = true;
	m->propagation = MS_SLAVE | MS_REC;
	m->options = xstrdup("z");
	m = host_config_add_mount(h);
	m->type = HOST_MOUNT_VOLUME;
	m->source = xstrdup(ID);
	m->target = xstrdup("/v");
	m->anonymous = m->from_image = m->no_copy = true;
	m = host_config_add_mount(h);
	m->type = HOST_MOUNT_TMPFS;
	m->target = xstrdup("/t");
	m->tmpfs_size = 4096;
	m->tmpfs_mode = 01700;
	d = host_config_add_device(h);
	d->source = xstrdup("/dev/null");
	d->target = xstrdup("/dev/nil");
	d->permissions = xstrdup("rw");
	b = host_config_add_block(h, HOST_BLOCK_WRITE_IOPS);
	b->path = xstrdup("/dev/vda");
	b->value = 12;
}

static void round_trip(void **state)
{
	struct host_config in = HOST_CONFIG_INIT, out, copy;
	struct error err = ERROR_INIT;

	(void)state;
	autofree char *empty = written(&in);
	assert_string_equal(empty, "{}");
	fill(&in);
	autofree char *one = written(&in);
	if (read_from(one, &out, &err) < 0)
		fail_msg("%s", err.message);
	autofree char *two = written(&out);
	assert_string_equal(one, two);

	assert_true(out.privileged && out.init && out.has_oom_score_adj);
	assert_string_equal(out.pid_mode, "container:" ID);
	assert_string_equal(host_config_seccomp(&out), "{\"a\": 1}");
	assert_int_equal(out.stop_timeout, 0);
	assert_int_equal(out.oom_score_adj, -1000);
	assert_int_equal(out.resources.memory, 6 << 20);
	assert_int_equal(out.resources.memory_swap, -1);
	assert_int_equal(out.resources.memory_reservation, 0);
	assert_int_equal(out.resources.cpu_burst, RESOURCE_UNSET);
	assert_int_equal(out.restart, RESTART_ON_FAILURE);
	assert_int_equal(out.restart_max, 3);
	assert_int_equal(out.n_mounts, 3);
	assert_int_equal(out.mounts[0].propagation, MS_SLAVE | MS_REC);
	assert_int_equal(out.mounts[2].type, HOST_MOUNT_TMPFS);
	assert_int_equal(out.mounts[2].tmpfs_mode, 01700);
	assert_int_equal(out.ulimits[0].resource, RLIMIT_NOFILE);
	assert_true(out.ulimits[0].limit.rlim_max == RLIM_INFINITY);
	assert_int_equal(out.blocks[HOST_BLOCK_WRITE_IOPS].items[0].value, 12);

	host_config_copy(&copy, &out);
	host_config_free(&out);
	autofree char *three = written(&copy);
	assert_string_equal(one, three);
	host_config_free(&copy);
	host_config_free(&in);
}

static void absent_is_default(void **state)
{
	struct host_config h;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(read_from("{\"from\": \"a newer Knarr\", \"memory\": null}", &h, &err), 0);
	assert_int_equal(h.stop_timeout, -1);
	assert_int_equal(h.resources.memory, RESOURCE_UNSET);
	assert_null(host_config_seccomp(&h));
	host_config_free(&h);
}

static void damage_is_refused(void **state)
{
	static const char *const texts[] = {
		"{\"privileged\": 1}",
		"{\"capAdd\": \"ALL\"}",
		"{\"capAdd\": [1]}",
		"{\"pidMode\": \"container:x\"}",
		"{\"pidMode\": \"container:\"}",
		"{\"pidMode\": \"private\"}",
		"{\"ipcMode\": \"container:../../etc\"}",
		"{\"utsMode\": \"container:" ID "\"}",
		"{\"cgroupnsMode\": \"x\"}",
		"{\"usernsMode\": \"x\"}",
		"{\"shmSize\": -1}",
		"{\"memory\": -2}",
		"{\"memory\": 1.5}",
		"{\"memory\": 9223372036854775808}",
		"{\"oomScoreAdj\": 1001}",
		"{\"stopTimeout\": 2147483648}",
		"{\"logMaxFile\": -1}",
		"{\"logDriver\": \"syslog\"}",
		"{\"restart\": \"x\"}",
		"{\"mounts\": {}}",
		"{\"mounts\": [1]}",
		"{\"mounts\": [{}]}",
		"{\"mounts\": [{\"type\": \"npipe\", \"target\": \"/a\"}]}",
		"{\"mounts\": [{\"type\": \"tmpfs\"}]}",
		"{\"mounts\": [{\"type\": \"tmpfs\", \"target\": \"a\"}]}",
		"{\"mounts\": [{\"type\": \"bind\", \"target\": \"/a\", \"source\": \"b\"}]}",
		"{\"mounts\": [{\"type\": \"volume\", \"target\": \"/a\", \"source\": \"../b\"}]}",
		"{\"mounts\": [{\"type\": \"tmpfs\", \"target\": \"/a\", \"propagation\": \"x\"}]}",
		"{\"mounts\": [{\"type\": \"tmpfs\", \"target\": \"/a\", \"tmpfsMode\": 4096}]}",
		"{\"devices\": [{\"source\": \"/dev/null\", \"target\": \"/dev/null\"}]}",
		"{\"ulimits\": [{\"name\": \"x\"}]}",
		"{\"ulimits\": [{\"name\": \"core\", \"soft\": 2, \"hard\": 1}]}",
		"{\"blkioDeviceReadBps\": [{\"value\": 1}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error err = ERROR_INIT;
		struct host_config h;

		if (read_from(texts[i], &h, &err) == 0)
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(err.code, EINVAL);
		host_config_free(&h);
	}
}

static void restart_policies(void **state)
{
	static const struct {
		const char *text;
		enum restart_policy policy;
		unsigned int max;
	} good[] = {
		{ "no", RESTART_NO, 0 },
		{ "", RESTART_NO, 0 },
		{ "no:0", RESTART_NO, 0 },
		{ "always", RESTART_ALWAYS, 0 },
		{ "unless-stopped", RESTART_UNLESS_STOPPED, 0 },
		{ "on-failure", RESTART_ON_FAILURE, 0 },
		{ "on-failure:", RESTART_ON_FAILURE, 0 },
		{ "on-failure:5", RESTART_ON_FAILURE, 5 },
	};
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ ":1", "invalid restart policy format: no policy provided before colon" },
		{ "on-failure:x",
		  "invalid restart policy format: maximum retry count must be an integer" },
		{ "on-failure:1:2",
		  "invalid restart policy format: maximum retry count must be an integer" },
		{ "on-failure:99999999999",
		  "invalid restart policy format: maximum retry count must be an integer" },
		{ "on-failure:-1",
		  "invalid restart policy: maximum retry count cannot be negative" },
		{ "always:2",
		  "invalid restart policy: maximum retry count can only be used with 'on-failure'" },
		{ "no:-2",
		  "invalid restart policy: maximum retry count can only be used with 'on-failure' "
		  "and cannot be negative" },
		{ "sometimes", "invalid restart policy: unknown policy 'sometimes'; use one of "
			       "'no', 'always', 'on-failure', or 'unless-stopped'" },
	};
	enum restart_policy policy;
	unsigned int max;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(restart_policy_parse(good[i].text, &policy, &max, NULL), 0);
		assert_int_equal(policy, good[i].policy);
		assert_int_equal(max, good[i].max);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(restart_policy_parse(bad[i].text, &policy, &max, &err), -1);
		assert_string_equal(err.message, bad[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(absent_is_default),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(restart_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
