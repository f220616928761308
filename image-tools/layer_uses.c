/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/layer_uses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/image.h"
#include "lib/cleanup.h"
#include "lib/str.h"

static int compare_diffids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

/* One entry a layer of img, whatever others have. */
static void add_layers(struct layer_uses *uses, size_t *room, struct image *img)
{
	/* The order does not matter here, and equal ones must meet. */
	if (img->n_diffids)
		qsort(img->diffids, img->n_diffids, sizeof(*img->diffids), compare_diffids);
	if (uses->n + img->n_diffids > *room) {
		*room = 2 * (uses->n + img->n_diffids);
		uses->items = xreallocarray(uses->items, *room, sizeof(*uses->items));
	}
	for (size_t i = 0; i < img->n_diffids; i++)
		if (i == 0 || !digest_equal(&img->diffids[i], &img->diffids[i - 1]))
			uses->items[uses->n++] = (struct layer_use){ img->diffids[i], 1 };
}

static void unite(struct layer_uses *uses)
{
	size_t n = 0;

	if (uses->n)
		qsort(uses->items, uses->n, sizeof(*uses->items), compare_diffids);
	for (size_t i = 0; i < uses->n; i++) {
		if (n && digest_equal(&uses->items[n - 1].diffid, &uses->items[i].diffid))
			uses->items[n - 1].images++;
		else
			uses->items[n++] = uses->items[i];
	}
	uses->n = n;
}

int layer_uses_count(const struct store *st, struct layer_uses *out, struct error *err)
{
	struct digest *ids autofree = NULL;
	size_t n, room = 0;

	*out = (struct layer_uses)LAYER_USES_INIT;
	if (image_list(st, &ids, &n, err) < 0)
		return -1;
	out->unread = xcalloc(n + 1, sizeof(*out->unread));
	for (size_t i = 0; i < n; i++) {
		struct image *img autoimage = NULL;
		struct error why = ERROR_INIT;
		size_t len;
		char *json autofree = image_read(st, &ids[i], &len, &why);

		img = json ? image_parse(json, len, &why) : NULL;
		if (img) {
			add_layers(out, &room, img);
		} else if (why.code == EUCLEAN || why.code == EINVAL || why.code == EFBIG) {
			out->unread[out->n_unread++] = ids[i];
		} else if (why.code != ENOENT) {
			layer_uses_free(out);
			return error_set(err, why.code, "%s", why.message);
		}
	}
	unite(out);
	return 0;
}

struct layer_use *layer_uses_find(const struct layer_uses *uses, const struct digest *diffid)
{
	if (!uses->n)
		return NULL;
	return bsearch(diffid, uses->items, uses->n, sizeof(*uses->items), compare_diffids);
}

void layer_uses_free(struct layer_uses *uses)
{
	free(uses->items);
	free(uses->unread);
	*uses = (struct layer_uses)LAYER_USES_INIT;
}
