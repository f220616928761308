/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tar archives made by hand, header by header, so that tests can get every byte of one wrong; and a store in a scratch
 * folder to put them into. Fields may be changed between tar_header and tar_finish_header. */
#ifndef KNARR_TESTS_UNIT_MAKETAR_H
#define KNARR_TESTS_UNIT_MAKETAR_H

#include <errno.h>
#include <inttypes.h>

#include "image-tools/image.h"
#include "image-tools/layer.h"
#include "image-tools/store.h"
#include "lib/cleanup.h"
#include "lib/str.h"
#include "tests/unit/unit.h"

struct tar_block {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[8], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};

static inline void tar_checksum(struct tar_block *h)
{
	unsigned int sum = 0;

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const uint8_t *)h)[i];
	snprintf(h->checksum, sizeof(h->checksum), "%06o", sum & 0777777);
}

static inline struct tar_block tar_header(char type, const char *name, size_t size)
{
	struct tar_block h;

	memset(&h, 0, sizeof(h));
	strncpy(h.name, name, sizeof(h.name) - 1);
	snprintf(h.mode, sizeof(h.mode), "%07o", type == '5' ? 0755U : 0644U);
	snprintf(h.uid, sizeof(h.uid), "%07o", 0U);
	snprintf(h.gid, sizeof(h.gid), "%07o", 0U);
	snprintf(h.size, sizeof(h.size), "%011llo", (unsigned long long)size & 077777777777);
	snprintf(h.mtime, sizeof(h.mtime), "%011o", 1000000000U);
	h.type = type;
	memcpy(h.magic, "ustar\00000", 8);
	return h;
}

static inline void tar_pad(struct strbuf *b)
{
	while (b->len % 512)
		strbuf_putc(b, '\0');
}

static inline void tar_put_block(struct strbuf *b, struct tar_block h)
{
	tar_checksum(&h);
	strbuf_add(b, &h, sizeof(h));
}

/* An entry with data. */
static inline void tar_put(struct strbuf *b, char type, const char *name, const void *data,
			   size_t len)
{
	tar_put_block(b, tar_header(type, name, len));
	strbuf_add(b, data, len);
	tar_pad(b);
}

static inline void tar_file(struct strbuf *b, const char *name, const char *text)
{
	tar_put(b, '0', name, text, strlen(text));
}

static inline void tar_dir(struct strbuf *b, const char *name)
{
	tar_put(b, '5', name, "", 0);
}

static inline void tar_link(struct strbuf *b, char type, const char *name, const char *target)
{
	struct tar_block h = tar_header(type, name, 0);

	strncpy(h.link, target, sizeof(h.link) - 1);
	tar_put_block(b, h);
}

/* One record of an extended header. */
static inline void pax_add(struct strbuf *b, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;
	char digits[24];

	while (len != rest + (size_t)snprintf(digits, sizeof(digits), "%zu", len))
		len = rest + strlen(digits);
	strbuf_printf(b, "%s %s=%s\n", digits, key, value);
}

/* An extended header with key=value pairs, ended by NULL, for the next entry. */
static inline void tar_pax(struct strbuf *b, ...)
{
	autostrbuf struct strbuf records = STRBUF_INIT;
	const char *key;
	va_list ap;

	va_start(ap, b);
	while ((key = va_arg(ap, const char *)))
		pax_add(&records, key, va_arg(ap, const char *));
	va_end(ap);
	tar_put(b, 'x', "pax", records.data, records.len);
}

static inline void tar_end(struct strbuf *b)
{
	static const char zeros[1024];

	strbuf_add(b, zeros, sizeof(zeros));
}

/* An unnamed file with these bytes, open at its start. */
static inline int file_of(const void *data, size_t len)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	if (len)
		assert_int_equal(write(fd, data, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* A store below the scratch folder. */
static struct store *scratch_store __attribute__((unused));

static inline int store_setup(void **state)
{
	struct error err = ERROR_INIT;
	char root[96];

	if (scratch_setup(state))
		return -1;
	snprintf(root, sizeof(root), "%s/store", scratch_path);
	scratch_store = store_open(root, &err);
	if (!scratch_store)
		fprintf(stderr, "%s\n", err.message);
	return scratch_store ? 0 : -1;
}

/* A layer in it with one file. */
static inline struct digest layer_of(const char *name, const char *text)
{
	struct strbuf b autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct layer_writer *w = layer_create(scratch_store, &err);
	struct layer_info info;

	tar_file(&b, name, text);
	tar_end(&b);
	if (!w || layer_append(w, b.data, b.len, &err) < 0 ||
	    layer_finish(w, NULL, &info, &err) < 0)
		fail_msg("%s", err.message);
	return info.diffid;
}

static inline int store_teardown(void **state)
{
	char *run = xstrdup(scratch_store->run);
	struct error err = ERROR_INIT;

	layer_sweep(scratch_store, &err);
	store_close(scratch_store);
	scratch_store = NULL;
	if (!err.code)
		fs_remove_tree(AT_FDCWD, run, &err);
	free(run);
	if (err.code)
		fprintf(stderr, "%s\n", err.message);
	return scratch_teardown(state) || err.code ? -1 : 0;
}

/* How many names are in a folder of the store, "." and ".." aside. */
static inline int count_names(int dirfd)
{
	autodir DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int n = -2;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	return n;
}

#endif
