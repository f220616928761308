/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/json.h"
#include "runtime/container/logfile.h"

#define STATE_MAX 8192 /* bytes of the document */

static const char *const names[] = {
	[STATUS_CREATED] = "created",
	[STATUS_RUNNING] = "running",
	[STATUS_EXITED] = "exited",
};

static const char *const health_names[] = {
	[HEALTH_NONE] = "none",
	[HEALTH_STARTING] = "starting",
	[HEALTH_HEALTHY] = "healthy",
	[HEALTH_UNHEALTHY] = "unhealthy",
};

const char *state_name(const struct container_state *state)
{
	if (state->status == STATUS_RUNNING && state->paused)
		return "paused";
	if (state->status == STATUS_RUNNING && state->restarting)
		return "restarting";
	return names[state->status];
}

const char *health_name(enum health_status status)
{
	return health_names[status];
}

/* The place of text in a list of names; -1: it is none of them. */
static int place_of(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, list[i]) == 0)
			return (int)i;
	return -1;
}

static int get_time(yyjson_val *root, const char *key, struct timespec *out, struct error *err)
{
	const char *text = NULL;

	if (json_get_str(root, key, &text, err) < 0)
		return -1;
	if (text && time_parse(text, out) < 0)
		return error_set(err, EINVAL, "\"%s\" is no time", key);
	return 0;
}

int state_parse(const char *text, size_t len, struct container_state *out, struct error *err)
{
	autojson yyjson_doc *doc = json_parse(text, len, "state.json", err);
	yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
	const char *status = NULL, *message = NULL, *health = "none";
	int64_t pid = 0, code = 0, restarts = 0;
	int place;

	if (!doc || json_get_str(root, "status", &status, err) < 0 ||
	    json_get_i64(root, "pid", &pid, err) < 0 ||
	    json_get_i64(root, "exitCode", &code, err) < 0 ||
	    json_get_bool(root, "oomKilled", &out->oom_killed, err) < 0 ||
	    json_get_bool(root, "paused", &out->paused, err) < 0 ||
	    json_get_bool(root, "restarting", &out->restarting, err) < 0 ||
	    json_get_i64(root, "restartCount", &restarts, err) < 0 ||
	    json_get_bool(root, "manuallyStopped", &out->manually_stopped, err) < 0 ||
	    json_get_str(root, "health", &health, err) < 0 ||
	    json_get_str(root, "error", &message, err) < 0 ||
	    get_time(root, "startedAt", &out->started, err) < 0 ||
	    get_time(root, "finishedAt", &out->finished, err) < 0)
		return -1;
	if (pid < 0 || pid > INT32_MAX || code < 0 || code > 255)
		return error_set(err, EINVAL, "pid or exit code is out of range");
	if (restarts < 0 || restarts > INT32_MAX)
		return error_set(err, EINVAL, "restartCount is out of range");
	out->pid = (pid_t)pid;
	out->exit_code = (int)code;
	out->restart_count = (unsigned int)restarts;
	snprintf(out->error, sizeof(out->error), "%s", message ? message : "");
	place = place_of(health, health_names, sizeof(health_names) / sizeof(health_names[0]));
	if (place < 0)
		return error_set(err, EINVAL, "its health is none");
	out->health = (enum health_status)place;
	place = status ? place_of(status, names, sizeof(names) / sizeof(names[0])) : -1;
	if (place < 0)
		return error_set(err, EINVAL, "its status is none");
	out->status = (enum container_status)place;
	return 0;
}

int state_read(int dirfd, struct container_state *out, struct error *err)
{
	struct error local = ERROR_INIT;
	autofree char *text = NULL;
	size_t len;

	*out = (struct container_state)CONTAINER_STATE_INIT;
	text = fs_read_file(dirfd, "state.json", STATE_MAX, &len, &local);
	if (!text) {
		if (local.code == ENOENT)
			return 0;
	} else if (state_parse(text, len, out, &local) == 0) {
		return 0;
	}
	error_set(err, local.code, "%s", local.message);
	return error_prefix(err, "state.json is damaged");
}

/* On a full disk there is no room for a second file; but the first has a block, and the document fits into it. Not in
 * one step, and still better than a container that seems to run for ever. */
static int write_in_place(int dirfd, const char *text, size_t len)
{
	autoclose int fd = openat(dirfd, "state.json", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || pwrite(fd, text, len, 0) != (ssize_t)len)
		return -1;
	return ftruncate(fd, (off_t)len);
}

static const char *boolean(bool b)
{
	return b ? "true" : "false";
}

int state_write(int dirfd, const struct container_state *s, enum fs_durability durability,
		struct error *err)
{
	char text[STATE_MAX], error[6 * ERROR_MESSAGE_MAX + 1], started[TIME_TEXT_MAX],
		finished[TIME_TEXT_MAX];
	size_t used;
	int n;

	error[json_escape(s->error, strlen(s->error), &used, error, sizeof(error) - 1)] = '\0';
	n = snprintf(
		text, sizeof(text),
		"{\"status\":\"%s\",\"pid\":%d,\"exitCode\":%d,\"oomKilled\":%s,\"paused\":%s,"
		"\"restarting\":%s,\"restartCount\":%u,\"manuallyStopped\":%s,\"health\":\"%s\","
		"\"error\":\"%s\",\"startedAt\":\"%s\",\"finishedAt\":\"%s\"}\n",
		names[s->status], (int)s->pid, s->exit_code, boolean(s->oom_killed),
		boolean(s->paused), boolean(s->restarting), s->restart_count,
		boolean(s->manually_stopped), health_names[s->health], error,
		time_text(s->started, started), time_text(s->finished, finished));
	if (fs_write_file(dirfd, "state.json", text, (size_t)n, 0600, durability, err) == 0)
		return 0;
	return write_in_place(dirfd, text, (size_t)n);
}
