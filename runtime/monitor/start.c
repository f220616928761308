/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/start.h"

#include <errno.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/engine/engine.h"
#include "runtime/monitor/monitor.h"
#include "runtime/monitor/terminal.h"

int start_container(const struct store *st, struct container *c, uint32_t attach, int *fd,
		    struct error *err)
{
	struct monitor_options options = { .attach = attach };
	struct spec autospec spec = SPEC_INIT;
	autoimage struct image *image = NULL;

	*fd = -1;
	if (c->state.status == STATUS_RUNNING && c->state.paused)
		return error_set(err, EBUSY,
				 "cannot start a paused container, try unpause instead");
	if (c->state.status == STATUS_RUNNING)
		return 0;
	if (container_lock_soon(st, c, err) < 0) {
		/* Another `start` came first? */
		if (err->code != EBUSY || container_refresh(st, c, NULL) < 0 ||
		    c->state.status != STATUS_RUNNING)
			return -1;
		error_clear(err);
		return 0;
	}
	image = image_open(st, &c->config.image_id, err);
	if (!image || engine_spec(st, c, &spec, err) < 0)
		return -1;
	if (attach && c->config.tty)
		terminal_size(STDIN_FILENO, &spec.process.rows, &spec.process.cols);
	*fd = monitor_start(st, c, image, &spec, &options, err);
	if (*fd < 0 || monitor_started(*fd, err) < 0) {
		cleanup_close(fd);
		*fd = -1;
		return -1;
	}
	return 0;
}
