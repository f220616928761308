/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashing all layers, on as many processors as there are (up to four): each takes the next layer that nobody has, the
 * largest first, so that none is left alone with a large one in the end. */
#include "image-tools/fsck_parts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "image-tools/layer_check.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"

#define THREADS_MAX 4
#define STACK_SIZE  ((size_t)1 << 20)
#define REDRAW_NS   100000000L

struct job {
	struct survey_layer *layer;
	struct layer_verdict verdict;
	struct error err; /* why it could not be checked */
};

struct work {
	const struct store *st;
	struct job *jobs; /* the largest first */
	size_t n;
	_Atomic size_t next;
	_Atomic uint64_t done;
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	unsigned int running; /* guarded by mutex */
};

static int largest_first(const void *a, const void *b)
{
	uint64_t x = ((const struct job *)a)->layer->tar_size;
	uint64_t y = ((const struct job *)b)->layer->tar_size;

	return x < y ? 1 : x > y ? -1 : 0;
}

static int by_diffid(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return memcmp(&x->layer->diffid, &y->layer->diffid, sizeof(struct digest));
}

static void check_jobs(struct work *w)
{
	for (;;) {
		size_t i = atomic_fetch_add(&w->next, 1);

		if (i >= w->n)
			return;
		if (layer_check(w->st, &w->jobs[i].layer->diffid, &w->done, &w->jobs[i].verdict,
				&w->jobs[i].err) < 0 &&
		    !w->jobs[i].err.code)
			w->jobs[i].err.code = EIO;
	}
}

static void *run(void *arg)
{
	struct work *w = arg;

	check_jobs(w);
	pthread_mutex_lock(&w->mutex);
	w->running--;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* Starts the threads. Signals are for the thread that knows what to do about them. */
static size_t start(struct work *w, pthread_t threads[THREADS_MAX])
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = processors < 1             ? 1
		      : processors > THREADS_MAX ? THREADS_MAX
						 : (size_t)processors;
	sigset_t all, before;
	pthread_attr_t attr;
	size_t n = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	w->running = (unsigned int)want;
	while (n < want && n < w->n && pthread_create(&threads[n], &attr, run, w) == 0)
		n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	pthread_mutex_lock(&w->mutex);
	w->running -= (unsigned int)(want - n);
	pthread_mutex_unlock(&w->mutex);
	return n;
}

static void check_all(struct fsck *f, struct work *w, uint64_t total)
{
	pthread_t threads[THREADS_MAX];
	size_t n;

	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->ended, NULL);
	n = start(w, threads);
	if (!n)
		check_jobs(w);
	pthread_mutex_lock(&w->mutex);
	while (w->running) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += REDRAW_NS;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&w->ended, &w->mutex, &until);
		progress_step(f->progress, "layers", atomic_load(&w->done), total);
	}
	pthread_mutex_unlock(&w->mutex);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	progress_finish(f->progress, "layers", atomic_load(&w->done));
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->mutex);
}

/* ---- What came of it */

static void tell_of(struct fsck *f, struct job *job)
{
	const struct layer_verdict *v = &job->verdict;
	struct survey_layer *l = job->layer;
	struct error why = ERROR_INIT;
	char text[DIGEST_TEXT_MAX];

	digest_text(&l->diffid, text);
	if (job->err.code) {
		fsck_tell(f, FSCK_NONE, NULL, "%s", job->err.message);
		return;
	}
	l->sound = !*v->tar;
	if (*v->tar) {
		if (f->repair)
			(void)layer_condemn(f->st, v, &why);
		fsck_tell(f, v->inode ? FSCK_QUARANTINE : FSCK_REMOVE, &why, "layer %s: %s", text,
			  v->tar);
		return;
	}
	if (f->repair && (*v->index || *v->record))
		(void)layer_mend(f->st, v, &why);
	if (*v->index)
		fsck_tell(f, FSCK_REMAKE, &why, "layer %s: %s", text, v->index);
	if (*v->record)
		fsck_tell(f, FSCK_REMAKE, &why, "layer %s: %s", text, v->record);
}

/* A layer that has gone since the survey, or gone and come again, is nobody's fault. */
static bool has_changed(const struct fsck *f, const struct job *job)
{
	const struct layer_verdict *v = &job->verdict;
	struct layer_info info;
	struct error why = ERROR_INIT;

	if (!job->err.code && !*v->tar && !*v->index && !*v->record)
		return false;
	return !layer_is_as_judged(f->st, v) ||
	       (job->layer->record && layer_stat(f->st, &job->layer->diffid, &info, &why) < 0 &&
		why.code == ENOENT);
}

int fsck_layers(struct fsck *f, struct survey *s, struct error *err)
{
	struct work w = { .st = f->st };
	uint64_t total = 0;

	(void)err;
	w.jobs = xcalloc(s->n_layers + 1, sizeof(*w.jobs));
	for (size_t i = 0; i < s->n_layers; i++) {
		struct survey_layer *l = &s->layers[i];

		/* Of one that is incomplete and not needed, fsck_orphans tells. */
		if (!l->record && (!l->needed || (!l->tar && !l->index)))
			continue;
		w.jobs[w.n++].layer = l;
		total += l->tar_size;
	}
	if (w.n) {
		qsort(w.jobs, w.n, sizeof(*w.jobs), largest_first);
		check_all(f, &w, total);
		qsort(w.jobs, w.n, sizeof(*w.jobs), by_diffid);
	}
	for (size_t i = 0; i < w.n; i++) {
		w.jobs[i].layer->changed = has_changed(f, &w.jobs[i]);
		if (!w.jobs[i].layer->changed)
			tell_of(f, &w.jobs[i]);
	}
	f->n_layers = w.n;
	f->layer_bytes = atomic_load(&w.done);
	free(w.jobs);
	return 0;
}

/* ---- Layers that nobody needs */

static void remove_orphan(struct fsck *f, const struct digest *diffid, struct error *why)
{
	struct survey now autosurvey = SURVEY_INIT;
	int lock autoclose = store_lock(f->st, LOCK_EX, why);
	struct survey_layer *l;

	if (lock < 0 || survey_take(f->st, &now, why) < 0)
		return;
	l = survey_layer(&now, diffid);
	if (l && !l->needed && !now.n_unread && layer_remove_locked(f->st, diffid, why) == 0)
		(void)fs_sync_dir(f->st->layers_fd, why);
}

int fsck_orphans(struct fsck *f, const struct survey *s, struct error *err)
{
	size_t kept = 0;

	(void)err;
	for (size_t i = 0; i < s->n_layers; i++) {
		const struct survey_layer *l = &s->layers[i];
		char text[DIGEST_TEXT_MAX], size[HUMAN_MAX];
		struct error why = ERROR_INIT;

		/* One that is damaged has been told of. */
		if (l->needed || (l->record && !l->sound))
			continue;
		if (s->n_unread) {
			kept++;
			continue;
		}
		if (layer_is_held(f->st, &l->diffid)) {
			fsck_note(f, "layer %s: its image is gone, a container still runs on it",
				  digest_text(&l->diffid, text));
			continue;
		}
		if (f->repair)
			remove_orphan(f, &l->diffid, &why);
		fsck_tell(f, FSCK_REMOVE, &why, "layer %s (%s): no image needs it",
			  digest_text(&l->diffid, text), human_size(l->tar_size, size));
	}
	if (kept)
		fsck_note(
			f,
			"layers that no readable image needs: %zu; kept, for damaged images may need them",
			kept);
	return 0;
}
