/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/inspect_volume.h"

#include <time.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/container/volume.h"

yyjson_mut_val *inspect_volume(yyjson_mut_doc *doc, const struct store *st, const char *name,
			       struct error *err)
{
	struct volume v autovolume = VOLUME_INIT;
	char created[TIME_TEXT_MAX];
	char *path autofree = NULL;
	yyjson_mut_val *o;
	struct tm tm;

	if (volume_open(st, name, &v, err) < 0)
		return NULL;
	path = volume_path(st, v.name);
	o = yyjson_mut_obj(doc);
	gmtime_r(&v.created.tv_sec, &tm);
	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
	yyjson_mut_obj_add_strcpy(doc, o, "CreatedAt", created);
	yyjson_mut_obj_add_str(doc, o, "Driver", "local");
	if (v.labels.len)
		json_put_map(doc, o, "Labels", &v.labels);
	else
		yyjson_mut_obj_add_null(doc, o, "Labels");
	yyjson_mut_obj_add_strcpy(doc, o, "Mountpoint", path);
	yyjson_mut_obj_add_strcpy(doc, o, "Name", v.name);
	yyjson_mut_obj_add_null(doc, o, "Options");
	yyjson_mut_obj_add_str(doc, o, "Scope", "local");
	return o;
}
