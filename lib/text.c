/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/text.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sizes.h"

enum { LONGEST_WORD = 64 }; /* longer words have no nearest name: nobody types a key of this length by a slip */

/* strtoll and friends skip blanks and take a sign where none makes sense; a number here starts with a digit. */
static int starts_like_number(const char *text) {
    if (*text == '-' || *text == '+') text++;
    return isdigit((unsigned char)*text);
}

int sm_parse_int(const char *text, int64_t *value) {
    char *end;
    if (!starts_like_number(text)) return -1;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno || *end) return -1;
    *value = parsed;
    return 0;
}

int sm_parse_seed(const char *text, uint64_t *value) {
    char *end;
    if (!isdigit((unsigned char)*text)) return -1;
    errno = 0;
    unsigned long long parsed = strtoull(text, &end, 10);
    if (errno || *end) return -1;
    *value = parsed;
    return 0;
}

int sm_parse_real(const char *text, double *value) {
    char *end;
    if (strcmp(text, "nan") == 0) {
        *value = NAN;
        return 0;
    }
    /* This keeps out blanks, hexadecimal numbers and "inf", all of which strtod would take. */
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text)) return -1;
    errno = 0;
    double parsed = strtod(text, &end);
    if (end == text || *end || isinf(parsed) || (errno == ERANGE && parsed == 0.0)) return -1;
    *value = parsed;
    return 0;
}

/* ---- UTF-8 ---- */

/* Decodes one code point and moves *text behind it; -1 for bytes that are not shortest-form UTF-8. */
static long next_code_point(const unsigned char **text) {
    static const struct {
        unsigned char mask, lead, rest;
        long smallest;
    } forms[] = {{0x80, 0x00, 0, 0}, {0xe0, 0xc0, 1, 0x80}, {0xf0, 0xe0, 2, 0x800}, {0xf8, 0xf0, 3, 0x10000}};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if ((**text & forms[f].mask) != forms[f].lead) continue;
        long code = **text & (unsigned char)~forms[f].mask;
        for (size_t i = 1; i <= forms[f].rest; i++) {
            if (((*text)[i] & 0xc0) != 0x80) return -1;
            code = code << 6 | ((*text)[i] & 0x3f);
        }
        *text += forms[f].rest + 1;
        return code < forms[f].smallest ? -1 : code;
    }
    return -1;
}

/* Code points that are not characters of a line: controls, line and paragraph separators, surrogates, the byte order
 * mark, the two non-characters that YAML forbids, and what lies beyond Unicode. */
static int breaks_line(long code) {
    static const long ranges[][2] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x2028, 0x2029},    {0xd800, 0xdfff},
                                     {0xfeff, 0xfeff}, {0xfffe, 0xffff}, {0x110000, 0x1fffff}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1]) return 1;
    return 0;
}

int sm_text_is_line(const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        long code = next_code_point(&at);
        if (code < 0 || breaks_line(code)) return 0;
    }
    return 1;
}

/* ---- nearest names ---- */

static int same_letter(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Damerau-Levenshtein distance, restricted form (a pair of letters is swapped at most once), upper and lower case
 * alike. rows[i % 3][j] is the distance of the first i letters of a to the first j of b. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b) {
    size_t rows[3][LONGEST_WORD + 1];
    for (size_t j = 0; j <= n_b; j++) rows[0][j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            row[j] = above[j - 1] + !same_letter(a[i - 1], b[j - 1]);
            row[j] = sm_smaller(row[j], sm_smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                row[j] = sm_smaller(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n_a % 3][n_b];
}

const char *sm_nearest(const char *word, const char *const *names, size_t n_names) {
    size_t length = strlen(word);
    if (length == 0 || length > LONGEST_WORD) return NULL;
    size_t best = length / 3 > 1 ? length / 3 : 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < n_names; i++) {
        size_t n = strlen(names[i]);
        if (n > LONGEST_WORD) continue;
        size_t d = distance(word, length, names[i], n);
        if (d > best || (nearest && d == best)) continue;
        best = d;
        nearest = names[i];
    }
    return nearest;
}

const char *sm_alias_name(const char *word, const struct sm_alias *aliases, size_t n_aliases) {
    for (size_t k = 0; k < n_aliases; k++)
        if (strcmp(word, aliases[k].word) == 0) return aliases[k].name;
    return word;
}

const char *sm_nearest_hint(char hint[SM_HINT_SIZE], const char *word, const char *const *names, size_t n_names) {
    const char *nearest = sm_nearest(word, names, n_names);
    hint[0] = '\0';
    if (nearest) snprintf(hint, SM_HINT_SIZE, " (nearest: %s)", nearest);
    return hint;
}

char *sm_format(const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    return length < 0 ? NULL : text;
}
