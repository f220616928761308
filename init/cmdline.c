/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/cmdline.h"

#include <stdio.h>
#include <string.h>

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-' || c == '+')
		return 62;
	if (c == '_' || c == '/')
		return 63;
	return -1;
}

long base64url_decode(const char *text, size_t len, char *out, size_t size)
{
	unsigned bits = 0, held = 0;
	size_t used = 0;

	for (unsigned pad = 0; pad < 2 && len > 0 && text[len - 1] == '='; pad++)
		len--;
	if (len % 4 == 1 || size == 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int six = sextet(text[i]);

		if (six < 0)
			return -1;
		held = (held << 6 | (unsigned)six) & 0xfff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		out[used] = (char)(held >> bits & 0xff);
		if (out[used] == '\0' || ++used >= size)
			return -1;
	}
	out[used] = '\0';
	return (long)used;
}

static void complain_about(struct cmdline *out, const char *key, const char *why)
{
	if (out->complaint[0] == '\0')
		snprintf(out->complaint, sizeof out->complaint, "kernel command line: %s %s", key,
			 why);
}

/* A terminal's name becomes a path below /dev and /sys: letters and figures only. */
static bool take_tty(const char *value, size_t len, char out[static TTY_NAME_MAX])
{
	if (len == 0 || len >= TTY_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = value[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
			return false;
	}
	memcpy(out, value, len);
	out[len] = '\0';
	return true;
}

static void take_console(struct cmdline *out, const char *value, size_t len)
{
	char name[TTY_NAME_MAX];
	const char *comma = memchr(value, ',', len);

	if (comma)
		len = (size_t)(comma - value);
	/* "console=" and "console=null" ask the kernel for none; a name it cannot have is not worth
	 * a word either. */
	if (!take_tty(value, len, name) || strcmp(name, "null") == 0 ||
	    strcmp(name, "ttynull") == 0)
		return;
	for (unsigned i = 0; i < out->n_consoles; i++)
		if (strcmp(out->consoles[i], name) == 0)
			return;
	if (out->n_consoles < CONSOLES_MAX)
		memcpy(out->consoles[out->n_consoles++], name, sizeof name);
}

static void take_hostname(struct cmdline *out, const char *value, size_t len)
{
	bool good = len > 0 && len < sizeof out->hostname && value[0] != '-' && value[0] != '.';

	for (size_t i = 0; good && i < len; i++)
		good = sextet(value[i]) >= 0 ? !strchr("+/_", value[i]) : value[i] == '.';
	if (!good) {
		complain_about(out, "knarr.hostname", "is no host name; \"knarr\" is used");
		return;
	}
	memcpy(out->hostname, value, len);
	out->hostname[len] = '\0';
}

static void take_exec(struct cmdline *out, const char *value, size_t len)
{
	out->has_exec = true;
	if (base64url_decode(value, len, out->exec, sizeof out->exec) <= 0) {
		out->exec[0] = '\0';
		complain_about(out, "knarr.exec", "is not base64url of a command");
	}
}

static void take_size(struct cmdline *out, const char *value, size_t len)
{
	unsigned side[2] = { 0, 0 };
	unsigned at = 0;

	for (size_t i = 0; i < len; i++) {
		if (value[i] == 'x' && at == 0 && side[0] > 0)
			at = 1;
		else if (value[i] >= '0' && value[i] <= '9' && side[at] < 1000)
			side[at] = side[at] * 10 + (unsigned)(value[i] - '0');
		else
			goto bad;
	}
	if (side[0] == 0 || side[1] == 0)
		goto bad;
	out->rows = (unsigned short)side[0];
	out->cols = (unsigned short)side[1];
	return;
bad:
	complain_about(out, "knarr.size", "is not ROWSxCOLS");
}

static void take_term(struct cmdline *out, const char *value, size_t len)
{
	if (len == 0 || len >= sizeof out->term)
		return;
	for (size_t i = 0; i < len; i++)
		if (value[i] <= ' ' || value[i] > '~' || value[i] == '/')
			return;
	memcpy(out->term, value, len);
	out->term[len] = '\0';
}

static bool key_is(const char *word, size_t key_len, const char *key)
{
	return strlen(key) == key_len && memcmp(word, key, key_len) == 0;
}

static void take_word(struct cmdline *out, const char *word, size_t len)
{
	const char *equals = memchr(word, '=', len);
	const char *value;
	size_t key_len, value_len;

	if (!equals)
		return;
	key_len = (size_t)(equals - word);
	value = equals + 1;
	value_len = len - key_len - 1;
	if (value_len > 0 && value[0] == '"') {
		value++;
		value_len--;
		if (value_len > 0 && value[value_len - 1] == '"')
			value_len--;
	}

	if (key_is(word, key_len, "console")) {
		take_console(out, value, value_len);
	} else if (key_is(word, key_len, "knarr.hostname")) {
		take_hostname(out, value, value_len);
	} else if (key_is(word, key_len, "knarr.exec")) {
		take_exec(out, value, value_len);
	} else if (key_is(word, key_len, "knarr.status")) {
		if (!take_tty(value, value_len, out->status))
			complain_about(out, "knarr.status", "is no terminal's name");
	} else if (key_is(word, key_len, "knarr.store")) {
		out->ram_store = value_len == 3 && memcmp(value, "ram", 3) == 0;
		if (!out->ram_store)
			complain_about(out, "knarr.store", "knows no other word than \"ram\"");
	} else if (key_is(word, key_len, "knarr.size")) {
		take_size(out, value, value_len);
	} else if (key_is(word, key_len, "TERM")) {
		take_term(out, value, value_len);
	}
}

void cmdline_parse(const char *text, struct cmdline *out)
{
	memset(out, 0, sizeof *out);
	memcpy(out->hostname, "knarr", sizeof "knarr");
	while (*text) {
		const char *word;
		bool quoted = false;

		while (*text == ' ' || *text == '\t' || *text == '\n')
			text++;
		word = text;
		while (*text && (quoted || !(*text == ' ' || *text == '\t' || *text == '\n'))) {
			if (*text == '"')
				quoted = !quoted;
			text++;
		}
		if (text > word)
			take_word(out, word, (size_t)(text - word));
	}
}
