/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ownership by scope: a variable marked autofree, autoclose, autofile or autodir gives up what it holds when the scope
 * ends, on every path. To hand the thing on, take it out with STEAL_PTR or STEAL_FD, which leave NULL or -1 behind. */
#ifndef KNARR_LIB_CLEANUP_H
#define KNARR_LIB_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* Keeps errno: a close on the way out must not hide why the way out was taken. */
static inline void cleanup_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd);
		errno = saved;
	}
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define autofree  __attribute__((cleanup(cleanup_free)))
#define autoclose __attribute__((cleanup(cleanup_close)))
#define autofile  __attribute__((cleanup(cleanup_fclose)))
#define autodir   __attribute__((cleanup(cleanup_closedir)))

#define STEAL_PTR(p) \
	({ \
		__auto_type stolen_ = (p); \
		(p) = NULL; \
		stolen_; \
	})

#define STEAL_FD(fd) \
	({ \
		int stolen_ = (fd); \
		(fd) = -1; \
		stolen_; \
	})

#endif
