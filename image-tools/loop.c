/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "lib/cleanup.h"

#define TRIES 64

int loop_attach(const char *path, char device[LOOP_PATH_MAX], struct error *err)
{
	int control autoclose = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int file autoclose = open(path, O_RDONLY | O_CLOEXEC);
	struct loop_config config = { .info = { .lo_flags =
							LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR } };

	if (file < 0)
		return error_errno(err, "cannot open %s", path);
	if (control < 0)
		return error_errno(
			err,
			"this kernel's EROFS mounts devices only, and there is no loop device");
	config.fd = (unsigned int)file;
	/* Between asking for a free device and taking it another process may have taken it. */
	for (int i = 0; i < TRIES; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		int loop autoclose = -1;

		if (number < 0)
			return error_errno(err, "cannot get a loop device");
		snprintf(device, LOOP_PATH_MAX, "/dev/loop%d", number);
		loop = open(device, O_RDONLY | O_CLOEXEC);
		if (loop < 0)
			return error_errno(err, "cannot open %s", device);
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			return STEAL_FD(loop);
		if (errno != EBUSY)
			return error_errno(err, "cannot attach %s to %s", path, device);
	}
	return error_set(err, EBUSY, "no loop device stays free long enough");
}
