/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/oci/send_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/cleanup.h"
#include "lib/fs.h"

int oci_send_fd(const char *what, const char *path, int fd, const char *text, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { .iov_base = (void *)text, .iov_len = strlen(text) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };
	autoclose int at = open(path, O_PATH | O_CLOEXEC);
	autoclose int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	if (at < 0 || sock < 0)
		return error_errno(err, "%s \"%s\"", what, path);
	fs_fd_path(at, address.sun_path);
	if (connect(sock, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, "%s \"%s\": connecting", what, path);

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	do
		n = sendmsg(sock, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_errno(err, "%s \"%s\": sending", what, path);
	/* The descriptor went with the first byte. */
	if ((size_t)n < data.iov_len && fs_write_all(sock, text + n, data.iov_len - (size_t)n) < 0)
		return error_errno(err, "%s \"%s\": sending", what, path);
	return 0;
}
