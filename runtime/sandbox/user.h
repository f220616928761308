/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who a process of a container is: the text of `-u` or of an image's User ("name", "uid", each with
 * ":group") looked up in the container's own /etc/passwd and /etc/group, by Docker's rules:
 *
 * - a name must have an entry; a number need not (its group is then 0 and its home "/")
 * - a user's group is the one of its passwd entry unless ":group" names another
 * - the groups that list the user as a member become additional ones, but only without ":group"
 * - the main group is among the additional ones too
 * - nothing given is root (0:0), with the groups that list root
 * - who is not root has no capabilities beyond the bounding set
 *
 * Both files are untrusted: they are opened beneath the container's root, at most 1 MiB of them is
 * read, and lines that are none are passed over. */
#ifndef KNARR_RUNTIME_USER_H
#define KNARR_RUNTIME_USER_H

#include "lib/error.h"
#include "lib/str.h"
#include "runtime/spec/spec.h"

/* Fills process->uid, gid, groups (replacing what was there). user NULL or "": root. root_fd is the
 * container's root (sandbox_mount_root, or sandbox_open_root of a running one). *home, unless NULL,
 * becomes the home folder, for the caller to free: the value for HOME where the environment sets
 * none. Returns 0, or -1 with err set, in Docker's words: "unable to find user x: no matching
 * entries in passwd file". */
int user_resolve(int root_fd, const char *user, struct spec_process *process, char **home,
		 struct error *err);

/* Adds further groups by name or number (`--group-add`): "unable to find group x: no matching
 * entries in group file". */
int user_add_groups(int root_fd, const struct strv *groups, struct spec_process *process,
		    struct error *err);

#endif
