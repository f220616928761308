/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/limits.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "lib/str.h"

#define MEMORY_MIN     (INT64_C(6) << 20)
#define NANO           INT64_C(1000000000)
#define PERIOD_DEFAULT 100000 /* microseconds, of the quota that stands for --cpus */

/* ---- Words */

static int bad_word(const char *flag, const char *word, const char *why, struct error *err)
{
	error_set(err, EINVAL, "invalid argument \"%s\" for \"%s\" flag: %s", word, flag, why);
	return error_status(err, 125);
}

static int parse_size(const char *flag, const char *word, bool or_unlimited, int64_t *out,
		      struct error *err)
{
	if (!word)
		return 0;
	if (or_unlimited && strcmp(word, "-1") == 0) {
		*out = RESOURCE_UNLIMITED;
		return 0;
	}
	if (human_parse_size(word, out) == 0)
		return 0;
	autofree char *why = str_format("invalid size: '%s'", word);
	return bad_word(flag, word, why, err);
}

/* "1.5" as thousand-millionths. */
static int parse_cpus(const char *word, int64_t *nano, struct error *err)
{
	static const char flag[] = "--cpus";
	int64_t value = 0, unit = NANO;
	const char *c = word;

	if (!word)
		return 0;
	for (; isdigit((unsigned char)*c); c++) {
		if (value > INT64_MAX / NANO / 10 - 1)
			return bad_word(flag, word, "number too large", err);
		value = value * 10 + (*c - '0');
	}
	value *= NANO;
	if (*c == '.')
		for (c++; isdigit((unsigned char)*c); c++) {
			unit /= 10;
			if (!unit && *c != '0')
				return bad_word(flag, word, "value is too precise", err);
			value += unit * (*c - '0');
		}
	if (*c || !isdigit((unsigned char)c[c > word ? -1 : 0])) {
		autofree char *why = str_format("failed to parse %s as a rational number", word);
		return bad_word(flag, word, why, err);
	}
	*nano = value;
	return 0;
}

static void set_number(int64_t *out, long typed)
{
	if (typed != LIMIT_UNTYPED)
		*out = typed;
}

static void set_text(char **out, const char *typed)
{
	if (!typed)
		return;
	free(*out);
	*out = xstrdup(typed);
}

int limits_parse(const struct limit_words *w, struct resources *r, int64_t *nano_cpus,
		 struct error *err)
{
	if (parse_size("-m, --memory", w->memory, false, &r->memory, err) < 0 ||
	    parse_size("--memory-swap", w->memory_swap, true, &r->memory_swap, err) < 0 ||
	    parse_size("--memory-reservation", w->memory_reservation, false, &r->memory_reservation,
		       err) < 0 ||
	    parse_cpus(w->cpus, nano_cpus, err) < 0)
		return -1;
	set_number(&r->cpu_shares, w->cpu_shares);
	set_number(&r->cpu_period, w->cpu_period);
	set_number(&r->cpu_quota, w->cpu_quota);
	set_number(&r->pids, w->pids);
	set_number(&r->blkio_weight, w->blkio_weight);
	set_text(&r->cpuset_cpus, w->cpuset_cpus);
	set_text(&r->cpuset_mems, w->cpuset_mems);
	return 0;
}

/* ---- Checks */

static bool given(int64_t value)
{
	return value != RESOURCE_UNSET && value != 0;
}

static int check_memory(const struct resources *r, bool update, struct error *err)
{
	if (given(r->memory) && r->memory < MEMORY_MIN)
		return error_set(err, EINVAL, "Minimum memory limit allowed is 6MB");
	if (r->memory > 0 && r->memory_swap > 0 && r->memory_swap < r->memory)
		return error_set(
			err, EINVAL,
			"Minimum memoryswap limit should be larger than memory limit, see usage");
	if (!given(r->memory) && r->memory_swap > 0 && !update)
		return error_set(
			err, EINVAL,
			"You should always set the Memory limit when using Memoryswap limit, see usage");
	if (given(r->memory_reservation) && r->memory_reservation < MEMORY_MIN)
		return error_set(err, EINVAL, "Minimum memory reservation allowed is 6MB");
	if (r->memory > 0 && r->memory_reservation > 0 && r->memory < r->memory_reservation)
		return error_set(
			err, EINVAL,
			"Minimum memory limit can not be less than memory reservation limit, see usage");
	return 0;
}

static int check_cpu(const struct resources *r, int64_t nano_cpus, struct error *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (nano_cpus > 0 && given(r->cpu_period))
		return error_set(
			err, EINVAL,
			"Conflicting options: Nano CPUs and CPU Period cannot both be set");
	if (nano_cpus > 0 && given(r->cpu_quota))
		return error_set(err, EINVAL,
				 "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
	if (nano_cpus && (nano_cpus < NANO / 100 || nano_cpus > cpus * NANO))
		return error_set(
			err, EINVAL,
			"Range of CPUs is from 0.01 to %ld.00, as there are only %ld CPUs available",
			cpus, cpus);
	if (r->cpu_shares != RESOURCE_UNSET && r->cpu_shares < 0)
		return error_set(err, EINVAL,
				 "invalid CPU shares (%" PRId64
				 "): value must be a positive integer",
				 r->cpu_shares);
	if (given(r->cpu_period) && (r->cpu_period < 1000 || r->cpu_period > 1000000))
		return error_set(
			err, EINVAL,
			"CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
	if (r->cpu_quota > 0 && r->cpu_quota < 1000)
		return error_set(err, EINVAL, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
	return 0;
}

/* The numbers of a list such as "0-3,7" as bits; -1: it is none. */
static int list_bits(const char *list, uint64_t bits[1024])
{
	for (;;) {
		char *end;
		unsigned long first, last;

		if (!isdigit((unsigned char)*list))
			return -1;
		first = last = strtoul(list, &end, 10);
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return -1;
			last = strtoul(end + 1, &end, 10);
		}
		if (first > last || last > 65535)
			return -1;
		for (unsigned long i = first; i <= last; i++)
			bits[i / 64] |= UINT64_C(1) << i % 64;
		if (!*end)
			return 0;
		if (*end != ',')
			return -1;
		list = end + 1;
	}
}

/* What is asked for must be there: file lists it. */
static int check_set(const char *what, const char *things, const char *list, const char *file,
		     struct error *err)
{
	uint64_t wanted[1024] = { 0 }, present[1024] = { 0 };
	char text[4096];

	if (!list || !*list)
		return 0;
	if (list_bits(list, wanted) < 0)
		return error_set(err, EINVAL, "Invalid value %s for %s", list, what);
	autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fs_read_full(fd, text, sizeof(text) - 1);
	if (n < 0) /* a kernel without memory nodes has the first */
		n = (ssize_t)strlen(strcpy(text, "0"));
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (list_bits(text, present) < 0)
		return 0;
	for (size_t i = 0; i < 1024; i++)
		if (wanted[i] & ~present[i])
			return error_set(
				err, EINVAL,
				"Requested %s are not available - requested %s, available: %s",
				things, list, text);
	return 0;
}

static int check(const struct resources *r, int64_t nano_cpus, bool update, struct error *err)
{
	if (check_memory(r, update, err) < 0 || check_cpu(r, nano_cpus, err) < 0 ||
	    check_set("cpuset cpus", "CPUs", r->cpuset_cpus, "/sys/devices/system/cpu/online",
		      err) < 0 ||
	    check_set("cpuset mems", "memory nodes", r->cpuset_mems,
		      "/sys/devices/system/node/online", err) < 0)
		return -1;
	if (given(r->blkio_weight) && (r->blkio_weight < 10 || r->blkio_weight > 1000))
		return error_set(err, EINVAL, "Range of blkio weight is from 10 to 1000");
	for (size_t i = 0; i < r->weight_devices.n; i++)
		if (r->weight_devices.items[i].value < 10 ||
		    r->weight_devices.items[i].value > 1000)
			return error_set(err, EINVAL, "Range of blkio weight is from 10 to 1000");
	return 0;
}

/* --cpus is a quota of a tenth of a second. */
static void quota_for(struct resources *r, int64_t nano_cpus)
{
	if (nano_cpus <= 0)
		return;
	r->cpu_period = PERIOD_DEFAULT;
	r->cpu_quota = nano_cpus * PERIOD_DEFAULT / NANO;
}

/* As Docker does before it passes them on. */
static void clamp_shares(struct resources *r)
{
	if (r->cpu_shares == 1)
		r->cpu_shares = 2;
	else if (r->cpu_shares > 262144)
		r->cpu_shares = 262144;
}

int limits_check_new(struct resources *r, int64_t nano_cpus, struct error *err)
{
	if (check(r, nano_cpus, false, err) < 0)
		return -1;
	if (r->memory > 0 && !given(r->memory_swap))
		r->memory_swap = r->memory > INT64_MAX / 2 ? INT64_MAX : 2 * r->memory;
	clamp_shares(r);
	quota_for(r, nano_cpus);
	return 0;
}

/* ---- update */

static int check_conflicts(const struct resources *r, int64_t nano_cpus,
			   const struct resources *change, int64_t change_cpus, struct error *err)
{
	static const char *const both =
		"Conflicting options: %s cannot be updated as %s has already been set";

	if (change_cpus > 0 && nano_cpus <= 0 && r->cpu_period > 0)
		return error_set(err, EINVAL, both, "Nano CPUs", "CPU Period");
	if (change_cpus > 0 && nano_cpus <= 0 && r->cpu_quota > 0)
		return error_set(err, EINVAL, both, "Nano CPUs", "CPU Quota");
	if (given(change->cpu_period) && nano_cpus > 0)
		return error_set(err, EINVAL, both, "CPU Period", "NanoCPUs");
	if (given(change->cpu_quota) && nano_cpus > 0)
		return error_set(err, EINVAL, both, "CPU Quota", "NanoCPUs");
	if (change->memory > 0 && r->memory_swap > 0 && change->memory > r->memory_swap &&
	    !given(change->memory_swap))
		return error_set(
			err, EINVAL,
			"Memory limit should be smaller than already set memoryswap limit, update the "
			"memoryswap at the same time");
	return 0;
}

/* 0 is "not given" for all but the limit of processes. */
static void forget_zeros(struct resources *change)
{
	int64_t *const numbers[] = {
		&change->memory,      &change->memory_swap, &change->memory_reservation,
		&change->cpu_shares,  &change->cpu_quota,   &change->cpu_period,
		&change->blkio_weight
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (*numbers[i] == 0)
			*numbers[i] = RESOURCE_UNSET;
}

int limits_update(struct resources *r, int64_t *nano_cpus, struct resources *change,
		  int64_t change_cpus, struct error *err)
{
	forget_zeros(change);
	if (check(change, change_cpus, true, err) < 0 ||
	    check_conflicts(r, *nano_cpus, change, change_cpus, err) < 0)
		return -1;
	if (change_cpus > 0)
		*nano_cpus = change_cpus;
	clamp_shares(change);
	quota_for(change, change_cpus);
	resources_merge(r, change);
	if (r->memory > 0 && !given(r->memory_swap))
		r->memory_swap = r->memory > INT64_MAX / 2 ? INT64_MAX : 2 * r->memory;
	/* Each may be right by itself and wrong with what the container has. */
	return check_memory(r, true, err);
}
