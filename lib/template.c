/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/template_private.h"

struct pool_block {
	struct pool_block *before;
	max_align_t data[];
};

void *pool_alloc(struct pool *p, size_t size)
{
	struct pool_block *block = xcalloc(1, sizeof(*block) + size);

	block->before = p->last;
	p->last = block;
	p->total += size;
	return block->data;
}

char *pool_copy(struct pool *p, const char *s, size_t len)
{
	char *copy = pool_alloc(p, len + 1);

	if (len)
		memcpy(copy, s, len);
	return copy;
}

void pool_free(struct pool *p)
{
	while (p->last) {
		struct pool_block *block = p->last;

		p->last = block->before;
		free(block);
	}
}

static bool mentions(const struct node *n, const char *name)
{
	for (; n; n = n->next) {
		if (n->type == NODE_DOT)
			return true;
		for (size_t i = 0; n->type != NODE_PIPE && i < n->n_names; i++)
			if (strcmp(n->names[i], name) == 0)
				return true;
		if (n->type == NODE_VARIABLE && n->n_names == 1)
			return true; /* "$" is all there is, and so may others be */
		if (mentions(n->child, name) || mentions(n->body, name) || mentions(n->alt, name))
			return true;
	}
	return false;
}

bool template_mentions(const struct template *t, const char *name)
{
	return mentions(t->root, name);
}

void template_free(struct template *t)
{
	if (!t)
		return;
	pool_free(&t->pool);
	free(t->text);
	free(t);
}
