/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.h - small helpers for what users type: strict numbers, nearest names. */
#ifndef SUPERMASK_TEXT_H
#define SUPERMASK_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The whole text must be the number (no blanks, no rest, in range): 0, else -1 and the value is untouched. */
int sm_parse_int(const char *text, int64_t *value);
int sm_parse_seed(const char *text, uint64_t *value); /* 0 .. 2^64-1 */
int sm_parse_real(const char *text, double *value);   /* finite decimal, or "nan" */

/* The name nearest to `word` (Damerau-Levenshtein distance at most a third of its length, at least 1; upper
 * and lower case alike; the first of equals), or NULL. */
const char *sm_nearest(const char *word, const char *const *names, size_t n_names);

/* What other programs call a thing: the name that stands for `word` here, or the word itself. */
struct sm_alias {
    const char *word, *name;
};
const char *sm_alias_name(const char *word, const struct sm_alias *aliases, size_t n_aliases);

/* " (nearest: NAME)" for the end of a sentence, or "" where no name is near. Returns `hint`. */
#define SM_HINT_SIZE 96
const char *sm_nearest_hint(char hint[SM_HINT_SIZE], const char *word, const char *const *names, size_t n_names);

/* 1 if the text is one line of UTF-8 without control characters: what a setting's text may be. */
int sm_text_is_line(const char *text);

/* malloc'ed printf; NULL when out of memory. */
char *sm_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
