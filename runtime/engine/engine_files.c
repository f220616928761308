/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/hostname, /etc/hosts and /etc/resolv.conf of a container. One that is on another's network has the other's. */
#include "runtime/engine/engine_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/spec/kernel.h"

#define HOST_FILE_MAX (256U << 10) /* bytes */

/* Files that a container sees as its own, written anew at each start as Docker does. They need not be whole at every
 * moment, so they are written in place. */
static int write_own(const struct container *c, const char *name, const struct strbuf *text,
		     struct error *err)
{
	autoclose int fd = openat(c->run_dirfd, name,
				  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	/* Whatever our umask: the container's users read them. */
	if (fd < 0 || fchmod(fd, 0644) < 0 ||
	    (text->len && fs_write_all(fd, text->data, text->len) < 0))
		return error_errno(err, "cannot write the container's %s", name);
	return 0;
}

/* A file of the machine's into text; none, or one out of all proportion, is as good as empty. */
static void add_host_file(const char *path, struct strbuf *text)
{
	size_t len;
	autofree char *content = fs_read_file(AT_FDCWD, path, HOST_FILE_MAX, &len, NULL);

	if (!content)
		return;
	strbuf_add(text, content, len);
	if (len && content[len - 1] != '\n')
		strbuf_putc(text, '\n');
}

static const char default_hosts[] =
	"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
	"fe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\n"
	"ff02::2\tip6-allrouters\n";

static void make_hosts(const struct container_config *config, const char *hostname,
		       struct strbuf *text)
{
	const struct host_config *h = &config->host;

	/* On the machine's own network the machine's names hold, and the container's beside them. */
	if (engine_mode_is(config->network, "host"))
		add_host_file("/etc/hosts", text);
	if (!text->len)
		strbuf_puts(text, default_hosts);
	if (h->domainname)
		strbuf_printf(text, "127.0.1.1\t%s.%s %s\n", hostname, h->domainname, hostname);
	else
		strbuf_printf(text, "127.0.1.1\t%s\n", hostname);
	for (size_t i = 0; i < h->extra_hosts.len; i++) {
		const char *entry = h->extra_hosts.items[i];
		int len = (int)strcspn(entry, ":");

		strbuf_printf(text, "%s\t%.*s\n", entry + len + (entry[len] != 0), len, entry);
	}
}

/* A line "search a b"; none for no words. */
static void put_words(struct strbuf *text, const char *key, const struct strv *words)
{
	autofree char *line = strv_join(words, " ");

	if (words->len)
		strbuf_printf(text, "%s %s\n", key, line);
}

/* The machine's file, but for the kinds of lines that a flag gives anew: "search ." is none at all. */
static void make_resolv(const struct container_config *config, struct strbuf *text)
{
	const struct host_config *h = &config->host;
	struct strbuf own autostrbuf = STRBUF_INIT;
	char *rest, *line;

	if (engine_mode_is(config->network, "host"))
		add_host_file("/etc/resolv.conf", &own);
	if (!h->dns.len && !h->dns_search.len && !h->dns_options.len) {
		strbuf_add(text, own.data ? own.data : "", own.len);
		return;
	}
	for (size_t i = 0; i < h->dns.len; i++)
		strbuf_printf(text, "nameserver %s\n", h->dns.items[i]);
	if (!strv_contains(&h->dns_search, "."))
		put_words(text, "search", &h->dns_search);
	put_words(text, "options", &h->dns_options);
	for (rest = own.data; (line = strsep(&rest, "\n"));) {
		size_t len = strcspn(line, " \t");
		bool given = (h->dns.len && len == 10 && str_starts(line, "nameserver")) ||
			     (h->dns_search.len && len == 6 &&
			      (str_starts(line, "search") || str_starts(line, "domain"))) ||
			     (h->dns_options.len && len == 7 && str_starts(line, "options"));

		if (*line && !given)
			strbuf_printf(text, "%s\n", line);
	}
}

static int write_files(const struct container *c, struct error *err)
{
	struct strbuf name autostrbuf = STRBUF_INIT, hosts autostrbuf = STRBUF_INIT,
			   resolv autostrbuf = STRBUF_INIT;
	char buf[HOSTNAME_ROOM];
	const char *hostname = engine_hostname(&c->config, buf);

	if (c->config.host.domainname)
		strbuf_printf(&name, "%s.%s\n", hostname, c->config.host.domainname);
	else
		strbuf_printf(&name, "%s\n", hostname);
	make_hosts(&c->config, hostname, &hosts);
	make_resolv(&c->config, &resolv);
	if (write_own(c, "hostname", &name, err) < 0 || write_own(c, "hosts", &hosts, err) < 0)
		return -1;
	return write_own(c, "resolv.conf", &resolv, err);
}

int engine_files(const struct store *st, const struct container *c, struct spec *spec,
		 struct error *err)
{
	static const char *const own[] = { "resolv.conf", "hostname", "hosts" };
	const char *other = engine_joined(c->config.network);

	if (write_files(c, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		struct spec_mount *m = spec_add_mount(spec);

		m->destination = str_format("/etc/%s", own[i]);
		m->type = xstrdup("bind");
		m->source = str_format("%s/%s/%s", st->run, other ? other : c->config.id, own[i]);
		if (c->config.readonly_rootfs)
			m->attr_set |= MOUNT_ATTR_RDONLY;
	}
	return 0;
}
