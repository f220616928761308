/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three steps of a container's life that `create`, `run`, `start` and `delete` are made of. */
#ifndef KNARR_RUNTIME_OCI_LAUNCH_H
#define KNARR_RUNTIME_OCI_LAUNCH_H

#include "runtime/oci/command.h"
#include "runtime/oci/container.h"
#include "runtime/sandbox/sandbox.h"

/* What `create` and `run` are asked, and `exec` in part. Paths are absolute or NULL. */
struct oci_launch {
	const char *bundle;
	const char *config; /* instead of config.json in the bundle (crun's --config); as given */
	const char *console_socket, *pid_file, *pidfd_socket;
	bool no_pivot, no_new_keyring;
	bool detach; /* nobody of us stays with the terminal */
	long preserve_fds;
	int n_fds,
		n_listen; /* by oci_count_fds: how many descriptors from 3 on stay open, and of them LISTEN_FDS */
};

/* Makes the container id of a bundle up to the moment before its program: folder, cgroup, namespaces, mounts; createRuntime
 * and createContainer hooks; terminal and pid file handed out. The caller's working directory becomes the bundle. c is
 * locked still, c->creating no more, and sb waits for sandbox_detach or oci_start. spec, which must be SPEC_INIT, is what
 * config.json said.
 *
 * Returns 0, or -1 with err set and nothing left. */
int oci_create(const struct oci_context *ctx, const char *id, const struct oci_launch *launch,
	       struct oci_container *c, struct spec *spec, struct sandbox *sb, struct error *err);

/* Lets sb execute its program, sends the seccomp agent its descriptor and runs the poststart hooks. c must be locked, and is
 * not afterwards. -1 with err set: the container has ended, and is still to be deleted; where a hook failed, it is gone. */
int oci_start(const struct oci_context *ctx, struct oci_container *c, const struct spec *spec,
	      struct sandbox *sb, struct error *err);

/* Ends the container, takes away all that oci_create made, and runs the poststop hooks, whose failures are warned of. spec:
 * its hooks; NULL: as kept. c must be locked. */
int oci_destroy(const struct oci_context *ctx, struct oci_container *c, const struct spec *spec,
		struct error *err);

/* ---- Shared with `exec` */

/* Refuses combinations of terminal, --detach and --console-socket that make no sense, in runc's words. */
int oci_check_terminal(const struct oci_launch *launch, const struct spec_process *p,
		       struct error *err);

/* Counts the descriptors of --preserve-fds and of LISTEN_FDS. -1 with err set: one of them is not open. To be called before we
 * open any of our own. */
int oci_count_fds(struct oci_launch *launch, struct error *err);
/* Lets them go on into the process. */
void oci_preserve_fds(const struct oci_launch *launch, struct spec_process *p);

/* What runc and crun add by themselves: HOME from the container's /etc/passwd, where the environment has none; and no ambient
 * capability but what is permitted and inheritable, as others cannot be. */
int oci_settle_process(int root_fd, struct spec_process *p, struct error *err);

/* Hands out the terminal, the pidfd and the pid of a process. */
int oci_hand_out(const struct oci_launch *launch, struct sandbox *sb, struct error *err);

/* Where a process's filter has a listener, gives it to the agent at listenerPath and lets the process go on. status is
 * what the agent is told of the container. */
int oci_hand_listener(const struct oci_container *c, enum oci_status status,
		      const struct spec_process *p, struct sandbox *sb, struct error *err);

/* Passes signals and, with a terminal, input and output on until the process ends; returns its status, or -1 with err. */
int oci_attend(struct sandbox *sb, bool terminal, struct error *err);

#endif
