/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `features`: what this runtime knows, in the JSON of runtime-spec 1.2, features.md and features-linux.md. Lists come from where
 * the words are read, so that they cannot differ. */
#include <seccomp.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/version.h"
#include "runtime/command.h"
#include "runtime/oci/command.h"
#include "runtime/oci/config.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/mount_options.h"
#include "runtime/spec/seccomp_profile.h"

static yyjson_mut_val *list(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key)
{
	yyjson_mut_val *array = yyjson_mut_arr(doc);

	yyjson_mut_obj_add_val(doc, object, key, array);
	return array;
}

static yyjson_mut_val *member(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key)
{
	return yyjson_mut_obj_add_obj(doc, object, key);
}

static void put_enabled(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, bool enabled)
{
	yyjson_mut_obj_add_bool(doc, member(doc, object, key), "enabled", enabled);
}

static void put_words(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
		      enum seccomp_vocabulary v)
{
	yyjson_mut_val *array = list(doc, object, key);

	for (size_t i = 0; seccomp_profile_word(v, i); i++)
		yyjson_mut_arr_add_str(doc, array, seccomp_profile_word(v, i));
}

static void put_seccomp(yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_val *seccomp = member(doc, object, "seccomp");

	yyjson_mut_obj_add_bool(doc, seccomp, "enabled", true);
	put_words(doc, seccomp, "actions", SECCOMP_ACTIONS);
	put_words(doc, seccomp, "operators", SECCOMP_OPERATORS);
	put_words(doc, seccomp, "archs", SECCOMP_ARCHES);
	put_words(doc, seccomp, "knownFlags", SECCOMP_FLAGS);
	put_words(doc, seccomp, "supportedFlags", SECCOMP_FLAGS);
}

static void put_linux(yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	yyjson_mut_val *object = member(doc, root, "linux");
	yyjson_mut_val *namespaces = list(doc, object, "namespaces");
	yyjson_mut_val *capabilities = list(doc, object, "capabilities");
	yyjson_mut_val *cgroup = member(doc, object, "cgroup");

	for (size_t i = 0; oci_namespace_name(i); i++)
		yyjson_mut_arr_add_str(doc, namespaces, oci_namespace_name(i));
	for (int i = 0; capability_name(i); i++)
		yyjson_mut_arr_add_str(doc, capabilities, capability_name(i));
	yyjson_mut_obj_add_bool(doc, cgroup, "v1", false);
	yyjson_mut_obj_add_bool(doc, cgroup, "v2", true);
	yyjson_mut_obj_add_bool(doc, cgroup, "systemd", false);
	yyjson_mut_obj_add_bool(doc, cgroup, "systemdUser", false);
	yyjson_mut_obj_add_bool(doc, cgroup, "rdma", true);
	put_seccomp(doc, object);
	put_enabled(doc, object, "apparmor", true);
	/* The label of a process is set, that of mounts (mountLabel) is not. */
	put_enabled(doc, object, "selinux", false);
	put_enabled(doc, object, "intelRdt", false);
	put_enabled(doc, member(doc, object, "mountExtensions"), "idmap", true);
}

char *oci_features_text(void)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	const struct scmp_version *libseccomp = seccomp_version();
	char version[32];

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "ociVersionMin", OCI_VERSION_MIN);
	yyjson_mut_obj_add_str(doc, root, "ociVersionMax", OCI_VERSION);

	yyjson_mut_val *hooks = list(doc, root, "hooks");
	for (int i = 0; i < HOOK_STAGES; i++)
		yyjson_mut_arr_add_str(doc, hooks, oci_hook_name((enum spec_stage)i));
	yyjson_mut_val *options = list(doc, root, "mountOptions");
	for (size_t i = 0; spec_mount_option_name(i); i++)
		yyjson_mut_arr_add_str(doc, options, spec_mount_option_name(i));
	put_linux(doc, root);

	yyjson_mut_val *annotations = member(doc, root, "annotations");
	snprintf(version, sizeof(version), "%u.%u.%u", libseccomp->major, libseccomp->minor,
		 libseccomp->micro);
	yyjson_mut_obj_add_strcpy(doc, annotations, "io.github.seccomp.libseccomp.version",
				  version);
	/* containerd and podman ask for these two by runc's names. */
	yyjson_mut_obj_add_str(doc, annotations, "org.opencontainers.runc.checkpoint.enabled",
			       "false");
	yyjson_mut_obj_add_str(doc, annotations, "org.opencontainers.knarr.version", KNARR_VERSION);
	/* No annotation changes what is done. */
	list(doc, root, "potentiallyUnsafeConfigAnnotations");
	return json_write(doc, true, NULL);
}

int oci_cmd_features(struct oci_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "features",
		.summary = "Show what this runtime knows, as JSON",
		.max_args = 0,
	};
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	autofree char *json = oci_features_text();
	printf("%s\n", json);
	return oci_done(ctx, 0);
}
