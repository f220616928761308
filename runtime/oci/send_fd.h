/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A descriptor handed to who listens at a unix socket: a terminal's master at --console-socket, a pidfd at --pidfd-socket, a
 * seccomp notify descriptor at listenerPath. */
#ifndef KNARR_RUNTIME_OCI_SEND_FD_H
#define KNARR_RUNTIME_OCI_SEND_FD_H

#include "lib/error.h"

/* Connects to the stream socket path, a name of any length, and sends text with fd (SCM_RIGHTS). what names the socket in a
 * message. text is not empty. Returns 0, or -1 with err set. */
int oci_send_fd(const char *what, const char *path, int fd, const char *text, struct error *err);

#endif
