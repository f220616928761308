/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flags of `run` one by one: what each becomes in container.json, and in which words a bad value is refused. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/log.h"
#include "runtime/cmd/request.h"
#include "runtime/spec/capability.h"

struct result {
	struct container_config config;
	struct strv warnings;
	struct error err;
	int status;
};

/* As `run WORDS image sh` would; words are parted by "|". */
static void configure(const char *words, struct result *r)
{
	struct request request = REQUEST_INIT;
	autofree struct cli_option *options = request_options(&request, true);
	const struct cli_command cmd = {
		.usage = "run [OPTIONS] IMAGE", .options = options, .min_args = 1, .max_args = -1
	};
	struct image image = { 0 };
	autofree char *copy = xstrdup(words);
	char *argv[64] = { (char *)(uintptr_t) "run" }, *rest = copy;
	int argc = 1, first;

	*r = (struct result){ .config = CONTAINER_CONFIG_INIT };
	while (rest && *rest)
		argv[argc++] = strsep(&rest, "|");
	argv[argc++] = (char *)(uintptr_t) "image";
	argv[argc++] = (char *)(uintptr_t) "sh";
	argv[argc] = NULL;
	strv_add(&image.config.labels, "from=image");
	strv_add(&image.config.healthcheck.test, "CMD-SHELL");
	strv_add(&image.config.healthcheck.test, "image's");
	image.config.healthcheck.interval = 7000000000;
	r->status = cli_parse(&cmd, argc, argv, &first, &r->err) == CLI_OK ? 0 : -1;
	if (r->status == 0) {
		request.engine.image = argv[first];
		request.engine.args = argv + first + 1;
		r->status = engine_configure(&image, &request.engine, &r->config, &r->warnings,
					     &r->err);
	}
	strv_free(&image.config.labels);
	strv_free(&image.config.healthcheck.test);
	request_free(&request);
}

static void release(struct result *r)
{
	config_free(&r->config);
	strv_free(&r->warnings);
}

/* Its "hostConfig", but for braces. */
static char *host_text(const struct container_config *config)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char *text;

	yyjson_mut_doc_set_root(doc, root);
	host_config_put(doc, root, &config->host);
	text = json_write(doc, false, NULL);
	text[strlen(text) - 1] = '\0';
	memmove(text, text + 1, strlen(text));
	return text;
}

static void each_becomes_a_member(void **state)
{
	static const struct {
		const char *words, *json;
	} cases[] = {
		{ "", "" },
		{ "--privileged", "\"privileged\":true,\"securityOpt\":[\"label=disable\"]" },
		{ "--cap-add|net_admin|--cap-add|CAP_SYS_PTRACE",
		  "\"capAdd\":[\"CAP_NET_ADMIN\",\"CAP_SYS_PTRACE\"]" },
		{ "--cap-drop|ALL", "\"capDrop\":[\"ALL\"]" },
		{ "--group-add|video|--group-add|7", "\"groupAdd\":[\"video\",\"7\"]" },
		{ "--security-opt|no-new-privileges:true|--security-opt|seccomp=unconfined",
		  "\"securityOpt\":[\"no-new-privileges:true\",\"seccomp=unconfined\"]" },
		{ "--security-opt|apparmor=x|--security-opt|label=disable",
		  "\"securityOpt\":[\"apparmor=x\",\"label=disable\"]" },
		{ "--security-opt|systempaths=unconfined", "\"unmasked\":true" },
		{ "--device|/dev/null",
		  "\"devices\":[{\"source\":\"/dev/null\",\"target\":\"/dev/null\","
		  "\"permissions\":\"rwm\"}]" },
		{ "--device|/dev/null:r",
		  "\"devices\":[{\"source\":\"/dev/null\",\"target\":\"/dev/null\","
		  "\"permissions\":\"r\"}]" },
		{ "--device|/dev/null:/dev/x:wm",
		  "\"devices\":[{\"source\":\"/dev/null\",\"target\":\"/dev/x\","
		  "\"permissions\":\"wm\"}]" },
		{ "--device-cgroup-rule|c *:3 rw", "\"deviceRules\":[\"c *:3 rw\"]" },
		{ "--pid|host", "\"securityOpt\":[\"label=disable\"],\"pidMode\":\"host\"" },
		{ "--pid|container:web", "\"pidMode\":\"container:web\"" },
		{ "--ipc|none", "\"ipcMode\":\"none\"" },
		{ "--ipc|shareable", "\"ipcMode\":\"shareable\"" },
		{ "--ipc|private", "\"ipcMode\":\"private\"" },
		{ "--ipc|container:web", "\"ipcMode\":\"container:web\"" },
		{ "--uts|host", "\"utsMode\":\"host\"" },
		{ "--cgroupns|host", "\"cgroupnsMode\":\"host\"" },
		{ "--userns|auto", "\"usernsMode\":\"auto\"" },
		{ "--dns|192.0.2.1|--dns|2001:DB8:0:0::1",
		  "\"dns\":[\"192.0.2.1\",\"2001:db8::1\"]" },
		{ "--dns-search|a.example.|--dns-search|.", "\"dnsSearch\":[\"a.example\",\".\"]" },
		{ "--dns-opt|ndots:2|--dns-option|debug",
		  "\"dnsOptions\":[\"ndots:2\",\"debug\"]" },
		{ "--add-host|a:192.0.2.1|--add-host|b=[::1]|--add-host|c:::1",
		  "\"extraHosts\":[\"a:192.0.2.1\",\"b:::1\",\"c:::1\"]" },
		{ "--domainname|example", "\"domainname\":\"example\"" },
		{ "--shm-size|1m", "\"shmSize\":1048576" },
		{ "-m|64m", "\"memory\":67108864,\"memorySwap\":134217728" },
		{ "-m|64m|--memory-swap|-1", "\"memory\":67108864,\"memorySwap\":-1" },
		{ "--memory-reservation|8M", "\"memoryReservation\":8388608" },
		{ "-c|512", "\"cpuShares\":512" },
		{ "--cpu-period|50000|--cpu-quota|25000",
		  "\"cpuQuota\":25000,\"cpuPeriod\":50000" },
		{ "--cpuset-cpus|0", "\"cpusetCpus\":\"0\"" },
		{ "--pids-limit|20", "\"pids\":20" },
		{ "--pids-limit|-1", "\"pids\":-1" },
		{ "--blkio-weight|500", "\"blkioWeight\":500" },
		{ "--blkio-weight-device|/dev/vda:10",
		  "\"blkioWeightDevice\":[{\"path\":\"/dev/vda\",\"value\":10}]" },
		{ "--device-read-bps|/dev/vda:1mb|--device-write-iops|/dev/vda:7",
		  "\"blkioDeviceReadBps\":[{\"path\":\"/dev/vda\",\"value\":1048576}],"
		  "\"blkioDeviceWriteIOps\":[{\"path\":\"/dev/vda\",\"value\":7}]" },
		{ "--ulimit|nofile=10:20|--ulimit|core=-1|--ulimit|nofile=5",
		  "\"ulimits\":[{\"name\":\"core\",\"soft\":18446744073709551615,"
		  "\"hard\":18446744073709551615},{\"name\":\"nofile\",\"soft\":5,\"hard\":5}]" },
		{ "--sysctl|kernel.shmmax=1|--sysctl|fs.mqueue.msg_max=2",
		  "\"sysctls\":[\"kernel.shmmax=1\",\"fs.mqueue.msg_max=2\"]" },
		{ "--oom-score-adj|-500", "\"hasOomScoreAdj\":true,\"oomScoreAdj\":-500" },
		{ "--cgroup-parent|/pods", "\"cgroupParent\":\"/pods\"" },
		{ "--init", "\"init\":true" },
		{ "--restart|on-failure:3", "\"restart\":\"on-failure:3\"" },
		{ "--stop-timeout|0", "\"stopTimeout\":0" },
		{ "--stop-timeout|-1", "\"stopTimeout\":2147483647" },
		{ "--annotation|a=b|--annotation|c", "\"annotations\":[\"a=b\",\"c=\"]" },
		{ "--log-driver|none", "\"logDriver\":\"none\"" },
		{ "--log-opt|max-size=10k|--log-opt|max-file=3",
		  "\"logOpts\":[\"max-size=10k\",\"max-file=3\"],\"logMaxSize\":10000,"
		  "\"logMaxFile\":3" },
		{ "--runtime|knarr|--isolation|default|--platform|linux/amd64|--volume-driver|local",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r;

		configure(cases[i].words, &r);
		if (r.status < 0)
			fail_msg("%s: %s", cases[i].words, r.err.message);
		autofree char *text = host_text(&r.config);
		if (strcmp(text, cases[i].json) != 0)
			fail_msg("%s: %s, not %s", cases[i].words, text, cases[i].json);
		release(&r);
	}
}

static void bad_values_are_refused_in_dockers_words(void **state)
{
	static const struct {
		const char *words, *message;
	} cases[] = {
		{ "--memroy|1g", "unknown flag: --memroy; did you mean --memory?" },
		{ "-a|x",
		  "invalid argument \"x\" for \"-a, --attach\" flag: valid streams are STDIN, "
		  "STDOUT and STDERR" },
		{ "--cap-add|FLY", "invalid CapAdd: unknown capability: \"FLY\"" },
		{ "--cap-drop|FLY", "invalid CapDrop: unknown capability: \"FLY\"" },
		{ "--security-opt|x", "invalid --security-opt: \"x\"" },
		{ "--security-opt|seccomp=", "invalid --security-opt: \"seccomp=\"" },
		{ "--security-opt|x=y", "invalid --security-opt 2: \"x=y\"" },
		{ "--security-opt|no-new-privileges=x",
		  "invalid --security-opt 2: \"no-new-privileges=x\"" },
		{ "--security-opt|seccomp=/nonexistent",
		  "opening seccomp profile (/nonexistent) failed: " },
		{ "--security-opt|seccomp=/proc/self/comm",
		  "compacting json for seccomp profile (/proc/self/comm) failed: " },
		{ "--device|:x", "bad format for path: :x" },
		{ "--device|dev", "dev is not an absolute path" },
		{ "--device|/dev/null:x", "x is not an absolute path" },
		{ "--device|/dev/null:/dev/x:rx", "bad mode specified: rx" },
		{ "--device|/dev/null:/dev/x:rr", "bad mode specified: rr" },
		{ "--device|/a:/b:r:w", "bad format for path: /a:/b:r:w" },
		{ "--device-cgroup-rule|c 1:3",
		  "invalid argument \"c 1:3\" for \"--device-cgroup-rule\" flag: invalid device "
		  "cgroup format 'c 1:3'" },
		{ "--device-cgroup-rule|x 1:3 r", "invalid device cgroup format" },
		{ "--device-cgroup-rule|c -1:3 r", "invalid device cgroup format" },
		{ "--device-cgroup-rule|c 1:3 rwmr", "invalid device cgroup format" },
		{ "--pid|x", "--pid: invalid PID mode" },
		{ "--pid|container:", "--pid: invalid PID mode" },
		{ "--uts|container:x", "--uts: invalid UTS mode" },
		{ "--userns|x", "--userns: invalid USER mode" },
		{ "--cgroupns|x", "--cgroupns: invalid CGROUP mode" },
		{ "--ipc|x", "invalid IPC mode: x" },
		{ "--network|container:",
		  "invalid network mode: invalid container format container:<name|id>" },
		{ "--network|bridge", "network \"bridge\" not found" },
		{ "--network|container:x|-h|y",
		  "conflicting options: hostname and the network mode" },
		{ "--network|container:x|--dns|1.1.1.1",
		  "conflicting options: dns and the network mode" },
		{ "--network|container:x|--add-host|a:1.1.1.1",
		  "conflicting options: custom host-to-IP mapping and the network mode" },
		{ "--network|container:x|-p|80",
		  "conflicting options: port publishing and the container type network mode" },
		{ "--network|container:x|--expose|80",
		  "conflicting options: port exposing and the container type network mode" },
		{ "-p|80:80", "ports cannot be published" },
		{ "-P", "ports cannot be published" },
		{ "--link|x",
		  "conflicting options: host type networking can't be used with links" },
		{ "--ip|1.1.1.1", "user specified IP address is supported on user defined" },
		{ "--mac-address|x", "conflicting options: mac-address and the network mode" },
		{ "--network-alias|x", "network-scoped aliases are only supported for" },
		{ "--uts|host|-h|x", "conflicting options: hostname and the UTS mode" },
		{ "--userns|auto|--privileged",
		  "privileged mode is incompatible with user namespaces." },
		{ "--userns|auto|--pid|host", "cannot share the host PID namespace when user" },
		{ "--dns|x",
		  "invalid argument \"x\" for \"--dns\" flag: IP address is not correctly "
		  "formatted: x" },
		{ "--dns-search|1.2",
		  "invalid argument \"1.2\" for \"--dns-search\" flag: 1.2 is not a valid domain" },
		{ "--dns-search|a..b", "a..b is not a valid domain" },
		{ "--dns-search|-a", "-a is not a valid domain" },
		{ "--add-host|x",
		  "invalid argument \"x\" for \"--add-host\" flag: bad format for add-host: \"x\"" },
		{ "--add-host|a:x", "invalid IP address in add-host: \"x\"" },
		{ "--add-host|:1.1.1.1", "bad format for add-host" },
		{ "--add-host|a:host-gateway", "unable to derive the IP value for host-gateway" },
		{ "--shm-size|x",
		  "invalid argument \"x\" for \"--shm-size\" flag: invalid size: 'x'" },
		{ "-m|x", "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'" },
		{ "-m|5m", "Minimum memory limit allowed is 6MB" },
		{ "-m|64m|--memory-swap|32m",
		  "Minimum memoryswap limit should be larger than memory limit, see usage" },
		{ "--memory-swap|32m",
		  "You should always set the Memory limit when using Memoryswap limit, see usage" },
		{ "--memory-swappiness|101",
		  "invalid value: 101. Valid memory swappiness range is 0-100" },
		{ "--kernel-memory|x", "invalid size: 'x'" },
		{ "--oom-kill-disable", "--oom-kill-disable: cgroup v2 cannot do without" },
		{ "--oom-score-adj|1001",
		  "Invalid value 1001, range for oom score adj is [-1000, 1000]" },
		{ "--cpus|x", "failed to parse x as a rational number" },
		{ "--cpus|1000000", "ange of CPUs is from 0.01 to " },
		{ "--cpus|1|--cpu-quota|2000",
		  "Conflicting options: Nano CPUs and CPU Quota cannot both be set" },
		{ "--cpu-period|5",
		  "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. "
		  "1000000)" },
		{ "--cpu-rt-runtime|1", "kernel does not support CPU real-time scheduler" },
		{ "--cpuset-cpus|4000", "Requested CPUs are not available - requested 4000" },
		{ "--cpuset-cpus|x", "Invalid value x for cpuset cpus" },
		{ "--blkio-weight|5", "Range of blkio weight is from 10 to 1000" },
		{ "--blkio-weight-device|/dev/x:5", "invalid weight for device: /dev/x:5" },
		{ "--device-read-bps|x", "bad format: x" },
		{ "--device-read-bps|x:1", "bad format for device path: x:1" },
		{ "--device-read-bps|/dev/x:y",
		  "invalid rate for device: /dev/x:y. The correct format is "
		  "<device-path>:<number>[<unit>]. Number must be a positive integer. Unit is "
		  "optional and can be kb, mb, or gb" },
		{ "--device-read-iops|/dev/x:1m",
		  "invalid rate for device: /dev/x:1m. The correct format is "
		  "<device-path>:<number>. Number must be a positive integer" },
		{ "--ulimit|x", "invalid ulimit argument: x" },
		{ "--ulimit|x=1", "invalid ulimit type: x" },
		{ "--ulimit|core=x", "strconv.ParseInt: parsing \"x\": invalid syntax" },
		{ "--ulimit|core=1:2:3",
		  "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`" },
		{ "--ulimit|core=2:1",
		  "ulimit soft limit must be less than or equal to hard limit: 2 > 1" },
		{ "--ulimit|core=-1:1",
		  "ulimit soft limit must be less than or equal to hard limit: soft: -1 "
		  "(unlimited), hard: 1" },
		{ "--sysctl|kernel.hostname=x", "sysctl 'kernel.hostname=x' is not allowed" },
		{ "--sysctl|net.core.somaxconn", "sysctl 'net.core.somaxconn' is not allowed" },
		{ "--sysctl|net.core.somaxconn=1",
		  "sysctl \"net.core.somaxconn\" not allowed in host network namespace" },
		{ "--sysctl|kernel.shmmax=1|--ipc|host",
		  "sysctl \"kernel.shmmax\" is not allowed in the hosts ipc namespace" },
		{ "--cgroup-parent|../x", "--cgroup-parent: " },
		{ "--restart|x", "invalid restart policy: unknown policy 'x'" },
		{ "--restart|always|--rm",
		  "conflicting options: cannot specify both --restart and --rm" },
		{ "--stop-timeout|x", "invalid argument \"x\" for \"--stop-timeout\" flag: " },
		{ "--health-interval|x",
		  "invalid argument \"x\" for \"--health-interval\" flag: time: invalid duration "
		  "\"x\"" },
		{ "--health-interval|-1s", "--health-interval cannot be negative" },
		{ "--health-timeout|1us", "Timeout in Healthcheck cannot be less than 1ms" },
		{ "--health-retries|-1", "--health-retries cannot be negative" },
		{ "--no-healthcheck|--health-cmd|x",
		  "--no-healthcheck conflicts with --health-* options" },
		{ "--log-driver|syslog", "logger: no log driver named 'syslog' is registered" },
		{ "--log-driver|none|--log-opt|max-size=1k",
		  "invalid logging opts for driver none" },
		{ "--log-opt|x=y", "unknown log opt 'x' for json-file log driver" },
		{ "--log-opt|max-size=x", "invalid size: 'x'" },
		{ "--log-opt|max-size=0", "max-size must be a positive number" },
		{ "--log-opt|max-file=0", "max-file cannot be less than 1" },
		{ "--log-opt|max-file=257", "max-file cannot be more than 256" },
		{ "--log-opt|max-file=2", "max-file needs max-size" },
		{ "--annotation|=x", "invalid Annotations: the empty string is not permitted" },
		{ "--runtime|runc", "unknown or invalid runtime name: runc" },
		{ "--isolation|hyperv",
		  "invalid isolation (hyperv): linux only supports 'default'" },
		{ "--platform|linux/arm64",
		  "image with reference image was found but its platform (linux/amd64) does not "
		  "match the specified platform (linux/arm64)" },
		{ "--storage-opt|size=1g", "--storage-opt is supported only for overlay over xfs" },
		{ "--volume-driver|x", "error looking up volume plugin x: plugin \"x\" not found" },
		{ "--expose|x", "invalid range format for --expose: " },
		{ "--expose|9-8", "invalid range format for --expose: " },
		{ "--expose|80/x", "invalid range format for --expose: " },
		{ "-l|=x", "invalid label '=x': empty name" },
		{ "-l|a b=x", "label 'a b=x' contains whitespaces" },
		{ "--label-file|/nonexistent", "--label-file: " },
		{ "--env-file|/nonexistent", "--env-file: " },
		{ "-e|=x",
		  "invalid argument \"=x\" for \"-e, --env\" flag: invalid environment variable: =x" },
		{ "-w|x", "the working directory 'x' is invalid, it needs to be an absolute path" },
		{ "--stop-signal|x", "invalid signal: x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r;

		configure(cases[i].words, &r);
		if (r.status == 0)
			fail_msg("%s: taken", cases[i].words);
		if (!strstr(r.err.message, cases[i].message))
			fail_msg("%s: %s", cases[i].words, r.err.message);
		assert_true(r.err.status == 0 || r.err.status == 125);
		release(&r);
	}
}

static void what_is_discarded_is_told(void **state)
{
	static const struct {
		const char *words, *warning;
	} cases[] = {
		{ "--network|host|-p|80:80",
		  "WARNING: Published ports are discarded when using host network mode" },
		{ "--memory-swappiness|50", "WARNING: Your kernel does not support memory "
					    "swappiness capabilities or the cgroup is not mounted. "
					    "Memory swappiness discarded." },
		{ "--kernel-memory|1g", "Flag --kernel-memory has been deprecated, and no longer "
					"supported by the kernel" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r;

		configure(cases[i].words, &r);
		if (r.status < 0)
			fail_msg("%s: %s", cases[i].words, r.err.message);
		assert_int_equal(r.warnings.len, 1);
		assert_string_equal(r.warnings.items[0], cases[i].warning);
		release(&r);
	}
}

static void merged_with_the_image(void **state)
{
	struct result r;

	(void)state;
	configure("-l|a=1|-l|b|-l|from=flag|--expose|80-81/udp|--expose|80", &r);
	assert_int_equal(r.status, 0);
	autofree char *labels = strv_join(&r.config.run.labels, " ");
	assert_string_equal(labels, "from=flag a=1 b=");
	autofree char *ports = strv_join(&r.config.run.exposed_ports, " ");
	assert_string_equal(ports, "80/udp 81/udp 80/tcp");
	assert_string_equal(r.config.run.healthcheck.test.items[1], "image's");
	release(&r);

	configure("--health-timeout|3s|--health-retries|2", &r);
	assert_int_equal(r.status, 0);
	assert_string_equal(r.config.run.healthcheck.test.items[1], "image's");
	assert_int_equal(r.config.run.healthcheck.interval, 7000000000);
	assert_int_equal(r.config.run.healthcheck.timeout, 3000000000);
	assert_int_equal(r.config.run.healthcheck.retries, 2);
	release(&r);

	configure("--health-cmd|mine|--health-interval|1m30s", &r);
	assert_int_equal(r.status, 0);
	assert_string_equal(r.config.run.healthcheck.test.items[0], "CMD-SHELL");
	assert_string_equal(r.config.run.healthcheck.test.items[1], "mine");
	assert_int_equal(r.config.run.healthcheck.interval, 90000000000);
	release(&r);

	configure("--no-healthcheck", &r);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.config.run.healthcheck.test.len, 1);
	assert_string_equal(r.config.run.healthcheck.test.items[0], "NONE");
	assert_int_equal(r.config.run.healthcheck.interval, 0);
	release(&r);
}

static void streams(void **state)
{
	struct result r;

	(void)state;
	configure("-i", &r);
	assert_true(r.config.attach_stdin && r.config.attach_stdout && r.config.attach_stderr);
	assert_true(r.config.open_stdin && r.config.stdin_once);
	release(&r);
	configure("-di", &r);
	assert_false(r.config.attach_stdin || r.config.attach_stdout || r.config.attach_stderr);
	assert_true(r.config.open_stdin && !r.config.stdin_once);
	release(&r);
	configure("-a|STDERR", &r);
	assert_true(!r.config.attach_stdin && !r.config.attach_stdout && r.config.attach_stderr);
	release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_becomes_a_member),
		cmocka_unit_test(bad_values_are_refused_in_dockers_words),
		cmocka_unit_test(what_is_discarded_is_told),
		cmocka_unit_test(merged_with_the_image),
		cmocka_unit_test(streams),
	};

	log_set_program("knarr");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
