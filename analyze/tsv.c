/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/tsv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_text(const char *path, struct sm_error *err) {
    FILE *file = fopen(path, "r");
    if (!file) {
        sm_fail(err, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = NULL;
    size_t room = 0;
    /* A text file holds no zero byte: the whole of it is one "line". */
    ssize_t length = getdelim(&text, &room, '\0', file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (length > 0 && !failed) return text;
    free(text);
    sm_fail(err, "%s: %s", path, failed ? "cannot be read" : "is empty");
    return NULL;
}

/* Calls of strsep over the lines that are not comments: the next one, or NULL. */
static char *next_line(char **rest) {
    char *line;
    do line = strsep(rest, "\n");
    while (line && (line[0] == '#' || line[0] == '\0'));
    return line;
}

static size_t count_fields(const char *line) {
    size_t n = 1;
    for (; *line; line++) n += *line == '\t';
    return n;
}

static size_t count_lines(const char *text) {
    size_t n = 1;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static int split(const char **fields, size_t n, char *line) {
    for (size_t i = 0; i < n; i++)
        if (!(fields[i] = strsep(&line, "\t"))) return -1;
    return line ? -1 : 0;
}

int sm_tsv_read(struct sm_tsv *tsv, const char *path, struct sm_error *err) {
    *tsv = (struct sm_tsv){.text = read_text(path, err)};
    if (!tsv->text) return -1;
    size_t most = count_lines(tsv->text);
    char *rest = tsv->text, *line = next_line(&rest);
    if (!line) return sm_fail(err, "%s: no header", path);
    tsv->n_columns = count_fields(line);
    tsv->column = calloc(tsv->n_columns, sizeof *tsv->column);
    tsv->cell = calloc(most * tsv->n_columns, sizeof *tsv->cell);
    if (!tsv->column || !tsv->cell) return sm_fail(err, "%s: out of memory", path);
    split(tsv->column, tsv->n_columns, line);
    for (; (line = next_line(&rest)); tsv->n_rows++)
        if (split(tsv->cell + tsv->n_rows * tsv->n_columns, tsv->n_columns, line) != 0)
            return sm_fail(err, "%s: row %zu does not have %zu cells", path, tsv->n_rows + 1, tsv->n_columns);
    return 0;
}

void sm_tsv_destroy(struct sm_tsv *tsv) {
    free(tsv->text);
    free(tsv->column);
    free(tsv->cell);
    *tsv = (struct sm_tsv){0};
}

const char *sm_tsv_text(const struct sm_tsv *tsv, size_t row, const char *column) {
    for (size_t c = 0; c < tsv->n_columns; c++)
        if (strcmp(tsv->column[c], column) == 0) return tsv->cell[row * tsv->n_columns + c];
    return "";
}

double sm_tsv_real(const struct sm_tsv *tsv, size_t row, const char *column) {
    const char *text = sm_tsv_text(tsv, row, column);
    char *end;
    double value = strtod(text, &end);
    return *text && !*end ? value : NAN;
}

bool sm_tsv_is(const struct sm_tsv *tsv, size_t row, const char *column, const char *value) {
    return strcmp(sm_tsv_text(tsv, row, column), value) == 0;
}
