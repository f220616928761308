/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that read config.json share. Each function reads the members of one object of it into out; 0, or -1 with
 * err set. */
#ifndef KNARR_RUNTIME_OCI_CONFIG_PRIVATE_H
#define KNARR_RUNTIME_OCI_CONFIG_PRIVATE_H

#include "lib/json_path.h"
#include "runtime/spec/resources.h"
#include "runtime/spec/spec.h"

/* The highest ID there is: the one above means "none" to the kernel. */
#define OCI_ID_MAX (UINT32_MAX - 1)

/* A word of a document and the kernel's number for it; a list ends with a NULL. */
struct oci_word {
	const char *word;
	uint64_t value;
};

/* The value of word, or -1 with err set: naming at, what it should be and the word. */
int oci_word_value(const struct json_at *at, const struct oci_word *words, const char *what,
		   const char *word, uint64_t *out, struct error *err);

/* A copy of the string that object has under key, in *out, if it has one that is not empty. */
int oci_get_text(const struct json_at *object, const char *key, char **out, struct error *err);

/* An array of paths, each of which must be absolute. */
int oci_get_paths(const struct json_at *object, const char *key, struct strv *out,
		  struct error *err);

/* uidMappings and the like. */
int oci_get_mappings(const struct json_at *object, const char *key, struct spec_mapping **out,
		     size_t *n, struct error *err);

int oci_read_process(const struct json_at *process, struct spec_process *out, struct error *err);
int oci_read_mounts(const struct json_at *root, struct spec *out, struct error *err);
int oci_read_resources(const struct json_at *resources, struct resources *out, struct error *err);
int oci_read_linux(const struct json_at *linux_object, struct spec *out, struct error *err);

/* sysctl, against the namespaces that out has. Kept as paths: net/core/somaxconn=256. */
int oci_read_sysctls(const struct json_at *linux_object, struct spec *out, struct error *err);

#endif
