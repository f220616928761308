/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a mount's "options", as mount(8) and the OCI runtime-spec (config.md, "Linux mount options") have them, into
 * the fields of a struct spec_mount. */
#ifndef KNARR_RUNTIME_MOUNT_OPTIONS_H
#define KNARR_RUNTIME_MOUNT_OPTIONS_H

#include "lib/error.h"
#include "runtime/spec/spec.h"

/* Takes one option ("ro", "rslave", "size=64k"); call it in the order in which they stand, later ones win over earlier
 * ones. "bind" and "rbind" replace m->type. What is no option of every mount is the filesystem's own and goes to
 * m->options as it is: the kernel judges it. What the kernel has no say in any more (iversion, silent and their opposites)
 * is accepted and means nothing. -1 with err set: EINVAL, an empty option or one with a control character. */
int spec_mount_option(struct spec_mount *m, const char *option, struct error *err);

/* The same for several, separated by commas, as `--tmpfs PATH:OPTIONS` has them; empty ones between commas are passed over. */
int spec_mount_options(struct spec_mount *m, const char *list, struct error *err);

/* The name at place i of all options that spec_mount_option knows by itself, for `features`; NULL behind the last. */
const char *spec_mount_option_name(size_t i);

#endif
