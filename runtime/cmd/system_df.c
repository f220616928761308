/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "image-tools/cmd/listing.h"
#include "image-tools/usage.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/template.h"
#include "runtime/cmd/container_text.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/volume.h"

/* ---- Without -v: four rows */

static const struct listing_field sum_fields[] = {
	{ "Active", "ACTIVE" }, { "Reclaimable", "RECLAIMABLE" },
	{ "Size", "SIZE" },     { "TotalCount", "TOTAL" },
	{ "Type", "TYPE" },     { 0 },
};

static const struct listing_kind sum_kind = {
	.fields = sum_fields,
	.columns = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
};

/* What there is of one kind of thing. */
struct sum {
	size_t total, active;
	uint64_t size, reclaimable;
};

static void add_sum(struct listing *l, const char *type, bool with_percent, const struct sum *s)
{
	char size[HUMAN_MAX], free_[HUMAN_MAX];
	char *total autofree = str_format("%zu", s->total);
	char *active autofree = str_format("%zu", s->active);
	char *reclaimable autofree = NULL;
	/* Through a double: 100 times as many bytes may not fit. */
	double percent = s->size ? 100.0 * (double)s->reclaimable / (double)s->size : 0;

	human_total(s->reclaimable, free_);
	reclaimable = with_percent && s->size ? str_format("%s (%u%%)", free_, (unsigned)percent)
					      : xstrdup(free_);
	listing_row(l,
		    (const char *const[]){ active, reclaimable, human_total(s->size, size), total,
					   type },
		    NULL);
}

static int print_sums(const struct images_usage *images, const struct sum *containers,
		      const struct sum *volumes, const char *format, struct error *err)
{
	struct listing *l autolisting = listing_new(&sum_kind, format, err);
	struct strbuf out autostrbuf = STRBUF_INIT;
	const struct sum none = { 0 };

	if (!l)
		return -1;
	add_sum(l, "Images", true,
		&(struct sum){ images->n, images->active, images->size, images->reclaimable });
	add_sum(l, "Containers", true, containers);
	add_sum(l, "Local Volumes", true, volumes);
	/* Of these there are none yet. */
	add_sum(l, "Build Cache", false, &none);
	if (listing_print(l, &out, err) < 0)
		return -1;
	fwrite(out.data, 1, out.len, stdout);
	return 0;
}

/* ---- With -v: a list of each kind */

static const struct listing_field image_fields[] = {
	{ "Containers", "CONTAINERS" },
	{ "CreatedAt", "CREATED AT" },
	{ "CreatedSince", "CREATED" },
	{ "ID", "IMAGE ID" },
	{ "Repository", "REPOSITORY" },
	{ "SharedSize", "SHARED SIZE" },
	{ "Size", "SIZE" },
	{ "Tag", "TAG" },
	{ "UniqueSize", "UNIQUE SIZE" },
	{ 0 },
};
static const struct listing_field container_fields[] = {
	{ "Command", "COMMAND" },
	{ "CreatedAt", "CREATED AT" },
	{ "ID", "CONTAINER ID" },
	{ "Image", "IMAGE" },
	{ "LocalVolumes", "LOCAL VOLUMES" },
	{ "Names", "NAMES" },
	{ "RunningFor", "CREATED" },
	{ "Size", "SIZE" },
	{ "State", "STATE" },
	{ "Status", "STATUS" },
	{ 0 },
};
static const struct listing_field volume_fields[] = {
	{ "Links", "LINKS" },
	{ "Name", "VOLUME NAME" },
	{ "Size", "SIZE" },
	{ 0 },
};
static const struct listing_field cache_fields[] = {
	{ "CacheType", "CACHE TYPE" }, { "CreatedSince", "CREATED" },
	{ "ID", "CACHE ID" },          { "LastUsedSince", "LAST USED" },
	{ "Shared", "SHARED" },        { "Size", "SIZE" },
	{ "UsageCount", "USAGE" },     { 0 },
};

enum { IMAGES, CONTAINERS, VOLUMES, BUILD_CACHE, N_SECTIONS };

static const struct section {
	const char *name, *title;
	struct listing_kind kind;
} sections[N_SECTIONS] = {
	{ "Images",
	  "Images space usage:",
	  { image_fields,
	    "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}" } },
	{ "Containers",
	  "\nContainers space usage:",
	  { container_fields,
	    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}" } },
	{ "Volumes",
	  "\nLocal Volumes space usage:",
	  { volume_fields, "{{.Name}}\t{{.Links}}\t{{.Size}}" } },
	{ "BuildCache",
	  "\nBuild cache usage: 0B",
	  { cache_fields,
	    "{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}" } },
};

/* The rows go into four tables, or into one document that a template gets as a whole. */
struct verbose {
	struct listing *tables[N_SECTIONS]; /* NULL: the document is wanted */
	yyjson_mut_doc *doc;
	yyjson_mut_val *lists[N_SECTIONS];
};

static void verbose_free(struct verbose *v)
{
	for (int i = 0; i < N_SECTIONS; i++)
		listing_free(v->tables[i]);
	yyjson_mut_doc_free(v->doc);
}

static int verbose_init(struct verbose *v, bool as_tables, struct error *err)
{
	v->doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_doc_set_root(v->doc, yyjson_mut_obj(v->doc));
	for (int i = 0; i < N_SECTIONS; i++) {
		v->lists[i] = yyjson_mut_obj_add_arr(v->doc, yyjson_mut_doc_get_root(v->doc),
						     sections[i].name);
		if (as_tables && !(v->tables[i] = listing_new(&sections[i].kind, NULL, err)))
			return -1;
	}
	return 0;
}

static void verbose_row(struct verbose *v, int section, const char *const *values)
{
	const struct listing_field *fields = sections[section].kind.fields;
	yyjson_mut_val *row;

	if (v->tables[section]) {
		listing_row(v->tables[section], values, NULL);
		return;
	}
	row = yyjson_mut_arr_add_obj(v->doc, v->lists[section]);
	for (size_t i = 0; fields[i].name; i++)
		yyjson_mut_obj_add_strcpy(v->doc, row, fields[i].name, values[i]);
}

static void add_image(struct verbose *v, const struct image_usage *u, bool whole)
{
	struct strbuf ago autostrbuf = STRBUF_INIT;
	char *containers autofree = str_format("%zu", u->containers);
	char id[DIGEST_TEXT_MAX], size[HUMAN_MAX], shared[HUMAN_MAX], unique[HUMAN_MAX],
		created[TIME_TEXT_MAX];

	if (u->has_created)
		container_text_ago(u->created, &ago);
	else
		strbuf_puts(&ago, "N/A");
	digest_text(&u->id, id);
	if (!whole)
		memmove(id, id + strlen("sha256:"), 12), id[12] = '\0';
	verbose_row(v, IMAGES,
		    (const char *const[]){
			    containers, u->has_created ? time_text(u->created, created) : "N/A",
			    ago.data, id, u->repository ? u->repository : "<none>",
			    human_total(u->shared, shared), human_size(u->size, size),
			    u->tag ? u->tag : "<none>", human_total(u->size - u->shared, unique) });
}

static void add_container(struct verbose *v, const struct container *c, uint64_t bytes,
			  const struct tags *tags, bool whole)
{
	struct strbuf command autostrbuf = STRBUF_INIT, image autostrbuf = STRBUF_INIT,
			      ago autostrbuf = STRBUF_INIT, status autostrbuf = STRBUF_INIT,
			      mounts autostrbuf = STRBUF_INIT;
	char *volumes autofree =
		str_format("%zu", container_text_mounts(&c->config.host, whole, &mounts));
	char id[ID_LEN + 1], size[HUMAN_MAX], created[TIME_TEXT_MAX];

	snprintf(id, sizeof(id), "%.*s", whole ? ID_LEN : 12, c->config.id);
	container_text_command(&c->config, whole, &command);
	container_text_image(&c->config, tags, &image);
	container_text_ago(c->config.created, &ago);
	container_text_status(&c->state, &status);
	verbose_row(v, CONTAINERS,
		    (const char *const[]){ command.data, time_text(c->config.created, created), id,
					   image.data, volumes, c->config.name, ago.data,
					   human_size(bytes, size), state_name(&c->state),
					   status.data });
}

static void add_volume(struct verbose *v, const struct volume *volume, size_t links, uint64_t bytes)
{
	char *count autofree = str_format("%zu", links);
	char size[HUMAN_MAX];

	verbose_row(v, VOLUMES,
		    (const char *const[]){ count, volume->name, human_size(bytes, size) });
}

static int print_tables(struct verbose *v, struct error *err)
{
	struct strbuf out autostrbuf = STRBUF_INIT;

	for (int i = 0; i < N_SECTIONS; i++) {
		strbuf_printf(&out, "%s\n\n", sections[i].title);
		if (listing_print(v->tables[i], &out, err) < 0)
			return -1;
	}
	fwrite(out.data, 1, out.len, stdout);
	return 0;
}

static int print_document(const struct verbose *v, const char *format, struct error *err)
{
	char *text autofree =
		listing_template_text(strcmp(format, "json") == 0 ? "{{json .}}" : format);
	struct template *t autotemplate = template_parse(text, err);
	yyjson_doc *doc autojson = NULL;
	struct strbuf out autostrbuf = STRBUF_INIT;

	if (!t)
		return error_prefix(err, "template parsing error");
	doc = yyjson_mut_doc_imut_copy(v->doc, NULL);
	if (template_run(t, yyjson_doc_get_root(doc), &out, err) < 0)
		return -1;
	strbuf_putc(&out, '\n');
	fwrite(out.data, 1, out.len, stdout);
	return 0;
}

/* ---- What there is */

/* Adds up containers, and lists them if v. */
static int sum_containers(const struct store *st, struct verbose *v, bool whole, struct sum *out,
			  struct error *err)
{
	struct tags tags autotags = TAGS_INIT;
	struct container *list;
	size_t n;

	if (tags_read(st, &tags, err) < 0 || container_list(st, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bool running = list[i].state.status == STATUS_RUNNING;
		uint64_t size = 0;

		/* One whose layer is being taken away at this moment has no size. */
		(void)container_size(st, list[i].config.id, &size, NULL);
		out->total++;
		out->active += running;
		out->size += size;
		out->reclaimable += running ? 0 : size;
		if (v)
			add_container(v, &list[i], size, &tags, whole);
	}
	container_list_free(list, n);
	return 0;
}

/* The same for volumes. */
static int sum_volumes(const struct store *st, struct verbose *v, struct sum *out,
		       struct error *err)
{
	struct volume_uses uses autovolumeuses = VOLUME_USES_INIT;
	struct volume *list;
	size_t n;

	if (volume_uses_read(st, &uses, err) < 0 || volume_list(st, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t links = volume_uses_count(&uses, list[i].name);
		uint64_t size = 0;

		(void)volume_size(st, list[i].name, &size, NULL);
		out->total++;
		out->active += links > 0;
		out->size += size;
		out->reclaimable += links ? 0 : size;
		if (v)
			add_volume(v, &list[i], links, size);
	}
	volume_list_free(list, n);
	return 0;
}

static int df(const struct command_context *ctx, const char *format, struct error *err)
{
	struct images_usage images autoimagesusage = IMAGES_USAGE_INIT;
	struct sum containers = { 0 }, volumes = { 0 };

	if (images_usage(ctx->store, ctx->image_users, &images, err) < 0 ||
	    sum_containers(ctx->store, NULL, false, &containers, err) < 0 ||
	    sum_volumes(ctx->store, NULL, &volumes, err) < 0)
		return -1;
	return print_sums(&images, &containers, &volumes, format, err);
}

static int df_verbose(const struct command_context *ctx, const char *format, struct error *err)
{
	__attribute__((cleanup(verbose_free))) struct verbose v = { 0 };
	struct images_usage images autoimagesusage = IMAGES_USAGE_INIT;
	bool as_tables = !format || !*format || strcmp(format, "table") == 0;
	struct sum containers = { 0 }, volumes = { 0 };

	if (verbose_init(&v, as_tables, err) < 0 ||
	    images_usage(ctx->store, ctx->image_users, &images, err) < 0)
		return -1;
	for (size_t i = 0; i < images.n; i++)
		add_image(&v, &images.items[i], !as_tables);
	if (sum_containers(ctx->store, &v, !as_tables, &containers, err) < 0 ||
	    sum_volumes(ctx->store, &v, &volumes, err) < 0)
		return -1;
	return as_tables ? print_tables(&v, err) : print_document(&v, format, err);
}

int cmd_system_df(struct command_context *ctx, int argc, char **argv)
{
	const char *format = NULL;
	bool verbose = false;
	const struct cli_option options[] = {
		{ "format", 0, CLI_STRING, &format, "string",
		  "Format output using a custom template: 'table', 'table TEMPLATE', 'json' or a Go template" },
		{ "verbose", 'v', CLI_BOOL, &verbose, NULL,
		  "Show detailed information on space usage" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "system df [OPTIONS]",
		.summary = "Show disk usage",
		.options = options,
		.options_anywhere = true,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if ((verbose ? df_verbose : df)(ctx, format, &err) < 0)
		return command_fail(&err);
	return command_done(0);
}
