/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar, after the distribution project's reference package:
 *
 *     name      = [domain "/"] component *("/" component)     the components at most 255 bytes
 *     domain    = host [":" port];  host = label *("." label), or an IPv6 address in brackets
 *     component = run *(separator run);  run = 1*[a-z0-9];  separator = "." / "_" / "__" / 1*"-"
 *     tag       = [A-Za-z0-9_] followed by at most 127 of [A-Za-z0-9_.-]
 *
 * The first part counts as a domain only if it has a dot or a colon, is "localhost", or has upper case in it. */
#include "image-tools/reference.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/str.h"

#define DEFAULT_DOMAIN "docker.io"
#define DEFAULT_FOLDER "library"
#define NAME_MAX_BYTES 255
#define TAG_MAX_BYTES  128

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || is_upper(c);
}

static bool has_upper(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (is_upper(s[i]))
			return true;
	return false;
}

static bool valid_component(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && is_lower_alnum(s[i])) {
		size_t sep;

		while (i < len && is_lower_alnum(s[i]))
			i++;
		if (i == len)
			return true;
		sep = i;
		if (s[i] == '-') {
			while (i < len && s[i] == '-')
				i++;
		} else if (s[i] == '.') {
			i++;
		} else {
			while (i < len && s[i] == '_' && i - sep < 2)
				i++;
		}
		if (i == sep)
			return false;
	}
	return false;
}

static bool valid_port(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return len > 0;
}

/* What stands between the brackets of an IPv6 address; whether it is one is the resolver's matter. */
static bool valid_ipv6(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("0123456789abcdefABCDEF:", s[i]))
			return false;
	return len > 0;
}

static bool valid_domain(const char *s, size_t len)
{
	size_t i = 0;

	if (len && s[0] == '[') {
		const char *end = memchr(s, ']', len);

		if (!end || !valid_ipv6(s + 1, (size_t)(end - s) - 1))
			return false;
		i = (size_t)(end - s) + 1;
	} else {
		for (;;) {
			size_t start = i;

			while (i < len && (is_alnum(s[i]) || s[i] == '-'))
				i++;
			if (i == start || s[start] == '-' || s[i - 1] == '-')
				return false;
			if (i == len || s[i] != '.')
				break;
			i++;
		}
	}
	return i == len || (s[i] == ':' && valid_port(s + i + 1, len - i - 1));
}

static bool valid_tag(const char *s)
{
	size_t len = strlen(s);

	if (!len || len > TAG_MAX_BYTES || !(is_alnum(*s) || *s == '_'))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_alnum(s[i]) && !strchr("_.-", s[i]))
			return false;
	return true;
}

static bool valid_path(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, "/");

		if (!valid_component(s, len))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

/* Whether name's first part is a domain; *len becomes its length. */
static bool starts_with_domain(const char *name, size_t *len)
{
	*len = strcspn(name, "/");
	if (!name[*len])
		return false;
	return memchr(name, '.', *len) || memchr(name, ':', *len) ||
	       (*len == strlen("localhost") && memcmp(name, "localhost", *len) == 0) ||
	       has_upper(name, *len);
}

/* The whole repository behind a name without tag and digest, or NULL. */
static char *whole_repository(const char *name)
{
	size_t len;
	const char *path;

	if (!starts_with_domain(name, &len)) {
		if (!valid_path(name))
			return NULL;
		return str_format(DEFAULT_DOMAIN "/%s%s",
				  strchr(name, '/') ? "" : DEFAULT_FOLDER "/", name);
	}
	path = name + len + 1;
	if (!valid_domain(name, len) || !valid_path(path))
		return NULL;
	if ((len == strlen(DEFAULT_DOMAIN) && memcmp(name, DEFAULT_DOMAIN, len) == 0) ||
	    (len == strlen("index." DEFAULT_DOMAIN) &&
	     memcmp(name, "index." DEFAULT_DOMAIN, len) == 0))
		return str_format(DEFAULT_DOMAIN "/%s%s",
				  strchr(path, '/') ? "" : DEFAULT_FOLDER "/", path);
	return xstrdup(name);
}

int reference_parse(const char *text, struct reference *out, struct error *err)
{
	struct reference ref autoreference = REFERENCE_INIT;
	char *name autofree = xstrdup(text);
	char *at, *colon;
	struct digest id;
	size_t domain;

	at = strchr(name, '@');
	if (at) {
		*at = '\0';
		if (digest_from_text(at + 1, &ref.digest, err) < 0)
			return error_prefix(err, "invalid reference format: \"%.200s\"", text);
		ref.has_digest = true;
	}
	/* A colon behind the last slash starts the tag; one before it stands in front of a port. */
	colon = strrchr(name, ':');
	if (colon && !strchr(colon, '/')) {
		*colon = '\0';
		if (!valid_tag(colon + 1))
			return error_set(err, EINVAL,
					 "invalid reference format: \"%.200s\" has no valid tag",
					 text);
		ref.tag = xstrdup(colon + 1);
	}
	if (digest_from_hex(name, &id) == 0)
		return error_set(
			err, EINVAL,
			"invalid reference format: 64 hexadecimal digits are an image's ID, not a name");
	ref.repository = whole_repository(name);
	if (!ref.repository) {
		const char *path = starts_with_domain(name, &domain) ? name + domain + 1 : name;

		if (has_upper(path, strlen(path)))
			return error_set(
				err, EINVAL,
				"invalid reference format: repository name (%.200s) must be lowercase",
				name);
		return error_set(err, EINVAL, "invalid reference format: \"%.200s\"", text);
	}
	domain = strcspn(ref.repository, "/");
	if (domain > NAME_MAX_BYTES || strlen(ref.repository) - domain - 1 > NAME_MAX_BYTES)
		return error_set(err, EINVAL,
				 "invalid reference format: a repository name has at most %d bytes",
				 NAME_MAX_BYTES);
	*out = ref;
	ref = (struct reference)REFERENCE_INIT;
	return 0;
}

void reference_default_tag(struct reference *ref)
{
	if (!ref->tag && !ref->has_digest)
		ref->tag = xstrdup("latest");
}

const char *reference_familiar(const struct reference *ref)
{
	const char *path = ref->repository;

	if (!str_starts(path, DEFAULT_DOMAIN "/"))
		return path;
	path += strlen(DEFAULT_DOMAIN "/");
	if (str_starts(path, DEFAULT_FOLDER "/") && !strchr(path + strlen(DEFAULT_FOLDER "/"), '/'))
		path += strlen(DEFAULT_FOLDER "/");
	return path;
}

char *reference_text(const struct reference *ref, bool familiar)
{
	struct strbuf b = STRBUF_INIT;
	char digest[DIGEST_TEXT_MAX];

	strbuf_puts(&b, familiar ? reference_familiar(ref) : ref->repository);
	if (ref->tag)
		strbuf_printf(&b, ":%s", ref->tag);
	if (ref->has_digest)
		strbuf_printf(&b, "@%s", digest_text(&ref->digest, digest));
	return strbuf_steal(&b);
}

void reference_free(struct reference *ref)
{
	free(ref->repository);
	free(ref->tag);
	*ref = (struct reference)REFERENCE_INIT;
}
