/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened to containers, for `knarr events`: one JSON object a line, as Docker's API has them, in <run>/events. A
 * reboot makes them void. When the file is full it becomes <run>/events.old and a new one is begun, so that at most twice
 * EVENTS_FILE_MAX bytes of memory are held.
 *
 *     {"status":"start","id":"...","from":"busybox","Type":"container","Action":"start",
 *      "Actor":{"ID":"...","Attributes":{"image":"busybox","name":"web"}},"scope":"local","time":1795000000,"timeNano":...}
 *
 * Writers append whole lines, and move the file away, under its lock, which none of them holds for longer than that. */
#ifndef KNARR_RUNTIME_EVENTS_H
#define KNARR_RUNTIME_EVENTS_H

#include <stdbool.h>
#include <time.h>

#include "image-tools/store.h"
#include "lib/error.h"
#include "lib/str.h"
#include "runtime/container/config.h"

#define EVENTS_FILE_MAX (512U << 10)
#define EVENT_LINE_MAX  (16U << 10) /* attributes beyond that are left out */

/* Tells of an event. type: "container", "image", "volume", "network"; attributes: KEY=VALUE, of which a later one wins
 * (NULL: none). Allocates nothing, and what goes wrong is the events' loss alone. */
void events_emit(const struct store *st, const char *type, const char *action, const char *id,
		 const struct strv *attributes);

/* The same for a container: its labels, image and name are attributes, and what more (NULL, or KEY=VALUE texts ended by NULL)
 * adds to them. */
void events_container(const struct store *st, const struct container_config *c, const char *action,
		      const char *const *more);

/* The same for a process that is added to a container: step is "exec_create", "exec_start" (with its args, NULL-terminated) or
 * "exec_die" (with its exit code); exec_id: 64 digits of its own. */
void events_exec(const struct store *st, const struct container_config *c, const char *step,
		 const char *exec_id, char *const *args, const int *code);

/* ---- Reading */

struct events_reader {
	const struct store *st;
	int fd;   /* of the file that is being read; -1: there is none yet */
	bool old; /* it is events.old */
	int inotify_fd;
	struct strbuf rest; /* of a line that is not whole yet */
	size_t at;          /* where in rest the next line begins */
};

/* Begins at the oldest event there is. Returns 0, or -1 with err set. */
int events_open(struct events_reader *r, const struct store *st, struct error *err);

/* Begins with what happens from now on. */
int events_open_now(struct events_reader *r, const struct store *st, struct error *err);

/* The next line, without its newline and valid until the next call; NULL: there is none yet. */
const char *events_next(struct events_reader *r, size_t *len);

/* Waits at most so many milliseconds (-1: for ever) until there may be more. */
void events_wait(struct events_reader *r, int timeout_ms);

void events_close(struct events_reader *r);

#endif
