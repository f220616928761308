/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `spec`: a config.json to begin with, as `runc spec` writes it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/oci/command.h"
#include "runtime/oci/config.h"

/* What differs without root's rights: no network namespace, no limits, /sys from outside, and everything in a user namespace
 * with one user and one group, who is who writes the file. */
static const char text[] =
	"{\n"
	"\t\"ociVersion\": \"" OCI_VERSION "\",\n"
	"\t\"process\": {\n"
	"\t\t\"terminal\": true,\n"
	"\t\t\"user\": {\n"
	"\t\t\t\"uid\": 0,\n"
	"\t\t\t\"gid\": 0\n"
	"\t\t},\n"
	"\t\t\"args\": [\n"
	"\t\t\t\"sh\"\n"
	"\t\t],\n"
	"\t\t\"env\": [\n"
	"\t\t\t\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
	"\t\t\t\"TERM=xterm\"\n"
	"\t\t],\n"
	"\t\t\"cwd\": \"/\",\n"
	"\t\t\"capabilities\": {\n"
	"\t\t\t\"bounding\": [\n"
	"\t\t\t\t\"CAP_AUDIT_WRITE\",\n"
	"\t\t\t\t\"CAP_KILL\",\n"
	"\t\t\t\t\"CAP_NET_BIND_SERVICE\"\n"
	"\t\t\t],\n"
	"\t\t\t\"effective\": [\n"
	"\t\t\t\t\"CAP_AUDIT_WRITE\",\n"
	"\t\t\t\t\"CAP_KILL\",\n"
	"\t\t\t\t\"CAP_NET_BIND_SERVICE\"\n"
	"\t\t\t],\n"
	"\t\t\t\"permitted\": [\n"
	"\t\t\t\t\"CAP_AUDIT_WRITE\",\n"
	"\t\t\t\t\"CAP_KILL\",\n"
	"\t\t\t\t\"CAP_NET_BIND_SERVICE\"\n"
	"\t\t\t]\n"
	"\t\t},\n"
	"\t\t\"rlimits\": [\n"
	"\t\t\t{\n"
	"\t\t\t\t\"type\": \"RLIMIT_NOFILE\",\n"
	"\t\t\t\t\"hard\": 1024,\n"
	"\t\t\t\t\"soft\": 1024\n"
	"\t\t\t}\n"
	"\t\t],\n"
	"\t\t\"noNewPrivileges\": true\n"
	"\t},\n"
	"\t\"root\": {\n"
	"\t\t\"path\": \"rootfs\",\n"
	"\t\t\"readonly\": true\n"
	"\t},\n"
	"\t\"hostname\": \"knarr\",\n"
	"\t\"mounts\": [\n"
	"\t\t{\n"
	"\t\t\t\"destination\": \"/proc\",\n"
	"\t\t\t\"type\": \"proc\",\n"
	"\t\t\t\"source\": \"proc\"\n"
	"\t\t},\n"
	"\t\t{\n"
	"\t\t\t\"destination\": \"/dev\",\n"
	"\t\t\t\"type\": \"tmpfs\",\n"
	"\t\t\t\"source\": \"tmpfs\",\n"
	"\t\t\t\"options\": [\n"
	"\t\t\t\t\"nosuid\",\n"
	"\t\t\t\t\"strictatime\",\n"
	"\t\t\t\t\"mode=755\",\n"
	"\t\t\t\t\"size=65536k\"\n"
	"\t\t\t]\n"
	"\t\t},\n"
	"\t\t{\n"
	"\t\t\t\"destination\": \"/dev/pts\",\n"
	"\t\t\t\"type\": \"devpts\",\n"
	"\t\t\t\"source\": \"devpts\",\n"
	"\t\t\t\"options\": [\n"
	"\t\t\t\t\"nosuid\",\n"
	"\t\t\t\t\"noexec\",\n"
	"\t\t\t\t\"newinstance\",\n"
	"\t\t\t\t\"ptmxmode=0666\",\n"
	"\t\t\t\t\"mode=0620\"%s\n"
	"\t\t\t]\n"
	"\t\t},\n"
	"\t\t{\n"
	"\t\t\t\"destination\": \"/dev/shm\",\n"
	"\t\t\t\"type\": \"tmpfs\",\n"
	"\t\t\t\"source\": \"shm\",\n"
	"\t\t\t\"options\": [\n"
	"\t\t\t\t\"nosuid\",\n"
	"\t\t\t\t\"noexec\",\n"
	"\t\t\t\t\"nodev\",\n"
	"\t\t\t\t\"mode=1777\",\n"
	"\t\t\t\t\"size=65536k\"\n"
	"\t\t\t]\n"
	"\t\t},\n"
	"\t\t{\n"
	"\t\t\t\"destination\": \"/dev/mqueue\",\n"
	"\t\t\t\"type\": \"mqueue\",\n"
	"\t\t\t\"source\": \"mqueue\",\n"
	"\t\t\t\"options\": [\n"
	"\t\t\t\t\"nosuid\",\n"
	"\t\t\t\t\"noexec\",\n"
	"\t\t\t\t\"nodev\"\n"
	"\t\t\t]\n"
	"\t\t},\n"
	"\t\t{\n"
	"\t\t\t\"destination\": \"/sys\",\n"
	"%s"
	"\t\t\t\t\"nosuid\",\n"
	"\t\t\t\t\"noexec\",\n"
	"\t\t\t\t\"nodev\",\n"
	"\t\t\t\t\"ro\"\n"
	"\t\t\t]\n"
	"\t\t},\n"
	"\t\t{\n"
	"\t\t\t\"destination\": \"/sys/fs/cgroup\",\n"
	"\t\t\t\"type\": \"cgroup\",\n"
	"\t\t\t\"source\": \"cgroup\",\n"
	"\t\t\t\"options\": [\n"
	"\t\t\t\t\"nosuid\",\n"
	"\t\t\t\t\"noexec\",\n"
	"\t\t\t\t\"nodev\",\n"
	"\t\t\t\t\"relatime\",\n"
	"\t\t\t\t\"ro\"\n"
	"\t\t\t]\n"
	"\t\t}\n"
	"\t],\n"
	"\t\"linux\": {\n"
	"%s"
	"\t\t\"namespaces\": [\n"
	"\t\t\t{\n"
	"\t\t\t\t\"type\": \"pid\"\n"
	"\t\t\t},\n"
	"%s"
	"\t\t\t{\n"
	"\t\t\t\t\"type\": \"ipc\"\n"
	"\t\t\t},\n"
	"\t\t\t{\n"
	"\t\t\t\t\"type\": \"uts\"\n"
	"\t\t\t},\n"
	"\t\t\t{\n"
	"\t\t\t\t\"type\": \"mount\"\n"
	"\t\t\t},\n"
	"\t\t\t{\n"
	"\t\t\t\t\"type\": \"cgroup\"\n"
	"\t\t\t}%s\n"
	"\t\t],\n"
	"\t\t\"maskedPaths\": [\n"
	"\t\t\t\"/proc/acpi\",\n"
	"\t\t\t\"/proc/asound\",\n"
	"\t\t\t\"/proc/kcore\",\n"
	"\t\t\t\"/proc/keys\",\n"
	"\t\t\t\"/proc/latency_stats\",\n"
	"\t\t\t\"/proc/timer_list\",\n"
	"\t\t\t\"/proc/timer_stats\",\n"
	"\t\t\t\"/proc/sched_debug\",\n"
	"\t\t\t\"/sys/firmware\",\n"
	"\t\t\t\"/proc/scsi\"\n"
	"\t\t],\n"
	"\t\t\"readonlyPaths\": [\n"
	"\t\t\t\"/proc/bus\",\n"
	"\t\t\t\"/proc/fs\",\n"
	"\t\t\t\"/proc/irq\",\n"
	"\t\t\t\"/proc/sys\",\n"
	"\t\t\t\"/proc/sysrq-trigger\"\n"
	"\t\t]\n"
	"\t}\n"
	"}\n";

static const char sysfs[] = "\t\t\t\"type\": \"sysfs\",\n"
			    "\t\t\t\"source\": \"sysfs\",\n"
			    "\t\t\t\"options\": [\n";

static const char sys_from_outside[] = "\t\t\t\"type\": \"none\",\n"
				       "\t\t\t\"source\": \"/sys\",\n"
				       "\t\t\t\"options\": [\n"
				       "\t\t\t\t\"rbind\",\n";

static const char devices[] = "\t\t\"resources\": {\n"
			      "\t\t\t\"devices\": [\n"
			      "\t\t\t\t{\n"
			      "\t\t\t\t\t\"allow\": false,\n"
			      "\t\t\t\t\t\"access\": \"rwm\"\n"
			      "\t\t\t\t}\n"
			      "\t\t\t]\n"
			      "\t\t},\n";

static const char network[] = "\t\t\t{\n"
			      "\t\t\t\t\"type\": \"network\"\n"
			      "\t\t\t},\n";

static const char user[] = ",\n"
			   "\t\t\t{\n"
			   "\t\t\t\t\"type\": \"user\"\n"
			   "\t\t\t}";

static char *mapping(const char *member, unsigned int outside)
{
	return str_format("\t\t\"%s\": [\n"
			  "\t\t\t{\n"
			  "\t\t\t\t\"containerID\": 0,\n"
			  "\t\t\t\t\"hostID\": %u,\n"
			  "\t\t\t\t\"size\": 1\n"
			  "\t\t\t}\n"
			  "\t\t],\n",
			  member, outside);
}

char *oci_spec_text(bool rootless)
{
	if (!rootless)
		return str_format(text, ",\n\t\t\t\t\"gid=5\"", sysfs, devices, network, "");

	autofree char *uids = mapping("uidMappings", geteuid()),
		      *gids = mapping("gidMappings", getegid());
	autofree char *mappings = str_format("%s%s", uids, gids);
	return str_format(text, "", sys_from_outside, mappings, "", user);
}

static int write_spec(const char *bundle, bool rootless, struct error *err)
{
	autofree char *json = oci_spec_text(rootless);
	autoclose int dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return error_errno(err, "bundle %s", bundle);
	autoclose int fd =
		openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, EEXIST, "config.json exists already; remove it first");
	if (fd < 0)
		return error_errno(err, "config.json");
	if (fs_write_all(fd, json, strlen(json)) < 0) {
		error_errno(err, "config.json");
		unlinkat(dir, "config.json", 0);
		return -1;
	}
	return 0;
}

int oci_cmd_spec(struct oci_context *ctx, int argc, char **argv)
{
	const char *bundle = ".";
	bool rootless = false;
	const struct cli_option options[] = {
		{ "bundle", 'b', CLI_STRING, &bundle, "path",
		  "Folder that config.json is written into (default \".\")" },
		{ "rootless", 0, CLI_BOOL, &rootless, NULL,
		  "For a container of one who is not root" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "spec [OPTIONS]",
		.summary = "Write a config.json to begin with",
		.options = options,
		.max_args = 0,
	};
	struct error err = ERROR_INIT;
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	return write_spec(bundle, rootless, &err) < 0 ? oci_fail(ctx, &err) : 0;
}
