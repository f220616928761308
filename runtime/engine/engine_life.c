/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flags of `run` about a container's life, its log and its names in the DNS. */
#include "runtime/engine/engine_private.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"

#define LOG_FILES_MAX 256
#define MILLISECOND   INT64_C(1000000) /* in nanoseconds; no health check is faster */

/* ---- Health checks */

struct span {
	const char *word, *flag, *name;
	int64_t *to;
};

static int parse_span(const struct span *s, struct error *err)
{
	const char *word = s->word;

	if (!word || strcmp(word, "0") == 0)
		return 0;
	if (time_span(word + (*word == '-' || *word == '+'), s->to) < 0)
		return flag_error(err, word, s->flag, "time: invalid duration \"%s\"", word);
	if (*word == '-' && *s->to)
		return error_set(err, EINVAL, "%s cannot be negative", s->flag);
	if (*s->to && *s->to < MILLISECOND)
		return error_set(err, EINVAL, "%s in Healthcheck cannot be less than 1ms", s->name);
	return 0;
}

/* What was not typed is as the image has it, member by member. */
static int health(const struct engine_request *r, struct image_healthcheck *check,
		  struct error *err)
{
	struct image_healthcheck typed = { 0 };
	const struct span spans[] = {
		{ r->health_interval, "--health-interval", "Interval", &typed.interval },
		{ r->health_timeout, "--health-timeout", "Timeout", &typed.timeout },
		{ r->health_start_period, "--health-start-period", "StartPeriod",
		  &typed.start_period },
		{ r->health_start_interval, "--health-start-interval", "StartInterval",
		  &typed.start_interval },
	};
	bool any = (r->health_cmd && *r->health_cmd) || r->health_retries;

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		if (parse_span(&spans[i], err) < 0)
			return -1;
		any |= *spans[i].to != 0;
	}
	if (r->no_health && any)
		return error_set(err, EINVAL, "--no-healthcheck conflicts with --health-* options");
	if (r->health_retries < 0)
		return error_set(err, EINVAL, "--health-retries cannot be negative");
	if (r->no_health || (r->health_cmd && *r->health_cmd)) {
		strv_free(&check->test);
		strv_add(&check->test, r->no_health ? "NONE" : "CMD-SHELL");
	}
	if (r->health_cmd && *r->health_cmd)
		strv_add(&check->test, r->health_cmd);
	if (r->no_health)
		check->interval = check->timeout = check->start_period = check->start_interval =
			check->retries = 0;
	check->interval = typed.interval ? typed.interval : check->interval;
	check->timeout = typed.timeout ? typed.timeout : check->timeout;
	check->start_period = typed.start_period ? typed.start_period : check->start_period;
	check->start_interval = typed.start_interval ? typed.start_interval : check->start_interval;
	check->retries = r->health_retries ? r->health_retries : check->retries;
	return 0;
}

/* ---- The log */

/* "10m": in powers of a thousand, as Docker reads this one (go-units' FromHumanSize). */
static int decimal_size(const char *text, int64_t *out)
{
	static const char units[] = "kmgtp";
	const char *unit;
	double value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	value = strtod(text, &end);
	if (*end == ' ')
		end++;
	unit = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;
	for (const char *u = units; unit && u <= unit; u++)
		value *= 1000;
	end += unit != NULL;
	if (unit && (*end == 'i' || *end == 'I'))
		end++;
	end += *end == 'b' || *end == 'B';
	if (*end || !(value < 9e18))
		return -1;
	*out = (int64_t)value;
	return 0;
}

static int log_option(const char *word, struct host_config *h, struct error *err)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : strlen(word);
	unsigned long long files;

	value = value ? value + 1 : "";
	if (len == strlen("max-size") && str_starts(word, "max-size")) {
		if (decimal_size(value, &h->log_max_size) < 0)
			return error_set(err, EINVAL, "invalid size: '%s'", value);
		if (h->log_max_size <= 0)
			return error_set(err, EINVAL, "max-size must be a positive number");
	} else if (len == strlen("max-file") && str_starts(word, "max-file")) {
		if (str_to_u64(value, INT_MAX, &files) < 0)
			return error_set(err, EINVAL,
					 "strconv.Atoi: parsing \"%s\": invalid syntax", value);
		if (files < 1)
			return error_set(err, EINVAL, "max-file cannot be less than 1");
		if (files > LOG_FILES_MAX)
			return error_set(err, EINVAL, "max-file cannot be more than %d",
					 LOG_FILES_MAX);
		h->log_max_file = (unsigned int)files;
	} else {
		return error_set(err, EINVAL, "unknown log opt '%.*s' for json-file log driver",
				 (int)(len > 100 ? 100 : len), word);
	}
	strv_env_set(&h->log_opts, word);
	return 0;
}

static int log_flags(const struct engine_request *r, struct host_config *h, struct error *err)
{
	const char *driver = r->log_driver ? r->log_driver : "";

	if (*driver && !str_in_list(driver, "json-file,none"))
		return error_set(err, EINVAL, "logger: no log driver named '%s' is registered",
				 driver);
	if (strcmp(driver, "none") == 0 && r->log_opts.len)
		return error_set(err, EINVAL, "invalid logging opts for driver none");
	for (size_t i = 0; i < r->log_opts.len; i++)
		if (log_option(r->log_opts.items[i], h, err) < 0)
			return -1;
	if (h->log_max_file > 1 && !h->log_max_size)
		return error_set(err, EINVAL,
				 "max-file needs max-size: a log without end is one "
				 "file");
	if (*driver)
		h->log_driver = xstrdup(driver);
	return 0;
}

/* ---- The rest of its life */

static bool is_here(const char *platform)
{
	return str_in_list(platform, "linux/amd64,linux/x86_64,linux/x86-64,linux,amd64,x86_64");
}

static int machine_flags(const struct engine_request *r, struct error *err)
{
	if (r->runtime && *r->runtime && strcmp(r->runtime, "knarr") != 0)
		return error_set(err, EINVAL, "unknown or invalid runtime name: %s", r->runtime);
	if (r->isolation && *r->isolation && strcasecmp(r->isolation, "default") != 0)
		return error_set(err, EINVAL,
				 "invalid isolation (%s): linux only supports 'default'",
				 r->isolation);
	if (r->platform && *r->platform && !is_here(r->platform))
		return error_set(err, EINVAL,
				 "image with reference %s was found but its platform (linux/amd64) "
				 "does not match the specified platform (%s)",
				 r->image, r->platform);
	if (r->storage_opts.len)
		return error_set(err, EINVAL,
				 "--storage-opt is supported only for overlay over xfs with "
				 "'pquota' mount option");
	if (r->volume_driver && *r->volume_driver && strcmp(r->volume_driver, "local") != 0)
		return error_set(err, EINVAL,
				 "error looking up volume plugin %s: plugin \"%s\" not found",
				 r->volume_driver, r->volume_driver);
	return 0;
}

int engine_life(const struct engine_request *r, struct container_config *config, struct error *err)
{
	struct host_config *h = &config->host;

	if (r->restart && restart_policy_parse(r->restart, &h->restart, &h->restart_max, err) < 0)
		return -1;
	if (r->auto_remove && h->restart != RESTART_NO)
		return error_set(err, EINVAL,
				 "conflicting options: cannot specify both --restart and --rm");
	if (log_flags(r, h, err) < 0 || health(r, &config->run.healthcheck, err) < 0 ||
	    machine_flags(r, err) < 0)
		return -1;
	/* Less than none is without end. */
	if (r->stop_timeout != LIMIT_UNTYPED)
		h->stop_timeout = r->stop_timeout < 0 || r->stop_timeout > INT_MAX
					  ? INT_MAX
					  : (int)r->stop_timeout;
	for (size_t i = 0; i < r->annotations.len; i++) {
		if (!*r->annotations.items[i] || *r->annotations.items[i] == '=')
			return error_set(
				err, EINVAL,
				"invalid Annotations: the empty string is not permitted as an "
				"annotation key");
		if (strchr(r->annotations.items[i], '=')) {
			strv_env_set(&h->annotations, r->annotations.items[i]);
			continue;
		}
		autofree char *whole = str_format("%s=", r->annotations.items[i]);
		strv_env_set(&h->annotations, whole);
	}
	if (r->cid_file && *r->cid_file)
		h->cid_file = xstrdup(r->cid_file);
	h->init = r->init;
	return 0;
}

/* ---- Names */

/* Appends the address to list, as inet_ntop(3) writes it. */
static int add_address(const char *word, struct strv *list)
{
	size_t space = strspn(word, " \t");
	autofree char *text = xstrdup(word + space);
	unsigned char bytes[16];
	char canonical[INET6_ADDRSTRLEN];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	for (size_t len = strlen(text); len && strchr(" \t", text[len - 1]);)
		text[--len] = '\0';
	if (inet_pton(family, text, bytes) != 1 ||
	    !inet_ntop(family, bytes, canonical, sizeof(canonical)))
		return -1;
	if (list)
		strv_add(list, canonical);
	return 0;
}

/* Labels of letters, digits and inner hyphens; one letter at least. */
static bool domain_valid(const char *name, size_t len)
{
	bool letter = false;

	for (size_t i = 0; i < len; i++) {
		bool edge = i == 0 || i + 1 == len || name[i - 1] == '.' || name[i + 1] == '.';

		if (isalpha((unsigned char)name[i]))
			letter = true;
		else if (name[i] == '.' || name[i] == '-' ? edge : !isdigit((unsigned char)name[i]))
			return false;
	}
	return letter && len < 255;
}

static int add_search(const char *word, struct strv *list, struct error *err)
{
	size_t start = strspn(word, " "), len = strlen(word + start);

	while (len && word[start + len - 1] == ' ')
		len--;
	if (len > 1 && word[start + len - 1] == '.')
		len--;
	if (!(len == 1 && word[start] == '.') && !domain_valid(word + start, len))
		return flag_error(err, word, "--dns-search", "%s is not a valid domain", word);
	strv_take(list, xstrndup(word + start, len));
	return 0;
}

/* name=address or name:address. */
static int add_host(const char *word, struct strv *list, struct error *err)
{
	size_t name = strcspn(word, "=");
	const char *address;
	size_t len;

	if (!word[name])
		name = strcspn(word, ":");
	if (!word[name] || !name || memchr(word, ':', name))
		return flag_error(err, word, "--add-host", "bad format for add-host: \"%s\"", word);
	address = word + name + 1;
	len = strlen(address);
	if (strcmp(address, "host-gateway") == 0)
		return error_set(
			err, EINVAL,
			"unable to derive the IP value for host-gateway: a container has no "
			"network of its own yet");

	bool brackets = len > 2 && address[0] == '[' && address[len - 1] == ']';
	autofree char *plain = xstrndup(address + brackets, len - (brackets ? 2 : 0));

	if (add_address(plain, NULL) < 0)
		return flag_error(err, word, "--add-host", "invalid IP address in add-host: \"%s\"",
				  plain);
	strv_addf(list, "%.*s:%s", (int)name, word, plain);
	return 0;
}

int engine_names(const struct engine_request *r, struct host_config *h, struct error *err)
{
	for (size_t i = 0; i < r->dns.len; i++)
		if (add_address(r->dns.items[i], &h->dns) < 0)
			return flag_error(err, r->dns.items[i], "--dns",
					  "IP address is not correctly formatted: %s",
					  r->dns.items[i]);
	for (size_t i = 0; i < r->dns_search.len; i++)
		if (add_search(r->dns_search.items[i], &h->dns_search, err) < 0)
			return -1;
	strv_extend(&h->dns_options, &r->dns_options);
	for (size_t i = 0; i < r->extra_hosts.len; i++)
		if (add_host(r->extra_hosts.items[i], &h->extra_hosts, err) < 0)
			return -1;
	if (r->domainname && strlen(r->domainname) > 64)
		return error_set(err, EINVAL, "domainname \"%s\" is too long (maximum 64 bytes)",
				 r->domainname);
	if (r->domainname && *r->domainname)
		h->domainname = xstrdup(r->domainname);
	return 0;
}
