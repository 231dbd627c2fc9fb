/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/json.h"

#include <math.h>

#include <supermask/table.h>

/* Bytes of the UTF-8 sequence at `c` (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF); 0: none. */
static size_t utf8_length(const unsigned char *c) {
    static const struct {
        unsigned char first, last, second_first, second_last;
        size_t length;
    } forms[] = {{0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                 {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (c[0] < forms[i].first || c[0] > forms[i].last) continue;
        if (forms[i].length > 1 && (c[1] < forms[i].second_first || c[1] > forms[i].second_last)) return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if (c[k] < 0x80 || c[k] > 0xbf) return 0;
        return forms[i].length;
    }
    return 0;
}

void sm_json_string(FILE *file, const char *text) {
    fputc('"', file);
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        size_t length = utf8_length(c);
        if (length == 0)
            fputs("\\ufffd", file);
        else if (*c < 0x20)
            fprintf(file, "\\u%04x", *c);
        else
            fprintf(file, *c == '"' || *c == '\\' ? "\\%.*s" : "%.*s", (int)length, (const char *)c);
        c += length ? length : 1;
    }
    fputc('"', file);
}

void sm_json_real(FILE *file, double value) {
    char buffer[32];
    fputs(isfinite(value) ? sm_real_text(value, buffer) : "null", file);
}
