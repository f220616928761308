/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/events.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "runtime/container/logfile.h"

#define CURRENT        "events"
#define PREVIOUS       "events.old"
#define ATTRIBUTES_MAX 128
#define READ_MAX       16384
#define MEMBER_MAX     400
#define PATIENCE       200
#define TAIL_ROOM      96 /* of a line, for what stands behind the attributes */

/* ---- The file */

static bool same_file(int fd, const struct store *st, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(st->run_fd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The lock, or after PATIENCE tries none: somebody who was stopped while he held it must not stop everybody. */
static bool lock_patiently(int fd)
{
	const struct timespec pause = { .tv_nsec = 100000 };

	for (int attempt = 0; attempt < PATIENCE; attempt++) {
		if (fs_lock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* The file of now, locked so that it stays in its place; -1: events are lost. */
static int open_current(const struct store *st, bool *locked)
{
	for (int attempt = 0; attempt < 8; attempt++) {
		autoclose int fd =
			openat(st->run_fd, CURRENT,
			       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return -1;
		*locked = lock_patiently(fd);
		if (same_file(fd, st, CURRENT))
			return STEAL_FD(fd);
	}
	return -1;
}

/* ---- Writing */

struct attribute {
	const char *key, *value;
	size_t key_len;
};

struct attributes {
	struct attribute items[ATTRIBUTES_MAX];
	size_t n;
};

/* Sorted by key, as Go writes its maps; a later value replaces an earlier one. */
static void add(struct attributes *a, const char *key, size_t key_len, const char *value)
{
	size_t at = 0;
	int order = 1;

	for (; at < a->n; at++) {
		const struct attribute *other = &a->items[at];
		size_t common = key_len < other->key_len ? key_len : other->key_len;

		order = memcmp(other->key, key, common);
		if (order == 0)
			order = (other->key_len > key_len) - (other->key_len < key_len);
		if (order >= 0)
			break;
	}
	if (at == a->n || order > 0) {
		if (a->n == ATTRIBUTES_MAX)
			return;
		memmove(&a->items[at + 1], &a->items[at], (a->n - at) * sizeof(a->items[0]));
		a->n++;
	}
	a->items[at] = (struct attribute){ key, value, key_len };
}

static void add_text(struct attributes *a, const char *key_value)
{
	const char *equals = strchr(key_value, '=');

	if (equals)
		add(a, key_value, (size_t)(equals - key_value), equals + 1);
	else
		add(a, key_value, strlen(key_value), "");
}

struct line {
	char text[EVENT_LINE_MAX];
	size_t len;
};

static void put(struct line *l, const char *text)
{
	size_t n = strlen(text), room = sizeof(l->text) - l->len;

	memcpy(l->text + l->len, text, n < room ? n : room);
	l->len += n < room ? n : room;
}

/* Returns false, with nothing added, where it does not fit and leave room behind it. */
static bool put_string(struct line *l, const char *text, size_t len, size_t behind)
{
	size_t used, room = sizeof(l->text) - l->len;

	if (room < behind + 2)
		return false;
	size_t n = json_escape(text, len, &used, l->text + l->len + 1, room - behind - 2);
	if (used < len)
		return false;
	l->text[l->len] = '"';
	l->text[l->len + 1 + n] = '"';
	l->len += n + 2;
	return true;
}

/* A text of our own, or a command line; cut where it is long, so that all members have room. */
static void put_member(struct line *l, const char *key, const char *text)
{
	put(l, key);
	put_string(l, text, strnlen(text, MEMBER_MAX), TAIL_ROOM);
}

static void put_attributes(struct line *l, const struct attributes *a)
{
	bool first = true;

	for (size_t i = 0; i < a->n; i++) {
		const struct attribute *one = &a->items[i];
		size_t before = l->len;

		if (!first)
			put(l, ",");
		if (put_string(l, one->key, one->key_len, TAIL_ROOM + 4)) {
			put(l, ":");
			if (put_string(l, one->value, strlen(one->value), TAIL_ROOM)) {
				first = false;
				continue;
			}
		}
		l->len = before;
	}
}

static const char *value_of(const struct attributes *a, const char *key)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->items[i].key_len == strlen(key) &&
		    memcmp(a->items[i].key, key, a->items[i].key_len) == 0)
			return a->items[i].value;
	return "";
}

static void emit(const struct store *st, const char *type, const char *action, const char *id,
		 const struct attributes *a)
{
	struct timespec now = time_now();
	struct line l = { .len = 0 };
	char tail[TAIL_ROOM];
	bool container = strcmp(type, "container") == 0, locked;
	autoclose int fd = open_current(st, &locked);
	struct stat sb;

	if (fd < 0)
		return;
	put(&l, "{");
	if (container || strcmp(type, "image") == 0) {
		put_member(&l, "\"status\":", action);
		put_member(&l, ",\"id\":", id);
		put(&l, ",");
	}
	if (container) {
		put_member(&l, "\"from\":", value_of(a, "image"));
		put(&l, ",");
	}
	put_member(&l, "\"Type\":", type);
	put_member(&l, ",\"Action\":", action);
	put_member(&l, ",\"Actor\":{\"ID\":", id);
	put(&l, ",\"Attributes\":{");
	put_attributes(&l, a);
	snprintf(tail, sizeof(tail), "}},\"scope\":\"local\",\"time\":%lld,\"timeNano\":%lld}\n",
		 (long long)now.tv_sec, (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
	put(&l, tail);
	if (write(fd, l.text, l.len) < 0 || !locked)
		return;
	if (fstat(fd, &sb) == 0 && sb.st_size >= (off_t)EVENTS_FILE_MAX)
		renameat(st->run_fd, CURRENT, st->run_fd, PREVIOUS);
}

void events_emit(const struct store *st, const char *type, const char *action, const char *id,
		 const struct strv *attributes)
{
	struct attributes a;

	a.n = 0;
	for (size_t i = 0; attributes && i < attributes->len; i++)
		add_text(&a, attributes->items[i]);
	emit(st, type, action, id, &a);
}

void events_container(const struct store *st, const struct container_config *c, const char *action,
		      const char *const *more)
{
	struct attributes a;

	a.n = 0;
	add(&a, "image", 5, c->image);
	add(&a, "name", 4, c->name);
	for (; more && *more; more++)
		add_text(&a, *more);
	/* Last, for they may be many; but they may not pass for what we say. */
	for (size_t i = 0; i < c->run.labels.len; i++) {
		const char *label = c->run.labels.items[i];
		size_t before = strcspn(label, "=");
		bool ours = false;

		for (size_t k = 0; k < a.n && !ours; k++)
			ours = a.items[k].key_len == before &&
			       memcmp(a.items[k].key, label, before) == 0;
		if (!ours)
			add_text(&a, label);
	}
	emit(st, "container", action, c->id, &a);
}

void events_exec(const struct store *st, const struct container_config *c, const char *step,
		 const char *exec_id, char *const *args, const int *code)
{
	char action[MEMBER_MAX + 1], id[96], exit[24] = "";
	size_t n = (size_t)snprintf(action, sizeof(action), "%s%s", step, args ? ":" : "");

	for (; args && *args && n < sizeof(action); args++)
		n += (size_t)snprintf(action + n, sizeof(action) - n, " %s", *args);
	snprintf(id, sizeof(id), "execID=%.64s", exec_id);
	if (code)
		snprintf(exit, sizeof(exit), "exitCode=%d", *code);
	events_container(st, c, action, (const char *[]){ id, code ? exit : NULL, NULL });
}

/* ---- Reading */

static int open_file(const struct store *st, const char *name)
{
	return openat(st->run_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static int begin(struct events_reader *r, const struct store *st, struct error *err)
{
	*r = (struct events_reader){ .st = st, .fd = -1 };
	r->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* Before the first look: what comes behind it is reported. */
	if (r->inotify_fd < 0 ||
	    inotify_add_watch(r->inotify_fd, st->run, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
		error_errno(err, "cannot watch %s", st->run);
		cleanup_close(&r->inotify_fd);
		return -1;
	}
	return 0;
}

int events_open(struct events_reader *r, const struct store *st, struct error *err)
{
	if (begin(r, st, err) < 0)
		return -1;
	r->fd = open_file(st, PREVIOUS);
	r->old = r->fd >= 0;
	return 0;
}

int events_open_now(struct events_reader *r, const struct store *st, struct error *err)
{
	if (begin(r, st, err) < 0)
		return -1;
	r->fd = open_file(st, CURRENT);
	if (r->fd >= 0)
		lseek(r->fd, 0, SEEK_END);
	return 0;
}

static const char *take_line(struct events_reader *r, size_t *len)
{
	char *line = r->rest.data ? r->rest.data + r->at : NULL, *end;

	end = line ? memchr(line, '\n', r->rest.len - r->at) : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	*len = (size_t)(end - line);
	r->at += *len + 1;
	return line;
}

/* Appends a piece of the file to rest. Returns false at its end. */
static bool read_more(struct events_reader *r)
{
	char piece[READ_MAX];
	ssize_t n = read(r->fd, piece, sizeof(piece));
	size_t left = r->rest.len - r->at;

	if (n <= 0)
		return false;
	if (r->at) {
		memmove(r->rest.data, r->rest.data + r->at, left);
		r->rest.len = left;
		r->at = 0;
	}
	strbuf_add(&r->rest, piece, (size_t)n);
	return true;
}

/* To the next file: the one of now, or, for a slow reader, the one that was moved away after ours. */
static void advance(struct events_reader *r)
{
	bool missed = !r->old && !same_file(r->fd, r->st, PREVIOUS);

	cleanup_close(&r->fd);
	r->fd = missed ? open_file(r->st, PREVIOUS) : -1;
	r->old = r->fd >= 0;
	strbuf_reset(&r->rest);
	r->at = 0;
}

const char *events_next(struct events_reader *r, size_t *len)
{
	for (;;) {
		const char *line = take_line(r, len);
		bool over;

		if (line)
			return line;
		if (r->fd < 0)
			r->fd = open_file(r->st, CURRENT);
		if (r->fd < 0)
			return NULL;
		/* Nobody writes into a file that has been moved away: asked before the read, so that its end is the end. */
		over = r->old || !same_file(r->fd, r->st, CURRENT);
		if (read_more(r))
			continue;
		if (!over)
			return NULL;
		advance(r);
	}
}

void events_wait(struct events_reader *r, int timeout_ms)
{
	struct pollfd p = { .fd = r->inotify_fd, .events = POLLIN };
	char dropped[4096];

	if (poll(&p, 1, timeout_ms) > 0)
		while (read(r->inotify_fd, dropped, sizeof(dropped)) > 0)
			;
}

void events_close(struct events_reader *r)
{
	cleanup_close(&r->fd);
	cleanup_close(&r->inotify_fd);
	r->fd = r->inotify_fd = -1;
	strbuf_free(&r->rest);
}
