/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/health_log.h"

#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "runtime/container/logfile.h"

#define SECOND         1000000000LL
#define INTERVAL       (30 * SECOND)
#define START_INTERVAL (5 * SECOND)
#define TIMEOUT        (30 * SECOND)
#define RETRIES        3

/* A byte of output is at most six of JSON. */
#define RESULT_MAX   (6 * HEALTH_OUTPUT_MAX + 256)
#define DOCUMENT_MAX (HEALTH_RESULTS * RESULT_MAX + 128)

/* ---- The rules */

static int64_t or_default(int64_t value, int64_t fallback)
{
	return value > 0 ? value : fallback;
}

bool health_wanted(const struct image_healthcheck *check)
{
	return check->test.len > 0 && strcmp(check->test.items[0], "NONE") != 0;
}

int64_t health_interval(const struct image_healthcheck *check, enum health_status status,
			int64_t running)
{
	if (status == HEALTH_STARTING && running < check->start_period)
		return or_default(check->start_interval, START_INTERVAL);
	return or_default(check->interval, INTERVAL);
}

int64_t health_timeout(const struct image_healthcheck *check)
{
	return or_default(check->timeout, TIMEOUT);
}

bool health_log_add(struct health_log *log, const struct image_healthcheck *check,
		    const struct health_result *result, int64_t running)
{
	enum health_status before = log->status;
	int64_t retries = or_default(check->retries, RETRIES);

	if (log->n == HEALTH_RESULTS) {
		memmove(log->results, log->results + 1,
			(HEALTH_RESULTS - 1) * sizeof(log->results[0]));
		log->n--;
	}
	log->results[log->n++] = *result;
	if (result->exit_code == 0) {
		log->failing_streak = 0;
		log->status = HEALTH_HEALTHY;
	} else if (log->status != HEALTH_STARTING || running >= check->start_period) {
		log->failing_streak++;
		if (log->failing_streak >= retries)
			log->status = HEALTH_UNHEALTHY;
	}
	return log->status != before;
}

/* ---- The file */

static size_t put_result(const struct health_result *r, char *to, size_t room)
{
	char start[TIME_TEXT_MAX], end[TIME_TEXT_MAX];
	size_t used;
	size_t n = (size_t)snprintf(
		to, room, "{\"Start\":\"%s\",\"End\":\"%s\",\"ExitCode\":%d,\"Output\":\"",
		time_text(r->start, start), time_text(r->end, end), r->exit_code);

	n += json_escape(r->output, r->len, &used, to + n, room - n - 3);
	memcpy(to + n, "\"}", 2);
	return n + 2;
}

int health_log_write(int dirfd, const struct health_log *log, struct error *err)
{
	/* Not on the stack, every page of which a large frame touches, whatever it uses of it. */
	static char text[DOCUMENT_MAX];
	size_t n = (size_t)snprintf(text, sizeof(text),
				    "{\"Status\":\"%s\",\"FailingStreak\":%u,\"Log\":[",
				    health_name(log->status), log->failing_streak);

	for (size_t i = 0; i < log->n; i++) {
		if (i > 0)
			text[n++] = ',';
		n += put_result(&log->results[i], text + n, sizeof(text) - n);
	}
	memcpy(text + n, "]}\n", 3);
	return fs_write_file(dirfd, "health.json", text, n + 3, 0600, FS_VOLATILE, err);
}

void health_log_remove(int dirfd)
{
	unlinkat(dirfd, "health.json", 0);
}

void health_log_put(yyjson_mut_doc *doc, yyjson_mut_val *state, int dirfd,
		    const struct container_state *s)
{
	yyjson_mut_val *health;
	size_t len;

	if (s->health == HEALTH_NONE)
		return;
	autofree char *text =
		dirfd >= 0 ? fs_read_file(dirfd, "health.json", DOCUMENT_MAX, &len, NULL) : NULL;
	autojson yyjson_doc *written = text ? json_parse(text, len, "health.json", NULL) : NULL;

	if (written) {
		health = yyjson_val_mut_copy(doc, yyjson_doc_get_root(written));
		yyjson_mut_obj_replace(health, yyjson_mut_str(doc, "Status"),
				       yyjson_mut_str(doc, health_name(s->health)));
		yyjson_mut_obj_add_val(doc, state, "Health", health);
		return;
	}
	health = yyjson_mut_obj_add_obj(doc, state, "Health");
	yyjson_mut_obj_add_str(doc, health, "Status", health_name(s->health));
	yyjson_mut_obj_add_int(doc, health, "FailingStreak", 0);
	yyjson_mut_obj_add_arr(doc, health, "Log");
}
