/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of Dockerfile instructions, as a shell would read them: quotes and backslashes taken away, $NAME, ${NAME}
 * and ${NAME:-word} (also :+ and :?, and the three without the colon) replaced (Dockerfile reference, "Environment
 * replacement"). Nothing is split but where expand_words is asked to, and nothing is executed. */
#ifndef KNARR_IMAGE_TOOLS_EXPAND_H
#define KNARR_IMAGE_TOOLS_EXPAND_H

#include "lib/error.h"
#include "lib/str.h"

/* Appends what word stands for to out; env is a list of KEY=VALUE. Returns 0, or -1 with err set, EINVAL: a quote
 * or brace without its end, a substitution nobody knows. */
int expand_word(const char *word, const struct strv *env, struct strbuf *out, struct error *err);

/* Appends the words it stands for: spaces outside of quotes divide, those of a replaced variable too. */
int expand_words(const char *word, const struct strv *env, struct strv *out, struct error *err);

#endif
