/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/cmd/pruning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/log.h"

/* A line without the white space around it. */
static char *trim(char *line, ssize_t len)
{
	static const char space[] = " \t\r\n\v\f";

	while (len > 0 && strchr(space, line[len - 1]))
		line[--len] = '\0';
	return line + strspn(line, space);
}

bool pruning_confirmed(const char *warning)
{
	char *line autofree = NULL;
	size_t room = 0;
	ssize_t len;

	printf("%s [y/N] ", warning);
	fflush(stdout);
	len = getline(&line, &room, stdin);
	return len > 0 && strcasecmp(trim(line, len), "y") == 0;
}

void pruning_print_images(const struct removal *gone)
{
	if (!gone->n)
		return;
	printf("Deleted Images:\n");
	for (size_t i = 0; i < gone->n; i++)
		printf("%s: %s\n", gone->items[i].untagged ? "untagged" : "deleted",
		       gone->items[i].text);
	putchar('\n');
}

void pruning_print_total(uint64_t bytes)
{
	char size[HUMAN_MAX];

	printf("Total reclaimed space: %s\n", human_total(bytes, size));
}

void pruning_tell_kept(const struct removal *gone)
{
	char id[DIGEST_TEXT_MAX];

	if (gone->kept)
		log_line(
			"layers were left, for image %s is damaged and may need them; see '%s fsck'",
			digest_text(&gone->why, id), log_program());
}
