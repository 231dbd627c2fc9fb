/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/stat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool contains(const struct sm_notes *notes, const char *text) {
    for (size_t i = 0; i < notes->n; i++)
        if (strcmp(notes->text[i], text) == 0) return true;
    return false;
}

/* Out of memory loses the note and nothing else: whatever comes next fails with its own sentence. */
void sm_note(struct sm_notes *notes, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) return;
    char **longer = contains(notes, text) ? NULL : realloc(notes->text, (notes->n + 1) * sizeof *longer);
    if (!longer) {
        free(text);
        return;
    }
    notes->text = longer;
    notes->text[notes->n++] = text;
}

void sm_notes_destroy(struct sm_notes *notes) {
    for (size_t i = 0; i < notes->n; i++) free(notes->text[i]);
    free(notes->text);
    *notes = (struct sm_notes){0};
}
