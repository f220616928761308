/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lib/str.h"

#define SLOTS     4U
#define SLOT_SIZE ((size_t)256 << 10)

struct slot {
	uint8_t *data;
	size_t len;
};

struct worker {
	worker_consume consume;
	void *context;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* Guarded by mutex. Slots from taken up to put, modulo SLOTS, are full. */
	unsigned int put, taken;
	bool ending, failed;
	struct error err;
	struct slot slots[SLOTS]; /* a full one is the thread's, an empty one the putter's */
};

static void *run(void *arg)
{
	struct worker *w = arg;

	pthread_mutex_lock(&w->mutex);
	for (;;) {
		struct slot *s = &w->slots[w->taken % SLOTS];
		struct error err = ERROR_INIT;
		int r = 0;

		while (w->put == w->taken && !w->ending)
			pthread_cond_wait(&w->changed, &w->mutex);
		if (w->put == w->taken)
			break;
		if (!w->failed) {
			pthread_mutex_unlock(&w->mutex);
			r = w->consume(w->context, s->data, s->len, &err);
			pthread_mutex_lock(&w->mutex);
		}
		if (r < 0) {
			w->failed = true;
			w->err = err;
		}
		w->taken++;
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static void free_worker(struct worker *w)
{
	for (size_t i = 0; i < SLOTS; i++)
		free(w->slots[i].data);
	pthread_mutex_destroy(&w->mutex);
	pthread_cond_destroy(&w->changed);
	free(w);
}

struct worker *worker_start(worker_consume consume, void *context)
{
	sigset_t all, before;
	struct worker *w;
	int r;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->consume = consume;
	w->context = context;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->changed, NULL);
	for (size_t i = 0; i < SLOTS; i++)
		w->slots[i].data = xmalloc(SLOT_SIZE);
	/* Signals are for the thread that knows what to do about them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		free_worker(w);
		return NULL;
	}
	return w;
}

int worker_put(struct worker *w, const void *data, size_t len, struct error *err)
{
	const uint8_t *p = data;
	bool failed = false;

	while (len && !failed) {
		struct slot *s =
			&w->slots[w->put % SLOTS]; /* put is changed by this thread alone */
		size_t n = len < SLOT_SIZE ? len : SLOT_SIZE;

		pthread_mutex_lock(&w->mutex);
		while (w->put - w->taken == SLOTS)
			pthread_cond_wait(&w->changed, &w->mutex);
		pthread_mutex_unlock(&w->mutex);
		memcpy(s->data, p, n);
		s->len = n;
		pthread_mutex_lock(&w->mutex);
		w->put++;
		failed = w->failed;
		if (failed && err)
			*err = w->err;
		pthread_cond_signal(&w->changed);
		pthread_mutex_unlock(&w->mutex);
		p += n;
		len -= n;
	}
	return failed ? -1 : 0;
}

int worker_finish(struct worker *w, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&w->mutex);
	w->ending = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	if (w->failed) {
		r = -1;
		if (err)
			*err = w->err;
	}
	free_worker(w);
	return r;
}
