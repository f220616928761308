/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/removal.h"

#include <sys/file.h>

#include "image-tools/layer_uses.h"
#include "image-tools/prune.h"
#include "image-tools/tags.h"
#include "tests/unit/maketar.h"

/* The containers there are, as image_users_fn tells of them. */
static struct image_user containers[4];
static size_t n_containers;

static int users_of(const struct store *st, struct image_users *out, struct error *err)
{
	(void)st;
	(void)err;
	*out = (struct image_users){ xcalloc(4, sizeof(*out->items)), n_containers };
	for (size_t i = 0; i < n_containers; i++) {
		out->items[i] = containers[i];
		out->items[i].name = xstrdup("web");
	}
	return 0;
}

static void add_container(const struct digest *image, bool running)
{
	struct image_user *u = &containers[n_containers++];

	*u = (struct image_user){ .image = *image, .running = running };
	memset(u->id, 'c', 64);
}

static int setup(void **state)
{
	n_containers = 0;
	return store_setup(state);
}

/* An image of these layers, lowest first, ended by NULL. */
static struct digest put_image(const char *created, const char *labels, ...)
{
	autostrbuf struct strbuf json = STRBUF_INIT;
	struct error err = ERROR_INIT;
	autoclose int lock = store_lock(scratch_store, LOCK_EX, &err);
	const struct digest *layer;
	const char *comma = "";
	struct digest id;
	va_list ap;

	strbuf_printf(
		&json,
		"{\"created\":\"%s\",\"config\":{\"Labels\":{%s}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
		created, labels);
	va_start(ap, labels);
	while ((layer = va_arg(ap, const struct digest *))) {
		char text[DIGEST_TEXT_MAX];

		strbuf_printf(&json, "%s\"%s\"", comma, digest_text(layer, text));
		comma = ",";
	}
	va_end(ap);
	strbuf_puts(&json, "]}}");
	if (image_put(scratch_store, json.data, json.len, &id, &err) < 0)
		fail_msg("%s", err.message);
	return id;
}

static void name(const char *text, const struct digest *id)
{
	autoreference struct reference ref = REFERENCE_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(reference_parse(text, &ref, &err), 0);
	reference_default_tag(&ref);
	assert_int_equal(tags_set(scratch_store, &ref, id, &err), 0);
}

static const char *hex(const struct digest *d)
{
	static char buf[4][DIGEST_HEX_MAX];
	static unsigned at;

	return digest_hex(d, buf[at++ % 4]);
}

static bool has_layer(const struct digest *d)
{
	struct layer_info info;
	char file[DIGEST_HEX_MAX + 8];

	strcat(strcpy(file, hex(d)), ".tar");
	return layer_stat(scratch_store, d, &info, NULL) == 0 &&
	       exists(scratch_store->layers_fd, file);
}

static bool has_name(const char *whole)
{
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	return tags_find(&tags, whole);
}

/* What `rmi word` says: "U:web:latest D:<hex> ", or "!" and the error. */
static const char *rmi(const char *word, bool force)
{
	static char said[4096];
	autoremoval struct removal gone = REMOVAL_INIT;
	struct error err = ERROR_INIT;
	int r = removal_of_image(scratch_store, users_of, word, force, &gone, &err);
	size_t n = 0;

	said[0] = '\0';
	for (size_t i = 0; i < gone.n; i++)
		n += (size_t)snprintf(
			said + n, sizeof(said) - n, "%s:%s ", gone.items[i].untagged ? "U" : "D",
			gone.items[i].untagged ? gone.items[i].text : gone.items[i].text + 7);
	if (r < 0)
		snprintf(said + n, sizeof(said) - n, "!%s", err.message);
	return said;
}

static const char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *format(const char *fmt, ...)
{
	static char bufs[4][4096];
	static unsigned at;
	char *buf = bufs[at++ % 4];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(bufs[0]), fmt, ap);
	va_end(ap);
	return buf;
}

static void an_image_goes_with_the_layers_it_alone_used(void **state)
{
	struct digest base = layer_of("f", "base"), one = layer_of("f", "one"),
		      two = layer_of("f", "two");
	struct digest a = put_image("1", "", &base, &one, &two, NULL);
	struct digest b = put_image("2", "", &base, NULL);

	(void)state;
	name("a", &a);
	name("b", &b);
	assert_string_equal(rmi("a", false),
			    format("U:a:latest D:%s D:%s D:%s ", hex(&a), hex(&two), hex(&one)));
	assert_true(has_layer(&base));
	assert_false(has_layer(&one) || has_layer(&two));
	assert_false(image_exists(scratch_store, &a));
	assert_string_equal(rmi("b:latest", false),
			    format("U:b:latest D:%s D:%s ", hex(&b), hex(&base)));
	assert_int_equal(count_names(scratch_store->layers_fd), 0);
	assert_int_equal(count_names(scratch_store->images_fd), 0);
	assert_string_equal(rmi("b", false), "!image \"b\" not found; see 'knarr images'");
}

static void a_layer_named_twice_goes_once(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image("1", "", &layer, &layer, NULL);

	(void)state;
	assert_string_equal(rmi(hex(&id), false), format("D:%s D:%s ", hex(&id), hex(&layer)));
}

static void one_name_of_several_is_only_untagged(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image("1", "", &layer, NULL);

	(void)state;
	name("a", &id);
	name("h.test/b:2", &id);
	add_container(&id, true); /* other names are left: nobody minds */
	assert_string_equal(rmi("a", false), "U:a:latest ");
	assert_true(image_exists(scratch_store, &id));
	assert_true(has_name("h.test/b:2"));
}

static void by_id_an_image_with_several_names_needs_force(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image("1", "", &layer, NULL);

	(void)state;
	name("a", &id);
	name("b", &id);
	assert_string_equal(
		rmi(format("%.12s", hex(&id)), false),
		format("!conflict: unable to delete %.12s (must be forced) - image is referenced in multiple repositories",
		       hex(&id)));
	assert_true(has_name("docker.io/library/a:latest") &&
		    has_name("docker.io/library/b:latest"));
	assert_string_equal(rmi(format("%.12s", hex(&id)), true),
			    format("U:a:latest U:b:latest D:%s D:%s ", hex(&id), hex(&layer)));
}

static void by_id_one_name_goes_too(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image("1", "", &layer, NULL);
	char text[DIGEST_TEXT_MAX];

	(void)state;
	name("a", &id);
	assert_string_equal(rmi(digest_text(&id, text), false),
			    format("U:a:latest D:%s D:%s ", hex(&id), hex(&layer)));
}

static void containers_keep_their_image(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image("1", "", &layer, NULL);

	(void)state;
	name("a", &id);
	for (int running = 0; running < 2; running++) {
		n_containers = 0;
		add_container(&id, running);
		assert_string_equal(
			rmi("a", false),
			format("!conflict: unable to remove repository reference \"a\" (must force) - container cccccccccccc is using its referenced image %.12s",
			       hex(&id)));
		assert_string_equal(
			rmi(hex(&id), false),
			format("!conflict: unable to delete %.12s (%s be forced) - image is being used by %s container cccccccccccc",
			       hex(&id), running ? "cannot" : "must",
			       running ? "running" : "stopped"));
	}
	assert_string_equal(
		rmi(hex(&id), true),
		format("!conflict: unable to delete %.12s (cannot be forced) - image is being used by running container cccccccccccc",
		       hex(&id)));
	/* By force its name goes; never what the container is made of. */
	assert_string_equal(rmi("a", true), "U:a:latest ");
	assert_true(image_exists(scratch_store, &id) && has_layer(&layer));
	n_containers = 0;
	add_container(&id, false);
	name("b", &id);
	assert_string_equal(rmi(hex(&id), true), "U:b:latest ");
	assert_string_equal(
		rmi(hex(&id), true),
		format("!conflict: unable to delete %.12s (cannot be forced) - image is being used by stopped container cccccccccccc",
		       hex(&id)));
	assert_true(image_exists(scratch_store, &id) && has_layer(&layer));
	n_containers = 0;
	assert_string_equal(rmi(hex(&id), false), format("D:%s D:%s ", hex(&id), hex(&layer)));
}

static void a_name_that_is_an_ids_beginning_is_a_name(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image("1", "", &layer, NULL);
	struct digest other = put_image("2", "", &layer, NULL);
	char prefix[8];

	(void)state;
	snprintf(prefix, sizeof(prefix), "%.7s", hex(&id));
	name(prefix, &other);
	assert_string_equal(rmi(prefix, false), format("U:%s:latest D:%s ", prefix, hex(&other)));
	assert_string_equal(rmi(prefix, false), format("D:%s D:%s ", hex(&id), hex(&layer)));
}

static void a_layer_that_is_held_stays_for_the_next_prune(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image("1", "", &layer, NULL);
	const struct prune_filter none = PRUNE_FILTER_INIT;
	struct error err = ERROR_INIT;
	autofree char *path = str_format("layers/%s.lock", hex(&layer));
	int lock;

	(void)state;
	mkdirat(scratch_store->run_fd, "layers", 0700);
	lock = openat(scratch_store->run_fd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fs_lock(lock, LOCK_SH), 0);
	assert_true(layer_is_held(scratch_store, &layer));
	assert_string_equal(rmi(hex(&id), false), format("D:%s ", hex(&id)));
	assert_true(has_layer(&layer));
	close(lock);
	assert_false(layer_is_held(scratch_store, &layer));
	autoremoval struct removal gone = REMOVAL_INIT;
	assert_int_equal(prune_images(scratch_store, users_of, &none, false, &gone, &err), 0);
	assert_int_equal(gone.n, 1);
	assert_int_equal(gone.reclaimed, 1);
	assert_false(has_layer(&layer));
}

static void damage(const struct digest *id)
{
	autofree char *file = str_format("%s.json", hex(id));

	put_file(scratch_store->images_fd, file, "{}");
}

static void while_an_image_is_damaged_layers_stay(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image("1", "", &layer, NULL);
	struct digest bad = put_image("2", "", &layer, NULL);
	autoremoval struct removal gone = REMOVAL_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	damage(&bad);
	assert_int_equal(removal_of_image(scratch_store, users_of, hex(&id), false, &gone, &err),
			 0);
	assert_true(gone.kept && digest_equal(&gone.why, &bad));
	assert_int_equal(gone.n, 1);
	assert_true(has_layer(&layer));
	/* The damaged one can be removed, and then the layer nobody names. */
	assert_string_equal(rmi(hex(&bad), false), format("D:%s ", hex(&bad)));
	removal_free(&gone);
	assert_int_equal(prune_images(scratch_store, users_of,
				      &(struct prune_filter)PRUNE_FILTER_INIT, false, &gone, &err),
			 0);
	assert_int_equal(gone.n, 1);
	assert_false(has_layer(&layer));
}

static void a_name_that_leads_nowhere_can_go(void **state)
{
	struct digest nothing = { { 7 } };

	(void)state;
	name("lost", &nothing);
	assert_string_equal(rmi("lost", false), "U:lost:latest ");
	assert_false(has_name("docker.io/library/lost:latest"));
}

/* Which of images are left after a prune, as a mask. */
static unsigned prune(bool all, const struct digest *images, size_t n, const char *filter, ...)
{
	autoprunefilter struct prune_filter f = PRUNE_FILTER_INIT;
	autoremoval struct removal gone = REMOVAL_INIT;
	autostrv struct strv words = STRV_INIT;
	struct error err = ERROR_INIT;
	unsigned left = 0;
	va_list ap;

	va_start(ap, filter);
	for (; filter; filter = va_arg(ap, const char *))
		strv_add(&words, filter);
	va_end(ap);
	if (prune_filter_parse(&words, &f, &err) < 0 ||
	    prune_images(scratch_store, users_of, &f, all, &gone, &err) < 0)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < n; i++)
		left |= (unsigned)image_exists(scratch_store, &images[i]) << i;
	return left;
}

static void prune_takes_what_nobody_needs(void **state)
{
	struct digest layer = layer_of("f", "x"), spare = layer_of("f", "nobody's");
	struct digest ids[4] = {
		put_image("1", "", &layer, NULL),
		put_image("2", "", &layer, NULL),
		put_image("3", "", &layer, NULL),
		put_image("4", "", &layer, NULL),
	};

	(void)state;
	name("named", &ids[0]);
	name("used", &ids[1]);
	add_container(&ids[1], false);
	add_container(&ids[2], true);
	put_file(scratch_store->tmp_fd, "left", "x");
	assert_int_equal(prune(false, ids, 4, NULL), 7);
	assert_false(has_layer(&spare));
	assert_false(exists(scratch_store->tmp_fd, "left"));
	assert_int_equal(prune(true, ids, 4, NULL), 6);
	assert_false(has_name("docker.io/library/named:latest"));
	n_containers = 0;
	assert_int_equal(prune(false, ids, 4, NULL), 2);
	assert_int_equal(prune(true, ids, 4, NULL), 0);
	assert_int_equal(count_names(scratch_store->layers_fd), 0);
}

static void prune_filters(void **state)
{
	struct digest layer = layer_of("f", "x");
	struct digest ids[4] = {
		put_image("2020-01-01T00:00:00Z", "\"a\":\"1\"", &layer, NULL),
		put_image("2021-01-01T00:00:00Z", "\"a\":\"2\",\"b\":\"\"", &layer, NULL),
		put_image("2022-01-01T00:00:00Z", "", &layer, NULL),
		put_image("no time", "\"keep\":\"\"", &layer, NULL),
	};

	(void)state;
	assert_int_equal(prune(false, ids, 4, "label=a=3", NULL), 15);
	assert_int_equal(prune(false, ids, 4, "label=a", "label=b=x", NULL), 15);
	assert_int_equal(prune(false, ids, 4, "until=2019-12-31", NULL), 15);
	assert_int_equal(prune(false, ids, 4, "until=2020-06-01", "label=b", NULL), 15);
	assert_int_equal(prune(false, ids, 4, "label=a", "label=b", NULL), 13);
	assert_int_equal(prune(false, ids, 4, "until=2020-01-01T00:00:00Z", NULL), 12);
	assert_int_equal(prune(false, ids, 4, "until=1s", NULL), 8);
	assert_int_equal(prune(false, ids, 4, "label!=keep", NULL), 8);
	assert_int_equal(prune(false, ids, 4, "label!=other", NULL), 0);
}

static void filters_that_are_none(void **state)
{
	static const char *const bad[] = { "until",   "until=", "until=soon", "label",
					   "Label=x", "",       "=",          "dangling=true" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct prune_filter f = PRUNE_FILTER_INIT;
		autostrv struct strv words = STRV_INIT;
		struct error err = ERROR_INIT;

		strv_add(&words, bad[i]);
		if (prune_filter_parse(&words, &f, &err) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.code, EINVAL);
	}
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_image_goes_with_the_layers_it_alone_used),
		WITH_STORE(a_layer_named_twice_goes_once),
		WITH_STORE(one_name_of_several_is_only_untagged),
		WITH_STORE(by_id_an_image_with_several_names_needs_force),
		WITH_STORE(by_id_one_name_goes_too),
		WITH_STORE(containers_keep_their_image),
		WITH_STORE(a_name_that_is_an_ids_beginning_is_a_name),
		WITH_STORE(a_layer_that_is_held_stays_for_the_next_prune),
		WITH_STORE(while_an_image_is_damaged_layers_stay),
		WITH_STORE(a_name_that_leads_nowhere_can_go),
		WITH_STORE(prune_takes_what_nobody_needs),
		WITH_STORE(prune_filters),
		cmocka_unit_test(filters_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
