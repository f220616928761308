/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which Knarr this is, as `version`, `--version` and `features` tell it. */
#ifndef KNARR_LIB_VERSION_H
#define KNARR_LIB_VERSION_H

#define KNARR_VERSION "0.1.0"

#endif
