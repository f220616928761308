/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"

static const char *const adjectives[] = {
	"able",     "ample",     "bold",      "bonny",     "brave",    "breezy",   "brisk",
	"broad",    "calm",      "canny",     "clean",     "clear",    "clever",   "cosy",
	"daring",   "dauntless", "deft",      "eager",     "early",    "easy",     "fair",
	"fast",     "fearless",  "fine",      "firm",      "fleet",    "fond",     "frank",
	"fresh",    "gallant",   "gentle",    "glad",      "gleaming", "golden",   "good",
	"graceful", "grand",     "hale",      "handy",     "happy",    "hardy",    "hearty",
	"honest",   "hopeful",   "humble",    "jaunty",    "jolly",    "keen",     "kind",
	"laden",    "lively",    "loyal",     "lucky",     "mellow",   "merry",    "mighty",
	"mild",     "neat",      "nimble",    "noble",     "northern", "patient",  "peaceful",
	"plain",    "plucky",    "proud",     "quick",     "quiet",    "ready",    "restful",
	"roving",   "salty",     "seaworthy", "serene",    "sharp",    "shining",  "silver",
	"sleek",    "smooth",    "snug",      "sober",     "sound",    "spirited", "stable",
	"stately",  "steady",    "stout",     "strong",    "sturdy",   "sunny",    "swift",
	"tall",     "tidy",      "trim",      "true",      "trusty",   "upright",  "valiant",
	"vigilant", "warm",      "watchful",  "weathered", "wide",     "willing",  "windborne",
	"wise",     "witty",     "wooden",    "worthy",    "zealous",
};

static const char *const nouns[] = {
	"anchor",    "astrid",    "aud",       "ballast",    "beacon",     "beam",       "bjarni",
	"boatswain", "bow",       "bowline",   "brattahlid", "buoy",       "byrding",    "cape",
	"cargo",     "chart",     "cleat",     "compass",    "current",    "deck",       "drakkar",
	"eider",     "erik",      "faering",   "fathom",     "fjord",      "floki",      "fram",
	"freydis",   "gangway",   "garboard",  "gokstad",    "greenland",  "gudrid",     "gull",
	"gunwale",   "hafgrim",   "halyard",   "harald",     "harbour",    "hatch",      "havn",
	"hawser",    "headland",  "hedeby",    "helm",       "hold",       "horizon",    "hull",
	"ingolf",    "island",    "karve",     "kaupang",    "keel",       "kelp",       "knot",
	"landfall",  "lantern",   "lapstrake", "leif",       "lighthouse", "lodestar",   "longship",
	"mast",      "mooring",   "naust",     "nordri",     "oar",        "oseberg",    "pilot",
	"plank",     "port",      "prow",      "raven",      "reef",       "rigging",    "rivet",
	"rudder",    "sail",      "seal",      "shore",      "sigrid",     "skeid",      "skerry",
	"skipper",   "skuldelev", "snekkja",   "sound",      "spar",       "steerboard", "stem",
	"stern",     "strake",    "sunstone",  "tern",       "thorfinn",   "tide",       "tiller",
	"vane",      "vinland",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len < 2 || len > NAME_MAX_LEN || !name_char(name[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!name_char(name[i]) && !strchr("_.-", name[i]))
			return false;
	return true;
}

int name_invalid(const char *name, struct error *err)
{
	return error_set(err, EINVAL,
			 "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
			 name);
}

void name_random(char buf[NAME_MAX_LEN + 1], int retry)
{
	uint32_t r[2];

	/* Names need no secrecy: short of entropy, two zeros make a name too, and a taken one is tried again. */
	if (getrandom(r, sizeof(r), GRND_NONBLOCK) != (ssize_t)sizeof(r))
		r[0] = r[1] = (uint32_t)retry;
	snprintf(buf, NAME_MAX_LEN + 1, "%s_%s", adjectives[r[0] % COUNT(adjectives)],
		 nouns[r[1] % COUNT(nouns)]);
	if (retry > 0) {
		size_t len = strlen(buf);
		snprintf(buf + len, NAME_MAX_LEN + 1 - len, "%u",
			 (r[0] >> 16) % (retry > 8 ? 10000U : 10U));
	}
}

int id_random(char id[ID_LEN + 1], struct error *err)
{
	uint8_t raw[ID_LEN / 2];

	do {
		if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
			return error_errno(err, "cannot get random bytes");
		for (size_t i = 0; i < sizeof(raw); i++)
			snprintf(id + 2 * i, 3, "%02x", raw[i]);
		/* A hostname of digits alone would be taken for a number by some programs. */
	} while (strspn(id, "0123456789") >= 12);
	return 0;
}

bool id_valid(const char *s)
{
	return strlen(s) == ID_LEN && strspn(s, "0123456789abcdef") == ID_LEN;
}

/* The folder of names, made on first use. */
static int names_open(const struct store *st)
{
	int fd = openat(st->containers_fd, "by-name", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(st->containers_fd, "by-name", 0700) < 0 && errno != EEXIST)
			return -1;
		fd = openat(st->containers_fd, "by-name", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd;
}

/* The link's text is the ID's 32 bytes in base64url (RFC 4648): with at most 59 characters ext4 keeps a link in its
 * inode, where the ID's own 64 digits would take a block of the disk and its time. */
#define LINK_LEN 43

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int hex_value(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void link_text(const char *id, char text[LINK_LEN + 1])
{
	/* Two base64 digits hold three hexadecimal ones; the last one of the 64 has a digit to itself. */
	for (size_t i = 0, o = 0; i < ID_LEN; i += 3) {
		bool whole = i + 2 < ID_LEN;
		int v = hex_value(id[i]) << 8 |
			(whole ? hex_value(id[i + 1]) << 4 | hex_value(id[i + 2]) : 0);

		text[o++] = base64[v >> 6];
		if (whole)
			text[o++] = base64[v & 63];
	}
	text[LINK_LEN] = '\0';
}

static int names_read(int names_fd, const char *name, char id[ID_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	char text[LINK_LEN + 2];
	ssize_t n = readlinkat(names_fd, name, text, sizeof(text));

	if (n != LINK_LEN)
		return -1;
	for (size_t i = 0, o = 0; i < LINK_LEN; i += 2) {
		const char *high = memchr(base64, text[i], 64);
		const char *low = i + 1 < LINK_LEN ? memchr(base64, text[i + 1], 64) : base64;
		long v = high && low ? (high - base64) << 6 | (low - base64) : -1;

		if (v < 0)
			return -1;
		id[o++] = hex[v >> 8];
		if (i + 1 < LINK_LEN) {
			id[o++] = hex[v >> 4 & 15];
			id[o++] = hex[v & 15];
		}
	}
	id[ID_LEN] = '\0';
	return 0;
}

static bool is_container(const struct store *st, const char *id)
{
	char path[ID_LEN + 32];

	snprintf(path, sizeof(path), "%s/container.json", id);
	return faccessat(st->containers_fd, path, F_OK, 0) == 0 ||
	       faccessat(st->run_fd, path, F_OK, 0) == 0;
}

/* Whether the container that owns a name is gone: no folder, or one whose making was cut short (no container.json) by a
 * command that is dead (nobody holds its lock). */
static bool owner_gone(const struct store *st, const char *id)
{
	char path[ID_LEN + 32];
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	autoclose int lock = -1;

	if (is_container(st, id))
		return false;
	snprintf(path, sizeof(path), "%s/lock", id);
	lock = openat(st->run_fd, path, O_RDWR | O_CLOEXEC);
	if (lock < 0 && errno != ENOENT)
		return false;
	if (lock >= 0 && (fcntl(lock, F_OFD_GETLK, &fl) < 0 || fl.l_type != F_UNLCK))
		return false;
	/* It may have been finished between the two looks. */
	return !is_container(st, id);
}

/* Removes a name that a crash left. Under a lock: of two who find it, the second must not remove what the first has
 * put in its place. */
static void drop_stale(const struct store *st, int names_fd, const char *name)
{
	char owner[ID_LEN + 1];

	if (fs_lock(names_fd, LOCK_EX) < 0)
		return;
	if (names_read(names_fd, name, owner) < 0 || owner_gone(st, owner))
		unlinkat(names_fd, name, 0);
	fs_lock(names_fd, LOCK_UN);
}

int name_claim(const struct store *st, const char *name, const char *id, struct error *err)
{
	autoclose int names = names_open(st);
	char owner[ID_LEN + 1] = "", text[LINK_LEN + 1];

	link_text(id, text);
	if (names < 0)
		return error_errno(err, "cannot open %s/containers/by-name", st->root);
	for (int attempt = 0; attempt < 2; attempt++) {
		if (symlinkat(text, names, name) == 0)
			return 0;
		if (errno != EEXIST)
			return error_errno(err, "cannot name the container %s", name);
		if (names_read(names, name, owner) == 0 &&
		    (strcmp(owner, id) == 0 || !owner_gone(st, owner)))
			break;
		drop_stale(st, names, name);
	}
	if (strcmp(owner, id) == 0)
		return 0;
	return error_set(
		err, EEXIST,
		"Conflict. The container name \"/%s\" is already in use by container \"%s\". You have to "
		"remove (or rename) that container to be able to reuse that name.",
		name, owner);
}

void name_release(const struct store *st, const char *name, const char *id)
{
	autoclose int names = names_open(st);
	char owner[ID_LEN + 1];

	if (names >= 0 && names_read(names, name, owner) == 0 && strcmp(owner, id) == 0)
		unlinkat(names, name, 0);
}

int name_lookup(const struct store *st, const char *name, char id[ID_LEN + 1])
{
	char path[NAME_MAX_LEN + 16];

	if (!name_valid(name))
		return -1;
	snprintf(path, sizeof(path), "by-name/%s", name);
	return names_read(st->containers_fd, path, id);
}

void names_list(const struct store *st, struct strv *out)
{
	autoclose int names = names_open(st);
	int fd = names >= 0 ? openat(names, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	autodir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strv_add(out, entry->d_name);
}

void names_stale(const struct store *st, struct strv *out)
{
	struct strv all autostrv = STRV_INIT;
	autoclose int names = names_open(st);
	char owner[ID_LEN + 1];

	names_list(st, &all);
	for (size_t i = 0; names >= 0 && i < all.len; i++)
		if (names_read(names, all.items[i], owner) < 0 || owner_gone(st, owner))
			strv_add(out, all.items[i]);
}

void names_clean(const struct store *st)
{
	struct strv stale autostrv = STRV_INIT;
	autoclose int names = names_open(st);

	names_stale(st, &stale);
	for (size_t i = 0; names >= 0 && i < stale.len; i++)
		drop_stale(st, names, stale.items[i]);
}
