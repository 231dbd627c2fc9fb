/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/outfile.h>
#include <supermask/table.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sm_table {
    struct sm_outfile out;    /* of a borrowed stream: that and no path */
    size_t n_columns, column; /* column: the one that the next cell fills */
};

static void write_comment(FILE *file, const char *text) {
    while (*text) {
        size_t length = strcspn(text, "\n");
        fprintf(file, length ? "# %.*s\n" : "#%.*s\n", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static int name_width(const struct sm_column *columns, size_t n_columns) {
    size_t width = 0;
    for (size_t i = 0; i < n_columns; i++)
        if (strlen(columns[i].name) > width) width = strlen(columns[i].name);
    return (int)width;
}

static void write_head(FILE *file, const char *name, const char *help, const char *preamble,
                       const struct sm_column *columns, size_t n_columns) {
    fprintf(file, "# %s\n#\n", name);
    write_comment(file, help);
    fputs("#\n", file);
    if (preamble) {
        write_comment(file, preamble);
        fputs("#\n", file);
    }
    int width = name_width(columns, n_columns);
    for (size_t i = 0; i < n_columns; i++) fprintf(file, "#   %-*s  %s\n", width, columns[i].name, columns[i].help);
    for (size_t i = 0; i < n_columns; i++) fprintf(file, "%s%c", columns[i].name, i + 1 < n_columns ? '\t' : '\n');
}

int sm_table_open(struct sm_table **table, const char *directory, const char *name, const char *help,
                  const char *preamble, const struct sm_column *columns, size_t n_columns, struct sm_error *err) {
    assert(n_columns > 0);
    *table = NULL;
    char *path = NULL;
    if (asprintf(&path, "%s/%s.tsv", directory, name) < 0) return sm_fail(err, "%s: out of memory", name);
    struct sm_table *new = calloc(1, sizeof *new);
    int status = new ? sm_outfile_open(&new->out, path, err) : sm_fail(err, "%s: out of memory", path);
    free(path);
    if (status != 0) {
        free(new);
        return status;
    }
    new->n_columns = n_columns;
    write_head(new->out.file, name, help, preamble, columns, n_columns);
    *table = new;
    return 0;
}

int sm_table_print(struct sm_table **table, FILE *file, const char *name, const char *help, const char *preamble,
                   const struct sm_column *columns, size_t n_columns, struct sm_error *err) {
    assert(n_columns > 0);
    struct sm_table *new = *table = calloc(1, sizeof *new);
    if (!new) return sm_fail(err, "%s: out of memory", name);
    new->out.file = file;
    new->n_columns = n_columns;
    write_head(file, name, help, preamble, columns, n_columns);
    return 0;
}

static void end_cell(struct sm_table *table) {
    table->column++;
    if (table->column == table->n_columns) table->column = 0;
    fputc(table->column ? '\t' : '\n', table->out.file);
}

/* A control character would end the cell or the row; it becomes a blank. */
void sm_table_text(struct sm_table *table, const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        fputc(*c < 0x20 || *c == 0x7f ? ' ' : *c, table->out.file);
    end_cell(table);
}

void sm_table_int(struct sm_table *table, int64_t value) {
    fprintf(table->out.file, "%" PRId64, value);
    end_cell(table);
}

void sm_table_real(struct sm_table *table, double value) {
    char buffer[32];
    fputs(sm_real_text(value, buffer), table->out.file);
    end_cell(table);
}

int sm_table_close(struct sm_table *table, struct sm_error *err) {
    assert(table->column == 0);
    int status = table->out.path ? sm_outfile_close(&table->out, err) : 0;
    free(table);
    return status;
}

void sm_table_abandon(struct sm_table *table) {
    if (!table) return;
    if (table->out.path) sm_outfile_abandon(&table->out);
    free(table);
}

/* %g drops trailing zeros, so 15 digits already give the shortest text of every number that has one of at most 15
 * (any decimal of 15 digits survives the way through a double); 17 always suffice. */
const char *sm_real_text(double value, char buffer[32]) {
    if (isnan(value)) return strcpy(buffer, "nan");
    if (isinf(value)) return strcpy(buffer, value > 0 ? "inf" : "-inf");
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, 32, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value) break;
    }
    return buffer;
}
