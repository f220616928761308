/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store in the scratch folder, without the folder in /run that store_open makes for a real one. */
#ifndef KNARR_TESTS_UNIT_STORE_H
#define KNARR_TESTS_UNIT_STORE_H

#include "tests/unit/unit.h"

#include "image-tools/store.h"

static struct store st;

static inline int store_folder(const char *name)
{
	mkdirat(st.fd, name, 0700);
	return openat(st.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline int store_setup(void **state)
{
	static char run[80];

	if (scratch_setup(state) < 0)
		return -1;
	st.fd = scratch(state);
	st.layers_fd = store_folder("layers");
	st.images_fd = store_folder("images");
	st.containers_fd = store_folder("containers");
	st.tmp_fd = store_folder("tmp");
	st.run_fd = store_folder("run");
	snprintf(run, sizeof(run), "%s/run", scratch_path);
	st.root = scratch_path;
	st.run = run;
	return 0;
}

static inline int store_teardown(void **state)
{
	close(st.layers_fd);
	close(st.images_fd);
	close(st.containers_fd);
	close(st.tmp_fd);
	close(st.run_fd);
	return scratch_teardown(state);
}

#endif
